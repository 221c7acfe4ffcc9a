"""Row stores: arrays of one shape, keyed by the hash of the content that they were made from.

A store is a folder of *shards* (plain files of rows, read through memory mapping) and an SQLite index from content
hash to (shard, row). A row is entered in the index only after its bytes are on disk, so a killed run may leave
orphaned rows, but never wrong ones. Each writer has its own shard, so runs at the same time do not conflict. A store
may be deleted at any time: missing rows are made again.
"""

import contextlib
import errno
import math
import mmap
import os
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from photoclass.errors import OutputError

# Mapped pages count as this process's memory although the kernel may reclaim them at any time. They are released now
# and then, so that the reported memory stays flat however many rows are read.
_RELEASE_AFTER_BYTES = 128 << 20
_QUERY_KEYS = 500
_BUSY_SECONDS = 60
_ORPHAN_AFTER_SECONDS = 86_400
_INDEX = "index.sqlite"
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_OTHER_CACHE = "PHOTOCLASS_CACHE to a folder that can be written"


def cache_error(folder: Path, error: OSError | sqlite3.Error) -> OutputError:
    """Return the error to raise when a folder of the cache cannot be used: why, and what to do about it."""
    code = error.errno if isinstance(error, OSError) else None
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    if code in _NO_SPACE:
        return OutputError(
            f"{folder}: there is no room for the cache ({reason}); free some space, or set {_OTHER_CACHE}"
        )
    if code is None and folder.is_dir() and os.access(folder, os.W_OK):
        return OutputError(f"{folder}: the cache is damaged ({reason}); delete it, or set {_OTHER_CACHE}")
    return OutputError(f"{folder}: the cache cannot be written ({reason}); set {_OTHER_CACHE}")


class RowStore:
    """A folder of rows of one shape and dtype, keyed by content hash.

    Args:
        folder: Created if missing. Its name must differ wherever rows must not be mixed.
        shape: Shape of a row.
        dtype: Type of the elements.

    Raises:
        OutputError: The folder cannot be written.
    """

    def __init__(self, folder: Path, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self.folder = folder
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.row_bytes = math.prod(shape) * self.dtype.itemsize
        self._was_there = False
        with self.using():
            folder.mkdir(parents=True, exist_ok=True)
            with self._index() as index:
                # Not in WAL mode: if two runs switch a new index to it at the same time, one fails without waiting.
                index.execute(
                    "CREATE TABLE IF NOT EXISTS rows (content BLOB PRIMARY KEY, shard TEXT, row INTEGER) WITHOUT ROWID"
                )
        self._was_there = True

    def find(self, contents: Sequence[bytes]) -> "Rows":
        """Look up rows by content hash; rows that do not exist, or whose shard is gone, are marked missing."""
        known: dict[bytes, tuple[str, int]] = {}
        wanted = list(dict.fromkeys(contents))
        with self.using(), self._index() as index:
            for start in range(0, len(wanted), _QUERY_KEYS):
                keys = wanted[start : start + _QUERY_KEYS]
                marks = ",".join("?" * len(keys))
                query = f"SELECT content, shard, row FROM rows WHERE content IN ({marks})"
                known.update((content, (shard, row)) for content, shard, row in index.execute(query, keys))
        held = {shard: self._rows_held(shard) for shard in sorted({shard for shard, _ in known.values()})}
        shards = [shard for shard, rows in held.items() if rows]
        number = {shard: i for i, shard in enumerate(shards)}
        where = np.full((len(contents), 2), -1, dtype=np.int64)
        for i, content in enumerate(contents):
            if content in known:
                shard, row = known[content]
                if row < held[shard]:
                    where[i] = number[shard], row
        return Rows(self, [self.folder / shard for shard in shards], where)

    @contextlib.contextmanager
    def new_shard(self) -> Iterator["Shard"]:
        """Open a new shard for writing; it is removed again if no row of it was entered."""
        shard = Shard(self, self.folder / f"{secrets.token_hex(8)}.rows")
        with self.using():
            self._remove_orphans()
            shard.path.touch()
            try:
                with open(shard.path, "rb+") as stream:
                    shard.descriptor = stream.fileno()
                    yield shard
            finally:
                if not shard.entered:
                    shard.path.unlink(missing_ok=True)

    def _remove_orphans(self) -> None:
        """Remove shards of killed runs that have no entry in the index and are too old to be still in progress."""
        with self._index() as index:
            known = {name for (name,) in index.execute("SELECT DISTINCT shard FROM rows")}
        for path in self.folder.glob("*.rows"):
            with contextlib.suppress(FileNotFoundError):  # another run may be cleaning up too
                if path.name not in known and time.time() - path.stat().st_mtime > _ORPHAN_AFTER_SECONDS:
                    path.unlink()

    def enter(self, shard: Path, entries: Iterable[tuple[bytes, int]]) -> None:
        """Enter (content, row) pairs in the index, after flushing their bytes to disk."""
        with self.using():
            with open(shard, "rb+") as stream:
                os.fsync(stream.fileno())
            with self._index() as index:
                index.executemany(
                    "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", [(c, shard.name, r) for c, r in entries]
                )

    @contextlib.contextmanager
    def using(self) -> Iterator[None]:
        """Turn errors of the disk or the index into one that names the cache and says how to fix it."""
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            gone = isinstance(error, FileNotFoundError) or not self.folder.exists()
            if self._was_there and gone:
                raise OutputError(
                    f"{self.folder}: the cache was emptied while this run used it; start again, and what is missing "
                    "will be made again"
                ) from error
            raise cache_error(self.folder, error) from error

    def _rows_held(self, shard: str) -> int:
        try:
            return (self.folder / shard).stat().st_size // self.row_bytes
        except FileNotFoundError:
            return 0

    @contextlib.contextmanager
    def _index(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.folder / _INDEX, timeout=_BUSY_SECONDS)
        try:
            with connection:
                yield connection
        finally:
            connection.close()


def store_files(folder: Path) -> list[Path]:
    """List the files of the store in a folder, the index first, without symbolic links; empty if there is no store."""
    names = (_INDEX, f"{_INDEX}-journal", "[0-9a-f]" * 16 + ".rows")
    return [path for name in names for path in sorted(folder.glob(name)) if path.is_file() and not path.is_symlink()]


def count_rows(folder: Path) -> int | None:
    """Count the rows in the index of a store, read-only; None if it cannot be read."""
    address = f"{(folder / _INDEX).absolute().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS)) as index:
            return int(index.execute("SELECT COUNT(*) FROM (SELECT content, shard, row FROM rows)").fetchone()[0])
    except sqlite3.Error:
        return None


class Shard:
    """A file of rows that this run writes; several processes may write different rows of it.

    Attributes:
        path: The file.
        descriptor: An open file descriptor of this process, for `write_row`.
        entered: How many of its rows are in the index.
    """

    def __init__(self, store: RowStore, path: Path) -> None:
        self.path = path
        self.descriptor = -1
        self.entered = 0
        self._store = store

    def enter(self, entries: Sequence[tuple[bytes, int]]) -> None:
        """Enter rows that were written in the index, so that any run can find them."""
        if entries:
            self._store.enter(self.path, entries)
            self.entered += len(entries)


def write_row(shard: int, row: int, values: NDArray[np.generic]) -> None:
    """Write one row at its position in an open shard (a file descriptor)."""
    data = np.ascontiguousarray(values).reshape(-1).view(np.uint8).data
    offset = row * len(data)
    while data:
        written = os.pwrite(shard, data, offset)
        data, offset = data[written:], offset + written


class Rows:
    """Rows of a store, read through memory mapping.

    Attributes:
        missing: Shape (N,), true where the store does not have the row.
    """

    def __init__(self, store: RowStore, shards: list[Path], where: NDArray[np.int64]) -> None:
        self.missing: NDArray[np.bool_] = where[:, 0] < 0
        self._store = store
        self._shards = shards
        self._where = where
        self._maps: list[mmap.mmap] | None = None
        self._views: list[NDArray[np.generic]] = []
        self._read_bytes = 0

    def __len__(self) -> int:
        return len(self._where)

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs, which maps the files itself."""
        return {**self.__dict__, "_maps": None, "_views": []}

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Rows":
        """Return only these rows, in the order given."""
        return Rows(self._store, self._shards, self._where[rows])

    def __getitem__(self, index: int) -> NDArray[np.generic]:
        """Return one row as a read-only view of the mapped file."""
        if self._maps is None:
            self._open()
        shard, row = self._where[index]
        if shard < 0:
            raise KeyError(f"row {index} is not in the store")
        self._release_now_and_then()
        found: NDArray[np.generic] = self._views[shard][row]
        return found

    def all(self) -> NDArray[Any]:
        """Return all rows as one array, shape (N, *shape).

        Raises:
            KeyError: One of them is missing.
        """
        return self.take(np.arange(len(self)))

    def take(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """Return these rows as one array, shape (N, *shape), in the order given.

        Raises:
            KeyError: One of them is missing.
        """
        if self._maps is None:
            self._open()
        if self.missing[indices].any():
            raise KeyError(f"row {int(indices[np.argmax(self.missing[indices])])} is not in the store")
        result = np.empty((len(indices), *self._store.shape), self._store.dtype)
        # In blocks, so that mapped pages are released in time.
        block = max(1, _RELEASE_AFTER_BYTES // self._store.row_bytes)
        for start in range(0, len(indices), block):
            shards, rows = self._where[indices[start : start + block]].T
            for shard in np.unique(shards):
                here = np.flatnonzero(shards == shard)
                result[start + here] = self._views[shard][rows[here]]
            self._release_now_and_then(len(rows))
        return result

    def _open(self) -> None:
        maps = []
        with self._store.using():
            for shard in self._shards:
                with open(shard, "rb") as stream:
                    maps.append(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
        bytes_of = self._store.row_bytes
        self._views = [
            np.frombuffer(m, self._store.dtype, len(m) // bytes_of * math.prod(self._store.shape)).reshape(
                -1, *self._store.shape
            )
            for m in maps
        ]
        self._maps = maps

    def _release_now_and_then(self, rows: int = 1) -> None:
        self._read_bytes += rows * self._store.row_bytes
        if self._read_bytes >= _RELEASE_AFTER_BYTES:
            self._release()

    def _release(self) -> None:
        self._read_bytes = 0
        if hasattr(mmap, "MADV_DONTNEED"):
            for mapped in self._maps or ():
                # For a file that is only read, this drops the mapping of its pages; the page cache keeps them.
                mapped.madvise(mmap.MADV_DONTNEED)
