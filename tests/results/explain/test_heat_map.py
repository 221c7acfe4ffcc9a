"""Heat maps: how contributions are summed, and how they are fitted to a photo of any shape."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from photoclass.results.explain.heat_map import Window, colours, fit_to_picture, heat_map_of, overlay, visible_window
from photoclass.results.explain.saliency import FeatureMaps, Saliency

SIDES = st.integers(1, 90)


def _saliency(*maps: FeatureMaps) -> Saliency:
    return Saliency(np.array([0.2, 0.8], np.float32), 1, maps)


def _maps(contributions: list[list[list[float]]], mirrored: tuple[bool, ...] = (False,)) -> FeatureMaps:
    """Return feature maps of one channel with a gradient of 1 everywhere."""
    activations = np.array(contributions, dtype=np.float32)[..., None]
    return FeatureMaps(activations, np.ones_like(activations), mirrored)


def test_the_largest_contribution_is_1_and_negative_ones_are_0() -> None:
    heat = heat_map_of(_saliency(_maps([[[4, -2], [0, 1]]])))
    np.testing.assert_allclose(heat, [[1, 0], [0, 0.25]])
    assert heat.dtype == np.float32
    assert not heat_map_of(_saliency(_maps([[[-4, -2], [-1, 0]]]))).any(), "nothing contributed to it"


def test_channels_are_summed_before_negative_contributions_are_dropped() -> None:
    activations = np.array([[[[1, 3], [2, 0]]]], np.float32)
    gradients = np.broadcast_to(np.array([2, -1], np.float32), activations.shape)
    np.testing.assert_allclose(heat_map_of(_saliency(FeatureMaps(activations, gradients, (False,)))), [[0, 1]])


def test_the_map_of_a_mirror_image_is_flipped_back() -> None:
    both = _maps([[[2, 0]], [[0, 2]]], (False, True))
    np.testing.assert_allclose(heat_map_of(_saliency(both)), [[1, 0]])
    lopsided = _maps([[[2, 0]], [[1, 0]]], (False, True))
    np.testing.assert_allclose(heat_map_of(_saliency(lopsided)), [[1, 0.5]])


def test_maps_of_different_sizes_are_added_per_area() -> None:
    """One map contributes 4 in one position on the left; the other contributes 4 in four positions on the right."""
    coarse = _maps([[[4, 0]]])
    fine = _maps([[[0, 0, 1, 1], [0, 0, 1, 1]]])
    heat = heat_map_of(_saliency(coarse, fine))
    assert heat.shape == (2, 4)
    np.testing.assert_allclose(heat[:, 0], heat[:, 3])


@given(SIDES, SIDES, st.sampled_from(["squash", "crop"]), st.integers(0, 3))
def test_a_map_covers_the_input_of_the_network_alone(width: int, height: int, resize: str, seed: int) -> None:
    heat = np.random.default_rng(seed).uniform(0.2, 1, (3, 4)).astype(np.float32)
    rule = "crop" if resize == "crop" else "squash"
    spread, window = fit_to_picture(heat, width, height, rule), visible_window(width, height, rule)
    assert spread.shape == (height, width) and spread.dtype == np.float32
    assert spread.min() >= 0 and spread.max() <= 1
    inside = spread[window.top : window.top + window.height, window.left : window.left + window.width]
    assert inside.shape == (min(width, height),) * 2 if resize == "crop" else inside.shape == (height, width)
    assert inside.min() > 0
    assert np.count_nonzero(spread) == inside.size
    drawn = overlay(Image.new("RGB", (width, height), "white"), spread, window)
    assert drawn.size == (width, height)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 3), (2, 1), (3, 3)])
def test_a_hot_position_stays_at_its_place_in_the_photo(row: int, column: int) -> None:
    heat = np.zeros((4, 4), np.float32)
    heat[row, column] = 1
    wide = fit_to_picture(heat, 200, 80, "squash")
    assert np.unravel_index(wide.argmax(), wide.shape) == (
        pytest.approx(20 * row + 10, abs=10),
        pytest.approx(50 * column + 25, abs=25),
    )
    cropped = fit_to_picture(heat, 200, 80, "crop")
    place = np.unravel_index(cropped.argmax(), cropped.shape)
    assert place == (pytest.approx(20 * row + 10, abs=10), pytest.approx(60 + 20 * column + 10, abs=10))


def test_hot_is_light_cold_is_dark_and_the_rest_is_faded() -> None:
    down, right = np.mgrid[:60, :100].astype(np.float32)
    heat = np.clip(1 - np.hypot(down - 30, right - 50) / 20, 0, 1)
    drawn = np.asarray(overlay(Image.new("RGB", (100, 60), (90, 90, 90)), heat, Window(20, 0, 60, 60)).convert("L"))
    hot, cold, unseen = drawn[30, 50], drawn[5, 30], drawn[30, 5]
    assert cold < 60 < 150 < hot < 230
    assert unseen > 190
    assert drawn[30, 40] > 240 < drawn[40, 50], "the line"


def test_the_lightness_of_the_colours_increases() -> None:
    """So that they can be told apart in greyscale and with colour blindness."""
    lightness = colours().astype(float) @ [0.2126, 0.7152, 0.0722]
    assert colours().shape == (256, 3)
    assert (np.diff(lightness) > -1.5).all()
    assert lightness[-1] - lightness[0] > 200
