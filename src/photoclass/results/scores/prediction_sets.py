"""Prediction sets of a model folder: calibrated on its validation photos, measured on others."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from photoclass import notebook
from photoclass.errors import ModelError, SettingsError
from photoclass.metrics.conformal import (
    ConformalThresholds,
    MeasuredSets,
    check_coverage,
    conformal_thresholds,
    measure_sets,
)
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.model.folder import ModelInfo, SplitPredictions, load_predictions
from photoclass.text import plural

USUAL_COVERAGES = (0.9, 0.95, 0.99)
COVERAGE_BY = ("all", "class")
ONLY_CALIBRATION = "these photos trained the model or calibrated the sets"
_SELECTED = (
    "the validation photos that calibrate the sets also selected the model, so the coverage may be a little lower than "
    "asked; the measured one is unbiased"
)


@dataclass(frozen=True)
class SetRequest:
    """The prediction sets that a user asks for.

    Attributes:
        coverage: The share of photos whose set shall hold the true class.
        by: `all`, or `class` to keep the share among the photos of each class.

    Raises:
        SettingsError: `coverage` is out of range, or `by` is unknown.
    """

    coverage: float
    by: str = "all"

    def __post_init__(self) -> None:
        check_coverage(self.coverage)
        if self.by not in COVERAGE_BY:
            raise SettingsError(f"--coverage-by is {self.by}; choose from {', '.join(COVERAGE_BY)}")

    @classmethod
    def of(cls, coverage: float | None, by: str | None) -> "SetRequest | None":
        """Return the request of `--coverage` and `--coverage-by`; None without a coverage.

        Raises:
            SettingsError: `by` is given without a coverage, or is unknown.
        """
        if coverage is None:
            if by is not None:
                raise SettingsError("--coverage-by needs --coverage, such as --coverage 0.99")
            return None
        return cls(coverage, by or "all")


@dataclass(frozen=True)
class SetScore:
    """The sets for one coverage, as measured.

    Attributes:
        rule: What was asked, and the thresholds.
        measured: The coverage and the size of the sets.
    """

    rule: ConformalThresholds
    measured: MeasuredSets

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        measured, rule = self.measured, self.rule
        return {
            "asked": rule.coverage,
            "by": rule.by,
            "calibration_photos": rule.photos,
            "photos": measured.photos,
            "covered": measured.coverage.value,
            "covered_ci95": measured.coverage.bounds(),
            "mean_size": measured.mean_size,
            "sizes": {str(size): count for size, count in enumerate(measured.sizes, 1) if count},
            "per_class": {
                name: {
                    "threshold": float(threshold),
                    "covered": covered.value if covered else None,
                    "covered_ci95": covered.bounds() if covered else None,
                }
                for name, threshold, covered in zip(rule.class_names, rule.thresholds, measured.per_class, strict=True)
            },
        }


@dataclass(frozen=True)
class PredictionSets:
    """Prediction sets for several coverages.

    Attributes:
        scores: Those that were measured.
        not_measured: A coverage and the reason for each that was not.
        valid_selected_model: Whether the photos that calibrate the sets also selected the model.
    """

    scores: tuple[SetScore, ...]
    not_measured: tuple[tuple[float, str], ...] = ()
    valid_selected_model: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "measured": [score.as_json() for score in self.scores],
            "not_measured": [{"asked": coverage, "reason": reason} for coverage, reason in self.not_measured],
            "valid_selected_model": self.valid_selected_model,
        }

    def as_text(self) -> str:
        """Return a short table in text."""
        lines = []
        if self.scores:
            head = f"{self._title()}: coverage asked".lower()
            width = len(head) + 3
            lines.append(f"  {head:<{width}}measured (95 % confidence interval)   mean size")
            lines += [_text_row(score, width - 2) for score in self.scores]
        return "\n".join([*lines, *(f"    ({note})" for note in self.notes())])

    def html(self) -> Markup:
        """Return a table for a notebook, and the notes."""
        rows = [
            (
                percent(score.rule.coverage),
                f"{score.measured.coverage.value:.2%}",
                f"{score.measured.coverage.low:.2%} to {score.measured.coverage.high:.2%}",
                f"{score.measured.mean_size:.2f}",
            )
            for score in self.scores
        ]
        headings = ("coverage asked", "hold the true class", "95 % interval", "classes on average")
        notes = Markup("").join(notebook.paragraph(note) for note in self.notes())
        return notebook.table(self._title() if self.scores else "", headings, rows) + notes

    def _title(self) -> str:
        by = " by class" if self.scores[0].rule.by_class else ""
        return f"Prediction sets{by} of {plural(self.scores[0].measured.photos, 'photo')}"

    def notes(self) -> tuple[str, ...]:
        """Return what was not measured, and what to know about the rest; each a sentence without a full stop."""
        reasons: dict[str, list[str]] = {}
        for coverage, reason in self.not_measured:
            reasons.setdefault(reason, []).append(percent(coverage))
        notes = [f"no prediction sets for {', '.join(coverages)}: {reason}" for reason, coverages in reasons.items()]
        if self.scores and self.valid_selected_model:
            notes.append(_SELECTED)
        return tuple(notes)


def percent(share: float) -> str:
    """Write a coverage that was asked for: `99.5 %`."""
    return f"{100 * share:.6g} %"


def load_calibration(model: Path, info: ModelInfo) -> LabelledProbabilities:
    """Return the validation photos, which calibrate the sets.

    Raises:
        ModelError: The folder has no predictions for them.
    """
    predictions = load_predictions(model, info, "valid")
    if predictions is None or not len(predictions):
        raise ModelError(
            f"{model}: has no predictions of validation photos, which prediction sets are calibrated on; train again"
        )
    return _labelled(predictions, info)


def calibrate_sets(model: Path, info: ModelInfo, request: SetRequest) -> ConformalThresholds:
    """Calibrate prediction sets on the validation photos of a model folder.

    Raises:
        ModelError: The folder has no predictions for these.
        SettingsError: The coverage is out of range, or there are too few photos for it.
    """
    photos = load_calibration(model, info)
    try:
        return conformal_thresholds(photos, request.coverage, request.by == "class")
    except SettingsError as error:
        raise SettingsError(f"{model}: {error}") from error


def describe_sets(model: Path, info: ModelInfo, rule: ConformalThresholds) -> str:
    """Return one line on what sets were calibrated on, and how they turned out on the held-out photos."""
    by = " in each class" if rule.by_class else ""
    text = f"prediction sets for a coverage of {percent(rule.coverage)}{by}, calibrated on {_validation(rule)}"
    held_out = load_predictions(model, info, "held_out")
    selected = f"; {_SELECTED}" if info.training.valid_selected_model else ""
    if held_out is None or not len(held_out):
        return f"{text}; not measured, since the model folder has no predictions of held-out photos{selected}"
    measured = measure_sets(rule, _labelled(held_out, info))
    covered = measured.coverage
    return (
        f"{text}; of {plural(measured.photos, 'held-out photo')}, {covered.value:.2%} have a set with the true class "
        f"(95 % confidence interval {covered.low:.2%} to {covered.high:.2%}), and a set has {measured.mean_size:.2f} "
        f"classes on average{selected}"
    )


def measure_prediction_sets(
    model: Path,
    info: ModelInfo,
    photos: LabelledProbabilities,
    known: NDArray[np.bool_],
    request: SetRequest | None = None,
) -> PredictionSets:
    """Measure prediction sets on labelled photos.

    Args:
        model: The model folder.
        info: Its model.json.
        photos: The photos with the model's predictions.
        known: Shape (N,), which of them trained the model or calibrate the sets; these are left out.
        request: The one coverage to measure; the usual ones when None.

    Raises:
        SettingsError: The requested coverage is out of range, or there are too few photos for it.
        ModelError: A coverage was requested, and the folder has no predictions of validation photos.
    """
    if request is not None:
        rules: Sequence[ConformalThresholds] = [calibrate_sets(model, info, request)]
        refused: list[tuple[float, str]] = []
    else:
        rules, refused = _usual_rules(model, info)
    if known.all():
        return PredictionSets((), tuple((coverage, ONLY_CALIBRATION) for coverage in _coverages(request)))
    others = photos.select(~known)
    scores = tuple(SetScore(rule, measure_sets(rule, others)) for rule in rules)
    return PredictionSets(scores, tuple(refused), info.training.valid_selected_model)


def _coverages(request: SetRequest | None) -> tuple[float, ...]:
    return USUAL_COVERAGES if request is None else (request.coverage,)


def _usual_rules(model: Path, info: ModelInfo) -> tuple[list[ConformalThresholds], list[tuple[float, str]]]:
    """Calibrate the usual coverages; those that are not possible are returned with the reason."""
    predictions = load_predictions(model, info, "valid")
    if predictions is None or not len(predictions):
        reason = "the model folder has no predictions of validation photos"
        return [], [(coverage, reason) for coverage in USUAL_COVERAGES]
    photos = _labelled(predictions, info)
    rules, refused = [], []
    for coverage in USUAL_COVERAGES:
        try:
            rules.append(conformal_thresholds(photos, coverage))
        except SettingsError as error:
            refused.append((coverage, str(error)))
    return rules, refused


def _labelled(predictions: SplitPredictions, info: ModelInfo) -> LabelledProbabilities:
    return LabelledProbabilities(predictions.probabilities, predictions.labels, info.class_names, predictions.groups)


def _validation(rule: ConformalThresholds) -> str:
    photos = plural(rule.photos, "validation photo")
    return photos if rule.groups == rule.photos else f"{photos} ({rule.groups:,} distinct)"


def _text_row(score: SetScore, width: int) -> str:
    covered = score.measured.coverage
    figure = f"{covered.value:.2%} ({covered.low:.2%} to {covered.high:.2%})"
    return f"    {percent(score.rule.coverage):<{width}}{figure:<38}{score.measured.mean_size:.2f}"
