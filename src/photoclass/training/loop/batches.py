"""Batches of examples, prepared by background threads so that the network never waits."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.machine import processors
from photoclass.photos.decode import Pixels
from photoclass.training.loop.examples import Examples
from photoclass.training.recipes.loop_settings import LoopSettings

_PREFETCHED = 4  # batches that each thread prepares ahead
# One thread prepares thousands of photos a second: more than a CPU with three other cores can train on. A GPU can use
# more threads, and usually comes with dozens of cores.
_CORES_PER_THREAD, _MOST_THREADS = 4, 8


@dataclass(frozen=True)
class Batch:
    """Inputs and labels of one step.

    Attributes:
        inputs: Shape (n, height, width, channels), uint8: RGB pixels or feature maps.
        labels: Shape (n,), class indices.
    """

    inputs: Pixels
    labels: NDArray[np.int64]


def training_batches(
    examples: Examples, settings: LoopSettings, seed: int, epoch: int, first_step: int = 0, done: float = 0.0
) -> Iterator[Batch]:
    """Yield the batches of one epoch: every example once, shuffled and augmented differently in each epoch.

    Order and augmentation depend on `seed` and `epoch` alone, so that an epoch can be resumed at any step.

    Args:
        examples: The training examples.
        settings: Has the batch size.
        seed: Seed of the training.
        epoch: Number of the epoch, from 0.
        first_step: The first batch to yield.
        done: Share of the training done before this epoch, from 0 to 1.
    """
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(len(examples))
    augmented = examples.augmented(generator, done)
    count = count_batches(len(examples), settings.batch_size)
    ends = _ends(len(examples), count, settings)

    def make(step: int) -> Batch:
        rows = order[ends[step] : ends[step + 1]]
        return Batch(augmented(rows), examples.labels[rows])

    yield from _prefetch_batches(make, first_step, count)


def plain_batches(examples: Examples, batch_size: int) -> Iterator[Batch]:
    """Yield all examples once, in order, without augmentation."""

    def make(step: int) -> Batch:
        rows = np.arange(step * batch_size, min((step + 1) * batch_size, len(examples)))
        return Batch(examples.plain(rows), examples.labels[rows])

    yield from _prefetch_batches(make, 0, count_batches(len(examples), batch_size))


def count_batches(examples: int, batch_size: int) -> int:
    """Return the number of batches, with a smaller last one."""
    return -(-examples // batch_size)


def _ends(examples: int, count: int, settings: LoopSettings) -> NDArray[np.int64]:
    """Return the boundaries of the batches among the examples of an epoch, from 0; shape (count + 1,)."""
    if settings.even_batches:
        return np.arange(count + 1) * examples // count
    return np.minimum(np.arange(count + 1) * settings.batch_size, examples)


def _prefetch_batches(make: Callable[[int], Batch], first: int, end: int) -> Iterator[Batch]:
    threads = min(_MOST_THREADS, max(1, processors() // _CORES_PER_THREAD))
    with ThreadPoolExecutor(threads, thread_name_prefix="batches") as pool:
        waiting = deque(pool.submit(make, step) for step in range(first, min(first + threads * _PREFETCHED, end)))
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
