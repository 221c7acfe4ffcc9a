"""Folder layouts: labels and splits follow from folders and file names."""

from collections.abc import Sequence
from pathlib import PurePosixPath

import pytest

from photoclass.errors import DataError
from photoclass.photos.sources.labelled import make_table
from photoclass.photos.sources.layout import label_listing, label_of_name
from photoclass.photos.sources.listing import Listing
from photoclass.photos.sources.litter import kind_by_ending
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID, PhotoTable, SkippedPhoto, natural_key

CATS_AND_DOGS = ("cats/1.jpg", "cats/2.jpg", "dogs/1.jpg")


def _listing(*files: str, empty: Sequence[str] = (), skipped: Sequence[SkippedPhoto] = ()) -> Listing:
    """Read a listing of these files; `empty` are folders without files."""
    folders = {str(parent) for name in (*files, *(f"{e}/x" for e in empty)) for parent in PurePosixPath(name).parents}
    kinds = {file: kind for file in files if (kind := kind_by_ending(file.rpartition("/")[2]))}
    photos = sorted(set(files) - set(kinds), key=natural_key)
    return Listing(photos, sorted(folders - {"."}, key=natural_key), list(skipped), kinds)


def _read(*files: str, empty: Sequence[str] = ()) -> PhotoTable:
    return make_table(label_listing(_listing(*files, empty=empty), "DATA"), "DATA", None, "DATA")


def _rows(table: PhotoTable) -> dict[str, tuple[str, int]]:
    """Return (class name, split) by name."""
    return {
        name.removeprefix("DATA/"): (table.class_names[label], int(split))
        for name, label, split in zip(table.names, table.labels, table.splits, strict=True)
    }


def test_class_folders_give_the_labels_and_no_split() -> None:
    table = _read(*CATS_AND_DOGS)
    assert table.class_names == ("cats", "dogs")
    assert table.names == table.paths == tuple(f"DATA/{name}" for name in CATS_AND_DOGS)
    assert table.labels.tolist() == [0, 0, 1]
    assert set(table.splits.tolist()) == {NO_SPLIT}


def test_classes_are_sorted_by_name() -> None:
    assert _read("wolf/1.jpg", "ant/1.jpg", "cow/1.jpg").class_names == ("ant", "cow", "wolf")


def test_folders_within_a_class_belong_to_the_class() -> None:
    assert _rows(_read("cats/2019/may/1.jpg", "dogs/1.jpg"))["cats/2019/may/1.jpg"] == ("cats", NO_SPLIT)


@pytest.mark.parametrize("valid", ["valid", "val", "validation", "Validation"])
def test_split_folders_give_the_splits(valid: str) -> None:
    parts = {"train": TRAIN, valid: VALID, "test": HELD_OUT}
    table = _read(*(f"{part}/{file}" for part in parts for file in CATS_AND_DOGS))
    assert table.class_names == ("cats", "dogs")
    for name, (label, split) in _rows(table).items():
        part, folder, _ = name.split("/")
        assert (label, split) == (folder, parts[part])


def test_a_train_folder_alone_is_still_to_be_divided() -> None:
    assert {split for _, split in _rows(_read(*(f"train/{file}" for file in CATS_AND_DOGS))).values()} == {NO_SPLIT}


def test_train_and_test_without_valid_leave_the_test_photos_held_out() -> None:
    rows = _rows(_read(*(f"{part}/{file}" for part in ("train", "test") for file in CATS_AND_DOGS)))
    assert {split for name, (_, split) in rows.items() if name.startswith("test/")} == {HELD_OUT}
    assert {split for name, (_, split) in rows.items() if name.startswith("train/")} == {NO_SPLIT}


def test_fault_21_flat_names_of_kaggle_give_the_labels() -> None:
    rows = _rows(_read("train/cat.0.jpg", "train/dog.1.jpg", "train/dog.10.JPG"))
    assert [label for label, _ in rows.values()] == ["cat", "dog", "dog"]


def test_fault_21_unlabelled_test_photos_are_ignored_and_counted() -> None:
    table = _read("train/cat.0.jpg", "train/dog.1.jpg", "test1/1.jpg", "test1/2.jpg", "sampleSubmission.csv")
    assert len(table) == 2
    assert table.notes == ("test1/: 2 unlabelled photos passed over",)


def test_outer_folders_are_stepped_into() -> None:
    rows = _rows(_read("photos/2024/cats/1.jpg", "photos/2024/dogs/1.jpg", "README.txt"))
    assert [label for label, _ in rows.values()] == ["cats", "dogs"]


def test_an_outer_folder_of_split_folders_is_stepped_into() -> None:
    files = [f"pets/{part}/{file}" for part in ("train", "valid") for file in CATS_AND_DOGS]
    assert {split for _, split in _rows(_read(*files)).values()} == {TRAIN, VALID}


def test_a_class_may_be_named_train() -> None:
    assert _read("car/1.jpg", "train/1.jpg").class_names == ("car", "train")


def test_another_folder_beside_split_folders_is_refused() -> None:
    with pytest.raises(DataError, match="old/ beside train/, valid/"):
        _read("train/cats/1.jpg", "train/dogs/1.jpg", "valid/cats/1.jpg", "valid/dogs/1.jpg", "old/1.jpg")


def test_a_photo_outside_the_class_folders_is_skipped() -> None:
    table = _read(*CATS_AND_DOGS, "stray.jpg", "notes.txt")
    assert table.skipped == (SkippedPhoto("DATA/stray.jpg", "not in a class folder"),)


def test_a_photo_whose_flat_name_has_no_class_is_skipped() -> None:
    table = _read("cat.0.jpg", "dog.1.jpg", "holiday.jpg")
    assert [item.name for item in table.skipped] == ["DATA/holiday.jpg"]


def test_files_skipped_by_the_listing_stay_skipped() -> None:
    listing = _listing(*CATS_AND_DOGS, skipped=[SkippedPhoto("cats/pipe.jpg", "a pipe")])
    table = make_table(label_listing(listing, "DATA"), "DATA", None, "DATA")
    assert table.skipped == (SkippedPhoto("DATA/cats/pipe.jpg", "a pipe"),)


def test_fault_18_data_without_classes_is_refused_and_the_known_forms_are_named() -> None:
    with pytest.raises(
        DataError, match=r"DATA: no class folders found, and 2 photos whose names give no class, such as 1\.jpg; give"
    ):
        _read("1.jpg", "2.jpg")


def test_fault_18_a_folder_of_zips_is_refused_with_a_hint() -> None:
    with pytest.raises(DataError, match=r"perhaps you mean DATA/train\.zip"):
        _read("test.zip", "train.zip")


@pytest.mark.parametrize(
    "files", [("cats/1.jpg",), ("cat.1.jpg", "cat.2.jpg"), ("train/cats/1.jpg", "valid/cats/2.jpg")]
)
def test_fault_18_a_single_class_is_refused_and_named(files: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match=r"DATA: only one class, 'cats?'; at least two"):
        _read(*files)


@pytest.mark.parametrize(
    ("files", "empty"),
    [(CATS_AND_DOGS, "cows"), (("train/cats/1.jpg", "train/dogs/1.jpg", "valid/cats/2.jpg"), "train/cows")],
)
def test_fault_19_an_empty_class_is_refused_and_named(files: tuple[str, ...], empty: str) -> None:
    with pytest.raises(DataError, match="class 'cows' is empty"):
        _read(*files, empty=[empty])


def test_a_class_of_which_no_file_can_be_used_is_refused_with_the_reason() -> None:
    listing = _listing(*CATS_AND_DOGS, empty=["cows"], skipped=[SkippedPhoto("cows/1.jpg", "a broken link")])
    with pytest.raises(
        DataError, match=r"'cows' has 1 file and none can be used \(for example cows/1\.jpg: a broken link"
    ):
        make_table(label_listing(listing, "DATA"), "DATA", None, "DATA")


def test_a_class_may_be_empty_in_valid() -> None:
    assert _read("train/cats/1.jpg", "train/dogs/1.jpg", "valid/cats/2.jpg", empty=["valid/dogs"]).class_names


@pytest.mark.parametrize("part", ["valid", "test"])
def test_fault_19_a_class_without_a_photo_to_train_on_is_refused_and_named(part: str) -> None:
    with pytest.raises(DataError, match="class 'cows' has no photo in train/"):
        _read("train/cats/1.jpg", "train/dogs/1.jpg", "valid/cats/2.jpg", f"{part}/cows/1.jpg")


@pytest.mark.parametrize("files", [("Dog/1.jpg", "dog/2.jpg", "cat/1.jpg"), ("Dog.1.jpg", "dog.2.jpg", "cat.1.jpg")])
def test_fault_25_classes_that_differ_only_by_case_are_refused(files: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="classes 'Dog' and 'dog' differ only by case"):
        _read(*files)


@pytest.mark.parametrize("stem", ["new\nline", "\udcff\udce9", "n" * 251, "-rf", "a,b", '"'])
def test_fault_24_unusual_names_are_labelled_like_any_other(stem: str) -> None:
    table = _read(f"cats/{stem}.jpg", "dogs/1.jpg")
    assert _rows(table)[f"cats/{stem}.jpg"] == ("cats", NO_SPLIT)


@pytest.mark.parametrize(
    ("file", "label"),
    [
        ("cat/1.jpg", "cat"),
        ("photos/dog/2024/1.jpg", "dog"),
        ("dog.1.jpg", "dog"),
        ("photos/dog/cat.1.jpg", "cat"),
        ("cat/dog/1.jpg", "dog"),
        ("cow/1.jpg", None),
        ("cow.1.jpg", None),
        ("category/1.jpg", None),
        ("1.jpg", None),
    ],
)
def test_the_label_of_a_single_photo_is_read_from_its_folder_or_flat_name(file: str, label: str | None) -> None:
    assert label_of_name(file, ("cat", "dog")) == label


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (("Lo\u0308we", "L\u00f6we"), "'Lo\\u0308we' and 'L\\xf6we' are one class, 'L\u00f6we'"),
        (("cats", "cats "), "'cats' and 'cats ' are one class, 'cats'"),
        (("big cats", "big\u00a0cats"), r"'big cats' and 'big\xa0cats' are one class, 'big cats'"),
        (("dogs", "dogs\u200b"), r"'dogs' and 'dogs\u200b' are one class, 'dogs'"),
    ],
)
def test_inputs_5_class_names_that_look_alike_are_one_class_and_the_difference_is_shown(
    names: tuple[str, str], shown: str
) -> None:
    table = _read(*(f"{name}/1.jpg" for name in names), "zebra/1.jpg")
    assert len(table.class_names) == 2 and len(table) == 3
    assert any(shown in note for note in table.notes)


@pytest.mark.parametrize("name", ["new\nline", "tab\there", "bell\x07", "\u200b"])
def test_a_class_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(
        DataError, match=r"class name '[^\n]*' has (a line break or control character|no visible letter)"
    ):
        _read(f"{name}/1.jpg", "dogs/1.jpg")


@pytest.mark.parametrize("levels", [101, 5_000])
def test_folders_that_are_nested_too_deeply_are_refused(levels: int) -> None:
    with pytest.raises(DataError, match=rf"DATA: its folders are nested {levels:,} levels deep, more than the 100"):
        _read(*(f"{'d/' * (levels - 1)}{name}/1.jpg" for name in ("cats", "dogs")))
    assert _read(*(f"{'d/' * 99}{name}/1.jpg" for name in ("cats", "dogs"))).class_names == ("cats", "dogs")
