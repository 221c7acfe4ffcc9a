"""How sure a figure is: 95 % intervals in closed form for shares of photos, and from drawn figures for all others.

Photos that show one picture (near-duplicates) are one observation. Shares take that into account by an effective number of
photos, drawn figures by drawing near-duplicates together (`bootstrap.py`).
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from photoclass.metrics.figures import Interval

_Z95 = 1.959963984540054  # the normal distribution's 97.5 % quantile
_ENDS = (0.025, 0.975)


def effective_count(groups: NDArray[np.int64]) -> float:
    """How many photos without near-duplicates tell as much: n^2 / (n1^2 + n2^2 + ...) of groups of n1, n2, ... photos.

    As if near-duplicates were always right and wrong together (Kish, 1965, "Survey Sampling"); n where nothing has a near-duplicate.

    Args:
        groups: Shape (N,), the same number for photos that are near-duplicates.
    """
    _, sizes = np.unique(groups, return_counts=True)
    return float(len(groups) ** 2 / (sizes.astype(np.float64) ** 2).sum()) if len(groups) else 0.0


def share_interval(share: float, count: float) -> Interval:
    """Return a share of `count` photos with Wilson's interval (1927), which holds near 0 and 1 and for few photos."""
    spread = _Z95**2 / count
    centre = (share + spread / 2) / (1 + spread)
    half = _Z95 * math.sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))


def f1_interval(right: int, of_either: int, count: float) -> Interval:
    """Return F1 with its interval.

    F1 is 2 J / (1 + J), which grows with J: the share, among photos that are of the class or called so, of those that
    are both. So the ends of J's interval give those of F1.

    Args:
        right: Photos that are of the class and called so.
        of_either: Photos that are of the class or called so, or both.
        count: The effective number of those.
    """
    both = share_interval(right / of_either, count)
    value, low, high = (2 * j / (1 + j) for j in (both.value, both.low, both.high))
    return Interval(value, low, high)


def mean_interval(shares: Sequence[Interval]) -> Interval:
    """Return the mean of shares of separate photos, with an interval made of theirs.

    "MOVER": each end lies as far from the mean as independent deviations add up to (Zou and Donner, 2008). Unlike a
    bootstrap, it stays honest where all of few photos are right.
    """
    value = sum(share.value for share in shares) / len(shares)
    below = math.sqrt(sum((share.value - share.low) ** 2 for share in shares)) / len(shares)
    above = math.sqrt(sum((share.high - share.value) ** 2 for share in shares)) / len(shares)
    return Interval(value, max(0.0, value - below), min(1.0, value + above))


def drawn_interval(value: float, draws: NDArray[np.float64]) -> Interval:
    """Return a figure with the middle 95 % of its bootstrap draws (Efron, 1979).

    There is no interval where all draws are the same: that only says that these photos hold no case that differs.

    Args:
        value: The figure.
        draws: Shape (B,); what is not a number (a draw in which the figure cannot be computed) is left out.
    """
    usable = draws[~np.isnan(draws)]
    if not len(usable):
        return Interval(value)
    low, high = (float(end) for end in np.quantile(usable, _ENDS))
    # Sums in another order differ in the last digits.
    return Interval(value, low, high) if high - low > 1e-12 * max(1.0, abs(value)) else Interval(value)


def calibration_interval(
    value: float,
    draws: NDArray[np.float64],
    chance: NDArray[np.float64],
) -> Interval:
    """Return the expected calibration error with an interval that knows that chance alone raises it.

    A draw of photos that were drawn already has more chance in it than the photos have, so its error is too high, and a
    plain interval of draws would miss the truth on most occasions. The lower end is therefore 0 where probabilities
    that mean what they say would show as much (Bröcker and Smith, 2007, "consistency resampling"), else that of the
    reflected ("basic") bootstrap; the upper end is that of the draws less what drawing adds on average.

    Args:
        value: The error.
        draws: Shape (B,), the error of bootstrap draws.
        chance: Shape (B,), the error that such photos show if the probabilities mean what they say.
    """
    drawn = drawn_interval(value, draws)
    if not drawn.is_known:
        return drawn
    by_chance = value <= float(np.quantile(chance, _ENDS[1]))
    low = 0.0 if by_chance else max(0.0, 2 * value - drawn.high)
    return Interval(value, min(low, value), max(value, drawn.high - (float(draws.mean()) - value)))
