"""One training: how it was asked for, what it is about, and the folder that it holds for itself."""

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Generic, TypeVar

import filelock
import numpy as np
from numpy.typing import NDArray

from photoclass.atomic import remove_leftovers
from photoclass.errors import OutputError, SettingsError, TrainingError
from photoclass.model.folder import data_fingerprint
from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.photos.table import SPLITS
from photoclass.progress import Progress
from photoclass.text import printable
from photoclass.training.compute import Compute
from photoclass.training.frozen.features import FeaturedPhotos
from photoclass.training.recipes.recipes import Recipe
from photoclass.training.recipes.settings import named_settings
from photoclass.training.stopping import StopRequest
from photoclass.training.tracking.base import NO_RECORDS, Records, check_logs
from photoclass.workspace import Workspace


@dataclass(frozen=True)
class TrainOptions:
    """How to train, besides the recipe.

    Attributes:
        seed: Decides the splits that are not given, and all randomness; None for 0, or that of the resumed run.
        minutes: Stop in time to be done after this many, with the best so far.
        resume: Go on from the checkpoint in the run's folder.
        force: Resume even if data or settings are others now.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `auto`, `bf16` or `fp32`.
        fixes: A fixes file, whose labels go before DATA's own.
        log: Where else the run is recorded: `tensorboard`, `mlflow`, both or none.
        report: Whether the run ends with a report, RUN/report.html.
    """

    seed: int | None = None
    minutes: float | None = None
    resume: bool = False
    force: bool = False
    device: str = "auto"
    precision: str = "auto"
    fixes: Path | None = None
    log: tuple[str, ...] = ()
    report: bool = True

    def __post_init__(self) -> None:
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise SettingsError(f"seed is {self.seed}; it must be from 0 to {2**63 - 1}")
        check_logs(self.log)


DEFAULT_OPTIONS = TrainOptions()


Photos = TypeVar("Photos", CachedPhotos, FeaturedPhotos)
ItsRecipe = TypeVar("ItsRecipe", bound=Recipe)


@dataclass(frozen=True)
class TrainRequest(Generic[ItsRecipe]):
    """What one training was asked for.

    Attributes:
        data: Labelled photos.
        out: The model folder, which is held for this training.
        recipe: What to train.
        seed: Decides all randomness.
        options: How.
        saved: What the checkpoint's run was about, where one is resumed.
        stop: Lets the caller end the training early, in good order.
        workspace: The cache folder, the number of workers, and who receives progress reports.
        records: Where else it is recorded.
    """

    data: Path
    out: Path
    recipe: ItsRecipe
    seed: int
    options: TrainOptions
    saved: dict[str, Any] | None
    stop: StopRequest
    workspace: Workspace
    records: Records = NO_RECORDS

    @property
    def progress(self) -> Progress:
        """Return what receives progress reports."""
        return self.workspace.progress


@dataclass(frozen=True)
class Run(Generic[Photos, ItsRecipe]):
    """What every step of one training needs.

    Attributes:
        asked: What it was asked for.
        photos: All photos, each with its split.
        near-duplicates: Shape (N,), the same number for photos that are near-duplicates.
        compute: Where and how precisely.
    """

    request: TrainRequest[ItsRecipe]
    photos: Photos
    duplicates: NDArray[np.int64]
    compute: Compute

    @property
    def out(self) -> Path:
        """Return the model folder."""
        return self.request.out

    @property
    def recipe(self) -> ItsRecipe:
        """Return what is trained, with all its numbers."""
        return self.request.recipe

    @property
    def seed(self) -> int:
        """Return what decides all randomness."""
        return self.request.seed

    @property
    def progress(self) -> Progress:
        """Return what receives progress reports."""
        return self.request.progress

    def of_split(self, split: int) -> NDArray[np.bool_]:
        """Tell which photos are of one split; shape (N,)."""
        return np.asarray(self.photos.table.splits == split)

    def part(self, split: int) -> Photos:
        """Return the photos of one split."""
        return self.photos.select(self.of_split(split))

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the classes, in order."""
        return self.photos.table.class_names

    def about(self) -> dict[str, str]:
        """Return in words, for a log, all settings and what else is clear before the training."""
        table, names = self.photos.table, ", ".join(self.class_names)
        counts = {f"photos_{name}": str(int((table.splits == i).sum())) for i, name in enumerate(SPLITS)}
        words = {
            name: ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            for name, value in named_settings(self.recipe)
        }
        return {
            "recipe": self.recipe.name,
            **words,
            "seed": str(self.seed),
            "device": self.compute.device,
            "precision": self.compute.precision,
            "class_names": printable(names if len(names) < 500 else f"{len(self.class_names)} classes"),
            **counts,
            "data_fingerprint": data_fingerprint(self.photos.contents, table),
            "photoclass_version": metadata.version("photoclass"),
        }

    def identity(self) -> dict[str, Any]:
        """Return what must be the same for a run to go on. How long it trains may change."""
        # As it comes back from the checkpoint: JSON knows lists, no tuples.
        settings: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self.recipe)))
        return {
            "data": data_fingerprint(self.photos.contents, self.photos.table),
            "recipe": self.recipe.name,
            "settings": settings,
            "seed": self.seed,
            "device": self.compute.device,
            "precision": self.compute.precision,
        }


def changes(saved: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Name what is other now than it was; how long to train may be, where the learning rate does not hang on it."""
    free = ("patience",) if now["settings"]["loop"]["schedule"] == "one-cycle" else ("patience", "epochs")
    saved, now = (
        {
            **identity,
            "settings": {**identity["settings"], "loop": {**identity["settings"]["loop"], **dict.fromkeys(free)}},
        }
        for identity in (saved, now)
    )
    return [name for name in now if saved.get(name) != now[name]]


def checkpoint_path(folder: Path) -> Path:
    """Return where a run's checkpoint lies."""
    return folder / "resume" / "checkpoint.safetensors"


@contextmanager
def own_folder(out: Path, resume: bool) -> Iterator[None]:
    """Hold the folder for this run alone; leave no trace of a run that came to nothing.

    Raises:
        OutputError: Another run holds it, it is not empty, or it cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: is a file; choose another --out")
    resume_folder = checkpoint_path(out).parent
    try:
        held = [p for p in out.iterdir() if p != resume_folder] if out.is_dir() else []
    except OSError as error:
        raise OutputError(f"{out}: cannot be read ({error.strerror}); choose another --out") from error
    unfinished = checkpoint_path(out).exists()
    if (held or unfinished) and not resume:
        advice = "go on with --resume, or choose" if unfinished else "choose"
        raise OutputError(f"{out}: is not empty; {advice} another --out")
    if resume and not unfinished:
        raise TrainingError(f"{out}: there is no checkpoint to resume from; leave out --resume to start")
    try:
        resume_folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(resume_folder / "lock", timeout=0)
        lock.acquire()
    except filelock.Timeout:
        raise OutputError(f"{out}: another run is training there; wait for it or choose another --out") from None
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror}); choose another --out") from error
    try:
        remove_leftovers(out)
        remove_leftovers(resume_folder)
        yield
    finally:
        came_to_nothing = not checkpoint_path(out).exists()
        lock.release()
        if came_to_nothing:
            (resume_folder / "lock").unlink(missing_ok=True)
            with suppress(OSError):  # what the user put there in the meantime stays
                resume_folder.rmdir()
                out.rmdir()
