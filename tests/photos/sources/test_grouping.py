"""`--group-by`: by the folder below the class, by a pattern, by a column; what has no group is refused by name."""

from pathlib import Path

import pytest

from photoclass.errors import DataError
from photoclass.photos.sources.options import ReadOptions
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import PhotoTable
from photoclass.workspace import Workspace
from picture_files import black_png, put


def _read(folder: Path, names: list[str], group_by: str) -> PhotoTable:
    for name in names:
        put(folder / name, black_png(8, 8))
    return read_data(folder, Workspace(folder.parent / "cache"), reading=ReadOptions(group_by=group_by))


def _groups(table: PhotoTable) -> dict[str, str]:
    return {
        Path(name).as_posix().split("/DATA/")[1]: group for name, group in zip(table.names, table.groups, strict=True)
    }


def test_without_the_option_nothing_is_grouped(tmp_path: Path) -> None:
    assert _read(tmp_path / "DATA", ["cats/rex/0.png", "dogs/max/0.png"], "").groups == ()


def test_the_folder_below_the_class_is_a_group_whatever_is_below_it(tmp_path: Path) -> None:
    names = ["cats/site1/0.png", "cats/site2/monday/0.png", "dogs/site1/0.png", "dogs/site3/0.png"]
    assert _groups(_read(tmp_path / "DATA", names, "folder")) == {
        "cats/site1/0.png": "site1",
        "cats/site2/monday/0.png": "site2",
        "dogs/site1/0.png": "site1",
        "dogs/site3/0.png": "site3",
    }


def test_the_folder_is_found_below_splits_too(tmp_path: Path) -> None:
    names = ["train/cats/a/0.png", "train/dogs/b/0.png", "valid/cats/c/0.png", "valid/dogs/d/0.png"]
    assert list(_groups(_read(tmp_path / "DATA", names, "folder")).values()) == ["a", "b", "c", "d"]


def test_flat_names_are_grouped_by_their_own_folder(tmp_path: Path) -> None:
    names = ["train/cat.0.png", "train/cat.1.png", "train/dog.0.png", "test/cat.2.png", "test/dog.2.png"]
    groups = _groups(_read(tmp_path / "DATA", names, "folder"))
    assert groups == {name: name.split("/")[0] for name in names}


def test_photos_beside_the_folders_are_refused_with_count_and_example(tmp_path: Path) -> None:
    names = ["cats/rex/0.png", "cats/1.png", "dogs/max/0.png", "dogs/2.png"]
    with pytest.raises(DataError, match=r"--group-by folder: 2 photos of 4 have no folder below .*cats/1\.png"):
        _read(tmp_path / "DATA", names, "folder")


def test_a_pattern_names_the_group(tmp_path: Path) -> None:
    names = ["cats/rex_1.png", "cats/rex_2.png", "cats/tom_1.png", "dogs/max_1.png", "dogs/max_2.png"]
    table = _read(tmp_path / "DATA", names, r"([a-z]+)_\d")
    assert table.groups == ("rex", "rex", "tom", "max", "max")


def test_a_named_group_is_one_group(tmp_path: Path) -> None:
    table = _read(tmp_path / "DATA", ["cats/rex_1.png", "dogs/max_1.png"], r"(?P<animal>[a-z]+)_\d")
    assert table.groups == ("rex", "max")


def test_photos_that_a_pattern_does_not_match_are_refused_with_count_and_example(tmp_path: Path) -> None:
    names = ["cats/rex_1.png", "cats/unknown.png", "dogs/max_1.png"]
    with pytest.raises(DataError, match=r"1 photo of 3 has a path in which that pattern is not found .*unknown\.png"):
        _read(tmp_path / "DATA", names, r"([a-z]+)_\d")


@pytest.mark.parametrize(
    ("group_by", "complaint"),
    [
        ("animal", "no column of DATA, and a pattern with no group in parentheses; give folder, a column"),
        ("([a-z]", "no column of DATA, and no pattern"),
        ("([a-z]+)_([0-9])", "a pattern with 2 groups"),
    ],
)
def test_what_is_neither_column_nor_folder_nor_pattern_is_refused(
    group_by: str, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=complaint):
        _read(tmp_path / "DATA", ["cats/rex_1.png", "dogs/max_1.png"], group_by)


def test_the_columns_of_a_table_are_named_where_none_is_meant(tmp_path: Path) -> None:
    for name in ("rex.png", "max.png"):
        put(tmp_path / name, black_png(8, 8))
    table = put(tmp_path / "labels.csv", b"image,label,Animal\nrex.png,cat,rex\nmax.png,dog,max\n")
    workspace = Workspace(tmp_path / "cache")
    assert read_data(table, workspace, reading=ReadOptions(group_by="animal")).groups == ("max", "rex")
    with pytest.raises(DataError, match=r"give folder, a column \(image, label, Animal\), or a pattern"):
        read_data(table, workspace, reading=ReadOptions(group_by="patient"))


def test_an_empty_cell_of_the_column_is_refused(tmp_path: Path) -> None:
    for name in ("rex.png", "max.png"):
        put(tmp_path / name, black_png(8, 8))
    table = put(tmp_path / "labels.csv", b"image,label,animal\nrex.png,cat,\nmax.png,dog,max\n")
    with pytest.raises(DataError, match=r"1 photo of 2 has an empty cell in that column \(for example rex\.png\)"):
        read_data(table, Workspace(tmp_path / "cache"), reading=ReadOptions(group_by="animal"))


def test_selected_photos_keep_their_groups(tmp_path: Path) -> None:
    table = _read(tmp_path / "DATA", ["cats/rex_1.png", "cats/tom_1.png", "dogs/max_1.png"], r"([a-z]+)_\d")
    assert table.select(table.labels == 0).groups == ("rex", "tom")
