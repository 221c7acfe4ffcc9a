"""Photos that a Parquet or Arrow table holds as bytes, unpacked into the cache."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from photoclass.errors import DataError
from photoclass.photos.cache.unpacked import Unpacked, UnpackedRecord, unpack_once
from photoclass.photos.class_names import has_control_characters
from photoclass.photos.sources.archives.safety import LONGEST_NAME_BYTES, refuse_bomb
from photoclass.photos.sources.label_tables.locate import path_parts
from photoclass.photos.sources.litter import ending_of_picture
from photoclass.photos.table import name_below
from photoclass.photos.tables.arrow import read_photos_of
from photoclass.photos.tables.table_file import TableFile
from photoclass.workspace import Workspace

_VERSION = 1
_HEAD_BYTES = 32
_LONGEST_PATH = 1000  # below the cache folder


@dataclass(frozen=True)
class HeldPhotos:
    """A table whose photos are files now.

    Attributes:
        table: The table; the cells of its photos name their files.
        folder: The folder that these are in.
        held: Their names.
    """

    table: TableFile
    folder: Path
    held: frozenset[str]

    def name(self, cell: str) -> str:
        """Return what messages call a photo: `FILE/NAME` of one that the table holds, its path of another."""
        return name_below(str(self.table.file), cell) if cell in self.held else cell


def unpack_photos(table: TableFile, column: int, workspace: Workspace) -> HeldPhotos:
    """Write the photos that a column holds into the cache, unless they are there already.

    A photo is named after the path beside its bytes if all rows have one of their own, else after its row: `12.jpg`. A
    row with a path and no bytes means the file of that path, relative to the table.

    Args:
        table: The table, whose `file` is where it is.
        column: The column.
        workspace: Whose cache takes them.

    Raises:
        DataError: The table is damaged, or grows as no photos do.
        OutputError: The cache cannot be written.
    """
    paths = table.cells(column)
    unpacked = unpack_once(
        workspace.cache,
        _digest(table.file, column),
        lambda files, _: _write(table, column, _names(paths), files, workspace),
    )
    cells = _cells(table.file, unpacked, paths)
    rows = [
        row._replace(cells=(*row.cells[:column], cell, *row.cells[column + 1 :]))
        for row, cell in zip(table.rows, cells, strict=True)
    ]
    return HeldPhotos(replace(table, rows=tuple(rows)), unpacked.folder, frozenset(filter(None, unpacked.rows)))


def _digest(file: Path, column: int) -> str:
    try:
        with open(file, "rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from error
    return hashlib.sha256(f"photos {_VERSION} {column} {content}".encode()).hexdigest()[:32]


def _write(
    table: TableFile, column: int, names: Sequence[str] | None, files: Path, workspace: Workspace
) -> UnpackedRecord:
    where, packed = str(table.file), table.file.stat().st_size
    sizes: dict[str, int] = {}
    rows: list[str] = []
    folders = {""}
    written = 0
    with workspace.task(f"Unpacking {table.file.name}", len(table.rows)) as task:
        for row, photo in enumerate(read_photos_of(table.file, where, column)):
            if row == len(table.rows):
                raise _uneven(where)
            name = ""
            if photo is not None:
                name = names[row] if names else f"{row}{ending_of_picture(photo[:_HEAD_BYTES])}"
                sizes[name] = len(photo)
                written += len(photo)
                refuse_bomb(where, packed, written, "table")
                if (folder := name.rpartition("/")[0]) not in folders:
                    (files / folder).mkdir(parents=True, exist_ok=True)
                    folders.add(folder)
                with open(f"{files}/{name}", "xb") as out:
                    out.write(photo)
            rows.append(name)
            task.advance()
    if len(rows) < len(table.rows):
        raise _uneven(where)
    return UnpackedRecord(sizes, rows=tuple(rows))


def _uneven(where: str) -> DataError:
    return DataError(f"{where}: damaged (its columns are of different length); download or write it again")


def _names(paths: Sequence[str]) -> list[str] | None:
    """Return a file name for each path; None if they do not give every photo one of its own."""
    parts = [path_parts(path) for path in paths]
    names = ["/".join(found) for found in parts]
    folders = {"/".join(found[:depth]).casefold() for found in parts for depth in range(1, len(found))}
    folded = {name.casefold() for name in names}
    fits = all(len(part.encode(errors="surrogateescape")) <= LONGEST_NAME_BYTES for found in parts for part in found)
    fits = fits and all(len(name) <= _LONGEST_PATH for name in names)
    if "" in folded or len(folded) < len(names) or folded & folders or any(map(has_control_characters, names)):
        return None
    return names if fits else None


def _cells(file: Path, unpacked: Unpacked, paths: Sequence[str]) -> list[str]:
    """Return what names each row's photo: a file in the cache, a path beside the table, or nothing."""
    folder = file.parent.absolute()
    beside = (str(folder / path) if path.strip() else "" for path in paths)
    return [name or path for name, path in zip(unpacked.rows, beside, strict=True)]
