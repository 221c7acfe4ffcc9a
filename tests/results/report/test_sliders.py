"""The counts behind the report's sliders, and the reliability diagram."""

import numpy as np
import pytest

from photoclass.metrics.classification import confusion_matrix
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.results.report.reliability import reliability
from photoclass.results.report.sliders import count_coverage, count_thresholds

GENERATOR = np.random.default_rng(3)
SECOND = GENERATOR.beta(0.4, 0.4, 500)
LABELS = (GENERATOR.random(500) < SECOND).astype(np.int64)
TWO = LabelledProbabilities(np.stack([1 - SECOND, SECOND], axis=1), LABELS, ("a", "b"))
MANY = LabelledProbabilities(GENERATOR.dirichlet(np.ones(5), 300), GENERATOR.integers(0, 5, 300), tuple("abcde"))


def test_counts_at_one_half_equal_the_confusion_matrix() -> None:
    counted = count_thresholds(TWO)
    at = counted.levels.index(0.5)
    table = confusion_matrix(TWO.probabilities, LABELS)
    assert counted.true_positives[at] == table[1, 1] and counted.false_positives[at] == table[0, 1]
    assert (counted.negatives, counted.positives) == (table[0].sum(), table[1].sum())


def test_each_threshold_counts_the_predictions_above_it() -> None:
    counted = count_thresholds(TWO)
    assert list(counted.levels) == sorted(set(counted.levels))
    assert counted.levels[0] > 0 and counted.levels[-1] < 1
    for level, true_positives, false_positives in zip(
        counted.levels, counted.true_positives, counted.false_positives, strict=True
    ):
        said = level < SECOND
        assert (true_positives, false_positives) == ((said & (LABELS == 1)).sum(), (said & (LABELS == 0)).sum())


@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize("predictions", [TWO, MANY])
def test_a_higher_confidence_accepts_fewer_predictions(predictions: LabelledProbabilities, few: bool) -> None:
    counted = count_coverage(predictions, few=few)
    assert counted.accepted[0] == len(predictions) == counted.photos
    assert counted.correct[0] == predictions.correct.sum()
    assert (np.diff(counted.accepted) <= 0).all() and (np.diff(counted.levels) > 0).all()
    for level, accepted, right in zip(counted.levels, counted.accepted, counted.correct, strict=True):
        sure = predictions.confidence >= level
        assert (accepted, right) == (sure.sum(), (sure & predictions.correct).sum())


def test_levels_that_every_prediction_passes_are_left_out() -> None:
    assert count_coverage(TWO).levels[:3] == (0.0, 0.51, 0.52)
    assert count_coverage(MANY).levels[:3] == (0.0, 0.21, 0.22)


@pytest.mark.parametrize("predictions", [TWO, MANY])
def test_bins_hold_each_photo_once(predictions: LabelledProbabilities) -> None:
    bins = reliability(predictions)
    assert sum(b.count for b in bins) == len(predictions)
    assert all(b.low <= b.confidence <= b.high for b in bins)
    right = predictions.correct.sum()
    assert sum(b.count * b.accuracy.value for b in bins) == pytest.approx(right)


def test_the_last_bin_includes_one_and_an_overconfident_bin_is_found() -> None:
    (only,) = reliability(LabelledProbabilities(np.tile([1.0, 0.0], (40, 1)), np.repeat([0, 1], 20), ("a", "b")))
    assert (only.count, only.high, only.accuracy.value) == (40, 1.0, 0.5)
    assert only.is_overconfident and not only.is_calibrated
    assert all(b.is_calibrated for b in reliability(TWO)), "these probabilities are calibrated by construction"
