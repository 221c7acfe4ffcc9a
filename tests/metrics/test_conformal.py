"""Sets of classes: the finite-sample guarantee in simulations, exact ranks, groups, classes, refusals."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoclass.errors import SettingsError
from photoclass.metrics.conformal import check_coverage, conformal_thresholds, measure_sets, photos_needed
from photoclass.metrics.labelled import LabelledProbabilities

NAMES = ("cat", "dog", "fox")


def _photos(
    count: int, rng: np.random.Generator, classes: int = 3, copies: int = 1, sharpness: float = 1.0
) -> LabelledProbabilities:
    """Draw photos with an imperfect model; each stands there `copies` times, as a group of near-duplicates."""
    labels = rng.integers(0, classes, count)
    logits = rng.normal(size=(count, classes))
    logits[np.arange(count), labels] += 1.5
    probabilities = np.exp(sharpness * logits) / np.exp(sharpness * logits).sum(axis=1, keepdims=True)
    names = NAMES if classes == 3 else tuple(f"class {i:02}" for i in range(classes))
    return LabelledProbabilities(
        probabilities.repeat(copies, axis=0), labels.repeat(copies), names, np.arange(count).repeat(copies)
    )


def test_the_threshold_is_the_finite_sample_quantile() -> None:
    """Of 99 photos, a coverage of 90 % takes the 90th highest probability of a true class: ceil(100 x 0.9)."""
    of_truth = np.linspace(0.999, 0.01, 99)
    photos = LabelledProbabilities(np.stack([of_truth, 1 - of_truth], axis=1), np.zeros(99, dtype=int), ("cat", "dog"))
    for coverage, rank in ((0.9, 90), (0.95, 95), (0.99, 99), (0.5, 50), (0.901, 91)):
        assert conformal_thresholds(photos, coverage).thresholds == pytest.approx(of_truth[rank - 1], abs=2e-7)


@given(st.integers(1, 400), st.floats(0.01, 0.99), st.integers(0, 2**31))
def test_ranks_are_exact_for_any_count(count: int, coverage: float, seed: int) -> None:
    coverage = round(coverage, 3)
    photos = _photos(count, np.random.default_rng(seed), classes=2)
    rank = math.ceil((count + 1) * Fraction(str(coverage)))
    if rank > count:
        with pytest.raises(SettingsError, match="needs at least"):
            conformal_thresholds(photos, coverage)
        return
    of_truth = photos.probabilities[np.arange(count), photos.labels]
    assert conformal_thresholds(photos, coverage).thresholds[0] == pytest.approx(
        np.sort(of_truth)[::-1][rank - 1], abs=2e-7
    )


@given(st.integers(1, 60), st.integers(1, 4), st.floats(0.05, 0.95), st.integers(0, 2**31))
def test_copies_of_photos_change_nothing(count: int, copies: int, coverage: float, seed: int) -> None:
    once = _photos(count, np.random.default_rng(seed))
    copied = _photos(count, np.random.default_rng(seed), copies=copies)
    if count < photos_needed(coverage):
        with pytest.raises(SettingsError, match=f"there are {count}"):
            conformal_thresholds(copied, coverage)
        return
    assert (conformal_thresholds(copied, coverage).thresholds == conformal_thresholds(once, coverage).thresholds).all()
    assert conformal_thresholds(copied, coverage).groups == count


@given(st.integers(1, 3000), st.integers(1, 9999))
def test_the_coverage_that_a_refusal_proposes_is_possible(count: int, of_10000: int) -> None:
    coverage = of_10000 / 10_000
    if count >= photos_needed(coverage):
        return
    photos = LabelledProbabilities(np.full((count, 2), 0.5), np.zeros(count, dtype=int), ("cat", "dog"))
    with pytest.raises(SettingsError) as refused:
        conformal_thresholds(photos, coverage)
    proposed = float(str(refused.value).partition("ask for at most ")[2].partition(",")[0])
    assert 0 < proposed < coverage
    assert conformal_thresholds(photos, proposed).photos == count


@pytest.mark.parametrize("by_class", [False, True])
@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_new_photos_are_covered_at_least_as_asked(coverage: float, by_class: bool) -> None:
    """In 2,000 simulated experiments the coverage is between c and c + 1 / (n + 1), as the theorem says."""
    rng = np.random.default_rng(0)
    held, sizes, trials, calibrated = np.zeros(3), [], 2_000, 120
    for _ in range(trials):
        rule = conformal_thresholds(_photos(calibrated, rng), coverage, by_class)
        new = _photos(60, rng)
        measured = measure_sets(rule, new)
        sizes.append(measured.mean_size)
        shares = measured.per_class if by_class else (measured.coverage,) * 3
        held += [share.value if share else coverage for share in shares]
    # The standard error of a mean over 2,000 experiments of 60 photos, doubled for what they share.
    error = 4 * math.sqrt(coverage * (1 - coverage) / (trials * 60)) * (3 if by_class else 2)
    assert (held / trials >= coverage - error).all()
    assert (held / trials <= coverage + 1 / (calibrated / (3 if by_class else 1) * 0.7) + error).all()
    assert 1 < np.mean(sizes) < 3


def test_groups_of_different_sizes_keep_the_guarantee() -> None:
    """A few large groups of difficult photos: counted photo by photo, new groups would be covered too seldom."""
    rng = np.random.default_rng(1)

    def draw(groups: int) -> LabelledProbabilities:
        # Each group has its own difficulty, and easy groups have many photos.
        of_truth, numbers = [], []
        for number in range(groups):
            easy = rng.random() < 0.5
            count = 40 if easy else 1
            of_truth += (rng.uniform(0.8, 1, count) if easy else rng.uniform(0.2, 1, count)).tolist()
            numbers += [number] * count
        p = np.array(of_truth)
        rest = (1 - p) / 2
        return LabelledProbabilities(
            np.stack([p, rest, rest], axis=1), np.zeros(len(p), dtype=int), NAMES, np.array(numbers)
        )

    grouped, alone = [], []
    for _ in range(400):
        photos = draw(40)
        new = draw(30)
        one_each = new.select(np.unique(new.groups, return_index=True)[1])
        p = one_each.probabilities[:, 0]
        grouped.append((p >= conformal_thresholds(photos, 0.9).thresholds[0]).mean())
        ungrouped = LabelledProbabilities(photos.probabilities, photos.labels, NAMES)
        alone.append((p >= conformal_thresholds(ungrouped, 0.9).thresholds[0]).mean())
    assert np.mean(grouped) >= 0.89
    assert np.mean(alone) < 0.8, "the test would show nothing"


def test_a_set_is_never_empty_and_holds_the_most_probable_class() -> None:
    rng = np.random.default_rng(2)
    rule = conformal_thresholds(_photos(500, rng, sharpness=3), 0.3)
    new = _photos(500, rng, sharpness=0.1)
    sets = rule.sets(new.probabilities)
    assert (new.probabilities.max(axis=1) < rule.thresholds[0]).any(), "without the rule, some would be empty"
    assert sets[np.arange(500), new.predicted].all()


def test_photos_without_probabilities_have_no_set() -> None:
    rule = conformal_thresholds(_photos(50, np.random.default_rng(3)), 0.9)
    sets = rule.sets(np.array([[np.nan] * 3, [0.9, 0.05, 0.05]], dtype=np.float32))
    assert sets.sum(axis=1).tolist() == [0, 1]
    assert rule.sets(np.empty((0, 3))).shape == (0, 3)


@given(st.floats(0.5, 0.9), st.integers(0, 2**31))
def test_more_coverage_never_makes_a_set_smaller(coverage: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    photos, new = _photos(100, rng), _photos(30, rng)
    less, more = (conformal_thresholds(photos, c).sets(new.probabilities) for c in (coverage, coverage + 0.05))
    assert (more | ~less).all()


def test_measured_sets_are_counted_by_hand() -> None:
    calibration = LabelledProbabilities(
        np.array([[0.7, 0.3]] * 9 + [[0.3, 0.7]] * 1), np.zeros(10, dtype=int), ("cat", "dog")
    )
    rule = conformal_thresholds(calibration, 0.9)
    assert rule.thresholds == pytest.approx(0.3, abs=2e-7)
    new = LabelledProbabilities(
        np.array([[0.9, 0.1], [0.5, 0.5], [0.71, 0.29], [0.31, 0.69]]), np.array([0, 1, 1, 0]), ("cat", "dog")
    )
    measured = measure_sets(rule, new)
    assert (measured.photos, measured.coverage.value, measured.mean_size) == (4, 0.75, 1.5)
    assert measured.sizes == (2, 2)
    cat, dog = measured.per_class
    assert cat and dog and (cat.value, dog.value) == (1.0, 0.5)
    only_cats = new.select(np.array([0, 3]))
    assert measure_sets(rule, only_cats).per_class[1] is None


def test_refusals_say_how_many_photos_are_needed() -> None:
    photos = _photos(60, np.random.default_rng(4), copies=2)
    with pytest.raises(SettingsError) as refused:
        conformal_thresholds(photos, 0.99)
    assert str(refused.value) == (
        "a coverage of 0.99 needs at least 99 validation photos; there are 60 distinct ones (near-duplicates and "
        "groups count once): ask for at most 0.98, or train with more photos"
    )
    few = LabelledProbabilities(np.full((12, 3), 1 / 3), np.array([0] * 9 + [1] * 3), NAMES)
    with pytest.raises(SettingsError) as refused:
        conformal_thresholds(few, 0.9, by_class=True)
    assert str(refused.value) == (
        "a coverage of 0.9 needs at least 9 validation photos of class 'fox'; there are 0: train with more photos"
    )


@pytest.mark.parametrize("coverage", [0.0, 1.0, 99.0, -0.1, math.nan])
def test_a_coverage_is_a_share(coverage: float) -> None:
    with pytest.raises(SettingsError, match=r"it must be above 0 and below 1, such as 0\.99"):
        check_coverage(coverage)


@pytest.mark.parametrize(("coverage", "photos"), [(0.9, 9), (0.95, 19), (0.99, 99), (0.999, 999), (0.98, 49)])
def test_how_many_photos_a_coverage_needs(coverage: float, photos: int) -> None:
    assert photos_needed(coverage) == photos
