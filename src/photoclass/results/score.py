"""The figures that say how good predictions are, as text for a person and as values for a program."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.model.metrics import (
    Interval,
    accuracy_interval,
    confusion,
    expected_calibration_error,
    log_loss_interval,
)
from photoclass.results.flattery import Flattery


@dataclass(frozen=True)
class Score:
    """How good a model is on some photos.

    Attributes:
        split: Which photos: `train`, `valid`, `held_out`, or `all`.
        split_chose_model: Whether they also chose the model, which flatters it.
        class_names: In class order.
        log_loss: In nats, with its 95 % interval.
        accuracy: With its 95 % interval.
        ece: Expected calibration error.
        confusion: Shape (C, C): photos by true class (rows) and predicted class (columns).
        flatters: What the photos chose, and by how much that flatters; None if they chose nothing, or if they are mixed
            with others.
    """

    split: str
    split_chose_model: bool
    class_names: tuple[str, ...]
    log_loss: Interval
    accuracy: Interval
    ece: float
    confusion: NDArray[np.int64]
    flatters: Flattery | None = None

    @property
    def n(self) -> int:
        """How many photos were scored."""
        return int(self.confusion.sum())

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "n": self.n,
            "log_loss": self.log_loss.value,
            "accuracy": self.accuracy.value,
            "log_loss_ci95": [self.log_loss.low, self.log_loss.high],
            "accuracy_ci95": [self.accuracy.low, self.accuracy.high],
            "ece": self.ece,
            "confusion": self.confusion.tolist(),
            "class_names": list(self.class_names),
            "split": self.split,
            "split_chose_model": self.split_chose_model,
            "flatters": self.flatters.as_json() if self.flatters else None,
        }

    def as_text(self) -> str:
        """Return a few lines for a person."""
        names = {"held_out": "held-out", "valid": "validation", "train": "training", "all": "all"}
        loss, right = self.log_loss, self.accuracy
        return "\n".join(
            [
                f"Score on {self.n:,} {names.get(self.split, self.split)} photos{self._aside()}",
                *([f"  {self.flatters.as_text()}"] if self.flatters else []),
                f"  log loss  {loss.value:.4f}   95 % interval {loss.low:.4f} to {loss.high:.4f}",
                f"  accuracy  {right.value:.2%}   95 % interval {right.low:.2%} to {right.high:.2%}",
                f"  calibration: probabilities are off by {self.ece:.2%} on average",
                *_confusion_lines(self.confusion, self.class_names),
            ]
        )

    def _aside(self) -> str:
        if self.split_chose_model and not self.flatters:
            return "  (some of them trained or chose the model, which flatters)"
        chose_nothing = self.split == "valid" and not self.split_chose_model
        return "  (which chose nothing: as honest as held-out ones)" if chose_nothing else ""


def score_predictions(
    probabilities: NDArray[np.float32],
    labels: NDArray[np.int64],
    class_names: tuple[str, ...],
    split: str,
    split_chose_model: bool,
    flatters: Flattery | None = None,
) -> Score:
    """Score predictions.

    Args:
        probabilities: Shape (N, C).
        labels: Shape (N,), class indices.
        class_names: In class order.
        split: Which photos these are.
        split_chose_model: Whether they also chose the model.
        flatters: What all of them chose, and by how much that flatters.
    """
    return Score(
        split=split,
        split_chose_model=split_chose_model,
        class_names=class_names,
        log_loss=log_loss_interval(probabilities, labels),
        accuracy=accuracy_interval(probabilities, labels),
        ece=expected_calibration_error(probabilities, labels),
        confusion=confusion(probabilities, labels),
        flatters=flatters,
    )


def _confusion_lines(table: NDArray[np.int64], class_names: tuple[str, ...]) -> list[str]:
    width = max(7, *(len(name) for name in class_names), len(f"{table.max():,}")) + 2
    header = "".join(name.rjust(width) for name in class_names)
    lines = [f"  {'truth':<{width}}predicted:{header}"]
    for name, row in zip(class_names, table, strict=True):
        cells = "".join(f"{count:,}".rjust(width) for count in row)
        lines.append(f"  {name:<{width}}          {cells}")
    return lines
