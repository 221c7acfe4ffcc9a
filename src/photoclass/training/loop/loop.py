"""The training loop: the only one."""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from photoclass.errors import TrainingError
from photoclass.metrics.calibration import fit_temperature
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
from photoclass.training.stopping import EpochRow, StopRequest, best_epoch, why_stop_early

_VALID_BATCH = 64
MOST_AT_ONCE = 64  # photos, about: batches that differ by one are divided alike
_PASS_SHARE = 0.5  # a forward pass takes a third of a step; half leaves room, and the saved model sees larger pictures
_ROUNDING = 1e-9  # of shares of the training that are added up
_SAVE_EVERY_SECONDS = 120  # what a kill may cost at most, besides the checkpoint at each epoch's end


@dataclass(frozen=True)
class LoopJob:
    """What the loop works on.

    Attributes:
        train: What it learns from.
        valid: What chooses the best epoch.
        settings: How the loop goes.
        scaling: What their bytes mean to the network.
        compute: Where and how precisely.
        seed: Decides order, augmentation and dropout.
        kept_rows: The validation examples whose logits are kept after every epoch.
        finish_seconds: Time to keep for what comes after the loop, when time is limited.
        finish_passes: Photos that go through the network after it, for which time is kept as well.
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
    """Train until the epochs are done, val_loss no longer falls, the time is up, or a signal comes.

    Args:
        job: What to work on.
        state: Where the training stands; it is moved on. `state.stopped` says at the end why it ended, and is empty
            if a signal ended it.
        stop: Asked after every step.
        keep: Called with the state after every epoch, every two minutes, and at the end: it saves what must not be
            lost.
        progress: Receives progress reports.

    Raises:
        TrainingError: The loss became NaN or infinity before any epoch was done.
    """
    state.stopped = why_stop_early(state.history, job.settings.patience) if state.history else ""
    # A rate that falls to the end has to know where the end is.
    timed = stop.deadline is not None and job.settings.schedule != "constant" and not state.stopped
    time_budget = _measure_pace(job, state) if timed else None
    while state.epoch < job.settings.epochs and not state.stopped:
        if not state.seen:
            _plan_epoch(job, state, stop, time_budget)
        give_back_freed_memory()  # the pictures to come may be larger
        train_epoch(job, state, stop, keep, progress)
        if stop.signal_number:
            keep(state)
            return
        if not math.isfinite(state.loss_sum):
            _stop_at_nan(state)
            break
        whole = state.seen == len(job.train)
        row = _close_epoch(job, state)
        if time_budget is not None:
            time_budget.hear(
                state.done,
                state.behind(len(job.train)),
                state.epoch_seconds / state.seen,
                row.seconds - state.epoch_seconds,
            )
        progress.say(_describe(row, best_epoch(state.history) is row))
        if not math.isfinite(row.val_loss):
            _stop_at_nan(state)
            break
        if whole:
            state.done += state.share
            state.start_epoch(state.epoch + 1)
            state.stopped = why_stop_early(state.history, job.settings.patience)
        planned = time_budget is not None and state.epoch < job.settings.epochs
        if not state.stopped and ((planned and _is_over(job, state)) or stop.time_is_up(_reserve(job, state))):
            state.stopped = "the time given is up"
        keep(state)
    state.stopped = state.stopped or f"all {job.settings.epochs} epochs are done"
    keep(state)


def train_epoch(
    job: LoopJob, state: TrainingState, stop: StopRequest, keep: Callable[[TrainingState], None], progress: Progress
) -> None:
    """Train over all photos once, or as far as `stop` allows, from the step at which the state stands."""
    state.network.train()
    title = f"Epoch {state.epoch + 1} of at most {state.epochs_planned(job.settings.epochs)}"
    reserve = _reserve(job, state)
    saved_at = started_at = time.monotonic()
    seconds_before, elapsed_before = state.epoch_seconds, state.elapsed_seconds
    batches = training_batches(job.train, job.settings, job.seed, state.epoch, state.step, state.done)
    with progress.task(title, len(job.train), done=state.seen) as task:
        for batch in batches:
            loss, right = train_step(job, state, batch)
            state.step += 1
            state.loss_sum += loss * len(batch.labels)
            state.right += right
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
    """Take one step: forward, loss, backward, the optimizer's.

    Returns:
        The mean loss of the batch in nats, and how many photos it classified correctly.
    """
    settings = job.settings
    steps_before = state.epoch * count_batches(len(job.train), settings.batch_size) + state.step
    set_learning_rate(state.optimizer, settings, state.behind(len(job.train)))
    _seed_dropout(state.network, job.seed, state.epoch, state.step)
    state.optimizer.zero_grad(set_to_none=True)
    total_loss, right = 0.0, 0
    for part in batch_parts(len(batch.labels), job.compute):
        labels = torch.from_numpy(batch.labels[part]).to(job.compute.device)
        with job.compute.autocast():
            logits = state.network(to_images(batch.inputs[part], job.scaling, job.compute))
        loss = cross_entropy(logits, labels, settings.label_smoothing) * (len(labels) / len(batch.labels))
        loss.backward()  # type: ignore[no-untyped-call]
        total_loss += loss.item()
        right += _count_right(logits, labels)
    state.optimizer.step()
    if state.average is not None:
        update_ema(state.average, state.network, settings.ema_decay, steps_before + 1)
    return total_loss, right


def batch_parts(count: int, compute: Compute) -> list[slice]:
    """Divide a batch into what goes through the network at once, of nearly one size.

    On a processor, more photos at once are no faster and only take memory. A network that normalises by batches does so
    by these.
    """
    parts = max(1, round(count / MOST_AT_ONCE)) if compute.device == "cpu" else 1
    ends = [count * part // parts for part in range(parts + 1)]
    return [slice(first, end) for first, end in pairwise(ends)]


def scored_network(job: LoopJob, state: TrainingState) -> nn.Module:
    """Return what is scored and kept: the mean of the weights where one is kept, mixed with the start where wanted."""
    network = state.network if state.average is None else state.average
    share = job.settings.initial_weights_share
    return interpolate_with_initial(network, state.start, share) if share else network


def validate(job: LoopJob, network: nn.Module, done: float = 1.0) -> tuple[float, float, Tensor]:
    """Return mean loss in nats, accuracy, and logits, shape (N, K), of the validation examples.

    Args:
        job: Has them.
        network: What is judged.
        done: Share of the training that lies behind, from 0 to 1.
    """
    logits = predict_logits(network, job.valid.judged(done), job.scaling, job.compute)
    labels = torch.from_numpy(job.valid.labels)
    judged = logits
    if job.settings.calibrate and torch.isfinite(logits).all():
        judged = logits / fit_temperature(logits.double().numpy(), job.valid.labels)
    return cross_entropy(judged, labels).item(), _count_right(judged, labels) / len(labels), logits


def predict_logits(network: nn.Module, examples: Examples, scaling: Scaling, compute: Compute) -> Tensor:
    """Compute the logits of all examples as they are, with dropout off; shape (N, K), in full precision, on the CPU."""
    network.eval()
    return compute_all(network, examples, scaling, compute)


def compute_all(function: Callable[[Tensor], Tensor], examples: Examples, scaling: Scaling, compute: Compute) -> Tensor:
    """Apply a function of images, shape (n, C, H, W), to all examples as they are; give its rows, on the CPU."""
    with torch.inference_mode(), compute.autocast():
        rows = [
            function(to_images(batch.inputs, scaling, compute)).float().cpu()
            for batch in plain_batches(examples, _VALID_BATCH)
        ]
    return torch.cat(rows)


def to_images(inputs: Pixels, scaling: Scaling, compute: Compute) -> Tensor:
    """Turn bytes, shape (N, H, W, C), into numbers, shape (N, C, H, W), channels last in memory."""
    moved = torch.from_numpy(inputs).to(compute.device).permute(0, 3, 1, 2)
    images = moved.to(compute.image_dtype)
    return (images if scaling.zero == 0 else images.sub_(scaling.zero)).mul_(scaling.scale)


def cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Mean loss in nats: binary cross-entropy for one logit, that of class 1, else softmax cross-entropy."""
    logits = logits.float()  # in full precision: bf16 has three digits
    if logits.shape[1] == 1:
        wanted = labels.float() * (1 - smoothing) + smoothing / 2
        return F.binary_cross_entropy_with_logits(logits[:, 0], wanted)
    return F.cross_entropy(logits, labels, label_smoothing=smoothing)


def _count_right(logits: Tensor, labels: Tensor) -> int:
    told = (logits[:, 0] > 0).long() if logits.shape[1] == 1 else logits.argmax(dim=1)
    return int((told == labels).sum())


def _seed_dropout(network: nn.Module, seed: int, epoch: int, step: int) -> None:
    drawn = int(np.random.SeedSequence([seed, epoch, step]).generate_state(1, np.uint64)[0] >> 1)
    for module in network.modules():
        if isinstance(module, Dropout):
            module.generator.manual_seed(drawn)


def _close_epoch(job: LoopJob, state: TrainingState) -> EpochRow:
    """Validate, enter the epoch into the history, and keep its weights if they are the best so far."""
    started_at = time.monotonic()
    scored = scored_network(job, state)
    val_loss, val_accuracy, logits = validate(job, scored, state.behind(len(job.train)))
    state.elapsed_seconds += time.monotonic() - started_at
    row = EpochRow(
        epoch=round(state.epoch + state.seen / len(job.train), 4),
        loss=state.loss_sum / state.seen,
        accuracy=state.right / state.seen,
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
    """Decide what the coming epoch is of the whole training: one of so many, or of as many as there is time for."""
    most = job.settings.epochs
    if time_budget is None:
        state.done, state.share = state.epoch / most, 1 / most
        return
    left = stop.seconds_left() - job.finish_seconds - job.finish_passes * _PASS_SHARE * time_budget.last_photo_seconds
    state.share = (1 - state.done) / time_budget.epochs_in(left, state.done, len(job.train), most - state.epoch)


def _is_over(job: LoopJob, state: TrainingState) -> bool:
    """Tell whether all that was planned is done, be it in the midst of an epoch."""
    return state.seen < len(job.train) and state.behind(len(job.train)) >= 1 - _ROUNDING


def _measure_pace(job: LoopJob, state: TrainingState) -> TimeBudget:
    """Time steps on copies of all that learns."""
    network = copy.deepcopy(state.network).train()
    average = copy.deepcopy(state.average)
    scratch = TrainingState(network, optimizer_for(network, job.settings), average, share=1.0)
    rows = np.arange(min(job.settings.batch_size, len(job.train)))

    def batch_at(done: float) -> Batch:
        return Batch(job.train.augmented(np.random.default_rng(job.seed), done)(rows), job.train.labels[rows])

    return measure_time_budget(batch_at, lambda batch: train_step(job, scratch, batch), len(job.valid))


def _stop_at_nan(state: TrainingState) -> None:
    best = best_epoch(state.history)
    at = f"in epoch {state.epoch + 1}, step {state.step}, the loss became NaN or infinity"
    if best is None:
        raise TrainingError(f"{at}, before any epoch was done; try a smaller learning_rate")
    state.stopped = f"{at}; the best so far, of epoch {best.epoch:g}, is kept"


def _reserve(job: LoopJob, state: TrainingState) -> float:
    """Seconds to keep for validating and for what comes after the loop."""
    per_photo = state.epoch_seconds / state.seen if state.seen else 0.004
    if state.history:
        per_photo = 1 / max(state.history[-1].photos_per_second, 0.1)
    return job.finish_seconds + _PASS_SHARE * per_photo * (len(job.valid) + job.finish_passes)


def _show(task: Task, state: TrainingState, count: int) -> None:
    task.advance(count, f"loss {state.loss_sum / state.seen:.4f}  accuracy {state.right / state.seen:.1%}")


def _describe(row: EpochRow, is_best: bool) -> str:
    mark = "  best so far" if is_best else ""
    return (
        f"epoch {row.epoch:g}: loss {row.loss:.4f}, accuracy {row.accuracy:.1%}, val_loss {row.val_loss:.4f}, "
        f"val_accuracy {row.val_accuracy:.1%}, {row.photos_per_second:.0f} photos/s, {row.seconds:.0f} s{mark}"
    )
