"""What the sliders of the report mean, and whether probabilities mean what they say."""

import numpy as np
import pytest

from photoclass.metrics.figures import confusion
from photoclass.results.report.reliability import reliability
from photoclass.results.report.sliders import count_coverage, count_thresholds

GENERATOR = np.random.default_rng(3)
SECOND = GENERATOR.beta(0.4, 0.4, 500)
TWO = np.stack([1 - SECOND, SECOND], axis=1)
LABELS = (GENERATOR.random(500) < SECOND).astype(np.int64)
MANY = GENERATOR.dirichlet(np.ones(5), 300)
MANY_LABELS = GENERATOR.integers(0, 5, 300)


def test_at_one_half_the_counts_are_those_of_the_confusion_table() -> None:
    counted = count_thresholds(TWO, LABELS)
    at = counted.levels.index(0.5)
    table = confusion(TWO, LABELS)
    assert counted.hits[at] == table[1, 1] and counted.false_alarms[at] == table[0, 1]
    assert (counted.firsts, counted.seconds) == (table[0].sum(), table[1].sum())


def test_every_threshold_counts_what_lies_above_it() -> None:
    counted = count_thresholds(TWO, LABELS)
    assert list(counted.levels) == sorted(set(counted.levels))
    assert counted.levels[0] > 0 and counted.levels[-1] < 1
    for level, hits, alarms in zip(counted.levels, counted.hits, counted.false_alarms, strict=True):
        said = level < SECOND
        assert (hits, alarms) == ((said & (LABELS == 1)).sum(), (said & (LABELS == 0)).sum())


@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize(("probabilities", "labels"), [(TWO, LABELS), (MANY, MANY_LABELS)])
def test_the_surer_it_must_be_the_less_is_answered(probabilities: np.ndarray, labels: np.ndarray, few: bool) -> None:
    counted = count_coverage(probabilities, labels, few=few)
    assert counted.answered[0] == len(labels) == counted.photos
    assert counted.right[0] == (probabilities.argmax(axis=1) == labels).sum()
    assert (np.diff(counted.answered) <= 0).all() and (np.diff(counted.levels) > 0).all()
    for level, answered, right in zip(counted.levels, counted.answered, counted.right, strict=True):
        sure = probabilities.max(axis=1) >= level
        assert (answered, right) == (sure.sum(), (sure & (probabilities.argmax(axis=1) == labels)).sum())


def test_levels_that_all_photos_pass_are_left_out() -> None:
    assert count_coverage(TWO, LABELS).levels[:3] == (0.0, 0.51, 0.52)
    assert count_coverage(MANY, MANY_LABELS).levels[:3] == (0.0, 0.21, 0.22)


@pytest.mark.parametrize(("probabilities", "labels"), [(TWO, LABELS), (MANY, MANY_LABELS)])
def test_bins_hold_every_photo_once(probabilities: np.ndarray, labels: np.ndarray) -> None:
    bins = reliability(probabilities, labels)
    assert sum(b.count for b in bins) == len(labels)
    assert all(b.low <= b.confidence <= b.high for b in bins)
    right = (probabilities.argmax(axis=1) == labels).sum()
    assert sum(b.count * b.right.value for b in bins) == pytest.approx(right)


def test_a_probability_of_one_lies_in_the_last_bin_and_an_overconfident_bin_does_not_fit() -> None:
    (only,) = reliability(np.tile([1.0, 0.0], (40, 1)), np.repeat([0, 1], 20))
    assert (only.count, only.high, only.right.value) == (40, 1.0, 0.5)
    assert not only.fits
    assert all(b.fits for b in reliability(TWO, LABELS)), "these probabilities are true by construction"
