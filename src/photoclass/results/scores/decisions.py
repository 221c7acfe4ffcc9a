"""When to tell a class at all: what `evaluate` says of answering only when sure, and of a threshold by costs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.results.scores.coverage import CoverageRow, coverage_as_text, coverage_table, too_far
from photoclass.results.scores.thresholds import Costs, Threshold, cheapest_threshold


@dataclass(frozen=True)
class Decisions:
    """What comes of telling a class only where it is worth it.

    Attributes:
        coverage: How many photos are answered how well, by confidence.
        too_far: How many photos are too unlike the training photos; None where that cannot be told.
        threshold: The cheapest; None where no costs were given.
        positive: Name of the class that it is for.
    """

    coverage: tuple[CoverageRow, ...]
    too_far: int | None
    threshold: Threshold | None = None
    positive: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "coverage": [row.as_json() for row in self.coverage],
            "too_far": self.too_far,
            "threshold": {"positive": self.positive, **self.threshold.as_json()} if self.threshold else None,
        }

    def as_text(self) -> str:
        """Return a few lines for a person."""
        lines = [coverage_as_text(self.coverage, self.too_far)]
        if self.threshold:
            lines.append(self.threshold.as_text(self.positive))
        return "\n".join(lines)


def decide(
    probabilities: NDArray[np.float32],
    labels: NDArray[np.int64],
    distances: NDArray[np.float64] | None,
    class_names: tuple[str, ...],
    costs: Costs | None = None,
    groups: NDArray[np.int64] | None = None,
) -> Decisions:
    """Look at labelled predictions from the side of whoever acts on them.

    Args:
        probabilities: Shape (N, C).
        labels: Shape (N,), class indices.
        distances: Shape (N,), from the training photos; None where they cannot be told.
        class_names: In class order.
        costs: What mistakes cost; None for no threshold.
        groups: Shape (N,), the same number for near-duplicates.

    Raises:
        SettingsError: The positive class of `costs` is not clear.
    """
    coverage = tuple(coverage_table(probabilities, labels, distances))
    far = None if distances is None else int(too_far(distances).sum())
    if costs is None:
        return Decisions(coverage, far)
    positive = costs.positive_class(class_names)
    threshold = cheapest_threshold(probabilities[:, positive], labels == positive, costs.fp, costs.fn, groups)
    return Decisions(coverage, far, threshold, class_names[positive])
