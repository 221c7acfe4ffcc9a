"""Precision, recall and F1 of each class with their intervals, and which of them are undefined."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from photoclass.metrics.classification import confusion_matrix
from photoclass.metrics.intervals import Interval, f1_interval, wilson_interval
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.text import LINE_WIDTH, shorten

_MOST_SHOWN = 12  # classes; of more, those with the lowest F1


@dataclass(frozen=True)
class MissingFigure:
    """A figure that is undefined.

    Attributes:
        figure: Its key in the JSON, such as `roc_auc`, `log_loss_ci95` or `per_class.cat.recall`.
        reason: Why it is undefined.
    """

    figure: str
    reason: str

    def as_json(self) -> dict[str, str]:
        """Return the values under their documented names."""
        return {"figure": self.figure, "reason": self.reason}


@dataclass(frozen=True)
class ClassScore:
    """How good a model is on one class.

    Attributes:
        n: Photos of the class.
        precision: Share of the photos predicted as the class that are of it; None if no photo is predicted as it.
        recall: Share of the photos of the class that are predicted as it; None if there is none.
        f1: Their harmonic mean; None if no photo is of the class or predicted as it.
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


def score_classes(photos: LabelledProbabilities) -> tuple[ClassScore, ...]:
    """Score each class, in class order."""
    table = confusion_matrix(photos.probabilities, photos.labels)
    scores = []
    for c in range(photos.n_classes):
        is_true, is_predicted = photos.labels == c, photos.predicted == c
        is_either = is_true | is_predicted
        true_positives, n, n_predicted = int(table[c, c]), int(table[c].sum()), int(table[:, c].sum())
        union = int(is_either.sum())
        scores.append(
            ClassScore(
                n,
                precision=wilson_interval(true_positives / n_predicted, photos.effective_size(is_predicted))
                if n_predicted
                else None,
                recall=wilson_interval(true_positives / n, photos.effective_size(is_true)) if n else None,
                f1=f1_interval(true_positives, union, photos.effective_size(is_either)) if union else None,
            )
        )
    return tuple(scores)


def missing_figures(scores: Sequence[ClassScore], class_names: Sequence[str]) -> list[MissingFigure]:
    """List the figures of classes that are undefined."""
    found = []
    for score, name in zip(scores, class_names, strict=True):
        reasons = {
            "recall": f"no photo is of class {name!r}",
            "precision": f"no photo is predicted as {name!r}",
            "f1": f"no photo is of class {name!r} or predicted as it",
        }
        found += [
            MissingFigure(f"per_class.{name}.{figure}", reason)
            for figure, reason in reasons.items()
            if getattr(score, figure) is None
        ]
    return found


def class_lines(scores: Sequence[ClassScore], class_names: Sequence[str]) -> list[str]:
    """Return a table in text; if there are many classes, of those with the lowest F1."""
    shown = list(range(len(scores)))
    if len(scores) > _MOST_SHOWN:
        shown.sort(key=lambda c: f1.value if (f1 := scores[c].f1) else 2.0)
        shown = shown[:_MOST_SHOWN]
    cells = [[_cell(figure) for figure in (scores[c].precision, scores[c].recall, scores[c].f1)] for c in shown]
    longest = max(len(class_names[c]) for c in shown)
    if longest > _room_for_names(cells):  # long names matter more than the third interval
        cells = [[precision, recall, f1.partition(" ")[0]] for precision, recall, f1 in cells]
    longest = min(longest, _room_for_names(cells))
    names = [shorten(class_names[c], longest) for c in shown]
    width = max(5, *map(len, names)) + 2
    lines = [_row("class", width, "photos", ["precision", "recall", "F1"])]
    lines += [_row(name, width, f"{scores[c].n:,}", row) for c, name, row in zip(shown, names, cells, strict=True)]
    if len(shown) < len(scores):
        lines.append(f"  the {len(shown)} classes of {len(scores)} with the lowest F1; --json FILE has all")
    return lines


def interval_as_json(name: str, figure: Interval | None) -> dict[str, Any]:
    """Return a figure and its interval under their names; null if undefined."""
    return {name: figure.value if figure else None, f"{name}_ci95": figure.bounds() if figure else None}


def _room_for_names(cells: Sequence[Sequence[str]]) -> int:
    """Return how long a class name may be in a table that fits a terminal."""
    return LINE_WIDTH - max(len(_row("", 2, "", row)) for row in cells)


def _row(name: str, width: int, photos: str, cells: Sequence[str]) -> str:
    precision, recall, f1 = cells
    return f"  {name:<{width}}{photos:>8}  {precision:<26}{recall:<26}{f1}"


def _cell(figure: Interval | None) -> str:
    if figure is None:
        return "–"
    return f"{figure.value:.1%} ({100 * figure.low:.1f} to {100 * figure.high:.1f})"
