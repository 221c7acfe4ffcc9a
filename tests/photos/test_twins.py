"""Twins: a picture saved anew is found again, and different pictures are kept apart."""

import io
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from picture_files import encode, noise_picture
from PIL import Image

from photoclass.photos.decode import Pixels, decode_picture
from photoclass.photos.twins import fingerprint, group_twins
from photoclass.story.drawings import draw_animal
from running import SHARED_PHOTOS

SAVED_ANEW: dict[str, Callable[[Image.Image], bytes]] = {
    "at quality 60": lambda picture: encode(picture, "JPEG", quality=60),
    "at quality 30": lambda picture: encode(picture, "JPEG", quality=30),
    "at half its size": lambda picture: encode(_resized(picture, 0.5), "JPEG", quality=80),
    "at a third of its size": lambda picture: encode(_resized(picture, 1 / 3), "JPEG", quality=80),
    "larger": lambda picture: encode(_resized(picture, 1.6), "JPEG", quality=80),
    "squashed to a square": lambda picture: encode(picture.resize((128, 128)), "JPEG", quality=80),
    "as PNG": lambda picture: encode(picture, "PNG"),
}


def _resized(picture: Image.Image, scale: float) -> Image.Image:
    return picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC)


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
    assert group_twins(np.stack(originals)).tolist() == list(range(len(originals)))


def _see_that_twins_are_found(originals: list[Pixels], anew: list[Pixels]) -> None:
    """See that each original has its copy, but for the few whose hash differs in every band, and no other twin."""
    count = len(originals)
    groups = group_twins(np.stack([*originals, *anew]))
    assert groups[:count].tolist() == list(range(count))
    alone = groups[count:] == np.arange(count, 2 * count)
    assert (alone | (groups[count:] == np.arange(count))).all()
    assert alone.sum() <= count / 50


@pytest.mark.parametrize("how", SAVED_ANEW)
def test_a_picture_saved_anew_is_a_twin(how: str, pictures: list[Image.Image], originals: list[Pixels]) -> None:
    _see_that_twins_are_found(originals, [_fingerprint(SAVED_ANEW[how](picture)) for picture in pictures])


def test_the_group_is_called_after_its_first_photo(originals: list[Pixels]) -> None:
    a, b, c = originals[:3]
    assert group_twins(np.stack([a, b, a, c, b, a])).tolist() == [0, 1, 0, 3, 1, 0]


@pytest.mark.parametrize("count", [0, 1])
def test_few_photos_are_no_special_case(count: int, originals: list[Pixels]) -> None:
    assert group_twins(np.stack(originals)[:count]).tolist() == list(range(count))


@given(st.permutations(range(12)))
def test_who_is_whose_twin_does_not_depend_on_the_order(order: list[int]) -> None:
    prints = np.stack([np.asarray(noise_picture(number // 3, 16, 16).convert("L")) for number in range(12)])
    groups = group_twins(prints[order])
    for i, one in enumerate(order):
        for j, other in enumerate(order):
            assert (groups[i] == groups[j]) == (one // 3 == other // 3)


def test_a_mirrored_or_brighter_picture_is_another_one(originals: list[Pixels]) -> None:
    for original in originals:
        brighter = np.clip(original.astype(int) + 30, 0, 255).astype(np.uint8)
        assert group_twins(np.stack([original, original[:, ::-1], brighter])).tolist() == [0, 1, 2]


def test_fault_26_copies_are_twins_however_many_look_alikes_stand_between() -> None:
    # One pattern in 32 contrasts: all have one perceptual hash, and no two of them are twins.
    pattern = np.where(np.random.default_rng(0).random((16, 16)) < 0.5, -1, 1)
    contrasts = np.stack([(128 + contrast * pattern).astype(np.uint8) for contrast in np.linspace(2, 127, 32)])
    assert group_twins(contrasts).tolist() == list(range(32))
    assert group_twins(np.concatenate([contrasts, contrasts])).tolist() == [*range(32), *range(32)]


def test_a_thousand_pictures_of_one_colour_are_one_group_in_no_time() -> None:
    assert set(group_twins(np.full((1000, 16, 16), 7, dtype=np.uint8)).tolist()) == {0}


@settings(max_examples=60)
@given(st.integers(1, 300), st.integers(1, 300))
def test_a_fingerprint_is_16_by_16_grey_cells_of_any_picture(width: int, height: int) -> None:
    picture = np.full((height, width, 3), (200, 100, 50), dtype=np.uint8)
    cells = fingerprint(picture)
    assert cells.shape == (16, 16)
    assert cells.dtype == np.uint8
    assert set(cells.reshape(-1).tolist()) == {round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)}


def test_a_cell_is_the_mean_of_what_it_covers() -> None:
    stripes = np.zeros((320, 320, 3), dtype=np.uint8)
    stripes[:, ::10] = 200
    np.testing.assert_allclose(fingerprint(stripes), 20, atol=1)


@pytest.mark.skipif(not SHARED_PHOTOS.is_dir(), reason="the shared photos of cats and dogs are not here")
def test_real_photos_saved_anew_are_found_and_others_kept_apart() -> None:
    with zipfile.ZipFile(SHARED_PHOTOS / "train.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        photos = [archive.read(name) for name in names[:: len(names) // 300][:300]]
    pictures = [Image.open(io.BytesIO(photo)) for photo in photos]
    anew = [_fingerprint(encode(_resized(picture, 0.6), "JPEG", quality=60)) for picture in pictures]
    _see_that_twins_are_found([_fingerprint(photo) for photo in photos], anew)
