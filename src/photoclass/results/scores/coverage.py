"""Selective prediction: how many photos are predicted when the model may abstain, and how many of these correctly."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from photoclass import notebook
from photoclass.metrics.intervals import Interval, wilson_interval
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.text import plural

Floats = NDArray[np.float64]

# A photo farther from the training photos than this share of the validation photos is out-of-distribution.
MAX_DISTANCE = 0.99
COVERAGES = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)
THRESHOLDS = (0.9, 0.99, 0.999)
_SHOWN_COVERAGES, _SHOWN_THRESHOLDS = (0.8, 0.95), THRESHOLDS


@dataclass(frozen=True)
class CoverageRow:
    """The result of predicting only the photos whose confidence is at least a threshold, and abstaining on the rest.

    Attributes:
        target: The coverage that the threshold was chosen for; None if the threshold itself was given.
        threshold: The least confidence that is predicted.
        predicted: How many photos are.
        coverage: Their share.
        accuracy: Share of them that are classified correctly, with Wilson's interval; None if there are none.
    """

    target: float | None
    threshold: float
    predicted: int
    coverage: float
    accuracy: Interval | None

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "target": self.target,
            "threshold": self.threshold,
            "predicted": self.predicted,
            "coverage": self.coverage,
            "accuracy": self.accuracy.value if self.accuracy else None,
            "accuracy_ci95": self.accuracy.bounds() if self.accuracy else None,
        }


def selective_confidence(probabilities: NDArray[np.floating], distances: Floats | None) -> Floats:
    """Return the confidence that decides whether to abstain, shape (N,): 0 for out-of-distribution photos.

    Args:
        probabilities: Shape (N, C).
        distances: Shape (N,), as from `model.novelty.NoveltyDetector.distances`; None if unknown.
    """
    confidence = probabilities.max(axis=1, initial=0).astype(np.float64)
    return confidence if distances is None else np.where(is_out_of_distribution(distances), 0.0, confidence)


def is_out_of_distribution(distances: Floats) -> NDArray[np.bool_]:
    """Return which photos are too far from the training photos to be of any class, shape (N,)."""
    return np.asarray(distances > MAX_DISTANCE)


def coverage_table(photos: LabelledProbabilities, distances: Floats | None = None) -> list[CoverageRow]:
    """Return a row for each of COVERAGES, then for each of THRESHOLDS.

    A coverage is reached by the most confident photos; ties with the last of them are predicted as well.

    Args:
        photos: The predictions.
        distances: Shape (N,), or None; see `selective_confidence`.
    """
    confidence = selective_confidence(photos.probabilities, distances)
    falling = np.sort(confidence)[::-1]
    thresholds = [float(falling[_count(share, len(photos)) - 1]) for share in COVERAGES]

    def row(target: float | None, threshold: float) -> CoverageRow:
        is_predicted = confidence >= threshold
        count = int(is_predicted.sum())
        accuracy = _accuracy(photos, is_predicted) if count else None
        return CoverageRow(target, threshold, count, count / len(photos), accuracy)

    return [*map(row, COVERAGES, thresholds), *(row(None, threshold) for threshold in THRESHOLDS)]


def _accuracy(photos: LabelledProbabilities, is_predicted: NDArray[np.bool_]) -> Interval:
    return wilson_interval(float(photos.correct[is_predicted].mean()), photos.effective_size(is_predicted))


def coverage_as_text(rows: Sequence[CoverageRow], out_of_distribution: int | None) -> str:
    """Return a short table in text.

    Args:
        rows: As from `coverage_table`.
        out_of_distribution: How many photos are; None if unknown.
    """
    lines = ["  abstaining below a confidence of   coverage   accuracy (95 % confidence interval)"]
    for row in _shown(rows):
        right = row.accuracy
        accuracy = f"{right.value:.2%} ({right.low:.2%} to {right.high:.2%})" if right else "-"
        lines.append(f"    {f'{100 * row.threshold:.4g} %':<33}{row.coverage:>6.1%}   {accuracy}")
    if out_of_distribution is None:
        lines.append(
            "    (by probability alone: the model folder has no novelty.npz to detect out-of-distribution photos)"
        )
    else:
        verb = "is" if out_of_distribution == 1 else "are"
        lines.append(
            f"    {plural(out_of_distribution, 'photo')} {verb} out-of-distribution (too unlike the training photos): "
            "they have no confidence"
        )
    return "\n".join(lines)


def coverage_table_html(rows: Sequence[CoverageRow]) -> Markup:
    """Return the rows that are shown as text as a table for a notebook.

    Args:
        rows: As from `coverage_table`.
    """
    cells = []
    for row in _shown(rows):
        right = row.accuracy
        accuracy = f"{right.value:.2%} ({right.low:.2%} to {right.high:.2%})" if right else "–"
        cells.append((f"{100 * row.threshold:.4g} %", f"{row.coverage:.1%}", accuracy))
    headings = ("least confidence", "coverage", "accuracy (95 % interval)")
    return notebook.table("Abstaining below a confidence", headings, cells)


def _shown(rows: Sequence[CoverageRow]) -> list[CoverageRow]:
    """Return the rows that people see, the lowest confidence first; the JSON has all."""
    shown = [
        row
        for row in rows
        if row.target in _SHOWN_COVERAGES or (row.target is None and row.threshold in _SHOWN_THRESHOLDS)
    ]
    return sorted(shown, key=lambda row: row.threshold)


def _count(share: float, photos: int) -> int:
    # A little less before rounding up: 0.95 * 20 may come out as 19.000000000000004.
    return max(1, int(np.ceil(share * photos - 1e-9)))
