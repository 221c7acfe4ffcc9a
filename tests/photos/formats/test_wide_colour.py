"""Colours of fewer bits in 16."""

import struct
import zlib
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photoclass.photos.decode import decode_with_origin
from picture_files import as_stored, decoded, encode, noise_picture
from tiff_files import LONG, SHORT, Page, tiff_file

WHOLE = noise_picture(1)
PIXELS = np.asarray(WHOLE).copy()
PIXELS[0, 0] = 255
_TAGS = {"orientation": 274, "extra_samples": 338}
ROUNDED = 2  # a level of rounding, which the resize's overshoot may double
EXPECTED = decoded(encode(Image.fromarray(PIXELS), "PNG")).astype(int)


def _png(values: NDArray[np.uint16]) -> bytes:
    written, data = cv2.imencode(".png", values[..., [2, 1, 0, 3][: values.shape[2]]])
    assert written
    return data.tobytes()


def _tiff(values: NDArray[np.uint16], order: str = "<", **tags: Sequence[float]) -> bytes:
    more = {_TAGS[name]: (SHORT, numbers) for name, numbers in tags.items()}
    size = (values.shape[1], values.shape[0])
    return tiff_file(Page(values, size, 16, 2, values.shape[2], more), order=order)


def _big_endian_tiff(values: NDArray[np.uint16]) -> bytes:
    return _tiff(values, ">")


def _lzw_tiff(values: NDArray[np.uint16]) -> bytes:
    """Write with a predictor and in strips, as OpenCV does."""
    written, data = cv2.imencode(".tiff", values[..., ::-1])
    assert written
    return data.tobytes()


def _planar_tiff(values: NDArray[np.uint16], order: str) -> bytes:
    planes = np.ascontiguousarray(values.transpose(2, 0, 1))
    size, plane = WHOLE.size, planes[0].nbytes
    places = {273: (LONG, [8 + plane * i for i in range(3)]), 279: (LONG, [plane] * 3), 284: (SHORT, [2])}
    return tiff_file(Page(planes, size, 16, 2, 3, places), order=order)


def _grey_and_alpha_png(values: NDArray[np.uint16]) -> bytes:
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, 4, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _ppm(values: NDArray[np.uint16]) -> bytes:
    return b"P6 %d %d 65535\n" % WHOLE.size + values.astype(">u2").tobytes()


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("write", [_png, _tiff, _big_endian_tiff, _lzw_tiff, _ppm])
def test_fault_67_colours_of_fewer_bits_in_16_are_as_bright_as_8(bits: int, write: object) -> None:
    assert callable(write)
    data = write((PIXELS.astype(np.uint32) * ((1 << bits) - 1) // 255).astype(np.uint16))
    assert np.abs(decoded(data) - EXPECTED).max() <= ROUNDED
    origin = decode_with_origin(data, 64)
    assert isinstance(origin, tuple) and origin[1].highest == (0 if bits == 16 else (1 << bits) - 1)


def test_alpha_of_wide_colours_is_kept() -> None:
    values = np.dstack([PIXELS.astype(np.uint16) * 16, np.full(PIXELS.shape[:2], 65535, np.uint16)])
    values[40:, :, 3] = 0
    pixels = decoded(_png(values))
    assert (pixels[-8:] == 255).all() and np.abs(pixels[:8] - EXPECTED[:8]).max() <= ROUNDED


@pytest.mark.parametrize("orientation", range(1, 9))
def test_fault_12_wide_colours_are_turned_upright(orientation: int) -> None:
    values = as_stored(PIXELS, orientation).astype(np.uint16) * 16
    assert np.abs(decoded(_tiff(values, orientation=[orientation])) - EXPECTED).max() <= ROUNDED


@pytest.mark.parametrize("meaning", [0, 1, 2], ids=["unspecified", "multiplied alpha", "alpha"])
@pytest.mark.parametrize("order", "<>")
def test_wide_colours_with_a_fourth_channel_are_as_bright_as_without(meaning: int, order: str) -> None:
    values = np.dstack([PIXELS.astype(np.uint16) * 16, np.full(PIXELS.shape[:2], 65535, np.uint16)])
    assert np.abs(decoded(_tiff(values, order, extra_samples=[meaning])) - EXPECTED).max() <= ROUNDED


def test_colours_multiplied_with_alpha_are_divided_by_it() -> None:
    half = np.full((*PIXELS.shape[:2], 1), 32768, np.uint16)
    plain, multiplied = (
        np.dstack([PIXELS.astype(np.uint16) * 16, half]),
        np.dstack([PIXELS.astype(np.uint16) * 8, half]),
    )
    over_white = decoded(_tiff(plain, extra_samples=[2]))
    assert np.abs(decoded(_tiff(multiplied, extra_samples=[1])).astype(int) - over_white).max() <= ROUNDED
    assert np.abs(over_white - (EXPECTED / 2 + 127.5)).max() <= 2


def test_grey_with_alpha_of_fewer_bits_in_16_is_as_bright_as_8() -> None:
    grey = np.asarray(WHOLE.convert("L")).copy()
    grey[0, 0] = 255
    values = np.dstack([grey.astype(np.uint16) * 16, np.full(grey.shape, 65535, np.uint16)])
    values[40:, :, 1] = 0
    pixels, expected = decoded(_grey_and_alpha_png(values)), decoded(encode(Image.fromarray(grey), "PNG"))
    assert (pixels[-8:] == 255).all() and np.abs(pixels[:8].astype(int) - expected[:8]).max() <= ROUNDED


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("factor", [16, 257], ids=["12 bits", "16 bits"])
def test_planes_of_16_bits_are_not_taken_for_planes_of_8(order: str, factor: int) -> None:
    assert np.abs(decoded(_planar_tiff(PIXELS.astype(np.uint16) * factor, order)) - EXPECTED).max() <= ROUNDED


def test_a_dark_photo_of_16_bits_stays_dark() -> None:
    assert np.abs(decoded(_png(PIXELS.astype(np.uint16) * 64)) - EXPECTED / 4).max() <= ROUNDED


def test_fault_67_a_transparent_colour_of_16_bits_becomes_white() -> None:
    values = PIXELS.astype(np.uint16) * 257
    values[40:] = 1000, 2000, 3000
    data, body = _png(values), struct.pack(">HHH", 1000, 2000, 3000)
    chunk = struct.pack(">I", 6) + b"tRNS" + body + struct.pack(">I", zlib.crc32(b"tRNS" + body))
    assert (decoded(data[:33] + chunk + data[33:])[-8:] == 255).all()
