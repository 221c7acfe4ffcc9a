"""The score of a split as `model.json` keeps it. `results.scores.score` computes it and says what each figure means."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from photoclass.errors import ModelError
from photoclass.metrics.intervals import Interval
from photoclass.metrics.optimism import Optimism
from photoclass.model.folder.typed_json import JsonTypeError, read_value

REQUIRED_FIGURES = ("log_loss", "accuracy")
# Format 1 began without these, and a class without photos has no ranking.
OPTIONAL_FIGURES = ("ece", "balanced_accuracy", "brier", "roc_auc", "average_precision")
_CLASS_FIGURES = ("precision", "recall", "f1")


@dataclass(frozen=True)
class StoredClassScore:
    """Precision, recall and F1 of a class; None where undefined. `n` counts its photos."""

    n: int
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None

    @classmethod
    def from_json(cls, values: object, path: str) -> "StoredClassScore":
        """Read what `as_json` gave.

        Raises:
            JsonTypeError: A value is missing or of the wrong type.
        """
        found = _object(values, path, {"n", *_both(_CLASS_FIGURES)})
        return cls(_count(found, "n", path), *(read_figure(found, name, path) for name in _CLASS_FIGURES))

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        values: dict[str, Any] = {"n": self.n}
        for name in _CLASS_FIGURES:
            values |= figure_as_json(name, getattr(self, name))
        return values


@dataclass(frozen=True)
class StoredScore:
    """How good the model was on a split when it was saved.

    Attributes:
        n: Photos scored.
        log_loss: In nats.
        accuracy: Share of photos classified correctly.
        split_selected_model: Whether these photos also selected the model.
        optimism: What was selected on them, and by how much the score is too good for it; None if nothing was.
        ece, balanced_accuracy, brier, roc_auc, average_precision: Further figures; None where undefined.
        per_class: By class name; empty where an older version did not compute them.
        confusion: Photos by true class (rows) and predicted class (columns); empty likewise.
        class_names: In class order; empty likewise.
        distinct_photos: Photos with near-duplicates, and the photos of one of the user's groups, counted once; None if
            near-duplicates were not looked for.
        grouped_by: What the user grouped photos by; None for nothing.
        missing: The key of each undefined figure, and the reason.
        split: `valid` or `held_out`; empty likewise.
    """

    n: int
    log_loss: Interval
    accuracy: Interval
    split_selected_model: bool
    optimism: Optimism | None = None
    ece: Interval | None = None
    balanced_accuracy: Interval | None = None
    brier: Interval | None = None
    roc_auc: Interval | None = None
    average_precision: Interval | None = None
    per_class: dict[str, StoredClassScore] = field(default_factory=dict)
    confusion: tuple[tuple[int, ...], ...] = ()
    class_names: tuple[str, ...] = ()
    distinct_photos: int | None = None
    grouped_by: str | None = None
    missing: tuple[tuple[str, str], ...] = ()
    split: str = ""

    @classmethod
    def from_json(cls, values: object, path: str) -> "StoredScore":
        """Read what `as_json` gave; a figure that an older version did not have may be absent.

        Raises:
            JsonTypeError: A value is missing, unknown or of the wrong type.
        """
        found = _object(values, path, _KEYS)
        figures = {name: read_figure(found, name, path) for name in (*REQUIRED_FIGURES, *OPTIONAL_FIGURES)}
        log_loss, accuracy = figures.pop("log_loss"), figures.pop("accuracy")
        if log_loss is None or accuracy is None:
            raise JsonTypeError(f"{path}.log_loss or accuracy")
        missing = read_value(tuple[dict[str, str], ...], found.get("missing", []), f"{path}.missing")
        return cls(
            n=_count(found, "n", path),
            log_loss=log_loss,
            accuracy=accuracy,
            split_selected_model=read_value(bool, found.get("split_selected_model"), f"{path}.split_selected_model"),
            optimism=_read_optimism(found.get("optimism"), f"{path}.optimism"),
            **figures,
            per_class=read_value(dict[str, StoredClassScore], found.get("per_class", {}), f"{path}.per_class"),
            confusion=read_value(tuple[tuple[int, ...], ...], found.get("confusion", []), f"{path}.confusion"),
            class_names=read_value(tuple[str, ...], found.get("class_names", []), f"{path}.class_names"),
            distinct_photos=read_value(int | None, found.get("distinct_photos"), f"{path}.distinct_photos"),
            grouped_by=read_value(str | None, found.get("grouped_by"), f"{path}.grouped_by"),
            missing=tuple((item.get("figure", ""), item.get("reason", "")) for item in missing),
            split=read_value(str, found.get("split", ""), f"{path}.split"),
        )

    @property
    def is_complete(self) -> bool:
        """Whether it has all that is computed today."""
        figures = (self.ece, self.balanced_accuracy, self.brier)
        return None not in figures and bool(self.per_class) and bool(self.confusion)

    def completed_by(self, other: "StoredScore") -> "StoredScore":
        """Return this score, with what it lacks taken from another score of the same photos."""
        return replace(other, **{name: value for name, value in vars(self).items() if value not in (None, (), {}, "")})

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        values: dict[str, Any] = {"n": self.n, "distinct_photos": self.distinct_photos}
        values["grouped_by"] = self.grouped_by
        for name in (*REQUIRED_FIGURES, *OPTIONAL_FIGURES):
            values |= figure_as_json(name, getattr(self, name))
        return {
            **values,
            "per_class": {name: score.as_json() for name, score in self.per_class.items()},
            "confusion": [list(row) for row in self.confusion],
            "class_names": list(self.class_names),
            "missing": [{"figure": figure, "reason": reason} for figure, reason in self.missing],
            "split": self.split,
            "split_selected_model": self.split_selected_model,
            "optimism": self.optimism.as_json() if self.optimism else None,
        }


def figure_as_json(name: str, figure: Interval | None) -> dict[str, Any]:
    """Return a figure and its 95 % interval under their names; null what is undefined."""
    return {name: figure.value if figure else None, f"{name}_ci95": figure.bounds() if figure else None}


def read_figure(values: Mapping[str, object], name: str, path: str) -> Interval | None:
    """Read what `figure_as_json` gave.

    Raises:
        JsonTypeError: It is not a number, or its interval is not a pair of numbers.
    """
    value = read_value(float | None, values.get(name), f"{path}.{name}")
    ends = read_value(tuple[float, ...] | None, values.get(f"{name}_ci95"), f"{path}.{name}_ci95")
    if ends is not None and len(ends) != 2:
        raise JsonTypeError(f"{path}.{name}_ci95")
    return None if value is None else Interval(value, *(ends or (math.nan, math.nan)))


def _read_optimism(values: object, path: str) -> Optimism | None:
    try:
        return Optimism.from_json(values, path)
    except ModelError:
        raise JsonTypeError(path) from None


def _both(names: tuple[str, ...]) -> set[str]:
    return {key for name in names for key in (name, f"{name}_ci95")}


_KEYS = {
    *("n", "distinct_photos", "grouped_by"),
    *("per_class", "confusion", "class_names", "missing", "split", "split_selected_model"),
    "optimism",
    *_both((*REQUIRED_FIGURES, *OPTIONAL_FIGURES)),
}


def _object(values: object, path: str, known: set[str]) -> dict[str, object]:
    if not isinstance(values, dict):
        raise JsonTypeError(path)
    for name in values:
        if name not in known:
            raise JsonTypeError(f"{path}.{name}")
    return values


def _count(values: Mapping[str, object], name: str, path: str) -> int:
    count: int = read_value(int, values.get(name), f"{path}.{name}")
    return count
