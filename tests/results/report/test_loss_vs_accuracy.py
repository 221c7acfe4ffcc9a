"""Loss against accuracy, photo by photo."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoclass.errors import ModelError
from photoclass.results.report.loss_vs_accuracy import explain_loss

LABELS = np.array([0, 0, 0, 1, 1, 1])
TRUTH = np.array([0.51, 0.9, 0.49, 0.02, 0.99, 0.3])


def _two_classes(of_truth: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.where(labels[:, None] == np.arange(2), of_truth[:, None], 1 - of_truth[:, None])


def test_the_photos_that_tell_it_best() -> None:
    story = explain_loss(_two_classes(TRUTH, LABELS), LABELS)
    assert (story.closest_right, story.closest_wrong, story.most_confident_mistake) == (0, 2, 3)
    assert story.worst == (3, 5, 2, 0, 1, 4)
    assert story.worst_share == pytest.approx(1)
    wrong = -np.log([0.49, 0.02, 0.3]).sum()
    assert story.wrong_share == pytest.approx(wrong / -np.log(TRUTH).sum())
    assert story.typical == pytest.approx(np.median(-np.log(TRUTH)))


def test_without_mistakes_or_without_a_right_photo_there_is_none_to_name() -> None:
    right = explain_loss(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]))
    assert right.closest_right == 1 and right.closest_wrong is None and right.most_confident_mistake is None
    assert right.wrong_share == 0
    wrong = explain_loss(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([1, 0]))
    assert wrong.closest_right is None and wrong.closest_wrong == 1 and wrong.most_confident_mistake == 0


def test_of_many_classes_a_right_photo_may_cost_more_than_a_wrong_one() -> None:
    probabilities = np.array([[0.3, 0.25, 0.25, 0.2], [0.45, 0.46, 0.05, 0.04]])
    story = explain_loss(probabilities, np.array([0, 0]))
    assert (story.closest_right, story.closest_wrong) == (0, 1)
    assert story.losses[0] > story.losses[1]


def test_without_photos_it_is_refused() -> None:
    with pytest.raises(ModelError):
        explain_loss(np.empty((0, 2)), np.empty(0, dtype=np.int64))


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1)), min_size=1, max_size=40))
def test_the_worst_carry_their_share_and_no_photo_costs_more(photos: list[tuple[float, int]]) -> None:
    labels = np.array([label for _, label in photos])
    story = explain_loss(_two_classes(np.array([p for p, _ in photos]), labels), labels)
    assert len(story.worst) == min(10, len(photos))
    left_out = np.delete(story.losses, story.worst)
    assert (left_out <= story.losses[story.worst[-1]]).all()
    assert story.worst_share * story.losses.sum() == pytest.approx(story.losses[list(story.worst)].sum(), abs=1e-9)
