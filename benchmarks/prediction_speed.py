"""Photos/s from JPEG files to labels: `predict` beside Keras, alternating in one run; with and without start-up.

    python benchmarks/prediction_speed.py PHOTOS --model RUN [--rounds 5] [--bench PYTHON]

PHOTOS is a folder or a zip, and RUN a model folder of `small-cnn`: Keras runs the same network, the reference CNN of
*Cat or Dog? Image Classification using Convolutional Neural Networks*. PYTHON is an interpreter in whose environment
the extra `bench` is installed; without one, Keras is left out. Keras predicts as in the post, from
`flow_from_directory` at batch 1. Both write a row per photo. The first round is a warm-up and does not count.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from common.measuring import machine, spread

from photoclass.photos.sources.read_photos import read_photos
from photoclass.workspace import Workspace


@dataclass(frozen=True)
class Timing:
    """One run over all photos.

    Attributes:
        rate: Photos/s after start-up.
        seconds: Of the whole process.
    """

    rate: float
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bench", type=Path, help="a Python in whose environment the extra bench is installed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        count = copy_photos(arguments.photos, folder / "photos" / "all")
        measures: dict[str, Callable[[], Timing]] = {"photoclass": lambda: photoclass_timing(folder, arguments.model)}
        if arguments.bench:
            subprocess.run([arguments.bench, _keras_script(), "--save", folder / "reference.keras"], check=True)
            measures["Keras"] = lambda: keras_timing(folder, arguments.bench)
        found = timings_in_turn(measures, arguments.rounds)
    print(f"\n{machine()}\n{count:,} photos, {arguments.rounds} rounds in turn after one to warm up\n")
    print("| what | median (least to most) |\n| --- | --- |")
    for name, timings in found.items():
        print(f"| {name}, photos/s after start-up | {spread([t.rate for t in timings])} |")
        print(f"| {name}, whole process, seconds | {spread([t.seconds for t in timings], 2)} |")
    if arguments.bench:
        pairs = list(zip(found["photoclass"], found["Keras"], strict=True))
        rates = spread([ours.rate / theirs.rate for ours, theirs in pairs], 1)
        wholes = spread([theirs.seconds / ours.seconds for ours, theirs in pairs], 1)
        print(f"| times as fast, round by round, after start-up | {rates} |")
        print(f"| times as fast, round by round, whole process | {wholes} |")


def copy_photos(photos: Path, folder: Path) -> int:
    """Copy all photos of a folder or a zip into one folder; return how many."""
    folder.mkdir(parents=True)
    paths = read_photos([photos], Workspace()).paths
    for number, path in enumerate(paths):
        (folder / f"{number}{Path(path).suffix}").write_bytes(Path(path).read_bytes())
    return len(paths)


def timings_in_turn(measures: dict[str, Callable[[], Timing]], rounds: int) -> dict[str, list[Timing]]:
    """Take each measure once a round, one after the other, after a round to warm up."""
    found: dict[str, list[Timing]] = {name: [] for name in measures}
    for number in range(rounds + 1):
        for name, measure in measures.items():
            timing = measure()
            print(f"  round {number}, {name}: {timing.rate:,.0f} photos/s, {timing.seconds:.2f} s in all", flush=True)
            if number:
                found[name].append(timing)
    return found


def photoclass_timing(folder: Path, model: Path) -> Timing:
    """Predict with the command."""
    words = ["predict", str(folder / "photos"), "--model", str(model), "--out", str(folder / "ours.csv")]
    printed, seconds = _timed([sys.executable, "-m", "photoclass", *words])
    match = re.search(r"rows, ([\d,]+) photos/s", printed)
    if match is None:
        raise SystemExit(f"predict printed no rate: {printed}")
    return Timing(float(match[1].replace(",", "")), seconds)


def keras_timing(folder: Path, python: Path) -> Timing:
    """Predict with Keras."""
    words = [str(folder / name) for name in ("photos", "reference.keras", "theirs.csv")]
    printed, seconds = _timed([str(python), str(_keras_script()), *words])
    return Timing(float(printed.split()[-1]), seconds)


def _keras_script() -> Path:
    return Path(__file__).parent / "peers" / "prediction_speed_keras.py"


def _timed(command: list[str]) -> tuple[str, float]:
    """Run a command; return what it printed and how long it took."""
    started_at = time.perf_counter()
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return printed, time.perf_counter() - started_at


if __name__ == "__main__":
    main()
