"""Quality and cost of `train --quality …`: scores, time of each stage, photos/s, and accuracy with few photos.

python benchmarks/features.py DATA [--qualities fast good best] [--draws 10]

Cold: with an empty cache. Warm: the same command again, with all features or feature maps in the cache. "Network alone"
is the throughput of the pretrained network on photos already decoded in memory; in a cold run, reading and decoding
take their share. "Few photos": 10 per class, drawn from the training photos and scored on the held-out ones; the mean
over the draws.
"""

import argparse
import contextlib
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from common.measuring import machine

from photoclass.networks.pretrained.efficientnet_lite import fold
from photoclass.photos.sources.read import read_data
from photoclass.training.frozen.backbones import Backbone, open_backbone, open_trunk
from photoclass.training.learners.finetune import TAIL
from photoclass.training.recipes.registry import QUALITIES
from photoclass.training.train import train
from photoclass.workspace import Workspace

_ALONE_PHOTOS = 600
_FEW = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--qualities", nargs="+", default=list(QUALITIES), choices=list(QUALITIES))
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)  # one training, in the process that is timed
    arguments = parser.parse_args()
    if arguments.out:
        train_timed(arguments.data, arguments.qualities[0], arguments.out)
        return
    scores, stages = [], []
    for quality in arguments.qualities:
        with tempfile.TemporaryDirectory() as folder:
            cold, model, cold_stages = in_subprocess(arguments.data, quality, Path(folder), "cold")
            warm, _, warm_stages = in_subprocess(arguments.data, quality, Path(folder), "warm")
            few = few_photos(arguments.data, quality, Path(folder), arguments.draws) if arguments.draws else "–"
        scores.append(score_row(quality, model, cold, warm, few))
        stages.append(stage_row(quality, cold_stages, "cold", cold))
        stages.append(stage_row(quality, warm_stages, "warm", warm))
        stages.append(f"| {quality} | network alone: {network_alone(quality):.0f} photos/s |")
    print(f"\n{machine()}\n")
    print("| quality | held-out log loss | accuracy | calibration error | on validation | cold | warm | few photos |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |\n" + "\n".join(scores))
    print("\n| quality | stages |\n| --- | --- |\n" + "\n".join(stages))


def score_row(quality: str, model: dict[str, Any], cold: float, warm: float, few: str) -> str:
    held_out, valid = model["metrics"]["held_out"], model["metrics"]["valid"]
    losses, accuracies = held_out["log_loss_ci95"], held_out["accuracy_ci95"]
    return (
        f"| {quality} ({model['training']['precision']}) "
        f"| {held_out['log_loss']:.4f} ({losses[0]:.4f} to {losses[1]:.4f}) "
        f"| {held_out['accuracy']:.2%} ({accuracies[0]:.2%} to {accuracies[1]:.2%}) | {held_out['ece']:.2%} "
        f"| {valid['log_loss']:.4f} | {cold:.0f} s | {warm:.1f} s | {few} |"
    )


def stage_row(quality: str, stages: dict[str, tuple[int, float]], name: str, seconds: float) -> str:
    parts = [
        f"{title} {took:.1f} s ({count / took:,.0f} photos/s)" for title, (count, took) in stages.items() if took > 0
    ]
    rest = seconds - sum(took for _, took in stages.values())
    return f"| {quality}, {name} | {', '.join(parts)}, everything else {rest:.1f} s |"


@dataclass
class StageClock:
    """A `Progress` that records how long each task took."""

    stages: dict[str, tuple[int, float]] = field(default_factory=dict)

    def say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def task(self, title: str, total: int, unit: str = "photos", done: int = 0) -> Iterator["StageClock"]:
        started_at = time.perf_counter()
        yield self
        self.stages[title] = (total - done, time.perf_counter() - started_at)

    def advance(self, count: int = 1, note: str = "") -> None:
        pass


def train_timed(data: Path, quality: str, out: Path) -> None:
    """Train in this process and print the stages as JSON."""
    recipe, settings = QUALITIES[quality]
    clock = StageClock()
    train(data, out, recipe, settings, workspace=Workspace(progress=clock))
    print(json.dumps(clock.stages))


def in_subprocess(
    data: Path, quality: str, folder: Path, name: str
) -> tuple[float, dict[str, Any], dict[str, tuple[int, float]]]:
    """Train in a subprocess; return its seconds with start-up, the content of model.json, and the stages."""
    command = [sys.executable, __file__, str(data), "--qualities", quality, "--out", str(folder / name)]
    started_at = time.perf_counter()
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=_environment(folder), text=True)
    seconds = time.perf_counter() - started_at
    return seconds, json.loads((folder / name / "model.json").read_text()), json.loads(result.stdout)


def few_photos(data: Path, quality: str, folder: Path, draws: int) -> str:
    """Train on few photos of each class with the command; return the mean accuracy and its range."""
    with open(folder / "cold" / "photos.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    table = read_data(data, Workspace(folder / "cache"))
    path_of = dict(zip(table.names, table.paths, strict=True))
    accuracies = []
    for draw in range(draws):
        generator = np.random.default_rng(draw)
        chosen = [row for row in rows if row["split"] != "train"]
        for label in sorted({row["label"] for row in rows}):
            candidates = [row for row in rows if row["split"] == "train" and row["label"] == label]
            chosen += [candidates[i] for i in generator.choice(len(candidates), _FEW, replace=False)]
        labels = folder / f"few-{draw}.csv"
        with open(labels, "w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["image", "label", "split"])
            writer.writerows([path_of[row["file"]], row["label"], row["split"]] for row in chosen)
        out = folder / f"few-{draw}"
        command = [sys.executable, "-m", "photoclass", "train", str(labels), "--out", str(out), "--quality", quality]
        subprocess.run(command, check=True, capture_output=True, env=_environment(folder))
        accuracies.append(json.loads((out / "model.json").read_text())["metrics"]["held_out"]["accuracy"])
    return f"{statistics.mean(accuracies):.2%} ({min(accuracies):.2%} to {max(accuracies):.2%})"


def network_alone(quality: str) -> float:
    """Photos/s of the pretrained network, or of its frozen part, on pixels in memory."""
    backbone = _backbone(quality)
    side = backbone.image_size
    pixels = np.random.default_rng(0).integers(0, 256, (32, side, side, 3), dtype=np.uint8)
    photos = [pixels[i % len(pixels)] for i in range(_ALONE_PHOTOS)]
    list(backbone.engine.rows(photos[:64]))
    started_at = time.perf_counter()
    list(backbone.engine.rows(photos))
    return _ALONE_PHOTOS / (time.perf_counter() - started_at)


def _backbone(quality: str) -> Backbone:
    recipe, settings = QUALITIES[quality]
    if recipe == "features":
        return open_backbone(settings["backbone"])
    network = fold(settings["backbone"])
    return open_trunk(settings["backbone"], network, len(network.blocks) - TAIL)[0]


def _environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PHOTOCLASS_CACHE": str(folder / "cache")}


if __name__ == "__main__":
    main()
