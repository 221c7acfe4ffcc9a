"""Metrics of classification, each from an array of probabilities and an array of labels, as in scikit-learn.

`*_loss`, the Brier score and the calibration error: lower is better; accuracy: higher. Metrics of ranking are in
`ranking.py`, confidence intervals in `intervals.py` and `bootstrap.py`.
"""

import numpy as np
from numpy.typing import NDArray

from photoclass.metrics.labelled import Labels, Probabilities, check_probabilities

# Keras's own bound: with a probability of exactly 0, a single mistake would cost infinitely much.
CLIP = 1e-7
CALIBRATION_BINS = 15


def log_losses(probabilities: Probabilities, labels: Labels, clip: float = CLIP) -> NDArray[np.float64]:
    """Negative log-likelihood of each photo in nats, shape (N,); lower is better.

    Args:
        probabilities: Shape (N, C); each row sums to 1.
        labels: Shape (N,), integers in [0, C).
        clip: Probabilities are held within [clip, 1 - clip].

    Raises:
        ModelError: A probability is NaN or infinite, or the shapes do not match. The same holds for every metric here.
    """
    check_probabilities(probabilities, labels)
    of_true_class = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return np.asarray(-np.log(np.clip(of_true_class, clip, 1 - clip)), dtype=np.float64)


def log_loss(probabilities: Probabilities, labels: Labels, clip: float = CLIP) -> float:
    """Mean of `log_losses`: what training minimises and Kaggle scores."""
    return float(log_losses(probabilities, labels, clip).mean())


def accuracy(probabilities: Probabilities, labels: Labels) -> float:
    """Share of the photos that are classified correctly."""
    check_probabilities(probabilities, labels)
    return float((probabilities.argmax(axis=1) == labels).mean())


def brier_scores(probabilities: Probabilities, labels: Labels) -> NDArray[np.float64]:
    """Squared error of each photo's probabilities, shape (N,); lower is better.

    It is the sum over classes, from 0 to 2; with two classes half of that, from 0 to 1, as scikit-learn's
    `brier_score_loss` gives it with `scale_by_half="auto"`. Brier (1950), "Verification of Forecasts Expressed in
    Terms of Probability".
    """
    check_probabilities(probabilities, labels)
    errors = probabilities.astype(np.float64)
    errors[np.arange(len(labels)), labels] -= 1
    if errors.shape[1] == 2:
        return np.asarray((errors**2).sum(axis=1) / 2)
    return np.asarray((errors**2).sum(axis=1))


def brier_score(probabilities: Probabilities, labels: Labels) -> float:
    """Mean of `brier_scores`."""
    return float(brier_scores(probabilities, labels).mean())


def expected_calibration_error(probabilities: Probabilities, labels: Labels, bins: int = CALIBRATION_BINS) -> float:
    """Mean gap between confidence and accuracy, over photos in bins of equal confidence width; lower is better.

    Naeini et al. (2015), "Obtaining Well Calibrated Probabilities Using Bayesian Binning"; Guo et al. (2017), "On
    Calibration of Modern Neural Networks" (https://arxiv.org/abs/1706.04599). Chance alone keeps it above 0, the more
    so the fewer the photos.
    """
    check_probabilities(probabilities, labels)
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == labels
    gaps = np.bincount(confidence_bins(confidence, bins), weights=confidence - correct, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def confidence_bins(confidence: NDArray[np.float64], bins: int = CALIBRATION_BINS) -> NDArray[np.int64]:
    """Return the bin of each photo, shape (N,), of `bins` bins of equal width from 0 to 1."""
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)


def confusion_matrix(probabilities: Probabilities, labels: Labels) -> NDArray[np.int64]:
    """Count photos by true class (rows) and predicted class (columns), shape (C, C)."""
    check_probabilities(probabilities, labels)
    classes = probabilities.shape[1]
    cells = labels.astype(np.int64) * classes + probabilities.argmax(axis=1)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def confused_pairs(table: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Return true class, predicted class and count of all mistakes, the most frequent first.

    Args:
        table: Shape (C, C), photos by true class (rows) and predicted class (columns).
    """
    pairs = [(int(t), int(p), int(table[t, p])) for t, p in np.argwhere(table) if t != p]
    return sorted(pairs, key=lambda pair: -pair[2])
