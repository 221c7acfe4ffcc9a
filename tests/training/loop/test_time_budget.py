"""How many epochs fit into a time budget."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoclass.training.loop.batches import Batch
from photoclass.training.loop.time_budget import TimeBudget, measure_time_budget


def _even(seconds: float) -> TimeBudget:
    return TimeBudget(np.full(16, seconds), 0.0)


@given(
    costs=st.lists(st.floats(1e-5, 1e-2), min_size=16, max_size=16),
    seconds=st.floats(0.1, 1e5),
    photos=st.integers(1, 10**6),
    most=st.integers(1, 100),
    valid_photos=st.floats(0, 10**5),
)
def test_all_planned_epochs_fit_into_the_time(
    costs: list[float], seconds: float, photos: int, most: int, valid_photos: float
) -> None:
    epochs = TimeBudget(np.array(costs), valid_photos).epochs_in(seconds, 0.0, photos, most)
    assert 0 < epochs <= most
    if epochs > 1 / photos:
        assert epochs * (photos + valid_photos) * np.mean(costs) <= seconds * (1 + 1e-9)


def test_a_very_short_last_epoch_is_dropped() -> None:
    time_budget = _even(0.01)
    assert time_budget.epochs_in(100 * 0.01 * 1.04 * 3.05, 0, 100, 9) == 3
    assert time_budget.epochs_in(100 * 0.01 * 1.04 * 3.5, 0, 100, 9) == pytest.approx(3.5)
    assert time_budget.epochs_in(100 * 0.01 * 1.04 * 0.05, 0, 100, 9) == pytest.approx(0.05)


def test_the_plan_uses_the_cost_of_photos_at_that_time_of_the_training() -> None:
    costs = np.concatenate([np.full(8, 0.001), np.full(8, 0.003)])
    time_budget = TimeBudget(costs, 0.0)
    whole, second_half = (time_budget.epochs_in(1000, done, 1000, 10**6) for done in (0.0, 0.5))
    assert whole == pytest.approx(1000 / (1000 * 0.002 * 1.04), abs=1)
    assert second_half == pytest.approx(1000 / (1000 * 0.003 * 1.04), abs=1)


def test_measured_epochs_correct_the_plan() -> None:
    time_budget = _even(0.001)
    before = time_budget.epochs_in(500, 0.25, 1000, 10**6)
    time_budget.update(0.0, 0.25, 0.002, 0.0)
    assert time_budget.epochs_in(500, 0.25, 1000, 10**6) == pytest.approx(before / 2, abs=1)
    time_budget.update(0.25, 0.5, 0.002, 2.0)
    assert time_budget.epochs_in(500, 0.5, 1000, 10**6) == pytest.approx(before / 4, abs=1)


def test_each_image_size_is_timed_with_a_few_trials() -> None:
    steps: list[int] = []

    def batch_at(done: float) -> Batch:
        side = 4 if done < 0.5 else 8
        return Batch(np.zeros((2, side, side, 3), dtype=np.uint8), np.zeros(2, dtype=np.int64))

    def step(batch: Batch) -> None:
        steps.append(batch.inputs.shape[1])
        time.sleep(0.002 if batch.inputs.shape[1] == 4 else 0.02)

    time_budget = measure_time_budget(batch_at, step, valid_photos=0)
    assert sorted(set(steps)) == [4, 8]
    assert len(steps) == 6
    early, late = time_budget.epochs_in(100, 0.0, 100, 10**6), time_budget.epochs_in(100, 0.5, 100, 10**6)
    assert early / late == pytest.approx(0.01 / ((0.001 + 0.01) / 2), rel=0.3)
