"""Masks and thumbnails beside photos: passed over with a note, and never a photo of a class."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from photoclass.errors import DataError
from photoclass.photos.sources.masks import _Files, _stand_alone
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import PhotoTable
from photoclass.workspace import Workspace
from picture_files import encode, noise_picture, put

EACH = 5


def _mask(seed: int, level: int = 255) -> Image.Image:
    centre, axes = (60, 45), (int(np.random.default_rng(seed).integers(15, 35)), 15)
    return Image.fromarray(cv2.ellipse(np.zeros((90, 120), np.uint8), centre, axes, 0, 0, 360, level, -1))


def _palette(seed: int) -> Image.Image:
    mask = _mask(seed, 1)
    mask.putpalette([0, 0, 0, 128, 0, 0])
    return mask


def _photos(root: Path, ending: str = "jpg", folder: str = "{}") -> None:
    for number, name in enumerate(f"{label}/{i}" for label in ("break", "crack") for i in range(EACH)):
        label, _, stem = name.partition("/")
        form = "JPEG" if ending == "jpg" else "PNG"
        put(root / folder.format(label) / f"{stem}.{ending}", encode(noise_picture(number, 120, 90), form))


def _read(root: Path) -> PhotoTable:
    return read_data(root, Workspace(root.parent / "cache"))


@pytest.mark.parametrize("name", ["{}.png", "{}_mask.png", "{}-gt.png", "mask_{}.png", "{}.mask.png"])
@pytest.mark.parametrize("make", [_mask, lambda seed: _mask(seed, 1), _palette, lambda seed: _mask(seed).convert("1")])
def test_fault_60_masks_beside_photos_are_passed_over(name: str, make: object, tmp_path: Path) -> None:
    root = tmp_path / "tiles"
    _photos(root)
    for label in ("break", "crack"):
        for i in range(EACH):
            put(root / label / name.format(i), encode(make(i), "PNG"))  # type: ignore[operator]
    table = _read(root)
    assert len(table) == 2 * EACH and all(file.endswith(".jpg") for file in table.names)
    (item,) = table.passed_over
    assert (item.kind, item.count) == ("masks", 2 * EACH)
    assert table.notes == (f"{2 * EACH} masks beside photos passed over, such as {name.format(0)} beside 0.jpg",)


def test_masks_that_were_saved_as_jpeg_are_masks(tmp_path: Path) -> None:
    _photos(tmp_path / "tiles")
    for label in ("break", "crack"):
        put(tmp_path / "tiles" / label / "1_mask.jpg", encode(_mask(1), "JPEG", quality=85))
    assert [(item.kind, item.count) for item in _read(tmp_path / "tiles").passed_over] == [("masks", 2)]


@pytest.mark.parametrize("name", ["{}_thumb.jpg", "{}-120x90.jpg", "thumb_{}.jpg"])
def test_thumbnails_beside_photos_are_passed_over(name: str, tmp_path: Path) -> None:
    root = tmp_path / "tiles"
    _photos(root)
    for i in range(EACH):
        put(root / "break" / name.format(i), encode(noise_picture(i, 120, 90).resize((40, 30)), "JPEG"))
    table = _read(root)
    assert len(table) == 2 * EACH
    assert [(item.kind, item.count) for item in table.passed_over] == [("thumbnails", EACH)]


def test_masks_in_a_folder_of_their_own_are_no_photos(tmp_path: Path) -> None:
    root = tmp_path / "tiles"
    _photos(root)
    for label in ("break", "crack"):
        for i in range(EACH):
            put(root / label / "regions" / f"{i}.png", encode(_mask(i), "PNG"))
    table = _read(root)
    assert len(table) == 2 * EACH
    assert [(item.kind, item.count) for item in table.passed_over] == [("masks", 2 * EACH)]


def test_a_class_of_masks_is_refused_by_name(tmp_path: Path) -> None:
    root = tmp_path / "tiles"
    _photos(root)
    for i in range(EACH):
        put(root / "regions" / f"{i}.png", encode(_mask(i), "PNG"))
    with pytest.raises(DataError, match=r"regions/0\.png: class 'regions' holds only masks of other photos"):
        _read(root)


def test_pictures_of_one_name_that_are_no_masks_stay(tmp_path: Path) -> None:
    root = tmp_path / "tiles"
    _photos(root)
    _photos(root, "png")  # the same photos as PNG
    put(root / "break" / "0_small.jpg", encode(noise_picture(99, 40, 30), "JPEG"))  # another picture
    flat = Image.new("RGB", (120, 90), "white")
    flat.paste("red", (10, 10, 50, 50))
    for i in range(EACH):  # two drawings of few colours, of one name
        put(root / "signs" / f"{i}.png", encode(flat, "PNG"))
        put(root / "signs" / f"{i}.gif", encode(flat, "GIF"))
    table = _read(root)
    assert len(table) == 4 * EACH + 1 + 2 * EACH
    assert not table.passed_over and not table.notes


def test_classes_whose_files_have_equal_names_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _photos(tmp_path / "tiles")

    def refuse(path: str) -> None:
        raise AssertionError(f"{path} was opened")

    monkeypatch.setattr("photoclass.photos.sources.masks._open", refuse)
    assert len(_read(tmp_path / "tiles")) == 2 * EACH


_NAMES = st.builds(
    "{}/{}{}{}".format,
    st.sampled_from(["cats", "dogs"]),
    st.sampled_from(["1", "2", "mask_1", "1_thumb", "1-120x90", "gt 2"]),
    st.sampled_from(["", "_mask", "-small"]),
    st.sampled_from([".jpg", ".JPG", ".png", ""]),
)


@given(st.lists(_NAMES, unique=True, min_size=1, max_size=6))
def test_files_that_stand_alone_at_a_glance_belong_to_no_other(names: list[str]) -> None:
    count = len(names)
    table = PhotoTable(tuple(names), tuple(names), np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int8))
    if _stand_alone(names):
        files = _Files.of(table)
        assert not [*files.in_one_folder(), *files.in_parallel_folders()]


def test_ordinary_names_stand_alone_at_a_glance() -> None:
    assert _stand_alone([f"data/cats/IMG_{number}.jpg" for number in range(9)])
    assert not _stand_alone(["data/cats/1.jpg", "data/cats/1.png"])
