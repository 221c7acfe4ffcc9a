"""Tables inside DATA that say its labels, as Hugging Face and Roboflow give them; every file is accounted for."""

from collections import Counter
from pathlib import Path
from zipfile import ZipFile

import pytest

from photoclass.errors import DataError
from photoclass.photos.sources.options import ReadOptions
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID, PhotoTable
from photoclass.workspace import Workspace
from picture_files import put

_JPEG = b"\xff\xd8\xff"


def _read(folder: Path, reading: ReadOptions | None = None) -> PhotoTable:
    return read_data(folder, Workspace(folder.parent / "cache"), reading=reading or ReadOptions())


def _photos(folder: Path, names: str) -> None:
    for name in names.split():
        put(folder / name, _JPEG)


def _labels(table: PhotoTable, folder: Path) -> dict[str, str]:
    return {
        str(Path(name).relative_to(folder)): table.class_names[label]
        for name, label in zip(table.names, table.labels, strict=True)
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("metadata.csv", "file_name,label\na.jpg,cat\nb.jpg,dog\n"),
        ("metadata.jsonl", '{"file_name": "a.jpg", "label": "cat"}\n{"file_name": "b.jpg", "label": "dog"}\n'),
        ("_classes.csv", "filename, cat, dog\na.jpg, 1, 0\nb.jpg, 0, 1\n"),
    ],
)
def test_input_16_and_18_a_table_beside_its_photos_gives_the_labels(name: str, text: str, tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    _photos(folder, "a.jpg b.jpg left/c.jpg")
    put(folder / name, text.encode())
    table = _read(folder)
    assert _labels(table, folder) == {"a.jpg": "cat", "b.jpg": "dog"}
    assert f"{folder}: labels are from {name}" in table.notes
    kinds = {item.kind: item.count for item in table.passed_over}
    assert kinds["photos that no label table names"] == 1
    assert len(table) + len(table.skipped) + sum(kinds.values()) == 4


def test_input_18_the_split_folders_of_roboflow_are_splits_and_a_zip_reads_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "roboflow"
    for split in ("train", "valid", "test"):
        _photos(folder / split, "cat_0_jpg.rf.2c48.jpg dog_0_jpg.rf.daee.jpg")
        text = "filename, cat, dog\ncat_0_jpg.rf.2c48.jpg, 1, 0\ndog_0_jpg.rf.daee.jpg, 0, 1\n"
        put(folder / split / "_classes.csv", text.encode())
    put(folder / "README.roboflow.txt", b"x")
    with ZipFile(tmp_path / "roboflow.zip", "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, file.relative_to(folder))
    for data in (folder, tmp_path / "roboflow.zip"):
        table = _read(data)
        assert table.class_names == ("cat", "dog")
        assert Counter(table.splits.tolist()) == {TRAIN: 2, VALID: 2, HELD_OUT: 2}
        assert set(_labels(table, data).values()) == {"cat", "dog"}
        assert table.notes == (
            f"{data}: labels are from test/_classes.csv, train/_classes.csv, valid/_classes.csv",
            f"{data}: one column a class: 2 columns (cat, dog)",
            f"{data}: splits: test → test, train → train, valid → valid",
        )


def test_the_folders_in_the_paths_of_one_table_are_splits(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    _photos(folder, "train/a.jpg train/b.jpg test/c.jpg")
    put(folder / "metadata.csv", b"file_name,label\ntrain/a.jpg,cat\ntrain/b.jpg,dog\ntest/c.jpg,dog\n")
    assert Counter(_read(folder).splits.tolist()) == {NO_SPLIT: 2, HELD_OUT: 1}


def test_a_table_without_labels_leaves_the_labels_to_the_folders(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    _photos(folder, "cat/a.jpg dog/b.jpg")
    put(folder / "metadata.csv", b"file_name,text\ncat/a.jpg,a cat\ndog/b.jpg,a dog\n")
    assert _labels(_read(folder), folder) == {"cat/a.jpg": "cat", "dog/b.jpg": "dog"}


def test_tables_and_folders_that_say_different_labels_are_refused_with_both(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    _photos(folder, "cat/a.jpg dog/b.jpg")
    put(folder / "metadata.csv", b"file_name,label\ncat/a.jpg,tabby\ndog/b.jpg,pug\n")
    with pytest.raises(DataError, match=r"cat/a\.jpg is tabby in metadata\.csv and cat by its folder; to use"):
        _read(folder)
    _photos(folder, "dog/c.jpg")
    put(folder / "metadata.csv", b"file_name,label\ncat/a.jpg,cat\ndog/b.jpg,dog\n")
    table = _read(folder)
    assert _labels(table, folder) == {"cat/a.jpg": "cat", "dog/b.jpg": "dog", "dog/c.jpg": "dog"}
    assert table.notes == (f"{folder}: labels are from the folders; metadata.csv says the same",)
    put(folder / "metadata.csv", b"file_name,label\nelsewhere.jpg,cat\n")
    with pytest.raises(DataError, match=r"no such file: .*\. There are class folders, too: to use these, move"):
        _read(folder)


def test_a_label_table_of_another_name_is_named_in_the_refusal(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    _photos(folder, "train/a.jpg train/b.jpg")
    put(folder / "labels.xlsx", b"PK\x03\x04 xl/workbook.xml")
    with pytest.raises(DataError, match=r"; perhaps you mean .*pets/labels\.xlsx"):
        _read(folder)
    put(folder / "labels.csv", b"id,breed\na,pug\nb,beagle\n")
    put(folder / "a_sample_submission.csv", b"id,breed\nx,pug\n")
    with pytest.raises(DataError, match=r"; perhaps you mean .*pets/labels\.csv"):
        _read(folder)
    (folder / "train" / "labels").mkdir()
    for number in range(60):  # boxes of YOLO
        put(folder / "train" / "labels" / f"{number}.txt", b"0 0.5 0.5 0.1 0.1\n")
    (folder / "labels.csv").replace(folder / "train" / "labels.csv")
    for name in ("labels.xlsx", "a_sample_submission.csv"):
        (folder / name).unlink()
    with pytest.raises(DataError, match=r"; perhaps you mean .*pets/train/labels\.csv"):
        _read(folder)


def test_files_that_a_table_names_are_counted_once_whatever_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    _photos(folder, "a.jpg b.txt")
    put(folder / "notes.txt", b"x")
    (folder / "c.jpg").symlink_to(folder / "nowhere.jpg")
    put(folder / "metadata.csv", b"file_name,label\na.jpg,cat\nb.txt,dog\nc.jpg,dog\n")
    table = _read(folder)
    assert len(table) == 3 and not table.skipped
    assert {item.kind: item.count for item in table.passed_over} == {"tables (csv)": 1, "text files (txt)": 1}


def test_two_tables_that_name_one_photo_must_agree(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    _photos(folder, "a.jpg b.jpg")
    put(folder / "metadata.csv", b"file_name,label\na.jpg,cat\nb.jpg,dog\n")
    put(folder / "metadata.jsonl", b'{"file_name": "a.jpg", "label": "cat"}\n')
    assert _labels(_read(folder), folder) == {"a.jpg": "cat", "b.jpg": "dog"}
    put(folder / "metadata.jsonl", b'{"file_name": "a.jpg", "label": "dog"}\n')
    with pytest.raises(DataError, match=r"two of metadata\.csv, metadata\.jsonl name a\.jpg"):
        _read(folder)


def test_the_user_may_name_the_column_of_a_table_in_data(tmp_path: Path) -> None:
    folder = tmp_path / "pets"
    _photos(folder, "a.jpg b.jpg")
    put(folder / "metadata.csv", b"file_name,Art\na.jpg,cat\nb.jpg,dog\n")
    assert _labels(_read(folder, ReadOptions(label_column="Art")), folder) == {"a.jpg": "cat", "b.jpg": "dog"}
