"""Is a difference between two models on the same photos real? Paired tests, and how many photos would tell."""

import math

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_FLIPS = 2000
_NUMBERS_AT_ONCE = 4_000_000
# To find a difference four times in five (80 % power) with a test at 5 %: 97.5 % and 80 % quantile of the normal
# distribution.
_Z_TOGETHER = 1.959963984540054 + 0.8416212335729143


def by_picture(values: Values, groups: NDArray[np.int64]) -> Values:
    """Add up the values of photos that show one picture; shape (G,)."""
    _, of_photo = np.unique(groups, return_inverse=True)
    return np.asarray(np.bincount(of_photo, weights=values), dtype=np.float64)


def mcnemar(first_alone: int, second_alone: int) -> float:
    """Return the two-sided p-value of the exact test of McNemar (1947).

    If both models were equally good, either would be the one that is right as often, as a coin falls.

    Args:
        first_alone: Pictures on which the first model alone is right.
        second_alone: Pictures on which the second one alone is right.
    """
    tosses, fewer = first_alone + second_alone, min(first_alone, second_alone)
    term = ways = 1
    for k in range(1, fewer + 1):
        term = term * (tosses - k + 1) // k
        ways += term
    return min(1.0, float(2 * ways / 2**tosses))


def sign_flip(sums: Values, seed: int = 0) -> float:
    """Return the two-sided p-value of a paired randomisation test (Fisher, 1935) that the mean difference is 0.

    If both models were equally good, each picture's difference could as well bear the other sign. Of few pictures it
    says what an interval of bootstrap draws cannot: that chance would do the same.

    Args:
        sums: Shape (G,), the difference on each picture.
        seed: Decides which signs are tried.
    """
    generator = np.random.default_rng(seed)
    seen, beyond = abs(float(sums.sum())), 0
    at_once = max(1, _NUMBERS_AT_ONCE // len(sums))
    for start in range(0, _FLIPS, at_once):
        signs = 2 * generator.integers(0, 2, (min(at_once, _FLIPS - start), len(sums)), dtype=np.int8) - 1
        # Sums of the same numbers in another order differ in the last digits.
        beyond += int((np.abs(signs.astype(np.float64) @ sums) >= seen * (1 - 1e-9)).sum())
    return (1 + beyond) / (1 + _FLIPS)


def photos_needed(values: Values, groups: NDArray[np.int64]) -> float:
    """Estimate how many photos would tell this mean difference from 0 four times in five, if it is the true one.

    The variance of a mean falls with the number of photos; near-duplicates are taken together (sample size for paired means, as
    in Connor, 1987, for proportions).

    Args:
        values: Shape (N,), the difference on each photo.
        groups: Shape (N,), the same number for photos that are near-duplicates.

    Returns:
        Infinity where these photos show no difference.
    """
    mean = float(values.mean())
    if mean == 0:
        return math.inf
    spread = float((by_picture(values - mean, groups) ** 2).sum() / len(values))
    return _Z_TOGETHER**2 * spread / mean**2
