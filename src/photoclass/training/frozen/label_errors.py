"""Label errors: photos for which out-of-fold predictions contradict the label.

After Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", 2021,
https://arxiv.org/abs/1911.00068.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.data_paths import DataPaths
from photoclass.photos.fixes import Fix
from photoclass.photos.table import PhotoTable, name_in_data

_LEAST_CONFIDENCE = 0.9


@dataclass(frozen=True)
class LabelErrors:
    """Photos whose predicted class is not their label, most confident first.

    Attributes:
        rows: Shape (n,): indices of the photos.
        suggested: Shape (n,): the predicted class.
        wrong: Shape (n,): the probability that the label is wrong.
        likely: Shape (n,): whether it is a likely label error, as `find_label_errors` defines it.
    """

    rows: NDArray[np.int64]
    suggested: NDArray[np.int64]
    wrong: NDArray[np.float64]
    likely: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.rows)

    def only_likely(self) -> "LabelErrors":
        """Return only the likely label errors."""
        kept = self.likely
        return LabelErrors(self.rows[kept], self.suggested[kept], self.wrong[kept], kept[kept])


def find_label_errors(probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> LabelErrors:
    """Find photos whose predicted class is not their label, and among them the likely label errors.

    A label error is likely if the predicted class has a probability of at least 0.9, and at least the mean that this
    class has on photos with its label. The second threshold adapts to the data; the first one prevents any findings
    where classes are hard to distinguish.

    Args:
        probabilities: Shape (N, C), out of fold: from models not trained on the photo or its near-duplicates.
        labels: Shape (N,), class indices.
    """
    classes = probabilities.shape[1]
    mean_confidence = np.array(
        [probabilities[labels == c, c].mean() if (labels == c).any() else 1.0 for c in range(classes)]
    )
    suggested = probabilities.argmax(axis=1)
    wrong = 1 - probabilities[np.arange(len(labels)), labels].astype(np.float64)
    contradicted = np.flatnonzero(suggested != labels)
    rows = contradicted[np.argsort(-wrong[contradicted], kind="stable")]
    likely = probabilities[rows, suggested[rows]] >= np.maximum(mean_confidence, _LEAST_CONFIDENCE)[suggested[rows]]
    return LabelErrors(rows, suggested[rows], wrong[rows], likely)


def label_errors_as_fixes(errors_found: LabelErrors, table: PhotoTable, data: DataPaths) -> tuple[Fix, ...]:
    """Return the suggested labels as fixes, to be reviewed by a person."""
    return tuple(
        Fix(
            name_in_data(table.names[row], data),
            table.class_names[suggested],
            f"labelled {table.class_names[table.labels[row]]}, wrong with a probability of {wrong:.2%}",
        )
        for row, suggested, wrong in zip(errors_found.rows, errors_found.suggested, errors_found.wrong, strict=True)
    )
