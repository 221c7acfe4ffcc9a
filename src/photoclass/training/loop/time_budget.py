"""Plan a training for a time budget: measure how long steps take, and how many epochs fit."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from photoclass.training.loop.batches import Batch

_MOMENTS = 16  # evenly over the training, at which the cost of a photo is measured
_TRIALS = 3
# Plans keep a reserve: few machines stay as fast as in their first seconds.
_MARGIN = 1.04
_SHORTEST_EPOCH = 0.1  # a shorter one at the end is dropped: its validation would cost more than it brings


class TimeBudget:
    """The cost of a training photo at each moment of the training, corrected after every epoch.

    The cost changes during a training that begins with small images.

    Args:
        photo_seconds: Seconds per training photo, at moments spread evenly over the training.
        valid_photos: Cost of the validation after an epoch, in training photos.
    """

    def __init__(self, photo_seconds: NDArray[np.float64], valid_photos: float) -> None:
        self._photo_seconds = photo_seconds
        self._valid_photos = valid_photos

    @property
    def last_photo_seconds(self) -> float:
        """Return the seconds per training photo at the end of the training."""
        return float(self._photo_seconds[-1])

    def update(self, start: float, end: float, photo_seconds: float, valid_seconds: float) -> None:
        """Correct the estimates by what was measured between two moments, given as shares of the training."""
        self._photo_seconds = self._photo_seconds * photo_seconds / self._mean(start, end)
        self._valid_photos = valid_seconds / photo_seconds

    def epochs_in(self, seconds: float, done: float, photos: int, most: int) -> float:
        """Return how many epochs fit into the time left.

        Args:
            seconds: Time left for them.
            done: Share of the training that is done, from 0 to 1.
            photos: Photos per epoch.
            most: The largest number of epochs.

        Returns:
            Not always an integer: the last epoch may be a partial one.
        """
        each = (photos + self._valid_photos) * self._mean(done, 1.0) * _MARGIN
        count = min(seconds / each, float(most))
        if count > 1 and count % 1 < _SHORTEST_EPOCH:
            return float(count // 1)
        return max(count, 1 / photos)

    def _mean(self, start: float, end: float) -> float:
        """Return the mean cost of a photo between two moments; at least the moment that contains `start` counts."""
        first = min(int(start * _MOMENTS), _MOMENTS - 1)
        last = max(first + 1, min(_MOMENTS, round(end * _MOMENTS)))
        return float(self._photo_seconds[first:last].mean())


def measure_time_budget(
    batch_at: Callable[[float], Batch], step: Callable[[Batch], object], valid_photos: int
) -> TimeBudget:
    """Time a few steps with the batches of several moments of the training.

    Args:
        batch_at: Returns a batch as it will be when the given share of the training is done.
        step: Takes a training step with it, on copies of the weights.
        valid_photos: Validation photos; each costs about a third of a training photo (the forward pass alone).
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
