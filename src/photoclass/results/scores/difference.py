"""The difference between two models on the same photos, and whether it is statistically significant."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.metrics.bootstrap import bootstrap_means
from photoclass.metrics.intervals import Interval, percentile_interval
from photoclass.metrics.paired import mcnemar_test, photos_needed, sign_flip_test, sum_by_group

_LEVEL = 0.05
_MOST_PHOTOS = 10_000_000  # an estimate beyond what anybody has is not reported


@dataclass(frozen=True)
class Difference:
    """The difference of two models in one metric, on the same photos.

    Attributes:
        metric: `log_loss` or `accuracy`.
        a_minus_b: The difference, with a paired bootstrap interval.
        p: p-value of the paired test: McNemar's exact test for accuracy, a sign-flip test for log loss.
        better: `A` or `B`; None if the difference is not significant.
        photos_needed: How many photos would detect a difference of this size with a power of 80 %; None if it is
            significant already, or if it cannot be estimated.
    """

    metric: str
    a_minus_b: Interval
    p: float
    better: str | None
    photos_needed: int | None

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "a_minus_b": self.a_minus_b.value,
            "a_minus_b_ci95": self.a_minus_b.bounds(),
            "p": self.p,
            "better": self.better,
            "photos_needed": self.photos_needed,
        }


def compare_paired(
    losses: NDArray[np.float64], correct: NDArray[np.float64], groups: NDArray[np.int64]
) -> tuple[Difference, Difference]:
    """Test whether differences in log loss and in accuracy are significant.

    Log loss differs if the bootstrap interval excludes 0 and the sign-flip test is significant, accuracy if McNemar's
    test is.

    Args:
        losses: Shape (N,), A's loss minus B's on each photo.
        correct: Shape (N,), 1 where only A is correct, -1 where only B is, else 0.
        groups: Shape (N,), as in `LabelledProbabilities`.
    """
    means = bootstrap_means(np.column_stack([losses, correct]), groups)
    loss = percentile_interval(float(losses.mean()), means[:, 0])
    accuracy = percentile_interval(float(correct.mean()), means[:, 1])
    winner = np.sign(sum_by_group(correct, groups))
    p_loss = sign_flip_test(sum_by_group(losses, groups))
    p_accuracy = mcnemar_test(int((winner > 0).sum()), int((winner < 0).sum()))
    excludes_0 = loss.is_known and (loss.low > 0 or loss.high < 0)
    better_loss = ("A" if loss.value < 0 else "B") if excludes_0 and p_loss < _LEVEL else None
    better_accuracy = ("A" if winner.sum() > 0 else "B") if p_accuracy < _LEVEL else None
    needed = [
        None if better else _photos_needed(values, groups)
        for better, values in ((better_loss, losses), (better_accuracy, correct))
    ]
    return (
        Difference("log_loss", loss, p_loss, better_loss, needed[0]),
        Difference("accuracy", accuracy, p_accuracy, better_accuracy, needed[1]),
    )


def _photos_needed(values: NDArray[np.float64], groups: NDArray[np.int64]) -> int | None:
    """Round the estimate up to two digits; None if there is none."""
    if len(np.unique(groups)) < 2:
        return None
    photos = max(photos_needed(values, groups), len(values) + 1)
    if photos > _MOST_PHOTOS:
        return None
    digits = 10 ** max(0, math.floor(math.log10(photos)) - 1)
    return int(math.ceil(photos / digits) * digits)
