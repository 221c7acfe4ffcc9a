"""The figures that say how good predictions are, as text for a person and as values for a program."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.metrics.bootstrap import DrawnFigures, draw_figures
from photoclass.metrics.figures import (
    Interval,
    accuracy,
    brier_score,
    confusion,
    expected_calibration_error,
    log_loss,
)
from photoclass.metrics.intervals import (
    calibration_interval,
    drawn_interval,
    effective_count,
    mean_interval,
    share_interval,
)
from photoclass.metrics.ranking import average_precision, rankings, roc_auc
from photoclass.results.scores.class_scores import (
    ClassScore,
    MissingFigure,
    class_lines,
    interval_as_json,
    missing_figures,
    score_classes,
)
from photoclass.results.scores.optimism import Optimism

# As a person calls them, in the order in which they are told.
_NAMES = {
    "log_loss": "log loss",
    "accuracy": "accuracy",
    "ece": "calibration error",
    "balanced_accuracy": "balanced accuracy",
    "brier": "Brier score",
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
}
_RANKS = ("roc_auc", "average_precision")
_LEAST_PICTURES = 2  # of each class, for an interval of these
_SPLIT_NAMES = {"held_out": "held-out", "valid": "validation", "train": "training"}


@dataclass(frozen=True)
class Score:
    """How good a model is on some photos. docs/guide/scores.md says what each figure means.

    Attributes:
        split: Which photos: `train`, `valid`, `held_out`, or `all`.
        split_chose_model: Whether they also chose the model, which flatters it.
        class_names: In class order.
        log_loss: In nats.
        accuracy: Share of photos that are called right.
        ece: Expected calibration error.
        balanced_accuracy: Mean of the classes' recalls, over the classes that have photos.
        brier: Brier score.
        roc_auc: For class 1, or the mean over more than two; None where a class has no photo.
        average_precision: The same.
        per_class: Precision, recall and F1, in class order.
        confusion: Shape (C, C): photos by true class (rows) and predicted class (columns).
        pictures: How many different pictures the photos show, near-duplicates counted once; None where nobody looked for near-duplicates.
        cannot: What cannot be computed, and why.
        flatters: What the photos chose, and by how much that flatters; None if they chose nothing, or if they are mixed
            with others.
    """

    split: str
    split_chose_model: bool
    class_names: tuple[str, ...]
    log_loss: Interval
    accuracy: Interval
    ece: Interval
    balanced_accuracy: Interval
    brier: Interval
    roc_auc: Interval | None
    average_precision: Interval | None
    per_class: tuple[ClassScore, ...]
    confusion: NDArray[np.int64]
    pictures: int | None
    missing: tuple[MissingFigure, ...]
    optimism: Optimism | None = None

    @property
    def n(self) -> int:
        """How many photos were scored."""
        return int(self.confusion.sum())

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        values: dict[str, Any] = {"n": self.n, "pictures": self.pictures}
        for name in _NAMES:
            values |= interval_as_json(name, getattr(self, name))
        return {
            **values,
            "per_class": {name: score.as_json() for name, score in zip(self.class_names, self.per_class, strict=True)},
            "confusion": self.confusion.tolist(),
            "class_names": list(self.class_names),
            "missing": [{"figure": item.figure, "why": item.why} for item in self.missing],
            "split": self.split,
            "split_chose_model": self.split_chose_model,
            "optimism": self.optimism.as_json() if self.optimism else None,
        }

    def as_text(self) -> str:
        """Return some lines for a person: what decides first."""
        photos = [f"{self.n:,}", _SPLIT_NAMES.get(self.split, ""), "photo" if self.n == 1 else "photos"]
        return "\n".join(
            [
                f"Score on {' '.join(filter(None, photos))}{self._aside()}",
                *([f"  {self.optimism.as_text()}"] if self.optimism else []),
                f"  log loss  {self.log_loss.value:.4f}   {_words(self.log_loss, '.4f')}",
                f"  accuracy  {self.accuracy.value:.2%}   {_words(self.accuracy, '.2%')}",
                f"  calibration: probabilities are off by {self.ece.value:.2%} on average{self._words_on_chance()}",
                *_confusion_lines(self.confusion, self.class_names),
                *class_lines(self.per_class, self.class_names),
                *self._further_lines(),
                *self._lines_on_missing(),
            ]
        )

    def _words_on_chance(self) -> str:
        if not self.ece.is_known:
            return ""
        chance = ", which chance alone can do" if self.ece.low == 0 else ""
        return f"{chance} (95 % interval {self.ece.low:.2%} to {self.ece.high:.2%})"

    def _further_lines(self) -> list[str]:
        figures = (
            (self.balanced_accuracy, "balanced accuracy", ".2%"),
            (self.brier, "Brier score", ".4f"),
            (self.roc_auc, "ROC AUC", ".4f"),
            (self.average_precision, "average precision", ".4f"),
        )
        lines = [
            f"  {name:<18} {figure.value:{form}}   {_words(figure, form)}" for figure, name, form in figures if figure
        ]
        if any(not score.n for score in self.per_class):
            lines[0] += "   (of the classes that have photos)"
        duplicates = self.n - (self.pictures or self.n)
        if duplicates:
            verb = "photo shows" if duplicates == 1 else "photos show"
            lines.append(f"  {duplicates:,} {verb} a picture that another one shows; the intervals count each once")
        return lines

    def _lines_on_missing(self) -> list[str]:
        """Name what cannot be computed, one line for each reason."""
        by_reason: dict[tuple[str, str], list[str]] = {}
        for item in self.missing:
            name, is_interval, _ = item.figure.partition("_ci95")
            what = "no interval for" if is_interval else "cannot be computed:"
            by_reason.setdefault((what, item.why), []).append(_in_words(name))
        return [f"  {what} {', '.join(names)}: {why}" for (what, why), names in by_reason.items()]

    def _aside(self) -> str:
        if self.split_chose_model and not self.optimism:
            return "  (some of them trained or chose the model, which flatters)"
        chose_nothing = self.split == "valid" and not self.split_chose_model
        return "  (which chose nothing: as honest as held-out ones)" if chose_nothing else ""


def score_predictions(
    probabilities: NDArray[np.float32],
    labels: NDArray[np.int64],
    class_names: tuple[str, ...],
    split: str,
    split_chose_model: bool,
    groups: NDArray[np.int64] | None = None,
    optimism: Optimism | None = None,
) -> Score:
    """Score predictions.

    Args:
        probabilities: Shape (N, C).
        labels: Shape (N,), class indices.
        class_names: In class order.
        split: Which photos these are.
        split_chose_model: Whether they also chose the model.
        groups: Shape (N,), the same number for photos that are near-duplicates (`photos.duplicates.near_duplicates.group_near_duplicates`): intervals take them
            together. None where nobody looked.

    Raises:
        ModelError: A probability is not a number, or the shapes do not fit.
        flatters: What all of them chose, and by how much that flatters.
    """
    table, told = confusion(probabilities, labels), probabilities.argmax(axis=1)
    classes = score_classes(table, told, labels, groups)
    absent = [name for name, score in zip(class_names, classes, strict=True) if not score.n]
    drawn = draw_figures(probabilities, labels, () if absent else rankings(probabilities, labels), groups)
    auc, precision = (None, None) if absent else _ranks(probabilities, labels, groups, drawn)
    count = len(labels) if groups is None else effective_count(groups)
    score = Score(
        split=split,
        split_chose_model=split_chose_model,
        class_names=class_names,
        log_loss=drawn_interval(log_loss(probabilities, labels), drawn.log_loss),
        accuracy=share_interval(accuracy(probabilities, labels), count),
        ece=calibration_interval(expected_calibration_error(probabilities, labels), drawn.ece, drawn.ece_by_chance),
        balanced_accuracy=mean_interval([score.recall for score in classes if score.recall]),
        brier=drawn_interval(brier_score(probabilities, labels), drawn.brier),
        roc_auc=auc,
        average_precision=precision,
        per_class=classes,
        confusion=table,
        pictures=None if groups is None else len(np.unique(groups)),
        missing=(),
        optimism=optimism,
    )
    return replace(
        score, missing=(*_without_figure(absent), *_without_interval(score), *missing_figures(classes, class_names))
    )


def _ranks(
    probabilities: NDArray[np.float32],
    labels: NDArray[np.int64],
    groups: NDArray[np.int64] | None,
    drawn: DrawnFigures,
) -> tuple[Interval, Interval]:
    """Return ROC AUC and average precision; their intervals take two pictures of each class at least."""
    figures = roc_auc(probabilities, labels), average_precision(probabilities, labels)
    pictures = labels if groups is None else labels[np.unique(np.stack([groups, labels]), axis=1, return_index=True)[1]]
    if np.bincount(pictures, minlength=probabilities.shape[1]).min() < _LEAST_PICTURES:
        return Interval(figures[0]), Interval(figures[1])
    return drawn_interval(figures[0], drawn.roc_auc), drawn_interval(figures[1], drawn.average_precision)


def _without_figure(absent: list[str]) -> list[MissingFigure]:
    if not absent:
        return []
    why = f"no photo is of class {', '.join(map(repr, absent))}"
    return [MissingFigure(figure, why) for figure in _RANKS]


def _without_interval(score: Score) -> list[MissingFigure]:
    """Name the intervals that cannot be given."""
    one = score.n == 1 or score.pictures == 1
    few = any(0 < of_class.n < _LEAST_PICTURES for of_class in score.per_class)
    found = []
    for figure in _NAMES:
        interval = getattr(score, figure)
        if interval is None or interval.is_known:
            continue
        if one:
            why = "one picture alone shows no spread"
        elif figure in _RANKS and few:
            why = "a class has one picture alone"
        else:
            why = "drawn again, these photos always give the same, which tells nothing of others"
        found.append(MissingFigure(f"{figure}_ci95", why))
    return found


def _words(figure: Interval, form: str) -> str:
    if not figure.is_known:
        return "no interval"
    return f"95 % interval {figure.low:{form}} to {figure.high:{form}}"


def _in_words(figure: str) -> str:
    """Turn a key of the JSON into what a person calls it."""
    if figure.startswith("per_class."):
        name, _, which = figure.removeprefix("per_class.").rpartition(".")
        return f"{'F1' if which == 'f1' else which} of {name}"
    return _NAMES[figure]


def _confusion_lines(table: NDArray[np.int64], class_names: tuple[str, ...]) -> list[str]:
    width = max(7, *(len(name) for name in class_names), len(f"{table.max():,}")) + 2
    header = "".join(name.rjust(width) for name in class_names)
    lines = [f"  {'truth':<{width}}predicted:{header}"]
    for name, row in zip(class_names, table, strict=True):
        cells = "".join(f"{count:,}".rjust(width) for count in row)
        lines.append(f"  {name:<{width}}          {cells}")
    return lines
