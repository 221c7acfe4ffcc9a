"""Precision, recall and F1 of each class, each with its interval, and what of these cannot be computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.metrics.figures import Interval
from photoclass.metrics.intervals import effective_count, f1_interval, share_interval

_MOST_SHOWN = 12  # classes; of more, those with the lowest F1


@dataclass(frozen=True)
class MissingFigure:
    """A figure that cannot be computed.

    Attributes:
        figure: Its key in the JSON, as `roc_auc`, `log_loss_ci95` or `per_class.cat.recall`.
        why: In words.
    """

    figure: str
    why: str


@dataclass(frozen=True)
class ClassScore:
    """How good a model is on one class.

    Attributes:
        n: Photos of the class.
        precision: Of the photos that are called so, the share that are; None where none is called so.
        recall: Of the photos that are of the class, the share that are called so; None where there is none.
        f1: Their harmonic mean; None where no photo is of the class or called so.
    """

    n: int
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        values: dict[str, Any] = {"n": self.n}
        for name in ("precision", "recall", "f1"):
            values |= interval_as_json(name, getattr(self, name))
        return values


def score_classes(
    table: NDArray[np.int64],
    told: NDArray[np.int64],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64] | None,
) -> tuple[ClassScore, ...]:
    """Score each class.

    Args:
        table: Shape (C, C), photos by true class (rows) and predicted class (columns).
        told: Shape (N,), the predicted classes.
        labels: Shape (N,), the true ones.
        groups: Shape (N,), the same number for photos that are near-duplicates; None where none are.
    """

    def count(rows: NDArray[np.bool_]) -> float:
        return float(rows.sum()) if groups is None else effective_count(groups[rows])

    scores = []
    for c in range(len(table)):
        right, of_class, called = int(table[c, c]), labels == c, told == c
        n, n_called, n_either = int(table[c].sum()), int(table[:, c].sum()), int((of_class | called).sum())
        scores.append(
            ClassScore(
                n,
                precision=share_interval(right / n_called, count(called)) if n_called else None,
                recall=share_interval(right / n, count(of_class)) if n else None,
                f1=f1_interval(right, n_either, count(of_class | called)) if n_either else None,
            )
        )
    return tuple(scores)


def missing_figures(scores: Sequence[ClassScore], class_names: Sequence[str]) -> list[MissingFigure]:
    """Name the figures of classes that cannot be computed."""
    found = []
    for score, name in zip(scores, class_names, strict=True):
        reasons = {
            "recall": f"no photo is of class {name!r}",
            "precision": f"no photo is called {name!r}",
            "f1": f"no photo is of class {name!r} or called so",
        }
        found += [
            MissingFigure(f"per_class.{name}.{figure}", why)
            for figure, why in reasons.items()
            if getattr(score, figure) is None
        ]
    return found


def class_lines(scores: Sequence[ClassScore], class_names: Sequence[str]) -> list[str]:
    """Return a table for a person, of the worst classes where there are many."""
    shown = list(range(len(scores)))
    if len(scores) > _MOST_SHOWN:
        shown.sort(key=lambda c: f1.value if (f1 := scores[c].f1) else 2.0)
        shown = shown[:_MOST_SHOWN]
    width = max(5, *(len(class_names[c]) for c in shown)) + 2
    lines = [f"  {'class':<{width}}{'photos':>8}  {'precision':<26}{'recall':<26}F1"]
    for c in shown:
        score = scores[c]
        cells = "".join(f"{_cell(figure):<26}" for figure in (score.precision, score.recall, score.f1))
        lines.append(f"  {class_names[c]:<{width}}{score.n:>8,}  {cells}".rstrip())
    if len(shown) < len(scores):
        lines.append(f"  the {len(shown)} classes of {len(scores)} with the lowest F1; --json FILE has all")
    return lines


def interval_as_json(name: str, figure: Interval | None) -> dict[str, Any]:
    """Return a figure and its interval under their names; null what cannot be computed."""
    return {name: figure.value if figure else None, f"{name}_ci95": figure.ends() if figure else None}


def _cell(figure: Interval | None) -> str:
    if figure is None:
        return "–"
    return f"{figure.value:.1%} ({100 * figure.low:.1f} to {100 * figure.high:.1f})"
