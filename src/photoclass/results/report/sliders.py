"""What every place of the report's sliders means: counts, exact for any number of photos, a few kilobytes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Finer towards the ends, where most photos of a good model are.
_HUNDREDTHS = tuple(round(i / 100, 2) for i in range(1, 100))
_NEAR_ONE = (0.992, 0.995, 0.998, 0.999, 0.9995, 0.9999)
_NEAR_ZERO = tuple(round(1 - level, 4) for level in reversed(_NEAR_ONE))
_TABLE_LEVELS = (0.0, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)


@dataclass(frozen=True)
class Coverage:
    """What comes of answering only when sure.

    Attributes:
        levels: Answered is where the most probable class has at least this probability; 0 answers all.
        answered: Photos answered at each level.
        right: Those of them classified correctly.
        photos: How many there are in all.
    """

    levels: tuple[float, ...]
    answered: tuple[int, ...]
    right: tuple[int, ...]
    photos: int

    def as_json(self) -> dict[str, Any]:
        """Return the values that the page's script takes."""
        return {"levels": self.levels, "answered": self.answered, "right": self.right, "photos": self.photos}


@dataclass(frozen=True)
class Thresholds:
    """What comes of calling a photo the second of two classes when it is more probable than a threshold.

    Attributes:
        levels: The thresholds.
        hits: Photos of the second class called so, at each.
        false_alarms: Photos of the first class called the second.
        firsts: Photos of the first class in all.
        seconds: Photos of the second class in all.
    """

    levels: tuple[float, ...]
    hits: tuple[int, ...]
    false_alarms: tuple[int, ...]
    firsts: int
    seconds: int

    def as_json(self) -> dict[str, Any]:
        """Return the values that the page's script takes."""
        return {
            "levels": self.levels,
            "hits": self.hits,
            "falseAlarms": self.false_alarms,
            "firsts": self.firsts,
            "seconds": self.seconds,
        }


def count_coverage(probabilities: NDArray[np.floating], labels: NDArray[np.int64], *, few: bool = False) -> Coverage:
    """Count answers and right answers at every level that can make a difference; with `few`, at those of a table.

    Args:
        probabilities: Shape (N, C).
        labels: Shape (N,).
        few: Take the levels of a short table.
    """
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    least = 1 / probabilities.shape[1]
    levels = _TABLE_LEVELS if few else (0.0, *(p for p in (*_HUNDREDTHS, *_NEAR_ONE) if p > least))
    return Coverage(
        levels,
        tuple(int((sure >= level).sum()) for level in levels),
        tuple(int((right & (sure >= level)).sum()) for level in levels),
        len(labels),
    )


def count_thresholds(probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> Thresholds:
    """Count hits and false alarms at each threshold; at 0.5 they are those of the confusion table.

    Args:
        probabilities: Shape (N, 2).
        labels: Shape (N,).
    """
    levels = (*_NEAR_ZERO, *_HUNDREDTHS, *_NEAR_ONE)
    second, is_second = probabilities[:, 1], labels == 1
    return Thresholds(
        levels,
        tuple(int((second[is_second] > level).sum()) for level in levels),
        tuple(int((second[~is_second] > level).sum()) for level in levels),
        int((~is_second).sum()),
        int(is_second.sum()),
    )
