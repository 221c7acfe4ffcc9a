"""The figures that judge predictions, each with how sure it is. `*_loss` lower is better, the others higher."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError

Probabilities = NDArray[np.floating]
Labels = NDArray[np.integer]

# Keras's own bound: a probability of 0 or 1 would make one mistake cost infinitely much.
CLIP = 1e-7
_Z95 = 1.959963984540054  # the normal distribution's 97.5 % quantile


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % confidence interval."""

    value: float
    low: float
    high: float


def log_losses(probabilities: Probabilities, labels: Labels, clip: float = CLIP) -> NDArray[np.float64]:
    """Negative log-likelihood of each photo in nats; lower is better.

    Args:
        probabilities: Shape (N, C); each row sums to 1.
        labels: Shape (N,), integers in [0, C).
        clip: Probabilities are held within [clip, 1 - clip].

    Raises:
        ModelError: A probability is not a number, or the shapes do not fit.
    """
    _check(probabilities, labels)
    right = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return np.asarray(-np.log(np.clip(right, clip, 1 - clip)), dtype=np.float64)


def log_loss(probabilities: Probabilities, labels: Labels, clip: float = CLIP) -> float:
    """Mean of `log_losses`: what training minimises and Kaggle scores."""
    return float(log_losses(probabilities, labels, clip).mean())


def accuracy(probabilities: Probabilities, labels: Labels) -> float:
    """Share of the photos whose most probable class is the right one."""
    _check(probabilities, labels)
    return float((probabilities.argmax(axis=1) == labels).mean())


def expected_calibration_error(probabilities: Probabilities, labels: Labels, bins: int = 15) -> float:
    """How far the probability of the predicted class lies from the share of photos where it is right.

    The mean over photos, by bins of equal width (Naeini et al., 2015; Guo et al., 2017); lower is better. Chance alone
    keeps it above 0, the more so the fewer the photos.
    """
    _check(probabilities, labels)
    sure = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bin_of = np.minimum((sure * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(bin_of, weights=sure - right, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def confusion(probabilities: Probabilities, labels: Labels) -> NDArray[np.int64]:
    """Count photos by true class (rows) and predicted class (columns); shape (C, C)."""
    _check(probabilities, labels)
    classes = probabilities.shape[1]
    cells = labels.astype(np.int64) * classes + probabilities.argmax(axis=1)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def log_loss_interval(probabilities: Probabilities, labels: Labels, seed: int = 0, draws: int = 2000) -> Interval:
    """Log loss with a percentile bootstrap over photos (Efron, 1979)."""
    losses = log_losses(probabilities, labels)
    generator = np.random.default_rng(seed)
    count = len(losses)
    means = [losses[generator.integers(0, count, count)].mean() for _ in range(draws)]
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(losses.mean()), float(low), float(high))


def accuracy_interval(probabilities: Probabilities, labels: Labels) -> Interval:
    """Accuracy with the interval of Wilson (1927), which holds near 0 and 1 and for few photos."""
    share, count = accuracy(probabilities, labels), len(labels)
    spread = _Z95**2 / count
    centre = (share + spread / 2) / (1 + spread)
    half = _Z95 * np.sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return Interval(share, float(max(0.0, centre - half)), float(min(1.0, centre + half)))


def _check(probabilities: Probabilities, labels: Labels) -> None:
    if probabilities.ndim != 2 or len(probabilities) != len(labels) or not len(labels):
        raise ModelError(f"probabilities {probabilities.shape} and labels {labels.shape} cannot be scored together")
    if labels.min() < 0 or labels.max() >= probabilities.shape[1]:
        raise ModelError(f"labels from {labels.min()} to {labels.max()} do not fit {probabilities.shape[1]} classes")
    if not np.isfinite(probabilities).all():
        raise ModelError("the model gives probabilities that are not numbers; train it again")
