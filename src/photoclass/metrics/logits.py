"""The convention for logits: two classes share one, that of class 1 against class 0; more classes have one each."""

import numpy as np
from numpy.typing import NDArray


def logit_count(classes: int) -> int:
    """Return how many logits a photo has, K, for a number of classes, C."""
    return 1 if classes == 2 else classes


def is_binary(logits: NDArray[np.floating]) -> bool:
    """Return whether logits, shape (..., K), are the single ones of two classes."""
    return bool(logits.shape[-1] == 1)


def class_logits(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one logit per class, shape (N, C): the single one of two classes, z, as 0 and z.

    Args:
        logits: Shape (N, K).
    """
    return np.concatenate([np.zeros_like(logits), logits], axis=1) if is_binary(logits) else logits


def symmetric_logits(logits: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return one logit per class, shape (..., C): the single one of two classes, z, as -z/2 and z/2.

    A softmax in low precision then keeps the digits of the smaller probability.

    Args:
        logits: Shape (..., K), or the weights or biases that give them.
    """
    return np.concatenate([-logits / 2, logits / 2], axis=-1) if is_binary(logits) else logits
