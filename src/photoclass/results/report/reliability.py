"""Whether probabilities mean what they say: photos in bins of confidence, and the share classified correctly in each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.metrics.figures import Interval, accuracy
from photoclass.metrics.intervals import share_interval

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Photos whose most probable class has a probability in [low, high).

    Attributes:
        low, high: The bin's edges; the last one holds 1 as well.
        count: How many photos.
        confidence: Their mean probability.
        right: Share classified correctly, with its 95 % interval (Wilson, 1927).
    """

    low: float
    high: float
    count: int
    confidence: float
    right: Interval

    @property
    def fits(self) -> bool:
        """Whether what is said lies within the interval of what is true."""
        return self.right.low <= self.confidence <= self.right.high


def reliability(probabilities: NDArray[np.floating], labels: NDArray[np.int64], bins: int = BINS) -> tuple[Bin, ...]:
    """Return the bins that hold photos (Niculescu-Mizil and Caruana, 2005), of equal width from 1/C to 1.

    Args:
        probabilities: Shape (N, C).
        labels: Shape (N,).
        bins: How many, empty ones included.
    """
    sure = probabilities.max(axis=1)
    edges = np.linspace(1 / probabilities.shape[1], 1, bins + 1)
    bin_of = np.clip(np.searchsorted(edges, sure, side="right") - 1, 0, bins - 1)
    found = []
    for i in np.unique(bin_of):
        of_bin = bin_of == i
        count = int(of_bin.sum())
        right = share_interval(accuracy(probabilities[of_bin], labels[of_bin]), count)
        found.append(Bin(float(edges[i]), float(edges[i + 1]), count, float(sure[of_bin].mean()), right))
    return tuple(found)
