"""The training loop, shared by all recipes that train a network step by step."""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from photoclass.errors import TrainingError
from photoclass.metrics.calibration import fit_temperature
from photoclass.model.folder import Epoch
from photoclass.networks.logits import cross_entropy, predicted_classes
from photoclass.networks.scaling import Scaling
from photoclass.networks.small_cnn import Dropout
from photoclass.photos.decode import Pixels
from photoclass.progress import Progress, Task
from photoclass.training.compute import Compute, give_back_freed_memory
from photoclass.training.loop.batches import Batch, count_batches, plain_batches, training_batches
from photoclass.training.loop.checkpoint import TrainingState
from photoclass.training.loop.examples import Examples, Rows
from photoclass.training.loop.optimizer import interpolate_with_initial, optimizer_for, set_learning_rate, update_ema
from photoclass.training.loop.time_budget import TimeBudget, measure_time_budget
from photoclass.training.recipes.loop_settings import LoopSettings
from photoclass.training.stopping import StopRequest, best_epoch, why_stop_early

_VALID_BATCH = 64
PART_SIZE = 64  # photos, about: batches whose sizes differ by one are split into the same number of parts
# Time for a forward pass, as a share of a step. It takes a third; half leaves a margin, and allows for the larger
# images of the saved model.
_PASS_SHARE = 0.5
_ROUNDING = 1e-9  # tolerance for sums of shares
_SAVE_EVERY_SECONDS = 120  # the most that a kill may cost; a checkpoint is also written at the end of each epoch


@dataclass(frozen=True)
class LoopJob:
    """The input of the training loop.

    Attributes:
        train: Training examples.
        valid: Validation examples, which select the best epoch.
        settings: Settings of the loop.
        scaling: How bytes become the network's input values.
        compute: Device and precision.
        seed: Seed for order, augmentation and dropout.
        kept_rows: The validation examples whose logits are kept after every epoch.
        finish_seconds: Of a time budget, the seconds reserved for the work after the loop.
        finish_passes: Number of photos that pass through the network after the loop; their time is reserved as well.
    """

    train: Examples
    valid: Examples
    settings: LoopSettings
    scaling: Scaling
    compute: Compute
    seed: int
    kept_rows: Rows
    finish_seconds: float = 0.0
    finish_passes: int = 0


def fit(
    job: LoopJob, state: TrainingState, stop: StopRequest, keep: Callable[[TrainingState], None], progress: Progress
) -> None:
    """Train until all epochs are done, val_loss no longer falls, the time is up, or a signal arrives.

    Args:
        job: Examples and settings.
        state: The state to continue from; it is modified. At the end, `state.stopped` is the reason why training
            ended, or empty after a signal.
        stop: Checked after every step.
        keep: Saves the state. It is called after every epoch, every two minutes, and at the end.
        progress: Receives progress reports.

    Raises:
        TrainingError: The loss became NaN or infinity before any epoch was finished.
    """
    state.stopped = why_stop_early(state.history, job.settings.patience) if state.history else ""
    # A schedule that falls towards the end needs to know when the end is.
    timed = stop.deadline is not None and job.settings.schedule != "constant" and not state.stopped
    time_budget = _measure_time_budget(job, state) if timed else None
    while state.epoch < job.settings.epochs and not state.stopped:
        if not state.seen:
            _plan_epoch(job, state, stop, time_budget)
        give_back_freed_memory()  # the next images may be larger
        train_epoch(job, state, stop, keep, progress)
        if stop.signal_number:
            keep(state)
            return
        if not math.isfinite(state.loss_sum):
            _stop_at_nan(state)
            break
        finished = state.seen == len(job.train)
        row = _close_epoch(job, state)
        if time_budget is not None:
            time_budget.update(
                state.done,
                state.share_done(len(job.train)),
                state.epoch_seconds / state.seen,
                row.seconds - state.epoch_seconds,
            )
        progress.say(_describe(row, best_epoch(state.history) is row))
        if not math.isfinite(row.val_loss):
            _stop_at_nan(state)
            break
        if finished:
            state.done += state.share
            state.start_epoch(state.epoch + 1)
            state.stopped = why_stop_early(state.history, job.settings.patience)
        planned = time_budget is not None and state.epoch < job.settings.epochs
        if not state.stopped and ((planned and _is_over(job, state)) or stop.time_is_up(_reserve(job, state))):
            state.stopped = "the time limit was reached"
        keep(state)
    state.stopped = state.stopped or f"all {job.settings.epochs} epochs are done"
    keep(state)


def train_epoch(
    job: LoopJob, state: TrainingState, stop: StopRequest, keep: Callable[[TrainingState], None], progress: Progress
) -> None:
    """Train for one epoch, or as long as `stop` allows, from the step that the state is at."""
    state.network.train()
    title = f"Epoch {state.epoch + 1} of at most {state.epochs_planned(job.settings.epochs)}"
    reserve = _reserve(job, state)
    saved_at = started_at = time.monotonic()
    seconds_before, elapsed_before = state.epoch_seconds, state.elapsed_seconds
    batches = training_batches(job.train, job.settings, job.seed, state.epoch, state.step, state.done)
    with progress.task(title, len(job.train), done=state.seen) as task:
        for batch in batches:
            loss, correct = train_step(job, state, batch)
            state.step += 1
            state.loss_sum += loss * len(batch.labels)
            state.correct += correct
            state.seen += len(batch.labels)
            now = time.monotonic()
            state.epoch_seconds = seconds_before + now - started_at
            state.elapsed_seconds = elapsed_before + now - started_at
            _show(task, state, len(batch.labels))
            if stop.signal_number or _is_over(job, state) or stop.time_is_up(reserve) or not math.isfinite(loss):
                break
            if now - saved_at > _SAVE_EVERY_SECONDS:
                keep(state)
                saved_at = time.monotonic()


def train_step(job: LoopJob, state: TrainingState, batch: Batch) -> tuple[float, int]:
    """Take one training step.

    Returns:
        The mean loss of the batch in nats, and the number of photos classified correctly.
    """
    settings = job.settings
    steps_before = state.epoch * count_batches(len(job.train), settings.batch_size) + state.step
    set_learning_rate(state.optimizer, settings, state.share_done(len(job.train)))
    _seed_dropout(state.network, job.seed, state.epoch, state.step)
    state.optimizer.zero_grad(set_to_none=True)
    total_loss, correct = 0.0, 0
    for part in batch_parts(len(batch.labels), job.compute):
        labels = torch.from_numpy(batch.labels[part]).to(job.compute.device)
        with job.compute.autocast():
            logits = state.network(to_images(batch.inputs[part], job.scaling, job.compute))
        loss = cross_entropy(logits, labels, settings.label_smoothing) * (len(labels) / len(batch.labels))
        loss.backward()  # type: ignore[no-untyped-call]
        total_loss += loss.item()
        correct += _count_correct(logits, labels)
    state.optimizer.step()
    if state.ema is not None:
        update_ema(state.ema, state.network, settings.ema_decay, steps_before + 1)
    return total_loss, correct


def batch_parts(count: int, compute: Compute) -> list[slice]:
    """Split a batch into parts of nearly equal size that pass through the network one after the other.

    On a CPU, more photos at once are no faster and only take memory. Batch normalisation is computed over these parts.
    """
    parts = max(1, round(count / PART_SIZE)) if compute.device == "cpu" else 1
    ends = [count * part // parts for part in range(parts + 1)]
    return [slice(first, end) for first, end in pairwise(ends)]


def scored_network(job: LoopJob, state: TrainingState) -> nn.Module:
    """Return the network that is scored and saved: the EMA if there is one, interpolated with the initial weights."""
    network = state.network if state.ema is None else state.ema
    share = job.settings.initial_weights_share
    return interpolate_with_initial(network, state.initial, share) if share else network


def validate(job: LoopJob, network: nn.Module, done: float = 1.0) -> tuple[float, float, Tensor]:
    """Return mean loss in nats, accuracy, and logits, shape (N, K), of the validation examples.

    Args:
        job: Has the examples.
        network: The network to score.
        done: Share of the training that is done, from 0 to 1; it decides the size of images.
    """
    logits = predict_logits(network, job.valid.for_validation(done), job.scaling, job.compute)
    labels = torch.from_numpy(job.valid.labels)
    calibrated = logits
    if job.settings.calibrate and torch.isfinite(logits).all():
        calibrated = logits / fit_temperature(logits.double().numpy(), job.valid.labels)
    return cross_entropy(calibrated, labels).item(), _count_correct(calibrated, labels) / len(labels), logits


def predict_logits(network: nn.Module, examples: Examples, scaling: Scaling, compute: Compute) -> Tensor:
    """Compute the logits of all examples in evaluation mode, not augmented; shape (N, K), float32, on the CPU."""
    network.eval()
    return compute_all(network, examples, scaling, compute)


def compute_all(function: Callable[[Tensor], Tensor], examples: Examples, scaling: Scaling, compute: Compute) -> Tensor:
    """Apply a function of images, shape (n, C, H, W), to all examples without augmentation; its rows are on the CPU."""
    with torch.inference_mode(), compute.autocast():
        rows = [
            function(to_images(batch.inputs, scaling, compute)).float().cpu()
            for batch in plain_batches(examples, _VALID_BATCH)
        ]
    return torch.cat(rows)


def to_images(inputs: Pixels, scaling: Scaling, compute: Compute) -> Tensor:
    """Convert bytes of shape (N, H, W, C) into the network's input, shape (N, C, H, W), channels-last in memory."""
    moved = torch.from_numpy(inputs).to(compute.device).permute(0, 3, 1, 2)
    images = moved.to(compute.image_dtype)
    return (images if scaling.zero == 0 else images.sub_(scaling.zero)).mul_(scaling.scale)


def _count_correct(logits: Tensor, labels: Tensor) -> int:
    return int((predicted_classes(logits) == labels).sum())


def _seed_dropout(network: nn.Module, seed: int, epoch: int, step: int) -> None:
    step_seed = int(np.random.SeedSequence([seed, epoch, step]).generate_state(1, np.uint64)[0] >> 1)
    for module in network.modules():
        if isinstance(module, Dropout):
            module.generator.manual_seed(step_seed)


def _close_epoch(job: LoopJob, state: TrainingState) -> Epoch:
    """Validate, add the epoch to the history, and keep its weights if they are the best so far."""
    started_at = time.monotonic()
    scored = scored_network(job, state)
    val_loss, val_accuracy, logits = validate(job, scored, state.share_done(len(job.train)))
    state.elapsed_seconds += time.monotonic() - started_at
    row = Epoch(
        epoch=round(state.epoch + state.seen / len(job.train), 4),
        loss=state.loss_sum / state.seen,
        accuracy=state.correct / state.seen,
        val_loss=val_loss,
        val_accuracy=val_accuracy,
        seconds=round(state.epoch_seconds + time.monotonic() - started_at, 3),
        photos_per_second=round(state.seen / state.epoch_seconds, 1),
    )
    state.history.append(row)
    state.valid_logits.append(logits[torch.from_numpy(job.kept_rows)].contiguous())
    if best_epoch(state.history) is row:
        state.best_weights = {name: value.detach().clone() for name, value in scored.state_dict().items()}
    return row


def _plan_epoch(job: LoopJob, state: TrainingState, stop: StopRequest, time_budget: TimeBudget | None) -> None:
    """Set which share of the training the next epoch makes up: by the number of epochs, or by the time left."""
    most = job.settings.epochs
    if time_budget is None:
        state.done, state.share = state.epoch / most, 1 / most
        return
    left = stop.seconds_left() - job.finish_seconds - job.finish_passes * _PASS_SHARE * time_budget.last_photo_seconds
    state.share = (1 - state.done) / time_budget.epochs_in(left, state.done, len(job.train), most - state.epoch)


def _is_over(job: LoopJob, state: TrainingState) -> bool:
    """Return whether the planned training is complete, which may be in the middle of an epoch."""
    return state.seen < len(job.train) and state.share_done(len(job.train)) >= 1 - _ROUNDING


def _measure_time_budget(job: LoopJob, state: TrainingState) -> TimeBudget:
    """Time training steps on copies of the weights."""
    network = copy.deepcopy(state.network).train()
    ema = copy.deepcopy(state.ema)
    scratch = TrainingState(network, optimizer_for(network, job.settings), ema, share=1.0)
    rows = np.arange(min(job.settings.batch_size, len(job.train)))

    def batch_at(done: float) -> Batch:
        return Batch(job.train.augmented(np.random.default_rng(job.seed), done)(rows), job.train.labels[rows])

    return measure_time_budget(batch_at, lambda batch: train_step(job, scratch, batch), len(job.valid))


def _stop_at_nan(state: TrainingState) -> None:
    best = best_epoch(state.history)
    at = f"in epoch {state.epoch + 1}, step {state.step}, the loss became NaN or infinity"
    if best is None:
        raise TrainingError(f"{at}, before any epoch was finished; try a smaller learning_rate")
    state.stopped = f"{at}; the best epoch so far, {best.epoch:g}, is kept"


def _reserve(job: LoopJob, state: TrainingState) -> float:
    """Return the seconds to reserve for validation and for the work after the loop."""
    per_photo = state.epoch_seconds / state.seen if state.seen else 0.004
    if state.history:
        per_photo = 1 / max(state.history[-1].photos_per_second, 0.1)
    return job.finish_seconds + _PASS_SHARE * per_photo * (len(job.valid) + job.finish_passes)


def _show(task: Task, state: TrainingState, count: int) -> None:
    task.advance(count, f"loss {state.loss_sum / state.seen:.4f}  accuracy {state.correct / state.seen:.1%}")


def _describe(row: Epoch, is_best: bool) -> str:
    mark = "  best so far" if is_best else ""
    return (
        f"epoch {row.epoch:g}: loss {row.loss:.4f}, accuracy {row.accuracy:.1%}, val_loss {row.val_loss:.4f}, "
        f"val_accuracy {row.val_accuracy:.1%}, {row.photos_per_second:.0f} photos/s, {row.seconds:.0f} s{mark}"
    )
