"""From folders, zips, CSVs and single photos to a table of photos."""

import os
import zipfile
from pathlib import Path

import pytest

from photoclass.errors import ArchiveError, DataError
from photoclass.photos.sources.read import read_data
from photoclass.photos.sources.read_photos import read_photos
from photoclass.photos.table import HELD_OUT, NO_LABEL, TRAIN, VALID, PhotoTable
from photoclass.workspace import Workspace
from picture_files import put, within_seconds

FILES = ("train/cats/2.jpg", "train/cats/10.jpg", "train/dogs/1.jpg", "valid/cats/3.jpg", "valid/dogs/3.jpg")


def _fill(folder: Path) -> Path:
    for name in FILES:
        put(folder / name, name.encode())
    return folder


def _zip(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as opened:
        for path in sorted(folder.rglob("*")):
            opened.write(path, path.relative_to(folder))
    return archive


def _csv(folder: Path) -> Path:
    lines = [",".join((name, name.split("/")[1], name.split("/")[0])) for name in FILES]
    return put(folder / "labels.csv", "\n".join(["image,label,split", *lines]).encode())


def _essence(table: PhotoTable) -> list[tuple[bytes, str, int]]:
    """Return (content, class name, split) of each photo."""
    return [
        (Path(path).read_bytes(), table.class_names[label], int(split))
        for path, label, split in zip(table.paths, table.labels, table.splits, strict=True)
    ]


def test_a_folder_a_zip_and_a_csv_of_the_same_photos_give_the_same_table(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos")
    table = read_data(folder, Workspace(tmp_path / "cache"))
    archive = _zip(folder, tmp_path / "photos.zip")
    assert [name.encode() for name in FILES] == [content for content, _, _ in _essence(table)]
    assert [split for _, _, split in _essence(table)] == [TRAIN] * 3 + [VALID] * 2
    assert _essence(read_data(archive, Workspace(tmp_path / "cache"))) == _essence(table)
    assert _essence(read_data(_csv(folder), Workspace(tmp_path / "cache"))) == _essence(table)


def test_photos_have_the_names_that_the_user_gave(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos")
    archive = _zip(folder, tmp_path / "photos.zip")
    assert read_data(folder, Workspace(tmp_path / "cache")).names[0] == f"{folder}/train/cats/2.jpg"
    assert read_data(archive, Workspace(tmp_path / "cache")).names[0] == f"{archive}/train/cats/2.jpg"
    assert read_data(_csv(folder), Workspace(tmp_path / "cache")).names[0] == "train/cats/2.jpg"


def test_reading_data_changes_nothing_in_it(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos")
    _zip(folder, folder / "copy.zip")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    read_data(folder, Workspace(tmp_path / "cache"))
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_missing_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file or folder"):
        read_data(tmp_path / "nowhere", Workspace(tmp_path / "cache"))


@pytest.mark.parametrize("name", ["photo.jpg", "labels"])
def test_data_of_another_kind_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a zip or tar; it begins: 'x'; give a folder, a zip or a table"):
        read_data(put(tmp_path / name, b"x"), Workspace(tmp_path / "cache"))


def test_fault_22_a_pipe_given_as_data_is_refused_without_a_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "data.csv")
    os.mkfifo(tmp_path / "data.zip")
    with within_seconds(5):
        for name in ("data.csv", "data.zip"):
            with pytest.raises(DataError):
                read_data(tmp_path / name, Workspace(tmp_path / "cache"))


def test_fault_32_an_unsafe_zip_is_refused_in_all_commands(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as opened:
        opened.writestr("cats/1.jpg", b"x")
        opened.writestr("../evil.jpg", b"x")
    with pytest.raises(ArchiveError):
        read_data(tmp_path / "photos.zip", Workspace(tmp_path / "cache"))
    with pytest.raises(ArchiveError):
        read_photos([tmp_path / "photos.zip"], Workspace(tmp_path / "cache"))
    assert not list(tmp_path.rglob("evil.jpg"))


def test_photos_to_predict_come_from_files_folders_and_zips_in_natural_order(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "b")
    archive = _zip(folder / "valid", tmp_path / "c.zip")
    single = put(tmp_path / "a.jpg", b"single")
    table = read_photos([archive, folder / "train", single], Workspace(tmp_path / "cache"))
    assert table.names == (
        str(single),
        f"{folder}/train/cats/2.jpg",
        f"{folder}/train/cats/10.jpg",
        f"{folder}/train/dogs/1.jpg",
        f"{archive}/cats/3.jpg",
        f"{archive}/dogs/3.jpg",
    )
    assert Path(table.paths[-1]).read_bytes() == b"valid/dogs/3.jpg"
    assert set(table.labels.tolist()) == {NO_LABEL}


def test_a_photo_given_twice_is_read_once(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos")
    table = read_photos([folder, folder / "train", folder / "train/cats/2.jpg"], Workspace(tmp_path / "cache"))
    assert len(table) == len(set(table.names)) == len(FILES)


def test_labels_of_photos_to_predict_are_read_from_their_names(tmp_path: Path) -> None:
    files = {"cat/1.jpg": 0, "dog.7.jpg": 1, "cow/1.jpg": NO_LABEL, "cat/dog.1.jpg": 1}
    for name in files:
        put(tmp_path / "x" / name, b"x")
    table = read_photos([tmp_path / "x"], Workspace(tmp_path / "cache"), ("cat", "dog"))
    names = [name.removeprefix(f"{tmp_path}/x/") for name in table.names]
    assert dict(zip(names, table.labels.tolist(), strict=True)) == files
    single = read_photos([tmp_path / "x/cat/1.jpg", tmp_path / "x/cat"], Workspace(tmp_path / "cache"), ("cat", "dog"))
    assert single.labels.tolist() == [0, 1]


def test_hidden_files_are_predicted_only_if_given_by_name(tmp_path: Path) -> None:
    hidden = put(tmp_path / "x/.hidden.jpg", b"x")
    put(tmp_path / "x/1.jpg", b"x")
    assert read_photos([tmp_path / "x"], Workspace(tmp_path / "cache")).names == (f"{tmp_path}/x/1.jpg",)
    assert read_photos([hidden], Workspace(tmp_path / "cache")).names == (str(hidden),)


def test_a_missing_photo_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such photo, folder, zip or tar"):
        read_photos([tmp_path / "nowhere.jpg"], Workspace(tmp_path / "cache"))


def test_folders_without_photos_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no photos found"):
        read_photos([tmp_path / "empty"], Workspace(tmp_path / "cache"))


def test_fault_22_pipes_devices_and_loops_given_as_photos_are_skipped(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "zeros.jpg").symlink_to("/dev/zero")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    named = [tmp_path / name for name in ("pipe.jpg", "zeros.jpg", "loop.jpg")]
    with within_seconds(5):
        table = read_photos(named, Workspace(tmp_path / "cache"))
    assert len(table) == 0
    assert {Path(item.name).name: item.reason for item in table.skipped} == {
        "loop.jpg": "a broken link (Too many levels of symbolic links)",
        "pipe.jpg": "a pipe (FIFO), not a photo file",
        "zeros.jpg": "a device, not a photo file",
    }


def test_held_out_photos_of_a_folder_stay_held_out(tmp_path: Path) -> None:
    folder = _fill(tmp_path / "photos")
    put(folder / "test/cats/9.jpg", b"x")
    table = read_data(folder, Workspace(tmp_path / "cache"))
    assert [name for name, split in zip(table.names, table.splits, strict=True) if split == HELD_OUT] == [
        f"{folder}/test/cats/9.jpg"
    ]


def test_fault_60_files_that_are_no_photos_have_no_row_unless_they_are_given_by_name(tmp_path: Path) -> None:
    notes = put(tmp_path / "x/notes.txt", b"no photo")
    put(tmp_path / "x/1.jpg.json", b"{}")
    put(tmp_path / "x/1.jpg", b"x")
    table = read_photos([tmp_path / "x"], Workspace(tmp_path / "cache"))
    assert table.names == (f"{tmp_path}/x/1.jpg",)
    assert {item.kind: item.example for item in table.passed_over} == {
        "sidecar files (json)": f"{tmp_path}/x/1.jpg.json",
        "text files (txt)": f"{tmp_path}/x/notes.txt",
    }
    table = read_photos([tmp_path / "x", notes, tmp_path / "x"], Workspace(tmp_path / "cache"))
    assert table.names == (f"{tmp_path}/x/1.jpg", str(notes))
    assert [(item.kind, item.count) for item in table.passed_over] == [("sidecar files (json)", 1)]


def test_fault_60_a_folder_without_photos_says_what_was_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "x/1.json", b"{}")
    with pytest.raises(
        DataError, match=r"no photos found \(passed over: 1 sidecar file \(json\); for example .*1\.json"
    ):
        read_photos([tmp_path / "x"], Workspace(tmp_path / "cache"))


def test_names_in_the_current_folder_are_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cats/1.jpg", "dogs/1.jpg", "cats/1.json"):
        put(tmp_path / name, b"x")
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(tmp_path.with_name("cache"))
    assert read_photos([Path()], workspace).names == ("cats/1.jpg", "dogs/1.jpg")
    assert read_photos([Path("cats/")], workspace).names == ("cats/1.jpg",)
    table = read_data(Path(), workspace)
    assert table.names == ("cats/1.jpg", "dogs/1.jpg")
    assert table.passed_over[0].example == "cats/1.json"


def test_a_refusal_says_which_link_was_not_followed(tmp_path: Path) -> None:
    put(tmp_path / "store/cats/1.jpg", b"x")
    for name in ("cats", "dogs"):
        (tmp_path / "data" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "data" / name).symlink_to(tmp_path / "store/cats")
    with pytest.raises(DataError, match=r"Note: dogs: a link to cats, which is listed already; it is not followed"):
        read_data(tmp_path / "data", Workspace(tmp_path / "cache"))


def test_fault_71_the_model_folder_in_data_is_left_out(tmp_path: Path) -> None:
    for name in ("cats/1.jpg", "dogs/1.jpg", "new-model/resume/lock", "runs/old/model.json", "runs/old/model.onnx"):
        put(tmp_path / name, b"x")
    table = read_data(tmp_path, Workspace(tmp_path.with_name("cache")), leave_out=[tmp_path / "new-model"])
    assert table.class_names == ("cats", "dogs")
    assert [(item.kind, item.count) for item in table.passed_over] == [("files that photoclass made", 2)]
