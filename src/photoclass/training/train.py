"""`train`: from DATA to a model folder."""

import csv
import dataclasses
import json
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from photoclass.atomic import atomic_text, remove_leftovers
from photoclass.errors import DataError, Interrupted, OutputError, SettingsError, TrainingError
from photoclass.model.card import write_card
from photoclass.model.folder import (
    ModelInfo,
    data_fingerprint,
    load_info,
    save_model,
    save_photos,
    save_valid_predictions,
)
from photoclass.model.runtime import Runtime
from photoclass.photos.cache import CachedPhotos, cache_photos, default_cache
from photoclass.photos.read import read_data
from photoclass.photos.split import assign_splits, check_splits
from photoclass.photos.table import HELD_OUT, SPLITS, TRAIN, VALID, SetAside, count_by_class
from photoclass.photos.twins import group_twins
from photoclass.progress import SILENT, Progress
from photoclass.results.curves import draw_curves
from photoclass.results.evaluate import predict_cached
from photoclass.results.score import Score, score_predictions
from photoclass.training.checkpoint import (
    TrainingState,
    checkpoint_path,
    load_checkpoint,
    read_identity,
    save_checkpoint,
)
from photoclass.training.compute import (
    Compute,
    choose_compute,
    keep_freed_memory,
    leave_threads_to_the_network,
)
from photoclass.training.export import export_onnx, trained_probabilities
from photoclass.training.loop import Fit, adam, fit
from photoclass.training.recipes import DEFAULT_RECIPE, SmallCnnRecipe, find_recipe
from photoclass.training.settings import from_saved, with_settings
from photoclass.training.stopping import EpochRow, StopRequest, best_epoch

# What the exported file may differ from the trained network by, in probability, in full precision.
_EXPORT_TOLERANCE = 1e-3
_EXPORT_PHOTOS = 64
_EXPORT_SECONDS = 10.0
_PREDICTED_PER_SECOND = 300.0
# Drawing takes a third of a second: nothing beside an epoch of real photos, much beside one of a few drawings.
_DRAW_EVERY_SECONDS = 20.0


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
        workers: Processes to decode in; as many as there are processors when None.
        cache: The cache folder; the user's when None.
    """

    seed: int | None = None
    minutes: float | None = None
    resume: bool = False
    force: bool = False
    device: str = "auto"
    precision: str = "auto"
    workers: int | None = None
    cache: Path | None = None

    def __post_init__(self) -> None:
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise SettingsError(f"seed is {self.seed}; it must be from 0 to {2**63 - 1}")


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Attributes:
        folder: The model folder.
        info: What its model.json says.
        scores: Of the validation split and, where there is one, of the held-out split.
        history: The epochs.
        photos: What it was trained, chosen and scored on.
    """

    folder: Path
    info: ModelInfo
    scores: tuple[Score, ...]
    history: tuple[EpochRow, ...]
    photos: CachedPhotos

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        """Photos that could not be read."""
        return self.photos.table.set_aside


@dataclass(frozen=True)
class _Run:
    """What every step of one training needs."""

    out: Path
    photos: CachedPhotos
    recipe: SmallCnnRecipe
    seed: int
    compute: Compute
    progress: Progress

    def part(self, split: int) -> CachedPhotos:
        return self.photos.select(self.photos.table.splits == split)

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.photos.table.class_names

    def identity(self) -> dict[str, Any]:
        """What must be the same for a run to go on. How long it trains may change."""
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


def train(
    data: Path,
    out: Path,
    recipe: str | None = None,
    settings: Mapping[str, Any] | None = None,
    options: TrainOptions = TrainOptions(),
    stop: StopRequest | None = None,
    progress: Progress = SILENT,
) -> Trained:
    """Train a model on DATA and write its folder.

    Args:
        data: Labelled photos in any of the forms of `photos.read.read_data`.
        out: The model folder; new or empty, unless resumed.
        recipe: The name of what to train; None for `small-cnn`, or that of the resumed run.
        settings: Numbers of the recipe to set, by name; words are parsed. The rest is the recipe's, or the resumed
            run's.
        options: How.
        stop: Lets the caller end the training early, in good order.
        progress: Hears of the advance.

    Raises:
        DataError: DATA cannot be read or trained on.
        OutputError: `out` is in use, not empty, or cannot be written.
        TrainingError: It cannot be resumed, or the loss became no number before any epoch was done.
        Interrupted: A signal came; the checkpoint is kept.
    """
    stop = stop or StopRequest()
    if options.minutes is not None and stop.deadline is None:
        stop.deadline = time.monotonic() + 60 * options.minutes
    with _own_folder(out, options.resume):
        saved = read_identity(out) if options.resume else None
        numbers, seed = _chosen(recipe, settings or {}, options.seed, saved)
        compute = choose_compute(options.device, options.precision)
        photos = split_photos(data, numbers, seed, options, progress)
        run = _Run(out, photos, numbers, seed, compute, progress)
        changed = _changes(saved, run.identity()) if saved else []
        if changed and not options.force:
            raise TrainingError(
                f"{out}: was begun with other {', '.join(changed)}; give the same again, choose another --out to start "
                "anew, or --force to go on all the same"
            )
        state = _fresh_state(run)
        if saved:
            load_checkpoint(out, state)
            if changed:
                # What is done of the epoch was done on other photos or in other batches: it begins anew.
                state.start_epoch(state.epoch)
            progress.say(f"resumed at epoch {state.epoch + 1}, photo {state.seen:,}")
        _train_network(run, state, stop)
        return _finish(run, state)


def split_photos(
    data: Path, recipe: SmallCnnRecipe, seed: int, options: TrainOptions, progress: Progress = SILENT
) -> CachedPhotos:
    """Read DATA, decode it into the cache, and give every photo its split.

    Raises:
        DataError: DATA cannot be read or trained on.
    """
    cache = options.cache or default_cache()
    table = read_data(data, cache, progress)
    for note in table.notes:
        progress.say(note)
    photos = cache_photos(table, recipe.decode_settings(), cache, options.workers, progress)
    if len(photos) == 0:
        raise DataError(f"{data}: none of its {len(table):,} files is a photo that can be read")
    twins = group_twins(photos.all_fingerprints())
    given = photos.table.splits
    splits = assign_splits(photos.contents, twins, photos.table.labels, given, seed)
    check_splits(splits, photos.table.labels, photos.table.class_names, str(data))
    photos = dataclasses.replace(photos, table=dataclasses.replace(photos.table, splits=splits))
    for line in (*_words_on_photos(photos), *_words_on_twins(photos, twins)):
        progress.say(line)
    return photos


def _words_on_photos(photos: CachedPhotos) -> Iterator[str]:
    table = photos.table
    classes = ", ".join(f"{count:,} {name}" for name, count in count_by_class(table.labels, table.class_names).items())
    parts = ", ".join(f"{int((table.splits == i).sum()):,} {name}" for i, name in enumerate(SPLITS))
    yield f"{len(photos):,} photos ({classes}): {parts}"


def _words_on_twins(photos: CachedPhotos, twins: NDArray[np.int64]) -> Iterator[str]:
    """Say where the same picture stands in two classes or on both sides of a split that the user made."""
    table = photos.table
    for values, what, why in (
        (table.labels, "classes", "one of the labels must be wrong"),
        (table.splits, "splits", "a score on them is flattered"),
    ):
        pairs = np.unique(np.stack([twins, values.astype(np.int64)]), axis=1)
        groups, counts = np.unique(pairs[0], return_counts=True)
        if (counts > 1).any():
            example = table.names[groups[counts > 1][0]]
            yield f"{int((counts > 1).sum()):,} pictures stand in two {what} (as {example}): {why}"


def _chosen(
    name: str | None, settings: Mapping[str, Any], seed: int | None, saved: dict[str, Any] | None
) -> tuple[SmallCnnRecipe, int]:
    """Return the recipe and seed asked for; where nothing is asked for, those of the run that is resumed."""
    if saved is None:
        return with_settings(find_recipe(name or DEFAULT_RECIPE), settings), seed or 0
    recipe = find_recipe(name or saved["recipe"])
    if recipe.name == saved["recipe"]:
        recipe = from_saved(recipe, saved["settings"])
    return with_settings(recipe, settings), saved["seed"] if seed is None else seed


def _changes(saved: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Name what is other now than it was; how long to train (epochs, patience) may be."""
    free = {"epochs": None, "patience": None}
    saved, now = (
        {**identity, "settings": {**identity["settings"], "loop": {**identity["settings"]["loop"], **free}}}
        for identity in (saved, now)
    )
    return [name for name in now if saved.get(name) != now[name]]


@contextmanager
def _own_folder(out: Path, resume: bool) -> Iterator[None]:
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
        mend = "go on with --resume, or choose" if unfinished else "choose"
        raise OutputError(f"{out}: is not empty; {mend} another --out")
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


def _fresh_state(run: _Run) -> TrainingState:
    generator = torch.Generator().manual_seed(run.seed)
    network = run.recipe.build_network(len(run.class_names), generator)
    network = network.to(run.compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return TrainingState(network, adam(network, run.recipe.loop))


def _train_network(run: _Run, state: TrainingState, stop: StopRequest) -> None:
    parts = {split: run.part(split) for split in (TRAIN, VALID, HELD_OUT)}
    keep_freed_memory()
    leave_threads_to_the_network()
    parameters = sum(p.numel() for p in state.network.parameters())
    run.progress.say(
        f"{run.recipe.name}: {parameters:,} parameters, on {run.compute.device} in {run.compute.precision} "
        f"({run.compute.reason}), batch {run.recipe.loop.batch_size}, seed {run.seed}"
    )
    scored = len(parts[VALID]) + len(parts[HELD_OUT])
    job = Fit(
        train=parts[TRAIN],
        valid=parts[VALID],
        settings=run.recipe.loop,
        augment=run.recipe.augment,
        compute=run.compute,
        seed=run.seed,
        finish_seconds=_EXPORT_SECONDS + scored / _PREDICTED_PER_SECOND,
    )

    identity = run.identity()
    drawn_at = -math.inf

    def keep(state: TrainingState) -> None:
        nonlocal drawn_at
        save_checkpoint(run.out, state, identity)
        write_history(run.out / "history.csv", state.history)
        ends = bool(state.stopped or stop.signal_number)
        if state.history and (ends or time.monotonic() - drawn_at > _DRAW_EVERY_SECONDS):
            draw_curves(state.history, run.out / "curves.png", f"{run.recipe.name} · {run.out.name}")
            drawn_at = time.monotonic()

    with stop.heard():
        fit(job, state, stop, keep, run.progress)
    if stop.signal_number:
        raise Interrupted(
            f"stopped in epoch {state.epoch + 1}, photo {state.seen:,}; the checkpoint is kept. "
            f"Go on with the same command and --resume",
            128 + stop.signal_number,
        )
    run.progress.say(f"training ended: {state.stopped}")


def write_history(path: Path, history: list[EpochRow]) -> None:
    """Write `history.csv`, whole or not at all."""
    with atomic_text(path) as stream:
        writer = csv.writer(stream)
        writer.writerow([field.name for field in dataclasses.fields(EpochRow)])
        for row in history:
            writer.writerow([f"{value:g}" if name == "epoch" else value for name, value in vars(row).items()])


def _finish(run: _Run, state: TrainingState) -> Trained:
    """Export the best weights, check the file against them, score it, and write the model folder."""
    network = state.network
    network.load_state_dict(state.best_weights)
    info = _describe(run, state)
    onnx = export_onnx(network, run.recipe.image_size)
    difference = _check_export(run, network, info, onnx)
    runtime = Runtime(info, onnx, run.out)
    scores, metrics = [], {}
    for split in (VALID, HELD_OUT):
        part = run.part(split)
        if len(part):
            probabilities = predict_cached(runtime, part, run.progress)
            chose = split == VALID
            score = score_predictions(probabilities, part.table.labels, run.class_names, SPLITS[split], chose)
            scores.append(score)
            metrics[SPLITS[split]] = score.as_json()
            if chose:
                save_valid_predictions(run.out, part.table, probabilities)
    info = dataclasses.replace(info, metrics=metrics, trained={**info.trained, **difference})
    save_photos(run.out, run.photos.contents, run.photos.table)
    _write_set_aside(run.out / "set_aside.csv", run.photos.table.set_aside)
    write_card(run.out, info)
    save_model(run.out, info, onnx)
    return Trained(run.out, load_info(run.out), tuple(scores), tuple(state.history), run.photos)


def _describe(run: _Run, state: TrainingState) -> ModelInfo:
    table = run.photos.table
    trained_labels = table.labels[table.splits == TRAIN]
    rates = np.bincount(trained_labels, minlength=len(run.class_names)) / len(trained_labels)
    best = best_epoch(state.history)
    return ModelInfo(
        class_names=run.class_names,
        image_size=run.recipe.image_size,
        resize=run.recipe.resize,
        recipe=run.recipe.name,
        settings=dataclasses.asdict(run.recipe),
        seed=run.seed,
        base_rates=tuple(float(rate) for rate in rates),
        photos={
            name: count_by_class(table.labels[table.splits == i], run.class_names) for i, name in enumerate(SPLITS)
        },
        data_fingerprint=run.identity()["data"],
        photoclass_version=metadata.version("photoclass"),
        trained={
            "on": datetime.now(UTC).isoformat(timespec="seconds"),
            "epochs": state.history[-1].epoch,
            "best_epoch": best.epoch if best else None,
            "seconds": round(state.elapsed_seconds, 1),
            "stopped": state.stopped,
            "device": run.compute.device,
            "precision": run.compute.precision,
            "torch": str(torch.__version__),
        },
    )


def _check_export(run: _Run, network: nn.Module, info: ModelInfo, onnx: bytes) -> dict[str, float]:
    """Compare the exported file with the trained network on real photos.

    Raises:
        TrainingError: They do not agree.
    """
    valid = run.part(VALID)
    pixels = np.stack([valid.pixels[i] for i in range(min(_EXPORT_PHOTOS, len(valid)))]).astype(np.uint8)
    wanted = trained_probabilities(network, pixels).numpy()
    exact = float(abs(Runtime(info, onnx, run.out, "f32").probabilities(pixels) - wanted).max())
    used = Runtime(info, onnx, run.out)
    fast = float(abs(used.probabilities(pixels) - wanted).max())
    # bf16 has three digits; its effect on probabilities is reported, and large ones are refused.
    if not (exact <= _EXPORT_TOLERANCE and fast <= 100 * _EXPORT_TOLERANCE):
        raise TrainingError(
            f"the exported model differs from the trained network by {exact:.5f} in f32 and {fast:.5f} in "
            f"{used.precision}; it is not written, the checkpoint is kept. Please report this"
        )
    return {"onnx_differs_by_f32": round(exact, 7), f"onnx_differs_by_{used.precision}": round(fast, 7)}


def _write_set_aside(path: Path, set_aside: tuple[SetAside, ...]) -> None:
    if not set_aside:
        path.unlink(missing_ok=True)
        return
    with atomic_text(path) as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "reason"])
        writer.writerows([item.name, item.reason] for item in set_aside)
