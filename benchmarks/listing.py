"""Listing and reading: seconds until 20,000 photos are a table, plain, with a sidecar each, and through links.

python benchmarks/listing.py [--photos 20000] [--rounds 5]

Processor time, which on a shared machine is more reliable than wall-clock time. The files are few bytes each: what is
measured is finding them and giving them labels, not decoding; `hashing` is what every command does next.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from common.measuring import in_turn, machine, spread

from photoclass.photos.cache.photo_set import hash_contents
from photoclass.photos.sources.listing import list_files
from photoclass.photos.sources.read import read_data
from photoclass.photos.sources.read_photos import read_photos
from photoclass.progress import SILENT
from photoclass.workspace import Workspace

CLASSES = ("cats", "dogs")
START_OF_A_JPEG = b"\xff\xd8\xff\xe0"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folders = _make(Path(name), arguments.photos)
        measures = {
            f"{kind}, {what}": lambda work=work, folder=folder: _seconds(work, folder)
            for kind, folder in folders.items()
            for what, work in _works(Workspace(Path(name, "cache"))).items()
        }
        found = in_turn(measures, arguments.rounds)
    print(f"\n{machine()}; {arguments.photos:,} photos, processor seconds, median (least to most)\n")
    print("| | seconds |\n| --- | --- |")
    for measure, seconds in found.items():
        print(f"| {measure} | {spread(seconds, 3)} |")


def _make(root: Path, count: int) -> dict[str, Path]:
    """Make the three folders of photos."""
    folders = {"plain": root / "plain", "a sidecar each": root / "sidecars", "links": root / "links"}
    for folder in folders.values():
        for label in CLASSES:
            (folder / label).mkdir(parents=True)
    for number in range(count):
        name = f"{CLASSES[number % len(CLASSES)]}/IMG_{number}.jpg"
        for kind in ("plain", "a sidecar each"):
            (folders[kind] / name).write_bytes(START_OF_A_JPEG)
        (folders["a sidecar each"] / f"{name}.json").write_bytes(b"{}")
        (folders["links"] / name).symlink_to(folders["plain"] / name)
    return folders


def _works(workspace: Workspace) -> dict[str, Callable[[Path], object]]:
    return {
        "listing": lambda folder: list_files(str(folder)),
        "DATA": lambda folder: read_data(folder, workspace),
        "PHOTOS": lambda folder: read_photos([folder], workspace, CLASSES),
        "DATA and hashing": lambda folder: hash_contents(read_data(folder, workspace), SILENT),
    }


def _seconds(work: Callable[[Path], object], folder: Path) -> float:
    started_at = time.process_time()
    work(folder)
    return time.process_time() - started_at


if __name__ == "__main__":
    main()
