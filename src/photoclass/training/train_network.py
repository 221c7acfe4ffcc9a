"""Recipes with a network of their own: pixels from the cache, the loop, the export."""

import csv
import dataclasses
import math
import time
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import nn

from photoclass.atomic import atomic_text
from photoclass.errors import Interrupted, TrainingError
from photoclass.model.folder import ModelInfo
from photoclass.model.runtime import Runtime
from photoclass.photos.cache import CachedPhotos
from photoclass.photos.table import HELD_OUT, TRAIN, VALID
from photoclass.progress import Progress
from photoclass.results.curves import draw_curves
from photoclass.results.evaluate import predict_cached
from photoclass.training.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from photoclass.training.compute import choose_compute, keep_freed_memory, leave_threads_to_the_network
from photoclass.training.export import export_onnx, trained_probabilities
from photoclass.training.finish import Outcome, Trained, describe, finish
from photoclass.training.loop import Fit, adam, fit
from photoclass.training.prepare import split_photos
from photoclass.training.recipes import SmallCnnRecipe
from photoclass.training.run import Run, TrainOptions, changes
from photoclass.training.stopping import EpochRow, StopRequest, best_epoch

# What comes after the loop, when time is limited: the export, and predicting what is scored.
_EXPORT_SECONDS = 10.0
_PREDICTED_PER_SECOND = 300.0
# Drawing takes a third of a second: nothing beside an epoch of real photos, much beside one of a few drawings.
_DRAW_EVERY_SECONDS = 20.0
# What the exported file may differ from the trained network by, in probability, in full precision.
_EXPORT_TOLERANCE = 1e-3
_EXPORT_PHOTOS = 64

_NetworkRun: TypeAlias = Run[CachedPhotos, SmallCnnRecipe]


def train_network(
    data: Path,
    out: Path,
    recipe: SmallCnnRecipe,
    seed: int,
    options: TrainOptions,
    saved: dict[str, Any] | None,
    stop: StopRequest,
    progress: Progress,
) -> Trained:
    """Train a network and write the model folder. Called while `out` is held.

    Args:
        data: Labelled photos.
        out: The model folder.
        recipe: What to train.
        seed: Decides all randomness.
        options: How.
        saved: What the checkpoint's run was about, where one is resumed.
        stop: Lets the caller end the training early, in good order.
        progress: Hears of the advance.

    Raises:
        DataError: DATA cannot be read or trained on.
        TrainingError: It cannot be resumed, or the loss became no number before any epoch was done.
        Interrupted: A signal came; the checkpoint is kept.
    """
    compute = choose_compute(options.device, options.precision)
    photos = split_photos(data, recipe, seed, options, progress)
    run = Run(out, photos, recipe, seed, compute, progress)
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
    _run_loop(run, state, stop)
    return finish(run, _outcome(run, state))


def _fresh_state(run: _NetworkRun) -> TrainingState:
    generator = torch.Generator().manual_seed(run.seed)
    network = run.recipe.build_network(len(run.class_names), generator)
    network = network.to(run.compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return TrainingState(network, adam(network, run.recipe.loop))


def _run_loop(run: _NetworkRun, state: TrainingState, stop: StopRequest) -> None:
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


def _outcome(run: _NetworkRun, state: TrainingState) -> Outcome:
    """Export the best weights, check the file against them, and predict what is scored with it.

    Raises:
        TrainingError: The exported file does not do what the trained network does.
    """
    network = state.network
    network.load_state_dict(state.best_weights)
    best = best_epoch(state.history)
    info = describe(
        run,
        {
            "epochs": state.history[-1].epoch,
            "best_epoch": best.epoch if best else None,
            "seconds": round(state.elapsed_seconds, 1),
            "stopped": state.stopped,
            "device": run.compute.device,
            "precision": run.compute.precision,
            "torch": str(torch.__version__),
        },
    )
    onnx = export_onnx(network, run.recipe.image_size)
    difference = _check_export(run, network, info, onnx)
    runtime = Runtime(info, onnx, run.out)
    parts = {split: run.part(split) for split in (VALID, HELD_OUT)}
    predicted = {split: predict_cached(runtime, part, run.progress) for split, part in parts.items() if len(part)}
    return Outcome(info, onnx, predicted, difference, history=tuple(state.history))


def _check_export(run: _NetworkRun, network: nn.Module, info: ModelInfo, onnx: bytes) -> dict[str, float]:
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
