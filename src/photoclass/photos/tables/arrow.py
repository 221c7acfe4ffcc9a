"""Parquet, Arrow and Feather files as tables, and the photos that they hold as bytes; read in batches.

Formats: Apache Parquet (https://parquet.apache.org/docs/file-format/) and the Arrow IPC format, as a file (Feather 2)
or a stream (https://arrow.apache.org/docs/format/Columnar.html). A column of photos is of bytes, or of structs
`{bytes, path}`; its classes may be numbers whose names the schema gives: both are what Hugging Face's `datasets` writes
(https://huggingface.co/docs/datasets/about_dataset_features).
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photoclass.errors import DataError
from photoclass.extras import load_extra
from photoclass.photos.sources.litter import ending_of_picture
from photoclass.photos.tables.delimited import TableRow

_PARQUET, _ARROW, _FEATHER_1, _STREAM = b"PAR1", b"ARROW1", b"FEA1", b"\xff\xff\xff\xff"
STARTS = (_PARQUET, _ARROW, _FEATHER_1, _STREAM)
_MOST_ROWS = 20_000_000  # a few bytes of a run-length encoding can stand for more rows than memory holds
_ROWS_AT_ONCE = 4096
_PHOTOS_AT_ONCE = 16
_ROWS_TRIED = 20


@dataclass(frozen=True)
class ArrowColumns:
    """What a table holds besides the bytes of photos.

    Attributes:
        header: The names of the columns.
        rows: The cells as text; of a photo that is held as bytes, its path or an empty cell. Counted from 0.
        photos: The indices of the columns that hold photos as bytes.
        named: The indices of the columns whose classes the schema names.
    """

    header: tuple[str, ...]
    rows: tuple[TableRow, ...]
    photos: tuple[int, ...]
    named: tuple[int, ...]


def is_arrow(start: bytes) -> bool:
    """Return whether a file that begins with these bytes is Parquet, Arrow or Feather."""
    return start.startswith(STARTS)


def read_arrow(file: Path, where: str) -> ArrowColumns:
    """Read the cells of all columns; the photos themselves are not read.

    Args:
        file: The table.
        where: What messages call it.

    Raises:
        DataError: It is damaged, has no columns, or has more rows than a table can have.
        MissingPackageError: pyarrow is not installed.
    """
    with _opened(file, where) as table:
        photos = tuple(i for i, field in enumerate(table.schema) if table.holds_photos(field))
        names = class_names(table.schema)
        rows: list[TableRow] = []
        columns = [_path_of(field) if i in photos else field.name for i, field in enumerate(table.schema)]
        for batch in table.batches([name for name in columns if name], _ROWS_AT_ONCE):
            cells = [_cells(batch, name, names.get(name or "", ()), where) for name in columns]
            rows += [TableRow(len(rows) + i, row) for i, row in enumerate(zip(*cells, strict=True))]
            if len(rows) > _MOST_ROWS:
                raise DataError(f"{where}: has more than {_MOST_ROWS:,} rows; divide it into several files")
        header = tuple(field.name.strip() for field in table.schema)
        named = tuple(i for i, field in enumerate(table.schema) if field.name in names)
    return ArrowColumns(header, tuple(rows), photos, named)


def read_photos_of(file: Path, where: str, column: int) -> Iterator[bytes | None]:
    """Yield the bytes of each row's photo, None where there are none; a few rows at a time are in memory.

    Raises:
        DataError: The file is damaged.
    """
    with _opened(file, where) as table:
        field = table.schema.field(column)
        name = f"{field.name}.bytes" if _is_struct(field.type) else field.name
        for batch in table.batches([name], _PHOTOS_AT_ONCE):
            values = batch.column(0)
            yield from (_field_of(values, "bytes") if _is_struct(values.type) else values).to_pylist()


def class_names(schema: Any) -> dict[str, tuple[str, ...]]:
    """Return the names of the classes that numbers of a column stand for, by column, as `datasets` writes them."""
    try:
        info = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = info["info"]["features"]
        return {
            name: tuple(map(str, feature["names"]))
            for name, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names")
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


class _Table:
    """An open file: its schema, and its rows in batches."""

    def __init__(self, source: Any, schema: Any, is_parquet: bool) -> None:
        self._source = source
        self._is_parquet = is_parquet
        self.schema = schema

    def batches(self, columns: Sequence[str], most: int) -> Iterator[Any]:
        """Yield record batches of at most so many rows with these columns, given as `name` or `name.field`."""
        if self._is_parquet:
            yield from self._source.iter_batches(batch_size=most, columns=list(columns), use_threads=False)
            return
        wanted = [name.partition(".")[0] if name not in self.schema.names else name for name in columns]
        for batch in self._source:
            # What another program wrote is checked before it is trusted: offsets may point anywhere.
            batch.validate(full=True)
            chosen = batch.select(wanted)
            for start in range(0, chosen.num_rows, most):
                yield chosen.slice(start, most)

    def holds_photos(self, field: Any) -> bool:
        """Return whether a column is of photos: of structs with bytes, or of bytes that begin as pictures do."""
        if _is_struct(field.type):
            return True
        if not _is_bytes(field.type):
            return False
        first = next(self.batches([field.name], _ROWS_TRIED), None)
        values = [] if first is None else [value for value in first.column(0).to_pylist() if value is not None]
        return any(ending_of_picture(value[:32]) for value in values) or not all(map(_is_text, values))


@contextmanager
def _opened(file: Path, where: str) -> Iterator[_Table]:
    """Open a table; whatever pyarrow says of a damaged one becomes one line."""
    pa = load_extra("pyarrow", "parquet", "reading Parquet and Arrow tables")
    with open(file, "rb") as stream:
        start = stream.read(8)
    if start.startswith(_FEATHER_1):
        raise DataError(f"{where}: is Feather of the old version 1; write it again as Feather 2 or Parquet")
    try:
        if start.startswith(_PARQUET):
            parquet = load_extra("pyarrow.parquet", "parquet", "reading Parquet")
            with parquet.ParquetFile(str(file), pre_buffer=False, buffer_size=1 << 20) as opened:
                _refuse_many(opened.metadata.num_rows, where)
                yield _Table(opened, opened.schema_arrow, True)
        else:
            with pa.memory_map(str(file)) as source:
                if start.startswith(_ARROW):
                    reader = pa.ipc.open_file(source)
                    yield _Table(_FileBatches(reader), reader.schema, False)
                else:
                    yield _Table(_StreamBatches(pa, source), pa.ipc.open_stream(source).schema, False)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        said = " ".join(str(error).split())[:160]
        raise DataError(f"{where}: damaged, or no whole table ({said}); download or write it again") from error


@dataclass(frozen=True)
class _FileBatches:
    reader: Any

    def __iter__(self) -> Iterator[Any]:
        return (self.reader.get_batch(i) for i in range(self.reader.num_record_batches))


@dataclass(frozen=True)
class _StreamBatches:
    pa: Any
    source: Any

    def __iter__(self) -> Iterator[Any]:
        self.source.seek(0)
        return iter(self.pa.ipc.open_stream(self.source))


def _refuse_many(rows: int, where: str) -> None:
    if rows > _MOST_ROWS:
        raise DataError(f"{where}: has {rows:,} rows, and {_MOST_ROWS:,} can be read; divide it into several files")


def _path_of(field: Any) -> str:
    """Return the column that holds the paths of photos beside their bytes; empty if none does."""
    has_paths = _is_struct(field.type) and any(inner.name == "path" for inner in field.type)
    return f"{field.name}.path" if has_paths else ""


def _field_of(structs: Any, name: str) -> Any:
    """Return a field of an array of structs, null where the struct is."""
    return structs.flatten()[[field.name for field in structs.type].index(name)]


def _cells(batch: Any, name: str, names: Sequence[str], where: str) -> list[str]:
    if not name:
        return [""] * batch.num_rows
    if name in batch.schema.names:
        column = batch.column(batch.schema.names.index(name))
    else:
        outer, _, inner = name.rpartition(".")
        column = _field_of(batch.column(batch.schema.names.index(outer)), inner)
    values = column.to_pylist()
    if names:
        return [_class_name(value, names, name, where) for value in values]
    return [_cell(value) for value in values]


def _class_name(value: object, names: Sequence[str], column: str, where: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        if value >= len(names):
            raise DataError(
                f"{where}: {value} in column {column} is beyond the {len(names):,} names of classes in its schema"
            )
        return names[value] if value >= 0 else ""  # `datasets` writes -1 for a photo without a label
    return _cell(value)


def _cell(value: object) -> str:
    """Return a value as text: an empty cell for null and NaN, JSON for lists and structs."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, bool | int | float | list | Mapping):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _is_struct(kind: Any) -> bool:
    return _types().is_struct(kind) and any(i.name == "bytes" and _is_bytes(i.type) for i in kind)


def _is_bytes(kind: Any) -> bool:
    types = _types()
    checks = (types.is_binary, types.is_large_binary, types.is_fixed_size_binary, types.is_binary_view)
    return any(check(kind) for check in checks)


def _types() -> Any:
    return load_extra("pyarrow.types", "parquet", "reading Parquet")


def _is_text(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
