"""JSON Lines (`.jsonl`), one object a line, as rows of a table."""

import json
import math
from typing import Any

from photoclass.errors import DataError
from photoclass.photos.sources.litter import has_photo_ending
from photoclass.photos.tables.delimited import TableRow

_MOST_KEYS_NAMED = 3


def is_json(text: str) -> bool:
    """Return whether a text begins as JSON rather than as a table's header."""
    return text.lstrip().startswith(("{", "["))


def split_json_lines(text: str, where: str) -> tuple[tuple[str, ...], list[TableRow]]:
    """Return the names of all keys in the order of their first appearance, and a row for each object.

    Strings are cells as they are, a missing key, null or NaN is an empty cell, anything else is written as JSON. An
    array of objects is read as well; its rows are numbered by object.

    Raises:
        DataError: A line is not a JSON object.
    """
    document = _parse(text)
    if isinstance(document, dict) and {"images", "annotations"} <= set(document):
        raise DataError(f"{where}: is a COCO file, which this tool does not read; give a CSV of image,label")
    if isinstance(document, dict) and _holds_a_table(document):
        found = ", ".join(map(repr, list(document)[:_MOST_KEYS_NAMED])) + (
            ", …" if len(document) > _MOST_KEYS_NAMED else ""
        )
        raise DataError(
            f"{where}: is one JSON object of {found}, not one for each photo; give JSON Lines "
            '({"image": "0.jpg", "label": "cat"} on each line), or a CSV of image,label'
        )
    if isinstance(document, list) and document and all(isinstance(value, dict) for value in document):
        numbered = list(enumerate(document, start=1))
    else:
        lines = enumerate(text.split("\n"), start=1)
        numbered = [(number, _parse(line)) for number, line in lines if line.strip()]
    columns: dict[str, int] = {}
    for number, value in numbered:
        if not isinstance(value, dict):
            raise DataError(f"{where}: line {number} is not a JSON object; give one a line (JSON Lines), or a CSV")
        for name in value:
            columns.setdefault(name, len(columns))
    return tuple(columns), [
        TableRow(number, tuple(cell_of(value.get(name)) for name in columns)) for number, value in numbered
    ]


def _holds_a_table(document: dict[str, Any]) -> bool:
    """Return whether one object holds all photos: `{"0.jpg": "cat", …}`, `{"cat": ["0.jpg", …]}`, columns of pandas."""
    values = list(document.values())
    return any(map(has_photo_ending, document)) or (bool(values) and all(isinstance(v, dict | list) for v in values))


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def cell_of(value: object) -> str:
    """Return a value as a cell: a string as it is, an empty one for null and NaN, anything else as JSON."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
