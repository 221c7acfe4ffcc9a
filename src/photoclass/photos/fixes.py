"""Fixes files, `image,label,note`: they correct labels and exclude photos without touching DATA."""

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from photoclass.atomic import atomic_text
from photoclass.errors import DataError, OutputError
from photoclass.photos.table import TRAIN, PhotoTable, name_in_data
from photoclass.photos.tables.cells import plain_file, plain_label, safe_file, safe_label
from photoclass.text import plural

EXCLUDE = "-"
_HEADER = ("image", "label", "note")
_MOST_ROWS_NAMED = 10


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


def write_fixes(file: Path, fixes: Sequence[Fix]) -> None:
    """Write a fixes file, atomically.

    Raises:
        OutputError: It cannot be written.
    """
    with atomic_text(file) as stream:
        writer = csv.writer(stream)
        writer.writerow(_HEADER)
        for fix in fixes:
            label = EXCLUDE if fix.label is None else safe_label(fix.label)
            writer.writerow([safe_file(fix.image), label, safe_label(fix.note)])


def apply_fixes(table: PhotoTable, file: Path, data: str, to_train: bool = True) -> PhotoTable:
    """Give photos the labels of a fixes file, and drop those whose label is `-`, as if DATA did not contain them.

    Args:
        table: The photos of DATA.
        file: The fixes; an image is named by its name within DATA, or as the commands print it.
        data: The path of DATA, as the user wrote it.
        to_train: Whether these photos are for training.

    Raises:
        DataError: It is not a fixes file; or rows name a photo or a class that DATA does not have, or a photo twice
            (up to ten such rows are reported). Or, for training, a class is left without a photo.
    """
    index = {name_in_data(name, data): i for i, name in enumerate(table.names)}
    unreadable = {name_in_data(item.name, data) for item in table.skipped}
    classes = {name: label for label, name in enumerate(table.class_names)}
    lines: dict[str, int] = {}
    labels, excluded = table.labels.copy(), set()
    faults = []
    for line, fix in read_fixes(file):
        image = name_in_data(fix.image, data)
        if image in lines:
            faults.append(f"line {line}: {image!r} is already in line {lines[image]}")
        elif image not in index and image not in unreadable:
            faults.append(f"line {line}: {data} has no photo {image!r}")
        elif fix.label is not None and fix.label not in classes:
            faults.append(
                f"line {line}: unknown class {fix.label!r}; choose from {', '.join(classes)}, or - to exclude the photo"
            )
        elif fix.label is not None and image not in index:
            faults.append(f"line {line}: {image!r} cannot be used, whatever its label; - excludes it")
        elif fix.label is None:
            excluded.add(image)
        else:
            labels[index[image]] = classes[fix.label]
        lines.setdefault(image, line)
    if faults:
        more = f"; and {len(faults) - _MOST_ROWS_NAMED:,} more" if len(faults) > _MOST_ROWS_NAMED else ""
        raise DataError(f"{file}: {'; '.join(faults[:_MOST_ROWS_NAMED])}{more}. Correct these rows")
    kept = np.array([name not in excluded for name in index], dtype=np.bool_)
    changed = int((labels != table.labels).sum())
    note = f"{file}: {plural(changed, 'label')} changed, {plural(len(excluded), 'file')} excluded"
    skipped = tuple(item for item in table.skipped if name_in_data(item.name, data) not in excluded)
    fixed = replace(table, labels=labels, skipped=skipped, notes=(*table.notes, note)).select(kept)
    if to_train:
        _check_classes(fixed, file)
    return fixed


def read_fixes(file: Path) -> list[tuple[int, Fix]]:
    """Read the rows of a fixes file, with their line numbers. A byte-order mark and any line ending are accepted.

    Raises:
        DataError: It cannot be read, or lacks the column image or label.
    """
    try:
        # File names that are not UTF-8 are read as the bytes that they have on disk.
        with open(file, encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            reader = csv.DictReader(stream)
            header = [name.strip().casefold() for name in reader.fieldnames or []]
            if not {"image", "label"} <= set(header):
                raise DataError(f"{file}: the first line must be image,label or image,label,note")
            reader.fieldnames = header
            return [(reader.line_num, _fix(row)) for row in reader]
    except csv.Error as error:
        raise DataError(f"{file}: not a readable CSV ({error})") from error
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from error


def _fix(row: dict[str, str]) -> Fix:
    label = (row["label"] or "").strip()
    return Fix(
        plain_file(row["image"] or ""),
        None if label == EXCLUDE else plain_label(label),
        plain_label((row.get("note") or "").strip()),
    )


def _check_classes(table: PhotoTable, file: Path) -> None:
    trained = set(table.labels[table.splits <= TRAIN].tolist())
    for label, name in enumerate(table.class_names):
        if label not in trained:
            raise DataError(f"{file}: leaves class {name!r} without a photo to train on; remove some of its rows")
