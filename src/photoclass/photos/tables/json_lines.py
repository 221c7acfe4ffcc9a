"""JSON Lines (`.jsonl`), one object a line, as rows of a table."""

import json

from photoclass.errors import DataError
from photoclass.photos.tables.delimited import TableRow


def is_json(text: str) -> bool:
    """Return whether a text begins as JSON rather than as a table's header."""
    return text.lstrip().startswith(("{", "["))


def split_json_lines(text: str, where: str) -> tuple[tuple[str, ...], list[TableRow]]:
    """Return the names of all keys in the order of their first appearance, and a row for each object.

    Strings are cells as they are, a missing key or null is an empty cell, anything else is written as JSON.

    Raises:
        DataError: A line is not a JSON object.
    """
    columns: dict[str, int] = {}
    objects: list[tuple[int, dict[str, object]]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise DataError(f"{where}: line {number} is not a JSON object; give one a line (JSON Lines), or a CSV")
        objects.append((number, value))
        for name in value:
            columns.setdefault(name, len(columns))
    rows = [TableRow(number, tuple(_cell(value.get(name)) for name in columns)) for number, value in objects]
    return tuple(columns), rows


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
