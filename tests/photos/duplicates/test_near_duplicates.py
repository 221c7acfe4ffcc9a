"""Near-duplicates: re-encoded, mirrored and cropped copies are found, and different pictures are not."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from photoclass.photos.cache.store import RowStore, write_row
from photoclass.photos.decode import Pixels, decode_picture
from photoclass.photos.duplicates.confirmation import NearDuplicates
from photoclass.photos.duplicates.fingerprint import FINGERPRINT_SIDE, doubled, fingerprint, halved
from photoclass.photos.duplicates.near_duplicates import find_near_duplicates, group_near_duplicates
from photoclass.walkthrough.drawings.drawings import draw_animal
from picture_files import encode, noise_picture, within_seconds
from running import SHARED_PHOTOS

ALTERED: dict[str, Callable[[Image.Image], bytes]] = {
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
    """Cut off a tenth of each side: shares `left` and `top` there, and the rest on the opposite side."""
    width, height = picture.size
    x, y = round(left * width), round(top * height)
    return picture.crop((x, y, x + round(share * width), y + round(share * height)))


def _fingerprint(data: bytes) -> Pixels:
    picture = decode_picture(data, 256)
    assert isinstance(picture, Image.Image)
    return fingerprint(picture)


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    """Eighty different pictures: drawings of animals, and smooth colours."""
    drawings = [draw_animal(("cat", "dog")[seed % 2], np.random.default_rng(seed), 150) for seed in range(40)]
    return [*map(Image.fromarray, drawings), *(noise_picture(seed, 200, 150) for seed in range(40))]


@pytest.fixture(scope="module")
def originals(pictures: list[Image.Image]) -> list[Pixels]:
    return [_fingerprint(encode(picture, "JPEG", quality=92)) for picture in pictures]


def test_different_pictures_have_no_duplicates(originals: list[Pixels]) -> None:
    assert len(find_near_duplicates(np.stack(originals))) == 0
    assert group_near_duplicates(np.stack(originals)).tolist() == list(range(len(originals)))


def _check_all_found(originals: list[Pixels], copies: list[Pixels], most_missed: int = 0) -> NearDuplicates:
    """Check that each original has its copy, with few exceptions, and no other near-duplicate."""
    count = len(originals)
    duplicates = find_near_duplicates(np.stack([*originals, *copies]))
    low, high = np.minimum(duplicates.first, duplicates.second), np.maximum(duplicates.first, duplicates.second)
    assert (high == low + count).all()
    assert len(duplicates) >= count - most_missed
    return duplicates


@pytest.mark.parametrize("how", ALTERED)
def test_an_altered_copy_is_found_and_its_kind_is_right(
    how: str, pictures: list[Image.Image], originals: list[Pixels]
) -> None:
    copies = [_fingerprint(ALTERED[how](picture)) for picture in pictures]
    # Smooth colours are nearly the same in two windows; a crop may then match the whole picture.
    duplicates = _check_all_found(originals, copies, most_missed=1)
    assert (duplicates.mirrored == ("mirrored" in how)).mean() > 0.98
    assert (duplicates.cropped == ("cropped" in how)).all()
    if "cropped" in how:
        assert (duplicates.first < len(originals)).all(), "the first of a cropped pair is the one that shows more"


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.floats(0, 0.1), st.floats(0, 0.1), st.floats(0.89, 0.91), st.booleans())
def test_a_crop_to_nine_tenths_is_found_wherever_it_is(
    seed: int, left: float, top: float, share: float, mirrored: bool
) -> None:
    picture = Image.fromarray(draw_animal("cat", np.random.default_rng(seed), 150))
    part = _cropped(picture, min(left, 1 - share), min(top, 1 - share), share)
    part = ImageOps.mirror(part) if mirrored else part
    duplicates = find_near_duplicates(np.stack([fingerprint(picture), fingerprint(part)]))
    assert (duplicates.first.tolist(), duplicates.second.tolist()) == ([0], [1])
    assert duplicates.cropped.tolist() == [True] and duplicates.mirrored.tolist() == [mirrored]


@pytest.mark.parametrize("how", ["at quality 60", "at half its size", "mirrored"])
def test_copies_are_found_of_photos_whose_fingerprints_an_older_version_made(
    how: str, pictures: list[Image.Image]
) -> None:
    """Those in older model folders are averages of the area of each cell, by OpenCV."""
    older = [_averaged(picture) for picture in pictures]
    copies = [_fingerprint(ALTERED[how](picture)) for picture in pictures]
    _check_all_found(list(doubled(halved(np.stack(older)))), list(doubled(halved(np.stack(copies)))))


def _averaged(picture: Image.Image) -> Pixels:
    small = cv2.resize(np.asarray(picture), (128, 128), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def test_a_group_has_the_index_of_its_first_photo(originals: list[Pixels]) -> None:
    a, b, c = originals[:3]
    assert group_near_duplicates(np.stack([a, b, a, c, b, a])).tolist() == [0, 1, 0, 3, 1, 0]


@pytest.mark.parametrize("count", [0, 1])
def test_few_photos_are_no_special_case(count: int, originals: list[Pixels]) -> None:
    assert group_near_duplicates(np.stack(originals)[:count]).tolist() == list(range(count))


@given(st.permutations(range(12)))
def test_groups_do_not_depend_on_the_order(order: list[int]) -> None:
    side = FINGERPRINT_SIDE
    prints = np.stack([np.asarray(noise_picture(number // 3, side, side).convert("L")) for number in range(12)])
    groups = group_near_duplicates(prints[order])
    for i, one in enumerate(order):
        for j, other in enumerate(order):
            assert (groups[i] == groups[j]) == (one // 3 == other // 3)


def test_rows_of_a_store_give_the_same_as_an_array(originals: list[Pixels], tmp_path: Path) -> None:
    prints = np.stack([*originals, *(cells[:, ::-1] for cells in originals[:20])])
    contents = [bytes([i]) * 32 for i in range(len(prints))]
    store = RowStore(tmp_path / "store", prints.shape[1:], np.uint8)
    with store.new_shard() as shard:
        for row, cells in enumerate(prints):
            write_row(shard.descriptor, row, cells)
        shard.enter(list(zip(contents, range(len(prints)), strict=True)))
    np.testing.assert_array_equal(group_near_duplicates(store.find(contents)), group_near_duplicates(prints))
    assert (group_near_duplicates(prints)[len(originals) :] == np.arange(20)).all()


def test_a_brighter_picture_is_a_different_one(originals: list[Pixels]) -> None:
    for original in originals:
        brighter = np.clip(original.astype(int) + 30, 0, 255).astype(np.uint8)
        assert group_near_duplicates(np.stack([original, brighter])).tolist() == [0, 1]


def test_fault_26_copies_are_found_among_any_number_of_similar_photos() -> None:
    # All have the same low frequencies, and so the same hash, but different high frequencies.
    low = cv2.resize(np.random.default_rng(0).uniform(60, 200, (4, 4)), (32, 32), interpolation=cv2.INTER_CUBIC)
    high = np.kron(np.random.default_rng(1).choice([-50, 50], (60, 16, 16)), np.ones((2, 2)))
    similar = np.clip(low + high, 0, 255).astype(np.uint8)
    assert group_near_duplicates(similar).tolist() == list(range(60))
    assert group_near_duplicates(np.concatenate([similar, similar])).tolist() == [
        *range(60),
        *range(60),
    ]


def test_a_thousand_equal_pictures_are_one_group() -> None:
    assert set(group_near_duplicates(np.full((1000, 32, 32), 7, dtype=np.uint8)).tolist()) == {0}


def test_a_thousand_similar_pictures_take_linear_time() -> None:
    generator = np.random.default_rng(0)
    low = cv2.resize(generator.uniform(60, 200, (4, 4)), (32, 32), interpolation=cv2.INTER_CUBIC)
    crowd = np.clip(low + generator.normal(0, 25, (1000, 32, 32)), 0, 255).astype(np.uint8)
    with within_seconds(60):
        group_near_duplicates(crowd)


@settings(max_examples=60)
@given(st.integers(1, 300), st.integers(1, 300))
def test_a_fingerprint_is_32_by_32_grey_cells_of_any_picture(width: int, height: int) -> None:
    cells = fingerprint(Image.new("RGB", (width, height), (200, 100, 50)))
    assert cells.shape == (32, 32)
    assert cells.dtype == np.uint8
    assert set(cells.reshape(-1).tolist()) == {round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)}


@settings(max_examples=30)
@given(st.integers(0, 1000), st.integers(32, 1400), st.integers(32, 1400))
def test_a_cell_is_the_mean_of_the_pixels_that_it_covers(seed: int, width: int, height: int) -> None:
    picture = noise_picture(seed, width, height)
    grey = np.asarray(picture.convert("L"), dtype=np.float32)
    shares = [_shares_of_cells(side) for side in (height, width)]
    assert np.abs(shares[0] @ grey @ shares[1].T - fingerprint(picture)).max() < 1.2


def _shares_of_cells(side: int) -> NDArray[np.float64]:
    """Return how much each of 32 cells along a side weights each pixel, by the length that it covers of it."""
    edges, pixels = np.linspace(0, side, FINGERPRINT_SIDE + 1)[:, None], np.arange(side)
    covered = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
    return np.clip(covered, 0, 1) * FINGERPRINT_SIDE / side


@pytest.mark.skipif(not SHARED_PHOTOS.is_dir(), reason="the shared photos of cats and dogs are not here")
@pytest.mark.parametrize("how", ALTERED)
def test_altered_copies_of_real_photos_are_found_and_others_are_not(how: str) -> None:
    with zipfile.ZipFile(SHARED_PHOTOS / "train.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        photos = [archive.read(name) for name in names[:: len(names) // 200][:200]]
    copies = [_fingerprint(ALTERED[how](Image.open(io.BytesIO(photo)))) for photo in photos]
    _check_all_found([_fingerprint(photo) for photo in photos], copies, most_missed=2)
