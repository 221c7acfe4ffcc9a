"""Groups of photos that stay together in a split: near-duplicates, and those that the user names with `--group-by`."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def join_groups(duplicates: NDArray[np.int64], names: Sequence[str]) -> NDArray[np.int64]:
    """Join groups of near-duplicates that share a user's group, and the other way round.

    Args:
        duplicates: Shape (N,), the same number for near-duplicates.
        names: The user's group of each photo; empty if the user groups nothing.

    Returns:
        Shape (N,), the same number for photos that stay together; `duplicates` itself without names.
    """
    if not names:
        return duplicates
    leader = {number: number for number in np.unique(duplicates).tolist()}

    def find(number: int) -> int:
        while leader[number] != number:
            leader[number] = leader[leader[number]]
            number = leader[number]
        return number

    first: dict[str, int] = {}
    for number, name in zip(duplicates.tolist(), names, strict=True):
        one, other = sorted((find(number), find(first.setdefault(name, number))))
        leader[other] = one
    return np.array([find(number) for number in duplicates.tolist()], dtype=np.int64)


def groups_of_names(names: Sequence[str], photos: int) -> NDArray[np.int64]:
    """Return the same number for photos of one user's group, shape (N,); each photo alone without names."""
    return join_groups(np.arange(photos), names)
