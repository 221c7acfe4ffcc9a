"""Files that should be zips and are none: each is refused with what it is, and what to do."""

import bz2
import gzip
import io
import lzma
import tarfile
from pathlib import Path

import pytest

from photoclass.errors import ArchiveError
from photoclass.photos.sources.archives.kinds import is_archive, is_zip
from photoclass.photos.sources.archives.unpack import unpack
from photoclass.workspace import Workspace
from picture_files import encode, noise_picture, put
from zip_files import raw_zip, zip_bytes

PHOTOS = {b"cats/0.jpg": b"one cat", b"dogs/0.jpg": b"one dog"}
ZIP = zip_bytes({"cats/0.jpg": bytes(range(256)) * 20})
JPEG = encode(noise_picture(0), "JPEG")


def _tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("cats/0.jpg"), io.BytesIO())
    return stream.getvalue()


def _refusal(archive: Path) -> str:
    with pytest.raises(ArchiveError) as refused:
        unpack(archive, Workspace(archive.parent / "cache"))
    message = str(refused.value)
    assert message.startswith(f"{archive}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("name", "content", "cause", "advice"),
    [
        ("pets.zip", b"", "an empty file (0 bytes)", "download or copy it again"),
        ("pets.zip", ZIP[: len(ZIP) // 2], "cut short at ", "download or copy it again"),
        ("pets.zip", ZIP[:-10], "cut short at ", "download or copy it again"),
        ("pets.zip.crdownload", ZIP[:-40], "cut short at ", "download or copy it again"),
        ("pets.zip", b"<!DOCTYPE html><title>Sign in</title>", "a web page", "download it again in the browser"),
        ("pets.zip", b"\xef\xbb\xbf\n<html>", "a web page", "download it again in the browser"),
        ("pets.zip", b"version https://git-lfs.github.com/spec/v1\noid", "a Git LFS pointer", "git lfs pull"),
        ("pets.zip", b'{"error": "quota"}', 'a text file, not a zip or tar; it begins: \'{"error"', "load it again"),
        ("pets.tar.xz", lzma.compress(_tar()), "a tar compressed with xz", "tar -xf"),
        ("pets.tar.bz2", bz2.compress(_tar()), "a tar compressed with bzip2", "tar -xf"),
        ("pets.gz", gzip.compress(JPEG, mtime=0), "compressed with gzip", "gunzip"),
        ("pets.tar.zst", b"\x28\xb5\x2f\xfd rest", "a tar compressed with Zstandard", "tar -xf"),
        ("pets.tar", b"x" + _tar()[1:], "a damaged tar", "create it again"),
        ("pets.tar.gz", gzip.compress(b"cat", mtime=0), "compressed with gzip", "gunzip"),
        ("pets.7z", b"7z\xbc\xaf\x27\x1c rest", "a 7z archive", "7-Zip"),
        ("pets.zip", b"Rar!\x1a\x07\x01\0", "a RAR archive", "unrar"),
        ("pets.z01", b"PK\x07\x08" + ZIP[:100], "one part of a split archive", "put all its parts into one folder"),
        ("pets.z02", b"anything", "one part of a split archive", "put all its parts into one folder"),
        ("pets.zip.001", ZIP[:100], "one part of a split archive", "put all its parts into one folder"),
        ("pets.zip", JPEG, "a photo, not a zip or tar", "give the folder"),
        ("pets.zip", b"%PDF-1.7", "a PDF document, not a zip or tar", "give a folder, a zip or a table"),
        ("pets.zip", b"MZ\x90\0", "self-extracting", "run it"),
        ("pets.zip", bytes(100), "of an unknown kind, not a zip or tar", "give a folder, a zip or a table"),
        ("pets.zip", zip_bytes({"[Content_Types].xml": b""})[:-30], "a document", "give a folder, a zip or a table"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else "",
)
def test_what_is_no_zip_is_named(name: str, content: bytes, cause: str, advice: str, tmp_path: Path) -> None:
    message = _refusal(put(tmp_path / name, content))
    assert cause in message
    assert advice in message


def test_a_zip_that_is_cut_just_behind_a_zip_in_it_is_not_taken_for_that(tmp_path: Path) -> None:
    outer = zip_bytes({"test.zip": ZIP, "train.zip": ZIP}, method=0)
    message = _refusal(put(tmp_path / "pets.zip", outer[: outer.index(b"train.zip")]))
    assert "its list of files leaves out what it begins with; download or create it again" in message


def test_the_last_part_of_a_split_zip_is_named(tmp_path: Path) -> None:
    archive = raw_zip(tmp_path / "pets.zip", PHOTOS, disk=1)
    assert "the last part of a split zip; put all its parts into one folder" in _refusal(archive)


@pytest.mark.parametrize(
    ("method", "named"),
    [(9, "Deflate64, as Windows Explorer"), (93, "Zstandard"), (12, "bzip2"), (98, "PPMd"), (77, "method 77")],
)
def test_other_compression_is_named(method: int, named: str, tmp_path: Path) -> None:
    message = _refusal(raw_zip(tmp_path / "pets.zip", PHOTOS, method=method))
    assert f"packed with {named}" in message
    assert "7-Zip" in message


def test_a_password_is_named(tmp_path: Path) -> None:
    assert "encrypted with a password" in _refusal(raw_zip(tmp_path / "pets.zip", PHOTOS, flags=1))


def test_a_name_marked_as_utf8_that_is_not(tmp_path: Path) -> None:
    assert "marked as UTF-8 and is not" in _refusal(raw_zip(tmp_path / "pets.zip", {b"\xff.jpg": b"x"}, flags=0x800))


def test_a_long_name_is_named(tmp_path: Path) -> None:
    message = _refusal(raw_zip(tmp_path / "pets.zip", {("猫" * 100).encode() + b".jpg": b"x"}))
    assert "304 bytes long" in message


@pytest.mark.parametrize(
    ("name", "content", "zip_", "archive"),
    [
        ("pets", ZIP, True, True),
        ("pets.jpg", ZIP, True, True),
        ("pets.zip", JPEG, False, False),
        ("pets.jpg", JPEG, False, False),
        ("pets.tar.gz", gzip.compress(_tar(), mtime=0), False, True),
        ("pets.jpg", gzip.compress(JPEG, mtime=0), False, False),
        ("letter.docx", zip_bytes({"[Content_Types].xml": b"", "word/media/1.jpg": JPEG}), False, False),
        ("IMG.001", bytes(100), False, False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_zip_is_known_by_its_content(name: str, content: bytes, zip_: bool, archive: bool, tmp_path: Path) -> None:
    file = put(tmp_path / name, content)
    assert (is_zip(file), is_archive(file)) == (zip_, archive)
