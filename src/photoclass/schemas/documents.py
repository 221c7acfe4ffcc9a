"""JSON documents as text and as files."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from photoclass.atomic import atomic_path


def write_document(document: Mapping[str, Any], out: Path) -> None:
    """Write a document atomically.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_path(out) as part, open(part, "wb") as stream:
        write_json(document, stream)


def write_json(document: Mapping[str, Any], stream: BinaryIO) -> None:
    """Write a document as JSON in ASCII: a key a line, and in arrays of objects an object a line.

    Raises:
        ValueError: A value is NaN or infinite, which JSON cannot hold. Nothing is written after it.
    """
    stream.writelines(text.encode() for text in _texts(document))


def _texts(document: Mapping[str, Any]) -> Iterator[str]:
    before = "{\n"
    for key, value in document.items():
        yield f"{before}  {json.dumps(key)}: "
        yield from _rows(value) if value and _is_rows(value) else [_indented(value)]
        before = ",\n"
    yield "\n}\n"


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


def _rows(rows: list[dict[str, Any]]) -> Iterator[str]:
    # Without an indent, Python's encoder in C does the work.
    before = "[\n    "
    for row in rows:
        yield before + json.dumps(row, allow_nan=False)
        before = ",\n    "
    yield "\n  ]"


def _indented(value: Any) -> str:
    return json.dumps(value, indent=2, allow_nan=False).replace("\n", "\n  ")
