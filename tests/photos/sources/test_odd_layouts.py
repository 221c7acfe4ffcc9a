"""Layouts as people have them: split folders by any name, folders that are no class, splits inside classes.

A layout is written as its folders, with `{a,b}` for several; each folder holds two photos. `=` begins the number of
photos for each class and split: `cats - 2` are not yet split, `cats test 2` are held out.
"""

import re
from collections import Counter
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoclass.errors import DataError
from photoclass.photos.sources.labelled import make_table
from photoclass.photos.sources.layout import label_listing
from photoclass.photos.sources.listing import Listing
from photoclass.photos.sources.options import ReadOptions
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID, PhotoTable, natural_key
from photoclass.workspace import Workspace
from picture_files import put

_SPLITS = {NO_SPLIT: "-", TRAIN: "train", VALID: "valid", HELD_OUT: "test"}
_CATS_AND_DOGS = "cats - 2, dogs - 2"
_TRAIN_AND_TEST = "cats - 2, cats test 2, dogs - 2, dogs test 2"
_TRAIN_AND_VALID = "cats train 2, cats valid 2, dogs train 2, dogs valid 2"


def _files(layout: str) -> list[str]:
    """Return the files of a layout; a part with a * is two files of that name, all others are folders of two photos."""
    files = []
    for part in layout.split():
        for folder in _expand(part):
            pattern = folder if "*" in folder else f"{folder}/*.jpg"
            files += [pattern.replace("*", str(i)).replace("·", " ") for i in (1, 2)]
    return files


def _expand(part: str) -> list[str]:
    braces = re.search(r"\{([^{}]*)\}", part)
    if not braces:
        return [part]
    return [
        name for word in braces[1].split(",") for name in _expand(part[: braces.start()] + word + part[braces.end() :])
    ]


def _read(layout: str, splits: dict[str, str] | None = None) -> PhotoTable:
    files = _files(layout)
    kinds = {file: "text files (txt)" for file in files if file.endswith(".txt")}
    folders = {str(parent) for file in files for parent in PurePosixPath(file).parents} - {"."}
    photos = sorted((file for file in files if file not in kinds), key=natural_key)
    listing = Listing(photos, sorted(folders, key=natural_key), kinds=kinds)
    table = make_table(label_listing(listing, "DATA", ReadOptions(splits=splits or {})), "DATA", None, "DATA")
    assert len(files) == len(table) + len(table.skipped) + sum(item.count for item in table.passed_over)
    return table


def _counts(table: PhotoTable) -> str:
    pairs = zip(table.labels.tolist(), table.splits.tolist(), strict=True)
    return ", ".join(
        f"{table.class_names[label]} {_SPLITS[split]} {count}"
        for (label, split), count in sorted(Counter(pairs).items())
    )


@pytest.mark.parametrize(
    ("layout", "counts", "note"),
    [
        ("{training_set,test_set}/{cats,dogs}", _TRAIN_AND_TEST, "splits: training_set → train, test_set → test"),
        (
            "training_set/training_set/{cats,dogs} test_set/test_set/{cats,dogs}",
            _TRAIN_AND_TEST,
            "training_set → train",
        ),
        ("{Train,train}/{cats,dogs}", "cats - 4, dogs - 4", "splits: Train → train, train → train"),
        ("{Training,Testing}/{cats,dogs}", _TRAIN_AND_TEST, "splits: Training → train, Testing → test"),
        ("{trénovací,testovací}/{cats,dogs}", _TRAIN_AND_TEST, "trénovací → train, testovací → test"),
        ("{Training,Prüfung}/{cats,dogs}", _TRAIN_AND_TEST, "Training → train, Prüfung → test"),
        ("{huấn·luyện,kiểm·tra}/{cats,dogs}", _TRAIN_AND_TEST, "huấn luyện → train, kiểm tra → test"),
        ("{تدريب,اختبار}/{cats,dogs}", _TRAIN_AND_TEST, "تدريب → train, اختبار → test"),
        (
            "seg_train/seg_train/{cats,dogs} seg_test/seg_test/{cats,dogs} seg_pred/seg_pred",
            _TRAIN_AND_TEST,
            "seg_pred/: 2 unlabelled photos passed over",
        ),
        ("{train,dev}/{cats,dogs}", _TRAIN_AND_VALID, "splits: train → train, dev → valid"),
        ("{train,eval}/{cats,dogs}", _TRAIN_AND_VALID, "eval → valid"),
        ("{Train,Valid·Set}/{cats,dogs}", _TRAIN_AND_VALID, "splits: Train → train, Valid Set → valid"),
        ("{train_images,test-images}/{cats,dogs}", _TRAIN_AND_TEST, "train_images → train, test-images → test"),
        ("{train2017,val2017}/{cats,dogs}", _TRAIN_AND_VALID, "val2017 → valid"),
        ("{my_cats_train,my_cats_test}/{cats,dogs}", _TRAIN_AND_TEST, "my_cats_train → train"),
        ("train/{cats,dogs} test_easy/{cats,dogs}", _TRAIN_AND_TEST, "test_easy → test"),
        ("{entrenamiento,prueba}/{cats,dogs}", _TRAIN_AND_TEST, "entrenamiento → train, prueba → test"),
        ("{训练集,测试集}/{cats,dogs}", _TRAIN_AND_TEST, "训练集 → train, 测试集 → test"),
        ("{train,valid}/images/{cats,dogs} {train,valid}/labels/*.txt", _TRAIN_AND_VALID, None),
        ("images/{train,val}/{cats,dogs} labels/{train,val}/*.txt", _TRAIN_AND_VALID, "val → valid"),
        ("images/{train,val}/{cats,dogs} labels/{train,val}/{cats,dogs}", _TRAIN_AND_VALID, "labels/: 8 files passed"),
        ("{train,test}_{images,masks}/{cats,dogs}", _TRAIN_AND_TEST, "test_masks/, train_masks/: 8 files passed over"),
        ("data/pets/{train,test}/{cats,dogs} data/read.txt/*.txt", _TRAIN_AND_TEST, None),
        ("{cats,dogs}/{train,test}", _TRAIN_AND_TEST, "splits (inside the classes): train → train, test → test"),
        ("{cats,dogs} {cats,dogs}/test", _TRAIN_AND_TEST, "splits (inside the classes): test → test"),
        ("{cats,dogs}_{train,test}", _TRAIN_AND_TEST, "cats_train → train"),
        ("{cats,dogs} test/{cats,dogs}", _TRAIN_AND_TEST, "splits: test/ is test, the folders beside it train"),
        ("{cats,dogs} test/dogs", "cats - 2, dogs - 2, dogs test 2", "splits: test/ is test"),
        ("{trainA,trainB,testA,testB}", "A - 2, A test 2, B - 2, B test 2", "trainA → train"),
        ("{train_val,test}/{cats,dogs}", _TRAIN_AND_TEST, "train_val → train"),
    ],
)
def test_inputs_1_splits_by_any_name_and_nesting_are_understood_and_said(
    layout: str, counts: str, note: str | None
) -> None:
    table = _read(layout)
    assert _counts(table) == counts
    assert any(note in line for line in table.notes) if note else not table.notes


@pytest.mark.parametrize(
    ("layout", "note"),
    [
        ("cats dogs test", "test/: 2 unlabelled photos passed over (if it is a class: --splits test=class)"),
        ("cats dogs unknown", "unknown/: 2 unlabelled photos passed over (if it is a class: --splits unknown=class)"),
        ("train/{cats,dogs} test/unknown", "test/unknown/: 2 unlabelled photos passed over"),
        ("train/{cats,dogs} test/test", "test/test/: 2 unlabelled photos passed over"),
        ("train/{cats,dogs} test", "test/: 2 unlabelled photos passed over"),
        ("train/{cats,dogs} test/{0,1}", "test/0/, test/1/: 4 unlabelled photos passed over"),
        ("{train,test}/{cats,dogs} test-several_pets", "test-several_pets/: 2 unlabelled photos passed over"),
        ("train/{cats,dogs} unlabelled", "unlabelled/: 2 unlabelled photos passed over"),
        ("cats dogs trimaps", "trimaps/: 2 files passed over, since its name is not that of a class"),
        ("cats dogs box_annotations", "box_annotations/: 2 files passed over"),
        ("cats dogs unlabelled_test", "unlabelled_test/: 2 unlabelled photos passed over"),
        ("cats dogs outputs", "outputs/: 2 files passed over, since its name is not that of a class"),
        ("train/{cats,dogs} runs/exp1", "runs/: 2 files passed over"),
        ("{cats,dogs}/{images,masks}", "cats/masks/, dogs/masks/: 4 files passed over"),
        ("images/{cat,dog}_*.jpg masks/{cat,dog}_*.png", "masks/: 4 files passed over"),
        ("cats dogs New·folder to_sort", "New folder/, to_sort/: 4 unlabelled photos passed over (if it is a class: "),
        ("cats dogs Photos·from·2023", "Photos from 2023/: 2 unlabelled photos passed over (if it is a class: "),
        (
            "cats dogs 100CANON 2024-01-02",
            "100CANON/, 2024-01-02/: 4 unlabelled photos passed over (if it is a class: ",
        ),
        ("cats dogs tmp", "tmp/: 2 files passed over, since its name is not that of a class"),
        ("cats dogs docs/*.txt", "docs/: not a class, since it holds no photos"),
    ],
)
def test_inputs_2_folders_beside_the_classes_that_are_none_are_passed_over_with_a_note(layout: str, note: str) -> None:
    table = _read(layout)
    assert _counts(table) in (_CATS_AND_DOGS, _TRAIN_AND_TEST, "cat - 2, dog - 2")
    assert any(line.startswith(note) for line in table.notes)


def test_annotations_of_text_beside_splits_leave_the_classes_as_they_are() -> None:
    assert _counts(_read("train/{cats,dogs} annotations/*.txt")) == _CATS_AND_DOGS


def test_test_photos_of_one_known_class_are_labelled_by_their_names() -> None:
    table = _read("train/{cat,dog}_*.jpg test/cat_*.jpg")
    assert _counts(table) == "cat - 2, cat test 2, dog - 2"


def test_oxford_pets_as_they_unpack_are_labelled_by_their_names() -> None:
    table = _read("images/Abyssinian_*.jpg images/pug_*.jpg annotations/trimaps/Abyssinian_*.png annotations/*.txt")
    assert _counts(table) == "Abyssinian - 2, pug - 2"
    assert table.notes[0].startswith("classes by file name: 2 Abyssinian (such as images/Abyssinian_1.jpg), 2 pug")


@pytest.mark.parametrize(
    ("layout", "counts"),
    [
        ("bus train", "bus - 2, train - 2"),
        ("mask no_mask", "mask - 2, no_mask - 2"),
        ("{cats,dogs}/{2020,2021-05}", "cats - 4, dogs - 4"),
        ("steam_train electric_train", "electric_train - 2, steam_train - 2"),
        ("cats dogs pregnancy_test", "cats - 2, dogs - 2, pregnancy_test - 2"),
        ("{train,valid}/{cats,unknown}", "cats train 2, cats valid 2, unknown train 2, unknown valid 2"),
        ("train/{0,1,10} test/0", "0 - 2, 0 test 2, 1 - 2, 10 - 2"),
        ("{train,test}/{full,raw}", "full - 2, full test 2, raw - 2, raw test 2"),
        ("animals/{cats,dogs} vehicles/{cars,buses}", "animals - 4, vehicles - 4"),
    ],
)
def test_honest_class_names_stay_classes(layout: str, counts: str) -> None:
    assert _counts(_read(layout)) == counts


@pytest.mark.parametrize("names", ["black·cat,black_cat", "cat,cats", "ｃａｔ,cat", "t-shirt,t‑shirt", "7,007"])
def test_class_names_that_people_may_mean_as_one_are_said(names: str) -> None:
    table = _read(f"{{{names},dogs}}")
    assert len(table.class_names) == 3
    assert len([note for note in table.notes if "are two classes; if they are one" in note]) == 1
    assert not _read("{C,C++,C#,1,-1,10,glas,glass}").notes
    assert _read("{s1,s2,class1,class2}").class_names == ("class1", "class2", "s1", "s2")


def test_many_split_folders_are_told_in_one_short_line() -> None:
    table = _read("{a,b,c,d,e}_{train,test}")
    assert table.notes == ("splits (inside the classes): a_train and 4 more → train, a_test and 4 more → test",)


def test_folders_inside_splits_of_classes_are_told() -> None:
    table = _read("pets/{train,test}/{cats,dogs} farm/{train,test}/{cows,pigs}")
    assert table.class_names == ("farm", "pets")
    assert "folders inside a class folder belong to its class (such as farm/test/cows)" in table.notes


def test_thumbnails_inside_class_folders_make_no_splits() -> None:
    table = _read("{cats,dogs} {cats,dogs}/thumbs")
    assert _counts(table) == _CATS_AND_DOGS
    assert [note.partition(":")[0] for note in table.notes] == ["cats/thumbs/, dogs/thumbs/"]


def test_folders_inside_class_folders_are_told() -> None:
    assert (
        "folders inside a class folder belong to its class (such as cats/Persian)" in _read("cats/Persian dogs").notes
    )


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ("{a,b}/{cats,dogs}", r"a/, b/ hold the same classes \(cats, dogs\).*--splits a=train,b=test.*'\*=class'"),
        ("query/{cats,dogs} {support,support/more}/{cats,dogs}", "--splits support=train,query=test"),
        ("{a,b}/{cat,dog}.*.jpg", r"a/, b/ hold the same classes \(cat, dog\)"),
        ("a/{Cats,Dogs} b/{cat,dog}", "a/, b/ hold the same classes"),
        ("{cats,dogs}/{indoor,outdoor}", "cats/, dogs/ hold the same classes"),
        ("{train,test}/{cats,dogs} more/{cats,dogs}", r"more/ beside test/, train/: .* --splits more=train"),
        ("{train,test}/{cats,dogs} birds", r"birds/ beside test/, train/ holds photos and no .* --splits birds=ignore"),
        ("{s1,s2,s3,s4}/{cats,dogs}", r"do not say which; to train on all of them together, give --splits '\*=train'"),
        ("{train,more}/{cats,dogs}", r"more/ beside train/: .* --splits more=test \(or train, valid, ignore\)"),
        ("{train,valid,eval}/{cats,dogs}", "which validates, and which is held out.* valid=valid,eval=test"),
        ("{cats,dogs}_{train,test} birds", "'cats_test' and 'cats_train' would be classes, and look like splits"),
        ("{cats,dogs} {cats,dogs}_test", "'cats_test' and 'cats' would be classes, and look like splits"),
        ("{cats,dogs}/{train,val} test/{cats,dogs}", "test/ beside cats/, dogs/, which hold splits of their own"),
        ("{train,test}_{cat,dog}_*.jpg", "'test_cat' and 'train_cat' would be classes, and look like splits"),
        ("{train,test}", "4 photos in test/, train/ whose names give no class"),
        ("bus train test", r"test/, train/ beside bus/: splits or classes\? .*--splits test=class,train=class"),
        ("train valid/{cats,dogs}", r"2 photos to train on whose names give no class, such as train/1\.jpg"),
        ("{train,test}_{1,2}", "photos in .* whose names give no class"),
        ("{train,test}_{images,labels}", "photos in .* whose names give no class"),
        ("cats dogs labels", r"labels/ holds photos; is it a class .*--splits labels=class or --splits labels=ignore"),
        ("{site1,site2}/{train,test}/{cats,dogs}", "hold splits of their own"),
        ("DATA1/{TRAIN,TEST}/{cats,dogs} data/DATA2/{TRAIN,TEST}/{cats,dogs}", "hold splits of their own"),
        ("pets/{cats,dogs} {cats,dogs}", "pets/ holds folders of the same names .*--splits pets=ignore"),
        ("pets/{train,test}/{cats,dogs} more", "more/ beside pets/, which holds splits"),
        ("{cats,dogs}/{train,test,raw}", "--splits raw=ignore"),
        ("{cat,dog}_*.jpg more/x", "names give classes .*beside the folders more/"),
        ("control test", r"only one class, 'control'.*--splits test=class"),
        ("train/{cats,dogs} test/{cat,dog}", "class 'cat' has no photo in train/.*if it is 'cats'"),
        ("{train,test}/{train,test}", "no class folders found"),
        ("seg_{train,test}/seg_{train,test}/{cats,dogs}", "would be classes, and look like splits"),
        ("set/{train,val,test}/{cats,dogs} {train,test}/{cats,dogs}", r"splits of its own; .*--splits set=ignore"),
        ("birds_2011/images/{a,b} segmentations/{a,b}", r"are they masks or photos\? .*segmentations=ignore"),
        (
            "{colour,grey}/{a,b}",
            r"to train on all of them together, --splits '\*=train'; .* give one alone, DATA/colour",
        ),
        ("{1,2,3}/{benign,malignant} 4/benign", r"1/, 2/, 3/, 4/ hold the same classes \(benign, malignant\)"),
        ("{1,3}/benign {2,4}/malignant", r"1/, 2/, 3/, 4/ hold the same classes \(benign, malignant\).*'\*=train'"),
        ("HAM10000_images_part_{1,2}", r"part_1/, .*part_2/ are named like parts of one set, .* '\*=class'"),
        ("{fold1,fold2,fold3}", "are named like parts of one set"),
        ("{2023,2024}", r"2023/, 2024/ are called after years; .* '\*=class'"),
        ("{100CANON,101CANON}", r"\(100CANON/, 101CANON/ passed over\).*--splits 100CANON=class,101CANON=class"),
        ("DCIM/{cats,dogs} Android/data/cache", r"DCIM/ holds folders with photos, and Android/ beside it"),
        ("cats/{train,test} dogs", r"cats/ holds splits \(test/, train/\), and dogs/ beside it none"),
        ("data/{cats,dogs} static", r"data/ holds folders .*give DATA/data alone, .*--splits static=ignore"),
    ],
)
def test_where_two_readings_are_possible_the_folders_and_the_option_are_named(layout: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        _read(layout)


@pytest.mark.parametrize(
    ("layout", "splits", "counts"),
    [
        ("{a,b}/{cats,dogs}", {"a": "train", "b": "test"}, _TRAIN_AND_TEST),
        ("{a,b}/{cats,dogs}", {"*": "class"}, "a - 4, b - 4"),
        ("cats outputs", {"outputs": "class"}, "cats - 2, outputs - 2"),
        ("{a,b,c}/{cats,dogs}", {"a": "test", "*": "train"}, "cats - 4, cats test 2, dogs - 4, dogs test 2"),
        ("{train,test}/{cats,dogs} more", {"more": "ignore"}, _TRAIN_AND_TEST),
        ("cats test", {"test": "class"}, "cats - 2, test - 2"),
        ("cats dogs labels", {"labels": "ignore"}, _CATS_AND_DOGS),
        ("{cats,dogs}/{A,B}", {"A": "train", "B": "test"}, _TRAIN_AND_TEST),
        ("pets/{train,test}/{cats,dogs} more", {"more": "ignore"}, _TRAIN_AND_TEST),
        ("cats dogs late/{cats,dogs}", {"late": "test"}, _TRAIN_AND_TEST),
        ("birds_2011/images/{cats,dogs} segmentations/{cats,dogs}", {"segmentations": "ignore"}, _CATS_AND_DOGS),
        ("{1,3}/cats {2,4}/dogs", {"*": "train"}, "cats - 4, dogs - 4"),
        ("data/{cats,dogs} static", {"static": "ignore"}, _CATS_AND_DOGS),
        ("{set1,set2}", {"*": "class"}, "set1 - 2, set2 - 2"),
        ("{100CANON,101CANON}", {"100CANON": "class", "101CANON": "class"}, "100CANON - 2, 101CANON - 2"),
        ("train/{cats,dogs,unknown} valid/{cats,dogs}", {"unknown": "class"}, f"{_TRAIN_AND_VALID}, unknown train 2"),
    ],
)
def test_the_option_splits_decides(layout: str, splits: dict[str, str], counts: str) -> None:
    assert _counts(_read(layout, splits)) == counts


def test_an_option_on_a_folder_that_is_not_there_is_refused() -> None:
    with pytest.raises(DataError, match="--splits old=test: no such folder where splits are; found test/, train/"):
        _read("{train,test}/{cats,dogs}", {"old": "test"})


@pytest.mark.parametrize("part", ["valid", "test"])
def test_inputs_7_a_class_that_train_lacks_is_refused_by_name(part: str) -> None:
    with pytest.raises(DataError, match="class 'birds' has no photo in train/"):
        _read(f"train/{{cats,dogs}} {part}/{{birds,cats}}")


def test_inputs_7_a_class_that_valid_lacks_is_fine() -> None:
    assert _counts(_read("train/{cats,dogs} valid/cats")) == "cats train 2, cats valid 2, dogs train 2"


def test_inputs_8_classes_called_by_numbers_are_in_natural_order() -> None:
    assert _read("0 1 2 10").class_names == ("0", "1", "2", "10")


_WORDS = st.sampled_from(
    ["cats", "dogs", "train", "test", "valid", "images", "labels", "masks", "unknown", "runs", "a", "0", "seg_train"]
)
_PATHS = st.lists(_WORDS, min_size=0, max_size=4).map("/".join)
_NAMES = st.sampled_from(["1.jpg", "2.jpg", "cat.1.jpg", "dog.2.jpg", "cat_1.jpg", "cat_2.jpg", "x", "y.dat"])


@given(st.lists(st.tuples(_PATHS, _NAMES), min_size=1, max_size=25, unique=True))
def test_every_file_of_any_tree_is_used_skipped_or_passed_over_or_data_is_refused(found: list[tuple[str, str]]) -> None:
    files = sorted({f"{path}/{name}".lstrip("/") for path, name in found}, key=natural_key)
    folders = {str(parent) for file in files for parent in PurePosixPath(file).parents} - {"."}
    try:
        labelled = label_listing(Listing(files, sorted(folders, key=natural_key)), "DATA")
        table = make_table(labelled, "DATA", None, "DATA")
    except DataError as error:
        assert str(error).startswith("DATA: ")
        return
    assert len(files) == len(table) + len(table.skipped) + sum(item.count for item in table.passed_over)
    assert not {"train", "test"} <= set(table.class_names)


def test_folders_of_files_that_are_no_photos_are_passed_over_wherever_they_are(tmp_path: Path) -> None:
    for name in ("Images/cats/1.jpg", "Images/dogs/1.jpg"):
        put(tmp_path / name, b"\xff\xd8\xff\xe0 a photo")
    for name in ("Annotation/cats/n01", "Annotation/dogs/n01", "lists/n02", "INDEX"):
        put(tmp_path / name, b"<annotation>")
    table = read_data(tmp_path, Workspace(tmp_path / "cache"))
    assert table.class_names == ("cats", "dogs") and not table.skipped
    assert sum(item.count for item in table.passed_over) == 4
    assert "Annotation/, lists/: 3 files passed over, since it holds no photos" in table.notes


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("0.mp4", b"x", r"There is no photo; passed over: 2 videos \(mp4\); for example sick/0\.mp4"),
        ("0.dcm", bytes(128) + b"DICM", r"There is no photo; sick/0\.dcm is a DICOM file; export it as PNG"),
        ("0", bytes(9), r"There is no photo; sick/0 is of an unknown kind"),
        ("photos.zip", b"x", r"what is in sick/photos\.zip, well/photos\.zip: unpack each in its folder"),
    ],
)
def test_a_folder_without_a_photo_is_refused_with_what_it_holds(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    for folder in ("sick", "well"):
        put(tmp_path / "data" / folder / name, content)
    with pytest.raises(DataError, match=f"no class folders found.*{message}"):
        read_data(tmp_path / "data", Workspace(tmp_path / "cache"))
