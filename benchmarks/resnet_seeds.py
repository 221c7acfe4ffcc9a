"""An ablation of the `resnet` recipe: what each of its choices is worth, over several seeds on the same photos.

    python benchmarks/resnet_seeds.py DATA [--seeds 0 1 2] [--choices NAME ...]
    python benchmarks/resnet_seeds.py DATA --minutes 15

All seeds share the split that seed 0 makes: what differs is the order of photos, their augmentation and the initial
weights. Without --minutes, each row leaves out one choice, in short trainings that take turns, seed by seed; from the
second training on, all pixels are in the cache. With --minutes, the unchanged recipe is trained with an empty cache.

The last column is the difference in held-out log loss to the unchanged recipe with the same seed: mean over seeds
(least to most).
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

from common.measuring import machine

from photoclass.photos.table import SPLITS
from photoclass.training.prepare import split_photos
from photoclass.training.recipes.small_cnn import SmallCnnSettings
from photoclass.training.run import TrainRequest

_SHORT = {"epochs": "5", "sides": "48,64", "image_size": "80"}
_UNCHANGED = "unchanged"
# In 625 steps, a muon_rate of 0.0112 rotates kernels by 0.02 radians a step; the recipe's own rate by 0.048.
_CHOICES = {
    _UNCHANGED: {},
    "AdamW alone, without Muon": {"muon_rate": "0"},
    "Muon steps of 0.02 radians": {"muon_rate": "0.0112"},
    "random resized crops of 90 % and more": {"crop": "0.9"},
    "images of 64 pixels throughout": {"sides": "64"},
    "the same, in about the recipe's time": {"sides": "64", "epochs": "4"},
}


@dataclass(frozen=True)
class Outcome:
    """Result of one training; losses in nats.

    Attributes:
        seconds: Of the whole process.
        epochs: In total.
        valid_loss: On the validation photos, which selected the epoch and the temperature.
        held_out_loss: On the held-out photos, which selected nothing.
        held_out_accuracy: On the held-out photos, from 0 to 1.
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
    what.add_argument("--minutes", type=float, help="train the unchanged recipe for this many minutes")
    arguments = parser.parse_args()
    found: dict[str, list[Outcome]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        photos = Path(scratch) / "photos.csv"
        write_split(arguments.data, photos)
        for seed in arguments.seeds:
            for name in [_UNCHANGED] if arguments.minutes else arguments.choices:
                options = options_for(arguments.minutes, _CHOICES[name])
                cache = Path(scratch) / (f"cache-{seed}" if arguments.minutes else "cache")
                found.setdefault(name, []).append(train(photos, seed, options, Path(scratch), cache))
                print(f"  seed {seed}, {name}: {found[name][-1]}", flush=True)
    print(f"\n{machine()}\nseeds {', '.join(map(str, arguments.seeds))}: mean (least to most)\n")
    print("| what | epochs | seconds | validation log loss | held-out log loss | accuracy | above unchanged |")
    print("| --- " * 7 + "|")
    for name, runs in found.items():
        print(row_of(name, runs, found.get(_UNCHANGED)))


def write_split(data: Path, file: Path) -> None:
    """Write the photos of DATA as a CSV of image, label and split, as `train` splits them with seed 0."""
    table = split_photos(TrainRequest(data, data, "small-cnn"), SmallCnnSettings())[0].table
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "label", "split"])
        for path, label, split in zip(table.paths, table.labels.tolist(), table.splits.tolist(), strict=True):
            writer.writerow([Path(path).resolve(), table.class_names[label], SPLITS[split]])


def options_for(minutes: float | None, changed: dict[str, str]) -> list[str]:
    """Return the options of `train` besides photos, seed and folder."""
    if minutes:
        return ["--minutes", f"{minutes:g}"]
    settings = [f"{name}={value}" for name, value in {**_SHORT, **changed}.items()]
    return [part for setting in settings for part in ("--set", setting)]


def train(photos: Path, seed: int, options: Sequence[str], scratch: Path, cache: Path) -> Outcome:
    """Train with the command."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        command = [sys.executable, "-m", "photoclass", "train", str(photos), "--recipe", "resnet", *options]
        command += ["--seed", str(seed), "--out", f"{folder}/run", "--no-report"]
        environment = {**os.environ, "PHOTOCLASS_CACHE": str(cache)}
        started_at = time.perf_counter()
        subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - started_at
        model = json.loads(Path(folder, "run", "model.json").read_text())
    valid, held_out = model["metrics"]["valid"], model["metrics"]["held_out"]
    epochs = model["training"]["loop"]["epochs"]
    return Outcome(seconds, epochs, valid["log_loss"], held_out["log_loss"], held_out["accuracy"])


def row_of(name: str, runs: Sequence[Outcome], unchanged: Sequence[Outcome] | None) -> str:
    """Return a row of the table."""
    above = "–"
    if unchanged and name != _UNCHANGED:
        pairs = zip(runs, unchanged, strict=True)
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
    """Format mean, least and most; a single number where all are equal."""
    numbers = [f"{value:{sign},.{digits}f}" for value in (statistics.fmean(values), min(values), max(values))]
    return numbers[0] if min(values) == max(values) else f"{numbers[0]} ({numbers[1]} to {numbers[2]})"


if __name__ == "__main__":
    main()
