"""`cache`: lists what is in the cache folder, and empties it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from photoclass.errors import OutputError
from photoclass.machine import default_cache
from photoclass.paths import AnyPath
from photoclass.photos.cache import names
from photoclass.photos.cache.names import CacheName
from photoclass.photos.cache.store import count_rows, store_files
from photoclass.text import describe_bytes, plural

SCHEMA = "photoclass/cache/1"


@dataclass(frozen=True)
class CacheEntry:
    """A store, a backbone, or what was unpacked in the cache.

    Attributes:
        what: A description.
        photos: The number of photos in a store; None for anything else, or if its index cannot be read.
        files: The number of files.
        bytes: Their size.
    """

    what: str
    photos: int | None
    files: int
    bytes: int

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {"what": self.what, "photos": self.photos, "files": self.files, "bytes": self.bytes}

    def as_text(self) -> str:
        """Return one line, such as `features of lite2, int8, at 260 px, squash: 20,000 photos, 51 MB`."""
        count = plural(self.files, "file") if self.photos is None else plural(self.photos, "photo")
        return f"{self.what}: {count}, {describe_bytes(self.bytes)}"


@dataclass(frozen=True)
class CacheReport:
    """What the cache contains, or contained before it was emptied.

    Attributes:
        folder: The cache folder.
        stored: What was found, by kind.
        in_use: What was not removed because another run is writing it.
        emptied: Whether the rest was removed.
    """

    folder: Path
    stored: tuple[CacheEntry, ...]
    in_use: tuple[str, ...] = ()
    emptied: bool = False

    @property
    def files(self) -> int:
        """The number of files."""
        return sum(stored.files for stored in self.stored)

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(stored.bytes for stored in self.stored)

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "schema": SCHEMA,
            "folder": str(self.folder),
            "files": self.files,
            "bytes": self.bytes,
            "emptied": self.emptied,
            "stored": [entry.as_json() for entry in self.stored],
            "in_use": list(self.in_use),
        }

    def as_text(self) -> str:
        """Return a total, and one line for each entry."""
        files = plural(self.files, "file")
        if self.emptied:
            lines = [f"{self.folder}: freed {describe_bytes(self.bytes)} ({files})"]
        else:
            lines = [
                f"{self.folder}: {files}, {describe_bytes(self.bytes)}",
                *(f"  {stored.as_text()}" for stored in self.stored),
            ]
        return "\n".join([*lines, *(f"  not removed, another run is writing it: {what}" for what in self.in_use)])


@dataclass(frozen=True)
class _Place:
    """A folder of the cache that photoclass made."""

    path: Path
    name: CacheName

    def measured(self) -> CacheEntry:
        if self.name.kind == "store":
            sizes = [path.stat().st_size for path in store_files(self.path)]
            return CacheEntry(self.name.text, count_rows(self.path), len(sizes), sum(sizes))
        sizes = list(_sizes(self.path))
        return CacheEntry(self.name.text, None, len(sizes), sum(sizes))


def cache(folder: AnyPath | None = None, *, empty: bool = False) -> CacheReport:
    """List what the cache contains, and optionally remove it.

    Only what photoclass itself made is listed and removed; symbolic links are neither followed nor removed. A run that
    is in progress keeps the files that it has open. If it needs others, it ends with a one-line error, and the next
    start makes them again.

    Args:
        folder: The cache folder; the user's when None.
        empty: Remove everything.

    Raises:
        OutputError: Something cannot be read or removed.
    """
    folder = None if folder is None else Path(folder)
    folder = folder or default_cache()
    stored, in_use, kinds = [], [], {folder / names.UNPACKED}
    try:
        for place in _places(folder):
            found = place.measured()
            if empty and not _remove(place):
                in_use.append(place.name.text)
            else:
                stored.append(found)
            kinds.add(place.path.parent)
        if empty:
            _remove_empty(kinds)
    except OSError as error:
        verb = "emptied" if empty else "read"
        raise OutputError(
            f"{error.filename or folder}: cannot be {verb} ({error.strerror}); check its owner, and that no run uses it"
        ) from error
    return CacheReport(folder, tuple(stored), tuple(in_use), empty)


def _places(cache: Path) -> Iterator[_Place]:
    """Yield the folders that photoclass made; anything else in the cache folder is left alone."""
    for kind in _folders(cache):
        for path in _folders(kind):
            name = names.parse(kind.name, path.name)
            if name.kind != "store" or (store_files(path) and (name.is_ours or count_rows(path) is not None)):
                yield _Place(path, name)


def _folders(folder: Path) -> list[Path]:
    """List the sub-folders of a folder, without symbolic links."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))


def _sizes(folder: Path) -> Iterator[int]:
    for path, _, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):  # a zip that is being unpacked gets its final name when it is complete
                yield os.lstat(os.path.join(path, name)).st_size


def _remove(place: _Place) -> bool:
    """Remove a folder; return False if another run is writing it."""
    if place.name.kind == "network":
        shutil.rmtree(place.path)
        return True
    if place.name.kind == "store":
        # The index first: rows that it does not list are never read.
        for path in store_files(place.path):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # other files stay
            place.path.rmdir()
        return True
    lock = filelock.FileLock(place.path.with_suffix(".lock"), timeout=0)
    try:
        with lock:
            shutil.rmtree(place.path)
    except filelock.Timeout:
        return False
    return True


def _remove_empty(kinds: set[Path]) -> None:
    """Remove the folders of kinds that are empty now, and the locks of what was unpacked and is gone."""
    for kind in kinds:
        if kind.is_symlink():
            continue
        for lock in kind.glob("*.lock"):
            if names.is_unpacked(lock.stem) and not lock.is_symlink():
                with suppress(filelock.Timeout), filelock.FileLock(lock, timeout=0):
                    lock.unlink(missing_ok=True)
        with suppress(OSError):  # files of others stay
            kind.rmdir()
