"""One training run: what was requested, the photos that it trains on, and what identifies it."""

import dataclasses
import json
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import SettingsError
from photoclass.model.folder import data_fingerprint
from photoclass.paths import AnyPath
from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.photos.data_paths import DataPaths
from photoclass.photos.groups import join_groups
from photoclass.photos.sources.options import AS_IT_IS, ReadOptions
from photoclass.photos.split import USUAL_FRACTIONS, SplitFractions
from photoclass.photos.table import SPLITS, PhotoTable
from photoclass.text import printable
from photoclass.training.compute import Compute
from photoclass.training.frozen.features import FeaturedPhotos
from photoclass.training.recipes.settings import RecipeSettings, named_settings, setting_text
from photoclass.training.stopping import StopRequest
from photoclass.training.tracking.base import NO_RECORDS, Records, check_logs
from photoclass.workspace import Workspace


@dataclass(frozen=True)
class TrainOptions:
    """How to train, besides the recipe and its settings.

    Attributes:
        seed: Decides the splits that DATA does not give, and all randomness; None for 0, or that of the resumed run.
        minutes: Time budget: finish within this many minutes, with the best epoch so far.
        resume: Continue from the checkpoint in the run's folder; without one, start from the beginning.
        force: Resume even if data or settings have changed.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `auto`, `bf16` or `fp32`; for `features`, `auto`, `int8` or `fp32`.
        fixes: A fixes file, whose labels replace DATA's own.
        reading: How DATA is read where its names leave a choice.
        split: The shares of valid and held-out, for DATA that gives no splits; None for 80/10/10, or those of the
            resumed run.
        log: Experiment trackers that record the run: `tensorboard`, `mlflow`, `wandb`, `trackio`.
        report: Whether to write a report, RUN/report.html, at the end.
    """

    seed: int | None = None
    minutes: float | None = None
    resume: bool = False
    force: bool = False
    device: str = "auto"
    precision: str = "auto"
    fixes: AnyPath | None = None
    reading: ReadOptions = AS_IT_IS
    split: SplitFractions | None = None
    log: tuple[str, ...] = ()
    report: bool = True

    def __post_init__(self) -> None:
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise SettingsError(f"seed is {self.seed}; it must be from 0 to {2**63 - 1}")
        check_logs(self.log)


DEFAULT_OPTIONS = TrainOptions()


@dataclass(frozen=True)
class TrainRequest:
    """What was requested of one training.

    Attributes:
        data: Labelled photos.
        out: The model folder, which is locked for this run.
        recipe: The name of the recipe.
        seed: Decides all randomness.
        options: How to train.
        saved: The identity of the run that the checkpoint is of, where one is resumed.
        stop: Lets the caller end the training early.
        workspace: The cache folder, the number of workers, and who receives progress reports.
        records: Experiment trackers that record the run.
        table: The photos, where the caller has listed them already; `data` is then only what messages call them.
    """

    data: DataPaths
    out: Path
    recipe: str
    seed: int = 0
    options: TrainOptions = DEFAULT_OPTIONS
    saved: dict[str, Any] | None = None
    stop: StopRequest = dataclasses.field(default_factory=StopRequest)
    workspace: Workspace = dataclasses.field(default_factory=Workspace)
    records: Records = NO_RECORDS
    table: PhotoTable | None = None

    @property
    def fractions(self) -> SplitFractions:
        """The shares of valid and held-out: as requested, or those of the resumed run, or the usual ones."""
        saved = (self.saved or {}).get("split")
        return self.options.split or (SplitFractions.parse(saved) if saved else USUAL_FRACTIONS)

    def say(self, line: str) -> None:
        """Report one line of progress."""
        self.workspace.say(line)


@dataclass(frozen=True)
class Run:
    """What every step of one training needs.

    Attributes:
        request: What was requested.
        settings: All settings of the recipe, those included that it chose itself.
        photos: All photos, each with its split.
        duplicates: Shape (N,), the same number for photos that are near-duplicates of each other.
        compute: Device and precision.
    """

    request: TrainRequest
    settings: RecipeSettings
    photos: CachedPhotos | FeaturedPhotos
    duplicates: NDArray[np.int64]
    compute: Compute

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Shape (N,), the same number for photos that stay in one split: near-duplicates, and the user's groups."""
        return join_groups(self.duplicates, self.photos.table.groups)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the classes, in order."""
        return self.photos.table.class_names

    def in_split(self, split: int) -> NDArray[np.bool_]:
        """Return whether each photo is in a split; shape (N,)."""
        return np.asarray(self.photos.table.splits == split)

    def part(self, split: int) -> CachedPhotos | FeaturedPhotos:
        """Return the photos of a split."""
        return self.photos.select(self.in_split(split))

    def parameters(self) -> dict[str, str]:
        """Return as text, for experiment trackers, all settings and what else is known before the training."""
        table, names = self.photos.table, ", ".join(self.class_names)
        counts = {f"photos_{name}": str(int((table.splits == i).sum())) for i, name in enumerate(SPLITS)}
        settings = {name: setting_text(value) for name, value in named_settings(self.settings)}
        return {
            "recipe": self.request.recipe,
            **settings,
            "seed": str(self.request.seed),
            "device": self.compute.device,
            "precision": self.compute.precision,
            "class_names": printable(names if len(names) < 500 else f"{len(self.class_names)} classes"),
            **counts,
            "data_fingerprint": data_fingerprint(self.photos.contents, table),
            "photoclass_version": metadata.version("photoclass"),
        }

    def identity(self) -> dict[str, Any]:
        """Return what must not change for a run to be resumed. How long it trains may change; see `changes`."""
        # As it comes back from the checkpoint: JSON has lists, not tuples.
        settings: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self.settings)))
        return {
            "data": data_fingerprint(self.photos.contents, self.photos.table),
            "recipe": self.request.recipe,
            "settings": settings,
            "seed": self.request.seed,
            # Absent from checkpoints of older versions, where they read as None.
            "split": str(self.request.fractions) if self.request.fractions != USUAL_FRACTIONS else None,
            "group_by": self.request.options.reading.group_by or None,
            # Older versions sorted class names by code point: a run of theirs is not resumed in another order.
            "class_order": list(self.class_names) if list(self.class_names) != sorted(self.class_names) else None,
            # Older versions resized photos by another rule: half a training is not continued on other pixels.
            "resampling": self.photos.settings.resampling,
            "device": self.compute.device,
            "precision": self.compute.precision,
        }


def changes(saved: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Name what differs between two identities. The length of the training may, unless the schedule depends on it."""
    free = ("patience",) if now["settings"]["loop"]["schedule"] == "one-cycle" else ("patience", "epochs")
    saved, now = (
        {
            **identity,
            "settings": {**identity["settings"], "loop": {**identity["settings"]["loop"], **dict.fromkeys(free)}},
        }
        for identity in (saved, now)
    )
    return [name for name in now if saved.get(name) != now[name]]
