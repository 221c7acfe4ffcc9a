"""Calibration: one temperature, so that of the photos told with 90 % nine in ten are right."""

import numpy as np
from numpy.typing import NDArray

from photoclass.metrics.logits import class_logits

# How far the temperature of a well regularised head may be expected to lie from 1, as a standard deviation of its
# logarithm: with few photos this keeps chance from deciding it, with hundreds it has no weight.
LOG_SCALE_SPREAD = 0.3
_BISECTIONS = 50


def fit_temperature(
    logits: NDArray[np.float64], labels: NDArray[np.int64], photo_weights: NDArray[np.float64] | None = None
) -> float:
    """Return the temperature that makes logits of photos not trained on most likely.

    After Guo et al. (2017), "On Calibration of Modern Neural Networks", with a prior around 1.

    Args:
        logits: Shape (N, K); K is 1 for two classes (the logit of class 1), else their number.
        labels: Shape (N,), class indices.
        photo_weights: Shape (N,), with mean 1; all 1 when None.
    """
    weights = np.ones(len(labels)) if photo_weights is None else photo_weights
    logits = class_logits(logits)
    right = logits[np.arange(len(labels)), labels]
    columns = np.ascontiguousarray(logits.T)  # numpy adds up rows of two numbers ten times slower than two columns

    def slope(log_scale: float) -> float:
        """Derivative, in the logarithm of the inverse temperature, of what is to be least; it has one zero."""
        scaled = np.exp(log_scale) * columns
        exponents = np.exp(scaled - scaled.max(axis=0))
        expected = (exponents * columns).sum(axis=0) / exponents.sum(axis=0)
        return float(np.exp(log_scale) * (weights * (expected - right)).sum() + log_scale / LOG_SCALE_SPREAD**2)

    low, high = -3.0, 3.0
    for _ in range(_BISECTIONS):  # bisection: cannot fail, and each step costs next to nothing
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return float(np.exp(-(low + high) / 2))


def to_probabilities(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn logits, shape (N, K), into probabilities, shape (N, C): a single logit is that of class 1."""
    logits = class_logits(logits)
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), dtype=np.float64)
