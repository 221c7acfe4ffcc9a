"""Augmentation as legacy Keras's `ImageDataGenerator` defines it.

Each photo of each epoch is rotated, shifted, sheared, zoomed and perhaps mirrored by one random affine map. The legacy
Keras preprocessing code is the reference for every range and for the order of composition. The maps go from output to
input, in (row, column) order, around the centre of the picture.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from photoclass.photos.decode import Pixels
from photoclass.training.recipes.augment_settings import AugmentSettings

_MOST_ASPECT = 4 / 3
# Bilinear interpolation reads four pixels: with larger steps between samples, it skips pixels and fine patterns alias.
# With smaller ones, downscaling the picture first costs more than it gains.
_FINEST_STEP = 1.5

_BORDERS = {
    "nearest": cv2.BORDER_REPLICATE,
    "constant": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT,
    "wrap": cv2.BORDER_WRAP,
}


def draw_transforms(
    count: int, side: int, settings: AugmentSettings, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Draw random affine maps.

    Args:
        count: How many.
        side: Side of the pictures, in pixels.
        settings: The ranges.
        generator: Source of randomness.

    Returns:
        Shape (count, 2, 3): output (row, column, 1) to input (row, column).
    """

    def either_way(limit: float) -> NDArray[np.float64]:
        return generator.uniform(-limit, limit, count)

    theta = np.deg2rad(either_way(settings.rotation_degrees))
    shift_rows = either_way(settings.height_shift) * side
    shift_columns = either_way(settings.width_shift) * side
    shear = np.deg2rad(either_way(settings.shear_degrees))
    zoom = generator.uniform(1 - settings.zoom, 1 + settings.zoom, (2, count))
    flipped = generator.random(count) < settings.flip
    (high, wide), spatial = _draw_crops(count, settings, generator)

    zero, one = np.zeros(count), np.ones(count)
    rotation = _matrices([np.cos(theta), -np.sin(theta), zero], [np.sin(theta), np.cos(theta), zero])
    shift = _matrices([one, zero, shift_rows], [zero, one, shift_columns])
    sheared = _matrices([one, -np.sin(shear), zero], [zero, np.cos(shear), zero])
    zoomed = _matrices([zoom[0], zero, zero], [zero, zoom[1], zero])
    # Legacy Keras mirrors last, so the mirror is the first map from output to input.
    mirror = _matrices([one, zero, zero], [zero, np.where(flipped, -1.0, 1.0), zero])
    centre = (side - 1) / 2
    to_centre = _matrices([one, zero, one * centre], [zero, one, one * centre])
    from_centre = _matrices([one, zero, -one * centre], [zero, one, -one * centre])
    placed = _matrices([one, zero, spatial[0] * side], [zero, one, spatial[1] * side])
    cut = _matrices([high, zero, zero], [zero, wide, zero])
    return (to_centre @ placed @ rotation @ shift @ sheared @ zoomed @ cut @ mirror @ from_centre)[:, :2]


def _draw_crops(
    count: int, settings: AugmentSettings, generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw random crops: height and width, and the offset of the centre, as shares of the picture.

    Without cropping nothing is drawn, so that all other random numbers stay the same.

    Returns:
        Two arrays of shape (2, count): the sides and the offsets.
    """
    if settings.crop == 1:
        return np.ones((2, count)), np.zeros((2, count))
    area = generator.uniform(settings.crop, 1, count)
    aspect = np.exp(generator.uniform(-1, 1, count) * math.log(_MOST_ASPECT))
    sides = np.minimum(1, np.sqrt(np.stack([area / aspect, area * aspect])))
    return sides, (1 - sides) * generator.uniform(-0.5, 0.5, (2, count))


def to_side(transforms: NDArray[np.float64], side: int, new_side: int) -> NDArray[np.float64]:
    """Return maps with the effect of `transforms` for outputs of another size.

    Args:
        transforms: Shape (N, 2, 3), output (row, column, 1) to input (row, column), both of `side` pixels.
        side: Side of the inputs, and of the outputs of `transforms`.
        new_side: Side of the new outputs.
    """
    scale = side / new_side
    outer = np.array([[scale, 0, (scale - 1) / 2], [0, scale, (scale - 1) / 2], [0, 0, 1]])  # centres of pixels
    return np.asarray(transforms @ outer)


def draw_colours(count: int, settings: AugmentSettings, generator: np.random.Generator) -> NDArray[np.float64]:
    """Draw random factors of brightness, contrast and saturation; shape (count, 3).

    Without colour augmentation nothing is drawn, so that all other random numbers stay the same.
    """
    if not settings.colour:
        return np.ones((count, 3))
    return generator.uniform(1 - settings.colour, 1 + settings.colour, (count, 3))


def augment_photos(
    pixels: Pixels,
    transform: NDArray[np.float64],
    colours: NDArray[np.float64],
    settings: AugmentSettings,
    out: Pixels,
) -> None:
    """Write one photo into `out`, warped and with its colours changed.

    Args:
        pixels: Shape (H, W, 3), uint8.
        transform: One of `draw_transforms`.
        colours: Factors of brightness, contrast (around the mean grey) and saturation, shape (3,).
        settings: As for `warp`.
        out: Shape (H, W, 3), uint8; overwritten.
    """
    warp(pixels, transform, settings, out)
    if (colours == 1).all():
        return
    brightness, contrast, saturation = colours
    # All three are linear in the colours: one matrix and, for contrast, an offset.
    to_grey = np.full((3, 3), (1 - saturation) / 3)
    matrix = brightness * contrast * (to_grey + saturation * np.eye(3))
    mean = sum(cv2.mean(out)) / 3  # of the three colours; OpenCV's fourth is 0
    added = np.full((3, 1), (1 - contrast) * brightness * mean)
    out[:] = cv2.transform(out, np.hstack([matrix, added]))


def warp(pixels: Pixels, transform: NDArray[np.float64], settings: AugmentSettings, out: Pixels) -> None:
    """Write one photo into `out`, warped by an affine map with bilinear interpolation.

    Args:
        pixels: Shape (H, W, 3), uint8.
        transform: Shape (2, 3): output (row, column, 1) to input (row, column).
        settings: Its fill mode and value are used.
        out: Shape (H, W, 3), uint8; overwritten.
    """
    height, width = out.shape[:2]
    if settings.fill_mode == "wrap":
        # In legacy Keras's wrap the last row coincides with the first: a period of one less than OpenCV's.
        rows, columns = _sources(transform, height, width)
        row_map = np.mod(rows, height - 1).astype(np.float32)
        column_map = np.mod(columns, width - 1).astype(np.float32)
        cv2.remap(pixels, column_map, row_map, cv2.INTER_LINEAR, dst=out, borderMode=cv2.BORDER_REPLICATE)
        return
    (rr, rc, r0), (cr, cc, c0) = transform
    by_column = np.array([[cc, cr, c0], [rc, rr, r0]])  # OpenCV has x before y
    cv2.warpAffine(
        pixels,
        by_column,
        (width, height),
        dst=out,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=_BORDERS[settings.fill_mode],
    )
    if settings.fill_mode == "constant":
        # OpenCV blends the colour into the edge; legacy Keras fills everything beyond the outermost pixel centres.
        rows, columns = _sources(transform, height, width)
        out[_beyond(rows, height) | _beyond(columns, width)] = settings.fill_value


def coarser(pixels: Pixels, transform: NDArray[np.float64]) -> tuple[Pixels, NDArray[np.float64]]:
    """Halve a picture until the map no longer skips pixels; return it with the map that fits it."""
    step = float(np.sqrt((transform[:, :2] ** 2).sum(axis=0)).min())  # input pixels between two output pixels
    halvings = math.floor(math.log2(max(step / _FINEST_STEP, 0.5))) + 1
    height, width = (side >> halvings for side in pixels.shape[:2])
    if not halvings or not height or not width:
        return pixels, transform
    scales = np.array([height / pixels.shape[0], width / pixels.shape[1]])
    mapped = transform * scales[:, None]
    mapped[:, 2] += (scales - 1) / 2  # centres of pixels
    # By whole factors, at which OpenCV is ten times as fast as at others.
    halved: Pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return halved, mapped


def _sources(
    transform: NDArray[np.float64], height: int, width: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the input row and column, each of shape (H, W), of every output pixel."""
    rows, columns = np.arange(height)[:, None], np.arange(width)
    (rr, rc, r0), (cr, cc, c0) = transform
    return rr * rows + rc * columns + r0, cr * rows + cc * columns + c0


def _beyond(spatial: NDArray[np.float64], side: int) -> NDArray[np.bool_]:
    rounding = 1e-6
    return (spatial < -rounding) | (spatial > side - 1 + rounding)


def _matrices(*rows: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Stack entries of shape (N,) to matrices of shape (N, 3, 3) whose last row is 0, 0, 1."""
    zero, one = np.zeros_like(rows[0][0]), np.ones_like(rows[0][0])
    return np.stack([np.stack(row, axis=-1) for row in (*rows, [zero, zero, one])], axis=-2)
