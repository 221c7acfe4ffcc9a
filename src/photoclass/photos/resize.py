"""Resizing: from an upright picture of any size to the square of pixels that a network takes.

A model says in `model.json` by which rule its photos are resized (`resampling`):

- `bicubic`, `bilinear`: Pillow's filters of these names. They take a weighted mean over all pixels that an output pixel
  covers where they shrink, and interpolate where they enlarge, so that one line of Pillow repeats them. Training uses
  the first.
- `area`: the rule of model folders of format 2 and older, which was OpenCV's: area averaging where both sides shrink,
  else linear interpolation without antialiasing. Written here once more, so that OpenCV is not needed.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photoclass.photos.decode_settings import DecodeSettings

Pixels: TypeAlias = NDArray[np.uint8]

_FRACTION = 256  # OpenCV's exact linear interpolation has weights of 8 bits


def to_square(picture: Image.Image, settings: DecodeSettings) -> Pixels:
    """Resize an upright RGB picture to the square that a network takes.

    Returns:
        Shape (image_size, image_size, 3), uint8.
    """
    if settings.resampling == "area":
        return _to_square_by_area(np.asarray(picture), settings)
    side = settings.image_size
    filters = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
    return np.asarray(picture.resize((side, side), filters[settings.resampling], box=_box(picture, settings)))


def _box(picture: Image.Image, settings: DecodeSettings) -> tuple[float, float, float, float]:
    """Return the part of the picture that is used, as `PIL.ImageOps.fit` takes it: left, top, right, bottom."""
    width, height = picture.size
    if settings.resize == "squash":
        return 0, 0, width, height
    shorter = min(width, height)
    left, top = (width - shorter) / 2, (height - shorter) / 2
    return left, top, left + shorter, top + shorter


def _to_square_by_area(picture: Pixels, settings: DecodeSettings) -> Pixels:
    side = settings.image_size
    height, width = picture.shape[:2]
    if settings.resize == "crop":
        shorter = min(height, width)
        top, left = (height - shorter) // 2, (width - shorter) // 2
        picture = picture[top : top + shorter, left : left + shorter]
        height = width = shorter
    if (height, width) == (side, side):
        return np.ascontiguousarray(picture)
    if height < side or width < side:
        return _interpolated(picture, side)
    rows, columns = _shares(height, side), _shares(width, side)
    across = (rows @ picture.reshape(height, -1).astype(np.float32)).reshape(side, width, 3)
    averaged = columns @ across
    # OpenCV halves in whole numbers, which rounds a half up, and else rounds it to the even number.
    rounded = np.floor(averaged + 0.5) if (height, width) == (2 * side, 2 * side) else np.rint(averaged)
    return np.asarray(rounded, dtype=np.uint8)


def _shares(length: int, count: int) -> NDArray[np.float32]:
    """Return the share of each pixel in each of `count` equal parts of a side, shape (count, length)."""
    borders = np.arange(count + 1) * (length / count)
    covered = np.clip(borders[:, None] - np.arange(length), 0, 1)  # of each pixel, up to each border
    return np.asarray(np.diff(covered, axis=0) * (count / length), dtype=np.float32)


def _interpolated(picture: Pixels, side: int) -> Pixels:
    """Interpolate linearly between the four nearest pixels, with weights of 8 bits, as OpenCV does exactly."""
    (upper, lower, row_weights), (left, right, column_weights) = (_neighbours(n, side) for n in picture.shape[:2])
    columns, rows = column_weights[:, None], row_weights[:, None, None]
    if picture.shape[1] > side:
        exact = picture[upper] * (_FRACTION - rows) + picture[lower] * rows
        total = exact[:, left] * (_FRACTION - columns) + exact[:, right] * columns
    else:
        exact = picture[:, left] * (_FRACTION - columns) + picture[:, right] * columns
        total = exact[upper] * (_FRACTION - rows) + exact[lower] * rows
    return np.asarray((total + _FRACTION * _FRACTION // 2) // (_FRACTION * _FRACTION), dtype=np.uint8)


def _neighbours(length: int, side: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint32]]:
    """Return the pixels before and after the place of each output pixel, and the weight of the latter of 256."""
    place = np.clip((np.arange(side) + 0.5) * (length / side) - 0.5, 0, length - 1)
    before = place.astype(np.int64)
    weight = np.rint((place - before) * _FRACTION).astype(np.uint32)
    return before, np.minimum(before + 1, length - 1), weight
