"""The two rules of resizing: Pillow's filter, and the rule of model folders of format 2 and older."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from photoclass.photos.decode_settings import RESAMPLINGS, DecodeSettings, Resampling
from photoclass.photos.resize import to_square
from picture_files import noise_picture

both = pytest.mark.parametrize("resampling", RESAMPLINGS)
sides = st.integers(1, 90)


def _noise(width: int, height: int, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def _stripes(height: int, width: int, rows: slice, columns: slice, value: int = 255) -> Image.Image:
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    pixels[rows, columns] = value
    return Image.fromarray(pixels)


@given(width=sides, height=sides, side=sides, name=st.sampled_from(["bicubic", "bilinear"]))
@settings(max_examples=50, deadline=None)
def test_pictures_are_resized_by_one_line_of_pillow(width: int, height: int, side: int, name: Resampling) -> None:
    picture, kind = _noise(width, height), Image.Resampling[name.upper()]
    squashed = picture.resize((side, side), kind)
    np.testing.assert_array_equal(to_square(picture, DecodeSettings(side, resampling=name)), np.asarray(squashed))
    cropped = ImageOps.fit(picture, (side, side), kind)
    rule = DecodeSettings(side, "crop", resampling=name)
    np.testing.assert_array_equal(to_square(picture, rule), np.asarray(cropped))


@given(width=st.integers(1, 300), height=st.integers(1, 300), side=st.integers(1, 160), crop=st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_rule_of_older_models_is_that_of_opencv(width: int, height: int, side: int, crop: bool) -> None:
    cv2 = pytest.importorskip("cv2")
    picture = _noise(width, height, seed=1)
    pixels = np.asarray(picture)
    if crop:
        shorter = min(width, height)
        top, left = (height - shorter) // 2, (width - shorter) // 2
        pixels = pixels[top : top + shorter, left : left + shorter]
    how = cv2.INTER_AREA if min(pixels.shape[:2]) >= side else cv2.INTER_LINEAR_EXACT
    expected = cv2.resize(np.ascontiguousarray(pixels), (side, side), interpolation=how)
    ours = to_square(picture, DecodeSettings(side, "crop" if crop else "squash", resampling="area"))
    difference = np.abs(ours.astype(int) - expected)
    # OpenCV's sums are in single precision, too: now and then a half is rounded to the other side.
    assert difference.max() <= 1 and (difference > 0).mean() <= 0.01


@pytest.mark.parametrize("size", [(448, 448), (672, 224), (225, 224), (1500, 2000), (60, 3000), (1, 5000)])
def test_the_rule_of_older_models_is_that_of_opencv_in_usual_sizes(size: tuple[int, int]) -> None:
    cv2 = pytest.importorskip("cv2")
    picture = _noise(*size, seed=2)
    how = cv2.INTER_AREA if min(size) >= 224 else cv2.INTER_LINEAR_EXACT
    expected = cv2.resize(np.asarray(picture), (224, 224), interpolation=how)
    difference = np.abs(to_square(picture, DecodeSettings(224, resampling="area")).astype(int) - expected)
    assert difference.max() <= 1 and (difference > 0).mean() <= 0.001


@both
def test_squash_takes_the_whole_picture_and_crop_its_centre(resampling: Resampling) -> None:
    stripes = _stripes(200, 600, slice(None), slice(200, 400))
    assert (to_square(stripes, DecodeSettings(10, "crop", resampling=resampling))[:, 1:-1] == 255).all()
    row = to_square(stripes, DecodeSettings(60, resampling=resampling))[0, :, 0]
    np.testing.assert_array_equal(row[[0, 10, 25, 30, 35, 50, 59]], [0, 0, 255, 255, 255, 0, 0])


@both
def test_crop_takes_the_centre_of_a_tall_picture_too(resampling: Resampling) -> None:
    stripes = _stripes(600, 200, slice(200, 400), slice(None))
    assert (to_square(stripes, DecodeSettings(10, "crop", resampling=resampling))[1:-1] == 255).all()


@both
def test_shrinking_averages_over_the_pixels_that_it_covers(resampling: Resampling) -> None:
    stripes = _stripes(320, 320, slice(None), slice(None, None, 10), value=250)
    # Taken pixel by pixel, this turns black or white.
    pixels = to_square(stripes, DecodeSettings(32, resampling=resampling))
    assert set(np.unique(pixels[:, 1:-1])) <= {24, 25, 26}


@both
def test_a_picture_of_the_right_size_is_unchanged(resampling: Resampling) -> None:
    picture = noise_picture(3, 32, 32)
    for resize in ("squash", "crop"):
        rule = DecodeSettings(32, resize, resampling=resampling)  # type: ignore[arg-type]
        np.testing.assert_array_equal(to_square(picture, rule), np.asarray(picture))
