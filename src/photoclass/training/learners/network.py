"""Recipes whose network learns step by step: the loop, its checkpoint, the export."""

import copy
import csv
import dataclasses
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from photoclass.atomic import atomic_text
from photoclass.errors import Interrupted, TrainingError
from photoclass.metrics.calibration import fit_temperature, to_probabilities
from photoclass.metrics.optimism import Optimism
from photoclass.model.folder import ModelInfo
from photoclass.model.novelty import KEPT_PHOTOS, NoveltyDetector, fit_novelty, photos_to_keep
from photoclass.model.runtime import Runtime
from photoclass.networks.scaling import Scaling
from photoclass.photos.decode import Pixels
from photoclass.photos.table import HELD_OUT, TRAIN, VALID
from photoclass.progress import Progress
from photoclass.results.pictures.curves import draw_curves
from photoclass.training.compute import Compute, keep_freed_memory, leave_threads_to_the_network
from photoclass.training.cross_fitting import estimate_optimism, kept_rows, what_was_chosen
from photoclass.training.finish import Outcome, TrainResult, describe, finish
from photoclass.training.loop.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from photoclass.training.loop.examples import Examples, Rows
from photoclass.training.loop.loop import LoopJob, fit
from photoclass.training.loop.optimizer import optimizer_for
from photoclass.training.recipes.loop_settings import LoopSettings
from photoclass.training.run import Run, changes
from photoclass.training.stopping import EpochRow, best_epoch

# What comes after the loop, when time is limited, besides predictions: the export and the report.
_FINISH_SECONDS = 15.0
# Drawing takes a third of a second: nothing beside an epoch of real photos, much beside one of a few drawings.
_DRAW_EVERY_SECONDS = 20.0
_EXPORT_PHOTOS = 64
_TOLERANCE_IN_USE = 0.1


class Learner(Protocol):
    """What a recipe brings to the loop. `photos` are always some of the run's."""

    @property
    def name(self) -> str:
        """Say what learns, for the output."""

    @property
    def network(self) -> nn.Module:
        """What maps images or maps to logits."""

    @property
    def scaling(self) -> Scaling:
        """What their bytes mean to it."""

    @property
    def tolerance(self) -> float:
        """What the exported file may differ from the trained network by, in probability, in full precision."""

    @property
    def views(self) -> int:
        """How often the saved model looks at a photo."""

    def examples(self, photos: Any) -> Examples:
        """Return photos as the network sees them."""

    def training_examples(self, photos: Any) -> Examples:
        """Return photos as the network learns from them."""

    def start(self, train: Any, duplicates: NDArray[np.int64], compute: Compute) -> None:
        """Set the weights that a fresh training begins with, where those that it was made with do not serve.

        `near-duplicates` has the same number for training photos that are near-duplicates, shape (N,).
        """

    def pixels(self, photos: Any) -> dict[int, Pixels]:
        """Return photos, by index, as they enter the saved model; a file that has vanished is left out."""

    def logits(self, photos: Any, compute: Compute) -> NDArray[np.float64]:
        """Return what the network, as it is now, says of photos, shape (N, K)."""

    def features(self, photos: Any, compute: Compute) -> NDArray[np.float32]:
        """Return what enters the last linear layer of the network, as it is now, shape (N, D)."""

    def export(self, temperature: float) -> bytes:
        """Write the network, as it is now, as ONNX from pixels to probabilities."""

    def scored(
        self, runtime: Runtime, photos: Any, trained: Callable[[], NDArray[np.float64]], progress: Progress
    ) -> NDArray[np.float32]:
        """Return probabilities to score, shape (N, C): the saved model's, or else those of the trained network."""


def train_network(run: Run[Any, Any], learner: Learner) -> TrainResult:
    """Train a network and write the model folder. Called while the folder is held.

    Args:
        run: The training.
        learner: What its recipe brings.

    Raises:
        TrainingError: It cannot be resumed, or the loss became no number before any epoch was done.
        Interrupted: A signal came; the checkpoint is kept.
    """
    saved = run.request.saved
    changed = changes(saved, run.identity()) if saved else []
    if changed and not run.request.options.force:
        raise TrainingError(
            f"{run.out}: was begun with other {', '.join(changed)}; give the same again, choose another --out to start "
            "again, or --force to go on all the same"
        )
    keep_freed_memory()
    leave_threads_to_the_network()
    if not saved:
        learner.start(run.part(TRAIN), run.duplicates[run.of_split(TRAIN)], run.compute)
    state = fresh_state(learner.network, run.recipe.loop, run.compute)
    if saved:
        load_checkpoint(run.out, state)
        if changed:
            # What is done of the epoch was done on other photos or in other batches: it begins again.
            state.start_epoch(state.epoch)
        if "data" in changed:
            state.valid_logits.clear()
        run.progress.say(f"resumed at epoch {state.epoch + 1}, photo {state.seen:,}")
    photos, epochs = int(run.of_split(VALID).sum()), run.recipe.loop.epochs
    kept = len(state.valid_logits[0]) if state.valid_logits else None
    rows = kept_rows(photos, len(run.class_names), epochs, run.seed, kept)
    _run_loop(run, learner, state, rows)
    return finish(run, _outcome(run, learner, state, rows))


def fresh_state(network: nn.Module, settings: LoopSettings, compute: Compute) -> TrainingState:
    """Return the state of a training that has not begun."""
    network.to(compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = copy.deepcopy(network) if settings.ema_decay else None
    start = {n: v.detach().clone() for n, v in network.state_dict().items()} if settings.initial_weights_share else {}
    return TrainingState(network, optimizer_for(network, settings), ema, start)


def _run_loop(run: Run[Any, Any], learner: Learner, state: TrainingState, rows: Rows) -> None:
    parameters = sum(p.numel() for p in state.network.parameters() if p.requires_grad)
    run.progress.say(
        f"{learner.name}: {parameters:,} parameters, on {run.compute.device} in {run.compute.precision} "
        f"({run.compute.reason}), batch {run.recipe.loop.batch_size}, seed {run.seed}"
    )
    stop = run.request.stop
    parts = {split: run.part(split) for split in (TRAIN, VALID, HELD_OUT)}
    passes = len(parts[HELD_OUT]) + (2 if run.recipe.loop.calibrate else 1) * len(parts[VALID])
    passes += min(len(parts[TRAIN]), KEPT_PHOTOS) + min(len(parts[VALID]), KEPT_PHOTOS)
    job = LoopJob(
        train=learner.training_examples(parts[TRAIN]),
        valid=learner.examples(parts[VALID]),
        settings=run.recipe.loop,
        scaling=learner.scaling,
        compute=run.compute,
        seed=run.seed,
        finish_seconds=_FINISH_SECONDS,
        finish_passes=learner.views * passes,
        kept_rows=rows,
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
        run.request.records.epochs(run.about(), state.history)

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


def _outcome(run: Run[Any, Any], learner: Learner, state: TrainingState, rows: Rows) -> Outcome:
    """Export the best weights, check the file against them, and predict what is scored.

    Raises:
        TrainingError: The exported file does not do what the trained network does.
    """
    learner.network.load_state_dict(state.best_weights)
    parts = {split: part for split in (VALID, HELD_OUT) if len(part := run.part(split))}
    logits: dict[int, NDArray[np.float64]] = {}
    temperature = 1.0
    if run.recipe.loop.calibrate:
        logits[VALID] = learner.logits(parts[VALID], run.compute)
        temperature = fit_temperature(logits[VALID], parts[VALID].table.labels)

    def trained(split: int) -> NDArray[np.float64]:
        values = logits[split] if split in logits else learner.logits(parts[split], run.compute)
        return to_probabilities(values / temperature)

    best = best_epoch(state.history)
    info = describe(
        run,
        {
            "learnt": learner.name,
            "epochs": state.history[-1].epoch,
            "best_epoch": best.epoch if best else None,
            "seconds": round(state.elapsed_seconds, 1),
            "stopped": state.stopped,
            "device": run.compute.device,
            "precision": run.compute.precision,
            "temperature": temperature,
            "torch": str(torch.__version__),
        },
    )
    onnx = learner.export(temperature)
    difference = _check_export(run, learner, info, onnx, temperature)
    runtime = Runtime(info, onnx, run.out)
    scored = {
        split: learner.scored(runtime, part, partial(trained, split), run.progress) for split, part in parts.items()
    }
    return Outcome(
        info, onnx, scored, difference, _optimism(run, state, rows), _novelty(run, learner), tuple(state.history)
    )


def _optimism(run: Run[Any, Any], state: TrainingState, rows: Rows) -> Optimism | None:
    """Estimate by how much the score of the validation photos flatters; None where they chose nothing.

    Epochs were judged by each photo as it is; where the saved model looks at its mirror image too, that is left out.
    """
    calibrate = run.recipe.loop.calibrate
    if len(state.valid_logits) < len(state.history):
        chose = what_was_chosen(sum(math.isfinite(row.val_loss) for row in state.history), calibrate)
        return Optimism(chose, "earlier epochs were judged by other photos (--force)") if chose else None
    of_valid = np.flatnonzero(run.of_split(VALID))
    labels, duplicates = (values[of_valid[rows]] for values in (run.photos.table.labels, run.duplicates))
    logits = [epoch.numpy() for epoch in state.valid_logits]
    return estimate_optimism(logits, labels, duplicates, calibrate, run.seed, len(of_valid))


def _novelty(run: Run[Any, Any], learner: Learner) -> NoveltyDetector:
    """Keep what tells distances: some training photos, and as many validation photos to compare with."""
    train, valid = run.part(TRAIN), run.part(VALID)
    kept, compared = (photos_to_keep(part.table.labels, run.seed) for part in (train, valid))
    features = (learner.features(part.select(rows), run.compute) for part, rows in ((train, kept), (valid, compared)))
    return fit_novelty(*features)


def _check_export(
    run: Run[Any, Any], learner: Learner, info: ModelInfo, onnx: bytes, temperature: float
) -> dict[str, float]:
    """Compare the exported file with the trained network, in full precision, on the first validation photos.

    Raises:
        TrainingError: They do not agree.
    """
    valid = run.part(VALID)
    photos = valid.select(np.arange(min(_EXPORT_PHOTOS, len(valid))))
    pixels = learner.pixels(photos)
    logits = learner.logits(photos, dataclasses.replace(run.compute, precision="fp32"))
    wanted = to_probabilities(logits / temperature)[list(pixels)]

    def difference(runtime: Runtime) -> float:
        return float(abs(runtime.probabilities(pixels.values()) - wanted).max(initial=0))

    exact, used = Runtime(info, onnx, run.out, "f32"), Runtime(info, onnx, run.out)
    in_full, in_use = difference(exact), difference(used)
    # bf16 has three digits; its effect on probabilities is reported, and large ones are refused.
    if not (in_full <= learner.tolerance and in_use <= _TOLERANCE_IN_USE):
        raise TrainingError(
            f"the exported model differs from the trained network by {in_full:.5f} in f32 and {in_use:.5f} in "
            f"{used.precision}; it is not written, the checkpoint is kept. Please report this"
        )
    return {"onnx_differs_by_f32": round(in_full, 7), f"onnx_differs_by_{used.precision}": round(in_use, 7)}
