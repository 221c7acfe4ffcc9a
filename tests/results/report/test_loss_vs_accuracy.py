"""Log loss against accuracy, photo by photo."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoclass.errors import ModelError
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.results.report.loss_vs_accuracy import LossVsAccuracy, compare_loss_with_accuracy

LABELS = np.array([0, 0, 0, 1, 1, 1])
TRUTH = np.array([0.51, 0.9, 0.49, 0.02, 0.99, 0.3])


def _compare(probabilities: np.ndarray, labels: np.ndarray) -> LossVsAccuracy:
    names = tuple(f"class {i}" for i in range(probabilities.shape[1]))
    return compare_loss_with_accuracy(LabelledProbabilities(probabilities, labels, names))


def _two_classes(of_truth: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.where(labels[:, None] == np.arange(2), of_truth[:, None], 1 - of_truth[:, None])


def test_the_photos_that_show_the_difference_best() -> None:
    found = _compare(_two_classes(TRUTH, LABELS), LABELS)
    assert (found.closest_correct, found.closest_mistake, found.most_confident_mistake) == (0, 2, 3)
    assert found.costliest == (3, 5, 2, 0, 1, 4)
    assert found.costliest_share == pytest.approx(1)
    wrong = -np.log([0.49, 0.02, 0.3]).sum()
    assert found.mistakes_share == pytest.approx(wrong / -np.log(TRUTH).sum())
    assert found.median == pytest.approx(np.median(-np.log(TRUTH)))


def test_no_mistake_or_no_correct_photo_gives_none() -> None:
    right = _compare(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]))
    assert right.closest_correct == 1 and right.closest_mistake is None and right.most_confident_mistake is None
    assert right.mistakes_share == 0
    wrong = _compare(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([1, 0]))
    assert wrong.closest_correct is None and wrong.closest_mistake == 1 and wrong.most_confident_mistake == 0


def test_with_many_classes_a_correct_photo_may_have_a_higher_loss_than_a_mistake() -> None:
    probabilities = np.array([[0.3, 0.25, 0.25, 0.2], [0.45, 0.46, 0.05, 0.04]])
    found = _compare(probabilities, np.array([0, 0]))
    assert (found.closest_correct, found.closest_mistake) == (0, 1)
    assert found.losses[0] > found.losses[1]


def test_no_photos_is_an_error() -> None:
    with pytest.raises(ModelError):
        _compare(np.empty((0, 2)), np.empty(0, dtype=np.int64))


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=40))
def test_the_costliest_photos_have_the_highest_losses_and_their_share(photos: list[tuple[float, int]]) -> None:
    labels = np.array([label for _, label in photos])
    found = _compare(_two_classes(np.array([p for p, _ in photos]), labels), labels)
    assert len(found.costliest) == min(10, len(photos))
    left_out = np.delete(found.losses, found.costliest)
    assert (left_out <= found.losses[found.costliest[-1]]).all()
    assert found.costliest_share * found.losses.sum() == pytest.approx(
        found.losses[list(found.costliest)].sum(), abs=1e-9
    )
