"""How long training takes, and so how many epochs there is time for."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from photoclass.training.loop.batches import Batch

_MOMENTS = 16  # at which the cost of a photo is looked at, evenly over the training
_TRIALS = 3
# A plan keeps some time back: few machines are as fast all along as in their first seconds.
_MARGIN = 1.04
_SHORTEST_EPOCH = 0.1  # a shorter one at the end is left out: its validation would cost more than it gives


class TimeBudget:
    """What a photo costs at each moment of the training; corrected by what epochs then take.

    Args:
        photo_seconds: What one training photo takes, at moments evenly over the training.
        valid_photos: So many training photos take as long as the validation after an epoch does.
    """

    def __init__(self, photo_seconds: NDArray[np.float64], valid_photos: float) -> None:
        self._photo_seconds = photo_seconds
        self._valid_photos = valid_photos

    @property
    def last_photo_seconds(self) -> float:
        """Return what one training photo takes at the end."""
        return float(self._photo_seconds[-1])

    def hear(self, start: float, end: float, photo_seconds: float, valid_seconds: float) -> None:
        """Take into account what was measured between two moments, shares of the training from 0 to 1."""
        self._photo_seconds = self._photo_seconds * photo_seconds / self._mean(start, end)
        self._valid_photos = valid_seconds / photo_seconds

    def epochs_in(self, seconds: float, done: float, photos: int, most: int) -> float:
        """Return how many epochs there is time for.

        Args:
            seconds: That are left for them.
            done: Share of the training that lies behind.
            photos: In an epoch.
            most: As many as there may be.

        Returns:
            Not always a whole number: the last epoch may be cut short.
        """
        each = (photos + self._valid_photos) * self._mean(done, 1.0) * _MARGIN
        count = min(seconds / each, float(most))
        if count > 1 and count % 1 < _SHORTEST_EPOCH:
            return float(count // 1)
        return max(count, 1 / photos)

    def _mean(self, start: float, end: float) -> float:
        """Return what a photo costs between two moments, at least the one moment that holds `start`."""
        first = min(int(start * _MOMENTS), _MOMENTS - 1)
        last = max(first + 1, min(_MOMENTS, round(end * _MOMENTS)))
        return float(self._photo_seconds[first:last].mean())


def measure_time_budget(
    batch_at: Callable[[float], Batch], step: Callable[[Batch], object], valid_photos: int
) -> TimeBudget:
    """Time a few steps as they will be at moments of the training.

    Args:
        batch_at: Makes a batch as it is when that share of the training is done.
        step: Learns from it; on copies, since the training is yet to begin.
        valid_photos: Photos of a validation, each of which takes about a third of a step's work.
    """
    seconds: dict[tuple[int, ...], float] = {}
    found = []
    for moment in range(_MOMENTS):
        batch = batch_at(moment / _MOMENTS)
        if batch.inputs.shape not in seconds:
            trials = []
            for _ in range(_TRIALS):
                started_at = time.perf_counter()
                step(batch)
                trials.append(time.perf_counter() - started_at)
            seconds[batch.inputs.shape] = min(trials) / len(batch.labels)
        found.append(seconds[batch.inputs.shape])
    return TimeBudget(np.array(found), valid_photos / 3)
