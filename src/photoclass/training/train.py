"""`train`: from DATA to a model folder."""

import csv
import dataclasses
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from photoclass.atomic import atomic_text
from photoclass.errors import Interrupted, TrainingError
from photoclass.photos.table import HELD_OUT, TRAIN, VALID
from photoclass.progress import SILENT, Progress
from photoclass.results.curves import draw_curves
from photoclass.training.checkpoint import TrainingState, load_checkpoint, read_identity, save_checkpoint
from photoclass.training.compute import choose_compute, keep_freed_memory, leave_threads_to_the_network
from photoclass.training.finish import Trained, finish
from photoclass.training.loop import Fit, adam, fit
from photoclass.training.prepare import split_photos
from photoclass.training.recipes import DEFAULT_RECIPE, SmallCnnRecipe, find_recipe
from photoclass.training.run import DEFAULT_OPTIONS, Run, TrainOptions, changes, own_folder
from photoclass.training.settings import from_saved, with_settings
from photoclass.training.stopping import EpochRow, StopRequest

# What comes after the loop, when time is limited: the export, and predicting what is scored.
_EXPORT_SECONDS = 10.0
_PREDICTED_PER_SECOND = 300.0
# Drawing takes a third of a second: nothing beside an epoch of real photos, much beside one of a few drawings.
_DRAW_EVERY_SECONDS = 20.0


def train(
    data: Path,
    out: Path,
    recipe: str | None = None,
    settings: Mapping[str, Any] | None = None,
    options: TrainOptions = DEFAULT_OPTIONS,
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
    with own_folder(out, options.resume):
        saved = read_identity(out) if options.resume else None
        numbers, seed = _chosen(recipe, settings or {}, options.seed, saved)
        compute = choose_compute(options.device, options.precision)
        photos = split_photos(data, numbers, seed, options, progress)
        run = Run(out, photos, numbers, seed, compute, progress)
        changed = changes(saved, run.identity()) if saved else []
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
        return finish(run, state)


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


def _fresh_state(run: Run) -> TrainingState:
    generator = torch.Generator().manual_seed(run.seed)
    network = run.recipe.build_network(len(run.class_names), generator)
    network = network.to(run.compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return TrainingState(network, adam(network, run.recipe.loop))


def _train_network(run: Run, state: TrainingState, stop: StopRequest) -> None:
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
