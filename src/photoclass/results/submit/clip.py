"""Clipping and rounding of probabilities such that each row still sums to 1."""

import math

import numpy as np
from numpy.typing import NDArray

_DECIMALS = 6
_MOST_DECIMALS = 12  # beyond them, rows no longer sum to 1 in float64


def lowest_probability(clip: float, classes: int) -> float:
    """Return the lowest probability that clipping leaves: `clip`, shared by all classes but one.

    So the highest is 1 - `clip` however many classes there are, and a photo that is surely right costs as little with
    120 classes as with two.
    """
    return clip / (classes - 1)


def clip_probabilities(probabilities: NDArray[np.floating], clip: float) -> NDArray[np.float64]:
    """Raise probabilities that are below the lowest one, and scale the others of the row down to sum to 1.

    Of all distributions without a lower probability it is the one with the smallest cross-entropy to the model's: it
    costs least if the model is right. With two classes it is the usual clip to [clip, 1 - clip].

    Args:
        probabilities: Shape (N, C); each row sums to 1.
        clip: From 0 to below 0.5.

    Returns:
        Shape (N, C), all in [clip / (C - 1), 1 - clip].
    """
    given = probabilities.astype(np.float64)
    classes = given.shape[1]
    if classes == 2:
        return np.asarray(np.clip(given, clip, 1 - clip))
    lowest = lowest_probability(clip, classes)
    given /= given.sum(axis=1, keepdims=True)
    raised = given < lowest
    # Scaling may take others below the lowest probability. Each round raises one more at least, never all of a row.
    while True:
        room = 1 - lowest * raised.sum(axis=1, keepdims=True)
        kept = np.where(raised, 0, given)
        clipped = np.where(raised, lowest, kept * (room / kept.sum(axis=1, keepdims=True)))
        more = (clipped < lowest) & ~raised
        if not more.any():
            return clipped
        raised |= more


def decimals_for(clip: float, classes: int) -> int:
    """Return how many decimals to write: six, or more where the lowest probability would be rounded away."""
    lowest = lowest_probability(clip, classes)
    needed = math.ceil(-math.log10(lowest)) + 1 if lowest > 0 else 0
    return min(max(needed, _DECIMALS), _MOST_DECIMALS)


def round_rows(probabilities: NDArray[np.float64], decimals: int) -> NDArray[np.int64]:
    """Round such that each row still sums to exactly 1, by the largest remainders.

    Args:
        probabilities: Shape (N, C); each row sums to 1.
        decimals: Of the result.

    Returns:
        Shape (N, C), in units of the last decimal; a row sums to 10 ** decimals.
    """
    whole = 10**decimals
    if probabilities.shape[1] == 2:
        second = [int(f"{value:.{decimals}f}".replace(".", "")) for value in probabilities[:, 1]]
        return np.array([(whole - units, units) for units in second], dtype=np.int64).reshape(-1, 2)
    exact = probabilities * whole
    units = np.floor(exact).astype(np.int64)
    missing = whole - units.sum(axis=1, keepdims=True)
    order = np.argsort(units - exact, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(order.shape[1])[None], axis=1)
    return np.asarray(units + (rank < missing), dtype=np.int64)
