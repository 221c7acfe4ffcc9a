"""The bootstrap: metrics of resampled photos, near-duplicates together, with intervals of the right coverage."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from photoclass.metrics import bootstrap
from photoclass.metrics.bootstrap import bootstrap_means, bootstrap_metrics
from photoclass.metrics.classification import brier_score, expected_calibration_error, log_loss, log_losses
from photoclass.metrics.intervals import percentile_interval
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.metrics.ranking import average_precision, roc_auc

Predictions = tuple[NDArray[np.float64], NDArray[np.int64]]


def _predictions(seed: int, photos: int, classes: int) -> Predictions:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, photos)
    labels[:classes] = np.arange(classes)
    votes = generator.integers(1, 6, (photos, classes)).astype(np.float64)
    return votes / votes.sum(axis=1, keepdims=True), labels


def _labelled(given: Predictions, groups: NDArray[np.int64] | None = None) -> LabelledProbabilities:
    return LabelledProbabilities(*given, ("ape", "bee", "cat", "dog")[: given[0].shape[1]], groups)


predictions = st.builds(_predictions, seed=st.integers(0, 2**32), photos=st.integers(6, 60), classes=st.integers(2, 4))


@given(predictions, st.integers(0, 100), st.booleans())
@settings(max_examples=30)
def test_each_value_is_the_metric_of_a_resample(given: Predictions, seed: int, with_duplicates: bool) -> None:
    probabilities, labels = given
    groups = (
        np.random.default_rng(seed).integers(0, len(labels), len(labels)) if with_duplicates else np.arange(len(labels))
    )
    drawn = bootstrap_metrics(_labelled(given, groups), seed, resamples=5)
    generator = np.random.default_rng(seed)
    kinds = np.unique(groups)
    for i in range(5):
        chosen = kinds[generator.integers(0, len(kinds), len(kinds))]
        rows = np.concatenate([np.flatnonzero(groups == group) for group in chosen])
        resample = probabilities[rows], labels[rows]
        assert drawn.log_loss[i] == pytest.approx(log_loss(*resample), abs=1e-9)
        assert drawn.brier[i] == pytest.approx(brier_score(*resample), abs=1e-9)
        assert drawn.ece[i] == pytest.approx(expected_calibration_error(*resample), abs=1e-9)
        if len(np.unique(labels[rows])) < probabilities.shape[1]:
            assert np.isnan(drawn.roc_auc[i]) and np.isnan(drawn.average_precision[i])
        else:
            assert drawn.roc_auc[i] == pytest.approx(roc_auc(*resample), abs=1e-9)
            assert drawn.average_precision[i] == pytest.approx(average_precision(*resample), abs=1e-9)


def test_results_do_not_depend_on_blocks_and_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    given = _predictions(3, 500, 3)
    together = bootstrap_metrics(_labelled(given), resamples=100)
    monkeypatch.setattr(bootstrap, "_NUMBERS_AT_ONCE", 2000)
    monkeypatch.setattr(bootstrap, "processors", lambda: 3)
    apart = bootstrap_metrics(_labelled(given), resamples=100)
    for name, values in vars(together).items():
        np.testing.assert_allclose(values, getattr(apart, name), rtol=0, atol=1e-12, err_msg=name)


def test_an_exception_in_a_thread_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "_NUMBERS_AT_ONCE", 2000)
    with pytest.raises(ValueError, match="mismatch"):
        bootstrap._on_resamples(lambda counts: counts @ np.ones((3, 2)), 500, None, 0, 50)


def test_groups_of_single_photos_change_nothing() -> None:
    given = _predictions(4, 80, 2)
    alone, grouped = (bootstrap_metrics(_labelled(given, groups), resamples=50) for groups in (None, np.arange(80)))
    for name, values in vars(alone).items():
        np.testing.assert_array_equal(values, getattr(grouped, name), err_msg=name)


def test_near_duplicates_widen_the_interval() -> None:
    """Duplicating every photo adds no information."""
    probabilities, labels = _predictions(5, 200, 2)
    losses = log_losses(probabilities, labels)
    twice, groups = np.tile(losses, 2)[:, None], np.tile(np.arange(200), 2)
    together = bootstrap_means(twice, groups).std()
    assert together == pytest.approx(bootstrap_means(losses[:, None]).std(), rel=0.1)
    assert together > 1.3 * bootstrap_means(twice).std()


def test_with_many_photos_the_log_loss_interval_is_close_to_the_normal_approximation() -> None:
    losses = log_losses(*_predictions(1, 4000, 2))
    interval = percentile_interval(losses.mean(), bootstrap_means(losses[:, None])[:, 0])
    half = 1.96 * losses.std() / math.sqrt(len(losses))
    assert interval.low == pytest.approx(losses.mean() - half, abs=0.1 * half)
    assert interval.high == pytest.approx(losses.mean() + half, abs=0.1 * half)


@pytest.mark.parametrize("copies", [1, 2])
def test_intervals_contain_the_true_value_about_19_times_in_20(copies: int) -> None:
    """Also if each photo has a near-duplicate, as long as these are resampled together."""

    def draw(generator: np.random.Generator, photos: int) -> Predictions:
        probability = generator.beta(2, 2, photos)
        labels = (generator.random(photos) < probability).astype(np.int64)
        return np.stack([1 - probability, probability], axis=1), labels

    many = draw(np.random.default_rng(0), 1_000_000)
    truth = {"log_loss": log_loss(*many), "brier": brier_score(*many), "roc_auc": roc_auc(*many)}
    covered = dict.fromkeys(truth, 0)
    groups = np.repeat(np.arange(150), copies)
    for trial in range(300):
        probabilities, labels = (
            np.repeat(given, copies, axis=0) for given in draw(np.random.default_rng([1, trial]), 150)
        )
        drawn = bootstrap_metrics(_labelled((probabilities, labels), groups), seed=trial, resamples=150)
        for name, true in truth.items():
            interval = percentile_interval(0.5, getattr(drawn, name))
            covered[name] += interval.low <= true <= interval.high
    # With a coverage of 0.95, fewer than 270 of 300 would happen once in ten thousand tests.
    assert all(270 <= times <= 299 for times in covered.values()), covered
