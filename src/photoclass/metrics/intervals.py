"""95 % confidence intervals: in closed form for proportions, from bootstrap resamples for all other metrics.

Near-duplicates are one observation: closed forms use an effective sample size, the bootstrap resamples them together
(`bootstrap.py`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Z95 = 1.959963984540054  # 97.5 % quantile of the normal distribution
_QUANTILES = (0.025, 0.975)


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % confidence interval.

    Attributes:
        value: The estimate.
        low: Lower bound; NaN if there is no interval.
        high: Upper bound; NaN if there is no interval.
    """

    value: float
    low: float = math.nan
    high: float = math.nan

    @property
    def is_known(self) -> bool:
        """Whether there is an interval."""
        return not math.isnan(self.low)

    def bounds(self) -> list[float] | None:
        """Return low and high for JSON; None if there is no interval."""
        return [self.low, self.high] if self.is_known else None


def effective_sample_size(groups: NDArray[np.int64]) -> float:
    """Return how many independent photos carry as much information: n^2 / (n1^2 + n2^2 + ...) for groups of n1, n2, ...

    This is the worst case, in which the photos of a group are always right or wrong together. It is n if no photo has
    a near-duplicate. Kish (1965), "Survey Sampling".

    Args:
        groups: Shape (N,), as in `LabelledProbabilities`.
    """
    _, sizes = np.unique(groups, return_counts=True)
    return float(len(groups) ** 2 / (sizes.astype(np.float64) ** 2).sum()) if len(groups) else 0.0


def wilson_interval(proportion: float, n: float) -> Interval:
    """Return a proportion of `n` photos with Wilson's score interval, which is valid near 0 and 1 and for small n.

    Wilson (1927), "Probable Inference, the Law of Succession, and Statistical Inference".
    """
    spread = _Z95**2 / n
    centre = (proportion + spread / 2) / (1 + spread)
    half = _Z95 * math.sqrt(proportion * (1 - proportion) / n + spread / (4 * n)) / (1 + spread)
    return Interval(proportion, max(0.0, centre - half), min(1.0, centre + half))


def f1_interval(true_positives: int, union: int, n: float) -> Interval:
    """Return F1 with its interval.

    F1 is 2 J / (1 + J) with the Jaccard index J: of the photos that are of the class or predicted as it, the
    proportion that are both. As F1 grows with J, the bounds of J's interval give those of F1.

    Args:
        true_positives: Photos of the class that are predicted as it.
        union: Photos that are of the class, or predicted as it, or both.
        n: The effective sample size of the union.
    """
    jaccard = wilson_interval(true_positives / union, n)
    value, low, high = (2 * j / (1 + j) for j in (jaccard.value, jaccard.low, jaccard.high))
    return Interval(value, low, high)


def mean_interval(proportions: Sequence[Interval]) -> Interval:
    """Return the mean of proportions of disjoint sets of photos, with an interval made from theirs.

    This is MOVER, the "method of variance estimates recovery": independent deviations add up as their squares (Zou and
    Donner, 2008, "Construction of confidence limits about effect measures"). Unlike a bootstrap, it does not collapse
    if all of a few photos are classified correctly.
    """
    value = sum(part.value for part in proportions) / len(proportions)
    below = math.sqrt(sum((part.value - part.low) ** 2 for part in proportions)) / len(proportions)
    above = math.sqrt(sum((part.high - part.value) ** 2 for part in proportions)) / len(proportions)
    return Interval(value, max(0.0, value - below), min(1.0, value + above))


def percentile_interval(value: float, resampled: NDArray[np.float64]) -> Interval:
    """Return a metric with its percentile bootstrap interval: the middle 95 % of its values on resamples.

    Efron (1979), "Bootstrap Methods: Another Look at the Jackknife". There is no interval if all resamples give the
    same value: that only shows that these photos contain no case that differs.

    Args:
        value: The metric on the photos themselves.
        resampled: Shape (B,), its values on resamples; NaN (not defined on a resample) is left out.
    """
    usable = resampled[~np.isnan(resampled)]
    if not len(usable):
        return Interval(value)
    low, high = (float(bound) for bound in np.quantile(usable, _QUANTILES))
    # Sums in another order differ in the last digits.
    return Interval(value, low, high) if high - low > 1e-12 * max(1.0, abs(value)) else Interval(value)


def calibration_interval(
    value: float,
    resampled: NDArray[np.float64],
    if_calibrated: NDArray[np.float64],
) -> Interval:
    """Return the expected calibration error with an interval that allows for its bias.

    Chance alone raises the error, and in a resample it does so a second time, so a plain percentile interval would
    usually lie above the true error. The lower bound is therefore 0 if a calibrated model would often show as much
    ("consistency resampling": Bröcker and Smith, 2007, "Increasing the Reliability of Reliability Diagrams"), and
    otherwise that of the reflected ("basic") bootstrap. The upper bound is the percentile bootstrap's, less what
    resampling adds on average.

    Args:
        value: The error.
        resampled: Shape (B,), the error on bootstrap resamples.
        if_calibrated: Shape (B,), the error that these photos would show if the model were calibrated.
    """
    percentile = percentile_interval(value, resampled)
    if not percentile.is_known:
        return percentile
    may_be_chance = value <= float(np.quantile(if_calibrated, _QUANTILES[1]))
    low = 0.0 if may_be_chance else max(0.0, 2 * value - percentile.high)
    return Interval(value, min(low, value), max(value, percentile.high - (float(resampled.mean()) - value)))
