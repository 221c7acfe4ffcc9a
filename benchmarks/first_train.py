"""First training: seconds that `photoclass train` takes for a few photos with an empty cache, as a whole process.

python benchmarks/first_train.py PHOTOS [--per-class 100] [--quality good] [--rounds 5] [--python INTERPRETER]

PHOTOS is Kaggle's train.zip, or a folder of flat names that tell the class. Each round has a cache and a model folder
of its own: weights are read and verified, the backbone is written and compiled, features are computed, the report is
written. Processor time stands beside wall-clock time: on a shared machine it is more reliable. `--python` names the
interpreter of another environment, such as one without torch; with `--profile` one round runs under cProfile instead.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from common.measuring import machine, spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, metavar="PHOTOS")
    parser.add_argument("--per-class", type=int, default=100)
    parser.add_argument("--quality", default="good", choices=["fast", "good"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--python", default=sys.executable, metavar="INTERPRETER")
    parser.add_argument("--profile", type=Path, metavar="FILE", help="write the profile of one round instead")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = _some_photos(arguments.photos, folder / "photos", arguments.per_class)
        words = ["-m", "photoclass", "train", str(photos), "--quality", arguments.quality]
        if arguments.profile:
            _train([arguments.python, "-m", "cProfile", "-o", str(arguments.profile), *words], folder)
            return
        wall, processor = [], []
        _train([arguments.python, *words], folder)  # warm-up: fills the page cache and writes bytecode
        for _ in range(arguments.rounds):
            seconds, used = _train([arguments.python, *words], folder)
            wall.append(seconds)
            processor.append(used)
    count = 2 * arguments.per_class
    print(f"\n{machine()}\n{count} photos, quality {arguments.quality}, empty cache, {arguments.rounds} rounds\n")
    print("| seconds, median (least to most) | processor seconds |\n| --- | --- |")
    print(f"| {spread(wall, 2)} | {spread(processor, 2)} |")


def _some_photos(source: Path, folder: Path, per_class: int) -> Path:
    """Copy the first photos of each class into a folder, flat."""
    folder.mkdir(parents=True)
    for label in ("cat", "dog"):
        if source.is_dir():
            for path in sorted(source.glob(f"{label}.*"))[:per_class]:
                shutil.copy(path, folder)
            continue
        with zipfile.ZipFile(source) as archive:
            names = sorted(name for name in archive.namelist() if Path(name).name.startswith(f"{label}."))
            for name in names[:per_class]:
                (folder / Path(name).name).write_bytes(archive.read(name))
    return folder


def _train(words: list[str], folder: Path) -> tuple[float, float]:
    """Train with an empty cache; return the seconds of the process, and those of processors over all its threads."""
    cache, run = folder / "cache", folder / "run"
    started_at, before = time.perf_counter(), os.times()
    environment = {**os.environ, "PHOTOCLASS_CACHE": str(cache)}
    subprocess.run([*words, "--out", str(run)], check=True, capture_output=True, env=environment)
    seconds, after = time.perf_counter() - started_at, os.times()
    for made in (cache, run):
        shutil.rmtree(made)
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, used


if __name__ == "__main__":
    main()
