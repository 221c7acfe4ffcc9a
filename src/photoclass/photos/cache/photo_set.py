"""Photos with what the cache holds of each: found by content, made from the photo's file where it is missing."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from photoclass.machine import processors
from photoclass.photos.cache.store import Rows, RowStore
from photoclass.photos.decode import Unreadable, read_file
from photoclass.photos.decode_settings import DEFAULT_RULES, PictureRules
from photoclass.photos.table import PhotoTable, SkippedPhoto
from photoclass.progress import Progress

_HASHED_AT_ONCE = 4096

# Content hash of each photo to make rows of, with the paths of its copies.
Missing: TypeAlias = dict[bytes, list[str]]
# Makes rows of missing photos and enters them in the stores; returns why, for those that failed.
Producer: TypeAlias = Callable[[Missing, Sequence[RowStore]], dict[bytes, str]]


@dataclass(frozen=True)
class PhotoSet:
    """Photos that can be read; what else is known of each is up to the subclass.

    Attributes:
        table: The photos; files that cannot be read are in `table.skipped`.
        contents: SHA-256 of each photo file, 32 bytes.
        fingerprints: Row i is photo i: shape (32, 32), uint8, for finding near-duplicates.
    """

    table: PhotoTable
    contents: tuple[bytes, ...]
    fingerprints: Rows

    def __len__(self) -> int:
        return len(self.table)

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Self:
        """Return only these photos (indices or a mask)."""
        indices = np.arange(len(self))[rows]
        return replace(
            self,
            table=self.table.select(indices),
            contents=tuple(self.contents[i] for i in indices),
            fingerprints=self.fingerprints.select(indices),
            **self._select_fields(indices),
        )

    def picture_rules(self) -> PictureRules:
        """Return how the photos were decoded for their fingerprints."""
        return DEFAULT_RULES

    def _select_fields(self, indices: NDArray[np.int64]) -> dict[str, Any]:
        """Return the other fields that hold something of each photo, for these photos."""
        return {}


@dataclass(frozen=True)
class KeptRows:
    """What stores hold of photos.

    Attributes:
        table: The photos that can be read, the others in `table.skipped`.
        contents: SHA-256 of each photo file.
        rows: The rows of these photos, for each store.
        made: How many of the photos had to be made.
    """

    table: PhotoTable
    contents: tuple[bytes, ...]
    rows: tuple[Rows, ...]
    made: int


def keep_rows(
    table: PhotoTable, contents: tuple[bytes, ...], stores: Sequence[RowStore], produce: Producer
) -> KeptRows:
    """Find the rows of photos in all of the stores; what any of them lacks is produced from the photo's file.

    Args:
        table: The photos.
        contents: SHA-256 of each photo file; see `hash_contents`.
        stores: Where the rows are kept.
        produce: Makes the rows of missing photos, a row for each store.

    Raises:
        OutputError: A store cannot be written, or its disk is full.
    """
    found = [store.find(contents) for store in stores]
    missing: Missing = {}
    for i in np.flatnonzero(np.logical_or.reduce([rows.missing for rows in found])):
        missing.setdefault(contents[i], []).append(table.paths[i])
    if missing:
        failed = produce(missing, stores)
        skipped = [SkippedPhoto(table.names[i], failed[c]) for i, c in enumerate(contents) if c in failed]
        kept = np.array([c not in failed for c in contents], dtype=np.bool_)
        table = table.select(kept).with_skipped(skipped)
        contents = tuple(c for c in contents if c not in failed)
        found = [store.find(contents) for store in stores]
    return KeptRows(table, contents, tuple(found), sum(content in missing for content in contents))


def hash_contents(table: PhotoTable, progress: Progress) -> tuple[PhotoTable, tuple[bytes, ...]]:
    """Return the photos whose files can be read, the others skipped, and the SHA-256 of each file."""
    hashes: list[bytes | None] = []
    unreadable = []
    with progress.task("Reading", len(table)) as task, ThreadPoolExecutor(2 * processors()) as pool:
        for start in range(0, len(table), _HASHED_AT_ONCE):
            span = slice(start, start + _HASHED_AT_ONCE)
            for name, result in zip(table.names[span], pool.map(_hash_file, table.paths[span]), strict=True):
                hashes.append(None if isinstance(result, Unreadable) else result)
                if isinstance(result, Unreadable):
                    unreadable.append(SkippedPhoto(name, result.reason))
                task.advance()
    readable = np.array([h is not None for h in hashes], dtype=np.bool_)
    return table.select(readable).with_skipped(unreadable), tuple(h for h in hashes if h is not None)


def read_first(paths: list[str], content: bytes) -> bytes | Unreadable:
    """Read the first copy of a photo that still has this content."""
    for path in paths:
        data = read_file(path)
        if not isinstance(data, Unreadable) and hashlib.sha256(data).digest() != content:
            data = Unreadable("file changed while it was being read")
        if not isinstance(data, Unreadable):
            break
    return data


def _hash_file(path: str) -> bytes | Unreadable:
    data = read_file(path)
    return data if isinstance(data, Unreadable) else hashlib.sha256(data).digest()
