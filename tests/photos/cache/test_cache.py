"""`photoclass cache`: lists every store, removes all of it and nothing else, whoever uses it meanwhile."""

import contextlib
import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import numpy as np
import pytest

from photoclass.errors import OutputError
from photoclass.photos.cache.cache import CacheReport, cache
from photoclass.photos.cache.pixels import cache_photos
from photoclass.photos.cache.store import RowStore, write_row
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.photos.sources.archives.unpack import unpack
from photoclass.photos.sources.read_photos import read_photos
from photoclass.progress import Silent, Task
from photoclass.text import describe_bytes
from photoclass.workspace import Workspace
from picture_files import encode, noise_picture, put
from running import done, run_command


def _photos(folder: Path, count: int = 5) -> Path:
    for number in range(count):
        put(folder / f"{number}.png", encode(noise_picture(number), "PNG"))
    return folder


def _fill(folder: Path, size: int = 24) -> Path:
    """Make a cache of pixels, fingerprints and an unpacked zip, and return it."""
    photos = _photos(folder / "photos")
    archive = Path(shutil.make_archive(str(folder / "photos"), "zip", photos))
    cache_photos(
        read_photos([archive], Workspace(folder / "cache")), DecodeSettings(size), Workspace(folder / "cache", 1)
    )
    return folder / "cache"


def _what(report: CacheReport) -> dict[str, int | None]:
    return {stored.what: stored.photos for stored in report.stored}


def _bytes_of(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def test_every_store_is_listed_with_its_photos_and_size(tmp_path: Path) -> None:
    folder = _fill(tmp_path)
    report = cache(folder)
    zipped, prints = (next(what for what in _what(report) if what.startswith(w)) for w in ("unpacked", "fingerpr"))
    assert _what(report) == {zipped: None, prints: 5, "pixels at 24 px, squash": 5}
    assert report.bytes == _bytes_of(folder)
    assert report.files == sum(path.is_file() for path in folder.rglob("*") if path.suffix != ".lock")
    pixels = next(stored for stored in report.stored if stored.what.startswith("pixels"))
    assert pixels.files == 2 and pixels.bytes >= 5 * 24 * 24 * 3
    assert "pixels at 24 px, squash: 5 photos, " in report.as_text()


def test_listing_changes_nothing(tmp_path: Path) -> None:
    folder = _fill(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    cache(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_pixels_of_another_decoder_are_listed_as_such(tmp_path: Path) -> None:
    folder = _fill(tmp_path)
    (pixels,) = (folder / "pixels").iterdir()
    pixels.rename(pixels.with_name(pixels.name.replace("-pillow", "-pillow0")))
    assert "pixels at 24 px, squash, by another version of the decoder" in _what(cache(folder))


def test_the_command_lists_and_empties_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOCLASS_CACHE", str(_fill(tmp_path)))
    shown = done("cache").stdout
    assert shown == cache(tmp_path / "cache").as_text() + "\n"
    report = cache(tmp_path / "cache")
    emptied = done("cache", "--empty").stdout
    assert f"freed {describe_bytes(report.bytes)} ({report.files} files)" in emptied
    assert list((tmp_path / "cache").iterdir()) == []
    assert done("cache").stdout == f"{tmp_path / 'cache'}: 0 files, 0 bytes\n"
    monkeypatch.setenv("PHOTOCLASS_CACHE", str(tmp_path / "absent"))
    assert "0 files" in done("cache", "--empty").stdout
    assert not (tmp_path / "absent").exists()


def test_files_of_others_stay(tmp_path: Path) -> None:
    folder = _fill(tmp_path)
    (pixels,) = (folder / "pixels").iterdir()
    theirs = [
        put(folder / "notes.txt", b"mine"),
        put(folder / "pixels" / "art.png", b"mine"),
        put(pixels / "notes.rows", b"mine"),
        put(folder / "unpacked" / "my photos" / "1.jpg", b"mine"),
        put(folder / "mail" / "inbox" / "index.sqlite", b"mine"),
        folder / "mail" / "outbox" / "index.sqlite",
    ]
    (folder / "mail" / "outbox").mkdir()
    (folder / "mail" / "empty").mkdir()
    with contextlib.closing(sqlite3.connect(theirs[-1])) as other, other:
        other.execute("CREATE TABLE rows (letter TEXT)")
    cache(folder, empty=True)
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == sorted(theirs)
    assert (folder / "mail" / "empty").is_dir()


def test_links_are_neither_followed_nor_removed(tmp_path: Path) -> None:
    folder, elsewhere = _fill(tmp_path / "a"), _fill(tmp_path / "b")
    before = sorted(elsewhere.rglob("*"))
    (pixels,) = (elsewhere / "pixels").iterdir()
    os.symlink(pixels, folder / "pixels" / "linked")
    os.symlink(elsewhere / "features", folder / "features")
    os.symlink(elsewhere / "unpacked", folder / "maps")
    (zipped,) = (path for path in (folder / "unpacked").iterdir() if path.is_dir())
    os.symlink(elsewhere, zipped / "in a zip")
    (own,) = (path for path in (folder / "pixels").iterdir() if not path.is_symlink())
    os.symlink(next(pixels.glob("*.rows")), own / ("0" * 16 + ".rows"))
    cache(folder, empty=True)
    assert sorted(elsewhere.rglob("*")) == before
    assert sorted(path.name for path in folder.rglob("*") if path.is_symlink()) == [
        "0" * 16 + ".rows", "features", "linked", "maps",
    ]  # fmt: skip


def test_a_damaged_store_is_listed_and_removed_like_any_other(tmp_path: Path) -> None:
    folder = _fill(tmp_path)
    (index,) = (folder / "pixels").rglob("index.sqlite")
    index.write_bytes(b"not a database" * 100)
    assert _what(cache(folder))["pixels at 24 px, squash"] is None
    cache(folder, empty=True)
    assert not (folder / "pixels").exists()


def test_a_zip_that_is_being_unpacked_is_kept_and_named(tmp_path: Path) -> None:
    folder = _fill(tmp_path)
    (zipped,) = (path for path in (folder / "unpacked").iterdir() if path.is_dir())
    with filelock.FileLock(zipped.with_suffix(".lock")):
        report = cache(folder, empty=True)
        assert [what.startswith("unpacked files") for what in report.in_use] == [True]
        assert "not removed, another run is writing it: unpacked files" in report.as_text()
    assert len([path for path in zipped.rglob("*") if path.is_file()]) == 5
    assert not (folder / "pixels").exists()


def test_a_file_that_cannot_be_removed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _fill(tmp_path)

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(OutputError, match=rf"{folder}.*: cannot be emptied \(Permission denied\)"):
        cache(folder, empty=True)


def test_a_cache_path_that_is_a_file_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOCLASS_CACHE", str(put(tmp_path / "cache", b"a file")))
    result = run_command("cache", "--empty")
    assert (result.returncode, (tmp_path / "cache").read_bytes()) == (0, b"a file")
    assert "0 files" in result.stdout


# While a run uses it


class _Meanwhile(Silent):
    """Progress that does something when a task begins."""

    def __init__(self, title: str, deed: Callable[[], object]) -> None:
        self._title, self._deed = title, deed

    @contextlib.contextmanager
    def task(self, title: str, total: int, unit: str = "photos", done: int = 0) -> Iterator[Task]:
        if title == self._title:
            self._deed()
        with super().task(title, total, unit, done) as task:
            yield task


def test_a_run_that_is_filling_the_cache_ends_with_one_line(tmp_path: Path) -> None:
    table = read_photos([_photos(tmp_path / "photos")], Workspace(tmp_path / "cache"))
    meanwhile = _Meanwhile("Decoding", lambda: cache(tmp_path / "cache", empty=True))
    with pytest.raises(OutputError, match="the cache was emptied while this run used it; start again") as ended:
        cache_photos(table, DecodeSettings(24), Workspace(tmp_path / "cache", 1, meanwhile))
    assert "\n" not in str(ended.value)
    assert len(cache_photos(table, DecodeSettings(24), Workspace(tmp_path / "cache", 1))) == 5


def test_rows_that_are_open_stay_readable_and_others_say_what_happened(tmp_path: Path) -> None:
    store = RowStore(tmp_path / "cache" / "features" / "x", (3,), np.float32)
    with store.new_shard() as shard:
        write_row(shard.descriptor, 0, np.arange(3, dtype=np.float32))
        shard.enter([(b"a", 0)])
    opened, unopened = store.find([b"a"]), store.find([b"a"])
    assert opened[0].tolist() == [0, 1, 2]
    cache(tmp_path / "cache", empty=True)
    assert opened[0].tolist() == [0, 1, 2]
    with pytest.raises(OutputError, match="the cache was emptied while this run used it"):
        unopened.all()


def test_photos_of_an_unpacked_zip_are_skipped_as_vanished(tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "photos"), "zip", _photos(tmp_path / "photos")))
    folder = unpack(archive, Workspace(tmp_path / "cache")).folder
    table = read_photos([archive], Workspace(tmp_path / "cache"))
    meanwhile = _Meanwhile("Reading", lambda: cache(tmp_path / "cache", empty=True))
    photos = cache_photos(table, DecodeSettings(24), Workspace(tmp_path / "cache", 1, meanwhile))
    assert not folder.exists()
    assert [item.reason for item in photos.table.skipped] == ["file has vanished"] * 5


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 KB"), (51_200_000, "51 MB"), (4_210_000_000, "4.2 GB")],
)
def test_sizes_have_a_suitable_unit(count: int, words: str) -> None:
    assert describe_bytes(count) == words
