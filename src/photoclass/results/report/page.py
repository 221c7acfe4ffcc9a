"""The report's page: from what was gathered to HTML (report.html.j2, report.css, report.js)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from photoclass.model.folder import ModelInfo, SplitPredictions
from photoclass.page import render
from photoclass.photos.fixes import name_in_data
from photoclass.photos.table import SkippedPhoto
from photoclass.results.pictures.curves import EpochFigures
from photoclass.results.report.loss_vs_accuracy import LossVsAccuracy
from photoclass.results.report.plots import draw_curve, draw_losses, draw_reliability
from photoclass.results.report.reliability import reliability
from photoclass.results.report.sliders import count_coverage, count_thresholds
from photoclass.results.report.tables import (
    MOST_CLASSES,
    command_to_repeat,
    count_rows,
    describe_duplicates,
    describe_training,
    fact_rows,
    figure_rows,
    setting_rows,
    split_rows,
    why_no_curves,
)
from photoclass.results.report.verdict import (
    SPLIT_WORDS,
    confused_pairs,
    describe_confidence,
    describe_count,
    shown,
    write_verdict,
)

_NEARLY_THE_SAME_LOSS = 0.2  # in nats
# Beyond these a table is no longer read: the rest is counted.
_MOST_CONFUSION_CLASSES, _MOST_PAIRS, _MOST_SET_ASIDE = 12, 40, 25


@dataclass(frozen=True)
class Heat:
    """A photo beside its heat map, as data URIs; `row` is that of the predictions."""

    row: int
    picture: str
    overlay: str


@dataclass(frozen=True)
class ReportData:
    """All that the report tells of.

    Attributes:
        model: The model folder.
        info: What its model.json says.
        split: Which photos are scored and shown.
        figures: Their score, as `Score.as_json` has it.
        predictions: What the model says of each.
        data: Where the photos lie.
        note: What is missing, and why; empty if nothing is.
        pictures: Data URIs of the photos that are shown, by row of the predictions.
        gallery, mistakes, unsure: Rows to show: at random; misclassified, the most confident first; the least sure first.
        heats: Heat maps.
        no_heats: Why there are none; empty if there are.
        story: What loss and accuracy say of single photos.
        history: The epochs; empty where the recipe has none.
        skipped: Files that could not be used.
        diagram: The network as SVG.
    """

    model: Path
    info: ModelInfo
    split: str
    figures: Mapping[str, Any]
    predictions: SplitPredictions
    data: str
    note: str
    pictures: Mapping[int, str]
    gallery: tuple[int, ...]
    mistakes: tuple[int, ...]
    unsure: tuple[int, ...]
    heats: tuple[Heat, ...]
    no_heats: str
    story: LossVsAccuracy
    history: tuple[EpochFigures, ...]
    skipped: tuple[SkippedPhoto, ...]
    diagram: str


@dataclass(frozen=True)
class Card:
    """A photo on the page.

    Attributes:
        picture: As a data URI; empty where the photo is not at hand.
        name: Its name within DATA.
        right: Whether it was classified correctly.
        says: What the model says, and how sure it is.
        truth: What it is.
    """

    picture: str
    name: str
    right: bool
    says: str
    truth: str

    @property
    def alt(self) -> str:
        """Return what the picture is, for those who do not see it."""
        return f"Photo {self.name}, in truth {self.truth}; told {'rightly' if self.right else 'wrongly'}: {self.says}"


def render_report(material: ReportData) -> str:
    """Return the page."""
    info, predictions = material.info, material.predictions
    probabilities, labels = predictions.probabilities, predictions.labels
    names = [shown(name) for name in info.class_names]
    bins = reliability(probabilities, labels)
    coverage = count_coverage(probabilities, labels)
    thresholds = count_thresholds(probabilities, labels) if len(names) == 2 else None
    numbers = {"coverage": coverage.as_json(), "thresholds": thresholds.as_json() if thresholds else None}
    best = next((row for row in material.history if row.epoch == info.trained.get("best_epoch")), None)
    values = {
        "title": f"{' or '.join(names) if len(names) < 4 else f'{len(names)} classes'}: how good is the model?",
        "split_words": SPLIT_WORDS[material.split],
        "verdict": write_verdict(info, material.split, material.figures, probabilities, labels, len(material.skipped)),
        "note": shown(material.note, 2000) if material.note else "",
        "n": len(predictions),
        "names": names,
        "figures": list(figure_rows(material.figures)),
        "splits": list(split_rows(info)),
        "counts": list(count_rows(info, names)),
        "more_classes": max(0, len(names) - MOST_CLASSES),
        "duplicates": describe_duplicates(info),
        "skipped": [(shown(name_in_data(a.name, material.data)), shown(a.reason, 200)) for a in material.skipped][
            :_MOST_SET_ASIDE
        ],
        "skipped_count": len(material.skipped),
        "diagram": Markup(material.diagram),
        "curves": [
            (words, draw_curve(material.history, best, what, f"curve-{what}"))
            for what, words in (("loss", "Loss"), ("accuracy", "Accuracy"))
        ]
        if material.history
        else [],
        "no_curves": why_no_curves(info),
        "describe_training": describe_training(info),
        "confusion": _confusion(material, names),
        "classes": list(_class_rows(material.figures, info.class_names)),
        "bins": bins,
        "reliability": draw_reliability(bins, len(names), "reliability"),
        "loss": _loss_values(material),
        "coverage_table": _coverage_rows(material),
        "numbers": numbers,
        "thresholds": thresholds,
        "gallery": [_card(material, row) for row in material.gallery],
        "mistakes": [_card(material, row) for row in material.mistakes],
        "mistake_count": int((probabilities.argmax(axis=1) != labels).sum()),
        "unsure": [_card(material, row) for row in material.unsure],
        "heats": [(heat, _card(material, heat.row)) for heat in material.heats],
        "no_heats": shown(material.no_heats, 500) if material.no_heats else "",
        "settings": list(setting_rows(info.settings)),
        "facts": list(fact_rows(material.model, material.data, info)),
        "command": command_to_repeat(info),
        "describe_confidence": describe_confidence,
        "describe_count": describe_count,
    }
    return render(__package__, "report.html.j2", values, ("report.css",), "report.js", (material.diagram,))


def _card(material: ReportData, row: int) -> Card:
    predictions, names = material.predictions, material.info.class_names
    said = int(predictions.probabilities[row].argmax())
    truth = int(predictions.labels[row])
    return Card(
        picture=material.pictures.get(row, ""),
        name=_short_name(material, row),
        right=said == truth,
        says=f"{shown(names[said], 30)} {describe_confidence(float(predictions.probabilities[row, said]))}",
        truth=shown(names[truth], 30),
    )


def _short_name(material: ReportData, row: int) -> str:
    """Return a photo's name as short as it is still told from others: within DATA, or its last two parts."""
    name = material.predictions.names[row]
    within = name_in_data(name, material.data)
    return shown(within if within != name else "/".join(name.split("/")[-2:]))


@dataclass(frozen=True)
class _Confusion:
    """The confusion table; of many classes, the most frequent confusions instead."""

    rows: tuple[tuple[str, tuple[int, ...]], ...]
    pairs: tuple[tuple[str, str, int], ...]
    more_pairs: int


def _confusion(material: ReportData, names: list[str]) -> _Confusion:
    table = np.array(material.figures["confusion"], dtype=np.int64)
    pairs = [(names[truth], names[said], count) for truth, said, count in confused_pairs(table)]
    if len(names) > _MOST_CONFUSION_CLASSES:
        return _Confusion((), tuple(pairs[:_MOST_PAIRS]), max(0, len(pairs) - _MOST_PAIRS))
    rows = tuple((name, tuple(int(cell) for cell in row)) for name, row in zip(names, table, strict=True))
    return _Confusion(rows, (), 0)


def _class_rows(figures: Mapping[str, Any], class_names: tuple[str, ...]) -> Iterator[tuple[str, int, list[str]]]:
    """Give each class with its photos and its recall, precision and F1; a dash where there is nothing to divide by."""
    for name in class_names[:MOST_CLASSES]:
        of_class = figures["per_class"][name]
        shares = (of_class[figure] for figure in ("recall", "precision", "f1"))
        yield shown(name), of_class["n"], ["–" if share is None else f"{100 * share:.1f} %" for share in shares]


def _coverage_rows(material: ReportData) -> list[tuple[str, int, str, int, str]]:
    table = count_coverage(material.predictions.probabilities, material.predictions.labels, few=True)
    rows = []
    for level, answered, right in zip(table.levels, table.answered, table.right, strict=True):
        if level and not answered:
            break  # it is never so sure
        words = f"{100 * level:g} %" if level else "any"
        share = f"{100 * right / answered:.2f} %" if answered else "–"
        rows.append((words, answered, f"{100 * answered / table.photos:.1f} %", answered - right, share))
    return rows


def _loss_values(material: ReportData) -> dict[str, Any]:
    """Return what the section on loss against accuracy shows."""
    story, predictions = material.story, material.predictions
    truth = predictions.probabilities[np.arange(len(predictions)), predictions.labels]

    def told(row: int | None) -> dict[str, Any] | None:
        if row is None:
            return None
        loss = float(story.losses[row])
        return {"card": _card(material, row), "loss": f"{loss:.2f}", "truth": describe_confidence(float(truth[row]))}

    marks = [
        (float(truth[row]), words, right)
        for row, words, right in (
            (story.closest_right, "just right", True),
            (story.closest_wrong, "just wrong", False),
            (story.most_confident_mistake, "most confident mistake", False),
        )
        if row is not None
    ]
    surest = story.most_confident_mistake
    near = (
        story.closest_right is not None
        and story.closest_wrong is not None
        and abs(story.losses[story.closest_right] - story.losses[story.closest_wrong]) < _NEARLY_THE_SAME_LOSS
    )
    return {
        "right": told(story.closest_right),
        "wrong": told(story.closest_wrong),
        "most_confident": told(surest),
        "near": near,
        "as_many": float(story.losses[surest]) / max(story.typical, 1e-6) if surest is not None else 0.0,
        "typical": f"{story.typical:.4f}" if story.typical >= 0.0001 else "under 0.0001",
        "worst": len(story.worst),
        "worst_share": f"{100 * story.worst_share:.0f} %",
        "worst_of": f"{100 * len(story.worst) / len(predictions):.2g} %",
        "wrong_share": f"{100 * story.wrong_share:.0f} %",
        "plot": draw_losses(marks, "losses"),
    }
