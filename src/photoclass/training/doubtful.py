"""Doubtful labels: training photos of which models that had not seen them surely say another class.

After Northcutt, Jiang and Chuang (2021), "Confident Learning: Estimating Uncertainty in Dataset Labels".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class DoubtfulLabels:
    """Photos whose label the others contradict, the surest first.

    Attributes:
        rows: Shape (n,): which of the photos.
        suggested: Shape (n,): the class that they seem to show.
        wrong: Shape (n,): the probability that the label is wrong.
    """

    rows: NDArray[np.int64]
    suggested: NDArray[np.int64]
    wrong: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.rows)


def find_doubtful(probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> DoubtfulLabels:
    """Find labels that are surely wrong.

    A class counts as surely seen where its probability is at least the mean that it has on photos which bear its label:
    what is sure follows from the photos, and a class that is hard to tell asks for less. Doubtful is a photo in
    which another class is surely seen, and is more probable than the label's.

    Args:
        probabilities: Shape (N, C), of models that had not seen the photo or its twins.
        labels: Shape (N,), class indices.
    """
    photos = np.arange(len(labels))
    classes = probabilities.shape[1]
    usual = np.array([probabilities[labels == c, c].mean() if (labels == c).any() else 1.0 for c in range(classes)])
    seen = np.where(probabilities >= usual, probabilities, -1.0)
    seen[photos, labels] = -1.0
    suggested = seen.argmax(axis=1)
    of_label = probabilities[photos, labels]
    doubtful = np.flatnonzero((seen[photos, suggested] >= 0) & (probabilities[photos, suggested] > of_label))
    order = doubtful[np.argsort(of_label[doubtful], kind="stable")]
    return DoubtfulLabels(order, suggested[order], 1 - of_label[order].astype(np.float64))
