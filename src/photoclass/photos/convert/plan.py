"""What a conversion writes: each photo's new name, class, split and group."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from photoclass.photos.sources.litter import ending_of_picture, has_photo_ending, litter_kind
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID, PhotoTable

SPLIT_NAMES = {TRAIN: "train", VALID: "valid", HELD_OUT: "test"}
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\ud800-\udfff]')
_LONGEST_STEM = 120
_HEAD_BYTES = 32


@dataclass(frozen=True)
class PlannedPhoto:
    """A photo to write.

    Attributes:
        path: Where it is read from.
        shown: What messages call it.
        name: Its new file name, which no other photo of its class and split has.
        label: Its class.
        split: `train`, `valid` or `test`; empty where DATA has no splits.
        group: What keeps it with others in one split; empty for nothing.
    """

    path: str
    shown: str
    name: str
    label: str
    split: str
    group: str


def plan_photos(table: PhotoTable, *, one_folder: bool = False) -> Iterator[PlannedPhoto]:
    """Yield each photo of a table with its new name: its old one, made safe for every system and unlike all others.

    Photos in train of which some are yet to be chosen for validation are in train.

    Args:
        table: The photos.
        one_folder: Whether names differ in all of DATA, not only within a class and split.
    """
    has_splits = bool((table.splits != NO_SPLIT).any())
    taken: set[tuple[str, str, str]] = set()
    for row, (path, shown) in enumerate(zip(table.paths, table.names, strict=True)):
        label = table.class_names[table.labels[row]]
        split = SPLIT_NAMES[TRAIN if table.splits[row] == NO_SPLIT else int(table.splits[row])] if has_splits else ""
        where = ("", "") if one_folder else (split, label)
        plain = _safe_name(_with_ending(PurePosixPath(shown).name, path))
        stem, ending = _divide(plain)
        name, number = plain, 1
        while (*where, name.casefold()) in taken:
            number += 1
            name = f"{stem}-{number}{ending}"
        taken.add((*where, name.casefold()))
        yield PlannedPhoto(path, shown, name, label, split, table.groups[row] if table.groups else "")


def _with_ending(name: str, path: str) -> str:
    """Return a name that ends as photos do, by what the file begins with; as it is if that is no picture."""
    if has_photo_ending(name):
        return name
    try:
        with open(path, "rb", buffering=0) as stream:
            return name + ending_of_picture(stream.read(_HEAD_BYTES) or b"")
    except OSError:
        return name


def _safe_name(name: str) -> str:
    safe = _UNSAFE.sub("_", name).rstrip(" .") or "photo"
    stem, ending = _divide(safe)
    safe = stem.encode()[:_LONGEST_STEM].decode(errors="ignore") + ending
    return f"_{safe}" if litter_kind(safe) else safe


def _divide(name: str) -> tuple[str, str]:
    stem, dot, ending = name.rpartition(".")
    return (stem, f".{ending}") if dot and stem and has_photo_ending(name) else (name, "")
