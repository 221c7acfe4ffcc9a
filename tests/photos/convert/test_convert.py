"""Conversion: what is read again is the same photos by content, classes and splits, in every form."""

import csv
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from photoclass.errors import DataError, OutputError, SettingsError
from photoclass.photos.convert import forms
from photoclass.photos.convert.convert import Conversion, convert
from photoclass.photos.sources.options import ReadOptions
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import NO_SPLIT, SPLITS, PhotoTable
from photoclass.workspace import Workspace
from picture_files import encode, noise_picture, put

FORMS = ("imagefolder", "csv", "parquet")
PHOTOS = [encode(noise_picture(number), "JPEG") for number in range(12)]
# What a file system and every form take as the name of a class.
CLASSES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


def _meaning(table: PhotoTable) -> list[tuple[bytes, str, str]]:
    """Return the content, class and split of each photo, in any order."""
    splits = ["" if split == NO_SPLIT else SPLITS[split] for split in table.splits]
    names = [table.class_names[label] for label in table.labels]
    return sorted(zip((Path(path).read_bytes() for path in table.paths), names, splits, strict=True))


def _write(folder: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        put(folder / name, content)
    return folder


def _convert(data: Path, form: str, **reading: str) -> Conversion:
    out = data.parent / f"out-{form}"
    return convert(data, form, out, reading=ReadOptions(**reading), workspace=Workspace(data.parent / "cache"))  # type: ignore[arg-type]


def _check_same(data: Path, form: str, workspace: Workspace) -> Conversion:
    done = _convert(data, form)
    assert _meaning(read_data(done.data, workspace)) == _meaning(read_data(data, workspace))
    return done


LAYOUTS = {
    "classes": {f"{'cats' if n % 2 else 'dogs'}/{n}.jpg": PHOTOS[n] for n in range(12)},
    "splits": {f"{('training_set', 'val', 'test')[n % 3]}/{'ab'[n // 3 % 2]}/{n}.jpg": PHOTOS[n] for n in range(12)},
    "train and test": {f"{('train', 'test')[n % 2]}/{'ab'[n // 2 % 2]}/{n}.jpg": PHOTOS[n] for n in range(12)},
    "same names": {f"{'ab'[n % 2]}/{'xy'[n % 2]}{n // 4}/{n // 2 % 2}.jpg": PHOTOS[n] for n in range(12)},
    "flat": {f"{'cat' if n % 2 else 'dog'}.{n}.jpg": PHOTOS[n] for n in range(12)},
    "odd endings": {f"{'ab'[n % 2]}/{n}{('', '.dat', '.jpg_large')[n % 3]}": PHOTOS[n] for n in range(12)},
    "odd names": {f"{'ab'[n % 2]}/ ä:*{n}?.jpg": PHOTOS[n] for n in range(6)},
    "no photos": {**{f"{'ab'[n % 2]}/{n}.jpg": PHOTOS[n] for n in range(6)}, "a/e.jpg": b"", "b/t.jpg": b"text"},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_is_read_again(layout: str, form: str, tmp_path: Path) -> None:
    data = _write(tmp_path / "data", LAYOUTS[layout])
    done = _check_same(data, form, Workspace(tmp_path / "cache"))
    assert done.photos == len(LAYOUTS[layout])
    assert sum(done.splits.values()) == sum(done.classes.values()) == done.photos
    assert _write(tmp_path / "data", {}).is_dir()
    assert {path.relative_to(data).as_posix(): path.read_bytes() for path in data.rglob("*") if path.is_file()} == (
        LAYOUTS[layout]
    )


@pytest.mark.parametrize("first", FORMS)
@pytest.mark.parametrize("second", FORMS)
def test_from_every_form_to_every_other(first: str, second: str, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "cache")
    data = _write(tmp_path / "data", LAYOUTS["splits"])
    one = _convert(data, first)
    two = convert(one.data, second, tmp_path / "again", workspace=workspace)
    assert _meaning(read_data(two.data, workspace)) == _meaning(read_data(data, workspace))


@given(names=st.lists(CLASSES, min_size=2, max_size=4, unique_by=str.casefold), form=st.sampled_from(FORMS))
@settings(max_examples=120, deadline=None)
def test_any_classes_are_read_again_or_refused_in_one_line(
    names: list[str], form: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("classes")
    rows = [[f"{number}.jpg", names[number % len(names)]] for number in range(8)]
    for number in range(8):
        put(folder / "data" / f"{number}.jpg", PHOTOS[number])
    with open(folder / "data/labels.csv", "w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["image", "label"], *rows])
    workspace = Workspace(folder / "cache")
    try:
        table = read_data(folder / "data/labels.csv", workspace, to_train=False)
    except DataError:
        return
    try:
        done = convert(folder / "data/labels.csv", form, folder / "out", workspace=workspace)
    except DataError as error:
        assert form != "parquet", error
        assert "use --to" in str(error)
        assert ".part" not in str(error)
        assert [path.name for path in folder.iterdir() if path.name not in ("data", "cache")] == []
    else:
        assert _meaning(read_data(done.data, workspace, to_train=False)) == _meaning(table)


def test_a_class_that_a_folder_cannot_say_is_refused(tmp_path: Path) -> None:
    data = _write(tmp_path / "data", {f"{('test', 'cat')[n % 2]}/{n}.jpg": PHOTOS[n] for n in range(8)})
    for form in ("csv", "parquet"):
        done = _convert(data, form, splits={"test": "class"})  # type: ignore[arg-type]
        assert done.classes == {"cat": 4, "test": 4}
    with pytest.raises(DataError, match="use --to parquet"):
        _convert(data, "imagefolder", splits={"test": "class"})  # type: ignore[arg-type]
    assert not (tmp_path / "out-imagefolder").exists()


def test_groups_become_a_column(tmp_path: Path) -> None:
    data = _write(tmp_path / "data", {f"{'ab'[n % 2]}/site{n % 2}{n // 4}/{n}.jpg": PHOTOS[n] for n in range(12)})
    for form in ("csv", "parquet"):
        done = _convert(data, form, group_by="folder")
        again = read_data(done.data, Workspace(tmp_path / "cache"), reading=ReadOptions(group_by="group"))
        assert sorted(again.groups) == sorted(f"site{n % 2}{n // 4}" for n in range(12))
    with pytest.raises(DataError, match="--group-by: class folders cannot say groups"):
        _convert(data, "imagefolder", group_by="folder")


def test_fixes_are_in_what_is_written(tmp_path: Path) -> None:
    data = _write(tmp_path / "data", LAYOUTS["classes"])
    fixes = put(tmp_path / "fixes.csv", b"image,label\ndogs/0.jpg,cats\ncats/1.jpg,-\n")
    done = convert(data, "csv", tmp_path / "out", fixes=fixes, workspace=Workspace(tmp_path / "cache"))
    assert done.classes == {"cats": 6, "dogs": 5}


def test_parquet_is_as_datasets_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "_SHARD_BYTES", 2 * min(map(len, PHOTOS)))
    done = _convert(_write(tmp_path / "data", LAYOUTS["splits"]), "parquet")
    names = sorted(path.name for path in (done.folder / "data").iterdir())
    assert names == [f"{split}-{n:05}-of-00002.parquet" for split in ("test", "train", "valid") for n in range(2)]
    table = parquet.read_table(done.folder / "data" / names[0])
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features == {"image": {"_type": "Image"}, "label": {"names": ["a", "b"], "_type": "ClassLabel"}}
    assert [str(field.type) for field in table.schema] == ["struct<bytes: binary, path: string>", "int64"]
    assert table.column("image")[0].as_py() == {"bytes": PHOTOS[2], "path": "2.jpg"}
    assert done.splits == {"train": 4, "valid": 4, "held_out": 4, "none": 0}


def test_many_photos_are_in_numbered_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "_MOST_IN_FOLDER", 5)
    done = _check_same(_write(tmp_path / "data", LAYOUTS["classes"]), "csv", Workspace(tmp_path / "cache"))
    assert sorted(path.name for path in (done.folder / "photos").iterdir()) == ["000", "001", "002"]


def test_a_photo_that_has_vanished_is_skipped(tmp_path: Path) -> None:
    data = _write(tmp_path / "data", LAYOUTS["classes"])
    os.symlink(tmp_path / "nowhere.jpg", data / "cats/broken.jpg")
    done = _convert(data, "csv")
    assert [item.name for item in done.skipped] == [f"{data}/cats/broken.jpg"]
    assert done.photos == 12


def test_what_cannot_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    data = _write(tmp_path / "data", LAYOUTS["classes"])
    workspace = Workspace(tmp_path / "cache")
    with pytest.raises(SettingsError, match="--to xml: unknown form; choose from imagefolder, csv, parquet"):
        convert(data, "xml", tmp_path / "out", workspace=workspace)
    with pytest.raises(OutputError, match="is there already; give a new folder"):
        convert(data, "csv", put(tmp_path / "full/x", b"").parent, workspace=workspace)
    with pytest.raises(OutputError, match="is inside DATA"):
        convert(data, "csv", data / "out", workspace=workspace)
    (tmp_path / "empty").mkdir()
    assert convert(data, "csv", tmp_path / "empty", workspace=workspace).photos == 12


def test_fault_39_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = _write(tmp_path / "data", LAYOUTS["classes"])

    def full(folder: Path, name: str, content: bytes) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(forms, "_write_new", full)
    with pytest.raises(OutputError, match="No space left on device"):
        _convert(data, "csv")
    assert {path.name for path in tmp_path.iterdir()} <= {"cache", "data"}
