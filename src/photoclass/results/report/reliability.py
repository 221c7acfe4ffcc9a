"""The reliability diagram as values: photos in bins of confidence, and the accuracy in each bin."""

from dataclasses import dataclass

import numpy as np

from photoclass.metrics.intervals import Interval, wilson_interval
from photoclass.metrics.labelled import LabelledProbabilities

BINS = 10


@dataclass(frozen=True)
class ReliabilityBin:
    """Photos whose predicted class has a probability in [low, high).

    Attributes:
        low, high: The edges of the bin; the last bin includes 1.
        count: The number of photos.
        confidence: Their mean confidence.
        accuracy: The share classified correctly, with its 95 % interval (Wilson score interval).
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: Interval

    @property
    def is_calibrated(self) -> bool:
        """Whether the mean confidence lies within the interval of the accuracy."""
        return self.accuracy.low <= self.confidence <= self.accuracy.high

    @property
    def is_overconfident(self) -> bool:
        """Whether the mean confidence lies above the interval of the accuracy."""
        return self.confidence > self.accuracy.high


def reliability(predictions: LabelledProbabilities, bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Return the bins that hold photos, of equal width from 1/C to 1.

    Source: Niculescu-Mizil and Caruana, Predicting Good Probabilities with Supervised Learning, ICML 2005.

    Args:
        predictions: Of N photos, with their true classes.
        bins: The number of bins, empty ones included.
    """
    confidence = predictions.confidence
    edges = np.linspace(1 / predictions.n_classes, 1, bins + 1)
    bin_of = np.clip(np.searchsorted(edges, confidence, side="right") - 1, 0, bins - 1)
    found = []
    for i in np.unique(bin_of):
        rows = bin_of == i
        count = int(rows.sum())
        share = wilson_interval(float(predictions.correct[rows].mean()), count)
        found.append(ReliabilityBin(float(edges[i]), float(edges[i + 1]), count, float(confidence[rows].mean()), share))
    return tuple(found)
