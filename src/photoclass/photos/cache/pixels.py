"""The pixel cache: every photo decoded once, found again by its content, read through memory mapping."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import PIL
from numpy.typing import NDArray

from photoclass.machine import processors
from photoclass.photos.cache.store import Rows, RowStore, write_row
from photoclass.photos.decode import (
    DECODE_VERSION,
    DecodeSettings,
    Pixels,
    Unreadable,
    decode_picture,
    read_file,
    resize_pixels,
)
from photoclass.photos.duplicates.fingerprint import FINGERPRINT_SIDE, fingerprint
from photoclass.photos.table import PhotoTable, SkippedPhoto
from photoclass.progress import Progress
from photoclass.workspace import Workspace

_CHUNK = 64  # photos a worker takes at once
_ENTER_EVERY = 4096  # photos after which what was made is on disk and known
# Starting worker processes costs about as much as decoding this many photos.
_FEW = 256

# From a file's bytes to a row for each store.
MakeRows: TypeAlias = Callable[[bytes], tuple[NDArray[Any], ...] | Unreadable]


@dataclass(frozen=True)
class CachedPhotos:
    """Photos whose pixels are at hand.

    Attributes:
        table: The photos that could be read; the others stand in `table.skipped`.
        contents: SHA-256 of each photo file, 32 bytes.
        pixels: Row i is photo i: shape (image_size, image_size, 3), uint8 RGB.
        fingerprints: Row i is photo i: shape (32, 32), uint8, for finding near-duplicates.
        settings: How they were decoded.
    """

    table: PhotoTable
    contents: tuple[bytes, ...]
    pixels: Rows
    fingerprints: Rows
    settings: DecodeSettings

    def __len__(self) -> int:
        return len(self.table)

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "CachedPhotos":
        """Return these photos alone (indices or a mask)."""
        indices = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        contents = tuple(self.contents[i] for i in indices)
        return CachedPhotos(
            self.table.select(indices),
            contents,
            self.pixels.select(indices),
            self.fingerprints.select(indices),
            self.settings,
        )


def cache_photos(
    table: PhotoTable,
    settings: DecodeSettings,
    workspace: Workspace,
) -> CachedPhotos:
    """Decode the photos that the cache does not hold yet, in several processes, and return them all.

    Args:
        table: The photos.
        settings: How to decode them.
        workspace: The cache folder, the number of workers, and who receives progress reports.

    Raises:
        OutputError: The cache folder cannot be written, or its disk is full.
    """
    table, contents = hash_contents(table, workspace.progress)
    stores = (_open_pixels(settings, workspace.cache), open_fingerprints(workspace.cache))
    make = partial(_pixels_and_fingerprint, settings=settings)
    table, contents, (pixels, prints) = keep_rows(table, contents, stores, make, workspace)
    return CachedPhotos(table, contents, pixels, prints, settings)


def keep_rows(
    table: PhotoTable,
    contents: tuple[bytes, ...],
    stores: Sequence[RowStore],
    make: MakeRows,
    workspace: Workspace,
) -> tuple[PhotoTable, tuple[bytes, ...], list[Rows]]:
    """Find the rows of photos in stores; what one of them lacks is made from the photo's file, in several processes.

    Args:
        table: The photos.
        contents: SHA-256 of each photo file.
        stores: Where the rows are kept.
        make: Makes a row for each store from a file's bytes. It is called in other processes: a function of a module.
        workspace: How many processes to work in, and who receives progress reports.

    Returns:
        The photos that could be read, with the others skipped; their contents; and their rows in each store.

    Raises:
        OutputError: A store cannot be written, or its disk is full.
    """
    found = [store.find(contents) for store in stores]
    missing: dict[bytes, list[str]] = {}
    for i in np.flatnonzero(np.logical_or.reduce([rows.missing for rows in found])):
        missing.setdefault(contents[i], []).append(table.paths[i])
    if missing:
        failed = _make_missing(missing, stores, make, workspace)
        bad = [SkippedPhoto(table.names[i], failed[c]) for i, c in enumerate(contents) if c in failed]
        kept = np.array([c not in failed for c in contents], dtype=np.bool_)
        table = table.select(kept).with_skipped(bad)
        contents = tuple(c for c in contents if c not in failed)
        found = [store.find(contents) for store in stores]
    return table, contents, found


def _open_pixels(settings: DecodeSettings, cache: Path) -> RowStore:
    """Open the store of pixels. The folder's name carries all that decides a row's bytes, besides the content."""
    side = settings.image_size
    return RowStore(cache / "pixels" / decode_key(settings), (side, side, 3), np.uint8)


def decoders() -> str:
    """Name what decides a photo's pixels at full size, besides its content."""
    return f"v{DECODE_VERSION}-pillow{PIL.__version__}-opencv{cv2.__version__}"


def decode_key(settings: DecodeSettings) -> str:
    """Name all that decides a photo's pixels, besides its content."""
    return f"{decoders()}-{settings.resize}-{settings.image_size}"


def open_fingerprints(cache: Path) -> RowStore:
    """Open the store of fingerprints, which are the same whatever size a network takes."""
    side = FINGERPRINT_SIDE
    return RowStore(cache / "fingerprints" / f"{decoders()}-{side}", (side, side), np.uint8)


def hash_contents(table: PhotoTable, progress: Progress) -> tuple[PhotoTable, tuple[bytes, ...]]:
    """Return the photos whose files can be read, the others skipped, and the SHA-256 of each file."""
    hashes: list[bytes | None] = []
    unreadable = []
    with progress.task("Reading", len(table)) as task, ThreadPoolExecutor(2 * processors()) as pool:
        for start in range(0, len(table), _ENTER_EVERY):
            span = slice(start, start + _ENTER_EVERY)
            for name, result in zip(table.names[span], pool.map(_hash_file, table.paths[span]), strict=True):
                hashes.append(None if isinstance(result, Unreadable) else result)
                if isinstance(result, Unreadable):
                    unreadable.append(SkippedPhoto(name, result.reason))
                task.advance()
    readable = np.array([h is not None for h in hashes], dtype=np.bool_)
    return table.select(readable).with_skipped(unreadable), tuple(h for h in hashes if h is not None)


def _hash_file(path: str) -> bytes | Unreadable:
    data = read_file(path)
    return data if isinstance(data, Unreadable) else hashlib.sha256(data).digest()


@dataclass(frozen=True)
class _Chunk:
    """Photos whose rows a worker makes at once, from `first_row` of each shard on."""

    items: list[tuple[bytes, list[str]]]
    first_row: int
    shards: tuple[Path, ...]
    make: MakeRows


def _make_missing(
    missing: dict[bytes, list[str]], stores: Sequence[RowStore], make: MakeRows, workspace: Workspace
) -> dict[bytes, str]:
    """Make rows of photos (content to the paths of its copies) in new shards; return why, of those that failed."""
    failed: dict[bytes, str] = {}
    items = list(missing.items())
    with contextlib.ExitStack() as opened:
        shards = [opened.enter_context(store.new_shard()) for store in stores]
        task = opened.enter_context(workspace.task("Decoding", len(items)))
        paths = tuple(shard.path for shard in shards)
        chunks = (_Chunk(items[start : start + _CHUNK], start, paths, make) for start in range(0, len(items), _CHUNK))
        written: list[tuple[bytes, int]] = []
        for results in _run(chunks, workspace.worker_count if len(items) > _FEW else 1):
            for content, row, reason in results:
                if reason:
                    failed[content] = reason
                else:
                    written.append((content, row))
            task.advance(len(results))
            if len(written) >= _ENTER_EVERY:
                for shard in shards:
                    shard.enter(written)
                written = []
        for shard in shards:
            shard.enter(written)
    return failed


def _run(chunks: Iterator[_Chunk], workers: int) -> Iterator[list[tuple[bytes, int, str]]]:
    if workers == 1:
        yield from map(_make_chunk, chunks)
        return
    # Worker processes of loky start afresh: no fork under threads, and no `__main__` guard asked of the caller.
    from joblib import Parallel, delayed

    yield from Parallel(n_jobs=workers, return_as="generator_unordered")(map(delayed(_make_chunk), chunks))


def _make_chunk(chunk: _Chunk) -> list[tuple[bytes, int, str]]:
    """Make the rows of photos; return (content, row, reason why not, or empty) for each."""
    results = []
    with contextlib.ExitStack() as opened:
        shards = [opened.enter_context(open(path, "rb+")).fileno() for path in chunk.shards]
        for row, (content, paths) in enumerate(chunk.items, start=chunk.first_row):
            data = read_first(paths, content)
            made = data if isinstance(data, Unreadable) else chunk.make(data)
            if isinstance(made, Unreadable):
                results.append((content, row, made.reason))
                continue
            for shard, values in zip(shards, made, strict=True):
                write_row(shard, row, values)
            results.append((content, row, ""))
    return results


def read_first(paths: list[str], content: bytes) -> bytes | Unreadable:
    """Read the first of a content's copies that still holds it."""
    for path in paths:
        data = read_file(path)
        if not isinstance(data, Unreadable) and hashlib.sha256(data).digest() != content:
            data = Unreadable("file changed while it was being read")
        if not isinstance(data, Unreadable):
            break
    return data


def decode_first(paths: list[str], content: bytes, settings: DecodeSettings) -> tuple[Pixels, Pixels] | Unreadable:
    """Decode the first of a content's copies that still holds it.

    Returns:
        The pixels that a network sees, and the fingerprint for finding near-duplicates; or the reason why there are none.
    """
    data = read_first(paths, content)
    return data if isinstance(data, Unreadable) else _pixels_and_fingerprint(data, settings)


def _pixels_and_fingerprint(data: bytes, settings: DecodeSettings) -> tuple[Pixels, Pixels] | Unreadable:
    picture = decode_picture(data, 2 * settings.image_size)
    if isinstance(picture, Unreadable):
        return picture
    upright = np.asarray(picture)
    return resize_pixels(upright, settings), fingerprint(upright)
