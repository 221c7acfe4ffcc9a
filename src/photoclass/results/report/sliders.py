"""What each position of the report's sliders means: exact counts, a few kilobytes for any number of photos."""

from dataclasses import dataclass
from typing import Any

from photoclass.metrics.labelled import LabelledProbabilities

# Finer towards the ends, where most photos of a good model are.
_HUNDREDTHS = tuple(round(i / 100, 2) for i in range(1, 100))
_NEAR_ONE = (0.992, 0.995, 0.998, 0.999, 0.9995, 0.9999)
_NEAR_ZERO = tuple(round(1 - level, 4) for level in reversed(_NEAR_ONE))
_TABLE_LEVELS = (0.0, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)


@dataclass(frozen=True)
class CoverageCounts:
    """The outcome of accepting only predictions of at least some confidence.

    Attributes:
        levels: The least confidence; 0 accepts all predictions.
        accepted: Predictions accepted at each level.
        correct: The correct ones among them.
        photos: The number of all photos.
    """

    levels: tuple[float, ...]
    accepted: tuple[int, ...]
    correct: tuple[int, ...]
    photos: int

    def as_json(self) -> dict[str, Any]:
        """Return the values that the page's script reads."""
        return {"levels": self.levels, "accepted": self.accepted, "correct": self.correct, "photos": self.photos}


@dataclass(frozen=True)
class ThresholdCounts:
    """The outcome of predicting the second of two classes where its probability exceeds a threshold.

    Attributes:
        levels: The thresholds.
        true_positives: Photos of the second class predicted as such, at each threshold.
        false_positives: Photos of the first class predicted as the second.
        negatives: All photos of the first class.
        positives: All photos of the second class.
    """

    levels: tuple[float, ...]
    true_positives: tuple[int, ...]
    false_positives: tuple[int, ...]
    negatives: int
    positives: int

    def as_json(self) -> dict[str, Any]:
        """Return the values that the page's script reads."""
        return {
            "levels": self.levels,
            "truePositives": self.true_positives,
            "falsePositives": self.false_positives,
            "negatives": self.negatives,
            "positives": self.positives,
        }


def count_coverage(predictions: LabelledProbabilities, *, few: bool = False) -> CoverageCounts:
    """Count accepted and correct predictions at every level that can make a difference.

    Args:
        predictions: Of N photos, with their true classes.
        few: Take the few levels of a short table instead.
    """
    confidence, correct = predictions.confidence, predictions.correct
    least = 1 / predictions.n_classes
    levels = _TABLE_LEVELS if few else (0.0, *(p for p in (*_HUNDREDTHS, *_NEAR_ONE) if p > least))
    return CoverageCounts(
        levels,
        tuple(int((confidence >= level).sum()) for level in levels),
        tuple(int((correct & (confidence >= level)).sum()) for level in levels),
        len(predictions),
    )


def count_thresholds(predictions: LabelledProbabilities) -> ThresholdCounts:
    """Count true and false positives at each threshold; at 0.5 they are those of the confusion matrix.

    Args:
        predictions: Of N photos and two classes, with their true classes.
    """
    levels = (*_NEAR_ZERO, *_HUNDREDTHS, *_NEAR_ONE)
    second, is_second = predictions.probabilities[:, 1], predictions.labels == 1
    return ThresholdCounts(
        levels,
        tuple(int((second[is_second] > level).sum()) for level in levels),
        tuple(int((second[~is_second] > level).sum()) for level in levels),
        int((~is_second).sum()),
        int(is_second.sum()),
    )
