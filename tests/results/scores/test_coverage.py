"""Selective prediction: coverage, and accuracy on the photos that the model does not abstain from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from photoclass.errors import ModelError
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.results.scores.coverage import (
    COVERAGES,
    THRESHOLDS,
    coverage_as_text,
    coverage_table,
    selective_confidence,
)
from photoclass.results.scores.decisions import analyse_decisions


def _labelled(probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> LabelledProbabilities:
    """Labelled predictions of two classes, from the probability of the second."""
    return LabelledProbabilities(np.stack([1 - probabilities, probabilities], axis=1), labels, ("cat", "dog"))


@given(
    st.lists(
        st.tuples(st.floats(0.5, 1, width=32), st.integers(0, 1), st.sampled_from([0.0, 0.5, 0.99, 0.995, 1.0])),
        min_size=1,
        max_size=40,
    ),
    st.booleans(),
)
@settings(max_examples=40)
def test_each_row_is_what_its_threshold_gives(photos: list[tuple[float, int, float]], with_distances: bool) -> None:
    confidence = np.array([p for p, _, _ in photos])
    labels = np.array([label for _, label, _ in photos])
    far = np.array([d for _, _, d in photos])
    probabilities = np.stack([1 - confidence, confidence], axis=1)
    rows = coverage_table(_labelled(confidence, labels), far if with_distances else None)
    assert [row.target for row in rows] == [*COVERAGES, *[None] * len(THRESHOLDS)]
    for row in rows:
        is_predicted = (confidence >= row.threshold) & ((far <= 0.99) | (not with_distances) | (row.threshold == 0))
        assert row.predicted == is_predicted.sum() and row.coverage == row.predicted / len(photos)
        right = probabilities[is_predicted].argmax(axis=1) == labels[is_predicted]
        assert (row.accuracy is None) == (not row.predicted)
        if row.accuracy:
            assert row.accuracy.value == pytest.approx(right.mean())
            assert row.accuracy.low - 1e-9 <= row.accuracy.value <= row.accuracy.high + 1e-9
        if row.target is not None:
            assert row.coverage >= row.target - 1e-9
    cuts = [row.threshold for row in rows if row.target is not None]
    assert cuts == sorted(cuts, reverse=True)


def test_an_out_of_distribution_photo_has_no_confidence() -> None:
    probabilities = np.array([[0.0, 1.0], [0.3, 0.7]], dtype=np.float32)
    np.testing.assert_allclose(selective_confidence(probabilities, np.array([0.991, 0.99])), [0, 0.7])
    np.testing.assert_allclose(selective_confidence(probabilities, None), [1, 0.7])


def test_a_coverage_is_reached_with_as_few_photos_as_possible() -> None:
    confidence = np.linspace(0.6, 0.99, 100)
    rows = coverage_table(_labelled(confidence, np.ones(100, dtype=np.int64)), None)
    assert [row.predicted for row in rows[: len(COVERAGES)]] == [50, 80, 90, 95, 98, 99, 100]


def test_the_text_is_short_and_mentions_a_missing_novelty_file() -> None:
    confidence = np.linspace(0.6, 0.99, 100)
    rows = coverage_table(_labelled(confidence, np.ones(100, dtype=np.int64)), None)
    lines = coverage_as_text(rows, None).splitlines()
    assert len(lines) == 7 and "no novelty.npz" in lines[-1]
    assert lines[-2].split() == ["99.9", "%", "0.0%", "-"]
    assert "3 photos are out-of-distribution (too unlike the training photos)" in coverage_as_text(rows, 3)


def test_decisions_have_the_documented_keys() -> None:
    confidence = np.linspace(0.01, 0.99, 50)
    decisions = analyse_decisions(_labelled(confidence, (confidence > 0.5).astype(np.int64)), np.zeros(50))
    values = decisions.as_json()
    assert set(values) == {"coverage", "out_of_distribution", "threshold"}
    assert (values["out_of_distribution"], values["threshold"]) == (0, None)
    assert set(values["coverage"][0]) == {"target", "threshold", "predicted", "coverage", "accuracy", "accuracy_ci95"}


def test_no_photos_are_rejected() -> None:
    with pytest.raises(ModelError, match="cannot be scored together"):
        coverage_table(_labelled(np.empty(0), np.empty(0, dtype=np.int64)), None)
