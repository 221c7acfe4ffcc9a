"""`Score`: how good predictions are, as text and as JSON."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass import notebook
from photoclass.metrics.bootstrap import BootstrapMetrics, bootstrap_metrics
from photoclass.metrics.classification import (
    accuracy,
    brier_score,
    confusion_matrix,
    expected_calibration_error,
    log_loss,
)
from photoclass.metrics.intervals import (
    Interval,
    calibration_interval,
    mean_interval,
    percentile_interval,
    wilson_interval,
)
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.metrics.optimism import Optimism
from photoclass.metrics.ranking import average_precision, roc_auc
from photoclass.results.scores.class_scores import (
    ClassScore,
    MissingFigure,
    class_lines,
    interval_as_json,
    missing_figures,
    score_classes,
)
from photoclass.results.scores.confusion import confusion_lines, confusion_table
from photoclass.text import LINE_WIDTH, SPLIT_NAMES, listed, plural, shorten

# In the order of the JSON.
_NAMES = {
    "log_loss": "log loss",
    "accuracy": "accuracy",
    "ece": "calibration error",
    "balanced_accuracy": "balanced accuracy",
    "brier": "Brier score",
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
}
_PER_CLASS = "per_class."
_CLASS_FIGURES = {"precision": "precision", "recall": "recall", "f1": "F1"}
_WHY_UNDEFINED = {
    "precision": "no photo is predicted as these",
    "recall": "no photo is of these",
    "f1": "no photo is of these or predicted so",
}
_MOST_CLASSES = 12
_DECISIVE = 3  # figures above the confusion matrix
_MOST_OF_A_NAME, _MOST_OF_A_REASON = 18, 56
_RANKING_METRICS = ("roc_auc", "average_precision")
_LEAST_PHOTOS = 2  # distinct ones of each class, for an interval of a ranking metric


@dataclass(frozen=True)
class Score:
    """How good a model is on some photos. docs/guide/scores.md explains each figure.

    Attributes:
        split: Which photos: `train`, `valid`, `held_out`, or `all`.
        split_selected_model: Whether they also trained or selected the model, which makes the score optimistic.
        class_names: In class order.
        log_loss: In nats.
        accuracy: Share of photos that are classified correctly.
        ece: Expected calibration error.
        balanced_accuracy: Mean of the classes' recalls, over the classes that have photos.
        brier: Brier score.
        roc_auc: For class 1, or the mean over more than two; None if a class has no photo.
        average_precision: The same.
        per_class: Precision, recall and F1, in class order.
        confusion: Shape (C, C): photos by true class (rows) and predicted class (columns).
        distinct_photos: The number of photos with near-duplicates, and the photos of one of the user's groups, counted
            once; None if near-duplicates were not looked for.
        missing: What is undefined, and why.
        optimism: What these photos selected, and by how much the score is too good for it; None if they selected
            nothing, or only some of them did.
        grouped_by: What the user groups photos by; empty for nothing.
    """

    split: str
    split_selected_model: bool
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
    distinct_photos: int | None
    missing: tuple[MissingFigure, ...]
    optimism: Optimism | None = None
    grouped_by: str = ""

    @property
    def n(self) -> int:
        """How many photos were scored."""
        return int(self.confusion.sum())

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        values: dict[str, Any] = {"n": self.n, "distinct_photos": self.distinct_photos}
        values["grouped_by"] = self.grouped_by or None
        for name in _NAMES:
            values |= interval_as_json(name, getattr(self, name))
        return {
            **values,
            "per_class": {name: score.as_json() for name, score in zip(self.class_names, self.per_class, strict=True)},
            "confusion": self.confusion.tolist(),
            "class_names": list(self.class_names),
            "missing": [item.as_json() for item in self.missing],
            "split": self.split,
            "split_selected_model": self.split_selected_model,
            "optimism": self.optimism.as_json() if self.optimism else None,
        }

    def as_text(self) -> str:
        """Return some lines of text, the decisive ones first."""
        decisive = self._figures()[:_DECISIVE]
        return "\n".join(
            [
                f"{self.title()}{self._describe_selection()}",
                *([f"  {self.optimism.as_text()}"] if self.optimism else []),
                *(_figure_line(name, figure, form) + self._describe_chance(name) for name, figure, form in decisive),
                *confusion_lines(self.confusion, self.class_names),
                *class_lines(self.per_class, self.class_names),
                *self._further_lines(),
                *self._lines_on_missing(),
            ]
        )

    def title(self) -> str:
        """Return which photos were scored: `Score on 1,963 held-out photos`."""
        split = SPLIT_NAMES.get(self.split)
        return f"Score on {plural(self.n, f'{split} photo' if split else 'photo')}"

    def html_parts(self) -> list[str]:
        """Return what a notebook shows below the title, as HTML: what it was measured on, figures, confusion matrix."""
        notes = [self._describe_selection().strip(" ()"), self.optimism.as_text() if self.optimism else ""]
        rows = [
            (name, f"{figure.value:{form}}", f"{figure.low:{form}} to {figure.high:{form}}" if figure.is_known else "–")
            for name, figure, form in self._figures()
        ]
        return [
            *(notebook.paragraph(note) for note in notes if note),
            notebook.table("Metrics", ("metric", "value", "95 % interval"), rows),
            confusion_table(self.confusion, self.class_names),
        ]

    def _repr_html_(self) -> str:
        return notebook.card(self.title(), *self.html_parts())

    def _figures(self) -> list[tuple[str, Interval, str]]:
        """Return the name, the figure and the format of what is defined, the decisive ones first."""
        figures = (
            ("log loss", self.log_loss, ".4f"),
            ("accuracy", self.accuracy, ".2%"),
            ("calibration error", self.ece, ".2%"),
            ("balanced accuracy", self.balanced_accuracy, ".2%"),
            ("Brier score", self.brier, ".4f"),
            ("ROC AUC", self.roc_auc, ".4f"),
            ("average precision", self.average_precision, ".4f"),
        )
        return [(name, figure, form) for name, figure, form in figures if figure]

    def _describe_chance(self, name: str) -> str:
        may_be_chance = name == "calibration error" and self.ece.is_known and self.ece.low == 0
        return "; chance alone could cause it" if may_be_chance else ""

    def _further_lines(self) -> list[str]:
        lines = [_figure_line(name, figure, form) for name, figure, form in self._figures()[_DECISIVE:]]
        if any(not score.n for score in self.per_class):
            lines[0] += "   (of classes with photos)"
        duplicates = self.n - (self.distinct_photos or self.n)
        if duplicates and self.grouped_by:
            groups = plural(self.distinct_photos or 0, "group")
            lines.append(
                f"  the photos are of {groups} (--group-by {self.grouped_by}); the intervals count each group once"
            )
        elif duplicates:
            verb = "is a near-duplicate" if duplicates == 1 else "are near-duplicates"
            lines.append(f"  {plural(duplicates, 'photo')} {verb} of others here; the intervals count each group once")
        return lines

    def _lines_on_missing(self) -> list[str]:
        """Return one line for each reason why figures are undefined; with many classes, one for each figure."""
        by_reason: dict[tuple[str, str], list[str]] = {}
        many = len(self.class_names) > _MOST_CLASSES
        for item in self.missing:
            name, is_interval, _ = item.figure.partition("_ci95")
            what = "no interval for" if is_interval else "undefined:"
            reason = item.reason
            if many and name.startswith(_PER_CLASS):
                name, _, figure = name.removeprefix(_PER_CLASS).rpartition(".")
                what, reason = f"undefined: {_CLASS_FIGURES[figure]} of", _WHY_UNDEFINED[figure]
                name = shorten(name, _MOST_OF_A_NAME)
            else:
                name = _describe_figure(name)
            by_reason.setdefault((what, reason), []).append(name)
        lines = []
        for (what, why), names in by_reason.items():
            reason = shorten(why, _MOST_OF_A_REASON) if many else why
            room = LINE_WIDTH - len(f"  {what}  ({reason})")
            which = listed(names, "class", "classes", room) if what.endswith(" of") else ", ".join(names)
            lines.append(f"  {what} {which} ({reason})")
        return lines

    def _describe_selection(self) -> str:
        if self.split_selected_model and not self.optimism:
            return "  (optimistic: some of them trained or selected the model)"
        if self.split == "valid" and not self.split_selected_model:
            return "  (unbiased, like held-out photos: they did not select the model)"
        return ""


def score_predictions(
    photos: LabelledProbabilities,
    split: str = "all",
    split_selected_model: bool = False,
    optimism: Optimism | None = None,
) -> Score:
    """Score predictions.

    Args:
        photos: The predictions.
        split: Which photos these are.
        split_selected_model: Whether they also trained or selected the model.
        optimism: What all of them selected, and by how much the score is too good for it.
    """
    probabilities, labels = photos.probabilities, photos.labels
    classes = score_classes(photos)
    absent = [name for name, count in zip(photos.class_names, photos.class_counts, strict=True) if not count]
    resampled = bootstrap_metrics(photos)
    auc, precision = (None, None) if absent else _ranking_metrics(photos, resampled)
    score = Score(
        split=split,
        split_selected_model=split_selected_model,
        class_names=photos.class_names,
        log_loss=percentile_interval(log_loss(probabilities, labels), resampled.log_loss),
        accuracy=wilson_interval(accuracy(probabilities, labels), photos.effective_size()),
        ece=calibration_interval(
            expected_calibration_error(probabilities, labels), resampled.ece, resampled.ece_if_calibrated
        ),
        balanced_accuracy=mean_interval([score.recall for score in classes if score.recall]),
        brier=percentile_interval(brier_score(probabilities, labels), resampled.brier),
        roc_auc=auc,
        average_precision=precision,
        per_class=classes,
        confusion=confusion_matrix(probabilities, labels),
        distinct_photos=photos.distinct_photos,
        missing=(),
        optimism=optimism,
        grouped_by=photos.grouped_by,
    )
    missing = (*_missing_ranking(absent), *_missing_intervals(score), *missing_figures(classes, photos.class_names))
    return replace(score, missing=missing)


def _ranking_metrics(photos: LabelledProbabilities, resampled: BootstrapMetrics) -> tuple[Interval, Interval]:
    """Return ROC AUC and average precision; intervals only if each class has at least two distinct photos."""
    labels, groups = photos.labels, photos.groups
    auc, precision = roc_auc(photos.probabilities, labels), average_precision(photos.probabilities, labels)
    distinct = labels if groups is None else labels[np.unique(np.stack([groups, labels]), axis=1, return_index=True)[1]]
    if np.bincount(distinct, minlength=photos.n_classes).min() < _LEAST_PHOTOS:
        return Interval(auc), Interval(precision)
    return percentile_interval(auc, resampled.roc_auc), percentile_interval(precision, resampled.average_precision)


def _missing_ranking(absent: list[str]) -> list[MissingFigure]:
    if not absent:
        return []
    reason = f"no photo is of class {listed([repr(name) for name in absent], 'class', 'classes', _MOST_OF_A_NAME)}"
    return [MissingFigure(figure, reason) for figure in _RANKING_METRICS]


def _missing_intervals(score: Score) -> list[MissingFigure]:
    """List the figures that have no interval."""
    one = score.n == 1 or score.distinct_photos == 1
    few = any(0 < of_class.n < _LEAST_PHOTOS for of_class in score.per_class)
    found = []
    for figure in _NAMES:
        interval = getattr(score, figure)
        if interval is None or interval.is_known:
            continue
        if one:
            reason = f"a single {'group' if score.grouped_by else 'distinct photo'} shows no variation"
        elif figure in _RANKING_METRICS and few:
            reason = f"a class has only one {'group' if score.grouped_by else 'distinct photo'}"
        else:
            reason = "all bootstrap resamples of these photos give the same value"
        found.append(MissingFigure(f"{figure}_ci95", reason))
    return found


def _figure_line(name: str, figure: Interval, form: str) -> str:
    interval = "no interval"
    if figure.is_known:
        interval = f"95 % confidence interval {figure.low:{form}} to {figure.high:{form}}"
    return f"  {name:<18} {figure.value:{form}}   {interval}"


def _describe_figure(key: str) -> str:
    """Return the name of a figure from its key in the JSON."""
    if key.startswith(_PER_CLASS):
        name, _, which = key.removeprefix(_PER_CLASS).rpartition(".")
        return f"{_CLASS_FIGURES[which]} of {name}"
    return _NAMES[key]
