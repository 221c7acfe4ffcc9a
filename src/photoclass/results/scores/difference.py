"""How two models differ on the same photos, and whether that is more than chance."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.metrics.bootstrap import draw_means
from photoclass.metrics.figures import Interval
from photoclass.metrics.intervals import drawn_interval
from photoclass.metrics.paired import by_picture, mcnemar, photos_needed, sign_flip

_LEVEL = 0.05
_MOST_PHOTOS = 10_000_000  # what nobody has; an estimate beyond is none


@dataclass(frozen=True)
class Difference:
    """How two models differ in one figure, on the same photos.

    Attributes:
        of: `log_loss` or `accuracy`.
        a_minus_b: The difference, with a paired bootstrap interval.
        p: Of the paired test: McNemar's exact one for accuracy, sign flips for log loss.
        better: `A` or `B`; None where no difference can be told.
        photos_needed: How many photos would tell one of this size four times in five; None where it is told, or where
            no number can be given.
    """

    of: str
    a_minus_b: Interval
    p: float
    better: str | None
    photos_needed: int | None

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "a_minus_b": self.a_minus_b.value,
            "a_minus_b_ci95": self.a_minus_b.ends(),
            "p": self.p,
            "better": self.better,
            "photos_needed": self.photos_needed,
        }


def differences(
    in_loss: NDArray[np.float64], in_right: NDArray[np.float64], duplicates: NDArray[np.int64]
) -> tuple[Difference, Difference]:
    """Tell whether differences in log loss and in accuracy are real. Near-duplicates count as one picture.

    Log loss differs where the interval leaves 0 out and sign flips seldom do the same; accuracy where McNemar's test
    says so.

    Args:
        in_loss: Shape (N,), A's loss minus B's on each photo.
        in_right: Shape (N,), 1 where A alone is right, -1 where B alone is, else 0.
        near-duplicates: Shape (N,), the same number for photos that are near-duplicates.
    """
    drawn = draw_means(np.column_stack([in_loss, in_right]), duplicates)
    loss = drawn_interval(float(in_loss.mean()), drawn[:, 0])
    right = drawn_interval(float(in_right.mean()), drawn[:, 1])
    alone = np.sign(by_picture(in_right, duplicates))
    p_loss = sign_flip(by_picture(in_loss, duplicates))
    p_right = mcnemar(int((alone > 0).sum()), int((alone < 0).sum()))
    leaves_out_0 = loss.is_known and (loss.low > 0 or loss.high < 0)
    better_loss = ("A" if loss.value < 0 else "B") if leaves_out_0 and p_loss < _LEVEL else None
    better_right = ("A" if alone.sum() > 0 else "B") if p_right < _LEVEL else None
    return (
        Difference("log_loss", loss, p_loss, better_loss, None if better_loss else _to_tell(in_loss, duplicates)),
        Difference("accuracy", right, p_right, better_right, None if better_right else _to_tell(in_right, duplicates)),
    )


def _to_tell(values: NDArray[np.float64], duplicates: NDArray[np.int64]) -> int | None:
    """Round the estimate to two digits; None where it is no estimate."""
    if len(np.unique(duplicates)) < 2:
        return None
    photos = max(photos_needed(values, duplicates), len(values) + 1)
    if photos > _MOST_PHOTOS:
        return None
    digits = 10 ** max(0, math.floor(math.log10(photos)) - 1)
    return int(math.ceil(photos / digits) * digits)
