"""How fast predictions are written in each format, how large the files are, and how much memory it takes.

    python benchmarks/prediction_files.py [--photos 300000] [--classes 2]

Each format is written by a process of its own, from probabilities drawn at random.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common.measuring import machine

from photoclass.results.prediction_files.write import FORMATS, write_predictions
from photoclass.results.predictions import Predictions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=300_000)
    parser.add_argument("--classes", type=int, default=2)
    parser.add_argument("--only", choices=tuple(FORMATS), help="measure one format in this process")
    arguments = parser.parse_args()
    if arguments.only:
        print(measured(arguments.only, arguments.photos, arguments.classes))
        return
    print(f"{machine()}; {arguments.photos:,} photos, {arguments.classes} classes\n")
    print("| format | seconds | photos/s | MB | more memory, MB |")
    print("| --- | --- | --- | --- | --- |")
    for name in FORMATS:
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--only", name], check=True)


def measured(name: str, photos: int, classes: int) -> str:
    """Return a row of the table."""
    predictions = drawn(photos, classes)
    with tempfile.TemporaryDirectory() as folder:
        write_predictions(drawn(10, classes), Path(folder) / f"first.{name}")  # libraries are loaded
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        file = Path(folder) / f"predictions.{name}"
        started_at = time.perf_counter()
        write_predictions(predictions, file)
        seconds = time.perf_counter() - started_at
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
        size = file.stat().st_size / 1e6
    return f"| {name} | {seconds:.2f} | {photos / seconds:,.0f} | {size:.1f} | {more:.0f} |"


def drawn(photos: int, classes: int) -> Predictions:
    """Draw predictions at random."""
    random = np.random.default_rng(0)
    return Predictions(
        files=tuple(f"photos/{i:07}.jpg" for i in range(photos)),
        statuses=("ok",) * photos,
        probabilities=random.dirichlet([0.3] * classes, photos).astype(np.float32),
        class_names=tuple(f"class {i}" for i in range(classes)),
        truth=np.full(photos, -1),
        paths=("",) * photos,
    )


if __name__ == "__main__":
    main()
