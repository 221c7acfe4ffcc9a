"""Work done in the background, a little ahead of whoever needs it: how decoding keeps out of a network's way."""

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Handing photos from thread to thread one by one would cost a tenth of a photo's time.
_CHUNK, _CHUNKS_AHEAD = 8, 6


def prefetch(pool: Executor, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Give `function` of each item, in order, worked out by `pool` never more than a few items ahead."""

    def work(start: int) -> list[Result]:
        return [function(item) for item in items[start : start + _CHUNK]]

    starts = iter(range(0, len(items), _CHUNK))
    waiting = deque(pool.submit(work, start) for start in itertools.islice(starts, _CHUNKS_AHEAD))
    try:
        while waiting:
            chunk = waiting.popleft().result()
            waiting.extend(pool.submit(work, start) for start in itertools.islice(starts, 1))
            yield from chunk
    finally:
        for future in waiting:
            future.cancel()
