"""The sections of the report, each as one value for the template (report.html.j2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from photoclass.metrics.classification import confused_pairs
from photoclass.metrics.intervals import Interval
from photoclass.model.folder import StoredScore
from photoclass.photos.data_paths import DataPaths
from photoclass.photos.table import name_in_data
from photoclass.results.report import provenance
from photoclass.results.report.plots import draw_curve, draw_losses, draw_reliability
from photoclass.results.report.provenance import MOST_CLASSES, ClassCount
from photoclass.results.report.reliability import ReliabilityBin, reliability
from photoclass.results.report.report_data import HeatMap, ReportData
from photoclass.results.report.sliders import count_coverage, count_thresholds
from photoclass.results.report.verdict import describe_confidence, describe_count, shown
from photoclass.results.scores.prediction_sets import percent
from photoclass.text import SPLIT_NAMES

# Nobody reads longer tables: the rest is counted.
_MOST_MATRIX_CLASSES, _MOST_PAIRS, _MOST_SKIPPED = 12, 40, 25
METRICS = (
    ("accuracy", "accuracy", "share of photos classified correctly"),
    ("balanced_accuracy", "balanced accuracy", "mean recall: every class has the same weight"),
    ("log_loss", "log loss", "in nats; 0 is perfect, confident mistakes cost most"),
    ("brier", "Brier score", "mean squared error of the probabilities; 0 is perfect"),
    ("roc_auc", "ROC AUC", "how well the probabilities rank the classes; 1 is perfect"),
    ("average_precision", "average precision", "precision averaged over all thresholds; 1 is perfect"),
    ("ece", "expected calibration error", "mean gap between confidence and accuracy; 0 % is perfect"),
)
_SHARES = ("accuracy", "balanced_accuracy", "ece")
_NEARLY_THE_SAME_LOSS = 0.2  # in nats
_MANY_TIMES_MEDIAN, _TOO_MANY_TIMES = 10, 100_000


@dataclass(frozen=True)
class PhotoCard:
    """A photo on the page.

    Attributes:
        picture: A data URI; empty if the photo is not available.
        name: Its name within DATA.
        correct: Whether it is classified correctly.
        predicted: The predicted class.
        confidence: Its probability.
        truth: The true class.
    """

    picture: str
    name: str
    correct: bool
    predicted: str
    confidence: str
    truth: str

    @property
    def prediction(self) -> str:
        """The predicted class with its confidence."""
        return f"{self.predicted} {self.confidence}"

    @property
    def alt(self) -> str:
        """The alternative text of the picture."""
        result = "classified correctly" if self.correct else "misclassified"
        return f"Photo {self.name}, true class {self.truth}; {result} as {self.prediction}"


@dataclass(frozen=True)
class Metric:
    """A metric with its value, its interval (empty if there is none) and what it means."""

    name: str
    value: str
    interval: str
    meaning: str


@dataclass(frozen=True)
class SplitScore:
    """The score of a split, and what was selected on its photos."""

    split: str
    photos: int
    accuracy: str
    log_loss: str
    selection: str


@dataclass(frozen=True)
class Scores:
    """All metrics of the scored photos, and the scores of all splits."""

    measured_on: str
    metrics: tuple[Metric, ...]
    splits: tuple[SplitScore, ...]


@dataclass(frozen=True)
class MatrixCell:
    """A cell of the confusion matrix: its photos, their share of the row, and its shade as a CSS class."""

    count: int
    share: str
    shade: str


@dataclass(frozen=True)
class ClassMetrics:
    """The metrics of a class; a dash for what is undefined."""

    name: str
    photos: int
    recall: str
    precision: str
    f1: str


@dataclass(frozen=True)
class Confusion:
    """The confusion matrix (for many classes, the most frequently confused pairs instead) and metrics by class."""

    matrix: tuple[tuple[str, tuple[MatrixCell, ...]], ...]
    pairs: tuple[tuple[str, str, int], ...]
    rarer_pairs: int
    classes: tuple[ClassMetrics, ...]


@dataclass(frozen=True)
class Calibration:
    """The reliability diagram and its bins."""

    bins: tuple[ReliabilityBin, ...]
    plot: Markup


@dataclass(frozen=True)
class LossExample:
    """A photo with its loss."""

    name: str
    card: PhotoCard
    loss: str


@dataclass(frozen=True)
class LossSection:
    """How log loss and accuracy differ: photos, sentences with a heading each, and a plot."""

    examples: tuple[LossExample, ...]
    story: tuple[tuple[str, str], ...]
    plot: Markup


@dataclass(frozen=True)
class CoverageRow:
    """The outcome of accepting only predictions of some confidence."""

    level: str
    accepted: int
    coverage: str
    errors: int
    accuracy: str


@dataclass(frozen=True)
class ThresholdSection:
    """The table of coverage, and what the sliders look up.

    Attributes:
        coverage: The rows of the table.
        numbers: The counts at each position of the sliders, for the page's script.
        last_coverage, last_threshold: The last positions.
        one_half: The position of the threshold 0.5.
        has_threshold: Whether there are two classes, so that a threshold decides.
    """

    coverage: tuple[CoverageRow, ...]
    numbers: Mapping[str, Any]
    last_coverage: int
    last_threshold: int
    one_half: int
    has_threshold: bool


@dataclass(frozen=True)
class SetRow:
    """Prediction sets for one coverage, as measured."""

    asked: str
    covered: str
    interval: str
    mean_size: str
    single: str


@dataclass(frozen=True)
class SetSection:
    """Prediction sets by coverage; `notes` says what was not measured, and what to know about the rest."""

    rows: tuple[SetRow, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PhotoSection:
    """Photos of different kinds; `no_heat_maps` says why there are no heat maps."""

    mistakes: tuple[PhotoCard, ...]
    mistake_count: int
    unsure: tuple[PhotoCard, ...]
    sample: tuple[PhotoCard, ...]
    heat_maps: tuple[tuple[HeatMap, PhotoCard], ...]
    no_heat_maps: str


@dataclass(frozen=True)
class TrainingSection:
    """Training curves with a name each, or why there are none, and why the training ended."""

    curves: tuple[tuple[str, Markup], ...]
    no_curves: str
    ending: str


@dataclass(frozen=True)
class DataSection:
    """Photos by class and split, near-duplicates and skipped files."""

    classes: tuple[ClassCount, ...]
    more_classes: int
    duplicates: str
    groups: str
    skipped: tuple[tuple[str, str], ...]
    skipped_count: int


@dataclass(frozen=True)
class SettingSection:
    """Facts about the model, the settings of its recipe, and the command that trains it again."""

    facts: tuple[tuple[str, str], ...]
    recipe: tuple[tuple[str, str], ...]
    command: str


def scores(report: ReportData) -> Scores:
    """Return the metrics of the scored photos, and the score of each split."""
    rows = []
    for key, name, meaning in METRICS:
        figure: Interval | None = getattr(report.scored.score, key)
        if figure is not None:  # what could not be computed has no row
            ends = " to ".join(_describe_metric(key, end) for end in figure.bounds() or ())
            rows.append(Metric(name, _describe_metric(key, figure.value), ends, meaning))
    splits = tuple(
        SplitScore(
            SPLIT_NAMES.get(split, split),
            score.n,
            _describe_metric("accuracy", score.accuracy.value),
            _describe_metric("log_loss", score.log_loss.value),
            _describe_selection(score),
        )
        for split, score in report.info.metrics.items()
    )
    measured_on = f"Measured on {describe_count(len(report.scored))} of the {SPLIT_NAMES[report.scored.name]} split"
    return Scores(measured_on, tuple(rows), splits)


def _describe_metric(key: str, value: float) -> str:
    return f"{100 * value:.2f} %" if key in _SHARES else f"{value:.4f}"


def _describe_selection(score: StoredScore) -> str:
    if not score.split_selected_model:
        return "nothing was selected on it"
    optimism = score.optimism
    if optimism is None:
        return "the model was selected on it, so the score is optimistic"
    text = f"{' and '.join(optimism.selected)} selected on it: optimistic"
    return f"{text} by {max(0.0, optimism.log_loss.value):.4f} in log loss" if optimism.log_loss else text


def confusion(report: ReportData) -> Confusion:
    """Return the confusion matrix, and the metrics of each class, of at most 100 classes."""
    names = [shown(name) for name in report.info.class_names]
    table = np.array(report.scored.score.confusion, dtype=np.int64)
    classes = []
    for key, name in list(zip(report.info.class_names, names, strict=True))[:MOST_CLASSES]:
        of_class = report.scored.score.per_class[key]
        shares = (of_class.recall, of_class.precision, of_class.f1)
        classes.append(
            ClassMetrics(
                name, of_class.n, *("–" if share is None else f"{100 * share.value:.1f} %" for share in shares)
            )
        )
    if len(names) > _MOST_MATRIX_CLASSES:
        pairs = [(names[truth], names[predicted], count) for truth, predicted, count in confused_pairs(table)]
        return Confusion((), tuple(pairs[:_MOST_PAIRS]), max(0, len(pairs) - _MOST_PAIRS), tuple(classes))
    matrix = tuple(
        (name, tuple(_cell(int(count), int(row.sum()), is_hit=i == j) for j, count in enumerate(row)))
        for i, (name, row) in enumerate(zip(names, table, strict=True))
    )
    return Confusion(matrix, (), 0, tuple(classes))


def _cell(count: int, of_row: int, *, is_hit: bool) -> MatrixCell:
    share = count / of_row if of_row else 0.0
    limits = (0.5, 0.8) if is_hit else (0.05, 0.2)
    shade = f"{'hit' if is_hit else 'miss'}-{1 + sum(share > limit for limit in limits)}" if count else ""
    return MatrixCell(count, f"{100 * share:.1f} %" if of_row else "–", shade)


def calibration(report: ReportData) -> Calibration:
    """Return the reliability diagram."""
    bins = reliability(report.scored.predictions)
    return Calibration(bins, draw_reliability(bins, len(report.info.class_names), "reliability"))


def loss(report: ReportData) -> LossSection:
    """Return how log loss and accuracy differ on these photos."""
    found, predictions = report.pictures.chosen.loss, report.scored.predictions
    of_truth = predictions.probabilities[np.arange(len(predictions)), predictions.labels]
    named = [
        (row, name)
        for row, name in (
            (found.closest_correct, "narrowly correct"),
            (found.closest_mistake, "narrowly wrong"),
            (found.most_confident_mistake, "most confident mistake"),
        )
        if row is not None
    ]
    marks = [(float(of_truth[row]), name, row == found.closest_correct) for row, name in named]
    examples = tuple(
        LossExample(name.capitalize(), photo_card(report, row), f"{found.losses[row]:.2f}") for row, name in named
    )
    return LossSection(examples, tuple(_loss_story(report)), draw_losses(marks, "losses"))


def _loss_story(report: ReportData) -> list[tuple[str, str]]:
    found, predictions = report.pictures.chosen.loss, report.scored.predictions
    of_truth = predictions.probabilities[np.arange(len(predictions)), predictions.labels]

    def describe(row: int) -> str:
        return f"{describe_confidence(float(of_truth[row]))} for its true class, a loss of {found.losses[row]:.2f}"

    story = []
    correct, mistake, confident = found.closest_correct, found.closest_mistake, found.most_confident_mistake
    if correct is not None and mistake is not None:
        near = abs(found.losses[correct] - found.losses[mistake]) < _NEARLY_THE_SAME_LOSS
        text = (
            f"The costliest of the correct photos has {describe(correct)}. The cheapest of the mistakes has "
            f"{describe(mistake)}. For accuracy, one counts fully and the other not at all; for the loss, they are "
            f"{'nearly the same' if near else 'only that far apart'}."
        )
        story.append(("Narrowly correct, narrowly wrong", text))
    elif correct is not None:
        text = f"No photo is misclassified, but the loss is not 0: the costliest photo has {describe(correct)}."
        story.append(("Narrowly correct", text))
    if confident is not None:
        times = float(found.losses[confident]) / max(found.median, 1e-6)
        many = f"{times:,.0f}" if times < _TOO_MANY_TIMES else f"more than {_TOO_MANY_TIMES:,}"
        median = f"{found.median:.4f}" if found.median >= 0.0001 else "under 0.0001"
        as_much = f", as much as {many} median photos ({median} each)" if times >= _MANY_TIMES_MEDIAN else ""
        text = f"The most confident mistake has {describe(confident)}{as_much}. For accuracy it is one mistake like any"
        story.append(("Confident and wrong", f"{text} other."))
    mistakes = f", and all mistakes together {100 * found.mistakes_share:.0f} %" if mistake is not None else ""
    few = len(found.costliest)
    text = (
        f"The {few} costliest photos ({100 * few / len(predictions):.2g} % of all) cause "
        f"{100 * found.costliest_share:.0f} % of the total loss{mistakes}. Training that makes a few mistakes more "
        "confident raises the loss even if it classifies more photos correctly. This is how the validation loss can "
        "rise while the accuracy still improves."
    )
    return [*story, ("A few photos dominate", text)]


def thresholds(report: ReportData) -> ThresholdSection:
    """Return the outcome of confidence thresholds."""
    predictions = report.scored.predictions
    coverage = count_coverage(predictions)
    decision = count_thresholds(predictions) if predictions.n_classes == 2 else None
    table = count_coverage(predictions, few=True)
    rows = []
    for level, accepted, correct in zip(table.levels, table.accepted, table.correct, strict=True):
        if level and not accepted:
            break
        share = f"{100 * correct / accepted:.2f} %" if accepted else "–"
        text = f"≥ {100 * level:g} %" if level else "any"
        rows.append(CoverageRow(text, accepted, f"{100 * accepted / table.photos:.1f} %", accepted - correct, share))
    return ThresholdSection(
        tuple(rows),
        {"coverage": coverage.as_json(), "thresholds": decision.as_json() if decision else None},
        last_coverage=len(coverage.levels) - 1,
        last_threshold=len(decision.levels) - 1 if decision else 0,
        one_half=decision.levels.index(0.5) if decision else 0,
        has_threshold=decision is not None,
    )


def prediction_sets(report: ReportData) -> SetSection:
    """Return how prediction sets turned out on these photos."""
    rows = []
    for score in report.sets.scores:
        measured = score.measured
        covered = measured.coverage
        rows.append(
            SetRow(
                asked=percent(score.rule.coverage),
                covered=f"{100 * covered.value:.2f} %",
                interval=f"{100 * covered.low:.2f} % to {100 * covered.high:.2f} %",
                mean_size=f"{measured.mean_size:.2f}",
                single=f"{100 * measured.sizes[0] / measured.photos:.1f} %",
            )
        )
    return SetSection(tuple(rows), report.sets.notes())


def photos(report: ReportData) -> PhotoSection:
    """Return the photos that are shown."""
    pictures, chosen = report.pictures, report.pictures.chosen

    def cards(rows: tuple[int, ...]) -> tuple[PhotoCard, ...]:
        return tuple(photo_card(report, row) for row in rows)

    return PhotoSection(
        cards(chosen.mistakes),
        int((~report.scored.predictions.correct).sum()),
        cards(chosen.unsure),
        cards(chosen.sample),
        tuple((heat_map, photo_card(report, heat_map.row)) for heat_map in pictures.heat_maps),
        shown(pictures.no_heat_maps, 500) if pictures.no_heat_maps else "",
    )


def photo_card(report: ReportData, row: int) -> PhotoCard:
    """Return the card of a photo, by its row of the predictions."""
    predictions, names = report.scored.predictions, report.info.class_names
    predicted, truth = int(predictions.predicted[row]), int(predictions.labels[row])
    return PhotoCard(
        picture=report.pictures.thumbnails.get(row, ""),
        name=_short_name(report.scored.photos[row], report.source.data),
        correct=predicted == truth,
        predicted=shown(names[predicted], 30),
        confidence=describe_confidence(float(predictions.confidence[row])),
        truth=shown(names[truth], 30),
    )


def _short_name(name: str, data: DataPaths) -> str:
    """Return a photo's name within DATA, or the last two parts of its path."""
    within = name_in_data(name, data)
    return shown(within if within != name else "/".join(name.split("/")[-2:]))


def training(report: ReportData) -> TrainingSection:
    """Return the training curves."""
    loop = report.info.training.loop
    kept = next((row for row in report.history if loop and row.epoch == loop.best_epoch), None)
    curves = tuple(
        (name, draw_curve(report.history, kept, metric, f"curve-{metric}"))
        for metric, name in (("loss", "Loss"), ("accuracy", "Accuracy"))
        if report.history
    )
    return TrainingSection(curves, provenance.why_no_curves(report.info), provenance.describe_ending(report.info))


def data(report: ReportData) -> DataSection:
    """Return what the data consists of."""
    skipped = [(shown(name_in_data(item.name, report.source.data)), shown(item.reason, 200)) for item in report.skipped]
    return DataSection(
        provenance.class_counts(report.info),
        max(0, len(report.info.class_names) - MOST_CLASSES),
        provenance.describe_duplicates(report.info),
        provenance.describe_groups(report.info),
        tuple(skipped[:_MOST_SKIPPED]),
        len(skipped),
    )


def settings(report: ReportData) -> SettingSection:
    """Return facts, settings and the command that trains the same model again."""
    return SettingSection(
        tuple(provenance.fact_rows(report.model, report.source.data, report.info)),
        tuple(provenance.setting_rows(report.info.settings)),
        provenance.command_to_repeat(report.info),
    )
