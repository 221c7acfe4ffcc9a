"""JSON documents as text and as files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from photoclass.atomic import atomic_text


def json_text(document: Mapping[str, Any]) -> str:
    """Return a document as indented JSON in ASCII, with a line break at its end.

    Raises:
        ValueError: A value is NaN or infinite, which JSON cannot hold.
    """
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def write_document(document: Mapping[str, Any], out: Path) -> None:
    """Write a document atomically.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_text(out) as stream:
        stream.write(json_text(document))
