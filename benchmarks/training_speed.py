"""Training photos a second, end to end: `small-cnn` beside the same recipe in Keras, in turn in one run.

    python benchmarks/training_speed.py DATA [--photos 3200] [--rounds 3] [--keras PYTHON]

Decoding for the pixel cache is done before; what is timed is a second epoch: augmentation, network, optimizer.
PYTHON is an interpreter in whose environment `tensorflow`, `scipy` and `pillow` are installed; without one, Keras is
left out. Keras decodes in every epoch, as the post's `flow_from_directory` does.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measuring import in_turn, machine, spread

from photoclass.photos.cache import default_cache
from photoclass.photos.read import read_data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=3200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keras", type=Path, help="a Python in whose environment tensorflow is installed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        copy_photos(arguments.data, folder / "photos", arguments.photos)
        measures: dict[str, Callable[[], float]] = {"photoclass": lambda: photoclass_rate(folder)}
        if arguments.keras:
            measures["keras"] = lambda: keras_rate(folder, arguments.keras)
        found = in_turn(measures, arguments.rounds)
    print(f"\n{machine()}\n{arguments.photos:,} photos at 150 px, batch 16, {arguments.rounds} rounds in turn\n")
    print("| what | training photos/s, median (least to most) |\n| --- | --- |")
    for name, rates in found.items():
        print(f"| {name} | {spread(rates)} |")
    if arguments.keras:
        ratios = [ours / theirs for ours, theirs in zip(found["photoclass"], found["keras"], strict=True)]
        print(f"| photoclass / keras, round by round | {spread(ratios, 2)} |")


def copy_photos(data: Path, folder: Path, count: int) -> None:
    """Lay out the first `count` photos, as many of each class, as train/CLASS and a few as valid/CLASS."""
    table = read_data(data, default_cache())
    classes = len(table.class_names)
    taken = [0] * classes
    valid = max(classes, count // 20) // classes
    for path, label in zip(table.paths, table.labels, strict=True):
        taken[label] += 1
        if taken[label] <= count // classes + valid:
            part = "valid" if taken[label] <= valid else "train"
            target = folder / part / table.class_names[label] / f"{taken[label]}{Path(path).suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(Path(path).read_bytes())


def photoclass_rate(folder: Path) -> float:
    """Train two epochs with the command and return the second one's photos/s."""
    with tempfile.TemporaryDirectory() as out:
        words = ["train", str(folder / "photos"), "--recipe", "small-cnn", "--epochs", "2", "--out", f"{out}/run"]
        subprocess.run([sys.executable, "-m", "photoclass.cli", *words], check=True, capture_output=True)
        with open(f"{out}/run/history.csv", newline="") as stream:
            return float(list(csv.DictReader(stream))[1]["photos_per_second"])


def keras_rate(folder: Path, python: Path) -> float:
    """Train two epochs of the post's recipe in Keras and return the second one's photos/s."""
    script = Path(__file__).with_name("keras_post.py")
    result = subprocess.run([python, script, folder / "photos" / "train"], check=True, capture_output=True, text=True)
    return float(result.stdout.split()[-1])


if __name__ == "__main__":
    main()
