"""`LabelledProbabilities`: checked once, with the predicted class, its confidence and correctness of each photo."""

import numpy as np
import pytest

from photoclass.errors import ModelError
from photoclass.metrics.labelled import LabelledProbabilities

PROBABILITIES = np.array([[0.9, 0.1], [0.25, 0.75], [0.5, 0.5]], dtype=np.float32)
LABELS = np.array([0, 0, 1])
NAMES = ("cat", "dog")


def test_predicted_class_confidence_and_correctness() -> None:
    photos = LabelledProbabilities(PROBABILITIES, LABELS, NAMES)
    assert (len(photos), photos.n_classes, photos.distinct_photos) == (3, 2, None)
    np.testing.assert_array_equal(photos.predicted, [0, 1, 0])
    np.testing.assert_array_equal(photos.confidence, PROBABILITIES.max(axis=1).astype(np.float64))
    np.testing.assert_array_equal(photos.correct, [True, False, False])
    np.testing.assert_array_equal(photos.class_counts, [2, 1])


def test_a_selection_keeps_labels_and_groups_with_their_photos() -> None:
    photos = LabelledProbabilities(PROBABILITIES, LABELS, NAMES, np.array([7, 7, 3]))
    for rows in (np.array([False, True, True]), np.array([1, 2])):
        some = photos.select(rows)
        np.testing.assert_array_equal(some.probabilities, PROBABILITIES[1:])
        np.testing.assert_array_equal(some.labels, [0, 1])
        np.testing.assert_array_equal(some.groups, [7, 3])
        assert some.class_names == NAMES


def test_near_duplicates_count_once() -> None:
    photos = LabelledProbabilities(PROBABILITIES, LABELS, NAMES, np.array([7, 7, 3]))
    assert photos.distinct_photos == 2
    assert photos.effective_size() == pytest.approx(9 / 5)
    assert photos.effective_size(np.array([True, True, False])) == 1
    ungrouped = LabelledProbabilities(PROBABILITIES, LABELS, NAMES)
    assert (ungrouped.effective_size(), ungrouped.effective_size(LABELS == 0)) == (3, 2)


def test_names_and_groups_that_do_not_fit_are_rejected() -> None:
    with pytest.raises(ModelError, match="3 class names do not fit probabilities of 2 classes"):
        LabelledProbabilities(PROBABILITIES, LABELS, ("ape", *NAMES))
    with pytest.raises(ModelError, match="2 group numbers do not fit 3 photos"):
        LabelledProbabilities(PROBABILITIES, LABELS, NAMES, np.array([1, 2]))
