"""Folders of the cache that hold the files of an archive or table: each appears whole, and is whole when it is used."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock

from photoclass.photos.cache.names import unpacked_folder
from photoclass.photos.cache.store import cache_error

_FILES, _RECORD = "files", "unpacked.json"


@dataclass(frozen=True)
class Unpacked:
    """The files of an archive or table in the cache.

    Attributes:
        folder: The folder that holds them.
        litter: Hidden and system files, which were left packed: the kind of each, by its name.
        notes: What was assumed to read it, one line each.
        rows: For a table, the file of each row; empty where a row holds none.
    """

    folder: Path
    litter: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class UnpackedRecord:
    """What an archive or table holds, kept beside its files.

    Attributes:
        sizes: Bytes of each file, by its path.
        litter: As in Unpacked.
        notes: As in Unpacked.
        rows: As in Unpacked.
    """

    sizes: dict[str, int] = field(default_factory=dict)
    litter: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()

    def unpacked_in(self, folder: Path) -> Unpacked:
        """Return what is unpacked in a folder of this record."""
        return Unpacked(folder / _FILES, self.litter, self.notes, self.rows)


def unpack_once(
    cache: Path, digest: str, fill: Callable[[Path, Path], UnpackedRecord], known: UnpackedRecord | None = None
) -> Unpacked:
    """Return the folder of a digest, filled unless it is there already.

    The folder appears by a rename when it is complete; one whose files are not all there is filled again.

    Args:
        cache: The cache folder.
        digest: 32 hexadecimal digits of what is unpacked.
        fill: Writes the files into the first folder that it is given; the second is for its own use and is removed.
        known: What the folder is to hold, if that is known without its record.

    Raises:
        OutputError: The cache cannot be written.
    """
    folder = unpacked_folder(cache, digest)
    if found := _find(folder, known):
        return found
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            return _find(folder, known) or _fill(folder, fill, keep_record=known is None)
    except OSError as error:
        raise cache_error(cache, error) from error


def _fill(folder: Path, fill: Callable[[Path, Path], UnpackedRecord], keep_record: bool) -> Unpacked:
    growing = folder.with_suffix(".part")
    shutil.rmtree(growing, ignore_errors=True)
    try:
        own = growing / "own"
        (growing / _FILES).mkdir(parents=True)
        record = fill(growing / _FILES, own)
        shutil.rmtree(own, ignore_errors=True)
        if keep_record:
            (growing / _RECORD).write_text(json.dumps(vars(record)))
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(growing, folder)
    finally:
        shutil.rmtree(growing, ignore_errors=True)
    return record.unpacked_in(folder)


def _find(folder: Path, known: UnpackedRecord | None) -> Unpacked | None:
    record = known or _read_record(folder / _RECORD)
    if record is None or not _is_whole(folder / _FILES, record.sizes):
        return None
    return record.unpacked_in(folder)


def _is_whole(files: Path, sizes: dict[str, int]) -> bool:
    try:
        return all(os.stat(f"{files}/{name}").st_size == size for name, size in sizes.items())
    except OSError:
        return False


def _read_record(file: Path) -> UnpackedRecord | None:
    try:
        values = json.loads(file.read_text())
        rows = tuple(values.get("rows", ()))  # not in the records of earlier versions, which knew zips alone
        return UnpackedRecord(dict(values["sizes"]), dict(values["litter"]), tuple(values["notes"]), rows)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
