"""Listing a folder: all regular files, nothing hidden, and never a hang."""

import os
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from photoclass.model.folder.files import INFO_FILE, NETWORK_FILE
from photoclass.photos.sources import rules
from photoclass.photos.sources.listing import Listing, list_files
from photoclass.photos.sources.litter import litter_kind
from photoclass.training.run_folder import checkpoint_path
from picture_files import encode, noise_picture, put, within_seconds

JPEG = encode(noise_picture(1, 32, 32), "JPEG")


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


def _counts(listing: Listing) -> dict[str, int]:
    return {item.kind: item.count for item in listing.passed_over}


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("hidden files", (".ipynb_checkpoints/1.jpg", "._x.jpg", ".x/1", ".DS_Store")),
        ("system files", ("Thumbs.db", "thumbs.DB", "ehthumbs.db", "Desktop.ini", "RECYCLER/1.jpg")),
        ("system files", ("$RECYCLE.BIN/1.jpg", "System Volume Information/1.dat", "FOUND.000/FILE0001.JPG")),
        ("system files", ("_DS_Store", "__MACOSX/1.jpg", "Icon\r", "Icon\uf00d")),
        ("system files", ("@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg", "SYNOPHOTO_THUMB_M.jpg", "1.jpg@SynoEAStream")),
        ("system files", ("#recycle/cats/1.jpg", "@Recycle/1.jpg", "lost+found/1", "Previews.lrdata/1.jpg")),
        ("system files", ("1.jpg:Zone.Identifier", "1.jpg\uf03aZone.Identifier", "Zone.Identifier")),
    ],
)
def test_fault_60_what_systems_leave_behind_is_passed_over(kind: str, names: Sequence[str], tmp_path: Path) -> None:
    for name in ("1.jpg", *names):
        put(tmp_path / "cats" / name, JPEG)
    listing = list_files(str(tmp_path))
    assert listing.files == ["cats/1.jpg"]
    assert listing.folders == ["cats"]
    assert listing.skipped == []
    assert listing.kinds == {f"cats/{name}": kind for name in names}


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("sidecar files (json)", ("1.jpg.json", "1.jpg.supplemental-metadata.json", "1.jpg(1).JSON")),
        ("sidecar files (xmp)", ("1.xmp", "1.jpg.XMP")),
        ("text files (txt)", ("captions.txt", "readme[1].txt", "notes.txt~", "notes.txt.bak")),
        ("text files", ("LICENSE", "Readme")),
        ("tables (csv)", ("labels.csv",)),
        ("videos (mp4)", ("clip.mp4",)),
        ("videos (mp)", ("IMG_0001.MP",)),
        ("documents (docx)", ("MSR-LA - 3467.docx",)),
        ("archives (zip)", ("train.zip",)),
        ("data files (mat)", ("Abyssinian_100.mat",)),
    ],
)
def test_fault_60_no_photo_by_ending_and_content_is_passed_over(
    kind: str, names: Sequence[str], tmp_path: Path
) -> None:
    for name in names:
        put(tmp_path / "cats" / name, b"BM is how this text begins")
    put(tmp_path / "cats/1.jpg", JPEG)
    listing = list_files(str(tmp_path))
    assert listing.files == ["cats/1.jpg"]
    assert listing.skipped == []
    assert _counts(listing) == {kind: len(names)}
    assert sorted(listing.beside) == sorted(f"cats/{name}" for name in names)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_fault_60_content_decides_where_the_ending_is_not_a_photo_s(form: str, tmp_path: Path) -> None:
    put(tmp_path / "cats/1.txt", encode(noise_picture(1, 32, 32), form))
    assert list_files(str(tmp_path)).files == ["cats/1.txt"]


def test_fault_60_the_preview_of_a_video_is_no_photo_though_it_holds_a_picture(tmp_path: Path) -> None:
    put(tmp_path / "MVI_1.THM", JPEG)
    assert _counts(list_files(str(tmp_path))) == {"sidecar files (thm)": 1}


@pytest.mark.parametrize(
    "name", ["1", "1.jpg_large", "1.jpg:large", "1.jpg~", "1.jpg?w=640", "1.dat", "1.jpg.", "1.JPG.jpg", "1.jfif"]
)
def test_fault_62_files_with_odd_endings_are_tried_as_photos(name: str, tmp_path: Path) -> None:
    put(tmp_path / "cats" / name, b"")
    assert list_files(str(tmp_path)).files == [f"cats/{name}"]


@pytest.mark.parametrize("name", ["thumbs.jpg", "macosx", "a.hidden", "-rf.jpg", "found.01.jpg", "recycled", "Icon"])
def test_names_similar_to_system_files_are_kept(name: str) -> None:
    assert not litter_kind(name)


def test_fault_22_broken_links_and_loops_are_skipped(tmp_path: Path) -> None:
    put(tmp_path / "cats/1.jpg", b"x")
    (tmp_path / "cats/loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "cats/gone.jpg").symlink_to("nothing.jpg")
    (tmp_path / "cats/gone.json").symlink_to("nothing.json")
    (tmp_path / "cats/annex.jpg").symlink_to("../.git/annex/objects/nothing.jpg")
    (tmp_path / "cats/up").symlink_to(tmp_path)
    (tmp_path / "cats/far up").symlink_to("/")
    with within_seconds(5):
        listing = list_files(str(tmp_path))
    assert listing.files == ["cats/1.jpg"]
    assert listing.folders == ["cats"]
    assert _reasons(tmp_path) == {
        "cats/annex.jpg": "a broken link: its content is not here; run: git annex get",
        "cats/gone.jpg": "a broken link: nothing.jpg does not exist",
        "cats/loop.jpg": "a broken link (Too many levels of symbolic links)",
    }
    assert _counts(listing) == {"links not followed": 2, "sidecar files (json)": 1}
    assert listing.notes == [
        "cats/far up: a link to a folder that contains this one; it is not followed",
        f"cats/up: a link to {tmp_path}, which is listed already; it is not followed",
    ]


def test_links_to_files_are_followed_wherever_they_lead(tmp_path: Path) -> None:
    outside = put(tmp_path / "outside/1.jpg", JPEG)
    put(tmp_path / "data/cats/1.jpg", JPEG)
    (tmp_path / "data/cats/out.jpg").symlink_to(outside)
    (tmp_path / "data/cats/in.jpg").symlink_to("1.jpg")
    (tmp_path / "data/cats/out.json").symlink_to(put(tmp_path / "outside/1.json", b"{}"))
    listing = list_files(str(tmp_path / "data"))
    assert listing.files == ["cats/1.jpg", "cats/in.jpg", "cats/out.jpg"]
    assert _counts(listing) == {"sidecar files (json)": 1}


def test_links_to_folders_are_followed_and_each_folder_is_listed_once(tmp_path: Path) -> None:
    for name in ("cats/1.jpg", "dogs/1.jpg", "dogs/husky/1.jpg"):
        put(tmp_path / "store" / name, JPEG)
    data = tmp_path / "data"
    put(data / "hens/1.jpg", JPEG)
    for name, target in {"cats": "cats", "dogs": "dogs", "again": "cats", "huskies": "dogs/husky"}.items():
        (data / name).symlink_to(tmp_path / "store" / target)
    (data / "hens/hens").symlink_to("../hens")
    with within_seconds(5):
        listing = list_files(str(data))
    assert listing.files == ["again/1.jpg", "dogs/1.jpg", "dogs/husky/1.jpg", "hens/1.jpg"]
    assert listing.folders == ["again", "dogs", "dogs/husky", "hens"]
    assert listing.notes == [
        "cats: a link to again, which is listed already; it is not followed",
        "hens/hens: a link to hens, which is listed already; it is not followed",
        "huskies: a link to dogs/husky, which is listed already; it is not followed",
    ]


def test_a_link_takes_no_folder_from_its_own_place_and_may_lead_into_a_hidden_one(tmp_path: Path) -> None:
    put(tmp_path / "train/cats/1.jpg", JPEG)
    (tmp_path / "best").symlink_to("train/cats")
    for name in (".store/dogs/1.jpg", ".store/notes.txt"):
        put(tmp_path / name, JPEG)
    (tmp_path / "train/dogs").symlink_to("../.store/dogs")
    listing = list_files(str(tmp_path))
    assert listing.files == ["train/cats/1.jpg", "train/dogs/1.jpg"]
    assert _counts(listing) == {"hidden files": 1, "links not followed": 1}


def test_fault_71_rules_name_the_files_of_model_folders_as_they_are() -> None:
    assert {INFO_FILE, NETWORK_FILE} == rules.MODEL_FILES
    assert checkpoint_path(Path()).as_posix() in rules.UNFINISHED_RUN_FILES


def test_in_a_cache_of_the_hub_only_the_named_files_are_photos(tmp_path: Path) -> None:
    put(tmp_path / "blobs/0a1b2c", JPEG)
    put(tmp_path / "snapshots/1/cats/x", b"x")
    (tmp_path / "snapshots/1/cats/1.jpg").symlink_to("../../../blobs/0a1b2c")
    listing = list_files(str(tmp_path))
    assert listing.files == ["snapshots/1/cats/1.jpg", "snapshots/1/cats/x"]
    assert _counts(listing) == {"system files": 1}
    assert list_files(str(tmp_path / "blobs")).files == ["0a1b2c"]


@pytest.mark.parametrize(
    "files",
    [["model.json", "model.onnx", "curves.png"], ["resume/lock", "1.png"], [".photoclass-demo", "photos/cat/1.jpg"]],
)
def test_fault_71_model_folders_are_passed_over(files: list[str], tmp_path: Path) -> None:
    put(tmp_path / "cats/1.jpg", JPEG)
    for file in files:
        put(tmp_path / "runs/my-model" / file, JPEG)
    listing = list_files(str(tmp_path))
    assert listing.files == ["cats/1.jpg"]
    assert listing.folders == ["cats"]
    assert _counts(listing) == {"files that photoclass made": len(files)}


def test_fault_71_a_folder_of_models_that_holds_something_else_is_listed(tmp_path: Path) -> None:
    for name in ("a/b/my-model/model.json", "a/b/my-model/model.onnx", "a/notes.txt", "cats/my-model/resume/lock"):
        put(tmp_path / name, b"x")
    (tmp_path / "cats/1.jpg").symlink_to("/dev/null")
    assert list_files(str(tmp_path)).folders == ["a", "cats"]


def test_fault_71_a_folder_that_results_are_written_to_does_not_count(tmp_path: Path) -> None:
    for name in ("cats/1.jpg", "models/out/1.jpg"):
        put(tmp_path / name, JPEG)
    listing = list_files(str(tmp_path), [str(tmp_path / "models/out"), str(tmp_path / "not there yet")])
    assert listing.files == ["cats/1.jpg"]
    assert listing.folders == ["cats"]
    assert listing.passed_over == ()


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
