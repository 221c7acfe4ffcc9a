"""Predictions as CSV: `file,status,label,probability,prob_<class>…`, in cells that no spreadsheet runs."""

import csv
import io
from typing import BinaryIO

from photoclass.errors import DataError
from photoclass.paths import AnyPath
from photoclass.photos.tables.cells import plain_file, plain_label
from photoclass.results.prediction_files.columns import blocks
from photoclass.results.predictions import Predictions


def write_csv(predictions: Predictions, stream: BinaryIO) -> None:
    """Write predictions as CSV. File names that are not UTF-8 are written as the bytes that they have on disk."""
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="", write_through=True)
    writer = csv.writer(text)
    columns = predictions.columns()
    writer.writerow([column.name for column in columns])
    for part in blocks(len(predictions)):
        writer.writerows(zip(*(column.cells(part) for column in columns), strict=True))
    text.flush()
    text.detach()


def read_predictions(file: AnyPath) -> list[dict[str, str]]:
    """Read a CSV of predictions; names that were escaped for spreadsheets get their original form.

    Raises:
        DataError: It is no CSV of predictions.
    """
    with open(file, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        reader = csv.DictReader(stream)
        if missing := {"file", "label"} - set(reader.fieldnames or ()):
            raise DataError(
                f"{file}: is no CSV of predictions (it has no column {min(missing)!r}); give one that predict wrote"
            )
        rows = list(reader)
    for row in rows:
        row["file"] = plain_file(row["file"])
        row["label"] = plain_label(row["label"])
    return rows
