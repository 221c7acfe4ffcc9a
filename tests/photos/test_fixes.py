"""Fixes files: labels are changed and photos excluded; rows that do not fit DATA are refused and named."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoclass.errors import DataError
from photoclass.photos.fixes import Fix, read_fixes, write_fixes
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import PhotoTable
from photoclass.workspace import Workspace
from picture_files import put

_CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("cat/1.jpg", "cat/2.jpg", "cat/3.jpg", "dog/1.jpg", "dog/2.jpg"):
        put(tmp_path / "photos" / name, b"x")
    return tmp_path / "photos"


def _fixed(data: Path, text: str | bytes) -> PhotoTable:
    file = put(data.parent / "fixes.csv", text if isinstance(text, bytes) else text.encode())
    return read_data(data, Workspace(data.parent / "cache"), fixes=file)


def _labels(table: PhotoTable, data: Path) -> dict[str, str]:
    return {
        name.removeprefix(f"{data}/"): table.class_names[label]
        for name, label in zip(table.names, table.labels, strict=True)
    }


def test_labels_are_changed_and_photos_excluded(data: Path) -> None:
    table = _fixed(data, "image,label,note\ncat/1.jpg,dog,looks like one\ncat/2.jpg,-,\n")
    assert _labels(table, data) == {"cat/1.jpg": "dog", "cat/3.jpg": "cat", "dog/1.jpg": "dog", "dog/2.jpg": "dog"}
    assert table.notes == (f"{data.parent / 'fixes.csv'}: 1 label changed, 1 file excluded",)
    assert sorted(os.listdir(data / "cat")) == ["1.jpg", "2.jpg", "3.jpg"]


def test_a_photo_may_be_named_as_the_commands_print_it(data: Path) -> None:
    assert _labels(_fixed(data, f"image,label\n{data}/cat/1.jpg,dog\n"), data)["cat/1.jpg"] == "dog"


def test_a_file_that_cannot_be_used_may_be_excluded_but_not_labelled(data: Path) -> None:
    (data / "cat" / "link.jpg").symlink_to(data / "nowhere")
    assert len(_fixed(data, "image,label\n").skipped) == 1
    assert _fixed(data, "image,label\ncat/link.jpg,-\n").skipped == ()
    with pytest.raises(DataError, match="cannot be used, whatever its label"):
        _fixed(data, "image,label\ncat/link.jpg,dog\n")


def test_the_images_of_a_label_csv_are_named_as_in_that_csv(data: Path) -> None:
    labels = put(data / "labels.csv", b"image,label\ncat/1.jpg,cat\ncat/2.jpg,cat\ndog/1.jpg,dog\n")
    file = put(data.parent / "fixes.csv", b"image,label\ncat/2.jpg,dog\n")
    assert _labels(read_data(labels, Workspace(data.parent / "cache"), fixes=file), data)["cat/2.jpg"] == "dog"


def test_fault_31_all_rows_that_do_not_fit_are_reported(data: Path) -> None:
    text = "image,label\ncat/9.jpg,dog\ncat/1.jpg,horse\ncat/2.jpg,dog\ncat/2.jpg,-\ncat/3.jpg,\n"
    with pytest.raises(DataError) as refused:
        _fixed(data, text)
    message = str(refused.value)
    assert "\n" not in message
    assert f"line 2: no such photo in {data}: 'cat/9.jpg'" in message
    assert "2 rows, the first in line 3: unknown class: 'horse'; choose from cat, dog, or - to exclude" in message
    assert "line 5: a photo is fixed in two ways: 'cat/2.jpg' is already in line 4" in message


def test_fault_31_one_cause_of_many_wrong_rows_is_named_once_with_its_count(data: Path) -> None:
    with pytest.raises(DataError) as refused:
        _fixed(data, "image,label\n" + "".join(f"no{i}.jpg,-\n" for i in range(25)))
    assert "25 rows, the first in line 2: no such photo" in str(refused.value)
    assert str(refused.value).count("no such photo") == 1


@pytest.mark.parametrize(
    "text", ["image,label\ndog/1.jpg,-\ndog/2.jpg,-\n", "image,label\ndog/1.jpg,cat\ndog/2.jpg,-\n"]
)
def test_fault_19_a_class_left_without_photos_is_refused(text: str, data: Path) -> None:
    with pytest.raises(DataError, match="leaves 'dog' without a photo, and only 1 class"):
        _fixed(data, text)


@pytest.mark.parametrize(
    "text", ["", "Datei,class\n", "image;Klasse\n", b"\xff\xfei\0m\0", f"image,label\na,{'c' * 200_000}\n"]
)
def test_fault_31_a_file_that_is_not_a_fixes_file_is_refused(text: str | bytes, data: Path) -> None:
    with pytest.raises(DataError, match=r"fixes\.csv: ") as refused:
        _fixed(data, text)
    assert "--label-column" not in str(refused.value) and "--image-column" not in str(refused.value)


def test_a_missing_fixes_file_is_refused(data: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_data(data, Workspace(data.parent / "cache"), fixes=data / "none.csv")


def test_fault_31_a_byte_order_mark_and_any_line_ending_are_accepted(data: Path) -> None:
    assert _labels(_fixed(data, "\ufeffImage,LABEL\r\ncat/1.jpg,dog\r\n"), data)["cat/1.jpg"] == "dog"


@given(st.lists(st.builds(Fix, _CELLS.filter(bool), st.none() | _CELLS.map(str.strip), _CELLS.map(str.strip))))
def test_faults_24_29_and_30_fixes_read_back_as_written_and_no_cell_is_a_formula(
    tmp_path_factory: pytest.TempPathFactory, fixes: list[Fix]
) -> None:
    file = tmp_path_factory.mktemp("fixes") / "fixes.csv"
    write_fixes(file, fixes)
    assert [fix for _, fix in read_fixes(file)] == fixes


def test_fault_24_file_names_that_are_not_utf8_are_found(data: Path) -> None:
    name = os.fsdecode(b"cat/caf\xe9.jpg")
    put(data / name, b"x")
    write_fixes(data.parent / "fixes.csv", [Fix(name, "dog")])
    table = read_data(data, Workspace(data.parent / "cache"), fixes=data.parent / "fixes.csv")
    assert _labels(table, data)[name] == "dog"


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffimage;label;note\ncat/1.jpg;dog;\ncat/2.jpg;-;leave out\n;;\n;;\n",
        "sep=;\r\nimage;label\r\ncat/1.jpg;dog\r\ncat/2.jpg;-\r\n",
        "file\tclass\n./cat/1.jpg\tDog \ncat\\2.JPG\t-\n".encode("utf-16"),
        "image,label\n cat/1.jpg , dog\ncat/2,-\ncat/2.jpg,-\n",
        "image,label\n/kaggle/input/photos/cat/1.jpg,dog\ncat/2.jpg,-\n",
    ],
)
def test_a_fixes_file_may_come_from_a_spreadsheet(text: str | bytes, data: Path) -> None:
    table = _fixed(data, text)
    assert _labels(table, data) == {"cat/1.jpg": "dog", "cat/3.jpg": "cat", "dog/1.jpg": "dog", "dog/2.jpg": "dog"}


def test_class_names_are_matched_as_evaluate_matches_them_and_a_note_says_so(data: Path) -> None:
    table = _fixed(data, "image,label\ncat/1.jpg,Dogs\ncat/2.jpg, dog \n")
    assert _labels(table, data)["cat/1.jpg"] == _labels(table, data)["cat/2.jpg"] == "dog"
    assert table.notes[0] == f"{data.parent / 'fixes.csv'}: 'Dogs' is read as the class 'dog'"
    assert len(table.notes) == 2


def test_a_fixes_file_in_cp1252_is_read_and_named(data: Path) -> None:
    put(data / "cat/Kätzchen.jpg", b"x")
    table = _fixed(data, "image,label\ncat/Kätzchen.jpg,dog\n".encode("cp1252"))
    assert _labels(table, data)["cat/Kätzchen.jpg"] == "dog"
    assert any("read as Windows-1252 (cp1252)" in note for note in table.notes)


def test_a_photo_that_could_be_two_is_refused(data: Path) -> None:
    with pytest.raises(DataError, match=r"line 2: more than one photo can be meant: '1\.jpg' is .*1\.jpg or .*1\.jpg"):
        _fixed(data, "image,label\n1.jpg,dog\n")


@pytest.mark.parametrize("rows", ["bird/1.jpg,-\nbird/2.jpg,-\n", "bird/1.jpg,-\nbird/2.jpg,cat\n"])
def test_a_class_is_dropped_with_its_last_photo(rows: str, data: Path) -> None:
    for name in ("bird/1.jpg", "bird/2.jpg"):
        put(data / name, b"x")
    table = _fixed(data, f"image,label\n{rows}")
    assert table.class_names == ("cat", "dog")
    assert {name: label for name, label in _labels(table, data).items() if name[:3] in ("cat", "dog")} == {
        "cat/1.jpg": "cat",
        "cat/2.jpg": "cat",
        "cat/3.jpg": "cat",
        "dog/1.jpg": "dog",
        "dog/2.jpg": "dog",
    }
    assert table.notes[-1] == f"{data.parent / 'fixes.csv'}: no photo of 'bird' is left, so this class is dropped"


def test_fault_62_excluded_photos_are_counted_and_files_that_are_no_photos_may_be_named(data: Path) -> None:
    put(data / "cat/notes.txt", b"x")
    table = _fixed(data, "image,label\ncat/1.jpg,-\ncat/notes.txt,-\n")
    assert {item.kind: item.count for item in table.passed_over} == {
        "files excluded by the fixes file": 1,
        "text files (txt)": 1,
    }
    with pytest.raises(DataError, match=r"no such photo in .*: 'cat/notes\.txt'"):
        _fixed(data, "image,label\ncat/notes.txt,dog\n")
