"""PNGs whose chunks beside the pixels are large, damaged or missing."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from photoclass.photos.formats.png import essential_chunks
from picture_files import (
    as_stored,
    decoded,
    encode,
    exif_block,
    noise_picture,
    orientation_entry,
    reason_of,
    within_seconds,
)

WHOLE = noise_picture(1)
PNG = encode(WHOLE, "PNG")
NOISE = np.random.default_rng(0).bytes(1_200_000)


def _chunk(kind: bytes, body: bytes, checksum: int | None = None) -> bytes:
    sound = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", sound if checksum is None else checksum)


def _with(*chunks: bytes) -> bytes:
    """Put chunks after the header of the PNG."""
    return PNG[:33] + b"".join(chunks) + PNG[33:]


ODD = {
    "profile of 1.2 MB": _with(_chunk(b"iCCP", b"profile\0\0" + zlib.compress(NOISE))),
    "text of 1.2 MB": _with(_chunk(b"zTXt", b"text\0\0" + zlib.compress(NOISE))),
    "international text of 1.2 MB": _with(_chunk(b"iTXt", b"text\0\0\0\0\0" + NOISE)),
    "bad checksum of pHYs": _with(_chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1), 0)),
    "bad checksum of iCCP": _with(_chunk(b"iCCP", b"profile\0\0" + zlib.compress(b"x" * 300), 0)),
    "iCCP that is no zlib": _with(_chunk(b"iCCP", b"profile\0\0" + b"no zlib")),
    "a chunk of an unknown kind, damaged": _with(_chunk(b"abCd", b"x", 0)),
    "text after the pixels, damaged": PNG[:-12] + _chunk(b"tEXt", b"a\0b", 0) + PNG[-12:],
    "nothing after the pixels": PNG[:-12],
    "garbage after the end": PNG + NOISE[:1000],
    "bad checksum of pixels that are sound": PNG.replace(PNG[-16:-12], bytes(4)),
}


@pytest.mark.parametrize("kind", ODD)
def test_fault_69_what_stands_beside_the_pixels_loses_no_photo(kind: str) -> None:
    np.testing.assert_array_equal(decoded(ODD[kind]), decoded(PNG))


def test_the_orientation_of_a_repaired_png_is_applied() -> None:
    stored = Image.fromarray(as_stored(np.asarray(WHOLE), 6))
    exif = exif_block(orientation_entry(6))[6:]
    data = encode(stored, "PNG")
    damaged = data[:33] + _chunk(b"pHYs", bytes(9), 0) + _chunk(b"eXIf", exif) + data[33:]
    np.testing.assert_array_equal(decoded(damaged), decoded(PNG))


@pytest.mark.parametrize("mode", ["P", "L"])
def test_palette_and_transparency_of_a_repaired_png_are_kept(mode: str) -> None:
    data = encode(WHOLE.convert(mode), "PNG", transparency=7)
    damaged = data[:33] + _chunk(b"pHYs", bytes(9), 0) + data[33:]
    np.testing.assert_array_equal(decoded(damaged), decoded(data))


@pytest.mark.parametrize("length", [40, len(PNG) // 2, len(PNG) - 60])
def test_fault_03_a_png_cut_short_is_named_truncated(length: int) -> None:
    assert reason_of(PNG[:length]) == "truncated: the file ends before the picture does"


@given(st.integers(60, len(PNG) - 30), st.integers(0, 7))
def test_fault_68_a_flipped_bit_in_the_pixels_is_named_damaged(place: int, bit: int) -> None:
    data = bytearray(PNG)
    data[place] ^= 1 << bit
    assert reason_of(bytes(data)).startswith(("damaged", "truncated"))


@pytest.mark.parametrize("chunk", [b"IHDR", b"PLTE"])
def test_fault_68_a_damaged_header_or_palette_is_not_repaired(chunk: bytes) -> None:
    data = bytearray(encode(WHOLE.convert("P"), "PNG"))
    data[data.index(chunk) + 7] ^= 1
    assert reason_of(bytes(data)) == "PNG with a damaged or truncated header"


@given(st.binary(max_size=300))
def test_chunks_of_any_bytes_are_read(rest: bytes) -> None:
    essential_chunks(PNG[:33] + rest)


def test_damaged_pixels_that_unpack_to_more_than_the_picture_are_not_waited_for() -> None:
    bomb = zlib.compress(bytes(40 << 20), 9)
    data = PNG[:33] + _chunk(b"IDAT", bomb, 0) + PNG[-12:]
    with within_seconds(2):
        assert reason_of(data) == "damaged: the checksum of its pixels is wrong"
