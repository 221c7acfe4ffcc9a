"""Decisions on top of probabilities: when to abstain, and which threshold is cheapest."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.results.scores.coverage import CoverageRow, coverage_as_text, coverage_table, is_out_of_distribution
from photoclass.results.scores.thresholds import Costs, Threshold, cheapest_threshold


@dataclass(frozen=True)
class Decisions:
    """What `evaluate` reports for whoever acts on the predictions.

    Attributes:
        coverage: How many photos are predicted, and how accurately, by confidence threshold.
        out_of_distribution: How many photos are too unlike the training photos; None if unknown.
        threshold: The cheapest decision threshold; None without costs.
        positive: Name of the class that it is for.
    """

    coverage: tuple[CoverageRow, ...]
    out_of_distribution: int | None
    threshold: Threshold | None = None
    positive: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "coverage": [row.as_json() for row in self.coverage],
            "out_of_distribution": self.out_of_distribution,
            "threshold": {"positive": self.positive, **self.threshold.as_json()} if self.threshold else None,
        }

    def as_text(self) -> str:
        """Return some lines of text."""
        lines = [coverage_as_text(self.coverage, self.out_of_distribution)]
        if self.threshold:
            lines.append(self.threshold.as_text(self.positive))
        return "\n".join(lines)


def analyse_decisions(
    photos: LabelledProbabilities, distances: NDArray[np.float64] | None, costs: Costs | None = None
) -> Decisions:
    """Compute coverage at several confidence thresholds and, with costs, the cheapest decision threshold.

    Args:
        photos: The predictions.
        distances: Shape (N,), from the training photos; None if unknown.
        costs: What mistakes cost; None for no decision threshold.

    Raises:
        SettingsError: The positive class of `costs` is ambiguous or unknown.
    """
    coverage = tuple(coverage_table(photos, distances))
    out_of_distribution = None if distances is None else int(is_out_of_distribution(distances).sum())
    if costs is None:
        return Decisions(coverage, out_of_distribution)
    positive = photos.class_names[costs.positive_class(photos.class_names)]
    return Decisions(coverage, out_of_distribution, cheapest_threshold(photos, costs), positive)
