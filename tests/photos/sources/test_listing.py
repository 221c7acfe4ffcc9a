"""Listing a folder: all regular files, nothing hidden, and never a hang."""

import os
import socket
from pathlib import Path

import pytest

from photoclass.photos.sources.listing import is_litter, list_files
from picture_files import put, within_seconds


def _reasons(root: Path) -> dict[str, str]:
    return {item.name: item.reason for item in list_files(str(root)).skipped}


def test_files_and_folders_are_listed_in_natural_order_with_their_paths(tmp_path: Path) -> None:
    for name in ("b/10.jpg", "b/2.jpg", "a/x/1.jpg", "top.jpg"):
        put(tmp_path / name, b"x")
    (tmp_path / "empty").mkdir()
    listing = list_files(str(tmp_path))
    assert listing.files == ["a/x/1.jpg", "b/2.jpg", "b/10.jpg", "top.jpg"]
    assert listing.folders == ["a", "a/x", "b", "empty"]
    assert listing.skipped == []


@pytest.mark.parametrize(
    "name", [".ipynb_checkpoints/1.jpg", "__MACOSX/1.jpg", "Thumbs.db", "thumbs.DB", "._x.jpg", "Desktop.ini", ".x/1"]
)
def test_fault_20_system_files_are_ignored(name: str, tmp_path: Path) -> None:
    put(tmp_path / "cats" / name, b"x")
    put(tmp_path / "cats/1.jpg", b"x")
    listing = list_files(str(tmp_path))
    assert listing.files == ["cats/1.jpg"]
    assert listing.folders == ["cats"]
    assert listing.skipped == []


@pytest.mark.parametrize("name", ["thumbs.jpg", "macosx", "a.hidden", "-rf.jpg"])
def test_names_similar_to_system_files_are_kept(name: str) -> None:
    assert not is_litter(name)


def test_fault_22_broken_links_and_loops_are_skipped(tmp_path: Path) -> None:
    put(tmp_path / "cats/1.jpg", b"x")
    (tmp_path / "cats/loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "cats/gone.jpg").symlink_to("nothing.jpg")
    (tmp_path / "cats/up").symlink_to(tmp_path)
    with within_seconds(5):
        listing = list_files(str(tmp_path))
    assert listing.files == ["cats/1.jpg"]
    assert listing.folders == ["cats"]
    assert _reasons(tmp_path) == {
        "cats/loop.jpg": "a broken link",
        "cats/gone.jpg": "a broken link",
        "cats/up": "a link to a folder; give that folder itself",
    }


def test_fault_22_a_link_out_of_the_folder_is_skipped_and_one_inside_it_is_a_file(tmp_path: Path) -> None:
    outside = put(tmp_path / "outside/secret.jpg", b"x")
    beside = put(tmp_path / "data-of-others/1.jpg", b"x")
    put(tmp_path / "data/cats/1.jpg", b"x")
    (tmp_path / "data/cats/out.jpg").symlink_to(outside)
    (tmp_path / "data/cats/beside.jpg").symlink_to(beside)
    (tmp_path / "data/cats/in.jpg").symlink_to("1.jpg")
    assert list_files(str(tmp_path / "data")).files == ["cats/1.jpg", "cats/in.jpg"]
    reasons = _reasons(tmp_path / "data")
    assert sorted(reasons) == ["cats/beside.jpg", "cats/out.jpg"]
    assert all("outside this folder" in reason for reason in reasons.values())


def test_a_folder_reached_by_a_link_is_listed(tmp_path: Path) -> None:
    put(tmp_path / "real/cats/1.jpg", b"x")
    (tmp_path / "real/cats/2.jpg").symlink_to("1.jpg")
    (tmp_path / "link").symlink_to("real")
    assert list_files(str(tmp_path / "link")).files == ["cats/1.jpg", "cats/2.jpg"]


def test_fault_22_pipes_devices_and_sockets_are_skipped_without_a_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "1.jpg", b"x")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "zeros.jpg").symlink_to("/dev/zero")
    (tmp_path / "pipe-link.jpg").symlink_to("pipe.jpg")
    monkeypatch.chdir(tmp_path)
    with within_seconds(5), socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.jpg")  # by its short name: a socket's path may have 107 bytes
        listing = list_files(str(tmp_path))
    assert listing.files == ["1.jpg"]
    assert _reasons(tmp_path) == {
        "pipe.jpg": "a pipe (FIFO), not a photo file",
        "pipe-link.jpg": "a pipe (FIFO), not a photo file",
        "socket.jpg": "a socket, not a photo file",
        "zeros.jpg": "a device, not a photo file",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_fault_23_a_folder_that_cannot_be_read_is_skipped(tmp_path: Path) -> None:
    put(tmp_path / "cats/1.jpg", b"x")
    put(tmp_path / "dogs/1.jpg", b"x")
    (tmp_path / "cats").chmod(0)
    try:
        assert list_files(str(tmp_path)).files == ["dogs/1.jpg"]
        assert _reasons(tmp_path) == {"cats": "folder cannot be read (Permission denied)"}
    finally:
        (tmp_path / "cats").chmod(0o700)


@pytest.mark.parametrize(
    "name",
    [b"new\nline.jpg", b"\xff\xfe not utf-8 \xe9.jpg", b"n" * 251 + b".jpg", b"-rf.jpg", b" .jpg", b"\\back.jpg"],
    ids=["newline", "not utf-8", "255 bytes", "an option", "a space", "a backslash"],
)
def test_fault_24_unusual_names_are_listed_and_can_be_opened(name: bytes, tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    with open(os.path.join(os.fsencode(tmp_path / "cats"), name), "wb") as stream:
        stream.write(b"mine")
    (file,) = list_files(str(tmp_path)).files
    assert os.fsencode(file) == b"cats/" + name
    assert Path(tmp_path, file).read_bytes() == b"mine"
