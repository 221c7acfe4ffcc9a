"""The result of `submit`, for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photoclass.photos.table import PassedOver, SkippedPhoto, skipped_as_json, unused_as_json
from photoclass.results.submit.clip import lowest_probability
from photoclass.results.submit.columns import Column
from photoclass.text import plural

SCHEMA = "photoclass/submit/1"
_MOST_NAMED = 4


@dataclass(frozen=True)
class Clipping:
    """What clipping does to a model's log loss, measured on its validation photos.

    Attributes:
        clip: No probability is higher than 1 - clip, or lower than clip / (C - 1) of C classes.
        classes: The number of classes, C.
        valid_photos: The number of validation photos.
        log_loss_unclipped: Log loss of the model on them.
        log_loss_clipped: The same with probabilities clipped and rounded as they are written.
    """

    clip: float
    classes: int
    valid_photos: int
    log_loss_unclipped: float
    log_loss_clipped: float

    def as_text(self) -> str:
        """Return one line of text."""
        change = round(self.log_loss_clipped - self.log_loss_unclipped, 4)
        effect = f"{'raises' if change > 0 else 'lowers'} the log loss by {abs(change):.4f}"
        lowest = lowest_probability(self.clip, self.classes)
        return (
            f"probabilities clipped to [{lowest:{'g' if self.classes == 2 else '.2g'}}, {1 - self.clip:g}], which "
            f"{effect if change else 'does not change the log loss'} on "
            f"{plural(self.valid_photos, 'validation photo')} "
            f"({self.log_loss_unclipped:.4f} to {self.log_loss_clipped:.4f})"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "clip": self.clip,
            "lowest": lowest_probability(self.clip, self.classes),
            "valid_photos": self.valid_photos,
            "log_loss_unclipped": self.log_loss_unclipped,
            "log_loss_clipped": self.log_loss_clipped,
        }


@dataclass(frozen=True)
class Submission:
    """A submission that was written.

    Attributes:
        file: The file.
        rows: The number of ids.
        columns: What each column has.
        class_names: The model's classes.
        base_rate_rows: Photos that could not be read; their rows have the class frequencies of the training photos, or
            the most frequent class.
        clipping: What clipping does to the log loss; None if no probabilities were written.
        skipped: Files of the test set that cannot be read and have no row, as no id means them and they are not called
            like photos.
        passed_over: Files of the test set that are plainly no photos, by kind.
        notes: What was assumed when reading sample and test set, one line each.
    """

    file: Path
    rows: int
    columns: tuple[Column, ...]
    class_names: tuple[str, ...]
    base_rate_rows: tuple[SkippedPhoto, ...] = ()
    clipping: Clipping | None = None
    skipped: tuple[SkippedPhoto, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
    notes: tuple[str, ...] = ()

    def as_text(self) -> str:
        """Return a few lines of text: what the columns have, what clipping does, what was assumed."""
        first = f"{plural(self.rows, 'row')}; {describe_columns(self.columns, self.class_names)}"
        lines = [first if self.clipping is None else f"{first}; {self.clipping.as_text()}"]
        lines += [f"note: {note}" for note in self.notes]
        if self.base_rate_rows:
            count = len(self.base_rate_rows)
            have, whose = ("has", "photo") if count == 1 else ("have", "photos")
            what = (
                "the class frequencies of the training photos"
                if self.clipping
                else "the most frequent class of the training photos"
            )
            lines.append(f"warning: {plural(count, 'row')} {have} {what}, because the {whose} cannot be read")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "schema": SCHEMA,
            "file": str(self.file),
            "rows": self.rows,
            "class_names": list(self.class_names),
            "columns": [
                {
                    "name": column.name,
                    "role": column.role,
                    "class": self.class_names[column.label] if column.role == "probability" else None,
                }
                for column in self.columns
            ],
            "clipping": self.clipping.as_json() if self.clipping else None,
            "base_rate_rows": skipped_as_json(self.base_rate_rows),
            **unused_as_json(self.skipped, self.passed_over),
            "notes": list(self.notes),
        }


def describe_columns(columns: Sequence[Column], class_names: Sequence[str]) -> str:
    """Return what the columns have: `label = probability of dog`."""
    probabilities = [column for column in columns if column.role == "probability"]
    renamed = [column for column in probabilities if column.name != class_names[column.label]]
    parts = []
    if len(probabilities) > 1:
        parts.append("each column = probability of the class of its name")
    if len(probabilities) == 1 or renamed:
        told = renamed or probabilities
        more = f" and {len(told) - _MOST_NAMED:,} more" if len(told) > _MOST_NAMED else ""
        named = [f"{column.name} = probability of {class_names[column.label]}" for column in told[:_MOST_NAMED]]
        parts.append(", ".join(named) + more)
    parts += [f"{column.name} = predicted class, one a row" for column in columns if column.role == "class"]
    copied = [column.name or "the unnamed column" for column in columns if column.role == "copied"]
    if copied:
        parts.append(f"{', '.join(copied)} as in the sample")
    return "; ".join(parts)
