"""How well probabilities rank photos: ROC AUC and average precision, of one class against the others.

Both are computed from the photos in order of their probability, each with a weight: 1, or how often the bootstrap drew
it. Photos with equal probabilities are tied, and a group of ties is one step of the curve.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError
from photoclass.metrics.labelled import Labels, Probabilities, check_probabilities

Weights = NDArray[np.float64]


@dataclass(frozen=True)
class Ranking:
    """Photos from the most to the least probable to be of a class.

    Attributes:
        order: Shape (N,), indices of the photos.
        is_positive: Shape (N,), 1 for photos of the class and 0 for others, in that order.
        starts: Shape (S,), where the steps of the curves begin. A step is a group of ties that contains a photo of the
            class, or a run of photos that contains none, within which neither metric changes.
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

    def metrics(self, weights: Weights) -> tuple[Weights, Weights]:
        """Compute both metrics for B sets of weights.

        Args:
            weights: Shape (B, N), in the original order of the photos.

        Returns:
            ROC AUC and average precision, each of shape (B,); NaN where one of the two sides has no weight.
        """
        ordered = weights[:, self.order]
        step_total = np.add.reduceat(ordered, self.starts, axis=1)
        ordered *= self.is_positive
        step_positive = np.add.reduceat(ordered, self.starts, axis=1)
        cumulative_positive, cumulative_total = np.cumsum(step_positive, axis=1), np.cumsum(step_total, axis=1)
        positives = cumulative_positive[:, -1]
        pairs = positives * (cumulative_total[:, -1] - positives)
        pairs_in_order = ((step_total - step_positive) * (cumulative_positive - step_positive / 2)).sum(axis=1)
        # A step without weight adds nothing, whatever it is divided by.
        precisions = (step_positive * cumulative_positive / np.maximum(cumulative_total, 1e-300)).sum(axis=1)
        auc = np.full(len(weights), np.nan)
        np.divide(pairs_in_order, pairs, out=auc, where=pairs > 0)
        precision = np.full(len(weights), np.nan)
        np.divide(precisions, positives, out=precision, where=pairs > 0)
        return auc, precision


def rank_photos(probabilities: Probabilities, labels: Labels) -> tuple[Ranking, ...]:
    """Rank the photos by class 1 if there are two classes, otherwise once by each class."""
    classes = probabilities.shape[1]
    return tuple(Ranking.of(probabilities[:, c], labels == c) for c in (range(classes) if classes > 2 else (1,)))


def mean_metrics(rankings: tuple[Ranking, ...], weights: Weights) -> tuple[Weights, Weights]:
    """Compute ROC AUC and average precision, the means over rankings, for weights of shape (B, N)."""
    metrics = [ranking.metrics(weights) for ranking in rankings]
    auc, precision = (np.mean([both[i] for both in metrics], axis=0) for i in (0, 1))
    return auc, precision


def roc_auc(probabilities: Probabilities, labels: Labels) -> float:
    """Probability that a photo of the class ranks above a photo of another class; ties count half.

    With two classes it is that of class 1; with more the mean over all classes, each against the rest (macro
    one-vs-rest), as in scikit-learn's `roc_auc_score`. Hanley and McNeil (1982), "The Meaning and Use of the Area
    under a Receiver Operating Characteristic (ROC) Curve".

    Raises:
        ModelError: A class has no photo, or has all of them.
    """
    return _metrics(probabilities, labels)[0]


def average_precision(probabilities: Probabilities, labels: Labels) -> float:
    """Precision at the rank of each photo of the class, averaged over these photos.

    With two classes it is that of class 1; with more the mean over all classes, each against the rest, as in
    scikit-learn's `average_precision_score`.

    Raises:
        ModelError: A class has no photo, or has all of them.
    """
    return _metrics(probabilities, labels)[1]


def _metrics(probabilities: Probabilities, labels: Labels) -> tuple[float, float]:
    check_probabilities(probabilities, labels)
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    if not counts.all():
        raise ModelError(f"class {int(counts.argmin())} has no photo: photos cannot be ranked for it")
    auc, precision = mean_metrics(rank_photos(probabilities, labels), np.ones((1, len(labels))))
    return float(auc[0]), float(precision[0])
