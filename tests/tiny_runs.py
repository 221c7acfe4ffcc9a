"""Tiny trainings: 48 drawn photos of 32 pixels, a network of a few hundred weights, three epochs."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor

from photoclass.networks.small_cnn import SmallCNN
from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.photos.data_paths import DataPaths
from photoclass.progress import SILENT, Progress
from photoclass.training.compute import Compute
from photoclass.training.finish import TrainResult
from photoclass.training.learners.network import fresh_state as state_of
from photoclass.training.loop.checkpoint import TrainingState
from photoclass.training.prepare import split_photos
from photoclass.training.recipes.settings import with_settings
from photoclass.training.recipes.small_cnn import SmallCnnSettings
from photoclass.training.run import TrainOptions, TrainRequest
from photoclass.training.run_folder import checkpoint_path
from photoclass.training.stopping import StopRequest
from photoclass.training.train import train
from photoclass.workspace import Workspace
from quick_export import keep_operators

keep_operators()

TINY: dict[str, Any] = {
    "image_size": 32,
    "epochs": 3,
    "batch_size": 8,
    "filters": (4, 4, 8),
    "dense_units": 8,
    "learning_rate": 0.01,
}


@dataclass
class Watch:
    """A progress that calls back: at each line, before each epoch, and after each step of the training.

    Attributes:
        on_step: Called with the number of steps heard of so far.
        on_epoch: Called with the title.
        on_line: Called with the line.
        lines: All lines.
        steps: Steps heard of so far.
    """

    on_step: Callable[[int], None] = lambda steps: None
    on_epoch: Callable[[str], None] = lambda title: None
    on_line: Callable[[str], None] = lambda line: None
    lines: list[str] = field(default_factory=list)
    steps: int = 0

    def say(self, line: str) -> None:
        self.lines.append(line)
        self.on_line(line)

    @contextlib.contextmanager
    def task(self, title: str, total: int, unit: str = "photos", done: int = 0) -> "Iterator[_WatchedTask]":
        if title.startswith("Epoch"):
            self.on_epoch(title)
        yield _WatchedTask(self, title)


@dataclass
class _WatchedTask:
    watch: Watch
    title: str

    def advance(self, count: int = 1, note: str = "") -> None:
        if self.title.startswith("Epoch"):
            self.watch.steps += 1
            self.watch.on_step(self.watch.steps)


def stop_after(steps: int, signal_number: int = 2) -> tuple[StopRequest, Watch]:
    """Return what ends a training after so many steps, as a signal at that moment would."""
    stop = StopRequest()

    def on_step(done: int) -> None:
        if done == steps:
            stop.signal_number = signal_number

    return stop, Watch(on_step=on_step)


@dataclass(frozen=True)
class Saved:
    """What a checkpoint holds."""

    counters: dict[str, Any]
    tensors: dict[str, Tensor]


def read_checkpoint(folder: Path) -> Saved:
    with safetensors.safe_open(checkpoint_path(folder), framework="pt") as opened:
        names = list(opened.keys())
        return Saved(json.loads(opened.metadata()["state"]), {name: opened.get_tensor(name) for name in names})


def assert_same_training(one: Saved, other: Saved) -> None:
    """See that two checkpoints are equal to the last bit, but for the time that they took."""
    assert one.tensors.keys() == other.tensors.keys()
    differing = [name for name, value in one.tensors.items() if not torch.equal(value, other.tensors[name])]
    assert not differing
    untimed = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
    for name in ("epoch", "step", "loss_sum", "correct", "seen", "stopped"):
        assert one.counters[name] == other.counters[name], name
    histories = [[[row[name] for name in untimed] for row in saved.counters["history"]] for saved in (one, other)]
    assert histories[0] == histories[1]


@dataclass(frozen=True)
class Tiny:
    """The drawn photos and how to train on them."""

    data: Path
    cache: Path

    def train(
        self,
        out: Path,
        *,
        data: Path | None = None,
        settings: dict[str, Any] | None = None,
        stop: StopRequest | None = None,
        progress: Progress = SILENT,
        **options: Any,
    ) -> TrainResult:
        given = TrainOptions(**{"precision": "fp32", "report": False, **options})
        settings = TINY if settings is None else settings
        workspace = Workspace(self.cache, 1, progress)
        return train(data or self.data, out, "small-cnn", settings, given, stop, workspace)

    def photos(self, seed: int = 0) -> CachedPhotos:
        request = TrainRequest(
            DataPaths.of(self.data), self.data, "small-cnn", seed, workspace=Workspace(self.cache, 1)
        )
        return split_photos(request, tiny_recipe())[0]


def tiny_recipe(**changes: Any) -> SmallCnnSettings:
    return with_settings(SmallCnnSettings(), {**TINY, **changes})


def fresh_state(recipe: SmallCnnSettings, classes: int = 2, seed: int = 0) -> TrainingState:
    network = SmallCNN(recipe.network, recipe.image_size, classes, torch.Generator().manual_seed(seed))
    return state_of(network, recipe.loop, Compute("cpu", "fp32", "for the test"))
