"""The bootstrap: its draws are photos drawn again, near-duplicates together, and its intervals cover the truth."""

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
def test_each_draw_is_the_figure_of_photos_drawn_anew(given: Predictions, seed: int, with_twins: bool) -> None:
    probabilities, labels = given
    groups = np.random.default_rng(seed).integers(0, len(labels), len(labels)) if with_twins else np.arange(len(labels))
    drawn = bootstrap_metrics(_labelled(given, groups), seed, resamples=5)
    generator = np.random.default_rng(seed)
    kinds = np.unique(groups)
    for i in range(5):
        chosen = kinds[generator.integers(0, len(kinds), len(kinds))]
        rows = np.concatenate([np.flatnonzero(groups == group) for group in chosen])
        of_draw = probabilities[rows], labels[rows]
        assert drawn.log_loss[i] == pytest.approx(log_loss(*of_draw), abs=1e-9)
        assert drawn.brier[i] == pytest.approx(brier_score(*of_draw), abs=1e-9)
        assert drawn.ece[i] == pytest.approx(expected_calibration_error(*of_draw), abs=1e-9)
        if len(np.unique(labels[rows])) < probabilities.shape[1]:
            assert np.isnan(drawn.roc_auc[i]) and np.isnan(drawn.average_precision[i])
        else:
            assert drawn.roc_auc[i] == pytest.approx(roc_auc(*of_draw), abs=1e-9)
            assert drawn.average_precision[i] == pytest.approx(average_precision(*of_draw), abs=1e-9)


def test_blocks_and_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    given = _predictions(3, 500, 3)
    together = bootstrap_metrics(_labelled(given), resamples=100)
    monkeypatch.setattr(bootstrap, "_NUMBERS_AT_ONCE", 2000)
    monkeypatch.setattr(bootstrap, "processors", lambda: 3)
    apart = bootstrap_metrics(_labelled(given), resamples=100)
    for name, values in vars(together).items():
        np.testing.assert_allclose(values, getattr(apart, name), rtol=0, atol=1e-12, err_msg=name)


def test_an_error_in_a_thread_comes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "_NUMBERS_AT_ONCE", 2000)
    with pytest.raises(ValueError, match="mismatch"):
        bootstrap._on_resamples(lambda counts: counts @ np.ones((3, 2)), 500, None, 0, 50)


def test_without_twins_groups_change_nothing() -> None:
    given = _predictions(4, 80, 2)
    alone, grouped = (bootstrap_metrics(_labelled(given, groups), resamples=50) for groups in (None, np.arange(80)))
    for name, values in vars(alone).items():
        np.testing.assert_array_equal(values, getattr(grouped, name), err_msg=name)


def test_twins_widen_the_interval() -> None:
    """Every photo twice tells no more than every photo once."""
    probabilities, labels = _predictions(5, 200, 2)
    losses = log_losses(probabilities, labels)
    twice, groups = np.tile(losses, 2)[:, None], np.tile(np.arange(200), 2)
    together = bootstrap_means(twice, groups).std()
    assert together == pytest.approx(bootstrap_means(losses[:, None]).std(), rel=0.1)
    assert together > 1.3 * bootstrap_means(twice).std()


def test_the_log_loss_interval_is_about_that_of_the_normal_distribution_for_many_photos() -> None:
    losses = log_losses(*_predictions(1, 4000, 2))
    interval = percentile_interval(losses.mean(), bootstrap_means(losses[:, None])[:, 0])
    half = 1.96 * losses.std() / math.sqrt(len(losses))
    assert interval.low == pytest.approx(losses.mean() - half, abs=0.1 * half)
    assert interval.high == pytest.approx(losses.mean() + half, abs=0.1 * half)


@pytest.mark.parametrize("copies", [1, 2])
def test_intervals_cover_the_truth_about_19_times_in_20(copies: int) -> None:
    """Also where each photo has near-duplicates, if these are drawn together."""

    def draw(generator: np.random.Generator, photos: int) -> Predictions:
        of_class_1 = generator.beta(2, 2, photos)
        labels = (generator.random(photos) < of_class_1).astype(np.int64)
        return np.stack([1 - of_class_1, of_class_1], axis=1), labels

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
    # Of 300 intervals that hold with 0.95, fewer than 270 would cover in one of ten thousand tests.
    assert all(270 <= times <= 299 for times in covered.values()), covered
