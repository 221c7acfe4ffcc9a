"""Zips inside a zip: read where they are the data, under the same rules of safety, one level deep."""

import zipfile
from pathlib import Path

import pytest

from photoclass.errors import ArchiveError, DataError
from photoclass.photos.cache.unpacked import Unpacked
from photoclass.photos.sources.archives.unpack import unpack
from photoclass.photos.sources.read import read_data
from photoclass.workspace import Workspace
from picture_files import put
from zip_files import raw_zip, zip_bytes

TRAIN = zip_bytes({"train/cat.0.jpg": b"cat", "train/dog.0.jpg": b"dog", "train/.DS_Store": b"x"})
TEST = zip_bytes({"test1/1.jpg": b"test"})
KAGGLE = {"sampleSubmission.csv": b"id,label\n", "test1.zip": TEST, "train.zip": TRAIN, "__MACOSX/._a": b"x"}
UNPACKED = {
    "sampleSubmission.csv": b"id,label\n",
    "test1/test1/1.jpg": b"test",
    "train/train/cat.0.jpg": b"cat",
    "train/train/dog.0.jpg": b"dog",
}


def _unpack(tmp_path: Path, members: dict[str, bytes]) -> Unpacked:
    return unpack(put(tmp_path / "outer.zip", zip_bytes(members)), Workspace(tmp_path / "cache"))


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _refusal(tmp_path: Path, members: dict[str, bytes]) -> str:
    with pytest.raises(ArchiveError) as refused:
        _unpack(tmp_path, members)
    assert not [path for path in tmp_path.rglob("*") if path.is_dir() and path.parent.name == "unpacked"]
    message = str(refused.value)
    assert message.startswith(str(tmp_path / "outer.zip"))
    return message


def test_the_zips_of_a_competition_become_folders(tmp_path: Path) -> None:
    unpacked = _unpack(tmp_path, KAGGLE)
    assert _files(unpacked.folder) == UNPACKED
    assert unpacked.notes == ("2 zips inside the zip are read: test1.zip as test1/, train.zip as train/",)
    assert unpacked.litter == {"__MACOSX/._a": "system files", "train/train/.DS_Store": "hidden files"}


def test_they_are_found_again_with_what_was_said_of_them(tmp_path: Path) -> None:
    first = _unpack(tmp_path, KAGGLE)
    before = (first.folder / "train/train/cat.0.jpg").stat()
    assert _unpack(tmp_path, KAGGLE) == first
    assert (first.folder / "train/train/cat.0.jpg").stat().st_mtime_ns == before.st_mtime_ns


def test_a_deleted_file_or_record_is_made_again(tmp_path: Path) -> None:
    first = _unpack(tmp_path, KAGGLE)
    (first.folder / "train/train/cat.0.jpg").unlink()
    assert _files(_unpack(tmp_path, KAGGLE).folder) == UNPACKED
    (first.folder.parent / "unpacked.json").write_text("{}")
    assert _unpack(tmp_path, KAGGLE) == first


def test_zips_beside_photos_stay_as_they_are(tmp_path: Path) -> None:
    members = {"cats/0.jpg": b"cat", "dogs/0.jpg": b"dog", "extra.zip": TRAIN}
    unpacked = _unpack(tmp_path, members)
    assert _files(unpacked.folder) == members
    assert unpacked.notes == ()


@pytest.mark.parametrize("name", ["../evil.jpg", "/evil.jpg", "..\\evil.jpg"])
def test_an_inner_name_that_leads_outside_is_refused(name: str, tmp_path: Path) -> None:
    assert "outer.zip/cats.zip: the name" in _refusal(tmp_path, {"cats.zip": zip_bytes({name: b"x"})})


def test_an_inner_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = 0o120777 << 16
    inner = tmp_path / "inner.zip"
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr(link, b"/etc/passwd")
    assert "is a link or special file" in _refusal(tmp_path, {"cats.zip": inner.read_bytes()})


@pytest.mark.parametrize(
    ("options", "cause"),
    [({"flags": 1}, "encrypted with a password"), ({"method": 9}, "packed with Deflate64"), ({"disk": 1}, "split zip")],
)
def test_inner_zips_that_cannot_be_read_are_named(options: dict[str, int], cause: str, tmp_path: Path) -> None:
    inner = raw_zip(tmp_path / "inner.zip", {b"0.jpg": b"x"}, **options).read_bytes()
    message = _refusal(tmp_path, {"cats.zip": inner, "dogs.zip": zip_bytes({"0.jpg": b"dog"})})
    assert "outer.zip/cats.zip: " in message
    assert cause in message


def test_an_inner_file_that_is_no_zip_is_named(tmp_path: Path) -> None:
    assert "outer.zip/cats.zip: a web page" in _refusal(tmp_path, {"cats.zip": b"<html>"})


def test_zips_at_a_third_level_are_not_read(tmp_path: Path) -> None:
    message = _refusal(tmp_path, {"data.zip": zip_bytes({"train.zip": TRAIN})})
    assert "'data.zip' inside it holds zips in turn, such as 'train.zip'" in message
    assert "unpack the outer zip yourself" in message


@pytest.mark.parametrize("other", ["train/notes.txt", "train", "train.ZIP"])
def test_a_zip_beside_a_folder_of_its_name_is_refused(other: str, tmp_path: Path) -> None:
    assert "'train.zip'" in _refusal(tmp_path, {other: TRAIN, "train.zip": TRAIN}).replace(".ZIP", ".zip")


def test_many_inner_zips_are_one_bomb_together(tmp_path: Path) -> None:
    # Each grows by less than the allowance, all of them by more.
    inner = zip_bytes({"0.jpg": bytes(100 << 20)})
    message = _refusal(tmp_path, {f"class{number}.zip": inner for number in range(4)})
    assert "would grow from" in message


def test_numbered_zips_with_parts_of_one_folder_are_one(tmp_path: Path) -> None:
    first = {"pets/cats/0.jpg": b"cat", "pets/dogs/0.jpg": b"dog"}
    second = {"pets/dogs/0.jpg": b"dog", "pets/dogs/1.jpg": b"another"}
    unpacked = _unpack(tmp_path, {"pets-001.zip": zip_bytes(first), "pets-002.zip": zip_bytes(second)})
    assert _files(unpacked.folder) == first | second
    assert unpacked.litter == {"pets/dogs/0.jpg (pets-002.zip)": "copies of files in another part"}
    assert unpacked.notes == ("2 zips inside the zip are read as one: pets-001.zip, pets-002.zip",)


def test_different_files_of_one_path_in_two_parts_are_refused(tmp_path: Path) -> None:
    parts = {f"pets-{number:03}.zip": zip_bytes({"pets/cats/0.jpg": b"cat %d" % number}) for number in (1, 2)}
    message = _refusal(tmp_path, parts)
    assert "outer.zip/pets-001.zip and " in message
    assert "two different files of the path 'pets/cats/0.jpg'" in message


def test_numbered_zips_that_are_classes_become_folders(tmp_path: Path) -> None:
    unpacked = _unpack(tmp_path, {f"class{number}.zip": zip_bytes({"0.jpg": b"%d" % number}) for number in (1, 2)})
    assert _files(unpacked.folder) == {"class1/0.jpg": b"1", "class2/0.jpg": b"2"}


def _folder(folder: Path, *names: str) -> Path:
    for name in names:
        put(folder / name, TRAIN)
    return folder


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        (["sampleSubmission.csv", "test1.zip", "train.zip"], "{0}/train.zip"),
        (["pets-001.zip", "pets-002.zip"], "the parts together: {0}/pets-001.zip {0}/pets-002.zip"),
        (["archive.zip"], "{0}/archive.zip"),
        (["data/train.zip", "data/valid.zip"], "{0}/data/train.zip"),
        (["images.tar.gz"], "{0}/images.tar.gz"),
    ],
)
def test_a_folder_that_holds_only_zips_says_which_to_give(names: list[str], meant: str, tmp_path: Path) -> None:
    folder = _folder(tmp_path / "download", *names)
    with pytest.raises(DataError) as refused:
        read_data(folder, Workspace(tmp_path / "cache"))
    assert str(refused.value).endswith(f"; perhaps you mean {meant.format(folder)}")


def test_zips_beside_a_photo_in_a_zip_are_named_where_the_photos_give_no_class(tmp_path: Path) -> None:
    outer = put(tmp_path / "outer.zip", zip_bytes({"example.jpg": b"x", "train.zip": TRAIN}))
    with pytest.raises(DataError, match=r"perhaps you mean what is in train\.zip: unpack .*outer\.zip and that"):
        read_data(outer, Workspace(tmp_path / "cache"))
