"""A CSV of `image,label[,split]`: labels that stand in a table instead of in folder names."""

import csv
import os
from pathlib import Path

from photoclass.errors import DataError
from photoclass.photos.sources.layout import LabelledFiles
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID

_SPLIT_WORDS = {
    "": NO_SPLIT,
    "train": TRAIN,
    "valid": VALID,
    "val": VALID,
    "validation": VALID,
    "test": HELD_OUT,
    "held_out": HELD_OUT,
}
_MOST_ROWS_NAMED = 10


def read_label_file(file: Path) -> tuple[LabelledFiles, dict[str, str]]:
    """Read the rows of a label CSV; images are paths relative to the CSV's folder, or absolute.

    A byte-order mark and any line ending are taken; a row that repeats another word for word counts once.

    Returns:
        The rows, and the path of each image by its name in the CSV.

    Raises:
        DataError: A column is missing, or rows are wrong: all of them are named, up to ten.
    """
    labelled, paths = LabelledFiles(), {}
    seen: dict[str, tuple[str, int]] = {}
    faults: list[str] = []
    repeated = 0
    for line, image, label, split_word in _rows(file):
        split = _SPLIT_WORDS.get(split_word.casefold())
        path = str(file.parent / image)
        if not image or not label:
            faults.append(f"line {line}: image or label is empty")
        elif split is None:
            faults.append(f"line {line}: split {split_word!r} is none of train, valid, test")
        elif image in seen:
            if seen[image] != (label, split):
                faults.append(f"line {line}: {image!r} stands above with another label or split")
            repeated += 1
        elif not os.path.lexists(path):
            faults.append(f"line {line}: there is no file {image!r}")
        else:
            seen[image] = (label, split)
            paths[image] = path
            labelled.rows.append((image, label, split))
    if faults:
        more = f"; and {len(faults) - _MOST_ROWS_NAMED:,} more" if len(faults) > _MOST_ROWS_NAMED else ""
        raise DataError(f"{file}: {'; '.join(faults[:_MOST_ROWS_NAMED])}{more}. Correct these rows")
    splits = {split for _, _, split in labelled.rows}
    if NO_SPLIT in splits and len(splits) > 1:
        raise DataError(f"{file}: some rows name a split and some do not; fill the column or remove it")
    if splits and splits != {NO_SPLIT} and TRAIN not in splits:
        raise DataError(f"{file}: no row has the split train; correct the column or remove it")
    if VALID not in splits:
        # As with a folder train/ alone: what chooses the model is still to be cut from it.
        labelled.rows = [(i, name, NO_SPLIT if s == TRAIN else s) for i, name, s in labelled.rows]
    if repeated:
        labelled.notes.append(f"{file}: {repeated:,} repeated rows counted once")
    return labelled, paths


def _rows(file: Path) -> list[tuple[int, str, str, str]]:
    """Return (line number, image, label, split) of each row that is not blank."""
    try:
        # Names that are not UTF-8 come in as the bytes they are on disk.
        with open(file, encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
            reader = csv.DictReader(stream)
            header = [name.strip().casefold() for name in reader.fieldnames or []]
            if not {"image", "label"} <= set(header):
                raise DataError(f"{file}: the first line must be image,label or image,label,split")
            reader.fieldnames = header
            return [
                (
                    reader.line_num,
                    row["image"] or "",
                    (row["label"] or "").strip(),
                    (row.get("split") or "").strip(),
                )
                for row in reader
            ]
    except csv.Error as error:
        raise DataError(f"{file}: not a readable CSV ({error})") from error
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from error
