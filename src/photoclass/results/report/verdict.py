"""What the report says in sentences: how good the model is, how certain that is, and what to do next."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from photoclass.metrics.classification import confused_pairs
from photoclass.metrics.intervals import Interval
from photoclass.model.folder import ModelInfo, StoredScore
from photoclass.results.report.report_data import ScoredSplit
from photoclass.results.report.sliders import count_coverage
from photoclass.text import plural, printable

# From this many photos on, "of 1,000" does not claim more than was measured.
_ENOUGH_FOR_THOUSAND = 500
_FEW_PHOTOS, _MODERATE_PHOTOS = 50, 200
_MOST_NAME = 60
_CONFIDENT = 0.9


@dataclass(frozen=True)
class Verdict:
    """What a reader should know first.

    Attributes:
        headline: One sentence.
        points: Headings with a sentence or two each.
        next_steps: A section of the page to look at (empty for none), and what to do.
    """

    headline: str
    points: tuple[tuple[str, str], ...]
    next_steps: tuple[tuple[str, str], ...]


def shown(name: str, longest: int = _MOST_NAME) -> str:
    """Return a name on one line that cannot break the page; the middle of a very long one is left out."""
    clean = " ".join(printable(name).split()) or "(a blank name)"
    half = longest // 2
    return clean if len(clean) <= longest else f"{clean[: half - 1]}…{clean[-half:]}"


def describe_confidence(probability: float) -> str:
    """Write a probability as a percentage, but never as 0 % or 100 %: no model is certain."""
    if probability >= 0.9995:
        return "over 99.9 %"
    return "under 0.1 %" if probability < 0.0005 else f"{100 * probability:.1f} %"


def describe_count(count: int) -> str:
    """Write a number of photos."""
    return plural(count, "photo")


def write_verdict(info: ModelInfo, scored: ScoredSplit, skipped: int) -> Verdict:
    """Say how good a model is, how certain that is, on which photos, and what to look at next.

    Args:
        info: The model.
        scored: The photos that it was scored on.
        skipped: The number of files that could not be used.
    """
    points = (
        ("Accuracy", _describe_accuracy(info, scored)),
        ("Measured on", _describe_split(scored)),
        *_describe_groups(info),
        ("Uncertainty", _describe_uncertainty(scored.score)),
        ("Confidence", _describe_calibration(scored)),
        ("Errors", _describe_errors(info, scored.score)),
    )
    return Verdict(headline(scored.score), points, tuple(_next_steps(info, scored, skipped)))


def headline(score: StoredScore) -> str:
    """Return one sentence: how many of so many photos are classified correctly, and how certain that is."""
    n, accuracy, low, high = score.n, score.accuracy.value, score.accuracy.low, score.accuracy.high
    correct = round(n * accuracy)
    if n < _FEW_PHOTOS:
        return (
            f"{correct} of {describe_count(n)} classified correctly, too few to be certain: of 100 such photos it may "
            f"be {100 * low:.0f} to {100 * high:.0f}"
        )
    unit = 1000 if n >= _ENOUGH_FOR_THOUSAND else 100
    if correct == n:
        return f"All {n:,} photos classified correctly: of {unit:,} such photos, at least about {int(unit * low):,}"
    return (
        f"About {unit * accuracy:,.0f} of {unit:,} photos classified correctly "
        f"({unit * low:,.0f} to {unit * high:,.0f})"
    )


def _describe_accuracy(info: ModelInfo, scored: ScoredSplit) -> str:
    n, correct = len(scored), int(scored.predictions.correct.sum())
    counts = scored.predictions.class_counts
    largest = shown(info.class_names[int(counts.argmax())], 30)
    mistakes = "none misclassified" if correct == n else f"{n - correct:,} misclassified"
    text = (
        f"Of {describe_count(n)}, {correct:,} were classified correctly and {mistakes}. The baseline that always "
        f"predicts “{largest}” gets {int(counts.max()):,} right"
    )
    if correct > counts.max():
        return f"{text}."
    return f"{text}: the model does no better than that. It has not learnt anything useful."


def _describe_uncertainty(score: StoredScore) -> str:
    n, low, high = score.n, score.accuracy.low, score.accuracy.high
    unit = 1000 if n >= _ENOUGH_FOR_THOUSAND else 100
    text = (
        f"On other photos of the same kind, expect {unit * low:,.0f} to {unit * high:,.0f} correct of {unit:,} "
        "(95 % confidence interval)."
    )
    if n < _MODERATE_PHOTOS:
        text += f" The interval is wide because {describe_count(n)} are few."
    return f"{text} Photos of another kind, for example from another camera or place, may do worse."


def _describe_split(scored: ScoredSplit) -> str:
    photos = describe_count(len(scored))
    if scored.name == "held_out":
        return f"{photos} held out: used neither to train nor to select the model."
    if scored.score.split_selected_model:
        optimism = scored.score.optimism
        text = optimism.as_text() if optimism else "the model was also selected on them, so the score is optimistic"
        return f"{photos} of the validation split, since none are held out. {text[0].upper()}{text[1:]}."
    return f"{photos} of the validation split, used neither to train nor to select the model; none are held out."


def _describe_groups(info: ModelInfo) -> Iterator[tuple[str, str]]:
    """Say what the score would be if the user's groups of photos had been mixed."""
    if info.training.grouping:
        text = info.training.grouping.as_text()
        yield "Groups", printable(f"{text[0].upper()}{text[1:]}.")


def _describe_calibration(scored: ScoredSplit) -> str:
    n, figure = len(scored), scored.score.ece or Interval(0.0)
    ece = figure.value
    if n < _FEW_PHOTOS:
        text = f"{describe_count(n)} are too few to tell whether the model is calibrated."
    else:
        by_chance = figure.low == 0
        if by_chance and ece > 0.05:
            quality = "roughly calibrated"
        else:
            quality = "well calibrated" if ece <= 0.02 else "roughly calibrated" if ece <= 0.05 else "miscalibrated"
        chance = ", which can be chance alone" if by_chance else ""
        text = f"The model is {quality}: its probabilities are off by {100 * ece:.1f} percentage points on average"
        text += f"{chance}."
    level, accepted, correct = _useful_confidence(scored)
    if not level:
        return f"{text} It is seldom confident: check each of its predictions."
    all_or_some = "all" if correct == accepted else f"{correct:,}"
    return (
        f"{text} With a confidence of at least {100 * level:g} %, on {accepted:,} of {describe_count(n)}, "
        f"{all_or_some} of its predictions are correct."
    )


def _useful_confidence(scored: ScoredSplit) -> tuple[float, int, int]:
    """Return the highest confidence up to 99 % that still covers a quarter of the photos, with its counts."""
    table = count_coverage(scored.predictions, few=True)
    rows = list(zip(table.levels, table.accepted, table.correct, strict=True))
    least = max(10, len(scored) // 4)
    useful = (row for row in reversed(rows) if row[0] <= 0.99 and row[1] >= least)
    return next(useful, (0.0, *rows[0][1:]))


def _describe_errors(info: ModelInfo, score: StoredScore) -> str:
    table = np.array(score.confusion, dtype=np.int64)
    pairs = confused_pairs(table)
    if not pairs:
        return "No errors on these photos. That does not prove that the model never fails."
    named = [
        f"{shown(info.class_names[truth], 30)} predicted as {shown(info.class_names[predicted], 30)} "
        f"{plural(count, 'time')}"
        for truth, predicted, count in pairs[:3]
    ]
    more = f"; {plural(len(pairs) - 3, 'other pair')} of classes less often" if len(pairs) > 3 else ""
    text = f"{'; '.join(named)}{more}."
    absent = [shown(name, 30) for name, row in zip(info.class_names, table, strict=True) if not row.sum()]
    if absent:
        text += f" There are no photos of {', '.join(absent[:5])} here, so nothing is known about their errors."
    return text


def _next_steps(info: ModelInfo, scored: ScoredSplit, skipped: int) -> Iterator[tuple[str, str]]:
    is_mistake = ~scored.predictions.correct
    mistakes = int(is_mistake.sum())
    confident_mistakes = int((is_mistake & (scored.predictions.confidence >= _CONFIDENT)).sum())
    if confident_mistakes:
        yield (
            "mistakes",
            f"Look at the most confident mistakes ({confident_mistakes:,} with at least {100 * _CONFIDENT:g} %): is "
            "the label wrong, does the photo show more than one class, or could nobody tell?",
        )
    elif mistakes:
        yield "mistakes", "Look at the mistakes: what do they have in common?"
    label_errors = info.training.head.label_errors if info.training.head else 0
    if label_errors:
        verb = "looks" if label_errors == 1 else "look"
        yield "", f"{plural(label_errors, 'training label')} {verb} wrong: see label_errors.csv in the model folder."
    if skipped:
        yield "data", f"{plural(skipped, 'file')} could not be used; photoclass check names each with its reason."
    if len(scored) < _MODERATE_PHOTOS:
        yield "", "Evaluate on more photos with photoclass evaluate; a few hundred of each class narrow the interval."
    elif scored.name != "held_out":
        yield "", "Evaluate on photos that the model has never seen, with photoclass evaluate."
    if info.training.from_scratch:
        yield "", "Train with --recipe features: a backbone pretrained on a million photos needs far fewer of yours."
    yield "thresholds", "Choose the confidence from which on you accept predictions unchecked."
