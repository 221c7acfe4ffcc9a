"""Fixes files, `image,label,note`: they correct labels and exclude photos without touching DATA."""

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from photoclass.atomic import atomic_text
from photoclass.errors import DataError, OutputError
from photoclass.paths import AnyPath
from photoclass.photos.class_names import clean_class_name, match_class
from photoclass.photos.data_paths import DataPaths
from photoclass.photos.sources.label_tables.locate import FileIndex, path_parts
from photoclass.photos.table import NO_LABEL, TRAIN, PassedOver, PhotoTable, name_in_data
from photoclass.photos.tables.cells import plain_file, plain_label, safe_file, safe_label
from photoclass.photos.tables.columns import find_columns, without_labels
from photoclass.photos.tables.encoding import CP1252
from photoclass.photos.tables.labels import EXCLUDE
from photoclass.photos.tables.row_faults import RowFaults
from photoclass.photos.tables.table_file import read_table_file
from photoclass.text import list_classes, listed, plural

_HEADER = ("image", "label", "note")
_LEFT_OUT = "files excluded by the fixes file"
_MOST_NAMED = 3
_NOTE_COLUMNS = ("note", "notes", "comment", "reason")


@dataclass(frozen=True)
class Fix:
    """One row of a fixes file.

    Attributes:
        image: The photo's name within DATA.
        label: Its class; None to exclude it.
        note: The reason, for people.
    """

    image: str
    label: str | None
    note: str = ""


def check_keeps_work(file: Path, fixes: Path | None) -> None:
    """Refuse to write proposed fixes over a file that a person may have edited, unless its rows are kept.

    Args:
        file: Where the proposed fixes will be written.
        fixes: The fixes in use, whose rows the proposed ones include.

    Raises:
        OutputError: The file exists and is not the one in use.
    """
    if os.path.lexists(file) and not (fixes and file.exists() and file.samefile(fixes)):
        raise OutputError(f"{file}: exists already; choose another name, or pass it as --fixes too to keep its rows")


def write_fixes(file: AnyPath, fixes: Sequence[Fix]) -> None:
    """Write a fixes file, atomically.

    Raises:
        OutputError: It cannot be written.
    """
    file = Path(file)
    with atomic_text(file) as stream:
        writer = csv.writer(stream)
        writer.writerow(_HEADER)
        for fix in fixes:
            label = EXCLUDE if fix.label is None else safe_label(fix.label)
            writer.writerow([safe_file(fix.image), label, safe_label(fix.note)])


def apply_fixes(table: PhotoTable, file: Path, data: DataPaths, to_train: bool = True) -> PhotoTable:
    """Give photos the labels of a fixes file, and drop those whose label is `-`, as if DATA did not contain them.

    A class that no photo is left of is dropped, too, and a note says so.

    Args:
        table: The photos of DATA.
        file: The fixes; an image is named by its name within DATA, or as the commands print it. Names that differ by
            case, separators or a missing ending match where only one photo can be meant.
        data: Where DATA is.
        to_train: Whether these photos are for training.

    Raises:
        DataError: It is not a fixes file; or rows name a photo or a class that DATA does not have, or fix a photo in
            two ways. Or fewer than two classes are left (one, if not for training), or one without a photo to train on.
    """
    rows, notes = _read(file)
    fixed, spelled = _fixed_photos(table, rows, file, data)
    notes += tuple(f"{file}: {given!r} is read as the class {name!r}" for given, name in spelled.items())
    index = {name_in_data(name, data): i for i, name in enumerate(table.names)}
    labels = table.labels.copy()
    for image, label in fixed.items():
        if label is not None:
            labels[index[image]] = label
    excluded = {image for image, label in fixed.items() if label is None}
    kept = np.array([name not in excluded for name in index], dtype=np.bool_)
    changed = int((labels != table.labels).sum())
    note = f"{file}: {plural(changed, 'label')} changed, {plural(len(excluded), 'file')} excluded"
    skipped = tuple(item for item in table.skipped if name_in_data(item.name, data) not in excluded)
    left_out = [PassedOver(_LEFT_OUT, len(excluded), min(excluded))] if excluded else []
    fixes_applied = replace(table, labels=labels, skipped=skipped, notes=(*table.notes, *notes, note)).select(kept)
    fixes_applied = fixes_applied.with_passed_over(left_out)
    return _without_empty_classes(fixes_applied, table, file, to_train)


def _fixed_photos(
    table: PhotoTable, rows: Sequence[tuple[int, Fix]], file: Path, data: DataPaths
) -> tuple[dict[str, int | None], dict[str, str]]:
    """Find the photos and classes that a fixes file names.

    Returns:
        The new label of each photo, by its name within DATA; None to exclude it. And the class of each label that is
        written in another way.
    """
    usable = {name_in_data(name, data) for name in table.names}
    finder = _NameFinder([*usable, *(name_in_data(item.name, data) for item in table.skipped)], data)
    classes = {name: label for label, name in enumerate(table.class_names)}
    faults = RowFaults(file)
    fixed: dict[str, int | None] = {}
    spelled: dict[str, str] = {}
    lines: dict[str, int] = {}
    for line, fix in rows:
        image = finder.find(fix.image)
        if image is None and fix.label is None and _is_in_data(fix.image, data):
            continue  # no photo, and so passed over already
        if image is None:
            if several := finder.several(fix.image):
                shown = f"{fix.image!r} is {' or '.join(several[:_MOST_NAMED])}"
                faults.add(line, "more than one photo can be meant", shown, "write the folder before the name")
            else:
                faults.add(line, f"no such photo in {data}", repr(fix.image), "correct the name, or remove the row")
            continue
        name = None if fix.label is None else match_class(fix.label, classes)
        label = None if name is None else classes[name]
        if name is not None and fix.label is not None and name != clean_class_name(fix.label):
            spelled[fix.label] = name
        if fix.label is not None and label is None:
            known = f"choose from {listed(list(classes), 'class', 'classes')}, or - to exclude the photo"
            faults.add(line, "unknown class", repr(fix.label), known)
        elif fix.label is not None and image not in usable:
            faults.add(line, "a photo that cannot be used, whatever its label", repr(fix.image), "- excludes it")
        elif fixed.setdefault(image, label) != label:
            faults.add(line, "a photo is fixed in two ways", f"{fix.image!r} is already in line {lines[image]}")
        lines.setdefault(image, line)
    faults.refuse()
    return fixed, spelled


def _is_in_data(image: str, data: DataPaths) -> bool:
    return any(os.path.lexists(part / name_in_data(image, data)) for part in data.parts)


class _NameFinder:
    """Finds photos of DATA by what a fixes file calls them; the index is made when the first is not found."""

    def __init__(self, names: Sequence[str], data: DataPaths) -> None:
        self._names = set(names)
        self._data = data
        self._index: FileIndex | None = None

    def find(self, image: str) -> str | None:
        """Return the name within DATA of the only photo that can be meant; None without."""
        for name in (image, image.strip(), os.path.normpath(image.strip() or "."), _decoded(image)):
            if name_in_data(name, self._data) in self._names:
                return name_in_data(name, self._data)
        matches = self._matches(image)
        return matches[0] if len(matches) == 1 else None

    def several(self, image: str) -> list[str]:
        """Return the photos that can be meant, where that is more than one."""
        matches = self._matches(image)
        return matches if len(matches) > 1 else []

    def _matches(self, image: str) -> list[str]:
        self._index = self._index or FileIndex(sorted(self._names))
        return self._index.matches(path_parts(_decoded(image)))[0]


def _decoded(name: str) -> str:
    """Return a name whose bytes are not UTF-8 as text in cp1252, which Excel writes."""
    return os.fsencode(name).decode(CP1252, "replace") if any("\udc80" <= c <= "\udcff" for c in name) else name


def _without_empty_classes(fixed: PhotoTable, before: PhotoTable, file: Path, to_train: bool) -> PhotoTable:
    """Drop the classes that had photos and have none left.

    Raises:
        DataError: Too few classes are left, or one has no photo to train on.
    """
    names = fixed.class_names
    counts = np.bincount(fixed.labels, minlength=len(names))
    empty = [label for label in np.unique(before.labels).tolist() if not counts[label]]
    left = [label for label in range(len(names)) if label not in empty]
    dropped = list_classes([names[label] for label in empty])
    if empty and len(left) < (2 if to_train else 1):
        raise DataError(
            f"{file}: leaves {dropped} without a photo, and only {plural(len(left), 'class', 'classes')}; at least "
            f"{'two are' if to_train else 'one is'} needed: remove some of its rows"
        )
    trained = set(fixed.labels[fixed.splits <= TRAIN].tolist())
    for label in left if to_train else ():
        if label not in trained:
            raise DataError(
                f"{file}: leaves class {names[label]!r} without a photo to train on; remove some of its rows"
            )
    if not empty:
        return fixed
    new = np.full(len(names), NO_LABEL, dtype=np.int64)
    new[left] = np.arange(len(left))
    these = "this class is" if len(empty) == 1 else "these classes are"
    return replace(
        fixed,
        labels=new[fixed.labels],
        class_names=tuple(names[label] for label in left),
        notes=(*fixed.notes, f"{file}: no photo of {dropped} is left, so {these} dropped"),
    )


def read_fixes(file: Path) -> list[tuple[int, Fix]]:
    """Read the rows of a fixes file, with their line numbers; see `read_table_file` for its forms.

    Raises:
        DataError: It cannot be read, or lacks the column image or label.
    """
    return _read(file)[0]


def _read(file: Path) -> tuple[list[tuple[int, Fix]], tuple[str, ...]]:
    """Return the rows and what was assumed to read them."""
    table = read_table_file(file)
    columns = find_columns(table, has_options=False)
    if columns.label is None:
        raise DataError(without_labels(table, has_options=False))
    note = next((i for i, name in enumerate(table.header) if name.casefold() in _NOTE_COLUMNS), None)
    rows = []
    for line, cells in table.rows:
        image, label = plain_file(cells[columns.images[0]]), cells[columns.label].strip()
        if table.encoding == CP1252:
            image = os.fsdecode(image.encode(CP1252))  # a name that is not UTF-8 keeps the bytes that it has on disk
        text = plain_label(cells[note].strip()) if note is not None else ""
        rows.append((line, Fix(image, None if label == EXCLUDE else plain_label(label), text)))
    return rows, table.notes
