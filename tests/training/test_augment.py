"""Augmentation means what legacy Keras meant by it: whole pictures are compared with SciPy's affine transform."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage, stats

from photoclass.errors import SettingsError
from photoclass.training.augment import augment_photos, coarser, draw_colours, draw_transforms, to_side, warp
from photoclass.training.recipes.augment_settings import AugmentSettings, FillMode
from photoclass.walkthrough.drawings.drawings import CLASS_NAMES, draw_animal

STILL = AugmentSettings(
    rotation_degrees=0, width_shift=0, height_shift=0, shear_degrees=0, zoom=0, flip=0, fill_mode="constant"
)
FILL_MODES: tuple[FillMode, ...] = ("nearest", "constant", "reflect", "wrap")
Picture = NDArray[np.uint8]
Matrix = NDArray[np.float64]


class Lots(NamedTuple):
    """What legacy Keras draws for one photo; shifts in pixels, angles in degrees."""

    theta: float
    shift_rows: float
    shift_columns: float
    shear: float
    zoom_rows: float
    zoom_columns: float
    flipped: bool


def _keras_matrix(lots: Lots, side: int) -> Matrix:
    """Compose as keras_preprocessing's apply_affine_transform does: rotation, shift, shear, zoom, then the centre."""
    theta, shear = np.deg2rad(lots.theta), np.deg2rad(lots.shear)
    rotation = np.array([[np.cos(theta), -np.sin(theta), 0], [np.sin(theta), np.cos(theta), 0], [0, 0, 1]])
    shift = np.array([[1, 0, lots.shift_rows], [0, 1, lots.shift_columns], [0, 0, 1]])
    sheared = np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
    zoomed = np.array([[lots.zoom_rows, 0, 0], [0, lots.zoom_columns, 0], [0, 0, 1]])
    matrix = np.dot(np.dot(np.dot(rotation, shift), sheared), zoomed)
    centre = float(side) / 2 - 0.5
    offset = np.array([[1, 0, centre], [0, 1, centre], [0, 0, 1]])
    reset = np.array([[1, 0, -centre], [0, 1, -centre], [0, 0, 1]])
    return np.dot(np.dot(offset, matrix), reset)


def _keras_picture(picture: Picture, lots: Lots, mode: FillMode, fill_value: int) -> NDArray[np.float64]:
    """Warp each channel with SciPy, as Keras does, and mirror the finished picture."""
    matrix = _keras_matrix(lots, len(picture))
    channels = [
        ndimage.affine_transform(
            picture[..., c].astype(np.float64), matrix[:2, :2], matrix[:2, 2], order=1, mode=mode, cval=fill_value
        )
        for c in range(3)
    ]
    warped = np.stack(channels, axis=-1)
    return warped[:, ::-1] if lots.flipped else warped


def _lots_of(transform: Matrix, side: int) -> Lots:
    """Take a map apart into what must have been drawn for it; there is one way only."""
    linear, offset = transform[:, :2], transform[:, 2]
    theta = math.atan2(linear[1, 0], linear[0, 0])
    zoom_rows = math.hypot(linear[0, 0], linear[1, 0])
    back = np.array([[np.cos(theta), np.sin(theta)], [-np.sin(theta), np.cos(theta)]])
    to_side = back @ linear[:, 1]
    flipped = bool(to_side[1] < 0)
    to_side = -to_side if flipped else to_side
    centre = np.full(2, (side - 1) / 2)
    shift = back @ (offset - centre + linear @ centre)
    shear = math.atan2(-to_side[0], to_side[1])
    return Lots(np.rad2deg(theta), shift[0], shift[1], np.rad2deg(shear), zoom_rows, float(np.hypot(*to_side)), flipped)


def _draw(count: int, side: int, settings: AugmentSettings, seed: int = 0) -> tuple[NDArray[np.float64], list[Lots]]:
    transforms = draw_transforms(count, side, settings, np.random.default_rng(seed))
    return transforms, [_lots_of(transform, side) for transform in transforms]


def _column(lots: list[Lots], name: str) -> NDArray[np.float64]:
    return np.array([getattr(lot, name) for lot in lots])


def _warped(picture: Picture, transform: Matrix, settings: AugmentSettings) -> Picture:
    out = np.full_like(picture, 77)
    warp(picture, transform, settings, out)
    return out


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    return [
        draw_animal(CLASS_NAMES[i % 2], np.random.default_rng([7, i]), side) for i, side in enumerate((150, 96, 61))
    ]


@pytest.mark.parametrize("mode", FILL_MODES)
@pytest.mark.parametrize("fill_value", [0, 200])
def test_whole_pictures_are_those_of_legacy_keras(pictures: list[Picture], mode: FillMode, fill_value: int) -> None:
    settings = AugmentSettings(shear_degrees=25, fill_mode=mode, fill_value=fill_value)
    for picture in pictures:
        transforms, lots = _draw(12, len(picture), settings, seed=3)
        for transform, lot in zip(transforms, lots, strict=True):
            ours = _warped(picture, transform, settings).astype(np.float64)
            theirs = _keras_picture(picture, lot, mode, fill_value)
            assert abs(ours - theirs).mean() < 1, lot
            assert np.quantile(abs(ours - theirs), 0.99) < 4, lot


@given(
    lots=st.builds(
        Lots,
        theta=st.floats(-180, 180),
        shift_rows=st.floats(-60, 60),
        shift_columns=st.floats(-60, 60),
        shear=st.floats(-60, 60),
        zoom_rows=st.floats(0.2, 3),
        zoom_columns=st.floats(0.2, 3),
        flipped=st.just(False),
    ),
    mode=st.sampled_from(FILL_MODES),
    seed=st.integers(0, 100),
)
@settings(max_examples=60, deadline=None)
def test_any_affine_map_is_shown_as_scipy_shows_it(lots: Lots, mode: FillMode, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(128, 600, (50, 50, 3))
    picture = np.clip(ndimage.gaussian_filter(noise, (3, 3, 0)), 0, 255).astype(np.uint8)
    ours = _warped(picture, _keras_matrix(lots, 50)[:2], replace(STILL, fill_mode=mode, fill_value=9))
    theirs = _keras_picture(picture, lots, mode, 9)
    difference = abs(ours - theirs)
    # A pixel that falls on the very edge may land on either side of it.
    assert np.sort(difference, axis=None)[: -3 * 50].mean() < 1


@pytest.mark.parametrize("seed", range(3))
def test_maps_are_composed_in_the_order_of_legacy_keras(seed: int) -> None:
    settings = AugmentSettings(shear_degrees=20)
    transforms, lots = _draw(500, 90, settings, seed)
    for transform, lot in zip(transforms, lots, strict=True):
        composed = _keras_matrix(lot, 90)
        mirror = np.array([[1, 0, 0], [0, -1, 89], [0, 0, 1]]) if lot.flipped else np.eye(3)
        np.testing.assert_allclose(transform, (composed @ mirror)[:2], atol=1e-9)
    # Another order would give these maps too, but from lots beyond the ranges.
    assert abs(_column(lots, "theta")).max() <= 40 + 1e-9
    assert abs(_column(lots, "shift_rows")).max() <= 18 + 1e-9
    assert abs(_column(lots, "shift_columns")).max() <= 18 + 1e-9
    assert abs(_column(lots, "shear")).max() <= 20 + 1e-9
    for axis in ("zoom_rows", "zoom_columns"):
        assert _column(lots, axis).min() >= 0.8 - 1e-9
        assert _column(lots, axis).max() <= 1.2 + 1e-9


def test_lots_fill_their_ranges_evenly_and_independently() -> None:
    settings = AugmentSettings(
        rotation_degrees=40, width_shift=0.2, height_shift=0.1, shear_degrees=10, zoom=0.3, flip=0.25
    )
    _, lots = _draw(20_000, 100, settings, seed=5)
    ranges = {
        "theta": (-40, 40),
        "shift_rows": (-10, 10),
        "shift_columns": (-20, 20),
        "shear": (-10, 10),
        "zoom_rows": (0.7, 1.3),
        "zoom_columns": (0.7, 1.3),
    }
    columns = {name: _column(lots, name) for name in ranges}
    for name, (low, high) in ranges.items():
        assert stats.kstest(columns[name], stats.uniform(low, high - low).cdf).pvalue > 1e-3, name
    columns["flipped"] = _column(lots, "flipped")
    assert abs(columns["flipped"].mean() - 0.25) < 4 * math.sqrt(0.25 * 0.75 / 20_000)
    correlations = np.corrcoef(np.stack(list(columns.values())).astype(np.float64)) - np.eye(len(columns))
    assert abs(correlations).max() < 4.5 / math.sqrt(20_000)


@given(side=st.integers(8, 64), count=st.integers(0, 5), seed=st.integers(0, 2**32), mode=st.sampled_from(FILL_MODES))
@settings(max_examples=40, deadline=None)
def test_ranges_of_zero_leave_the_picture_as_it_is(side: int, count: int, seed: int, mode: FillMode) -> None:
    generator = np.random.default_rng(seed)
    picture = generator.integers(0, 256, (side, side, 3), dtype=np.uint8)
    settings = replace(STILL, fill_mode=mode)
    transforms = draw_transforms(count, side, settings, generator)
    assert transforms.shape == (count, 2, 3)
    for transform in transforms:
        warped = _warped(picture, transform, settings)
        # By Keras's wrap, the last row and column are laid on the first.
        inner = -1 if mode == "wrap" else side
        np.testing.assert_array_equal(warped[:inner, :inner], picture[:inner, :inner])


@pytest.mark.parametrize(
    ("name", "value", "moved", "limit"),
    [
        ("rotation_degrees", 30.0, "theta", 30.0),
        ("width_shift", 0.25, "shift_columns", 20.0),
        ("height_shift", 0.1, "shift_rows", 8.0),
        ("shear_degrees", 15.0, "shear", 15.0),
    ],
)
def test_each_setting_moves_its_own_lot_alone(name: str, value: float, moved: str, limit: float) -> None:
    _, lots = _draw(2_000, 80, replace(STILL, **{name: value}))  # type: ignore[arg-type]
    drawn = _column(lots, moved)
    assert 0.98 * limit < drawn.max() <= limit + 1e-9
    assert 0.98 * limit < -drawn.min() <= limit + 1e-9
    still = Lots(0, 0, 0, 0, 1, 1, False)
    for other in set(Lots._fields) - {moved}:
        np.testing.assert_allclose(_column(lots, other), getattr(still, other), atol=1e-9, err_msg=other)


def test_each_axis_is_zoomed_by_itself() -> None:
    _, lots = _draw(2_000, 80, replace(STILL, zoom=0.5))
    rows, columns = _column(lots, "zoom_rows"), _column(lots, "zoom_columns")
    for zooms in (rows, columns):
        assert 0.5 <= zooms.min() < 0.51
        assert 1.49 < zooms.max() <= 1.5
    assert abs(np.corrcoef(rows, columns)[0, 1]) < 0.1
    np.testing.assert_allclose(_column(lots, "theta"), 0, atol=1e-9)
    np.testing.assert_allclose(_column(lots, "shift_rows"), 0, atol=1e-9)


@pytest.mark.parametrize(("flip", "least", "most"), [(0.0, 0, 0), (0.5, 440, 560), (1.0, 1000, 1000)])
def test_about_the_given_share_of_the_photos_is_mirrored(flip: float, least: int, most: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    settings = replace(STILL, flip=flip)
    mirrored = 0
    for transform in draw_transforms(1000, 16, settings, np.random.default_rng(4)):
        warped = _warped(picture, transform, settings)
        if (warped == picture[:, ::-1]).all():
            mirrored += 1
        else:
            np.testing.assert_array_equal(warped, picture)
    assert least <= mirrored <= most


def test_a_shift_moves_the_picture_by_whole_pixels_and_keeps_them() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    transform = np.array([[1.0, 0.0, 3.0], [0.0, 1.0, -2.0]])
    warped = _warped(picture, transform, replace(STILL, fill_value=5))
    np.testing.assert_array_equal(warped[:17, 2:], picture[3:, :18])
    assert (warped[17:] == 5).all()
    assert (warped[:, :2] == 5).all()


def test_a_quarter_turn_is_exact() -> None:
    picture = np.random.default_rng(2).integers(0, 256, (15, 15, 3), dtype=np.uint8)
    matrix = _keras_matrix(Lots(90, 0, 0, 0, 1, 1, False), 15)[:2]
    np.testing.assert_array_equal(_warped(picture, matrix, STILL), np.rot90(picture, -1))


def test_the_generator_alone_decides_the_lots() -> None:
    first, again, other = (draw_transforms(9, 50, AugmentSettings(), np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_colours_are_left_alone_unless_wanted_and_then_stay_within_their_range() -> None:
    lots, same = np.random.default_rng(0), np.random.default_rng(0)
    assert (draw_colours(5, AugmentSettings(), lots) == 1).all()
    assert lots.random() == same.random(), "a lot was drawn that other recipes would miss"
    factors = draw_colours(1000, AugmentSettings(colour=0.3), lots)
    assert factors.min() > 0.7 and factors.max() < 1.3 and factors.std() > 0.1


@pytest.mark.parametrize(
    ("factors", "expected"),
    [
        ((1.0, 1.0, 1.0), lambda photo: photo),
        ((0.5, 1.0, 1.0), lambda photo: 0.5 * photo),
        ((1.0, 0.5, 1.0), lambda photo: 0.5 * (photo + photo.mean())),
        ((1.0, 1.0, 0.5), lambda photo: 0.5 * (photo + photo.mean(axis=2, keepdims=True))),
    ],
    ids=["none", "brightness", "contrast", "saturation"],
)
def test_each_colour_factor_does_what_it_says(
    factors: tuple[float, ...], expected: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> None:
    photo = np.random.default_rng(1).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    still = np.array([[1.0, 0, 0], [0, 1, 0]])
    out = np.empty_like(photo)
    augment_photos(photo, still, np.array(factors), AugmentSettings(), out)
    assert abs(out - expected(photo.astype(np.float64))).max() <= 1  # OpenCV multiplies in fixed point


@given(crop=st.floats(0.05, 1, exclude_max=True), side=st.integers(8, 300), seed=st.integers(0, 2**40))
@settings(max_examples=60, deadline=None)
def test_crops_lie_in_the_picture_and_have_their_share_of_it(crop: float, side: int, seed: int) -> None:
    transforms = draw_transforms(50, side, replace(STILL, crop=crop), np.random.default_rng(seed))
    ends = np.array([[-0.5, -0.5, 1], [side - 0.5, side - 0.5, 1]])  # the outer edges of the first and the last pixel
    first, last = (transforms @ end for end in ends)
    assert first.min() >= -0.5 - 1e-6
    assert last.max() <= side - 0.5 + 1e-6
    height, width = ((last - first) / side).T
    # A long part of a whole picture is cut off at its edges, which costs it up to a quarter.
    assert (height * width >= crop * 0.75 - 1e-9).all()
    assert (width / height <= 4 / 3 + 1e-9).all()
    assert (width / height >= 3 / 4 - 1e-9).all()


def test_without_crops_all_other_lots_are_what_they_were() -> None:
    whole = draw_transforms(9, 20, AugmentSettings(), np.random.default_rng(4))
    again = draw_transforms(9, 20, AugmentSettings(crop=1), np.random.default_rng(4))
    np.testing.assert_array_equal(whole, again)


@given(side=st.integers(16, 96), new_side=st.integers(8, 96), seed=st.integers(0, 2**40))
@settings(max_examples=40, deadline=None)
def test_pictures_of_another_side_show_the_same(side: int, new_side: int, seed: int) -> None:
    """What is at a share of the way across one picture is at that share of the other."""
    transform = draw_transforms(1, side, AugmentSettings(crop=0.5), np.random.default_rng(seed))
    shares = np.random.default_rng(seed).uniform(0, 1, (20, 2))
    outputs = [np.hstack([shares * s - 0.5, np.ones((20, 1))]) for s in (side, new_side)]
    sources = [
        spatial @ t[0].T for spatial, t in zip(outputs, (transform, to_side(transform, side, new_side)), strict=True)
    ]
    np.testing.assert_allclose(*sources, atol=1e-9)


@given(side=st.integers(40, 160), new_side=st.integers(8, 40), seed=st.integers(0, 2**20))
@settings(max_examples=40, deadline=None)
def test_a_picture_made_smaller_first_shows_the_same_without_false_patterns(
    side: int, new_side: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    transform = to_side(draw_transforms(1, side, replace(STILL, crop=0.5), generator), side, new_side)[0]
    slope = np.linspace(0, 255, side)
    smooth = np.broadcast_to(slope[:, None, None], (side, side, 3)).astype(np.uint8)
    stripes = np.zeros((side, side, 3), dtype=np.uint8)
    stripes[::2] = 255
    shown = []
    for picture in (smooth, stripes):
        small, mapped = coarser(picture, transform)
        out = np.empty((new_side, new_side, 3), dtype=np.uint8)
        warp(small, mapped, replace(STILL, fill_mode="nearest"), out)
        shown.append(out)
    rows = (transform @ np.stack([np.arange(new_side), np.arange(new_side), np.ones(new_side)]))[0]
    wanted = np.interp(rows, np.arange(side), slope)
    assert abs(shown[0][:, new_side // 2, 0] - wanted).max() <= 2 + 255 / side
    if side >= 4 * new_side:
        assert shown[1].std() < 50, "stripes finer than the pixels turn grey, not into coarser stripes (128)"


def test_the_posts_ranges_are_the_defaults() -> None:
    assert AugmentSettings() == AugmentSettings(
        rotation_degrees=40,
        width_shift=0.2,
        height_shift=0.2,
        shear_degrees=0.2,
        zoom=0.2,
        crop=1,
        flip=0.5,
        colour=0,
        fill_mode="nearest",
    )


@pytest.mark.parametrize(
    "values",
    [
        *({name: value} for name in ("rotation_degrees", "width_shift", "height_shift", "shear_degrees")
          for value in (-0.1, math.nan, math.inf)),
        *({name: value} for name in ("zoom", "colour") for value in (-0.1, 1.0, math.nan)),
        *({"flip": value} for value in (-0.1, 1.1, math.nan)),
        *({"fill_value": value} for value in (-1, 256)),
        *({"crop": value} for value in (-0.1, 1.1, math.nan)),
        {"fill_mode": "mirror"},
    ],
    ids=str,
)  # fmt: skip
def test_settings_out_of_range_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(values))):
        AugmentSettings(**values)
