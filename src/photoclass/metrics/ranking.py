"""How well probabilities rank photos: ROC AUC and average precision, of one class against the others.

Both are computed from photos in the order of their probability, each with a weight: 1, or how often a bootstrap drew
it. Equal probabilities have no order among them, so a group of them counts as one step.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError
from photoclass.metrics.figures import Labels, Probabilities, check_scorable

Weights = NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """Photos from the most to the least probable to be of a class.

    Attributes:
        order: Shape (N,), indices of the photos.
        is_positive: Shape (N,), whether each is of the class, as 1 or 0, in that order.
        starts: Shape (S,), where steps begin: photos of one probability, where one of them is of the class; or as many
            as there are up to the next such, since neither figure changes between them.
    """

    order: NDArray[np.int64]
    is_positive: NDArray[np.float64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, scores: NDArray[np.floating], is_positive: NDArray[np.bool_]) -> "Ranking":
        """Rank photos by their scores, shape (N,), the highest first."""
        order = np.argsort(-scores, kind="stable")
        ordered, positive = scores[order], is_positive[order]
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        has_positive = np.logical_or.reduceat(positive, starts)
        kept = np.concatenate([[True], has_positive[1:] | has_positive[:-1]])
        return cls(order, positive.astype(np.float64), starts[kept])

    def figures(self, weights: Weights) -> tuple[Weights, Weights]:
        """Compute both figures for sets of weights.

        Args:
            weights: Shape (B, N), in the order of the photos as they were given.

        Returns:
            ROC AUC and average precision, each of shape (B,); not a number where either side has no weight.
        """
        ordered = weights[:, self.order]
        all_of_step = np.add.reduceat(ordered, self.starts, axis=1)
        ordered *= self.is_positive
        of_step = np.add.reduceat(ordered, self.starts, axis=1)
        so_far, all_so_far = np.cumsum(of_step, axis=1), np.cumsum(all_of_step, axis=1)
        positives = so_far[:, -1]
        pairs = positives * (all_so_far[:, -1] - positives)
        above = ((all_of_step - of_step) * (so_far - of_step / 2)).sum(axis=1)
        # A step without weight adds nothing, whatever it is divided by.
        precise = (of_step * so_far / np.maximum(all_so_far, 1e-300)).sum(axis=1)
        auc = np.full(len(weights), np.nan)
        np.divide(above, pairs, out=auc, where=pairs > 0)
        precision = np.full(len(weights), np.nan)
        np.divide(precise, positives, out=precision, where=pairs > 0)
        return auc, precision


def rankings(probabilities: Probabilities, labels: Labels) -> tuple[Ranking, ...]:
    """Rank the photos for class 1, where there are two classes; else once for each class."""
    classes = probabilities.shape[1]
    return tuple(Ranking.of(probabilities[:, c], labels == c) for c in (range(classes) if classes > 2 else (1,)))


def ranked(of_classes: tuple[Ranking, ...], weights: Weights) -> tuple[Weights, Weights]:
    """Compute ROC AUC and average precision, the means over rankings, for weights of shape (B, N)."""
    figures = [ranking.figures(weights) for ranking in of_classes]
    auc, precision = (np.mean([both[i] for both in figures], axis=0) for i in (0, 1))
    return auc, precision


def roc_auc(probabilities: Probabilities, labels: Labels) -> float:
    """Share of pairs, of a photo of the class and one of another, in which the former is the more probable one.

    Ties count half. For two classes of class 1; for more the mean over all, each against the others (macro
    one-vs-rest), as scikit-learn's `roc_auc_score` has it. Hanley and McNeil (1982).

    Raises:
        ModelError: A class has no photo, or all.
    """
    return _figures(probabilities, labels)[0]


def average_precision(probabilities: Probabilities, labels: Labels) -> float:
    """Mean, over the photos of a class, of the share of it among all that are at least as probable.

    For two classes of class 1; for more the mean over all, each against the others, as scikit-learn's
    `average_precision_score` has it.

    Raises:
        ModelError: A class has no photo, or all.
    """
    return _figures(probabilities, labels)[1]


def _figures(probabilities: Probabilities, labels: Labels) -> tuple[float, float]:
    check_scorable(probabilities, labels)
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    if not counts.all():
        raise ModelError(f"class {int(counts.argmin())} has no photo: photos cannot be ranked for it")
    auc, precision = ranked(rankings(probabilities, labels), np.ones((1, len(labels))))
    return float(auc[0]), float(precision[0])
