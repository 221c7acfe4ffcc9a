"""`schema`: the JSON Schema of a document, by the name that the document has under its key `schema`."""

import json
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from photoclass.errors import SettingsError


def schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a JSON document.

    Args:
        name: As the document has it under `schema`, such as `photoclass/evaluate/1`.

    Raises:
        SettingsError: There is no document of that name and version.
    """
    names = schema_names()
    if name not in names:
        raise SettingsError(f"{name}: unknown schema; choose from {', '.join(names)}")
    document, version = name.split("/")[1:]
    found: dict[str, Any] = json.loads(_folder().joinpath(f"{document}-{version}.json").read_text(encoding="utf-8"))
    return found


def schema_names() -> tuple[str, ...]:
    """Return the names of all documents, in alphabetic order."""
    found = [file.name.removesuffix(".json").split("-") for file in _folder().iterdir() if file.name.endswith(".json")]
    return tuple(sorted(f"photoclass/{document}/{version}" for document, version in found))


def _folder() -> Traversable:
    return files("photoclass.schemas")
