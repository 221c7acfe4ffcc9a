"""Doubtful labels: training photos of which models that had not seen them say another class.

After Northcutt, Jiang and Chuang (2021), "Confident Learning: Estimating Uncertainty in Dataset Labels".
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.fixes import Fix
from photoclass.photos.table import PhotoTable, name_in_data

_LEAST_SURE = 0.9


@dataclass(frozen=True)
class LabelErrors:
    """Photos of which another class is more probable than their label's, the most confident first.

    Attributes:
        rows: Shape (n,): which of the photos.
        suggested: Shape (n,): the class that they seem to show.
        wrong: Shape (n,): the probability that the label is wrong.
        sure: Shape (n,): whether it surely is.
    """

    rows: NDArray[np.int64]
    suggested: NDArray[np.int64]
    wrong: NDArray[np.float64]
    sure: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.rows)

    def surely(self) -> "LabelErrors":
        """Return those alone that are surely wrong."""
        sure = self.sure
        return LabelErrors(self.rows[sure], self.suggested[sure], self.wrong[sure], sure[sure])


def find_label_errors(probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> LabelErrors:
    """Find labels that are perhaps, and those that are surely wrong.

    Surely wrong is the label of a photo whose most probable class has at least the probability that this class has, on
    average, on photos that bear its name, and nine tenths: what is sure follows from the photos, but of photos that
    are hard to tell, nothing is.

    Args:
        probabilities: Shape (N, C), of models that had not seen the photo or its near-duplicates.
        labels: Shape (N,), class indices.
    """
    classes = probabilities.shape[1]
    usual = np.array([probabilities[labels == c, c].mean() if (labels == c).any() else 1.0 for c in range(classes)])
    suggested = probabilities.argmax(axis=1)
    wrong = 1 - probabilities[np.arange(len(labels)), labels].astype(np.float64)
    label_errors = np.flatnonzero(suggested != labels)
    rows = label_errors[np.argsort(-wrong[label_errors], kind="stable")]
    sure = probabilities[rows, suggested[rows]] >= np.maximum(usual, _LEAST_SURE)[suggested[rows]]
    return LabelErrors(rows, suggested[rows], wrong[rows], sure)


def label_errors_as_fixes(errors_found: LabelErrors, table: PhotoTable, data: str) -> tuple[Fix, ...]:
    """Propose the suggested label for each, for a person to look at."""
    return tuple(
        Fix(
            name_in_data(table.names[row], data),
            table.class_names[suggested],
            f"labelled {table.class_names[table.labels[row]]}, which is wrong with {wrong:.2%}",
        )
        for row, suggested, wrong in zip(errors_found.rows, errors_found.suggested, errors_found.wrong, strict=True)
    )
