"""A table of photos: where each one is, what a person calls it, its label and its split."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

SPLITS = ("train", "valid", "held_out")
TRAIN, VALID, HELD_OUT = range(3)
NO_SPLIT = -1
NO_LABEL = -1

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class SkippedPhoto:
    """A file that was asked for and cannot be used, with the reason."""

    name: str
    reason: str


@dataclass(frozen=True)
class PhotoTable:
    """Photos in natural order.

    Attributes:
        paths: Where each photo is read from.
        names: What a person calls it: the path as asked for; inside a zip, `photos.zip/cats/1.jpg`.
        labels: Shape (N,), index into `class_names`, or NO_LABEL.
        splits: Shape (N,), TRAIN, VALID, HELD_OUT or NO_SPLIT.
        class_names: Sorted; a label is an index into it.
        skipped: Files that were found or named and cannot be photos.
        notes: What else a person should know of how DATA was read, a line each.
    """

    paths: tuple[str, ...]
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    splits: NDArray[np.int8]
    class_names: tuple[str, ...] = ()
    skipped: tuple[SkippedPhoto, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __len__(self) -> int:
        return len(self.paths)

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "PhotoTable":
        """Return the table of these rows (indices or a mask) alone."""
        indices = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return replace(
            self,
            paths=tuple(self.paths[i] for i in indices),
            names=tuple(self.names[i] for i in indices),
            labels=self.labels[indices],
            splits=self.splits[indices],
        )

    def with_skipped(self, more: Sequence[SkippedPhoto]) -> "PhotoTable":
        """Return the table with `more` files skipped, all of them in natural order."""
        merged = sorted({*self.skipped, *more}, key=lambda item: natural_key(item.name))
        return replace(self, skipped=tuple(merged))


def natural_key(name: str) -> tuple[tuple[int | str, ...], str]:
    """Order names as a person does: `2.jpg` before `10.jpg`; equal ones by their exact text.

    Splitting at digits alternates text and number, so two keys always compare like with like.
    """
    pieces = _DIGITS.split(name.casefold())
    return tuple(int(piece) if i % 2 else piece for i, piece in enumerate(pieces)), name


def name_in_data(name: str, data: str) -> str:
    """Return a photo's name within DATA, which is the same wherever DATA lies."""
    return name.removeprefix(f"{data}/")


def count_by_class(labels: NDArray[np.int64], class_names: Sequence[str]) -> dict[str, int]:
    """Count photos by class name, in class order."""
    counts = np.bincount(labels[labels >= 0], minlength=len(class_names))
    return {name: int(count) for name, count in zip(class_names, counts, strict=True)}
