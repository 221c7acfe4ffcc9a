"""Heat maps: what they add up to, and how they lie over a photo of any shape."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from photoclass.results.explain.heat_map import Window, colours, heat_of, overlay, spread_over, window_of
from photoclass.results.explain.saliency import Maps, Saliency

SIDES = st.integers(1, 90)


def _look(*maps: Maps) -> Saliency:
    return Saliency(np.array([0.2, 0.8], np.float32), 1, maps)


def _maps(contributions: list[list[list[float]]], mirrored: tuple[bool, ...] = (False,)) -> Maps:
    """Return maps of one channel, whose gradient is 1 everywhere."""
    activations = np.array(contributions, dtype=np.float32)[..., None]
    return Maps(activations, np.ones_like(activations), mirrored)


def test_the_hottest_place_is_1_and_what_spoke_against_the_class_is_left_out() -> None:
    heat = heat_of(_look(_maps([[[4, -2], [0, 1]]])))
    np.testing.assert_allclose(heat, [[1, 0], [0, 0.25]])
    assert heat.dtype == np.float32
    assert not heat_of(_look(_maps([[[-4, -2], [-1, 0]]]))).any(), "nothing spoke for it"


def test_channels_for_and_against_are_weighed_before_what_is_below_zero_is_left_out() -> None:
    activations = np.array([[[[1, 3], [2, 0]]]], np.float32)
    gradients = np.broadcast_to(np.array([2, -1], np.float32), activations.shape)
    np.testing.assert_allclose(heat_of(_look(Maps(activations, gradients, (False,)))), [[0, 1]])


def test_the_map_of_a_mirror_image_is_turned_back() -> None:
    both = _maps([[[2, 0]], [[0, 2]]], (False, True))
    np.testing.assert_allclose(heat_of(_look(both)), [[1, 0]])
    lopsided = _maps([[[2, 0]], [[1, 0]]], (False, True))
    np.testing.assert_allclose(heat_of(_look(lopsided)), [[1, 0.5]])


def test_maps_of_different_sizes_count_by_what_they_add_in_all() -> None:
    """One map adds 4 in its left half, in one place; the other adds 4 in its right half, in eight places."""
    coarse = _maps([[[4, 0]]])
    fine = _maps([[[0, 0, 1, 1], [0, 0, 1, 1]]])
    heat = heat_of(_look(coarse, fine))
    assert heat.shape == (2, 4)
    np.testing.assert_allclose(heat[:, 0], heat[:, 3])


@given(SIDES, SIDES, st.sampled_from(["squash", "crop"]), st.integers(0, 3))
def test_a_map_lies_over_what_the_network_saw_and_nothing_else(width: int, height: int, resize: str, seed: int) -> None:
    heat = np.random.default_rng(seed).uniform(0.2, 1, (3, 4)).astype(np.float32)
    rule = "crop" if resize == "crop" else "squash"
    spread, window = spread_over(heat, width, height, rule), window_of(width, height, rule)
    assert spread.shape == (height, width) and spread.dtype == np.float32
    assert spread.min() >= 0 and spread.max() <= 1
    inside = spread[window.top : window.top + window.height, window.left : window.left + window.width]
    assert inside.shape == (min(width, height),) * 2 if resize == "crop" else inside.shape == (height, width)
    assert inside.min() > 0
    assert np.count_nonzero(spread) == inside.size
    drawn = overlay(Image.new("RGB", (width, height), "white"), spread, window)
    assert drawn.size == (width, height)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 3), (2, 1), (3, 3)])
def test_a_hot_place_is_where_it_is_in_the_photo(row: int, column: int) -> None:
    heat = np.zeros((4, 4), np.float32)
    heat[row, column] = 1
    wide = spread_over(heat, 200, 80, "squash")
    assert np.unravel_index(wide.argmax(), wide.shape) == (
        pytest.approx(20 * row + 10, abs=10),
        pytest.approx(50 * column + 25, abs=25),
    )
    cropped = spread_over(heat, 200, 80, "crop")
    place = np.unravel_index(cropped.argmax(), cropped.shape)
    assert place == (pytest.approx(20 * row + 10, abs=10), pytest.approx(60 + 20 * column + 10, abs=10))


def test_hot_is_light_cold_is_dark_and_the_unseen_fades() -> None:
    down, right = np.mgrid[:60, :100].astype(np.float32)
    heat = np.clip(1 - np.hypot(down - 30, right - 50) / 20, 0, 1)
    drawn = np.asarray(overlay(Image.new("RGB", (100, 60), (90, 90, 90)), heat, Window(20, 0, 60, 60)).convert("L"))
    hot, cold, unseen = drawn[30, 50], drawn[5, 30], drawn[30, 5]
    assert cold < 60 < 150 < hot < 230
    assert unseen > 190
    assert drawn[30, 40] > 240 < drawn[40, 50], "the line"


def test_colours_grow_lighter_from_end_to_end() -> None:
    """So that they can be told apart in grey, too, and by whoever sees fewer colours."""
    lightness = colours().astype(float) @ [0.2126, 0.7152, 0.0722]
    assert colours().shape == (256, 3)
    assert (np.diff(lightness) > -1.5).all()
    assert lightness[-1] - lightness[0] > 200
