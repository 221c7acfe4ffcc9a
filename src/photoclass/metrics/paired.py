"""Paired tests: whether two models really differ on the same photos, and how many photos it takes to find out."""

import math

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

_FLIPS = 2000
_NUMBERS_AT_ONCE = 4_000_000
# For a power of 80 % at a significance level of 5 %: the 97.5 % and the 80 % quantile of the normal distribution.
_Z_TOGETHER = 1.959963984540054 + 0.8416212335729143


def sum_by_group(values: Values, groups: NDArray[np.int64]) -> Values:
    """Add up the values of near-duplicates.

    Args:
        values: Shape (N,).
        groups: Shape (N,), as in `LabelledProbabilities`.

    Returns:
        Shape (G,), one sum for each group.
    """
    _, group_of_photo = np.unique(groups, return_inverse=True)
    return np.asarray(np.bincount(group_of_photo, weights=values), dtype=np.float64)


def mcnemar_test(only_first: int, only_second: int) -> float:
    """Return the two-sided p-value of McNemar's exact test.

    Under the null hypothesis of equal accuracy, each photo that only one of the models classifies correctly is a fair
    coin toss. McNemar (1947), "Note on the sampling error of the difference between correlated proportions or
    percentages".

    Args:
        only_first: Distinct photos that only the first model classifies correctly.
        only_second: Distinct photos that only the second model classifies correctly.
    """
    tosses, fewer = only_first + only_second, min(only_first, only_second)
    term = ways = 1
    for k in range(1, fewer + 1):
        term = term * (tosses - k + 1) // k
        ways += term
    return min(1.0, float(2 * ways / 2**tosses))


def sign_flip_test(differences: Values, seed: int = 0) -> float:
    """Return the two-sided p-value of a paired randomisation test for a mean difference of 0.

    Under the null hypothesis, each difference could as well have the other sign (Fisher, 1935, "The Design of
    Experiments"). With few photos this stays valid where a bootstrap interval is too narrow.

    Args:
        differences: Shape (G,), one for each group of near-duplicates.
        seed: Decides which random signs are tried.
    """
    generator = np.random.default_rng(seed)
    observed, as_extreme = abs(float(differences.sum())), 0
    at_once = max(1, _NUMBERS_AT_ONCE // len(differences))
    for start in range(0, _FLIPS, at_once):
        signs = 2 * generator.integers(0, 2, (min(at_once, _FLIPS - start), len(differences)), dtype=np.int8) - 1
        # Sums of the same numbers in another order differ in the last digits.
        as_extreme += int((np.abs(signs.astype(np.float64) @ differences) >= observed * (1 - 1e-9)).sum())
    return (1 + as_extreme) / (1 + _FLIPS)


def photos_needed(differences: Values, groups: NDArray[np.int64]) -> float:
    """Estimate the sample size that detects this mean difference with a power of 80 %, if it is the true one.

    The variance of a mean falls with the number of photos; near-duplicates are taken together. This is the sample size
    for paired means, as in Connor (1987), "Sample Size for Testing Differences in Proportions for the Paired-Sample
    Design", for proportions.

    Args:
        differences: Shape (N,), one for each photo.
        groups: Shape (N,), as in `LabelledProbabilities`.

    Returns:
        Infinity if the mean difference is 0.
    """
    mean = float(differences.mean())
    if mean == 0:
        return math.inf
    variance = float((sum_by_group(differences - mean, groups) ** 2).sum() / len(differences))
    return _Z_TOGETHER**2 * variance / mean**2
