"""Parquet and Arrow files of photos and labels, as `datasets`, pandas and others write them, for tests."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

# How a table is written: Parquet, an Arrow file (Feather 2), an Arrow stream (the cache of `datasets`).
FORMS = ("parquet", "feather", "arrow")


def write_table(path: Path, columns: Mapping[str, Any], names: Mapping[str, Sequence[str]] | None = None) -> Path:
    """Write a table in the form of the path's ending.

    Args:
        path: The file.
        columns: Lists or Arrow arrays.
        names: The names of the classes that numbers of a column mean, as `datasets` says them.
    """
    table = pa.table(dict(columns))
    if names:
        features = {name: {"names": list(given), "_type": "ClassLabel"} for name, given in names.items()}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        parquet.write_table(table, str(path))
        return path
    opened = pa.ipc.new_file if path.suffix == ".feather" else pa.ipc.new_stream
    with opened(str(path), table.schema) as writer:
        writer.write_table(table)
    return path


def images(contents: Sequence[bytes | None], paths: Sequence[str | None] | None = None) -> Any:
    """Return a column of structs of bytes and path, as `datasets` writes its images."""
    of_rows = paths or [None] * len(contents)
    values = [{"bytes": content, "path": path} for content, path in zip(contents, of_rows, strict=True)]
    return pa.array(values, pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
