"""A table of photos: the path, name, label and split of each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.data_paths import DataPaths

SPLITS = ("train", "valid", "held_out")
TRAIN, VALID, HELD_OUT = range(3)
NO_SPLIT = -1
NO_LABEL = -1

_DIGITS = re.compile(r"(\d+)")
_MOST_KINDS_NAMED = 6
_PLURAL = re.compile(r"(?<=\w)(?<!s)s\b")


@dataclass(frozen=True)
class SkippedPhoto:
    """A file that cannot be used, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class PassedOver:
    """Files that are plainly no photos, such as sidecars and system files: counted by kind and not named one by one.

    Attributes:
        kind: What they are, in the plural: `system files`.
        count: How many.
        example: The name of one.
    """

    kind: str
    count: int
    example: str


@dataclass(frozen=True)
class PhotoTable:
    """Photos in natural order.

    Attributes:
        paths: Where each photo is read from.
        names: What messages call it: the path as the user gave it; inside a zip, `photos.zip/cats/1.jpg`.
        labels: Shape (N,), index into `class_names`, or NO_LABEL.
        splits: Shape (N,), TRAIN, VALID, HELD_OUT or NO_SPLIT.
        class_names: In natural order; a label is an index into it.
        skipped: Files that were found or given but cannot be used as photos.
        notes: What else the user should know about how DATA was read, one line each.
        passed_over: Files that are plainly no photos, one entry a kind.
        groups: What the user keeps together in one split, of each photo: the animal, patient or site; empty if the user
            groups nothing.
    """

    paths: tuple[str, ...]
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    splits: NDArray[np.int8]
    class_names: tuple[str, ...] = ()
    skipped: tuple[SkippedPhoto, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)
    passed_over: tuple[PassedOver, ...] = ()
    groups: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.paths)

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "PhotoTable":
        """Return a table of only these rows (indices or a mask)."""
        indices = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return replace(
            self,
            paths=tuple(self.paths[i] for i in indices),
            names=tuple(self.names[i] for i in indices),
            labels=self.labels[indices],
            splits=self.splits[indices],
            groups=tuple(self.groups[i] for i in indices) if self.groups else (),
        )

    def with_skipped(self, more: Sequence[SkippedPhoto]) -> "PhotoTable":
        """Return the table with more skipped files, all of them in natural order."""
        merged = sorted({*self.skipped, *more}, key=lambda item: natural_key(item.name))
        return replace(self, skipped=tuple(merged))

    def with_passed_over(self, more: Sequence[PassedOver]) -> "PhotoTable":
        """Return the table with more files passed over, added up by kind."""
        return replace(self, passed_over=merge_passed_over((*self.passed_over, *more)))


def merge_passed_over(items: Sequence[PassedOver]) -> tuple[PassedOver, ...]:
    """Add up the counts of equal kinds; the largest kind first, the first example of each."""
    merged: dict[str, PassedOver] = {}
    for item in items:
        before = merged.get(item.kind)
        merged[item.kind] = replace(before, count=before.count + item.count) if before else item
    return tuple(sorted(merged.values(), key=lambda item: (-item.count, item.kind)))


def describe_passed_over(items: Sequence[PassedOver], data: DataPaths | None = None) -> str:
    """Return one line: `passed over: 28 sidecar files (json), 1 system file; for example cats/1.jpg.json`.

    Args:
        items: At least one.
        data: Where DATA is, if names are to be those within it.
    """
    kinds = [f"{item.count:,} {item.kind if item.count > 1 else _singular(item.kind)}" for item in items]
    if len(kinds) > _MOST_KINDS_NAMED:
        kinds[_MOST_KINDS_NAMED:] = [f"{sum(item.count for item in items[_MOST_KINDS_NAMED:]):,} of other kinds"]
    example = name_in_data(items[0].example, data) if data else items[0].example
    return f"passed over: {', '.join(kinds)}; for example {example}"


def skipped_as_json(items: Sequence[SkippedPhoto]) -> list[dict[str, str]]:
    """Return skipped photos as JSON documents list them."""
    return [{"file": item.name, "reason": item.reason} for item in items]


def unused_as_json(skipped: Sequence[SkippedPhoto], passed_over: Sequence[PassedOver]) -> dict[str, Any]:
    """Return the keys of JSON documents for files that were not used: the skipped ones by name, the others by kind."""
    return {"skipped": skipped_as_json(skipped), "passed_over": {item.kind: item.count for item in passed_over}}


def _singular(kind: str) -> str:
    """Return a kind of which there is one: its first plural loses its s."""
    return _PLURAL.sub("", kind, count=1)


def natural_key(name: str) -> tuple[tuple[int | str, ...], str]:
    """Return a sort key for natural order: `2.jpg` before `10.jpg`; names that differ only in case by their exact text.

    Splitting at digits alternates between text and numbers, so two keys never compare text with a number.
    """
    pieces: list[int | str] = _DIGITS.split(name.casefold())
    pieces[1::2] = map(int, pieces[1::2])
    return tuple(pieces), name


def name_below(where: str, file: str) -> str:
    """Return what messages call a file below a folder or zip: its path as the user would write it."""
    return file if where == "." else f"{where.removesuffix('/')}/{file}"


def name_in_data(name: str, data: DataPaths) -> str:
    """Return a photo's name within DATA, which does not depend on where DATA, or the part that it is in, is."""
    prefix = next((f"{part}/" for part in data.parts if name.startswith(f"{part}/")), "")
    return name.removeprefix(prefix)


def count_by_class(labels: NDArray[np.int64], class_names: Sequence[str]) -> dict[str, int]:
    """Count photos by class name, in class order."""
    counts = np.bincount(labels[labels >= 0], minlength=len(class_names))
    return {name: int(count) for name, count in zip(class_names, counts, strict=True)}
