"""Label CSVs, `image,label[,split]`: labels from a table instead of from folder names."""

import csv
import os
from pathlib import Path

from photoclass.errors import DataError
from photoclass.photos.sources.labelled import LabelledFiles, LabelledRow
from photoclass.photos.sources.options import AS_IT_IS, ReadOptions
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID
from photoclass.text import plural

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


def read_label_file(file: Path, reading: ReadOptions = AS_IT_IS) -> tuple[LabelledFiles, dict[str, str]]:
    """Read the rows of a label CSV; images are paths relative to the CSV's folder, or absolute.

    A byte-order mark and any line ending are accepted; an exact repetition of a row is counted once.

    Returns:
        The rows, and the path of each image by its name in the CSV.

    Raises:
        DataError: A column is missing, or rows are wrong; up to ten of them are reported.
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
            faults.append(f"line {line}: unknown split {split_word!r}; choose from train, valid, test")
        elif image in seen:
            if seen[image] != (label, split):
                faults.append(f"line {line}: {image!r} is in an earlier row with another label or split")
            repeated += 1
        elif not os.path.lexists(path):
            faults.append(f"line {line}: no such file: {image!r}")
        else:
            seen[image] = (label, split)
            paths[image] = path
            labelled.rows.append(LabelledRow(image, label, split))
    if faults:
        more = f"; and {len(faults) - _MOST_ROWS_NAMED:,} more" if len(faults) > _MOST_ROWS_NAMED else ""
        raise DataError(f"{file}: {'; '.join(faults[:_MOST_ROWS_NAMED])}{more}. Correct these rows")
    splits = {row.split for row in labelled.rows}
    if NO_SPLIT in splits and len(splits) > 1:
        raise DataError(f"{file}: some rows have a split and some do not; fill the column or remove it")
    if splits and splits != {NO_SPLIT} and TRAIN not in splits:
        raise DataError(f"{file}: no row is in the split train; correct the column or remove it")
    if VALID not in splits:
        labelled.free_train_rows()
    if repeated:
        labelled.notes.append(f"{file}: {plural(repeated, 'repeated row')} counted once")
    return labelled, paths


def _rows(file: Path) -> list[tuple[int, str, str, str]]:
    """Return (line number, image, label, split) of each row that is not blank."""
    try:
        # File names that are not UTF-8 are read as the bytes that they have on disk.
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
