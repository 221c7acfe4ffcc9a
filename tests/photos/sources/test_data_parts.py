"""Several folders and zips as DATA: read as one where they are parts of one, otherwise refused by name."""

from pathlib import Path

import pytest

from photoclass.errors import DataError
from photoclass.photos.data_paths import Data, DataPaths
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import HELD_OUT, NO_SPLIT, PhotoTable, name_in_data
from photoclass.workspace import Workspace
from picture_files import put
from zip_files import zip_bytes

CATS = {f"pets/cats/{number}.jpg": b"cat %d" % number for number in range(4)}
DOGS = {f"pets/dogs/{number}.jpg": b"dog %d" % number for number in range(4)}
FIRST = {**CATS, "pets/dogs/0.jpg": b"dog 0", "pets/.DS_Store": b"x"}
SECOND = {f"pets/dogs/{number}.jpg": b"dog %d" % number for number in (1, 2, 3)} | {"pets/.DS_Store": b"y"}


def _zip(file: Path, members: dict[str, bytes]) -> Path:
    return put(file, zip_bytes(members))


def _folder(folder: Path, members: dict[str, bytes]) -> Path:
    for name, content in members.items():
        put(folder / name, content)
    return folder


def _read(data: Data, tmp_path: Path, **options: Path) -> PhotoTable:
    return read_data(data, Workspace(tmp_path / "cache"), **options)


def _refusal(data: Data, tmp_path: Path) -> str:
    with pytest.raises(DataError) as refused:
        _read(data, tmp_path)
    return str(refused.value)


@pytest.fixture
def drive(tmp_path: Path) -> list[Path]:
    """The parts that Google Drive makes of a folder: some files of each folder in each."""
    return [_zip(tmp_path / "pets-001.zip", FIRST), _zip(tmp_path / "pets-002.zip", SECOND)]


def test_the_parts_of_drive_are_one_data_set(drive: list[Path], tmp_path: Path) -> None:
    table = _read(drive, tmp_path)
    assert table.class_names == ("cats", "dogs")
    assert table.names[0] == f"{tmp_path}/pets-001.zip/pets/cats/0.jpg"
    assert table.names[-1] == f"{tmp_path}/pets-002.zip/pets/dogs/3.jpg"
    assert [Path(path).read_bytes() for path in table.paths] == [*CATS.values(), *DOGS.values()]
    within = [name_in_data(name, DataPaths.of(drive)) for name in table.names]
    assert within == [*CATS, *DOGS]
    assert sum(item.count for item in table.passed_over) == 2
    assert f"2 parts are read as one: {drive[0]} (5 files), {drive[1]} (3 files)" in table.notes


def test_a_part_that_is_not_given_is_named(drive: list[Path], tmp_path: Path) -> None:
    assert (
        f"{drive[1]} may hold the rest: if it is a part of the same data, give all" in _read(drive[0], tmp_path).notes
    )
    third = _zip(tmp_path / "pets-003.zip", {"pets/cats/9.jpg": b"cat 9"})
    assert f"{drive[1]} and 1 more may hold the rest: if these are parts" in _read(drive[0], tmp_path).notes[0]
    drive[1].rename(tmp_path / "elsewhere")
    assert "number 2 is missing among the parts" in _read([drive[0], third], tmp_path).notes[0]


def test_other_zips_beside_are_no_parts(tmp_path: Path) -> None:
    for name in ("pets 2025.zip", "cars-2.zip", "pets.zip", "pets-a.zip"):
        _zip(tmp_path / name, FIRST)
    assert not [note for note in _read(_zip(tmp_path / "pets-1.zip", FIRST), tmp_path).notes if "rest" in note]


def test_folders_and_zips_may_be_mixed(drive: list[Path], tmp_path: Path) -> None:
    table = _read([drive[0], _folder(tmp_path / "second", SECOND)], tmp_path)
    assert len(table) == 8
    assert table.names[-1] == f"{tmp_path}/second/pets/dogs/3.jpg"


def test_the_same_photo_in_two_parts_is_one(drive: list[Path], tmp_path: Path) -> None:
    third = _zip(tmp_path / "pets-003.zip", {"pets/cats/0.jpg": b"cat 0"})
    table = _read([*drive, third], tmp_path)
    assert len(table) == 8
    assert ("copies of files in another part", 1) in [(item.kind, item.count) for item in table.passed_over]


def test_two_photos_of_one_path_are_refused_by_both_names(drive: list[Path], tmp_path: Path) -> None:
    third = _zip(tmp_path / "pets-003.zip", {"pets/cats/0.jpg": b"another"})
    message = _refusal([*drive, third], tmp_path)
    assert f"{drive[0]}/pets/cats/0.jpg and {third}/pets/cats/0.jpg: two different files" in message


def test_a_part_given_twice_counts_once(drive: list[Path], tmp_path: Path) -> None:
    assert len(_read([*drive, drive[1]], tmp_path)) == 8


def test_a_part_inside_another_is_refused(tmp_path: Path) -> None:
    whole = _folder(tmp_path / "whole", FIRST)
    assert f"{whole / 'pets'}: is {whole} or inside it" in _refusal([whole, whole / "pets"], tmp_path)


def test_a_table_beside_parts_is_refused(drive: list[Path], tmp_path: Path) -> None:
    table = put(tmp_path / "labels.csv", b"image,label\n")
    assert "labels.csv: a table is read alone" in _refusal([*drive, table], tmp_path)


def test_a_part_with_a_table_of_labels_is_refused(drive: list[Path], tmp_path: Path) -> None:
    part = _zip(tmp_path / "pets-003.zip", {"metadata.csv": b"file_name,label\npets/cats/0.jpg,cat\n"})
    message = _refusal([*drive, part], tmp_path)
    assert f"{part}/metadata.csv: says labels" in message
    assert "unpack all parts into one folder" in message


def test_a_part_that_is_missing_is_named(drive: list[Path], tmp_path: Path) -> None:
    assert "pets-003.zip: there is no such file" in _refusal([*drive, tmp_path / "pets-003.zip"], tmp_path)


def test_splits_in_zips_of_their_own_are_read_where_the_zips_hold_the_split_folders(tmp_path: Path) -> None:
    train = _zip(tmp_path / "train.zip", {f"train/{name}/0.jpg": name.encode() for name in ("cats", "dogs")})
    test = _zip(tmp_path / "test.zip", {f"test/{name}/1.jpg": name.encode() for name in ("cats", "dogs")})
    assert set(_read([train, test], tmp_path).splits.tolist()) == {NO_SPLIT, HELD_OUT}


def test_splits_that_only_the_names_of_zips_tell_are_refused(tmp_path: Path) -> None:
    train = _zip(tmp_path / "train.zip", {f"{name}/0.jpg": name.encode() for name in ("cats", "dogs")})
    test = _zip(tmp_path / "test.zip", {f"{name}/1.jpg": name.encode() for name in ("cats", "dogs")})
    message = _refusal([train, test], tmp_path)
    assert "named as splits" in message
    assert "unpack each zip into a folder of its name, and give the folder that holds them" in message


def test_split_folders_given_one_by_one_are_refused_with_what_to_give(tmp_path: Path) -> None:
    classes = {f"{name}/0.jpg": name.encode() for name in ("cats", "dogs")}
    train, valid = (_folder(tmp_path / "data" / name, classes) for name in ("train", "valid"))
    assert f"give the folder that holds them, {tmp_path / 'data'}" in _refusal([train, valid], tmp_path)


def test_class_folders_given_one_by_one_are_refused_with_what_to_give(tmp_path: Path) -> None:
    cats, dogs = (_folder(tmp_path / "photos" / name, {f"{name[0]}.jpg": b"x"}) for name in ("cats", "dogs"))
    advice = f"If each of these is a class, give the folder that holds them, {tmp_path / 'photos'}"
    assert advice in _refusal([cats, dogs], tmp_path)


def test_fixes_name_photos_by_their_path_within_the_parts(drive: list[Path], tmp_path: Path) -> None:
    fixes = put(
        tmp_path / "fixes.csv",
        f"image,label\npets/cats/0.jpg,dogs\n{drive[1]}/pets/dogs/3.jpg,-\n".encode(),
    )
    table = _read(drive, tmp_path, fixes=fixes)
    assert len(table) == 7
    assert table.labels.tolist() == [1, 0, 0, 0, 1, 1, 1]


def test_paths_of_data_survive_json(drive: list[Path]) -> None:
    for paths in (DataPaths.of(drive), DataPaths.of(drive[0])):
        assert DataPaths.from_json(paths.as_json(), "data") == paths
    assert DataPaths.of(drive[0]).as_json() == str(drive[0])
    with pytest.raises(ValueError, match=r"training\.data"):
        DataPaths.from_json([1], "training.data")
