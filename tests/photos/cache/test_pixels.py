"""The pixel cache: it returns what decoding returns, however it was filled and whatever was deleted since."""

import contextlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Barrier as ProcessBarrier
from pathlib import Path
from threading import Barrier, Thread

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor

from photoclass.errors import OutputError
from photoclass.machine import default_cache
from photoclass.photos.cache import decoding
from photoclass.photos.cache import pixels as cache_module
from photoclass.photos.cache.pixels import CachedPhotos, cache_photos
from photoclass.photos.decode import Unreadable, decode_photo, decode_picture
from photoclass.photos.decode_settings import DecodeSettings, PictureRules
from photoclass.photos.duplicates.fingerprint import fingerprint
from photoclass.photos.sources.read_photos import read_photos
from photoclass.photos.table import PhotoTable
from photoclass.progress import SILENT, Progress, Silent, Task
from photoclass.workspace import Workspace
from picture_files import FORMATS, encode, noise_picture, put

SETTINGS = DecodeSettings(24)
NOT_UTF8 = os.fsdecode(b"caf\xe9 \xff.jpg")


def _fill(folder: Path, count: int = 8) -> Path:
    """Write photos in all formats, each of a different picture."""
    forms = list(FORMATS)
    for number in range(count):
        form = forms[number % len(forms)]
        put(folder / f"{number}.jpg", encode(noise_picture(number, 60, 50), form, **FORMATS[form]))
    return folder


def _table(folder: Path) -> PhotoTable:
    return read_photos([folder], Workspace(folder.parent / "no-zips"))


def _cached(folder: Path, settings: DecodeSettings = SETTINGS, progress: Progress = SILENT) -> CachedPhotos:
    return cache_photos(_table(folder), settings, Workspace(folder.parent / "cache", 1, progress))


def _check_pixels(photos: CachedPhotos, count: int) -> None:
    """Check that each photo has the pixels and the fingerprint that decoding its file gives."""
    assert len(photos) == len(photos.contents) == len(photos.pixels) == len(photos.fingerprints) == count
    for i, path in enumerate(photos.table.paths):
        data = Path(path).read_bytes()
        np.testing.assert_array_equal(photos.pixels[i], decode_photo(data, photos.settings))
        picture = decode_picture(data, 2 * photos.settings.image_size)
        assert not isinstance(picture, Unreadable)
        np.testing.assert_array_equal(photos.fingerprints[i], fingerprint(picture))


@pytest.fixture
def undecodable(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that makes any further decoding fail the test."""

    def refuse(data: bytes, least_side: int) -> None:
        pytest.fail("decoded again")

    return lambda: monkeypatch.setattr(cache_module, "decode_picture", refuse)


@pytest.mark.parametrize("settings", [SETTINGS, DecodeSettings(24, "crop"), DecodeSettings(61)])
def test_cached_pixels_equal_decoded_ones_in_every_format(settings: DecodeSettings, tmp_path: Path) -> None:
    _check_pixels(_cached(_fill(tmp_path / "photos", len(FORMATS)), settings), len(FORMATS))


def test_a_large_jpeg_at_a_large_image_size_is_cached_as_decoded(tmp_path: Path) -> None:
    # Decoded at half its size it would be enough for small networks, and a little different.
    put(tmp_path / "photos/1.jpg", encode(noise_picture(1, 1250, 1150), "JPEG"))
    _check_pixels(_cached(tmp_path / "photos", DecodeSettings(300)), 1)


def test_photos_are_found_again_without_decoding(tmp_path: Path, undecodable: Callable[[], None]) -> None:
    folder = _fill(tmp_path / "photos")
    first = _cached(folder)
    undecodable()
    _check_pixels(_cached(folder), 8)
    assert _cached(folder).contents == first.contents


def test_moved_and_renamed_photos_are_found_again(tmp_path: Path, undecodable: Callable[[], None]) -> None:
    _cached(_fill(tmp_path / "photos"))
    undecodable()
    for path in (tmp_path / "photos").iterdir():
        path.rename(path.with_name(f"holiday-{path.name}"))
    _check_pixels(_cached((tmp_path / "photos").rename(tmp_path / "moved")), 8)


def test_only_new_photos_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _fill(tmp_path / "photos", 5)
    _cached(folder)
    _fill(folder, 8)
    seen: list[bytes] = []

    def decode(data: bytes, least_side: int, rules: PictureRules) -> object:
        seen.append(data)
        return decode_picture(data, least_side, rules)

    monkeypatch.setattr(cache_module, "decode_picture", decode)
    _check_pixels(_cached(folder), 8)
    assert seen == [(folder / f"{number}.jpg").read_bytes() for number in (5, 6, 7)]


def test_a_photo_with_new_content_is_decoded_again(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos", 3)
    _cached(folder)
    put(folder / "1.jpg", encode(noise_picture(77), "PNG"))
    _check_pixels(_cached(folder), 3)


def test_pixels_are_kept_apart_by_decode_settings(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos", 4)
    for settings in (SETTINGS, DecodeSettings(24, "crop"), DecodeSettings(32), SETTINGS):
        _check_pixels(_cached(folder, settings), 4)


def test_copies_share_their_pixels(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos", 2)
    shutil.copy(folder / "0.jpg", folder / "copy.jpg")
    photos = _cached(folder)
    _check_pixels(photos, 3)
    (shard,) = (tmp_path / "cache/pixels").rglob("*.rows")
    assert shard.stat().st_size == 2 * 24 * 24 * 3


def test_an_empty_table_is_no_special_case(tmp_path: Path) -> None:
    table = _table(_fill(tmp_path / "photos", 1)).select(np.array([], dtype=np.int64))
    assert len(cache_photos(table, SETTINGS, Workspace(tmp_path / "cache"))) == 0


def test_unreadable_photos_are_skipped_and_the_others_keep_their_pixels(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos", 6)
    put(folder / "1.jpg", b"")
    put(folder / "3.jpg", b"<html>")
    put(folder / "4.jpg", (folder / "0.jpg").read_bytes()[:200])
    for _ in range(2):  # now as before, when the others are in the cache
        photos = _cached(folder)
        _check_pixels(photos, 3)
        assert [Path(name).name for name in photos.table.names] == ["0.jpg", "2.jpg", "5.jpg"]
        reasons = {Path(item.name).name: item.reason for item in photos.table.skipped}
        assert sorted(reasons) == ["1.jpg", "3.jpg", "4.jpg"]
        assert reasons["1.jpg"] == "file is empty (0 bytes)"


def test_fault_24_photos_with_unusual_names_get_their_pixels(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos", 5)
    unusual = ["new\nline.jpg", NOT_UTF8, "n" * 251 + ".jpg", "-rf.jpg", "=cmd().jpg"]
    for number, name in enumerate(unusual):
        (folder / f"{number}.jpg").rename(folder / name)
    photos = _cached(folder)
    _check_pixels(photos, 5)
    assert {Path(name).name for name in photos.table.names} == set(unusual)


def test_labels_and_splits_stay_with_their_photos(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos", 5)
    put(folder / "2.jpg", b"")
    table = _table(folder)
    labels, splits = np.arange(5), np.arange(5, dtype=np.int8) % 3
    table = PhotoTable(table.paths, table.names, labels, splits, tuple("abcde"))
    photos = cache_photos(table, SETTINGS, Workspace(tmp_path / "cache", 1))
    assert photos.table.labels.tolist() == [0, 1, 3, 4]
    assert photos.table.splits.tolist() == [0, 1, 0, 1]


def test_selected_photos_keep_their_pixels(tmp_path: Path) -> None:
    photos = _cached(_fill(tmp_path / "photos", 6))
    _check_pixels(photos.select(np.array([4, 0, 2])), 3)
    _check_pixels(photos.select(np.array([True, False, False, True, False, False])), 2)
    np.testing.assert_array_equal(
        photos.select(np.array([5, 1])).fingerprints.all(), [photos.fingerprints[5], photos.fingerprints[1]]
    )


# ---------------------------------------------------------------- while files change


class _JustBeforeDecoding(Silent):
    """Progress that runs a function between the hashing and the decoding of the files."""

    def __init__(self, deed: Callable[[], object]) -> None:
        self._deed = deed

    @contextlib.contextmanager
    def task(self, title: str, total: int, unit: str = "photos", done: int = 0) -> Iterator[Task]:
        if title == "Decoding":
            self._deed()
        with super().task(title, total, unit, done) as task:
            yield task


def test_fault_27_a_file_that_vanishes_before_it_is_decoded_is_skipped(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos", 4)
    photos = _cached(folder, progress=_JustBeforeDecoding((folder / "2.jpg").unlink))
    _check_pixels(photos, 3)
    (vanished,) = photos.table.skipped
    assert (Path(vanished.name).name, vanished.reason) == ("2.jpg", "file has vanished")


def test_fault_27_a_file_that_changes_before_it_is_decoded_is_skipped(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos", 4)
    other = encode(noise_picture(50), "PNG")
    photos = _cached(folder, progress=_JustBeforeDecoding(lambda: put(folder / "2.jpg", other)))
    _check_pixels(photos, 3)
    (changed,) = photos.table.skipped
    assert (Path(changed.name).name, changed.reason) == ("2.jpg", "file changed while it was being read")
    _check_pixels(_cached(folder), 4)


def test_fault_27_a_copy_of_a_vanished_file_is_decoded_instead(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos", 1)
    for copy in ("1.jpg", "2.jpg"):
        shutil.copy(folder / "0.jpg", folder / copy)

    def lose_all_but_one() -> None:
        (folder / "0.jpg").unlink()
        put(folder / "2.jpg", b"something else")

    photos = _cached(folder, progress=_JustBeforeDecoding(lose_all_but_one))
    assert len(photos) == 3
    expected = decode_photo((folder / "1.jpg").read_bytes(), SETTINGS)
    for i in range(3):
        np.testing.assert_array_equal(photos.pixels[i], expected)


# ---------------------------------------------------------------- several at once


def test_several_workers_give_the_same_as_one(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos", 300)
    put(folder / "7.jpg", b"")
    put(folder / "99.jpg", b"<html>")
    (folder / "150.jpg").rename(folder / NOT_UTF8)
    try:
        several = cache_photos(_table(folder), SETTINGS, Workspace(tmp_path / "several", workers=2))
    finally:
        get_reusable_executor().shutdown(wait=True)
    one = cache_photos(_table(folder), SETTINGS, Workspace(tmp_path / "one", workers=1))
    assert several.contents == one.contents
    assert several.table.names == one.table.names
    assert several.table.skipped == one.table.skipped
    assert len(one) == 298
    for i in range(len(one)):
        np.testing.assert_array_equal(several.pixels[i], one.pixels[i])
        np.testing.assert_array_equal(several.fingerprints[i], one.fingerprints[i])


def test_threads_that_fill_one_cache_at_once_all_get_the_right_pixels(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos", 20)
    start = Barrier(3)
    found: list[CachedPhotos] = []

    def build() -> None:
        start.wait()
        found.append(_cached(folder))

    threads = [Thread(target=build) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    for photos in found:
        _check_pixels(photos, 20)


def _build_and_look(folder: Path, start: ProcessBarrier) -> None:
    start.wait(60)
    _check_pixels(_cached(folder), 20)


def test_processes_that_fill_one_cache_at_once_all_get_the_right_pixels(
    tmp_path: Path, undecodable: Callable[[], None]
) -> None:
    folder = _fill(tmp_path / "photos", 20)
    afresh = multiprocessing.get_context("spawn")
    start = afresh.Barrier(2)
    processes = [afresh.Process(target=_build_and_look, args=(folder, start)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    undecodable()
    _check_pixels(_cached(folder), 20)


# ---------------------------------------------------------------- what is deleted, killed or damaged


LOST = ("cache", "cache/pixels", "cache/fingerprints", "*.rows", "*.sqlite", "pixels/*/*.rows", "fingerprints/*/*")


@pytest.mark.parametrize("lost", LOST)
def test_deleted_parts_of_the_cache_are_made_again(lost: str, tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos")
    _cached(folder)
    found = [path for path in tmp_path.rglob(lost) if path.is_relative_to(tmp_path / "cache")]
    assert found
    for path in found:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    _check_pixels(_cached(folder), 8)


def test_photos_whose_shard_is_gone_are_made_again_and_the_others_found(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos", 4)
    _cached(folder)
    (lost,) = (tmp_path / "cache/pixels").rglob("*.rows")
    _fill(folder, 8)
    _cached(folder)
    lost.unlink()
    _check_pixels(_cached(folder), 8)


KILLED_BUILD = """
import os, signal, sys
from pathlib import Path
from photoclass.photos.cache.pixels import cache_photos
from photoclass.photos.decode_settings import DecodeSettings, PictureRules
from photoclass.photos.sources.read_photos import read_photos
from photoclass.photos.cache.store import RowStore
from photoclass.workspace import Workspace

RowStore.enter = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
folder = Path(sys.argv[1])
workspace = Workspace(folder.parent / "cache", 1)
cache_photos(read_photos([folder], workspace), DecodeSettings(24), workspace)
"""


def test_rows_of_a_killed_run_are_never_read(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos")
    killed = subprocess.run([sys.executable, "-c", KILLED_BUILD, str(folder)], timeout=60)
    assert killed.returncode == -signal.SIGKILL
    left = list((tmp_path / "cache").rglob("*.rows"))
    assert len(left) == 2, "rows were written before the kill"
    for shard in left:
        shard.write_bytes(b"\xff" * shard.stat().st_size)
    _check_pixels(_cached(folder), 8)


def test_an_interrupted_run_continues_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _fill(tmp_path / "photos", 12)
    monkeypatch.setattr(decoding, "_CHUNK", 2)
    monkeypatch.setattr(decoding, "_ENTER_EVERY", 4)
    seen: list[bytes] = []

    def decode(data: bytes, least_side: int, rules: PictureRules) -> object:
        if len(seen) == 10:
            raise KeyboardInterrupt
        seen.append(data)
        return decode_picture(data, least_side, rules)

    monkeypatch.setattr(cache_module, "decode_picture", decode)
    with pytest.raises(KeyboardInterrupt):
        _cached(folder)
    seen.clear()
    _check_pixels(_cached(folder), 12)
    assert seen == [(folder / f"{number}.jpg").read_bytes() for number in range(8, 12)]


def test_a_cache_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos", 1)
    put(tmp_path / "cache", b"a file where the folder should be")
    with pytest.raises(OutputError, match="PHOTOCLASS_CACHE"):
        _cached(folder)


def test_fault_28_the_pixels_are_mapped_and_not_loaded(tmp_path: Path) -> None:
    photos = _cached(_fill(tmp_path / "photos", 3))
    assert not photos.pixels[0].flags.owndata
    assert not photos.pixels[0].flags.writeable


def test_the_cache_folder_is_photoclass_cache_or_the_users_cache_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHOTOCLASS_CACHE", str(tmp_path / "mine"))
    assert default_cache() == tmp_path / "mine"
    monkeypatch.delenv("PHOTOCLASS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "of-the-user"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache().name == "photoclass"
    assert default_cache().is_relative_to(tmp_path)
