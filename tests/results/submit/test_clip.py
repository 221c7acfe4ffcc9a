"""Clipping: rows sum to 1, as clipped and as written; with two classes it is the usual clip."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from photoclass.metrics.classification import log_loss
from photoclass.results.submit.clip import clip_probabilities, decimals_for, lowest_probability, round_rows

_CLIPS = st.floats(1e-8, 0.499) | st.sampled_from([0.0, 1e-7, 0.005, 0.49])


def _rows(seed: int, classes: int, spread: float, count: int = 40) -> NDArray[np.float64]:
    logits = np.random.default_rng(seed).normal(0, spread, (count, classes))
    rows = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(rows / rows.sum(axis=1, keepdims=True))


@given(st.integers(0, 99), st.integers(2, 130), st.floats(0, 60), _CLIPS)
def test_rows_sum_to_1_within_the_limits(seed: int, classes: int, spread: float, clip: float) -> None:
    given = _rows(seed, classes, spread)
    clipped = clip_probabilities(given, clip)
    lowest, decimals = lowest_probability(clip, classes), decimals_for(clip, classes)
    np.testing.assert_allclose(clipped.sum(axis=1), 1, atol=1e-12)
    assert clipped.min() >= lowest - 1e-15 and clipped.max() <= 1 - clip + 1e-12
    units = round_rows(clipped, decimals)
    assert (units.sum(axis=1) == 10**decimals).all()
    assert np.abs(units / 10**decimals - clipped).max() <= 10.0**-decimals
    assert lowest == 0 or units.min() > 0
    # Neither step makes a more probable class the less probable one.
    for before, after in ((given, clipped), (clipped, units)):
        order = np.argsort(before, axis=1, kind="stable")
        less = np.diff(np.take_along_axis(before, order, axis=1), axis=1) > 1e-12
        assert (np.diff(np.take_along_axis(after, order, axis=1), axis=1)[less] >= -1e-15).all()


@given(st.integers(0, 99), st.floats(0, 60), _CLIPS)
def test_with_two_classes_it_is_the_usual_clip_to_the_last_digit(seed: int, spread: float, clip: float) -> None:
    given = _rows(seed, 2, spread).astype(np.float32)
    usual = np.clip(given.astype(np.float64), clip, 1 - clip)
    clipped = clip_probabilities(given, clip)
    assert clipped.tolist() == usual.tolist()
    decimals = decimals_for(clip, 2)
    written = [f"{p:.{decimals}f}" for p in round_rows(clipped, decimals)[:, 1] / 10**decimals]
    assert written == [f"{p:.{decimals}f}" for p in usual[:, 1]]
    assert decimals == 6 or clip < 1e-5


@pytest.mark.parametrize("confidence", [0.9, 0.999, 1 - 1e-9])
def test_the_general_rule_agrees_with_the_usual_clip(confidence: float) -> None:
    """A third class that is as improbable as can be changes the two others as two classes would be."""
    clipped = clip_probabilities(np.array([[confidence, 1 - confidence, 0.0]]), 0.005)
    assert clipped[0, 0] == pytest.approx(min(confidence, 0.995), abs=0.0025)
    assert clipped[0, 2] == 0.0025


def test_120_classes_cost_no_more_than_two() -> None:
    """Clipped for themselves to 0.005, the 119 wrong classes took 0.6 of each photo's probability between them."""
    labels = np.arange(600) % 120
    given = np.full((600, 120), 1e-6)
    given[np.arange(600), labels] = 1 - 119e-6
    each_for_itself = np.clip(given, 0.005, 0.995)
    each_for_itself /= each_for_itself.sum(axis=1, keepdims=True)  # as Kaggle does
    clipped = round_rows(clip_probabilities(given, 0.005), 6) / 1e6
    assert log_loss(each_for_itself, labels) > 0.4
    assert log_loss(clipped, labels) == pytest.approx(-np.log(0.995), abs=1e-5)


def test_a_confident_mistake_of_120_classes_costs_no_more_than_the_lowest_probability() -> None:
    given = np.zeros((1, 120))
    given[0, 7] = 1
    written = round_rows(clip_probabilities(given, 0.005), 6) / 1e6
    assert -np.log(written[0, 3]) == pytest.approx(-np.log(0.005 / 119), abs=0.01)


def test_the_lowest_probability_is_never_written_as_zero() -> None:
    assert decimals_for(0.005, 2) == decimals_for(0.005, 120) == decimals_for(0, 5) == 6
    for classes in (1000, 20_000):
        assert round_rows(clip_probabilities(np.eye(1, classes), 0.005), decimals_for(0.005, classes)).min() > 0
