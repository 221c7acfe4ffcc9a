"""Colours of fewer bits in 16."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from photoclass.photos.decode import decode_with_origin
from picture_files import decoded, encode, noise_picture
from tiff_files import Page, tiff_file

WHOLE = noise_picture(1)
PIXELS = np.asarray(WHOLE).copy()
PIXELS[0, 0] = 255
EXPECTED = decoded(encode(Image.fromarray(PIXELS), "PNG")).astype(int)


def _png(values: NDArray[np.uint16]) -> bytes:
    written, data = cv2.imencode(".png", values[..., [2, 1, 0, 3][: values.shape[2]]])
    assert written
    return data.tobytes()


def _tiff(values: NDArray[np.uint16]) -> bytes:
    return tiff_file(Page(values, WHOLE.size, 16, 2, 3))


def _ppm(values: NDArray[np.uint16]) -> bytes:
    return b"P6 %d %d 65535\n" % WHOLE.size + values.astype(">u2").tobytes()


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("write", [_png, _tiff, _ppm])
def test_fault_67_colours_of_fewer_bits_in_16_are_as_bright_as_8(bits: int, write: object) -> None:
    assert callable(write)
    data = write((PIXELS.astype(np.uint32) * ((1 << bits) - 1) // 255).astype(np.uint16))
    assert np.abs(decoded(data) - EXPECTED).max() <= 1
    origin = decode_with_origin(data, 64)
    assert isinstance(origin, tuple) and origin[1].highest == (0 if bits == 16 else (1 << bits) - 1)


def test_alpha_of_wide_colours_is_kept() -> None:
    values = np.dstack([PIXELS.astype(np.uint16) * 16, np.full(PIXELS.shape[:2], 65535, np.uint16)])
    values[40:, :, 3] = 0
    pixels = decoded(_png(values))
    assert (pixels[-8:] == 255).all() and np.abs(pixels[:8] - EXPECTED[:8]).max() <= 1


def test_a_dark_photo_of_16_bits_stays_dark() -> None:
    assert np.abs(decoded(_png(PIXELS.astype(np.uint16) * 64)) - EXPECTED / 4).max() <= 1


def test_fault_67_a_transparent_colour_of_16_bits_becomes_white() -> None:
    values = PIXELS.astype(np.uint16) * 257
    values[40:] = 1000, 2000, 3000
    data, body = _png(values), struct.pack(">HHH", 1000, 2000, 3000)
    chunk = struct.pack(">I", 6) + b"tRNS" + body + struct.pack(">I", zlib.crc32(b"tRNS" + body))
    assert (decoded(data[:33] + chunk + data[33:])[-8:] == 255).all()
