"""Metrics of classification: equal to scikit-learn's, and NaN, infinity and wrong shapes are rejected."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as reference

from photoclass.errors import ModelError
from photoclass.metrics.classification import (
    CLIP,
    accuracy,
    brier_score,
    brier_scores,
    confusion_matrix,
    expected_calibration_error,
    log_loss,
    log_losses,
)
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.metrics.ranking import average_precision, roc_auc

Predictions = tuple[NDArray[np.float64], NDArray[np.int64]]


def _predictions(seed: int, photos: int, classes: int, sharpness: float = 1.0) -> Predictions:
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, sharpness, (photos, classes))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return probabilities, generator.integers(0, classes, photos)


def _labelled(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> LabelledProbabilities:
    return LabelledProbabilities(probabilities, labels, ("ape", "bee", "cat"))


METRICS = (
    log_loss,
    accuracy,
    confusion_matrix,
    brier_score,
    expected_calibration_error,
    roc_auc,
    average_precision,
    _labelled,
)

predictions = st.builds(
    _predictions,
    seed=st.integers(0, 2**32),
    photos=st.integers(1, 300),
    classes=st.integers(2, 6),
    sharpness=st.sampled_from([0.1, 1.0, 3.0]),
)


@given(predictions)
def test_log_loss_equals_scikit_learns(given: Predictions) -> None:
    probabilities, labels = given
    expected = reference.log_loss(labels, probabilities, labels=range(probabilities.shape[1]))
    clip = float(np.finfo(np.float64).eps)  # scikit-learn's; ours by default is wider
    assert log_loss(probabilities, labels, clip) == pytest.approx(expected, abs=1e-9)
    assert log_losses(probabilities, labels, clip).mean() == pytest.approx(expected, abs=1e-9)


@given(predictions)
def test_accuracy_and_confusion_matrix_equal_scikit_learns(given: Predictions) -> None:
    probabilities, labels = given
    predicted, classes = probabilities.argmax(axis=1), probabilities.shape[1]
    assert accuracy(probabilities, labels) == pytest.approx(reference.accuracy_score(labels, predicted), abs=1e-12)
    table = confusion_matrix(probabilities, labels)
    np.testing.assert_array_equal(table, reference.confusion_matrix(labels, predicted, labels=range(classes)))
    assert table.sum() == len(labels)


@given(predictions)
def test_brier_score_equals_scikit_learns(given: Predictions) -> None:
    probabilities, labels = given
    expected = reference.brier_score_loss(labels, probabilities, labels=range(probabilities.shape[1]))
    assert brier_score(probabilities, labels) == pytest.approx(expected, abs=1e-9)
    if probabilities.shape[1] == 2:
        of_class_1 = reference.brier_score_loss(labels, probabilities[:, 1], pos_label=1)
        assert brier_score(probabilities, labels) == pytest.approx(of_class_1, abs=1e-9)


def test_the_worst_brier_score_is_1_for_two_classes_and_2_for_more() -> None:
    assert brier_scores(np.array([[1.0, 0.0]]), np.array([1])) == 1
    assert brier_scores(np.array([[1.0, 0.0, 0.0]]), np.array([1])) == 2


def test_rows_of_the_confusion_matrix_are_true_classes() -> None:
    probabilities = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]])
    np.testing.assert_array_equal(confusion_matrix(probabilities, np.array([0, 0, 1])), [[0, 2], [0, 1]])


def test_the_loss_of_a_certain_mistake_is_bounded_by_the_clip() -> None:
    certain = np.array([[1.0, 0.0], [0.0, 1.0]])
    losses = log_losses(certain, np.array([1, 1]))
    np.testing.assert_allclose(losses, [-math.log(CLIP), -math.log(1 - CLIP)])
    assert log_loss(certain, np.array([1, 1]), clip=0.01) == pytest.approx(-(math.log(0.01) + math.log(0.99)) / 2)


def test_float32_probabilities_are_scored_in_float64() -> None:
    losses = log_losses(np.array([[0.25, 0.75]], dtype=np.float32), np.array([1]))
    assert losses.dtype == np.float64
    assert losses[0] == -math.log(0.75)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("metric", METRICS)
def test_nan_and_infinity_are_rejected(metric, bad: float) -> None:  # type: ignore[no-untyped-def]
    probabilities, labels = _predictions(0, 10, 3)
    probabilities[7, 2] = bad
    with pytest.raises(ModelError, match="NaN or infinity"):
        metric(probabilities, labels)


@pytest.mark.parametrize("metric", METRICS)
def test_mismatched_shapes_and_labels_out_of_range_are_rejected(metric) -> None:  # type: ignore[no-untyped-def]
    probabilities, labels = _predictions(0, 10, 3)
    for wrong in ((probabilities, labels[:-1]), (probabilities[:, 0], labels), (probabilities[:0], labels[:0])):
        with pytest.raises(ModelError, match="cannot be scored together"):
            metric(*wrong)
    for outside in (-1, 3):
        labels[4] = outside
        with pytest.raises(ModelError, match="do not fit 3 classes"):
            metric(probabilities, labels)


def test_calibration_error_is_the_gap_between_confidence_and_accuracy() -> None:
    probabilities = np.array([[0.1, 0.9]] * 10 + [[0.7, 0.3]] * 10)
    labels = np.array([1] * 8 + [0] * 2 + [0] * 10)
    # Confidence 90 % with accuracy 80 %; confidence 70 % with accuracy 100 %.
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0.5 * 0.1 + 0.5 * 0.3)


@given(seed=st.integers(0, 1000), classes=st.integers(2, 5))
def test_calibrated_predictions_have_a_small_calibration_error(seed: int, classes: int) -> None:
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(classes), 20_000)
    labels = np.array([generator.choice(classes, p=row) for row in probabilities[:2000]])
    honest = expected_calibration_error(probabilities[:2000], labels)
    assert honest < 0.06
    wrong = expected_calibration_error(probabilities[:2000], (probabilities[:2000].argmax(axis=1) + 1) % classes)
    assert wrong > 0.3
