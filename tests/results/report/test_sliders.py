"""The counts behind the report's sliders, and the reliability diagram."""

import numpy as np
import pytest

from photoclass.metrics.classification import confusion_matrix
from photoclass.results.report.reliability import reliability
from photoclass.results.report.sliders import count_coverage, count_thresholds

GENERATOR = np.random.default_rng(3)
SECOND = GENERATOR.beta(0.4, 0.4, 500)
TWO = np.stack([1 - SECOND, SECOND], axis=1)
LABELS = (GENERATOR.random(500) < SECOND).astype(np.int64)
MANY = GENERATOR.dirichlet(np.ones(5), 300)
MANY_LABELS = GENERATOR.integers(0, 5, 300)


def test_counts_at_one_half_equal_the_confusion_matrix() -> None:
    counted = count_thresholds(TWO, LABELS)
    at = counted.levels.index(0.5)
    table = confusion_matrix(TWO, LABELS)
    assert counted.true_positives[at] == table[1, 1] and counted.false_positives[at] == table[0, 1]
    assert (counted.negatives, counted.positives) == (table[0].sum(), table[1].sum())


def test_each_threshold_counts_the_predictions_above_it() -> None:
    counted = count_thresholds(TWO, LABELS)
    assert list(counted.levels) == sorted(set(counted.levels))
    assert counted.levels[0] > 0 and counted.levels[-1] < 1
    for level, true_positives, false_positives in zip(
        counted.levels, counted.true_positives, counted.false_positives, strict=True
    ):
        said = level < SECOND
        assert (true_positives, false_positives) == ((said & (LABELS == 1)).sum(), (said & (LABELS == 0)).sum())


@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize(("probabilities", "labels"), [(TWO, LABELS), (MANY, MANY_LABELS)])
def test_a_higher_confidence_accepts_fewer_predictions(
    probabilities: np.ndarray, labels: np.ndarray, few: bool
) -> None:
    counted = count_coverage(probabilities, labels, few=few)
    assert counted.accepted[0] == len(labels) == counted.photos
    assert counted.correct[0] == (probabilities.argmax(axis=1) == labels).sum()
    assert (np.diff(counted.accepted) <= 0).all() and (np.diff(counted.levels) > 0).all()
    for level, accepted, right in zip(counted.levels, counted.accepted, counted.correct, strict=True):
        sure = probabilities.max(axis=1) >= level
        assert (accepted, right) == (sure.sum(), (sure & (probabilities.argmax(axis=1) == labels)).sum())


def test_levels_that_every_prediction_passes_are_left_out() -> None:
    assert count_coverage(TWO, LABELS).levels[:3] == (0.0, 0.51, 0.52)
    assert count_coverage(MANY, MANY_LABELS).levels[:3] == (0.0, 0.21, 0.22)


@pytest.mark.parametrize(("probabilities", "labels"), [(TWO, LABELS), (MANY, MANY_LABELS)])
def test_bins_hold_each_photo_once(probabilities: np.ndarray, labels: np.ndarray) -> None:
    bins = reliability(probabilities, labels)
    assert sum(b.count for b in bins) == len(labels)
    assert all(b.low <= b.confidence <= b.high for b in bins)
    right = (probabilities.argmax(axis=1) == labels).sum()
    assert sum(b.count * b.accuracy.value for b in bins) == pytest.approx(right)


def test_the_last_bin_includes_one_and_an_overconfident_bin_is_found() -> None:
    (only,) = reliability(np.tile([1.0, 0.0], (40, 1)), np.repeat([0, 1], 20))
    assert (only.count, only.high, only.accuracy.value) == (40, 1.0, 0.5)
    assert only.is_overconfident and not only.is_calibrated
    assert all(b.is_calibrated for b in reliability(TWO, LABELS)), "these probabilities are calibrated by construction"
