"""Row stores: rows are complete or missing, whoever writes at the same time and whatever is deleted."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Barrier, Thread, Timer

import numpy as np
import pytest
from numpy.typing import NDArray

from photoclass.errors import OutputError
from photoclass.photos.cache import store as store_module
from photoclass.photos.cache.store import Rows, RowStore, write_row
from picture_files import put


def _content(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _row(number: int, shape: tuple[int, ...] = (2, 3)) -> NDArray[np.uint8]:
    return np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)


def _store(folder: Path) -> RowStore:
    return RowStore(folder / "store", (2, 3), np.uint8)


def _write(store: RowStore, rows: Mapping[bytes, NDArray[np.uint8]]) -> Path:
    """Write rows to a new shard and enter them in the index."""
    with store.new_shard() as shard:
        with open(shard.path, "rb+") as stream:
            for place, values in enumerate(rows.values()):
                write_row(stream.fileno(), place, values)
        shard.enter([(content, place) for place, content in enumerate(rows)])
        return shard.path


def _numbered(*numbers: int) -> dict[bytes, NDArray[np.uint8]]:
    return {_content(number): _row(number) for number in numbers}


def _see_rows(rows: Rows, *numbers: int) -> None:
    assert len(rows) == len(numbers)
    assert not rows.missing.any()
    for place, number in enumerate(numbers):
        np.testing.assert_array_equal(rows[place], _row(number))


def test_rows_are_found_by_content_in_the_requested_order(tmp_path: Path) -> None:
    store = _store(tmp_path)
    _write(store, _numbered(1, 2, 3))
    _write(store, _numbered(4, 5))
    _see_rows(store.find([_content(number) for number in (5, 1, 4, 1)]), 5, 1, 4, 1)


def test_rows_persist(tmp_path: Path) -> None:
    _write(_store(tmp_path), _numbered(1, 2))
    _see_rows(_store(tmp_path).find([_content(2)]), 2)


def test_rows_of_other_types_read_back_as_written(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    store = RowStore(tmp_path / "store", (5,), np.float32)
    _write(store, {_content(i): values[i] for i in range(3)})
    found = store.find([_content(i) for i in range(3)])
    np.testing.assert_array_equal(np.stack([found[i] for i in range(3)]), values)


def test_rows_may_be_written_in_any_order_and_from_any_memory_layout(tmp_path: Path) -> None:
    store = _store(tmp_path)
    with store.new_shard() as shard:
        with open(shard.path, "rb+") as stream:
            for place in (2, 0, 1):
                write_row(stream.fileno(), place, np.asfortranarray(_row(place)))
        shard.enter([(_content(place), place) for place in range(3)])
    _see_rows(store.find([_content(place) for place in range(3)]), 0, 1, 2)


def test_unknown_rows_are_marked_missing(tmp_path: Path) -> None:
    store = _store(tmp_path)
    assert store.find([_content(1)]).missing.tolist() == [True]
    _write(store, _numbered(1, 3))
    rows = store.find([_content(1), _content(2), _content(3)])
    assert rows.missing.tolist() == [False, True, False]
    np.testing.assert_array_equal(rows[2], _row(3))
    with pytest.raises(KeyError):
        rows[1]


def test_looking_up_nothing_finds_nothing(tmp_path: Path) -> None:
    assert len(_store(tmp_path).find([])) == 0


def test_a_thousand_rows_are_found_at_once(tmp_path: Path) -> None:
    store = _store(tmp_path)
    _write(store, _numbered(*range(1234)))
    _see_rows(store.find([_content(number) for number in range(1234)]), *range(1234))


def test_rows_can_be_selected_by_indices_or_by_a_mask(tmp_path: Path) -> None:
    store = _store(tmp_path)
    _write(store, _numbered(0, 1, 2))
    rows = store.find([_content(number) for number in range(3)])
    _see_rows(rows.select(np.array([2, 0])), 2, 0)
    _see_rows(rows.select(np.array([False, True, True])), 1, 2)


def test_a_row_written_again_replaces_the_first(tmp_path: Path) -> None:
    store = _store(tmp_path)
    _write(store, {_content(1): _row(7)})
    _write(store, _numbered(1))
    _see_rows(store.find([_content(1)]), 1)


def test_rows_are_read_only(tmp_path: Path) -> None:
    store = _store(tmp_path)
    _write(store, _numbered(1))
    with pytest.raises(ValueError, match="read-only"):
        store.find([_content(1)])[0][0, 0] = 1


def test_a_shard_without_entered_rows_is_removed(tmp_path: Path) -> None:
    store = _store(tmp_path)
    with store.new_shard() as shard, open(shard.path, "rb+") as stream:
        write_row(stream.fileno(), 0, _row(1))
    assert not list(store.folder.glob("*.rows"))


def test_rows_entered_before_an_interruption_are_kept(tmp_path: Path) -> None:
    store = _store(tmp_path)
    with pytest.raises(KeyboardInterrupt), store.new_shard() as shard:
        with open(shard.path, "rb+") as stream:
            write_row(stream.fileno(), 0, _row(1))
            write_row(stream.fileno(), 1, _row(2))
        shard.enter([(_content(1), 0)])
        raise KeyboardInterrupt
    _see_rows(store.find([_content(1)]), 1)
    assert store.find([_content(2)]).missing.all()


KILLED_WRITER = """
import os, signal, sys
import numpy as np
from pathlib import Path
from photoclass.photos.cache.store import RowStore, write_row

store = RowStore(Path(sys.argv[1]), (2, 3), np.uint8)
with store.new_shard() as shard:
    with open(shard.path, "rb+") as stream:
        for place in range(2):
            write_row(stream.fileno(), place, np.full((2, 3), 99, np.uint8))
    shard.enter([((1).to_bytes(32, "big"), 0)])
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_writer_leaves_the_rows_that_it_entered_and_no_others(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED_WRITER, str(tmp_path / "store")], timeout=60)
    assert killed.returncode == -signal.SIGKILL
    store = _store(tmp_path)
    rows = store.find([_content(1), _content(2)])
    assert rows.missing.tolist() == [False, True]
    assert (rows[0] == 99).all()
    _write(store, _numbered(2))
    _see_rows(store.find([_content(2)]), 2)


@pytest.mark.parametrize("left_bytes", [None, 0, 11])
def test_only_rows_of_deleted_or_truncated_shards_are_missing(left_bytes: int | None, tmp_path: Path) -> None:
    store = _store(tmp_path)
    lost = _write(store, _numbered(1, 2))
    _write(store, _numbered(3))
    if left_bytes is None:
        lost.unlink()
    else:
        os.truncate(lost, left_bytes)
    wanted = [_content(2), _content(3)]
    rows = store.find(wanted)
    assert rows.missing.tolist() == [True, False]
    np.testing.assert_array_equal(rows[1], _row(3))
    _write(store, _numbered(2))
    _see_rows(store.find(wanted), 2, 3)


def test_open_rows_outlive_their_file(tmp_path: Path) -> None:
    store = _store(tmp_path)
    shard = _write(store, _numbered(1, 2))
    rows = store.find([_content(1), _content(2)])
    np.testing.assert_array_equal(rows[0], _row(1))
    shard.unlink()
    np.testing.assert_array_equal(rows[1], _row(2))


def test_rows_deleted_before_their_first_use_are_a_clear_error(tmp_path: Path) -> None:
    store = _store(tmp_path)
    shard = _write(store, _numbered(1))
    rows = store.find([_content(1)])
    shard.unlink()
    with pytest.raises(OutputError, match="the cache was emptied while this run used it; start again"):
        rows[0]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("store", r"the cache cannot be written \(File exists\); set PHOTOCLASS_CACHE"),
        ("store/index.sqlite", r"the cache is damaged \(file is not a database\); delete it, or set PHOTOCLASS_CACHE"),
    ],
)
def test_a_store_that_cannot_be_used_is_a_clear_error(place: str, message: str, tmp_path: Path) -> None:
    put(tmp_path / place, b"something else, long enough to be no index" * 100)
    with pytest.raises(OutputError, match=message):
        _store(tmp_path)


def test_opening_a_new_store_waits_for_another_writer(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    first = sqlite3.connect(tmp_path / "store/index.sqlite", isolation_level=None, check_same_thread=False)
    with contextlib.closing(first):
        first.execute("BEGIN IMMEDIATE")
        ready = Timer(0.2, first.execute, ["COMMIT"])
        ready.start()
        _write(_store(tmp_path), _numbered(1))
        ready.join()
    _see_rows(_store(tmp_path).find([_content(1)]), 1)


def test_many_may_open_and_write_a_new_store_at_once(tmp_path: Path) -> None:
    for attempt in range(10):
        start = Barrier(6)
        failed: list[Exception] = []

        def run(number: int, folder: Path, start: Barrier = start, failed: list[Exception] = failed) -> None:
            start.wait()
            try:
                _write(_store(folder), _numbered(number))
            except Exception as error:
                failed.append(error)

        threads = [Thread(target=run, args=(number, tmp_path / str(attempt))) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        _see_rows(_store(tmp_path / str(attempt)).find([_content(number) for number in range(6)]), *range(6))


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is measured under /proc")
def test_fault_28_reading_many_rows_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_RELEASE_AFTER_BYTES", 4 << 20)
    store = RowStore(tmp_path / "store", (1 << 20,), np.uint8)
    count = 96
    with store.new_shard() as shard:
        os.truncate(shard.path, count << 20)  # rows of zeros that take no room on the disk
        shard.enter([(_content(number), number) for number in range(count)])
    rows = store.find([_content(number) for number in range(count)])
    before = _resident_bytes()
    highest = 0
    for number in range(count):
        assert not rows[number].any()
        highest = max(highest, _resident_bytes())
    assert highest - before < 32 << 20


def test_fault_28_rows_are_mapped_and_not_loaded(tmp_path: Path) -> None:
    store = _store(tmp_path)
    _write(store, _numbered(*range(3)))
    rows = store.find([_content(number) for number in range(3)])
    first, second = rows[0], rows[1]
    assert not first.flags.owndata
    assert first.__array_interface__["data"][0] + store.row_bytes == second.__array_interface__["data"][0]


def test_orphaned_shards_are_removed_once_they_are_old(tmp_path: Path) -> None:
    store = _store(tmp_path)
    known = _write(store, _numbered(1))
    orphans = [store.folder / f"{name}.rows" for name in ("old", "fresh")]
    for path in (known, *orphans):
        path.touch()
    for path in (known, orphans[0]):
        os.utime(path, (0, 0))
    _write(store, _numbered(2))
    assert [path.exists() for path in (known, *orphans)] == [True, False, True]
    _see_rows(store.find([_content(1), _content(2)]), 1, 2)
