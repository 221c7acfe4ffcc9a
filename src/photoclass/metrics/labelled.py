"""`LabelledProbabilities`: what a model predicts for photos together with their true classes, checked once."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError
from photoclass.metrics.intervals import effective_sample_size

Probabilities = NDArray[np.floating]
Labels = NDArray[np.integer]
Mask = NDArray[np.bool_]
Rows = Mask | NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LabelledProbabilities:
    """Predicted probabilities of N photos and C classes, with the true classes.

    Near-duplicates are not independent observations, nor are photos of one animal, patient or site. Photos with the
    same number in `groups` belong together: intervals and tests treat such a group as one observation, and folds never
    separate it.

    Attributes:
        probabilities: Shape (N, C); each row sums to 1.
        labels: Shape (N,), the true class indices, in [0, C).
        class_names: The C names, in class order.
        groups: Shape (N,), the number of each photo's group of near-duplicates, joined with the user's groups if there
            are any; None if near-duplicates were not looked for.
        grouped_by: What the user groups photos by; empty for near-duplicates alone.

    Raises:
        ModelError: The shapes do not match, there is no photo, a label is out of range, or a probability is NaN or
            infinite.
    """

    probabilities: Probabilities
    labels: Labels
    class_names: tuple[str, ...]
    groups: NDArray[np.int64] | None = None
    grouped_by: str = ""

    def __post_init__(self) -> None:
        check_probabilities(self.probabilities, self.labels)
        if len(self.class_names) != self.n_classes:
            raise ModelError(
                f"{len(self.class_names)} class names do not fit probabilities of {self.n_classes} classes"
            )
        if self.groups is not None and len(self.groups) != len(self):
            raise ModelError(f"{len(self.groups)} group numbers do not fit {len(self)} photos")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_classes(self) -> int:
        """How many classes there are, C."""
        return int(self.probabilities.shape[1])

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """Shape (N,), the index of the most probable class; the first one if several are equally probable."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)

    @cached_property
    def confidence(self) -> NDArray[np.float64]:
        """Shape (N,), the probability of the predicted class."""
        return np.asarray(self.probabilities.max(axis=1), dtype=np.float64)

    @cached_property
    def correct(self) -> Mask:
        """Shape (N,), whether the predicted class is the true one."""
        return np.asarray(self.predicted == self.labels)

    @cached_property
    def class_counts(self) -> NDArray[np.int64]:
        """Shape (C,), the number of photos of each class."""
        return np.bincount(self.labels, minlength=self.n_classes)

    @property
    def distinct_photos(self) -> int | None:
        """The number of groups: photos with near-duplicates counted once; None if these were not looked for."""
        return None if self.groups is None else len(np.unique(self.groups))

    def select(self, rows: Rows) -> "LabelledProbabilities":
        """Return some of the photos, by a mask of shape (N,) or by indices."""
        groups = None if self.groups is None else self.groups[rows]
        return replace(self, probabilities=self.probabilities[rows], labels=self.labels[rows], groups=groups)

    def effective_size(self, rows: Mask | None = None) -> float:
        """Return how many independent photos the photos of a mask are worth, or all photos without one.

        See `intervals.effective_sample_size`.
        """
        if self.groups is None:
            return float(len(self) if rows is None else rows.sum())
        return effective_sample_size(self.groups if rows is None else self.groups[rows])


def check_probabilities(probabilities: Probabilities, labels: Labels) -> None:
    """Check that predictions can be scored.

    Args:
        probabilities: Shape (N, C).
        labels: Shape (N,), the true class indices.

    Raises:
        ModelError: The shapes do not match, there is no photo, a label is out of range, or a probability is NaN or
            infinite.
    """
    if probabilities.ndim != 2 or len(probabilities) != len(labels) or not len(labels):
        raise ModelError(f"probabilities {probabilities.shape} and labels {labels.shape} cannot be scored together")
    if labels.min() < 0 or labels.max() >= probabilities.shape[1]:
        raise ModelError(f"labels from {labels.min()} to {labels.max()} do not fit {probabilities.shape[1]} classes")
    if not np.isfinite(probabilities).all():
        raise ModelError("the model outputs NaN or infinity instead of probabilities; train it again")
