"""The training loop: its arithmetic, why it ends, and that a resumed run equals one that never stopped."""

import copy
import dataclasses
import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from torch import Tensor, nn
from torch.nn import functional as F

from photoclass.errors import TrainingError
from photoclass.networks.logits import cross_entropy
from photoclass.networks.scaling import UNIT_PIXELS
from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.progress import SILENT
from photoclass.training import stopping
from photoclass.training.compute import Compute
from photoclass.training.loop import loop, time_budget
from photoclass.training.loop.batches import Batch, training_batches
from photoclass.training.loop.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from photoclass.training.loop.examples import PhotoExamples
from photoclass.training.loop.loop import (
    LoopJob,
    fit,
    to_images,
    train_epoch,
    train_step,
    validate,
)
from photoclass.training.loop.optimizer import optimizer_for
from photoclass.training.recipes.augment_settings import AugmentSettings
from photoclass.training.recipes.loop_settings import LoopSettings
from photoclass.training.stopping import StopRequest
from tiny_runs import Saved, Watch, assert_same_training, fresh_state, read_checkpoint, stop_after, tiny_recipe

FP32 = Compute("cpu", "fp32", "for the test")
STEPS_PER_EPOCH = 5  # 33 to 40 photos by 8


def _keep_nothing(state: TrainingState) -> None:
    pass


def _saved(state: TrainingState, folder: Path) -> Saved:
    save_checkpoint(folder, state, {})
    return read_checkpoint(folder)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Such small networks learn faster on one thread than on several; `test_train.py` has runs on all of them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=["fp32", "bf16"])
def whole(
    request: pytest.FixtureRequest, make_job: Callable[..., LoopJob], tmp_path_factory: pytest.TempPathFactory
) -> tuple[LoopJob, Saved]:
    """A job, and its result if nothing interrupts it."""
    job = make_job(request.param)
    state = fresh_state(tiny_recipe())
    fit(job, state, StopRequest(), _keep_nothing, SILENT)
    return job, _saved(state, tmp_path_factory.mktemp("whole"))


def test_images_are_pixels_scaled_to_0_to_1() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 4, 3), dtype=np.uint8)
    images = to_images(pixels, UNIT_PIXELS, FP32)
    assert images.dtype == torch.float32
    np.testing.assert_allclose(images.numpy(), pixels.transpose(0, 3, 1, 2) / 255, atol=1e-7)
    assert images.is_contiguous(memory_format=torch.channels_last)
    half = to_images(pixels, UNIT_PIXELS, Compute("cpu", "bf16", ""))
    assert half.dtype == torch.bfloat16
    assert float((half.float() - images).abs().max()) <= 2**-9


@pytest.mark.parametrize("logits", [1, 3, 5])
def test_the_loss_is_the_mean_log_loss_of_the_classes(logits: int) -> None:
    generator = np.random.default_rng(logits)
    values = torch.from_numpy(generator.normal(0, 3, (40, logits)))
    classes = max(2, logits)
    labels = np.arange(40) % classes
    if logits == 1:
        of_class_1 = 1 / (1 + np.exp(-values[:, 0].numpy()))
        probabilities = np.stack([1 - of_class_1, of_class_1], axis=1)
    else:
        probabilities = np.exp(values.numpy()) / np.exp(values.numpy()).sum(axis=1, keepdims=True)
    loss = cross_entropy(values, torch.from_numpy(labels))
    assert float(loss) == pytest.approx(metrics.log_loss(labels, probabilities), abs=1e-5)


@pytest.mark.parametrize("logits", [1, 4])
def test_smoothed_labels_are_spread_evenly_over_all_classes(logits: int) -> None:
    values = torch.randn(30, logits, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    classes = max(2, logits)
    labels = torch.arange(30) % classes
    both = torch.cat([torch.zeros_like(values), values], dim=1) if logits == 1 else values
    targets = 0.9 * F.one_hot(labels, classes) + 0.1 / classes
    by_hand = -(targets * torch.log_softmax(both, dim=1)).sum(dim=1).mean()
    assert float(cross_entropy(values, labels, 0.1)) == pytest.approx(float(by_hand), abs=1e-6)


def test_the_loss_is_computed_in_float32() -> None:
    logits = torch.tensor([[3.0], [-2.5]], dtype=torch.bfloat16)
    loss = cross_entropy(logits, torch.tensor([1, 0]))
    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx((math.log1p(math.exp(-3)) + math.log1p(math.exp(-2.5))) / 2, rel=1e-6)


def test_steps_are_those_of_adam_in_keras(make_job: Callable[..., LoopJob]) -> None:
    """Twenty steps equal an Adam written out here: bias-corrected moving averages, epsilon 1e-7."""
    job = make_job(dropout=0)
    state = fresh_state(tiny_recipe(dropout=0))
    plain = copy.deepcopy(state.network).to(torch.float64, memory_format=torch.contiguous_format)
    means = [(torch.zeros_like(p), torch.zeros_like(p)) for p in plain.parameters()]
    batches = itertools.chain.from_iterable(training_batches(job.train, job.settings, 0, epoch) for epoch in range(4))
    for step, batch in enumerate(batches, start=1):
        loss, correct = train_step(job, state, batch)
        images = torch.from_numpy(batch.inputs.transpose(0, 3, 1, 2) / 255)
        logits = plain(images)[:, 0]
        plain_loss = F.binary_cross_entropy(torch.sigmoid(logits), torch.from_numpy(batch.labels).double())
        assert loss == pytest.approx(float(plain_loss.detach()), abs=1e-4)
        assert correct == int(((logits > 0).numpy() == batch.labels).sum())
        gradients = torch.autograd.grad(plain_loss, list(plain.parameters()))
        with torch.no_grad():
            for weights, gradient, (mean, square) in zip(plain.parameters(), gradients, means, strict=True):
                mean.mul_(0.9).add_(0.1 * gradient)
                square.mul_(0.999).add_(0.001 * gradient**2)
                corrected = mean / (1 - 0.9**step)
                weights -= 0.01 * corrected / ((square / (1 - 0.999**step)).sqrt() + 1e-7)
    assert step == 4 * STEPS_PER_EPOCH
    for (name, weights), plain_weights in zip(state.network.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(weights.double(), plain_weights, rtol=1e-2, atol=1e-4, msg=name)


def test_a_step_in_parts_is_the_step_of_the_whole_batch(
    make_job: Callable[..., LoopJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_job(dropout=0)
    batch = next(training_batches(job.train, job.settings, 0, 0))
    results, gradients = [], []
    for part_size in (len(batch.labels), 3):
        monkeypatch.setattr(loop, "PART_SIZE", part_size)
        state = fresh_state(tiny_recipe(dropout=0))
        results.append(train_step(job, state, batch))
        gradients.append([weights.grad for weights in state.network.parameters()])
    assert results[1] == pytest.approx(results[0], rel=1e-6)
    for whole, summed in zip(*gradients, strict=True):
        torch.testing.assert_close(summed, whole, rtol=1e-4, atol=1e-7)


@given(count=st.integers(1, 5000))
def test_a_batch_is_split_completely_into_parts_of_nearly_equal_size(count: int) -> None:
    parts = loop.batch_parts(count, FP32)
    sizes = [part.stop - part.start for part in parts]
    assert [part.start for part in parts] == [0, *itertools.accumulate(sizes[:-1])]
    assert sum(sizes) == count
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= 96
    assert len(sizes) == 1 or min(sizes) >= 48, "no part is too small for batch normalisation"
    assert loop.batch_parts(count, Compute("cuda", "fp32", "for the test")) == [slice(0, count)]


def test_adam_has_the_hyperparameters_of_the_settings() -> None:
    settings = tiny_recipe(adam_beta1=0.8, adam_beta2=0.95, adam_epsilon=1e-3, learning_rate=0.5).loop
    for group in optimizer_for(nn.Linear(2, 2), settings).param_groups:
        assert (group["lr"], group["betas"], group["eps"], group["weight_decay"]) == (0.5, (0.8, 0.95), 1e-3, 0)


def test_dropout_depends_on_seed_epoch_and_step(make_job: Callable[..., LoopJob]) -> None:
    job = make_job()
    batch = next(training_batches(job.train, job.settings, 0, 0))

    def loss_of(seed: int = 0, epoch: int = 0, step: int = 0) -> float:
        state = fresh_state(tiny_recipe(dropout=0.5))
        state.epoch, state.step = epoch, step
        state.network.train()
        return train_step(make_job(seed=seed), state, batch)[0]

    assert loss_of() == loss_of()
    assert len({loss_of(), loss_of(seed=1), loss_of(epoch=1), loss_of(step=1)}) == 4


@pytest.mark.parametrize("valid_batch", [4, 5, 64])
def test_validation_scores_every_photo_once_not_augmented_with_dropout_off(
    make_job: Callable[..., LoopJob], tiny_photos: CachedPhotos, valid_batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "_VALID_BATCH", valid_batch)
    network = fresh_state(tiny_recipe(dropout=0.9)).network.train()
    with torch.no_grad():
        network.output.weight.mul_(30)  # type: ignore[union-attr, operator]
    job = dataclasses.replace(make_job(), valid=PhotoExamples(tiny_photos, AugmentSettings()))
    loss, accuracy, _ = validate(job, network)
    pixels = np.stack([tiny_photos.pixels[i] for i in range(len(tiny_photos))])
    with torch.no_grad():
        of_class_1 = (
            torch.sigmoid(network.eval()(to_images(pixels.astype(np.uint8), UNIT_PIXELS, FP32)))[:, 0].double().numpy()
        )
    probabilities = np.stack([1 - of_class_1, of_class_1], axis=1)
    labels = tiny_photos.table.labels
    assert loss == pytest.approx(metrics.log_loss(labels, probabilities), abs=1e-5)
    assert accuracy == pytest.approx(metrics.accuracy_score(labels, of_class_1 > 0.5))


def test_the_history_has_a_row_per_epoch_with_means_over_photos(make_job: Callable[..., LoopJob]) -> None:
    job = make_job()
    losses: list[tuple[float, int, int]] = []

    def recording(job: LoopJob, state: TrainingState, batch: Batch) -> tuple[float, int]:
        loss, correct = train_step(job, state, batch)
        losses.append((loss, correct, len(batch.labels)))
        return loss, correct

    state = fresh_state(tiny_recipe())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(loop, "train_step", recording)
        fit(job, state, StopRequest(), _keep_nothing, SILENT)
    assert [row.epoch for row in state.history] == [1, 2, 3]
    count = len(job.train)
    assert [size for _, _, size in losses] == 3 * [8, 8, 8, 8, count - 32]
    for i, row in enumerate(state.history):
        epoch = losses[i * STEPS_PER_EPOCH : (i + 1) * STEPS_PER_EPOCH]
        assert row.loss == pytest.approx(sum(loss * size for loss, _, size in epoch) / count)
        assert row.accuracy == pytest.approx(sum(correct for _, correct, _ in epoch) / count)
        assert row.seconds > 0
        assert row.photos_per_second > 0
    assert (state.history[-1].val_loss, state.history[-1].val_accuracy) == validate(job, state.network)[:2]
    assert state.stopped == "all 3 epochs are done"


def test_the_best_weights_are_those_of_the_lowest_val_loss(
    make_job: Callable[..., LoopJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights_of: list[Tensor] = []
    val_losses = iter([0.6, 0.4, 0.5, 0.4])

    def validated(job: LoopJob, network: nn.Module, done: float) -> tuple[float, float, Tensor]:
        weights_of.append(network.state_dict()["hidden.weight"].clone())
        return next(val_losses), 0.5, torch.zeros(len(job.valid), 1)

    monkeypatch.setattr(loop, "validate", validated)
    state = fresh_state(tiny_recipe())
    fit(make_job(epochs=4), state, StopRequest(), _keep_nothing, SILENT)
    assert torch.equal(state.best_weights["hidden.weight"], weights_of[1])
    assert torch.equal(state.network.state_dict()["hidden.weight"], weights_of[3])


def test_training_stops_early_after_patience_epochs_without_a_lower_val_loss(
    make_job: Callable[..., LoopJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    val_losses = iter([0.6, 0.5, 0.7, 0.5, 0.6, 0.1, 0.1])
    monkeypatch.setattr(loop, "validate", lambda job, *_: (next(val_losses), 0.5, torch.zeros(len(job.valid), 1)))
    state = fresh_state(tiny_recipe())
    job = make_job(epochs=50, patience=3)
    fit(job, state, StopRequest(), _keep_nothing, SILENT)
    assert len(state.history) == 5
    assert state.stopped == "early stopping: no lower val_loss in the 3 epochs after epoch 2"
    # Resumed, it has nothing left to do.
    fit(job, state, StopRequest(), _keep_nothing, SILENT)
    assert len(state.history) == 5
    assert state.stopped.startswith("early stopping")


def test_the_state_is_kept_after_every_epoch_and_at_the_end(make_job: Callable[..., LoopJob]) -> None:
    kept: list[tuple[int, int, int, str]] = []

    def keep(state: TrainingState) -> None:
        kept.append((len(state.history), state.epoch, state.step, state.stopped))

    fit(make_job(), fresh_state(tiny_recipe()), StopRequest(), keep, SILENT)
    assert kept == [(1, 1, 0, ""), (2, 2, 0, ""), (3, 3, 0, ""), (3, 3, 0, "all 3 epochs are done")]


def test_the_state_is_kept_every_two_minutes_too(
    make_job: Callable[..., LoopJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = itertools.count(step=50.0)
    monkeypatch.setattr(loop, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    kept: list[int] = []
    state, job = fresh_state(tiny_recipe()), make_job(batch_size=1)
    train_epoch(job, state, StopRequest(), lambda state: kept.append(state.step), SILENT)
    # The clock moves on by 50 seconds per reading: one reading per step and one per save.
    assert kept == list(range(3, len(job.train) + 1, 3)), "the third step is the first after 120 seconds"


# RESUMED = NEVER STOPPED


@pytest.mark.parametrize("steps", range(1, 3 * STEPS_PER_EPOCH + 1))
def test_a_run_stopped_at_any_step_and_resumed_ends_as_the_run_that_never_stopped(
    whole: tuple[LoopJob, Saved], steps: int, tmp_path: Path
) -> None:
    job, never_stopped = whole
    state = fresh_state(tiny_recipe())
    stop, watch = stop_after(steps)
    fit(job, state, stop, lambda state: save_checkpoint(tmp_path, state, {}), watch)
    assert watch.steps == steps, "it stops after the current step"
    assert not state.stopped
    resumed = fresh_state(tiny_recipe(), seed=1)
    load_checkpoint(tmp_path, resumed)
    assert resumed.epoch * STEPS_PER_EPOCH + resumed.step == steps
    fit(job, resumed, StopRequest(), _keep_nothing, SILENT)
    assert_same_training(_saved(resumed, tmp_path), never_stopped)


def test_a_run_stopped_after_every_single_step_ends_as_the_run_that_never_stopped(
    whole: tuple[LoopJob, Saved], tmp_path: Path
) -> None:
    job, never_stopped = whole
    save_checkpoint(tmp_path, fresh_state(tiny_recipe()), {})
    for starts in itertools.count(1):
        state = fresh_state(tiny_recipe(), seed=starts)
        load_checkpoint(tmp_path, state)
        stop, watch = stop_after(1)
        fit(job, state, stop, lambda state: save_checkpoint(tmp_path, state, {}), watch)
        if state.stopped:
            break
    assert starts == 3 * STEPS_PER_EPOCH + 1
    assert_same_training(read_checkpoint(tmp_path), never_stopped)


def test_a_run_resumed_from_its_end_does_nothing_more(whole: tuple[LoopJob, Saved], tmp_path: Path) -> None:
    job, never_stopped = whole
    state = fresh_state(tiny_recipe())
    fit(job, state, StopRequest(), lambda state: save_checkpoint(tmp_path, state, {}), SILENT)
    again = fresh_state(tiny_recipe())
    load_checkpoint(tmp_path, again)
    watch = Watch()
    fit(job, again, StopRequest(), _keep_nothing, watch)
    assert watch.steps == 0
    assert_same_training(_saved(again, tmp_path), never_stopped)


def test_a_resumed_run_may_train_longer_and_equals_the_long_run(
    make_job: Callable[..., LoopJob], tmp_path: Path
) -> None:
    long, resumed = fresh_state(tiny_recipe()), fresh_state(tiny_recipe())
    fit(make_job(epochs=2), resumed, StopRequest(), _keep_nothing, SILENT)
    fit(make_job(epochs=4), resumed, StopRequest(), _keep_nothing, SILENT)
    fit(make_job(epochs=4), long, StopRequest(), _keep_nothing, SILENT)
    assert_same_training(_saved(resumed, tmp_path / "resumed"), _saved(long, tmp_path / "long"))


def test_another_seed_gives_other_weights(
    make_job: Callable[..., LoopJob], whole: tuple[LoopJob, Saved], tmp_path: Path
) -> None:
    job, never_stopped = whole
    state = fresh_state(tiny_recipe())
    fit(make_job(job.compute.precision, seed=1), state, StopRequest(), _keep_nothing, SILENT)
    weights = _saved(state, tmp_path).tensors["network.hidden.weight"]
    assert not torch.equal(weights, never_stopped.tensors["network.hidden.weight"])


# TIME


@dataclass
class Clock:
    """Time that passes only with the work of the loop."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A photo takes 0.1 seconds to train on and 0.03 to validate."""
    clock = Clock()

    def step(job: LoopJob, state: TrainingState, batch: Batch) -> tuple[float, int]:
        clock.now += 0.1 * len(batch.labels)
        return 0.5, len(batch.labels)

    def validated(job: LoopJob, network: nn.Module, done: float) -> tuple[float, float, Tensor]:
        clock.now += 0.03 * len(job.valid)
        return 0.5, 0.5, torch.zeros(len(job.valid), 1)

    for module in (loop, stopping):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(loop, "train_step", step)
    monkeypatch.setattr(loop, "validate", validated)
    return clock


@pytest.mark.parametrize("deadline", [8.0, 9.3, 11.0, 23.45, 240.0])
def test_training_ends_before_the_deadline_with_the_reserve_left(
    make_job: Callable[..., LoopJob], clock: Clock, deadline: float
) -> None:
    state = fresh_state(tiny_recipe())
    job = make_job(epochs=10_000, patience=10_000, finish_seconds=5.0)
    fit(job, state, StopRequest(deadline=deadline), _keep_nothing, SILENT)
    assert state.stopped == "the time limit was reached"
    assert clock.now <= deadline - 5 + 0.8, "five seconds are reserved, give or take one step"
    assert clock.now >= deadline - 5 - 0.8, "and no more than that is left over"
    assert state.history[-1].epoch == pytest.approx(state.epoch + state.seen / len(job.train), abs=1e-4)
    assert state.best_weights


def test_a_deadline_in_the_past_still_gives_a_model(make_job: Callable[..., LoopJob]) -> None:
    state = fresh_state(tiny_recipe())
    fit(make_job(), state, StopRequest(deadline=0.0), _keep_nothing, SILENT)
    assert len(state.history) == 1
    assert state.best_weights
    assert state.stopped == "the time limit was reached"


def test_an_epoch_cut_short_by_time_counts_as_a_fraction(make_job: Callable[..., LoopJob], clock: Clock) -> None:
    state, job = fresh_state(tiny_recipe()), make_job()
    fit(job, state, StopRequest(deadline=0.5), _keep_nothing, SILENT)
    (row,) = state.history
    assert row.epoch == round(8 / len(job.train), 4)
    assert (state.epoch, state.step, state.seen) == (0, 1, 8), "resumed, it continues within the epoch"


# NAN AND INFINITY


def _nan_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = itertools.count(1)

    def bad(job: LoopJob, state: TrainingState, batch: Batch) -> tuple[float, int]:
        return (math.nan, 0) if next(steps) == step else train_step(job, state, batch)

    monkeypatch.setattr(loop, "train_step", bad)


def test_fault_43_a_nan_loss_before_any_finished_epoch_is_an_error(
    make_job: Callable[..., LoopJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    _nan_at(3, monkeypatch)
    watch, kept = Watch(), []
    with pytest.raises(TrainingError, match=r"in epoch 1, step 3, .* NaN or infinity.*try a smaller learning_rate"):
        fit(make_job(), fresh_state(tiny_recipe()), StopRequest(), kept.append, watch)
    assert watch.steps == 3, "it stops at once"
    assert not kept


def test_fault_43_a_nan_loss_after_an_epoch_stops_and_keeps_the_best(
    make_job: Callable[..., LoopJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    _nan_at(STEPS_PER_EPOCH + 2, monkeypatch)
    state = fresh_state(tiny_recipe())
    fit(make_job(), state, StopRequest(), _keep_nothing, SILENT)
    assert len(state.history) == 1
    assert state.stopped == ("in epoch 2, step 2, the loss became NaN or infinity; the best epoch so far, 1, is kept")
    assert all(value.isfinite().all() for value in state.best_weights.values())


@pytest.mark.parametrize("non_finite", [math.nan, math.inf])
def test_fault_43_a_non_finite_val_loss_stops_training(
    make_job: Callable[..., LoopJob], monkeypatch: pytest.MonkeyPatch, non_finite: float
) -> None:
    val_losses = iter([0.6, non_finite])
    monkeypatch.setattr(loop, "validate", lambda job, *_: (next(val_losses), 0.5, torch.zeros(len(job.valid), 1)))
    state = fresh_state(tiny_recipe())
    fit(make_job(), state, StopRequest(), _keep_nothing, SILENT)
    assert "NaN or infinity; the best epoch so far, 1, is kept" in state.stopped
    monkeypatch.setattr(loop, "validate", lambda job, *_: (non_finite, 0.5, torch.zeros(len(job.valid), 1)))
    with pytest.raises(TrainingError, match="before any epoch was finished"):
        fit(make_job(epochs=1), fresh_state(tiny_recipe()), StopRequest(), _keep_nothing, SILENT)


@pytest.mark.parametrize("epochs", [1, 3])
def test_fault_43_a_far_too_large_learning_rate_is_reported(make_job: Callable[..., LoopJob], epochs: int) -> None:
    job = make_job(learning_rate=1e30, epochs=epochs)
    state = fresh_state(tiny_recipe(learning_rate=1e30))
    with pytest.raises(TrainingError, match=r"NaN or infinity.*try a smaller learning_rate"):
        fit(job, state, StopRequest(), _keep_nothing, SILENT)


class TestPlannedTime:
    """With a time limit, a falling schedule reaches its end when the time does."""

    @pytest.fixture
    def rates(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """The share of the training that was done, at each step."""
        shares_done: list[float] = []
        real = loop.set_learning_rate

        def recording(optimizer: torch.optim.Optimizer, settings: LoopSettings, done: float) -> None:
            shares_done.append(done)
            real(optimizer, settings, done)

        monkeypatch.setattr(loop, "set_learning_rate", recording)
        return shares_done

    def test_as_many_epochs_as_fit_and_the_rate_ends_low(
        self, make_job: Callable[..., LoopJob], rates: list[float]
    ) -> None:
        job = make_job(epochs=10_000, patience=10_000, schedule="one-cycle")
        state = fresh_state(tiny_recipe())
        started_at = time.monotonic()
        fit(job, state, StopRequest(started_at + 3), _keep_nothing, SILENT)
        assert 1.5 < time.monotonic() - started_at < 3.1
        assert state.stopped == "the time limit was reached"
        trained = rates[-sum(1 for done in reversed(rates) if done) :]
        assert rates[-1] > 0.95, "the plan is completed"
        assert all(later >= earlier for earlier, later in itertools.pairwise(trained))

    def test_less_time_than_one_epoch_still_completes_the_schedule(
        self, make_job: Callable[..., LoopJob], rates: list[float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            loop, "_measure_time_budget", lambda job, state: time_budget.TimeBudget(np.full(16, 1.0), 0.0)
        )
        job = make_job(epochs=3, schedule="one-cycle")
        state = fresh_state(tiny_recipe())
        fit(job, state, StopRequest(time.monotonic() + 18), _keep_nothing, SILENT)
        assert [row.epoch for row in state.history] == [pytest.approx(24 / len(job.train), abs=1e-3)], (
            "17 photos, in batches of 8"
        )
        assert state.stopped == "the time limit was reached"

    def test_with_time_to_spare_all_requested_epochs_are_trained(
        self, make_job: Callable[..., LoopJob], rates: list[float]
    ) -> None:
        timed, untimed = fresh_state(tiny_recipe()), fresh_state(tiny_recipe())
        job = make_job(schedule="one-cycle")
        fit(job, timed, StopRequest(time.monotonic() + 600), _keep_nothing, SILENT)
        fit(job, untimed, StopRequest(), _keep_nothing, SILENT)
        assert timed.stopped == "all 3 epochs are done"
        for name, weights in untimed.network.state_dict().items():
            torch.testing.assert_close(timed.network.state_dict()[name], weights, msg=name)

    def test_no_stub_of_an_epoch_follows_a_completed_plan(
        self, make_job: Callable[..., LoopJob], rates: list[float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Three thirds of a training may add up to slightly less than 1, or slightly more."""
        left = iter([3.0, 2.0, 1.0])
        planned = time_budget.TimeBudget(np.full(16, 1e-6), 0.0)
        monkeypatch.setattr(planned, "epochs_in", lambda *given: next(left))
        monkeypatch.setattr(loop, "_measure_time_budget", lambda job, state: planned)
        state = fresh_state(tiny_recipe())
        fit(
            make_job(epochs=99, patience=99, schedule="one-cycle"),
            state,
            StopRequest(time.monotonic() + 600),
            _keep_nothing,
            SILENT,
        )
        assert [row.epoch for row in state.history] == [1, 2, 3]
        assert state.stopped == "the time limit was reached"
        assert len(rates) == 3 * STEPS_PER_EPOCH
