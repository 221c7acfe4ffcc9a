"""Temperature scaling, which calibrates probabilities: of photos predicted with 90 %, nine in ten should be correct."""

import numpy as np
from numpy.typing import NDArray

from photoclass.metrics.logits import class_logits

# Prior on the logarithm of the temperature, as a standard deviation around 0, for a well regularised head. With few
# photos it keeps the temperature from following chance; with hundreds it has no effect.
LOG_SCALE_SPREAD = 0.3
_BISECTIONS = 50


def fit_temperature(
    logits: NDArray[np.float64], labels: NDArray[np.int64], photo_weights: NDArray[np.float64] | None = None
) -> float:
    """Return the temperature with the highest likelihood on photos that were not trained on.

    Guo et al. (2017), "On Calibration of Modern Neural Networks" (https://arxiv.org/abs/1706.04599), with a prior
    around 1.

    Args:
        logits: Shape (N, K); K is 1 for two classes (the logit of class 1), else their number.
        labels: Shape (N,), class indices.
        photo_weights: Shape (N,), with mean 1; None for equal weights.
    """
    weights = np.ones(len(labels)) if photo_weights is None else photo_weights
    logits = class_logits(logits)
    of_true_class = logits[np.arange(len(labels)), labels]
    columns = np.ascontiguousarray(logits.T)  # NumPy sums rows of two numbers ten times slower than two columns

    def slope(log_scale: float) -> float:
        """Derivative of the objective by the logarithm of the inverse temperature; it has exactly one zero."""
        scaled = np.exp(log_scale) * columns
        exponents = np.exp(scaled - scaled.max(axis=0))
        expected = (exponents * columns).sum(axis=0) / exponents.sum(axis=0)
        return float(np.exp(log_scale) * (weights * (expected - of_true_class)).sum() + log_scale / LOG_SCALE_SPREAD**2)

    low, high = -3.0, 3.0
    for _ in range(_BISECTIONS):  # bisection always converges, and each step is cheap
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return float(np.exp(-(low + high) / 2))


def to_probabilities(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the softmax of logits, shape (N, K), as probabilities, shape (N, C); a single logit is that of class 1."""
    logits = class_logits(logits)
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), dtype=np.float64)
