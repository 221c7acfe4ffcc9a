"""Predictions as JSON Lines: one object a photo, null where a skipped photo has no value."""

import json
from typing import BinaryIO

from photoclass.results.prediction_files.columns import blocks, json_rows
from photoclass.results.predictions import Predictions


def write_json_lines(predictions: Predictions, stream: BinaryIO) -> None:
    """Write predictions as JSON Lines, in ASCII."""
    columns = predictions.columns()
    for part in blocks(len(predictions)):
        stream.writelines(json.dumps(row).encode() + b"\n" for row in json_rows(columns, part))
