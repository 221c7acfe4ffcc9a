"""Several folders and zips that are DATA together, as Google Drive packs a large folder into several zips."""

import filecmp
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from photoclass.errors import DataError
from photoclass.photos.sources.listing import Listing
from photoclass.photos.sources.names import split_of_name
from photoclass.photos.sources.rules import COPIES
from photoclass.photos.table import TRAIN, PhotoTable, SkippedPhoto, name_below, natural_key
from photoclass.text import plural

# Numbered files: those of Google Drive and Takeout (pets-20260101T120000Z-001.zip, takeout-001.zip), and shards
# (pets-0001.tar, train-00000-of-00002.parquet).
_NUMBERED = re.compile(
    r"(?P<stem>.*?)(?P<number>\d{1,6})(?:-of-\d+)?(?P<ending>\.(?:zip|tar|tar\.gz|tgz|parquet|arrow))", re.IGNORECASE
)


@dataclass(frozen=True)
class DataPart:
    """A folder or zip of DATA.

    Attributes:
        path: As the user wrote it.
        root: The folder that holds its files.
        listing: What it holds.
    """

    path: Path
    root: str
    listing: Listing

    def path_of(self, file: str) -> str:
        """Return where a file is read from."""
        return f"{self.root}/{file}"

    def name_of(self, file: str) -> str:
        """Return what messages call a file."""
        return name_below(str(self.path), file)


@dataclass
class MergedParts:
    """All parts as one listing.

    Attributes:
        listing: What they hold together.
        part_of: The part that each of its files, and each file that was skipped or passed over, comes from.
    """

    listing: Listing = field(default_factory=Listing)
    part_of: dict[str, DataPart] = field(default_factory=dict)

    def path_of(self, file: str) -> str:
        """Return where a file is read from."""
        return self.part_of[file].path_of(file)

    def place(self, table: PhotoTable, where: str) -> PhotoTable:
        """Return a table of the merged listing with the names and paths that its photos have in their parts.

        Args:
            table: The table, in which each photo's name is `where/file`.
            where: What messages call DATA.
        """
        files = {name_below(where, file): (part, file) for file, part in self.part_of.items()}

        def name(merged: str) -> str:
            if merged not in files:
                return merged
            part, file = files[merged]
            return part.name_of(file)

        return replace(
            table,
            names=tuple(name(merged) for merged in table.names),
            paths=tuple(part.path_of(file) for part, file in (files[merged] for merged in table.names)),
            skipped=(),
            passed_over=tuple(replace(item, example=name(item.example)) for item in table.passed_over),
        ).with_skipped([SkippedPhoto(name(item.name), item.reason) for item in table.skipped])


def merge_parts(parts: Sequence[DataPart]) -> MergedParts:
    """Put parts together as if all of their files were in one folder.

    A file that several parts hold under one path with the same content is one file; the copies are passed over.

    Raises:
        DataError: One part is inside another; two parts hold different files under one path; or their names say that
            they are splits, and what they hold does not.
    """
    _refuse_nested(parts)
    _refuse_splits(parts)
    merged = MergedParts()
    listing = merged.listing
    for part in parts:
        for file in part.listing.files:
            first = merged.part_of.setdefault(file, part)
            if first is part:
                listing.files.append(file)
            elif filecmp.cmp(first.path_of(file), part.path_of(file), shallow=False):
                listing.kinds[f"{file} ({part.path})"] = COPIES
            else:
                raise DataError(
                    f"{first.name_of(file)} and {part.name_of(file)}: two different files of the same path, so these "
                    f"are no parts of one data set; give one of them, or, if they are classes or splits, "
                    f"{what_holds(parts)}"
                )
        for item in part.listing.skipped:
            merged.part_of.setdefault(item.name, part)
            listing.skipped.append(item)
        for file, kind in part.listing.kinds.items():
            listing.kinds[file if file not in listing.kinds else f"{file} ({part.path})"] = kind
            merged.part_of.setdefault(file, part)
        listing.notes += part.listing.notes
    listing.folders = sorted({folder for part in parts for folder in part.listing.folders}, key=natural_key)
    listing.files.sort(key=natural_key)
    counts = ", ".join(f"{part.path} ({plural(len(part.listing.files), 'file')})" for part in parts)
    listing.notes.insert(0, f"{len(parts)} parts are read as one: {counts}")
    return merged


def note_other_parts(given: Sequence[Path]) -> str:
    """Return a note on numbered files beside the given ones, or missing among them; empty if there are none.

    `pets-001.zip` alone may be half of a data set, of which `pets-002.zip` is the rest.
    """
    series = {path: key for path in given if path.is_file() and (key := _series(path))}
    real = {os.path.realpath(path) for path in given}
    beside = sorted(
        (
            path
            for key in dict.fromkeys(series.values())
            for path in _files_in(key[0])
            if _series(path) == key and os.path.realpath(path) not in real
        ),
        key=lambda path: natural_key(str(path)),
    )
    if beside:
        named = f"{beside[0]}{f' and {len(beside) - 1:,} more' if len(beside) > 1 else ''}"
        are = "are parts" if len(beside) > 1 else "is a part"
        return f"{named} may hold the rest: if {'these' if len(beside) > 1 else 'it'} {are} of the same data, give all"
    if len(set(series.values())) != 1 or len(series) < len(given):
        return ""
    numbers = {int(match["number"]) for path in series if (match := _NUMBERED.fullmatch(path.name))}
    missing = [number for number in range(min(numbers), max(numbers)) if number not in numbers]
    return f"number {missing[0]} is missing among the parts; if there is such a file, give it too" if missing else ""


def _series(path: Path) -> tuple[Path, str, str] | None:
    """Return what numbered files of one series have in common: folder, beginning and ending; None for other files."""
    match = _NUMBERED.fullmatch(path.name)
    return (path.parent, match["stem"], match["ending"].casefold()) if match else None


def _files_in(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []


def _refuse_nested(parts: Sequence[DataPart]) -> None:
    real = [os.path.realpath(part.path) for part in parts]
    for inner, path in zip(parts, real, strict=True):
        for outer, other in zip(parts, real, strict=True):
            if inner is not outer and os.path.commonpath([path, other]) == other:
                raise DataError(f"{inner.path}: is {outer.path} or inside it; give one of them")


def _refuse_splits(parts: Sequence[DataPart]) -> None:
    """Refuse `train.zip` and `test.zip` that hold the classes themselves: together they would be one data set."""
    splits = [split_of_name(part.path.stem if part.path.is_file() else part.path.name) for part in parts]
    if len({TRAIN if split is None else split for split in splits}) == 1:
        return
    for part, split in zip(parts, splits, strict=True):
        tops = {file.partition("/")[0] for file in part.listing.files}
        if split is not None and any(split_of_name(top) != split for top in tops):
            raise DataError(
                f"{', '.join(str(other.path) for other in parts)}: named as splits, but {part.path} holds no folder "
                f"that says so; {what_holds(parts)}"
            )


def what_holds(parts: Sequence[DataPart]) -> str:
    """Return the advice to give the folder that holds the parts."""
    if any(part.path.is_file() for part in parts):
        return "unpack each zip into a folder of its name, and give the folder that holds them"
    parents = {part.path.parent for part in parts}
    return f"give the folder that holds them{f', {parents.pop()}' if len(parents) == 1 else ''}"
