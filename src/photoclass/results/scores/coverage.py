"""Answering only when sure: how many photos get an answer, and how often it is right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError
from photoclass.metrics.figures import Interval, accuracy
from photoclass.metrics.intervals import share_interval

Floats = NDArray[np.float64]

# A photo farther from the training photos than this share of the validation photos is like none of the classes.
FARTHEST = 0.99
SHARES = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
CUTS = (0.9, 0.99, 0.999)
_SHOWN_SHARES, _SHOWN_CUTS = (0.8, 0.95), CUTS


@dataclass(frozen=True)
class CoverageRow:
    """What comes of answering the photos whose confidence is at least `cut`.

    Attributes:
        wanted: The share of photos that the cut was chosen for; None where the cut itself was given.
        cut: The least confidence that is answered.
        answered: How many photos are.
        coverage: Their share.
        accuracy: Share of right answers, with Wilson's 95 % interval; None where nothing is answered.
    """

    wanted: float | None
    cut: float
    answered: int
    coverage: float
    accuracy: Interval | None

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        right = self.accuracy
        return {
            "wanted": self.wanted,
            "cut": self.cut,
            "answered": self.answered,
            "coverage": self.coverage,
            "accuracy": right.value if right else None,
            "accuracy_ci95": [right.low, right.high] if right else None,
        }


def confidence(probabilities: NDArray[np.floating], distances: Floats | None) -> Floats:
    """Return how sure each answer is, shape (N,): its probability, or 0 where the photo is too far from all seen.

    Args:
        probabilities: Shape (N, C).
        distances: Shape (N,), as of `model.novelty.Seen.distances`; None where they cannot be told.
    """
    told = probabilities.max(axis=1, initial=0).astype(np.float64)
    return told if distances is None else np.where(too_far(distances), 0.0, told)


def too_far(distances: Floats) -> NDArray[np.bool_]:
    """Tell which photos are like none of the classes, shape (N,)."""
    return np.asarray(distances > FARTHEST)


def coverage_table(
    probabilities: NDArray[np.floating], labels: NDArray[np.int64], distances: Floats | None
) -> list[CoverageRow]:
    """Return a row for each of SHARES, then for each of CUTS.

    A share is reached by its most confident photos; photos as sure as the last of them are answered, too.

    Args:
        probabilities: Shape (N, C).
        labels: Shape (N,), class indices.
        distances: Shape (N,), or None; see `confidence`.

    Raises:
        ModelError: There is no photo, or the shapes do not fit.
    """
    if not len(labels) or len(labels) != len(probabilities):
        raise ModelError(f"probabilities {probabilities.shape} and labels {labels.shape} cannot be scored together")
    sure = confidence(probabilities, distances)
    falling = np.sort(sure)[::-1]
    cuts = [float(falling[_count(share, len(sure)) - 1]) for share in SHARES]

    def row(wanted: float | None, cut: float) -> CoverageRow:
        answered = sure >= cut
        count = int(answered.sum())
        right = share_interval(accuracy(probabilities[answered], labels[answered]), count) if count else None
        return CoverageRow(wanted, cut, count, count / len(sure), right)

    return [*map(row, SHARES, cuts), *(row(None, cut) for cut in CUTS)]


def coverage_as_text(rows: Sequence[CoverageRow], far: int | None) -> str:
    """Return a short table for a person; `far` is how many photos are too far, None where that cannot be told."""
    shown = [row for row in rows if row.wanted in _SHOWN_SHARES or (row.wanted is None and row.cut in _SHOWN_CUTS)]
    lines = ["  answering only when sure:  photos answered   accuracy there (95 % interval)"]
    for row in sorted(shown, key=lambda row: row.cut):
        name = f"confidence {100 * row.cut:.4g} % and above"
        right = row.accuracy
        words = f"{right.value:.2%} ({right.low:.2%} to {right.high:.2%})" if right else "-"
        lines.append(f"    {name:<30}{row.coverage:>8.1%}      {words}")
    if far is None:
        lines.append(
            "    (by probability alone: the model folder has no novelty.npz to tell what is unlike its photos)"
        )
    else:
        lines.append(f"    {far:,} are too unlike the training photos to be answered")
    return "\n".join(lines)


def _count(share: float, photos: int) -> int:
    # A little less before rounding up: 0.95 * 20 is 19.000000000000004 in some orders of floats.
    return max(1, int(np.ceil(share * photos - 1e-9)))
