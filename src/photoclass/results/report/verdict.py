"""What the report says in sentences: numbers rounded as a person would, and what to do next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.model.folder import ModelInfo
from photoclass.results.report.sliders import count_coverage
from photoclass.results.scores.optimism import Optimism
from photoclass.text import printable

# From so many photos on, "of 1,000" claims no more than there is.
_ENOUGH_FOR_THOUSAND = 500
_FEW_PHOTOS, _MODERATE_PHOTOS = 50, 200
_LONGEST_NAME = 60
SPLIT_WORDS = {"train": "training", "valid": "validation", "held_out": "held-out"}


@dataclass(frozen=True)
class Verdict:
    """What a person should know first.

    Attributes:
        headline: One sentence.
        points: What each is about, and a sentence or two.
        next_steps: What to look at next: a section of the page to go to (empty for none), and what to do.
    """

    headline: str
    points: tuple[tuple[str, str], ...]
    next_steps: tuple[tuple[str, str], ...]


def shown(name: str, longest: int = _LONGEST_NAME) -> str:
    """Return a name on one line in which nothing can break the page, its middle left out where it is very long."""
    clean = " ".join(printable(name).split()) or "(a blank name)"
    half = longest // 2
    return clean if len(clean) <= longest else f"{clean[: half - 1]}…{clean[-half:]}"


def describe_confidence(probability: float) -> str:
    """Write a probability for a person, who is never told that a model is sure beyond doubt."""
    if probability >= 0.9995:
        return "over 99.9 %"
    return "under 0.1 %" if probability < 0.0005 else f"{100 * probability:.1f} %"


def describe_count(count: int) -> str:
    """Write a number of photos."""
    return f"{count:,} photo" if count == 1 else f"{count:,} photos"


def write_verdict(
    info: ModelInfo,
    split: str,
    figures: Mapping[str, Any],
    probabilities: NDArray[np.float64],
    labels: NDArray[np.int64],
    skipped: int,
) -> Verdict:
    """Say how good a model is, how sure that is, on which photos, what to trust, and what to look at next.

    Args:
        info: The model.
        split: What it was scored on.
        figures: Its score there, as `Score.as_json` has it.
        probabilities: Shape (N, C), of these photos.
        labels: Shape (N,), the truth.
        skipped: How many files could not be used.
    """
    sure = probabilities.max(axis=1)
    wrong = probabilities.argmax(axis=1) != labels
    points = (
        ("How good", _how_good(info, labels, int(wrong.sum()))),
        ("How sure that is", _how_sure(figures)),
        ("On which photos", _on_which(split, figures)),
        ("What to trust", _what_to_trust(figures, probabilities, labels)),
        ("Where it fails", _where_it_fails(info, figures)),
    )
    steps = _next_steps(info, split, len(labels), int((wrong & (sure >= 0.9)).sum()), int(wrong.sum()), skipped)
    return Verdict(_headline(figures), points, tuple(steps))


def _headline(figures: Mapping[str, Any]) -> str:
    n, share, (low, high) = figures["n"], figures["accuracy"], figures["accuracy_ci95"]
    right = round(n * share)
    if n < _FEW_PHOTOS:
        return (
            f"{right} of {describe_count(n)} classified correctly, too few to be sure: of 100 such photos it may be "
            f"{100 * low:.0f} to {100 * high:.0f}"
        )
    unit = 1000 if n >= _ENOUGH_FOR_THOUSAND else 100
    if right == n:
        return f"All {n:,} photos classified correctly: of {unit:,} such photos, at least about {int(unit * low):,}"
    return (
        f"About {unit * share:,.0f} of {unit:,} photos classified correctly ({unit * low:,.0f} to {unit * high:,.0f})"
    )


def _how_good(info: ModelInfo, labels: NDArray[np.int64], wrong: int) -> str:
    n = len(labels)
    counts = np.bincount(labels, minlength=len(info.class_names))
    usual = shown(info.class_names[int(counts.argmax())], 30)
    mistakes = "not one wrongly" if not wrong else f"{wrong:,} wrongly"
    words = (
        f"Of {describe_count(n)}, {n - wrong:,} were classified correctly and {mistakes}. To say “{usual}” of every photo would "
        f"be right on {int(counts.max()):,}"
    )
    if n - wrong > counts.max():
        return f"{words}."
    return f"{words}: the model does no better. It has learnt nothing of use here."


def _how_sure(figures: Mapping[str, Any]) -> str:
    n, (low, high) = figures["n"], figures["accuracy_ci95"]
    unit = 1000 if n >= _ENOUGH_FOR_THOUSAND else 100
    words = (
        f"On other photos of the same kind, expect {unit * low:,.0f} to {unit * high:,.0f} of {unit:,} "
        "(a 95 % interval)."
    )
    if n < _MODERATE_PHOTOS:
        words += f" That is wide because {describe_count(n)} are few."
    return f"{words} Photos of another kind, as of another camera or place, may fare worse."


def _on_which(split: str, figures: Mapping[str, Any]) -> str:
    photos = describe_count(figures["n"])
    if split == "held_out":
        return f"{photos} held out: they neither trained the model nor chose it."
    if figures["split_chose_model"]:
        optimism = Optimism.from_json(figures.get("optimism"), "model.json")
        words = (
            optimism.as_text() if optimism else "they also chose the model, which flatters: by how much, is not known"
        )
        return f"{photos} for validation, since none are held out. {words[0].upper()}{words[1:]}."
    return f"{photos} for validation, which neither trained the model nor chose it; none are held out."


def _what_to_trust(figures: Mapping[str, Any], probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> str:
    table = count_coverage(probabilities, labels, few=True)
    level, answered, right = next(
        (
            (level, answered, right)
            for level, answered, right in reversed(list(zip(table.levels, table.answered, table.right, strict=True)))
            if level <= 0.99 and answered >= max(10, len(labels) // 4)
        ),
        (0.0, len(labels), int(table.right[0])),
    )
    ece = figures["ece"]
    if len(labels) < _FEW_PHOTOS:
        words = f"Whether its probabilities mean what they say, {describe_count(len(labels))} cannot tell."
    else:
        by_chance = (figures.get("ece_ci95") or [1])[0] == 0
        trust = "can be taken at their word" if ece <= 0.02 else "are roughly right" if ece <= 0.05 else "mislead"
        words = f"Its probabilities {'are roughly right' if by_chance and ece > 0.05 else trust}: on average they are "
        words += f"off by {100 * ece:.1f} percentage points{', as chance alone can do' if by_chance else ''}."
    if level:
        words += (
            f" Where it is at least {100 * level:g} % sure, on {answered:,} of {describe_count(len(labels))}, it is "
            f"right on {'all' if right == answered else f'{right:,}'} of them."
        )
    else:
        words += " It is seldom sure; trust no single answer without a look."
    return words


def _where_it_fails(info: ModelInfo, figures: Mapping[str, Any]) -> str:
    table = np.array(figures["confusion"], dtype=np.int64)
    pairs = confused_pairs(table)
    if not pairs:
        return "Nowhere among these photos. That is no proof that it never fails."
    named = [
        f"{shown(info.class_names[truth], 30)} taken for {shown(info.class_names[said], 30)} {_times(count)}"
        for truth, said, count in pairs[:3]
    ]
    more = f"; {len(pairs) - 3:,} other kinds of mistakes are rarer" if len(pairs) > 3 else ""
    words = f"{'; '.join(named)}{more}."
    absent = [shown(name, 30) for name, row in zip(info.class_names, table, strict=True) if not row.sum()]
    if absent:
        words += f" Of {', '.join(absent[:5])} there is no photo here, so nothing can be said of it."
    return words


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def confused_pairs(table: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Return true class, predicted class and count of all mistakes, the most frequent first.

    Args:
        table: Shape (C, C), photos by true class (rows) and predicted class (columns).
    """
    pairs = [(int(t), int(p), int(table[t, p])) for t, p in np.argwhere(table) if t != p]
    return sorted(pairs, key=lambda pair: -pair[2])


def _next_steps(
    info: ModelInfo, split: str, photos: int, sure_mistakes: int, mistakes: int, skipped: int
) -> Iterator[tuple[str, str]]:
    if sure_mistakes:
        how_many = f"{sure_mistakes:,} {'is' if sure_mistakes == 1 else 'are'} at 90 % or more"
        yield (
            "mistakes",
            f"Look at the most confident mistakes, of which {how_many}: is the label wrong, is more than one class on the "
            "photo, or could nobody tell?",
        )
    elif mistakes:
        yield "mistakes", "Look at the mistakes: what do they have in common?"
    label_errors = info.trained.get("doubtful_labels")
    if label_errors:
        yield "", f"{label_errors:,} training labels look wrong: see label_errors.csv in the model folder."
    if skipped:
        yield "data", f"{skipped:,} files could not be used; photoclass check names each with its reason."
    if photos < _MODERATE_PHOTOS:
        yield "", "Score it on more photos with photoclass evaluate; a few hundred of each class give a firm figure."
    elif split != "held_out":
        yield "", "Score it with photoclass evaluate on photos that it has never met."
    if info.recipe in ("small-cnn", "resnet"):
        yield "", "Train with --recipe features: a network that has seen a million photos needs far fewer of yours."
    yield "explorer", "Decide from which probability on you would act without a look."
