"""The figures that judge predictions: what each photo costs, what it is called, how sure that is.

`*_loss` and the Brier score: lower is better; the others: higher. What ranks photos stands in `ranking.py`, how sure a
figure is in `intervals.py`.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError

Probabilities = NDArray[np.floating]
Labels = NDArray[np.integer]

# Keras's own bound: a probability of 0 or 1 would make one mistake cost infinitely much.
CLIP = 1e-7
CALIBRATION_BINS = 15


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % confidence interval.

    Attributes:
        value: The figure.
        low: Where the interval begins; not a number where none can be given.
        high: Where it ends; not a number where none can be given.
    """

    value: float
    low: float = math.nan
    high: float = math.nan

    @property
    def is_known(self) -> bool:
        """Whether there is an interval."""
        return not math.isnan(self.low)

    def ends(self) -> list[float] | None:
        """Return low and high, as JSON takes them; None where there is no interval."""
        return [self.low, self.high] if self.is_known else None


def log_losses(probabilities: Probabilities, labels: Labels, clip: float = CLIP) -> NDArray[np.float64]:
    """Negative log-likelihood of each photo in nats; lower is better.

    Args:
        probabilities: Shape (N, C); each row sums to 1.
        labels: Shape (N,), integers in [0, C).
        clip: Probabilities are held within [clip, 1 - clip].

    Raises:
        ModelError: A probability is not a number, or the shapes do not fit.
    """
    check_scorable(probabilities, labels)
    right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return np.asarray(-np.log(np.clip(right, clip, 1 - clip)), dtype=np.float64)


def log_loss(probabilities: Probabilities, labels: Labels, clip: float = CLIP) -> float:
    """Mean of `log_losses`: what training minimises and Kaggle scores."""
    return float(log_losses(probabilities, labels, clip).mean())


def accuracy(probabilities: Probabilities, labels: Labels) -> float:
    """Share of the photos whose most probable class is the right one."""
    check_scorable(probabilities, labels)
    return float((probabilities.argmax(axis=1) == labels).mean())


def brier_scores(probabilities: Probabilities, labels: Labels) -> NDArray[np.float64]:
    """Squared distance of each photo's probabilities from the truth; lower is better (Brier, 1950).

    The sum over classes, from 0 to 2; for two classes half of it, from 0 to 1, which is the squared error of either
    class: what scikit-learn's `brier_score_loss` gives with `scale_by_half="auto"`.
    """
    check_scorable(probabilities, labels)
    distances = probabilities.astype(np.float64)
    distances[np.arange(len(labels)), labels] -= 1
    if distances.shape[1] == 2:
        return np.asarray((distances**2).sum(axis=1) / 2)
    return np.asarray((distances**2).sum(axis=1))


def brier_score(probabilities: Probabilities, labels: Labels) -> float:
    """Mean of `brier_scores`."""
    return float(brier_scores(probabilities, labels).mean())


def calibration_gaps(
    probabilities: Probabilities, labels: Labels, bins: int = CALIBRATION_BINS
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return, for each photo, the probability of the predicted class after its bin, and then whether it is right."""
    check_scorable(probabilities, labels)
    sure = probabilities.max(axis=1).astype(np.float64)
    right = np.asarray(probabilities.argmax(axis=1) == labels)
    return np.minimum((sure * bins).astype(np.int64), bins - 1), sure, right


def expected_calibration_error(probabilities: Probabilities, labels: Labels, bins: int = CALIBRATION_BINS) -> float:
    """How far the probability of the predicted class lies from the share of photos where it is right.

    The mean over photos, by bins of equal width (Naeini et al., 2015; Guo et al., 2017); lower is better. Chance alone
    keeps it above 0, the more so the fewer the photos.
    """
    bin_of, sure, right = calibration_gaps(probabilities, labels, bins)
    gaps = np.bincount(bin_of, weights=sure - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def confusion(probabilities: Probabilities, labels: Labels) -> NDArray[np.int64]:
    """Count photos by true class (rows) and predicted class (columns); shape (C, C)."""
    check_scorable(probabilities, labels)
    classes = probabilities.shape[1]
    cells = labels.astype(np.int64) * classes + probabilities.argmax(axis=1)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def check_scorable(probabilities: Probabilities, labels: Labels) -> None:
    """Refuse what cannot be scored.

    Raises:
        ModelError: A probability is not a number, or the shapes do not fit.
    """
    if probabilities.ndim != 2 or len(probabilities) != len(labels) or not len(labels):
        raise ModelError(f"probabilities {probabilities.shape} and labels {labels.shape} cannot be scored together")
    if labels.min() < 0 or labels.max() >= probabilities.shape[1]:
        raise ModelError(f"labels from {labels.min()} to {labels.max()} do not fit {probabilities.shape[1]} classes")
    if not np.isfinite(probabilities).all():
        raise ModelError("the model gives probabilities that are not numbers; train it again")
