"""Several files that are one DATA: tables and tars of samples, with splits by their names."""

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from arrow_files import images, write_table
from photoclass.errors import DataError
from photoclass.photos.sources.options import ReadOptions
from photoclass.photos.sources.read import read_data
from photoclass.photos.sources.read_photos import read_photos
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID, PhotoTable
from photoclass.workspace import Workspace
from picture_files import encode, noise_picture, put

PHOTOS = [encode(noise_picture(number), "JPEG") for number in range(12)]


def _tar(path: Path, members: Mapping[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def _samples(first: int, count: int = 4) -> dict[str, bytes]:
    """Return samples as WebDataset has them; the class of photo n is n modulo 2."""
    members = {}
    for number in range(first, first + count):
        members |= {f"{number:04}.jpg": PHOTOS[number], f"{number:04}.cls": str(number % 2).encode()}
    return {**members, f"{first:04}.txt": b"a caption"}


def _table(path: Path, first: int, count: int = 4) -> Path:
    numbers = range(first, first + count)
    columns = {"image": images([PHOTOS[number] for number in numbers]), "label": [number % 2 for number in numbers]}
    return write_table(path, columns, {"label": ["0", "1"]})


def _read(*data: Path, **splits: str) -> PhotoTable:
    folder = data[0].parent if data[0].is_file() else data[0]
    return read_data(list(data), Workspace(folder.parent / "cache"), reading=ReadOptions(splits=splits))


def _splits(table: PhotoTable) -> dict[int, int]:
    """Return the split of each photo by its number, having checked its class."""
    found = {}
    for path, label, split in zip(table.paths, table.labels, table.splits, strict=True):
        number = PHOTOS.index(Path(path).read_bytes())
        assert table.class_names[label] == str(number % 2)
        found[number] = int(split)
    assert len(found) == len(table)
    return found


MAKE = {"tar": lambda path, first: _tar(path, _samples(first)), "parquet": _table, "arrow": _table, "tar.gz": None}
MAKE["tar.gz"] = MAKE["tar"]


@pytest.mark.parametrize("form", MAKE)
def test_shards_are_read_as_one_with_the_splits_of_their_names(form: str, tmp_path: Path) -> None:
    names = {"train-00000-of-00001": 0, "valid-00000-of-00001": 4, "test-00000-of-00001": 8}
    files = [MAKE[form](tmp_path / f"data/{name}.{form}", first) for name, first in names.items()]
    expected = {number: (TRAIN, VALID, HELD_OUT)[number // 4] for number in range(12)}
    for table in (_read(*files), _read(tmp_path / "data")):
        assert _splits(table) == expected
        assert all(name.startswith(tuple(f"{file}/" for file in files)) for name in table.names)
    folder = read_photos([tmp_path / "data"], Workspace(tmp_path / "cache"))
    assert len(folder) == 12
    assert not folder.skipped


@pytest.mark.parametrize("form", MAKE)
@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["train/0001", "train/0002", "test/0001"], [NO_SPLIT, NO_SPLIT, HELD_OUT]),
        (["pets-train-1", "pets-train-2", "pets-val-1"], [TRAIN, TRAIN, VALID]),
        (["data-00000-of-00003", "data-00001-of-00003", "data-00002-of-00003"], [NO_SPLIT] * 3),
        (["test-1", "test-2", "test-3"], [NO_SPLIT] * 3),
    ],
    ids=["folders", "words", "numbers", "one split"],
)
def test_names_of_shards(form: str, names: list[str], splits: list[int], tmp_path: Path) -> None:
    for number, name in enumerate(names):
        MAKE[form](tmp_path / f"data/{name}.{form}", 4 * number)
    assert _splits(_read(tmp_path / "data")) == {number: splits[number // 4] for number in range(12)}


def test_names_that_leave_a_choice_are_refused_and_an_option_decides(tmp_path: Path) -> None:
    files = [_table(tmp_path / f"{name}.parquet", 4 * number) for number, name in enumerate(("pets", "cats-test", "x"))]
    with pytest.raises(DataError, match="is 'cats-test' a split\\? Say what the files are with --splits"):
        _read(*files)
    said = {"pets": "train", "cats-test": "test", "x": "ignore"}
    assert _splits(_read(*files, **said)) == {number: (NO_SPLIT, HELD_OUT)[number // 4] for number in range(8)}
    with pytest.raises(DataError, match="--splits other=train: no row has that split"):
        _read(*files, other="train", **said)
    with pytest.raises(DataError, match="is 'extra' a split"):
        _read(*[_table(tmp_path / f"{name}.parquet", 0) for name in ("train", "extra")])


def test_tables_of_text_are_read_as_one(tmp_path: Path) -> None:
    for number, photo in enumerate(PHOTOS):
        put(tmp_path / f"photos/{number}.jpg", photo)
    for name, first in {"train": 0, "valid": 4, "test": 8}.items():
        rows = [f"photos/{number}.jpg,{number % 2}" for number in range(first, first + 4)]
        put(tmp_path / f"{name}.csv", "\n".join(["image,label", *rows]).encode())
    files = [tmp_path / f"{name}.csv" for name in ("train", "valid", "test")]
    table = _read(*files)
    assert _splits(table) == {number: (TRAIN, VALID, HELD_OUT)[number // 4] for number in range(12)}
    assert table.names[0] == f"{tmp_path}/photos/0.jpg"
    put(tmp_path / "test.csv", b"image,label\nphotos/8.jpg,0\nphotos/0.jpg,0")
    with pytest.raises(DataError, match=r"both name .*photos/0.jpg, with different labels or splits"):
        _read(*files)
    with pytest.raises(DataError, match="a table is read alone or with other tables"):
        _read(files[0], tmp_path / "photos")


def test_photos_beside_a_table_are_the_data_whatever_their_endings(tmp_path: Path) -> None:
    for number in range(8):
        put(tmp_path / f"data/{number % 2}/{number}.dat", PHOTOS[number])
    _table(tmp_path / "data/other.parquet", 8)
    assert sorted(_splits(_read(tmp_path / "data"))) == list(range(8))


def test_one_tar_of_samples(tmp_path: Path) -> None:
    table = _read(_tar(tmp_path / "pets.tar", {**_samples(0, 6), "9.jpg": PHOTOS[9]}))
    assert _splits(table) == dict.fromkeys(range(6), NO_SPLIT)
    assert table.names[0] == f"{tmp_path}/pets.tar/0000.jpg"
    assert {item.kind: item.count for item in table.passed_over} == {
        "sidecar files (cls)": 6, "text files (txt)": 1, "pictures without a label of their own": 1,
    }  # fmt: skip


def test_other_pictures_of_a_sample_are_not_photos_of_their_own(tmp_path: Path) -> None:
    masks = {f"{number:04}.seg.png": PHOTOS[6 + number] for number in range(6)}
    table = _read(_tar(tmp_path / "pets.tar", {**_samples(0, 6), **masks}))
    assert sorted(_splits(table)) == list(range(6))
    assert {item.kind: item.count for item in table.passed_over}["pictures without a label of their own"] == 6
    both = {name.replace(".jpg", ".left.jpg"): content for name, content in _samples(0, 6).items()}
    assert sorted(_splits(_read(_tar(tmp_path / "views.tar", both)))) == list(range(6))


def test_a_tar_of_class_folders_is_read_as_the_folder(tmp_path: Path) -> None:
    members = {f"{number % 2}/{number}.jpg": PHOTOS[number] for number in range(8)}
    assert _splits(_read(_tar(tmp_path / "pets.tar", members))) == dict.fromkeys(range(8), NO_SPLIT)
    halves = [dict(list(members.items())[:4]), dict(list(members.items())[4:])]
    parts = [_tar(tmp_path / f"part-{number}.tar", half) for number, half in enumerate(halves)]
    assert _splits(_read(*parts)) == dict.fromkeys(range(8), NO_SPLIT)


def test_labels_of_samples_from_json(tmp_path: Path) -> None:
    members = {}
    for number in range(8):
        said = {"label": str(number % 2), "image": "x", "width": 96, "tags": ["a"]}
        members |= {f"a/{number}.jpg": PHOTOS[number], f"a/{number}.json": json.dumps(said).encode()}
    assert _splits(_read(_tar(tmp_path / "pets.tar", members))) == dict.fromkeys(range(8), NO_SPLIT)


@pytest.mark.parametrize(
    ("label", "cause"),
    [(b"", "the label is empty"), (b"\xff\xfe\xfd", "a label cannot be decoded"), (b"0 1", "several labels in one")],
    ids=["empty", "no text", "two"],
)
def test_odd_labels_of_samples_are_refused(label: bytes, cause: str, tmp_path: Path) -> None:
    archive = _tar(tmp_path / "pets.tar", {**_samples(0, 6), "0002.cls": label})
    with pytest.raises(DataError, match=f"{archive}: sample 2: {cause}"):
        _read(archive)


def test_samples_beside_other_tars_and_tables_beside_tars_are_refused(tmp_path: Path) -> None:
    samples = _tar(tmp_path / "data/a.tar", _samples(0))
    with pytest.raises(DataError, match=r"b.tar: holds no samples with labels"):
        _read(samples, _tar(tmp_path / "data/b.tar", {"0.jpg": PHOTOS[0]}))
    _table(tmp_path / "data/c.parquet", 0)
    with pytest.raises(DataError, match=r"holds tars \(a.tar, …\) and tables \(c.parquet, …\)"):
        _read(tmp_path / "data")


def test_shards_that_were_not_given_are_named(tmp_path: Path) -> None:
    files = [_table(tmp_path / f"data/train-{number:05}-of-00003.parquet", 4 * number) for number in range(3)]
    assert _read(files[0]).notes[0].startswith(f"{files[1]} and 1 more may hold the rest")
    files[1].unlink()
    assert _read(files[0], files[2]).notes[0].startswith("number 1 is missing among the parts")
