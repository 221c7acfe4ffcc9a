"""What the choices of `resnet` give, each with several seeds on the same photos.

    python benchmarks/resnet_seeds.py DATA [--seeds 0 1 2] [--choices NAME ...]
    python benchmarks/resnet_seeds.py DATA --minutes 15

Seed 0 divides DATA, for the other seeds as well: what differs is the order of photos, their variation and the weights
at the start. Without --minutes, each row leaves out one choice, in trainings that are short; the rows are taken in
turn, seed by seed, after the first with all pixels in the cache. With --minutes, the recipe is trained as it is, with
an empty cache.

The last column is the mean over seeds of how far the held-out log loss lies above that of the recipe as it is, with the
same seed, and the least and the most of it.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measuring import machine

from photoclass.photos.table import SPLITS
from photoclass.training.prepare import split_photos
from photoclass.training.recipes.recipes import SmallCnnRecipe
from photoclass.workspace import Workspace

_SHORT = {"epochs": "5", "sides": "48,64", "image_size": "80"}
_AS_IT_IS = "as it is"
# In 625 steps, a muon_rate of 0.0112 turns kernels by 0.02 radians a step, where the recipe's turns them by 0.048.
_CHOICES = {
    _AS_IT_IS: {},
    "all by AdamW, no kernels by Muon": {"muon_rate": "0"},
    "kernels turn by 0.02 a step": {"muon_rate": "0.0112"},
    "parts of 90 % and more": {"crop": "0.9"},
    "pictures of 64 pixels all along": {"sides": "64"},
    "the same, in about the recipe's time": {"sides": "64", "epochs": "4"},
}


@dataclass(frozen=True)
class TrainResult:
    """What one training gave; losses in nats.

    Attributes:
        seconds: Of the whole process.
        epochs: In all.
        valid_loss: On the photos that chose epoch and temperature.
        held_out_loss: On photos that chose nothing.
        held_out_accuracy: On these, from 0 to 1.
    """

    seconds: float
    epochs: float
    valid_loss: float
    held_out_loss: float
    held_out_accuracy: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--choices", nargs="+", choices=list(_CHOICES), default=list(_CHOICES))
    what.add_argument("--minutes", type=float, help="train the recipe as it is, for so long")
    arguments = parser.parse_args()
    found: dict[str, list[TrainResult]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        photos = Path(scratch) / "photos.csv"
        write_division(arguments.data, photos)
        for seed in arguments.seeds:
            for name in [_AS_IT_IS] if arguments.minutes else arguments.choices:
                words = text_of(arguments.minutes, _CHOICES[name])
                cache = Path(scratch) / (f"cache-{seed}" if arguments.minutes else "cache")
                found.setdefault(name, []).append(trained(photos, seed, words, Path(scratch), cache))
                print(f"  seed {seed}, {name}: {found[name][-1]}", flush=True)
    print(f"\n{machine()}\nseeds {', '.join(map(str, arguments.seeds))}: mean (least to most)\n")
    print("| what | epochs | seconds | validation log loss | held-out log loss | accuracy | above the recipe |")
    print("| --- " * 7 + "|")
    for name, runs in found.items():
        print(row_of(name, runs, found.get(_AS_IT_IS)))


def write_division(data: Path, file: Path) -> None:
    """Write the photos of DATA as a CSV of image, label and split, as `train` divides them with seed 0."""
    table = split_photos(data, SmallCnnRecipe(), 0, Workspace())[0].table
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "label", "split"])
        for path, label, split in zip(table.paths, table.labels.tolist(), table.splits.tolist(), strict=True):
            writer.writerow([Path(path).resolve(), table.class_names[label], SPLITS[split]])


def text_of(minutes: float | None, changed: dict[str, str]) -> list[str]:
    """Return what the command is told beside photos, seed and folder."""
    if minutes:
        return ["--minutes", f"{minutes:g}"]
    settings = [f"{name}={value}" for name, value in {**_SHORT, **changed}.items()]
    return [word for setting in settings for word in ("--set", setting)]


def trained(photos: Path, seed: int, words: Sequence[str], scratch: Path, cache: Path) -> TrainResult:
    """Train with the command."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        command = [sys.executable, "-m", "photoclass.cli", "train", str(photos), "--recipe", "resnet", *words]
        command += ["--seed", str(seed), "--out", f"{folder}/run", "--no-report"]
        environment = {**os.environ, "PHOTOCLASS_CACHE": str(cache)}
        started_at = time.perf_counter()
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - started_at
        model = json.loads(Path(folder, "run", "model.json").read_text())
    valid, held_out = model["metrics"]["valid"], model["metrics"]["held_out"]
    epochs = model["trained"]["epochs"]
    return TrainResult(seconds, epochs, valid["log_loss"], held_out["log_loss"], held_out["accuracy"])


def row_of(name: str, runs: Sequence[TrainResult], as_it_is: Sequence[TrainResult] | None) -> str:
    """Return a row of the table."""
    above = "–"
    if as_it_is and name != _AS_IT_IS:
        pairs = zip(runs, as_it_is, strict=True)
        above = mean_spread([run.held_out_loss - other.held_out_loss for run, other in pairs], 4, "+")
    cells = [
        mean_spread([run.epochs for run in runs], 1),
        mean_spread([run.seconds for run in runs], 0),
        mean_spread([run.valid_loss for run in runs], 4),
        mean_spread([run.held_out_loss for run in runs], 4),
        mean_spread([100 * run.held_out_accuracy for run in runs], 2) + " %",
        above,
    ]
    return f"| {name} | {' | '.join(cells)} |"


def mean_spread(values: Sequence[float], digits: int, sign: str = "") -> str:
    """Say mean, least and most; one number where all are the same."""
    told = [f"{value:{sign},.{digits}f}" for value in (statistics.fmean(values), min(values), max(values))]
    return told[0] if min(values) == max(values) else f"{told[0]} ({told[1]} to {told[2]})"


if __name__ == "__main__":
    main()
