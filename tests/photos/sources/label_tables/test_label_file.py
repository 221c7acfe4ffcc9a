"""Label CSVs, image,label[,split]: read as people and spreadsheets write them, refused with all errors reported."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from photoclass.errors import DataError
from photoclass.photos.sources.label_tables.label_file import read_label_file
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID
from photoclass.workspace import Workspace
from picture_files import put


def _rows(
    folder: Path, text: str | bytes, images: Sequence[str] = ("1.jpg", "2.jpg", "3.jpg")
) -> list[tuple[str, str, int]]:
    for image in images:
        put(folder / image, b"x")
    file = put(folder / "labels.csv", text if isinstance(text, bytes) else text.encode())
    labelled, paths = read_label_file(file, Workspace())
    assert all(Path(paths[row.file]).is_file() for row in labelled.rows)
    return [(row.file, row.label, row.split) for row in labelled.rows]


def _refusal(folder: Path, text: str | bytes) -> str:
    with pytest.raises(DataError) as refused:
        _rows(folder, text)
    assert str(refused.value).startswith(f"{folder / 'labels.csv'}: ")
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_images_are_found_beside_the_csv_or_by_absolute_path(tmp_path: Path) -> None:
    far = put(tmp_path / "elsewhere/far.jpg", b"x")
    rows = _rows(tmp_path / "here", f"image,label\n1.jpg,cat\n{far},dog\n")
    assert rows == [("1.jpg", "cat", NO_SPLIT), (str(far), "dog", NO_SPLIT)]


def test_columns_may_be_in_any_order_and_others_are_ignored(tmp_path: Path) -> None:
    text = "Source, LABEL ,Image\nweb,cat,1.jpg\nweb,dog,2.jpg\n"
    assert _rows(tmp_path, text) == [("1.jpg", "cat", NO_SPLIT), ("2.jpg", "dog", NO_SPLIT)]


def test_the_split_column_is_kept(tmp_path: Path) -> None:
    text = "image,label,split\n1.jpg,cat,train\n2.jpg,dog,Validation\n3.jpg,dog,test\n"
    assert [split for _, _, split in _rows(tmp_path, text)] == [TRAIN, VALID, HELD_OUT]


@pytest.mark.parametrize("splits", [("train", "train", "train"), ("train", "train", "test")])
def test_without_validation_rows_the_training_rows_are_still_to_be_divided(
    splits: tuple[str, ...], tmp_path: Path
) -> None:
    lines = [f"{number}.jpg,cat,{split}" for number, split in enumerate(splits, start=1)]
    found = [split for _, _, split in _rows(tmp_path, "\n".join(["image,label,split", *lines]))]
    assert found == [NO_SPLIT, NO_SPLIT, HELD_OUT if splits[2] == "test" else NO_SPLIT]


def test_fault_31_a_byte_order_mark_and_any_line_ending_are_accepted(tmp_path: Path) -> None:
    expected = [("1.jpg", "cat", NO_SPLIT), ("2.jpg", "dog", NO_SPLIT)]
    for text in ("image,label\n1.jpg,cat\n2.jpg,dog", "\ufeffimage,label\r\n1.jpg,cat\r\n\r\n2.jpg,dog\r\n"):
        assert _rows(tmp_path, text) == expected


def test_fault_31_a_repeated_row_counts_once_and_is_reported(tmp_path: Path) -> None:
    put(tmp_path / "1.jpg", b"x")
    put(tmp_path / "2.jpg", b"x")
    file = put(tmp_path / "labels.csv", b"image,label\n1.jpg,cat\n2.jpg,dog\n1.jpg,cat\n1.jpg,cat\n")
    labelled, _ = read_label_file(file, Workspace())
    assert [row.file for row in labelled.rows] == ["1.jpg", "2.jpg"]
    assert labelled.notes == [f"{file}: 2 repeated rows counted once"]


def test_fault_31_all_wrong_rows_are_reported_with_their_lines(tmp_path: Path) -> None:
    message = _refusal(tmp_path, "image,label,split\n1.jpg,cat,\n9.jpg,dog,\n1.jpg,dog,\n2.jpg,,\n3.jpg,dog,maybe\n")
    assert "line 5: the label is empty" in message
    assert "line 6: unknown split: 'maybe'; choose from train, valid, test" in message
    assert "line 2" not in message
    message = _refusal(tmp_path, "image,label\n1.jpg,cat\n9.jpg,dog\n2.jpg,dog\n")
    assert f"line 3: no such file: '9.jpg'; there are 3 photos below {tmp_path}, such as 1.jpg" in message


def test_fault_31_one_cause_of_many_wrong_rows_is_named_once_with_its_count(tmp_path: Path) -> None:
    message = _refusal(tmp_path, "image,label\n" + "".join(f"no{number}.jpg,cat\n" for number in range(25)))
    assert "25 rows, the first in line 2: no such file: 'no0.jpg'" in message
    assert message.count("no such file") == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "its first line must name the columns"),
        ("file,Klasse\n1.jpg,cat\n", "no column is known to hold labels: file, Klasse; name one label"),
        ("Datei,label\n1.jpg,cat\n", "no column is known to hold photos: Datei, label; name one image"),
        ("1.jpg,cat\n2.jpg,dog\n", "its first line is a row (1.jpg, cat)"),
        ("image,label\n1.jpg\n", "line 2: the label is empty"),
        ("image,label,split\n1.jpg,cat,train\n2.jpg,dog,\n", "some rows have a split and some do not"),
        ("image,label,split\n1.jpg,cat,valid\n2.jpg,dog,test\n", "no row is in the split train"),
        (f"image,label\n1.jpg,{'c' * 200_000}\n", "line 2: a label of 200,000 letters"),
        ("image,label\na\0b.jpg,cat\n", "line 2 contains a NUL byte"),
    ],
)
def test_fault_31_a_file_that_is_not_a_label_csv_is_refused(text: str | bytes, complaint: str, tmp_path: Path) -> None:
    assert complaint in _refusal(tmp_path, text)


def test_quoted_names_with_commas_quotes_and_newlines_are_found(tmp_path: Path) -> None:
    images = ["a,b.jpg", 'say "cat".jpg', "two\nlines.jpg", " spaced .jpg"]
    for image in images:
        put(tmp_path / image, b"x")
    with open(tmp_path / "labels.csv", "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("image", "label"), *((image, "cat") for image in images)])
    labelled, _ = read_label_file(tmp_path / "labels.csv", Workspace())
    assert [row.file for row in labelled.rows] == images


def test_fault_24_file_names_that_are_not_utf8_are_found(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    assert _rows(tmp_path, b"image,label\ncaf\xe9.jpg,cat\n", images=[name]) == [(name, "cat", NO_SPLIT)]
