"""Predictions as CSV: `file,status,label,probability,prob_<class>…`, in cells that no spreadsheet runs."""

import csv
import math
from pathlib import Path

from photoclass.atomic import atomic_text
from photoclass.paths import AnyPath
from photoclass.photos.tables.cells import plain_file, plain_label, safe_file, safe_label
from photoclass.results.predictions import Predictions


def write_csv(predictions: Predictions, out: Path) -> None:
    """Write predictions as CSV, atomically."""
    with atomic_text(out) as stream:
        writer = csv.writer(stream)
        names = predictions.class_names
        extra = [] if predictions.abstain is None else ["distance"]
        writer.writerow(["file", "status", "label", "probability", *(f"prob_{name}" for name in names), *extra])
        for i, file in enumerate(predictions.files):
            status = predictions.statuses[i]
            row = [safe_file(file), status, safe_label(predictions.label(i))]
            numbers = [predictions.probability(i), *predictions.probabilities[i]]
            if extra:
                numbers.append(predictions.distance(i))
            writer.writerow(row + ["" if math.isnan(p) else f"{p:.6f}" for p in numbers])


def read_predictions(file: AnyPath) -> list[dict[str, str]]:
    """Read a CSV of predictions; names that were escaped for spreadsheets get their original form."""
    with open(file, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row["file"] = plain_file(row["file"])
        row["label"] = plain_label(row["label"])
    return rows
