"""Tables of Parquet and Arrow: photos that they hold as bytes or name by path, labels of any type, odd ones refused."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from arrow_files import FORMS, images, write_table
from photoclass.errors import DataError, MissingPackageError
from photoclass.photos.sources.archives import safety
from photoclass.photos.sources.label_tables import held_photos
from photoclass.photos.sources.options import ReadOptions
from photoclass.photos.sources.read import read_data
from photoclass.photos.sources.read_photos import read_photos
from photoclass.photos.table import HELD_OUT, NO_SPLIT, PhotoTable
from photoclass.photos.tables.arrow import read_photos_of
from photoclass.workspace import Workspace
from picture_files import encode, noise_picture, put

PHOTOS = [encode(noise_picture(number), "JPEG") for number in range(6)]
LABELS = ["cat", "dog", "cat", "dog", "cat", "dog"]


def _read(file: Path, **options: str) -> PhotoTable:
    return read_data(file, Workspace(file.parent / "cache"), reading=ReadOptions(**options))  # type: ignore[arg-type]


def _held(table: PhotoTable) -> list[tuple[bytes, str]]:
    """Return the content and the class of each photo."""
    return [
        (Path(p).read_bytes(), table.class_names[label]) for p, label in zip(table.paths, table.labels, strict=True)
    ]


def _refusal(file: Path, **options: str) -> str:
    with pytest.raises(DataError) as refused:
        _read(file, **options)
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(str(file))
    return str(refused.value)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("held", ["bytes", "structs"])
def test_a_table_holds_its_photos(form: str, held: str, tmp_path: Path) -> None:
    image = PHOTOS if held == "bytes" else images(PHOTOS)
    file = write_table(tmp_path / f"pets.{form}", {"image": image, "label": LABELS})
    table = _read(file)
    assert _held(table) == list(zip(PHOTOS, LABELS, strict=True))
    assert table.names == tuple(f"{file}/{row}.jpg" for row in range(6))
    predicted = read_photos([file], Workspace(tmp_path / "cache"))
    assert (predicted.paths, predicted.names) == (table.paths, table.names)


@pytest.mark.parametrize("form", FORMS)
def test_numbers_are_the_classes_that_the_schema_names(form: str, tmp_path: Path) -> None:
    def write(labels: list[int]) -> Path:
        columns = {"image": images(PHOTOS), "label": labels}
        return write_table(tmp_path / f"{labels[2]}.{form}", columns, {"label": ["cat", "dog"]})

    assert _held(_read(write([0, 1, 0, 1, 0, 1]))) == list(zip(PHOTOS, LABELS, strict=True))
    assert "2 in column label is beyond the 2 names" in _refusal(write([0, 1, 2, 1, 0, 1]))
    assert "row 2: the label is empty" in _refusal(write([0, 1, -1, 1, 0, 1]))


def test_photos_are_named_after_their_paths_where_each_has_its_own(tmp_path: Path) -> None:
    paths = ["a/1.jpg", "a/2.jpg", "/data/b/3.jpg", "../4.jpg", "5", "C:\\6.jpg"]
    file = write_table(tmp_path / "pets.parquet", {"image": images(PHOTOS, paths), "label": LABELS})
    found = dict(zip(_read(file).names, _held(_read(file)), strict=True))
    assert {name.removeprefix(f"{file}/"): held[0] for name, held in found.items()} == {
        "a/1.jpg": PHOTOS[0], "a/2.jpg": PHOTOS[1], "data/b/3.jpg": PHOTOS[2], "4.jpg": PHOTOS[3], "5": PHOTOS[4],
        "6.jpg": PHOTOS[5],
    }  # fmt: skip
    for same in (
        ["1.jpg"] * 6,
        ["1.jpg", "1.JPG", "2", "3", "4", "5"],
        ["a", "a/b", "2", "3", "4", "5"],
        ["x" * 300, *"12345"],
    ):
        file = write_table(tmp_path / "same.parquet", {"image": images(PHOTOS, same), "label": LABELS})
        assert _read(file).names[0] == f"{file}/0.jpg"
        assert _held(_read(file)) == list(zip(PHOTOS, LABELS, strict=True))


@pytest.mark.parametrize("form", FORMS)
def test_a_table_names_photos_by_paths(form: str, tmp_path: Path) -> None:
    for number, photo in enumerate(PHOTOS):
        put(tmp_path / f"photos/{number}.jpg", photo)
    paths = [f"photos/{number}.jpg" for number in range(6)]
    written = {"text": paths, "structs": images([None] * 6, paths), "mixed": images([PHOTOS[0], *[None] * 5], paths)}
    for name, image in written.items():
        file = write_table(tmp_path / f"{name}.{form}", {"image": image, "label": LABELS})
        assert sorted(_held(_read(file))) == sorted(zip(PHOTOS, LABELS, strict=True)), name
        assert len(read_photos([file], Workspace(tmp_path / "cache"))) == 6
    missing = write_table(tmp_path / f"missing.{form}", {"file_name": ["photos/9.jpg", *paths[1:]], "label": LABELS})
    assert "row 0: no such file" in _refusal(missing)


def test_nulls_are_refused_by_their_rows(tmp_path: Path) -> None:
    file = write_table(tmp_path / "pets.parquet", {"image": images([*PHOTOS[:4], None, None]), "label": LABELS})
    assert "2 rows, the first in row 4: the photo is empty" in _refusal(file)
    with pytest.raises(DataError, match="2 rows, the first in row 4: the photo is empty"):
        read_photos([file], Workspace(tmp_path / "cache"))
    file = write_table(tmp_path / "labels.parquet", {"image": PHOTOS, "label": [*LABELS[:5], None]})
    assert "row 5: the label is empty" in _refusal(file)


def test_a_photo_that_cannot_be_read_keeps_its_row(tmp_path: Path) -> None:
    file = write_table(tmp_path / "pets.parquet", {"image": [*PHOTOS[:4], b"", b"no photo"], "label": LABELS})
    assert [content for content, _ in _held(_read(file))] == [*PHOTOS[:4], b"", b"no photo"]


def test_labels_and_splits_of_any_type(tmp_path: Path) -> None:
    splits = ["train", "train", "train", "train", "test", "test"]
    for label, names in (
        (pa.array(LABELS).dictionary_encode(), ("cat", "dog")),
        (pa.array([text.encode() for text in LABELS]), ("cat", "dog")),
        ([0, 1] * 3, ("0", "1")),
        ([True, False] * 3, ("false", "true")),
        (np.array([0, 1] * 3, np.uint8), ("0", "1")),
    ):
        file = write_table(
            tmp_path / "pets.parquet", {"image": PHOTOS, "label": label, "split": splits, "of": [[1]] * 6}
        )
        table = _read(file)
        assert table.class_names == names
        assert table.splits.tolist() == [NO_SPLIT] * 4 + [HELD_OUT] * 2


def test_of_several_columns_of_photos_image_is_read_or_the_one_that_is_chosen(tmp_path: Path) -> None:
    other = list(reversed(PHOTOS))
    file = write_table(tmp_path / "pets.parquet", {"mask": other, "image": PHOTOS, "label": LABELS})
    assert _held(_read(file))[0] == (PHOTOS[0], "cat")
    assert _held(_read(file, image_column="mask"))[0] == (PHOTOS[5], "cat")
    file = write_table(tmp_path / "two.parquet", {"left": other, "right": PHOTOS, "label": LABELS})
    assert "the columns left and right hold photos; choose one with --image-column" in _refusal(file)
    file = write_table(tmp_path / "one.parquet", {"jpg": PHOTOS, "cls": LABELS, "label": LABELS})
    assert _held(_read(file)) == list(zip(PHOTOS, LABELS, strict=True))


def test_groups_are_a_column(tmp_path: Path) -> None:
    file = write_table(tmp_path / "p.parquet", {"image": PHOTOS, "label": LABELS, "animal": [*"aabbcc"]})
    assert _read(file, group_by="animal").groups == tuple("aabbcc")


def test_metadata_parquet_in_a_folder_gives_the_labels(tmp_path: Path) -> None:
    for number, photo in enumerate(PHOTOS):
        put(tmp_path / f"pets/train/{number}.jpg", photo)
    columns = {"file_name": [f"{number}.jpg" for number in range(6)], "label": [0, 1] * 3}
    write_table(tmp_path / "pets/train/metadata.parquet", columns, {"label": ["cat", "dog"]})
    table = _read(tmp_path / "pets")
    assert _held(table) == list(zip(PHOTOS, LABELS, strict=True))


@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255), form=st.sampled_from(FORMS))
@settings(max_examples=60, deadline=None)
def test_fault_31_a_damaged_table_is_read_or_refused_in_one_line(
    place: float, value: int, form: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    file = write_table(folder / f"pets.{form}", {"image": [b"\xff\xd8\xff one", b"two"] * 3, "label": LABELS})
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] = value
    file.write_bytes(bytes(content))
    try:
        assert len(_read(file)) <= 6
    except DataError as error:
        assert str(error).startswith(str(file))
        assert "\n" not in str(error)


@pytest.mark.parametrize("form", FORMS)
def test_a_table_that_is_cut_is_refused(form: str, tmp_path: Path) -> None:
    file = write_table(tmp_path / f"pets.{form}", {"image": PHOTOS, "label": LABELS})
    content = file.read_bytes()
    for length in (9, len(content) // 2, len(content) - 20):
        file.write_bytes(content[:length])
        assert "damaged, or no whole table" in _refusal(file)
    file.write_bytes(b"")
    assert "file is empty (0 bytes); download or write it again" in _refusal(file)


@pytest.mark.parametrize("rows", [5, 7])
def test_columns_of_different_length_are_damage(rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_table(tmp_path / "pets.parquet", {"image": PHOTOS, "label": LABELS})
    monkeypatch.setattr(held_photos, "read_photos_of", lambda *_: iter([PHOTOS[0]] * rows))
    assert "its columns are of different length" in _refusal(file)


def test_old_feather_is_named(tmp_path: Path) -> None:
    assert "Feather of the old version 1" in _refusal(put(tmp_path / "pets.feather", b"FEA1" + bytes(100)))


def test_fault_32_a_bomb_is_refused_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(safety, "_GROWTH_ALLOWANCE_BYTES", 1 << 20)
    photo = PHOTOS[0] + bytes(1 << 20)
    file = write_table(tmp_path / "pets.parquet", {"image": [photo] * 60, "label": LABELS * 10})
    assert file.stat().st_size < 3 << 20  # one value in a dictionary
    assert "as a table bomb does" in _refusal(file)
    assert not [path for path in (tmp_path / "cache").rglob("*.jpg")]


def test_without_pyarrow_the_command_to_install_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_table(tmp_path / "pets.parquet", {"image": PHOTOS, "label": LABELS})
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'photoclass\[parquet\]'"):
        _read(file)
    put(tmp_path / "1.jpg", PHOTOS[0])
    with pytest.raises(DataError, match=r"no class folders found, and 1 photo .*; perhaps you mean .*pets.parquet"):
        _read(tmp_path)


def test_a_row_group_at_a_time_is_in_memory(tmp_path: Path) -> None:
    photos = [b"\xff\xd8\xff" + np.random.default_rng(number).bytes(1 << 20) for number in range(100)]
    file = tmp_path / "pets.parquet"
    parquet.write_table(pa.table({"image": images(photos), "label": LABELS[:2] * 50}), file, row_group_size=4)
    del photos
    before, peak = pa.total_allocated_bytes(), 0
    for _ in read_photos_of(file, str(file), 0):
        peak = max(peak, pa.total_allocated_bytes() - before)
    assert 1 << 20 < peak < 40 << 20
