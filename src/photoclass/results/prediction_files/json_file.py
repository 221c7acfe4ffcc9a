"""Predictions as one JSON document: what `--json` writes, too."""

from typing import BinaryIO

from photoclass.results.predictions import Predictions
from photoclass.schemas.documents import json_text


def write_json(predictions: Predictions, stream: BinaryIO) -> None:
    """Write predictions as a JSON document, in ASCII."""
    stream.write(json_text(predictions.as_json()).encode())
