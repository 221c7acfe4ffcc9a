"""Confidence intervals: Wilson's equal SciPy's, and all of them contain the true value about 19 times in 20."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from photoclass.metrics.bootstrap import bootstrap_metrics
from photoclass.metrics.classification import expected_calibration_error
from photoclass.metrics.intervals import (
    Interval,
    calibration_interval,
    effective_sample_size,
    f1_interval,
    mean_interval,
    percentile_interval,
    wilson_interval,
)
from photoclass.metrics.labelled import LabelledProbabilities

Predictions = tuple[NDArray[np.float64], NDArray[np.int64]]


@given(st.integers(1, 3000), st.data())
def test_the_interval_of_a_proportion_is_wilsons(photos: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, photos))
    interval = wilson_interval(right / photos, photos)
    expected = stats.binomtest(right, photos).proportion_ci(0.95, method="wilson")
    assert interval.value == right / photos
    assert interval.low == pytest.approx(expected.low, abs=1e-9)
    assert interval.high == pytest.approx(expected.high, abs=1e-9)
    assert 0 <= interval.low <= interval.value + 1e-12
    assert interval.value - 1e-12 <= interval.high <= 1


def test_near_duplicates_lower_the_effective_sample_size() -> None:
    assert effective_sample_size(np.arange(7)) == 7
    assert effective_sample_size(np.array([3, 3, 3])) == 1
    assert effective_sample_size(np.array([0, 0, 5, 5])) == 2
    assert effective_sample_size(np.array([0, 0, 5, 6])) == pytest.approx(16 / 6)
    assert effective_sample_size(np.array([], dtype=np.int64)) == 0


@given(right=st.integers(0, 300), called=st.integers(0, 300), of_class=st.integers(0, 300))
def test_the_interval_of_f1_contains_f1(right: int, called: int, of_class: int) -> None:
    either = right + called + of_class
    if not either:
        return
    interval = f1_interval(right, either, either)
    assert interval.value == pytest.approx(2 * right / (2 * right + called + of_class), abs=1e-12)
    assert 0 <= interval.low <= interval.value + 1e-12 and interval.value - 1e-12 <= interval.high <= 1


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=1, max_size=5))
def test_the_interval_of_a_mean_is_within_the_mean_of_the_intervals(counts: list[tuple[int, int]]) -> None:
    proportions = [wilson_interval(min(right, n) / n, n) for right, n in counts]
    mean = mean_interval(proportions)
    assert mean.value == pytest.approx(np.mean([part.value for part in proportions]), abs=1e-12)
    assert np.mean([part.low for part in proportions]) - 1e-12 <= mean.low <= mean.value + 1e-12
    assert mean.value - 1e-12 <= mean.high <= np.mean([part.high for part in proportions]) + 1e-12


def _covered(true: float, intervals: list[Interval]) -> int:
    return sum(interval.low <= true + 1e-9 and true - 1e-9 <= interval.high for interval in intervals)


def test_intervals_of_mean_and_f1_contain_the_true_value_about_19_times_in_20() -> None:
    """With recalls of 0.97 on 60 photos and 0.8 on 25, for which a bootstrap interval would be too narrow."""
    generator = np.random.default_rng(1)
    right = np.stack([generator.binomial(60, 0.97, 2000), generator.binomial(25, 0.8, 2000)], axis=1)
    means = [mean_interval([wilson_interval(a / 60, 60), wilson_interval(b / 25, 25)]) for a, b in right]
    assert 0.94 <= _covered((0.97 + 0.8) / 2, means) / 2000 <= 0.985
    either = 60 + (25 - right[:, 1])
    scores = [f1_interval(int(a), int(n), int(n)) for (a, _), n in zip(right, either, strict=True)]
    assert 0.94 <= _covered(2 * 60 * 0.97 / (60 + 60 * 0.97 + 5), scores) / 2000 <= 0.99


def test_without_variation_there_is_no_interval() -> None:
    assert not percentile_interval(0.5, np.full(100, 0.5)).is_known
    assert not percentile_interval(0.5, np.full(100, np.nan)).is_known
    assert percentile_interval(0.5, np.full(100, np.nan)).bounds() is None
    half_missing = np.concatenate([np.linspace(0, 1, 1001), np.full(500, np.nan)])
    assert percentile_interval(0.5, half_missing).bounds() == pytest.approx([0.025, 0.975])


@pytest.mark.parametrize(("photos", "overconfidence"), [(100, 1.0), (100, 1.5), (500, 1.0), (500, 2.0)])
def test_the_interval_of_the_calibration_error_contains_the_true_error(photos: int, overconfidence: float) -> None:
    """A percentile interval almost never contains it if the model is calibrated."""

    def draw(generator: np.random.Generator, count: int) -> Predictions:
        mean = generator.beta(0.5, 0.5, count)
        labels = (generator.random(count) < mean).astype(np.int64)
        predicted = mean**overconfidence / (mean**overconfidence + (1 - mean) ** overconfidence)
        return np.stack([1 - predicted, predicted], axis=1), labels

    truth = expected_calibration_error(*draw(np.random.default_rng(0), 1_000_000))
    intervals, plain = [], []
    for trial in range(100):
        given = draw(np.random.default_rng([2, trial]), photos)
        drawn = bootstrap_metrics(LabelledProbabilities(*given, ("a", "b")), seed=trial, resamples=200)
        value = expected_calibration_error(*given)
        intervals.append(calibration_interval(value, drawn.ece, drawn.ece_if_calibrated))
        plain.append(percentile_interval(value, drawn.ece))
        assert intervals[-1].low <= value <= intervals[-1].high
    # The error of 1,000,000 photos still differs from the true one by about 0.001.
    covered = sum(i.low <= truth + 0.001 and truth - 0.001 <= i.high for i in intervals)
    assert covered >= 90
    if overconfidence == 1:
        assert _covered(truth, plain) <= 10
        assert math.isclose(np.median([interval.low for interval in intervals]), 0)
