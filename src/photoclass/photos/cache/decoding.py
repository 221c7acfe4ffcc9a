"""Rows made from photo files in several processes: the producer of pixels, fingerprints and measures."""

import contextlib
import multiprocessing
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from numpy.typing import NDArray

from photoclass.photos.cache.photo_set import Missing, read_first
from photoclass.photos.cache.store import RowStore, write_row
from photoclass.photos.decode import Unreadable
from photoclass.workspace import Workspace

_CHUNK = 64  # photos that a worker takes at once
_ENTER_EVERY = 4096  # photos after which the rows made so far are on disk and in the index
# Starting worker processes costs about as much as decoding this many photos.
_FEW = 256

# From a file's bytes to a row for each store.
MakeRows: TypeAlias = Callable[[bytes], tuple[NDArray[Any], ...] | Unreadable]


@dataclass(frozen=True)
class _Chunk:
    """Photos whose rows one worker makes, from `first_row` of each shard on."""

    items: list[tuple[bytes, list[str]]]
    first_row: int
    shards: tuple[Path, ...]
    make: MakeRows


def decode_in_processes(
    missing: Missing, stores: Sequence[RowStore], make: MakeRows, workspace: Workspace
) -> dict[bytes, str]:
    """Make the rows of photos in new shards of the stores.

    Args:
        missing: Content hash of each photo, with the paths of its copies.
        stores: Where the rows are kept.
        make: Makes a row for each store from a file's bytes. Other processes call it: a function of a module.
        workspace: The number of processes, and who receives progress reports.

    Returns:
        Why, for those that failed.

    Raises:
        OutputError: A store cannot be written, or its disk is full.
    """
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
    # A daemon process may not start others.
    if workers == 1 or multiprocessing.current_process().daemon:
        yield from map(_make_chunk, chunks)
        return
    # Worker processes of loky start afresh: no fork under threads, and no `__main__` guard asked of the caller.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where the system has no semaphores, joblib does the work in one process
        from joblib import Parallel, delayed

    yield from Parallel(n_jobs=workers, return_as="generator_unordered")(map(delayed(_make_chunk), chunks))


def _make_chunk(chunk: _Chunk) -> list[tuple[bytes, int, str]]:
    """Make the rows of photos; return (content, row, reason of failure or empty) for each."""
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
