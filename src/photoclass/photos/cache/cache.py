"""`cache`: what lies in the cache folder, in words and bytes, and how to be rid of it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import filelock

from photoclass.errors import OutputError
from photoclass.machine import default_cache
from photoclass.photos.cache import names
from photoclass.photos.cache.names import CacheName
from photoclass.photos.cache.store import count_rows, store_files
from photoclass.text import describe_bytes


@dataclass(frozen=True)
class CacheEntry:
    """One thing that the cache holds.

    Attributes:
        what: In words.
        photos: How many it is about; None where that cannot be told.
        files: How many files it is.
        bytes: Their size.
    """

    what: str
    photos: int | None
    files: int
    bytes: int

    def as_text(self) -> str:
        """Return a line, as `features of lite2, int8, at 260 px, squash: 20,000 photos, 51 MB`."""
        count = f"{self.files:,} files" if self.photos is None else f"{self.photos:,} photos"
        return f"{self.what}: {count}, {describe_bytes(self.bytes)}"


@dataclass(frozen=True)
class CacheReport:
    """What the cache holds, or held.

    Attributes:
        folder: Where it lies.
        stored: What was found, kind by kind.
        in_use: What was left since another run is making it.
        emptied: Whether it was removed.
    """

    folder: Path
    stored: tuple[CacheEntry, ...]
    in_use: tuple[str, ...] = ()
    emptied: bool = False

    @property
    def files(self) -> int:
        """Count the files."""
        return sum(stored.files for stored in self.stored)

    @property
    def bytes(self) -> int:
        """Add up their sizes."""
        return sum(stored.bytes for stored in self.stored)

    def as_text(self) -> str:
        """Return it as lines."""
        total = f"{self.files:,} files, {describe_bytes(self.bytes)}"
        if self.emptied:
            lines = [f"{self.folder}: freed {describe_bytes(self.bytes)} ({self.files:,} files)"]
        else:
            lines = [f"{self.folder}: {total}", *(f"  {stored.as_text()}" for stored in self.stored)]
        return "\n".join([*lines, *(f"  left, since another run is at it: {what}" for what in self.in_use)])


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


def cache(folder: Path | None = None, *, empty: bool = False) -> CacheReport:
    """Tell what the cache holds, and remove it if that is wanted.

    Only what photoclass itself puts there is looked at and removed; links are neither followed nor removed. A run that
    is going on meanwhile keeps what it has opened; what it misses after that ends it with one line, and the next start
    makes it again.

    Args:
        folder: The cache folder; the user's when None.
        empty: Remove all of it.

    Raises:
        OutputError: Something cannot be looked at or removed.
    """
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
        verb = "emptied" if empty else "looked at"
        raise OutputError(
            f"{error.filename or folder}: cannot be {verb} ({error.strerror}); see whose it is, and that no run uses it"
        ) from error
    return CacheReport(folder, tuple(stored), tuple(in_use), empty)


def _places(cache: Path) -> Iterator[_Place]:
    """Give what photoclass made in the cache folder. What else lies there is none of its business."""
    for kind in _folders(cache):
        for path in _folders(kind):
            name = names.parse(kind.name, path.name)
            if name.kind != "store" or (store_files(path) and (name.is_ours or count_rows(path) is not None)):
                yield _Place(path, name)


def _folders(folder: Path) -> list[Path]:
    """List the folders in a folder, without links."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))


def _sizes(folder: Path) -> Iterator[int]:
    for path, _, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):  # a zip that is being unpacked takes its name when it is whole
                yield os.lstat(os.path.join(path, name)).st_size


def _remove(place: _Place) -> bool:
    """Remove a place; return whether it could be had, no other run being at it."""
    if place.name.kind == "network":
        shutil.rmtree(place.path)
        return True
    if place.name.kind == "store":
        # The index first: rows that nobody knows are never read.
        for path in store_files(place.path):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # what else lies there stays
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
    """Remove the folders of kinds that have become empty, and the locks of zips that are unpacked no more."""
    for kind in kinds:
        if kind.is_symlink():
            continue
        for lock in kind.glob("*.lock"):
            if names.is_unpacked(lock.stem) and not lock.is_symlink():
                with suppress(filelock.Timeout), filelock.FileLock(lock, timeout=0):
                    lock.unlink(missing_ok=True)
        with suppress(OSError):  # what others put there stays
            kind.rmdir()
