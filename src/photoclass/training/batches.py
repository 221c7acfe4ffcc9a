"""Batches of pixels, made by background threads so that the network never waits."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.cache import CachedPhotos
from photoclass.photos.decode import Pixels
from photoclass.training.augment import AugmentSettings, draw_transforms, warp

_AHEAD = 4  # batches made before they are asked for
_THREADS = 1  # one makes thousands of photos a second, ten times what a network takes


@dataclass(frozen=True)
class Batch:
    """Photos on their way into the network.

    Attributes:
        pixels: Shape (n, H, W, 3), uint8 RGB.
        labels: Shape (n,), class indices.
    """

    pixels: Pixels
    labels: NDArray[np.int64]


def training_batches(
    photos: CachedPhotos, batch_size: int, augment: AugmentSettings, seed: int, epoch: int, first_step: int = 0
) -> Iterator[Batch]:
    """Give one epoch's batches: every photo once, shuffled and augmented anew; the last batch may be smaller.

    Order and transforms follow from `seed` and `epoch` alone, so an epoch can be taken up at any step.
    """
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(len(photos))
    side = photos.settings.image_size
    transforms = draw_transforms(len(photos), side, augment, generator)

    def make(step: int) -> Batch:
        span = slice(step * batch_size, (step + 1) * batch_size)
        rows = order[span]
        pixels = np.empty((len(rows), side, side, 3), dtype=np.uint8)
        for i, (row, transform) in enumerate(zip(rows, transforms[span], strict=True)):
            warp(np.asarray(photos.pixels[row], dtype=np.uint8), transform, augment, out=pixels[i])
        return Batch(pixels, photos.table.labels[rows])

    yield from _made_ahead(make, first_step, count_batches(len(photos), batch_size))


def plain_batches(photos: CachedPhotos, batch_size: int) -> Iterator[Batch]:
    """Give all photos once, in order, as they are."""

    def make(step: int) -> Batch:
        rows = range(step * batch_size, min((step + 1) * batch_size, len(photos)))
        return Batch(np.stack([photos.pixels[i] for i in rows]), photos.table.labels[rows.start : rows.stop])

    yield from _made_ahead(make, 0, count_batches(len(photos), batch_size))


def count_batches(photos: int, batch_size: int) -> int:
    """Count batches, the last, smaller one included."""
    return -(-photos // batch_size)


def _made_ahead(make: Callable[[int], Batch], first: int, end: int) -> Iterator[Batch]:
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="batches") as pool:
        waiting = deque(pool.submit(make, step) for step in range(first, min(first + _AHEAD, end)))
        following = first + len(waiting)
        try:
            while waiting:
                batch = waiting.popleft().result()
                if following < end:
                    waiting.append(pool.submit(make, following))
                    following += 1
                yield batch
        finally:
            for future in waiting:
                future.cancel()
