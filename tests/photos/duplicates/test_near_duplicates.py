"""Near-duplicates: a picture saved again, mirrored or cropped is found again, and different pictures are kept apart."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from photoclass.photos.cache.store import RowStore, write_row
from photoclass.photos.decode import Pixels, decode_picture
from photoclass.photos.duplicates.fingerprint import FINGERPRINT_SIDE, fingerprint
from photoclass.photos.duplicates.near_duplicates import NearDuplicates, find_near_duplicates, group_near_duplicates
from photoclass.walkthrough.drawings.drawings import draw_animal
from picture_files import encode, noise_picture, within_seconds
from running import SHARED_PHOTOS

SAVED_ANEW: dict[str, Callable[[Image.Image], bytes]] = {
    "at quality 60": lambda picture: encode(picture, "JPEG", quality=60),
    "at quality 30": lambda picture: encode(picture, "JPEG", quality=30),
    "at half its size": lambda picture: encode(_resized(picture, 0.5), "JPEG", quality=80),
    "at a third of its size": lambda picture: encode(_resized(picture, 1 / 3), "JPEG", quality=80),
    "larger": lambda picture: encode(_resized(picture, 1.6), "JPEG", quality=80),
    "squashed to a square": lambda picture: encode(picture.resize((128, 128)), "JPEG", quality=80),
    "as PNG": lambda picture: encode(picture, "PNG"),
    "mirrored": lambda picture: encode(ImageOps.mirror(picture), "JPEG", quality=80),
    "cropped at its top left": lambda picture: encode(_cropped(picture, 0, 0), "JPEG", quality=80),
    "cropped at its middle": lambda picture: encode(_cropped(picture, 0.05, 0.05), "JPEG", quality=80),
    "cropped, mirrored and smaller": lambda picture: encode(
        _resized(ImageOps.mirror(_cropped(picture, 0.1, 0.03)), 0.7), "JPEG", quality=70
    ),
}


def _resized(picture: Image.Image, scale: float) -> Image.Image:
    return picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC)


def _cropped(picture: Image.Image, left: float, top: float, share: float = 0.9) -> Image.Image:
    """Cut off a tenth of each side, `left` and `top` of it there and the rest opposite."""
    width, height = picture.size
    x, y = round(left * width), round(top * height)
    return picture.crop((x, y, x + round(share * width), y + round(share * height)))


def _fingerprint(data: bytes) -> Pixels:
    picture = decode_picture(data, 256)
    assert isinstance(picture, Image.Image)
    return fingerprint(np.asarray(picture))


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    """Eighty different pictures: drawings of animals, and smooth colours."""
    drawings = [draw_animal(("cat", "dog")[seed % 2], np.random.default_rng(seed), 150) for seed in range(40)]
    return [*map(Image.fromarray, drawings), *(noise_picture(seed, 200, 150) for seed in range(40))]


@pytest.fixture(scope="module")
def originals(pictures: list[Image.Image]) -> list[Pixels]:
    return [_fingerprint(encode(picture, "JPEG", quality=92)) for picture in pictures]


def test_different_pictures_have_no_twins(originals: list[Pixels]) -> None:
    assert len(find_near_duplicates(np.stack(originals))) == 0
    assert group_near_duplicates(np.stack(originals)).tolist() == list(range(len(originals)))


def _see_that_twins_are_found(originals: list[Pixels], anew: list[Pixels], most_missed: int = 0) -> NearDuplicates:
    """See that each original has its copy, but for a few, and no other near-duplicate."""
    count = len(originals)
    duplicates = find_near_duplicates(np.stack([*originals, *anew]))
    low, high = np.minimum(duplicates.first, duplicates.second), np.maximum(duplicates.first, duplicates.second)
    assert (high == low + count).all()
    assert len(duplicates) >= count - most_missed
    return duplicates


@pytest.mark.parametrize("how", SAVED_ANEW)
def test_a_picture_saved_anew_is_a_twin_and_is_told_how(
    how: str, pictures: list[Image.Image], originals: list[Pixels]
) -> None:
    anew = [_fingerprint(SAVED_ANEW[how](picture)) for picture in pictures]
    # Smooth colours are nearly the same at two places; then a crop may be taken for the whole.
    duplicates = _see_that_twins_are_found(originals, anew, most_missed=1)
    assert (duplicates.mirrored == ("mirrored" in how)).mean() > 0.98
    assert (duplicates.cropped == ("cropped" in how)).all()
    if "cropped" in how:
        assert (duplicates.first < len(originals)).all(), "the first of a cropped pair is the one that shows more"


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.floats(0, 0.1), st.floats(0, 0.1), st.floats(0.89, 0.91), st.booleans())
def test_a_window_of_nine_tenths_anywhere_is_found(
    seed: int, left: float, top: float, share: float, mirrored: bool
) -> None:
    picture = Image.fromarray(draw_animal("cat", np.random.default_rng(seed), 150))
    part = _cropped(picture, min(left, 1 - share), min(top, 1 - share), share)
    part = ImageOps.mirror(part) if mirrored else part
    duplicates = find_near_duplicates(np.stack([fingerprint(np.asarray(picture)), fingerprint(np.asarray(part))]))
    assert (duplicates.first.tolist(), duplicates.second.tolist()) == ([0], [1])
    assert duplicates.cropped.tolist() == [True] and duplicates.mirrored.tolist() == [mirrored]


def test_the_group_is_called_after_its_first_photo(originals: list[Pixels]) -> None:
    a, b, c = originals[:3]
    assert group_near_duplicates(np.stack([a, b, a, c, b, a])).tolist() == [0, 1, 0, 3, 1, 0]


@pytest.mark.parametrize("count", [0, 1])
def test_few_photos_are_no_special_case(count: int, originals: list[Pixels]) -> None:
    assert group_near_duplicates(np.stack(originals)[:count]).tolist() == list(range(count))


@given(st.permutations(range(12)))
def test_who_is_whose_twin_does_not_depend_on_the_order(order: list[int]) -> None:
    side = FINGERPRINT_SIDE
    prints = np.stack([np.asarray(noise_picture(number // 3, side, side).convert("L")) for number in range(12)])
    groups = group_near_duplicates(prints[order])
    for i, one in enumerate(order):
        for j, other in enumerate(order):
            assert (groups[i] == groups[j]) == (one // 3 == other // 3)


def test_rows_of_a_store_give_what_the_array_gives(originals: list[Pixels], tmp_path: Path) -> None:
    prints = np.stack([*originals, *(cells[:, ::-1] for cells in originals[:20])])
    contents = [bytes([i]) * 32 for i in range(len(prints))]
    store = RowStore(tmp_path / "store", prints.shape[1:], np.uint8)
    with store.new_shard() as shard:
        for row, cells in enumerate(prints):
            write_row(shard.descriptor, row, cells)
        shard.enter(list(zip(contents, range(len(prints)), strict=True)))
    np.testing.assert_array_equal(group_near_duplicates(store.find(contents)), group_near_duplicates(prints))
    assert (group_near_duplicates(prints)[len(originals) :] == np.arange(20)).all()


def test_a_brighter_picture_is_another_one(originals: list[Pixels]) -> None:
    for original in originals:
        brighter = np.clip(original.astype(int) + 30, 0, 255).astype(np.uint8)
        assert group_near_duplicates(np.stack([original, brighter])).tolist() == [0, 1]


def test_fault_26_copies_are_twins_however_many_look_alikes_stand_between() -> None:
    # The same slow waves in all, and so one hash; no two share their fast ones.
    slow = cv2.resize(np.random.default_rng(0).uniform(60, 200, (4, 4)), (32, 32), interpolation=cv2.INTER_CUBIC)
    fast = np.kron(np.random.default_rng(1).choice([-50, 50], (60, 16, 16)), np.ones((2, 2)))
    find_candidates = np.clip(slow + fast, 0, 255).astype(np.uint8)
    assert group_near_duplicates(find_candidates).tolist() == list(range(60))
    assert group_near_duplicates(np.concatenate([find_candidates, find_candidates])).tolist() == [
        *range(60),
        *range(60),
    ]


def test_a_thousand_pictures_of_one_colour_are_one_group_in_no_time() -> None:
    assert set(group_near_duplicates(np.full((1000, 32, 32), 7, dtype=np.uint8)).tolist()) == {0}


def test_a_thousand_look_alikes_take_no_thousand_times_as_long() -> None:
    generator = np.random.default_rng(0)
    slow = cv2.resize(generator.uniform(60, 200, (4, 4)), (32, 32), interpolation=cv2.INTER_CUBIC)
    crowd = np.clip(slow + generator.normal(0, 25, (1000, 32, 32)), 0, 255).astype(np.uint8)
    with within_seconds(60):
        group_near_duplicates(crowd)


@settings(max_examples=60)
@given(st.integers(1, 300), st.integers(1, 300))
def test_a_fingerprint_is_32_by_32_grey_cells_of_any_picture(width: int, height: int) -> None:
    picture = np.full((height, width, 3), (200, 100, 50), dtype=np.uint8)
    cells = fingerprint(picture)
    assert cells.shape == (32, 32)
    assert cells.dtype == np.uint8
    assert set(cells.reshape(-1).tolist()) == {round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)}


def test_a_cell_is_the_mean_of_what_it_covers() -> None:
    stripes = np.zeros((320, 320, 3), dtype=np.uint8)
    stripes[:, ::10] = 200
    np.testing.assert_allclose(fingerprint(stripes), 20, atol=1)


@pytest.mark.skipif(not SHARED_PHOTOS.is_dir(), reason="the shared photos of cats and dogs are not here")
@pytest.mark.parametrize("how", SAVED_ANEW)
def test_real_photos_saved_anew_are_found_and_others_kept_apart(how: str) -> None:
    with zipfile.ZipFile(SHARED_PHOTOS / "train.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        photos = [archive.read(name) for name in names[:: len(names) // 200][:200]]
    anew = [_fingerprint(SAVED_ANEW[how](Image.open(io.BytesIO(photo)))) for photo in photos]
    _see_that_twins_are_found([_fingerprint(photo) for photo in photos], anew, most_missed=2)
