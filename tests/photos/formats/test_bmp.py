"""BMPs of all kinds."""

import struct

import numpy as np
import pytest

from picture_files import decoded, encode, noise_picture

WHOLE = noise_picture(1)


def _with_alpha(alpha: int) -> bytes:
    """Write a BMP with a V4 header, whose fourth byte is alpha."""
    pixels = np.asarray(WHOLE)[::-1, :, ::-1]
    rows = np.dstack([pixels, np.full(pixels.shape[:2], alpha, np.uint8)]).tobytes()
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    header = struct.pack("<IiiHHIIiiII", 108, *WHOLE.size, 1, 32, 3, len(rows), 2835, 2835, 0, 0) + masks
    header = header.ljust(108, b"\0")
    return struct.pack("<2sIHHI", b"BM", 14 + 108 + len(rows), 0, 0, 14 + 108) + header + rows


@pytest.mark.parametrize("alpha", [0, 255])
def test_fault_67_a_bmp_whose_alpha_is_0_everywhere_is_opaque(alpha: int) -> None:
    np.testing.assert_array_equal(decoded(_with_alpha(alpha)), decoded(encode(WHOLE, "BMP")))


def test_a_png_whose_alpha_is_0_everywhere_is_white() -> None:
    picture = WHOLE.copy()
    picture.putalpha(0)
    assert (decoded(encode(picture, "PNG")) == 255).all()
