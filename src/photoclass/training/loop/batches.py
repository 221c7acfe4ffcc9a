"""Batches of examples, made by background threads so that the network never waits."""

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

_AHEAD = 4  # batches made before they are asked for, by each thread
# A thread makes thousands of photos a second, and three processors do not learn from that many. A GPU does, and has
# dozens of processors beside it.
_PROCESSORS_A_THREAD, _MOST_THREADS = 4, 8


@dataclass(frozen=True)
class Batch:
    """Examples on their way into the network.

    Attributes:
        inputs: Shape (n, height, width, channels), uint8: RGB pixels, or maps.
        labels: Shape (n,), class indices.
    """

    inputs: Pixels
    labels: NDArray[np.int64]


def training_batches(
    examples: Examples, settings: LoopSettings, seed: int, epoch: int, first_step: int = 0, done: float = 0.0
) -> Iterator[Batch]:
    """Give one epoch's batches: every example once, shuffled and varied again.

    Order and variations follow from `seed` and `epoch` alone, so an epoch can be taken up at any step.

    Args:
        examples: What is learnt from.
        settings: How large batches are.
        seed: Decides all lots.
        epoch: Decides them, too.
        first_step: The first batch to give.
        done: Share of the training that lies behind this epoch.
    """
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(len(examples))
    augmented = examples.augmented(generator, done)
    count = count_batches(len(examples), settings.batch_size)
    ends = _ends(len(examples), count, settings)

    def make(step: int) -> Batch:
        rows = order[ends[step] : ends[step + 1]]
        return Batch(augmented(rows), examples.labels[rows])

    yield from _made_ahead(make, first_step, count)


def plain_batches(examples: Examples, batch_size: int) -> Iterator[Batch]:
    """Give all examples once, in order, as they are."""

    def make(step: int) -> Batch:
        rows = np.arange(step * batch_size, min((step + 1) * batch_size, len(examples)))
        return Batch(examples.plain(rows), examples.labels[rows])

    yield from _made_ahead(make, 0, count_batches(len(examples), batch_size))


def count_batches(examples: int, batch_size: int) -> int:
    """Count batches, the last, smaller one included."""
    return -(-examples // batch_size)


def _ends(examples: int, count: int, settings: LoopSettings) -> NDArray[np.int64]:
    """Return where batches end among the examples of an epoch, 0 before them; shape (count + 1,)."""
    if settings.even_batches:
        return np.arange(count + 1) * examples // count
    return np.minimum(np.arange(count + 1) * settings.batch_size, examples)


def _made_ahead(make: Callable[[int], Batch], first: int, end: int) -> Iterator[Batch]:
    threads = min(_MOST_THREADS, max(1, processors() // _PROCESSORS_A_THREAD))
    with ThreadPoolExecutor(threads, thread_name_prefix="batches") as pool:
        waiting = deque(pool.submit(make, step) for step in range(first, min(first + threads * _AHEAD, end)))
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
