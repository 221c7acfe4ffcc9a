"""What the form of DATA costs: processor seconds to read its photos and labels, first and again, and peak memory.

python benchmarks/data_forms.py FOLDER [--runs 3]

The photos of FOLDER (class folders) are written as a zip, a tar, a tar with gzip, Parquet and an Arrow stream, each
read in a process of its own with an empty cache and again with a full one. Reading ends with a table of paths and
labels; for archives and tables, the photos are in the cache then. The tar is also unpacked with Python's `tarfile`, to
compare the readers.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from common.measuring import machine, spread

from photoclass.photos.convert.convert import convert
from photoclass.photos.sources.read import read_data
from photoclass.workspace import Workspace

_TARFILE = "the tar, unpacked with tarfile"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--cache", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        print(json.dumps(read_once(arguments.read, arguments.cache)))
        return
    print(f"{machine()}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        forms = write_forms(arguments.folder, folder)
        found: dict[str, list[tuple[float, float, float]]] = {form: [] for form in (*forms, _TARFILE)}
        for _ in range(arguments.runs):  # one after the other, so that a drift in speed affects all alike
            for form, data in forms.items():
                found[form].append(measure(data, folder / "cache"))
            found[_TARFILE].append((unpack_with_tarfile(forms["tar"], folder / "plain"), 0, 0))
    print("| form | first, s | again, s | peak memory, MB |\n| --- | --- | --- | --- |")
    for form, rounds in found.items():
        first, again, peak = (list(values) for values in zip(*rounds, strict=True))
        more = f"{spread(again, 2)} | {max(peak):.0f}" if form != _TARFILE else "– | –"
        print(f"| {form} | {spread(first, 2)} | {more} |")


def write_forms(folder: Path, out: Path) -> dict[str, Path]:
    """Write the photos in each form."""
    base = str(out / "photos")
    forms = {
        "folder": folder,
        "zip": Path(shutil.make_archive(base, "zip", folder)),
        "tar": Path(shutil.make_archive(base, "tar", folder)),
        "tar.gz": Path(shutil.make_archive(base, "gztar", folder)),
        "parquet": convert(folder, "parquet", out / "parquet", workspace=Workspace(out / "cache")).data,
        "csv": convert(folder, "csv", out / "csv", workspace=Workspace(out / "cache")).data,
    }
    forms["arrow"] = write_arrow(next((forms["parquet"] / "data").iterdir()), out / "photos.arrow")
    return forms


def write_arrow(parquet_file: Path, out: Path) -> Path:
    """Write a Parquet file as an Arrow stream, as the cache of `datasets` has it."""
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetFile(parquet_file) as table, pa.ipc.new_stream(str(out), table.schema_arrow) as writer:
        for batch in table.iter_batches(100):
            writer.write_batch(batch)
    return out


def measure(data: Path, cache: Path) -> tuple[float, float, float]:
    """Return the seconds of a first and of a second reading, and the peak memory of both in MB."""
    shutil.rmtree(cache, ignore_errors=True)
    command = [sys.executable, __file__, str(data), "--read", str(data), "--cache", str(cache)]
    runs = [json.loads(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(2)]
    return runs[0]["seconds"], runs[1]["seconds"], max(run["megabytes"] for run in runs)


def read_once(data: Path, cache: Path) -> dict[str, float]:
    """Read DATA in this process."""
    begun = time.process_time()
    read_data(data, Workspace(cache))
    seconds = time.process_time() - begun
    # Not `ru_maxrss`, which begins with what the parent process had.
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return {"seconds": seconds, "megabytes": int(peak.split()[1]) / 1024}


def unpack_with_tarfile(archive: Path, folder: Path) -> float:
    """Return how long Python's own reader of tars takes."""
    shutil.rmtree(folder, ignore_errors=True)
    begun = time.process_time()
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return time.process_time() - begun


if __name__ == "__main__":
    main()
