"""Label tables as people have them, from spreadsheets, tools and other machines: read, or refused by name.

The numbers are those of the collection of odd inputs.
"""

import csv
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoclass.errors import DataError
from photoclass.photos.class_names import clean_class_name, has_control_characters
from photoclass.photos.sources.label_tables.label_file import read_label_file
from photoclass.photos.sources.options import ReadOptions
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID, PhotoTable
from photoclass.workspace import Workspace
from picture_files import put

_PHOTOS = ("cats/0.jpg", "cats/1.jpg", "dogs/2.jpg", "dogs/3.jpg")
_EXPECTED = {"cats/0.jpg": "cat", "cats/1.jpg": "cat", "dogs/2.jpg": "dog", "dogs/3.jpg": "dog"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for photo in _PHOTOS:
        put(tmp_path / photo, b"x")
    return tmp_path


def _read(folder: Path, text: str | bytes, reading: ReadOptions | None = None, name: str = "t.csv") -> PhotoTable:
    put(folder / name, text if isinstance(text, bytes) else text.encode())
    return read_data(folder / name, Workspace(folder.parent / "cache"), reading=reading or ReadOptions())


def _labels(table: PhotoTable) -> dict[str, str]:
    return {name: table.class_names[label] for name, label in zip(table.names, table.labels, strict=True)}


def _refusal(folder: Path, text: str | bytes, reading: ReadOptions | None = None) -> str:
    with pytest.raises(DataError) as refused:
        _read(folder, text, reading)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def _table(lines: list[str], photos: tuple[str, ...] = _PHOTOS, header: str = "image,label") -> str:
    return "\n".join([header, *(line.format(photo) for line, photo in zip(lines, photos, strict=True))]) + "\n"


def _written(pattern: str) -> str:
    """Return a table in which each path is written in another way: {folder}, {name} and {path} are its parts."""
    rows = [
        (pattern.format(path=path, folder=path.split("/")[0], name=path.split("/")[1], stem=path[5:6]), label)
        for path, label in _EXPECTED.items()
    ]
    return "image,label\n" + "".join(f"{written},{label}\n" for written, label in rows)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("image;label\ncats/0.jpg;cat\ncats/1.jpg;cat\ndogs/2.jpg;dog\ndogs/3.jpg;dog\n;;\n;\n", "t.csv"),
        ("sep=;\nimage;label\ncats/0.jpg;cat\ncats/1.jpg;cat\ndogs/2.jpg;dog\ndogs/3.jpg;dog\n", "t.csv"),
        ("image\tlabel\ncats/0.jpg\tcat\ncats/1.jpg\tcat\ndogs/2.jpg\tdog\ndogs/3.jpg\tdog\n", "t.tsv"),
        (
            "image\tlabel\ncats/0.jpg\tcat\ncats/1.jpg\tcat\ndogs/2.jpg\tdog\ndogs/3.jpg\tdog\n".encode("utf-16"),
            "t.txt",
        ),
        ('"image,label"\n"cats/0.jpg,cat"\n"cats/1.jpg,cat"\n"dogs/2.jpg,dog"\n"dogs/3.jpg,dog"\n', "t.csv"),
        (
            '{"image": "cats/0.jpg", "label": "cat"}\n{"image": "cats/1.jpg", "label": "cat"}\n'
            '{"image": "dogs/2.jpg", "label": "dog"}\n{"image": "dogs/3.jpg", "label": "dog"}\n',
            "t.jsonl",
        ),
    ],
)
def test_input_15_tables_from_spreadsheets_are_read(content: str | bytes, name: str, folder: Path) -> None:
    assert _labels(_read(folder, content, name=name)) == _EXPECTED


def test_input_15_names_and_labels_in_cp1252_are_read_and_named(folder: Path) -> None:
    put(folder / "cats/Kätzchen.jpg", b"x")
    table = _read(folder, "image,label\ncats/Kätzchen.jpg,Kätzchen\ndogs/2.jpg,Hündin\n".encode("cp1252"))
    assert _labels(table) == {"cats/Kätzchen.jpg": "Kätzchen", "dogs/2.jpg": "Hündin"}
    assert any("read as Windows-1252 (cp1252), which gives 'cats/Kätzchen.jpg'" in note for note in table.notes)


@pytest.mark.parametrize("encoding", ["cp1251", "cp866", "koi8-r", "euc-kr", "gbk", "cp932"])
def test_input_15_labels_of_other_encodings_are_refused(encoding: str, folder: Path) -> None:
    words = {"gbk": "猫科动物", "euc-kr": "고양이", "cp932": "犬"}
    text = f"image,label\ncats/0.jpg,{words.get(encoding, 'Кошка')}\ndogs/2.jpg,dog\n"
    assert "a label cannot be decoded" in _refusal(folder, text.encode(encoding))
    assert "save the table as UTF-8" in _refusal(folder, text.encode(encoding))


def test_input_15_a_workbook_is_refused_with_what_to_do(folder: Path) -> None:
    assert 'an Excel workbook (.xlsx); save it as "CSV UTF-8"' in _refusal(folder, b"PK\x03\x04 xl/workbook.xml")
    put(folder / "t.xlsx", b"PK\x03\x04 xl/workbook.xml")
    with pytest.raises(DataError, match="an Excel workbook"):
        read_data(folder / "t.xlsx", Workspace(folder.parent / "cache"))


@pytest.mark.parametrize(
    "header",
    [
        *("file,class", "filename,target", "file_name,breed", "Path, Category ", "IMG,Label", "Image Name,class_name"),
        *("id,label", "image_id,breed", "\ufeff\ufeffimage,label\u00a0", "filepaths,labels"),
    ],
)
def test_input_16_columns_are_known_by_their_usual_names(header: str, folder: Path) -> None:
    assert _labels(_read(folder, _table(["{},cat", "{},cat", "{},dog", "{},dog"], header=header))) == _EXPECTED


def test_input_16_an_index_and_other_columns_do_no_harm(folder: Path) -> None:
    lines = ["0,{},cat,7", "1,{},cat,8", "2,{},dog,7", "3,{},dog,8"]
    assert _labels(_read(folder, _table(lines, header=",image,label,width"))) == _EXPECTED
    assert _labels(_read(folder, _table(lines, header="id,Image, Label ,width"))) == _EXPECTED
    assert _labels(_read(folder, _table(lines, header="Unnamed: 0,filename,class,width"))) == _EXPECTED


def test_input_16_ids_without_ending_are_found_where_one_file_can_be_meant(folder: Path) -> None:
    table = _read(folder, _written("{stem}").replace("image,label", "id,breed"))
    assert _labels(table) == _EXPECTED
    assert table.notes[-1].endswith("4 names read as the only file that can be meant, such as '0' → cats/0.jpg")
    put(folder / "copies/0.jpg", (folder / "cats/0.jpg").read_bytes())  # the same photo, whichever is meant
    assert _labels(_read(folder, _written("{stem}").replace("image,label", "id,breed"))) == _EXPECTED
    put(folder / "new/0.png", b"another")
    message = _refusal(folder, _written("{stem}").replace("image,label", "id,breed"))
    assert "line 2: more than one file can be meant: '0' is cats/0.jpg or copies/0.jpg or new/0.png" in message


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("cats/0.jpg,cat\ndogs/2.jpg,dog\n", "its first line is a row (cats/0.jpg, cat), not the names of the columns"),
        ("Bild,label\ncats/0.jpg,cat\n", "no column is known to hold photos: Bild, label; name one image, or say --im"),
        (
            "image,Rasse\ncats/0.jpg,cat\n",
            "no column is known to hold labels: image, Rasse; name one label, or say --l",
        ),
        ("image,breed,species\na.jpg,beagle,dog\n", "breed (such as 'beagle') or species (such as 'dog') may be the l"),
        (
            "My pets,\n,\nimage,label\na.jpg,dog\n",
            "its first line (My pets, '') does not name the columns, but line 3 does",
        ),
        ("uri,label\ncats/0.jpg,cat\n", "name one image, or say --image-column uri"),
        ("Image Index,Finding\ncats/0.jpg,cat\n", "name one image, or say --image-column 'Image Index'"),
        ("image,Rasse\ncats/0.jpg,cat\n", "name one label, or say --label-column Rasse"),
        (
            "image,label\ncats/0.jpg,cat\nimage,label\ndogs/2.jpg,dog\n",
            "line 3: the names of the columns again; remove",
        ),
        ("# pets\nimage,label\na.jpg,dog\n", "its first line (# pets) does not name the columns"),
        ("image label\na.jpg dog\n", "image label; put commas, semicolons or tabs between the columns"),
        ("image,image,label\na.jpg,b.jpg,dog\n", "2 columns are named 'image'; rename all but one"),
        ("path,filename,label\na/0.jpg,0.jpg,cat\n", "the columns path and filename may both name the photos"),
    ],
)
def test_input_16_columns_that_are_not_clear_are_refused_with_those_found(text: str, cause: str, folder: Path) -> None:
    assert cause in _refusal(folder, text)


def test_input_16_the_user_may_name_the_columns(folder: Path) -> None:
    text = _table(["{},a,x,cat", "{},b,y,cat", "{},c,x,dog", "{},d,y,dog"], header="Bild,breed,class,Art")
    reading = ReadOptions(image_column="Bild", label_column="art")
    assert _labels(_read(folder, text, reading)) == _EXPECTED
    message = _refusal(folder, text, ReadOptions(image_column="Foto"))
    assert "no column --image-column Foto; its columns are: Bild, breed, class, Art" in message
    with pytest.raises(DataError, match="--label-column Art: there is no label table"):
        read_data(folder, Workspace(folder.parent / "cache"), reading=ReadOptions(label_column="Art"))


def test_input_16_label_wins_over_other_columns_with_a_note(folder: Path) -> None:
    text = _table(["{},cat,tabby", "{},cat,siam", "{},dog,pug", "{},dog,boxer"], header="image,label,breed")
    table = _read(folder, text)
    assert _labels(table) == _EXPECTED
    assert "labels are from column label; breed (such as 'tabby') could be chosen with --label-column" in table.notes[0]


@pytest.mark.parametrize(
    "pattern",
    [
        "{folder}\\{name}",
        ".\\{folder}\\{name}",
        "./{path}",
        "other/../{path}",
        " {path} ",
        "C:\\Users\\me\\pets\\{folder}\\{name}",
        "\\\\server\\share\\{folder}\\{name}",
        "/kaggle/input/pets/{path}",
        "file:///home/me/pets/{path}",
        "pets/{path}",
        "{folder}/{stem}.JPG",
        "{folder}/{stem}",
        "CATS-AND-DOGS/{path}",
        "{name}",
        "/data/upload/1/0a1b2c3d-{name}",
        "/data/local-files/?d=pets/{path}",
        "/data/local-files/?d=pets%2F{folder}%2F{name}",
    ],
)
def test_input_17_paths_from_elsewhere_are_found_where_one_file_can_be_meant(pattern: str, folder: Path) -> None:
    assert _labels(_read(folder, _written(pattern))) == _EXPECTED


def test_input_17_many_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    photos = tuple(f"{group}/{number}/image.jpg" for group in ("a", "b") for number in range(12))
    for photo in photos:
        put(tmp_path / photo, photo.encode())
    labels = ["cat", "dog"] * 12
    rows = "".join(f"/data/{photo},{label}\n" for photo, label in zip(photos, labels, strict=True))
    assert set(_read(tmp_path, f"image,label\n{rows}").names) == set(photos)
    message = _refusal(tmp_path, "image,label\n/data/7/image.jpg,cat\nimage.jpg,dog\n")
    assert "2 rows, the first in line 2: more than one file can be meant" in message
    assert "'/data/7/image.jpg' is a/7/image.jpg or b/7/image.jpg" in message


def test_input_17_what_was_found_elsewhere_is_said(folder: Path) -> None:
    table = _read(folder, _written("C:\\pets\\{folder}\\{name}"))
    assert table.notes == (
        f"{folder / 't.csv'}: 4 names read as the only file that can be meant, "
        "such as 'C:\\\\pets\\\\cats\\\\0.jpg' → cats/0.jpg",
    )


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (_written("https://example.org/{path}"), "4 rows, the first in line 2: a web address, not a file"),
        (
            _written("old/{stem}.jpg").replace("old/0", "cats/9"),
            "line 2: no such file: 'cats/9.jpg'; there are 4 photos below",
        ),
        (
            _written("{folder}/{stem}.png"),
            "4 rows, the first in line 2: no such file: 'cats/0.png'; cats/0.jpg is here",
        ),
        (_written("{folder}/00{stem}.jpg"), "4 rows, the first in line 2: no such file: 'cats/000.jpg'; cats/0.jpg is"),
        ("image,label\ncats/0.jpg,cat\ncats/2.jpg,cat\n", "line 3: no such file: 'cats/2.jpg'; dogs/2.jpg is here"),
        ("image,label\nx/0.jpg,cat\ny/0.jpg,cat\n", "'x/0.jpg' and 'y/0.jpg' could both be cats/0.jpg"),
        ("image,label\ncats/0.jpg,cat\nx/0.jpg,cat\n", "'cats/0.jpg' and 'x/0.jpg' could both be cats/0.jpg"),
        ("image,label\ncats,cat\ndogs,dog\n", "2 rows, the first in line 2: no such file: 'cats'"),
    ],
)
def test_input_17_paths_that_are_not_clear_are_refused_once(text: str, cause: str, folder: Path) -> None:
    assert cause in _refusal(folder, text)


def test_input_17_one_file_named_in_several_ways_is_one_photo(folder: Path) -> None:
    text = f"image,label\ncats/0.jpg,cat\n./cats/0.jpg,cat\ncats\\0.JPG,cat\n{folder}/cats/0.jpg,cat\ndogs/2.jpg,dog\n"
    table = _read(folder, text)
    assert table.names == ("cats/0.jpg", "dogs/2.jpg")
    assert any("3 repeated rows counted once" in note for note in table.notes)
    message = _refusal(folder, text.replace("./cats/0.jpg,cat", "./cats/0.jpg,dog"))
    assert "line 3: two labels for one photo: './cats/0.jpg' is dog here and cat in line 2" in message


def test_input_17_names_that_differ_only_by_unicode_form_are_found(folder: Path) -> None:
    put(folder / "cats/Ka\u0308tzchen.jpg", b"x")
    table = _read(folder, "image,label\ncats/K\u00e4tzchen.jpg,cat\ndogs/2.jpg,dog\n")
    assert table.names[0] == "cats/Ka\u0308tzchen.jpg"


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("image,cat,dog", ["1,0", "1,0", "0,1", "0,1"]),
        ("filename, cat, dog, bird", [" 1, 0, 0", " 1, 0, 0", " 0, 1, 0", " 0, 1, 0"]),
        ("image,cat,dog,age", ["1.0,0.0,3", "1.0,0.0,4", "0.0,1.0,5", "0.0,1.0,6"]),
        ("image,cat,dog", ["True,False", "True,False", "False,True", "False,True"]),
        ("image,cat,dog", ["1,", "1,", ",1", ",1"]),
        ("image,cat,dog", ["x,", "x,", ",x", ",x"]),
        ("image,cat,dog", ["1,-1", "1,-1", "-1,1", "-1,1"]),
        ("image,cat,dog", ["Yes,No", "Yes,No", "No,Yes", "No,Yes"]),
    ],
)
def test_input_18_one_column_a_class_is_read(header: str, cells: list[str], folder: Path) -> None:
    table = _read(folder, _table([f"{{}},{cell}" for cell in cells], header=header))
    assert _labels(table) == _EXPECTED
    assert "one column a class" in table.notes[0]
    assert ("no photo is bird" in table.notes[0]) == ("bird" in header)


@pytest.mark.parametrize(
    ("cells", "cause"),
    [
        (["1,0", "1,1", "0,1", "1,1"], "2 rows, the first in line 3: several labels for a photo (one column a class)"),
        (["1,0", "1,0", "0,1", "0,0"], "line 5: no label (one column a class, all 0)"),
        (["0.9,0.1", "0.8,0.2", "0.1,0.9", "0.2,0.8"], "no column is known to hold labels: image, cat, dog"),
    ],
)
def test_input_18_rows_without_exactly_one_label_are_refused(cells: list[str], cause: str, folder: Path) -> None:
    assert cause in _refusal(folder, _table([f"{{}},{cell}" for cell in cells], header="image,cat,dog"))


@pytest.mark.parametrize("joined", ["cat dog", "cat|dog", "cat;dog", "cat, dog", "dog/cat", "cat + dog", "cat and dog"])
def test_input_18_several_labels_in_a_cell_are_refused(joined: str, folder: Path) -> None:
    message = _refusal(folder, _table(["{},cat", f'{{}},"{joined}"', "{},dog", "{},dog"]))
    assert f"line 3: several labels in one: {joined!r} is " in message
    assert "a photo has one label here" in message


def test_input_18_lists_and_mixtures_of_tags_are_refused(folder: Path) -> None:
    assert "a list of labels" in _refusal(folder, _table(["{},cat", "{},\"['cat', 'dog']\"", "{},dog", "{},dog"]))
    assert "several labels in one: 'a|b'" in _refusal(folder, _table(["{},a|b", "{},a|c", "{},b|c", "{},d"]))
    names = tuple(f"tags/{i}.jpg" for i in range(8))
    for name in names:
        put(folder / name, b"x")
    tags = [
        "clear",
        "clear road",
        "haze road",
        "haze",
        "haze water",
        "clear water road",
        "haze water road",
        "water road",
    ]
    assert "several labels in one" in _refusal(folder, _table([f"{{}},{tag}" for tag in tags], names))


def test_input_18_classes_of_several_words_are_classes(folder: Path) -> None:
    names = ["golden retriever", "labrador retriever", "black cat", "cat"]
    assert set(_read(folder, _table([f"{{}},{name}" for name in names])).class_names) == set(names)


def test_input_18_two_rows_with_different_labels_are_refused(folder: Path) -> None:
    message = _refusal(folder, "image,label\ncats/0.jpg,cat\ncats/0.jpg,dog\ndogs/2.jpg,dog\n")
    assert "line 3: two labels for one photo: 'cats/0.jpg' is dog here and cat in line 2" in message


def test_input_19_words_for_nothing_are_words(folder: Path) -> None:
    table = _read(folder, _table(["{},NA", "{},None", "{},nan", "{},null"]))
    assert set(table.class_names) == {"NA", "None", "nan", "null"}


@pytest.mark.parametrize(
    ("labels", "cause"),
    [
        ("1 1.0 2 2", "the labels '1' (line 2) and '1.0' (line 3) are one number written in two ways"),
        (
            "7 007 8 08",
            "the labels '7' (line 2) and '007' (line 3) are one number written in two ways; so is 1 other",
        ),
        ("0.37 1.92 2.11 0.05", "the labels are 4 different numbers, such as 0.37, 1.92, 2.11: measurements"),
        ("- - dog dog", "2 rows, the first in line 2: a class cannot be called -: '-'; it excludes a photo in a fixes"),
        ("#NAME? cat dog dog", "line 2: a label is an error of a spreadsheet: '#NAME?'"),
        ("caf\ufffd cat dog dog", "line 2: a label cannot be decoded"),
        ("0.png 1.png 2.png 3.png", "4 rows, the first in line 2: a label is the name of a photo: '0.png'; choose the"),
        ("cat Cat dog dog", "classes 'Cat' and 'cat' differ only by case"),
    ],
)
def test_input_19_labels_that_tables_spoil_are_refused(labels: str, cause: str, folder: Path) -> None:
    assert cause in _refusal(folder, _table([f"{{}},{label}" for label in labels.split(" ")]))


def test_input_19_numbers_that_may_be_classes_are_classes(folder: Path) -> None:
    assert _read(folder, _table(["{},0.5", "{},0.5", "{},1.5", "{},1.5"])).class_names == ("0.5", "1.5")
    assert _read(folder, _table(["{},007", "{},007", "{},010", "{},010"])).class_names == ("007", "010")


def test_input_19_spaces_and_invisible_characters_make_no_class(folder: Path) -> None:
    table = _read(folder, _table(["{},cat", "{}, cat ", "{},dog", "{},dog\u00a0\u200b"]))
    assert _labels(table) == _EXPECTED
    assert sum("are one class" in note for note in table.notes) == 2


def test_a_missing_quote_is_named(folder: Path) -> None:
    assert "a label has a line break" in _refusal(
        folder, 'image,label\ncats/0.jpg,"cat\ncats/1.jpg,cat"\ndogs/2.jpg,dog\n'
    )
    assert "a cell of this row has a line break: perhaps a quote" in _refusal(
        folder, 'image,label\n"cats/0.jpg,cat\ncats/1.jpg,cat"\ndogs/2.jpg,dog\n'
    )


def test_words_of_the_split_column_may_be_any_that_name_splits(folder: Path) -> None:
    text = _table(["{},cat,Training", "{},dog,train_set", "{},dog,DEV", "{},cat,held-out"], header="image,label,subset")
    assert _read(folder, text).splits.tolist() == [TRAIN, TRAIN, VALID, HELD_OUT]
    text = _table(["{},cat,0", "{},dog,0", "{},dog,1", "{},cat,2"], header="image,label,split")
    message = _refusal(folder, text)
    assert "4 rows, the first in line 2: unknown split: '0'; choose from train, valid, test, or say what it" in message
    reading = ReadOptions({"0": "train", "1": "test", "2": "ignore"})
    table = _read(folder, text, reading)
    assert Counter(table.splits.tolist()) == {NO_SPLIT: 2, HELD_OUT: 1}
    assert any("1 row ignored, as --splits says" in note for note in table.notes)
    assert "--splits 3=test: no row has that split; found 0, 1, 2" in _refusal(
        folder, text, ReadOptions({"0": "train", "1": "test", "2": "ignore", "3": "test"})
    )


def test_columns_that_are_true_for_one_split_are_read_and_said(folder: Path) -> None:
    lines = ["{},cat,False", "{},cat,False", "{},dog,True", "{},dog,False"]
    table = _read(folder, _table(lines, header="image,label,is_valid"))
    assert table.splits.tolist() == [TRAIN, TRAIN, VALID, TRAIN]
    assert table.notes == (f"{folder / 't.csv'}: splits are from column is_valid: False → train, True → valid",)
    lines = ["{},cat,1", "{},cat,0", "{},dog,1", "{},dog,0"]
    table = _read(folder, _table(lines, header="image,label,is_train"))
    assert table.splits.tolist() == [NO_SPLIT, HELD_OUT, NO_SPLIT, HELD_OUT]
    table = _read(folder, _table(lines, header="image,label,is_train"), ReadOptions({"0": "valid"}))
    assert table.splits.tolist() == [TRAIN, VALID, TRAIN, VALID]
    lines = ["{},cat,1,0", "{},cat,0,1", "{},dog,1,0", "{},dog,0,1"]
    message = _refusal(folder, _table(lines, header="image,label,is_train,is_test"))
    assert "is_train, is_test say the splits together; write them as one column named split" in message


def test_of_several_files_of_one_name_that_in_the_folder_of_the_tables_split_is_meant(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for name in ("0.jpg", "1.jpg"):
            put(tmp_path / split / name, split.encode() + name.encode())
    table = _read(tmp_path, "id,label\n0,cat\n1,dog\n", name="train.csv")
    assert _labels(table) == {"train/0.jpg": "cat", "train/1.jpg": "dog"}
    assert "that in the folder of the table's split is read, such as '0' → train/0.jpg" in table.notes[0]
    assert "'0' is test/0.jpg or train/0.jpg" in _refusal(tmp_path, "id,label\n0,cat\n1,dog\n")


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ('{"cats/0.jpg": "cat", "dogs/2.jpg": "dog"}', "'cats/0.jpg', 'dogs/2.jpg'"),
        ('{"cat": ["cats/0.jpg"], "dog": ["dogs/2.jpg"]}', "'cat', 'dog'"),
        ('{"image": {"0": "cats/0.jpg"}, "label": {"0": "cat"}}', "'image', 'label'"),
    ],
)
def test_one_json_object_of_all_photos_is_refused_for_what_it_is(text: str, keys: str, folder: Path) -> None:
    assert f"is one JSON object of {keys}, not one for each photo; give JSON Lines" in _refusal(folder, text)


def test_labels_that_are_whole_numbers_with_gaps_are_said_to_be_classes(tmp_path: Path) -> None:
    photos = tuple(f"{i}.jpg" for i in range(24))
    for photo in photos:
        put(tmp_path / photo, photo.encode())
    ages = _read(tmp_path, "image,label\n" + "".join(f"{i}.jpg,{20 + i // 2 * 3}\n" for i in range(24)))
    assert "the labels are 12 whole numbers from 20 to 53: each is a class" in ages.notes[0]
    assert not _read(tmp_path, "image,label\n" + "".join(f"{i}.jpg,{i // 2}\n" for i in range(24))).notes


def test_a_column_of_split_words_is_the_split_whatever_its_name(folder: Path) -> None:
    lines = ["{},cat,training", "{},dog,training", "{},dog,val", "{},cat,test"]
    table = _read(folder, _table(lines, header="image,label,usage"))
    assert table.splits.tolist() == [TRAIN, TRAIN, VALID, HELD_OUT]
    assert table.notes == (f"{folder / 't.csv'}: splits are from column usage",)
    lines = ["{},cat,train,train", "{},dog,train,test", "{},dog,test,test", "{},cat,train,test"]
    message = _refusal(folder, _table(lines, header="image,label,a,b"))
    assert "a (such as 'train') or b (such as 'train') may be the splits; name one of them split" in message


def test_folders_that_are_splits_are_the_splits_of_a_table_without_such_a_column(tmp_path: Path) -> None:
    photos = ("train/0.jpg", "train/1.jpg", "val/2.jpg", "test/3.jpg")
    for photo in photos:
        put(tmp_path / photo, b"x")
    table = _read(tmp_path, _table(["{},cat", "{},dog", "{},dog", "{},dog"], photos))
    assert dict(zip(table.names, table.splits.tolist(), strict=True)) == dict(
        zip(photos, [TRAIN, TRAIN, VALID, HELD_OUT], strict=True)
    )
    assert table.notes == (f"{tmp_path / 't.csv'}: splits: train → train, val → valid, test → test",)


def test_groups_are_read_from_the_column_that_the_user_names(folder: Path) -> None:
    text = _table(["{},cat,anna", "{},cat,anna", "{},dog,rex", "{},dog,bo"], header="image,label,Animal")
    put(folder / "t.csv", text.encode())
    labelled, _ = read_label_file(folder / "t.csv", Workspace(), ReadOptions(group_by="animal"))
    assert [row.group for row in labelled.rows] == ["anna", "anna", "rex", "bo"]


_NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8).filter(
    lambda name: clean_class_name(name) == name and not has_control_characters(name)
)


@given(st.lists(_NAMES, min_size=2, max_size=4, unique_by=str.casefold), st.sampled_from([",", ";", "\t"]))
def test_any_class_name_reads_back_as_written_or_is_refused_by_name(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], delimiter: str
) -> None:
    folder = tmp_path_factory.mktemp("names")
    for number in range(len(names)):
        put(folder / f"{number}.jpg", b"x")
    with open(folder / "t.csv", "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerows([("image", "label"), *((f"{number}.jpg", name) for number, name in enumerate(names))])
    try:
        table = read_data(folder / "t.csv", Workspace(folder / "cache"))
    except DataError as refused:
        reasons = ("in one", "cannot be called -", "one number written in two ways", "a list of labels")
        assert any(reason in str(refused) for reason in (*reasons, "measurements", "cannot be decoded"))
    else:
        assert _labels(table) == {f"{number}.jpg": name for number, name in enumerate(names)}


_ODD_CELLS = st.sampled_from(
    [
        *("", " ", "0", "1", "1.0", "-", ".", "..", "/", "\\", "C:\\", "a.jpg", "A.JPG", "./a.jpg", "a", "b.jpg"),
        *("x/b.jpg", "train", "?", "?d=", "%2F", "http://x/a.jpg", "cat", "cat dog", "\udc80", "\n", "nan", "[1]", "'"),
    ]
)
_ODD_HEADER = st.lists(
    st.sampled_from(["image", "file", "id", "label", "class", "split", "x", "y", "", " Image "]), min_size=1, max_size=4
)


@given(_ODD_HEADER, st.lists(st.lists(_ODD_CELLS, min_size=1, max_size=4), max_size=4))
def test_any_table_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, header: list[str], rows: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("odd")
    put(folder / "a.jpg", b"x")
    put(folder / "x/b.jpg", b"x")
    with open(folder / "t.csv", "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    try:
        labelled, paths = read_label_file(folder / "t.csv", Workspace())
    except DataError as refused:
        assert "\n" not in str(refused)
    else:
        assert {row.file for row in labelled.rows} == set(paths)
        assert all(Path(path).is_file() for path in paths.values())
