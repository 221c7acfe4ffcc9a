"""Wide greys: declared ranges, ranges by what values reach, white as zero, transparency."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from photoclass.photos.decode import Pixels, Unreadable, decode_photo
from photoclass.photos.decode_settings import DecodeSettings, PictureRules
from photoclass.photos.formats.wide_grey import bits_to_read, describe_greys
from picture_files import as_stored, encode, noise_picture, reason_of
from tiff_files import FLOAT, SHORT, Page, grey_page, tiff_file

GREY = np.asarray(noise_picture(1, 40, 40).convert("L")).copy()
GREY[0, :2] = 0, 255
WIDE = {bits: (GREY.astype(np.uint32) * ((1 << bits) - 1) // 255).astype(np.uint16) for bits in (8, 10, 12, 14, 16)}


def _decoded(data: bytes, grey_bits: int | None = None) -> Pixels:
    pixels = decode_photo(data, DecodeSettings(40, rules=PictureRules(grey_bits)))
    assert not isinstance(pixels, Unreadable), pixels.reason
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0]


def _png(values: NDArray[np.uint16], *chunks: tuple[bytes, bytes]) -> bytes:
    data = encode(Image.fromarray(values), "PNG")
    more = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return data[:33] + more + data[33:]


@pytest.mark.parametrize("bits", WIDE)
@pytest.mark.parametrize("grey_bits", [None, "same"])
@pytest.mark.parametrize("form", ["PNG", "TIFF", "big-endian TIFF", "32-bit TIFF"])
def test_fault_67_fewer_bits_in_16_are_as_bright_as_8(bits: int, grey_bits: str | None, form: str) -> None:
    data = {
        "PNG": lambda: _png(WIDE[bits]),
        "TIFF": lambda: tiff_file(grey_page(WIDE[bits])),
        "big-endian TIFF": lambda: tiff_file(grey_page(WIDE[bits]), order=">"),
        "32-bit TIFF": lambda: tiff_file(grey_page(WIDE[bits].astype(np.uint32))),
    }[form]()
    np.testing.assert_array_equal(_decoded(data, bits if grey_bits else None), GREY)


def test_fault_67_packed_12_bits_are_as_bright_as_8() -> None:
    pairs = WIDE[12].reshape(-1, 2).astype(np.uint32)
    packed = np.stack([pairs[:, 0] >> 4, (pairs[:, 0] & 15) << 4 | pairs[:, 1] >> 8, pairs[:, 1] & 255], axis=1)
    data = tiff_file(Page(packed.astype(np.uint8), (40, 40), 12))
    for grey_bits in (None, 12, 16):
        np.testing.assert_array_equal(_decoded(data, grey_bits), GREY)


DARK = (WIDE[12] // 5).astype(np.uint16)  # reaches 819: 10 bits by itself


def test_fault_67_a_dark_photo_among_others_stays_dark() -> None:
    np.testing.assert_allclose(_decoded(_png(DARK), 12), GREY / 5, atol=1)
    np.testing.assert_allclose(_decoded(_png(DARK), None), GREY * (819 / 1023), atol=1)


@pytest.mark.parametrize(
    "data",
    [
        _png(DARK, (b"sBIT", b"\x0c")),
        tiff_file(grey_page(DARK, more={281: (SHORT, [4095])})),
        tiff_file(grey_page(DARK, more={341: (SHORT, [4095])})),
        tiff_file(grey_page(DARK, more={340: (SHORT, [0]), 341: (SHORT, [4095])})),
    ],
    ids=["PNG sBIT", "MaxSampleValue", "SMaxSampleValue", "SMin and SMax"],
)
def test_fault_67_a_range_that_the_file_declares_comes_first(data: bytes) -> None:
    for grey_bits in (None, 10, 12, 16):
        np.testing.assert_allclose(_decoded(data, grey_bits), GREY / 5, atol=1)


def test_significant_bits_of_values_that_fill_16_change_nothing() -> None:
    np.testing.assert_array_equal(_decoded(_png(WIDE[16], (b"sBIT", b"\x0c"))), GREY)


@pytest.mark.parametrize("bits", [12, 16])
def test_fault_67_white_as_zero_is_no_negative(bits: int) -> None:
    inverted = ((1 << bits) - 1 - WIDE[bits]).astype(np.uint16)
    np.testing.assert_array_equal(_decoded(tiff_file(grey_page(inverted, photometric=0))), GREY)
    np.testing.assert_array_equal(_decoded(tiff_file(grey_page(255 - GREY, photometric=0))), GREY)


@pytest.mark.parametrize("bits", [12, 16])
def test_fault_67_a_transparent_level_of_wide_grey_becomes_white(bits: int) -> None:
    values = WIDE[bits].copy()
    values[10:20] = 1234
    pixels = _decoded(_png(values, (b"tRNS", struct.pack(">H", 1234))))
    assert (pixels[10:20] == 255).all()
    np.testing.assert_array_equal(pixels[:10], GREY[:10])


def test_fault_69_floats_from_0_to_1_are_read() -> None:
    np.testing.assert_array_equal(_decoded(tiff_file(_floats(GREY.astype(np.float32) / 255))), GREY)


@pytest.mark.parametrize("order", "<>")
def test_fault_69_floats_of_64_bits_are_read(order: str) -> None:
    data = tiff_file(grey_page(GREY.astype(np.float64) / 255, more={339: (SHORT, [3])}), order=order)
    np.testing.assert_array_equal(_decoded(data), GREY)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("is_white_zero", [False, True])
def test_rare_greys_are_turned_and_white_may_be_zero(order: str, orientation: int, is_white_zero: bool) -> None:
    stored = np.ascontiguousarray(as_stored(GREY[..., None], orientation)[..., 0])
    options = {"photometric": 0 if is_white_zero else 1}
    floats = {274: (SHORT, [orientation]), 339: (SHORT, [3])}
    whole = {274: (SHORT, [orientation]), 339: (SHORT, [1])}
    expected = 255 - GREY if is_white_zero else GREY
    files = [
        tiff_file(grey_page(stored.astype(np.float64) / 255, more=floats, **options), order=order),
        tiff_file(grey_page(stored.astype(np.uint32), more=whole, **options), order=order),
    ]
    for data in files:
        np.testing.assert_array_equal(_decoded(data), expected)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("predictor", [1, 2])
def test_fault_69_compressed_values_of_32_bits_are_read(order: str, predictor: int) -> None:
    values = WIDE[12].astype(np.uint32)
    differences = np.diff(values, axis=1, prepend=np.uint32(0)) if predictor == 2 else values
    packed = zlib.compress(differences.astype(differences.dtype.newbyteorder(order)).tobytes())
    data = tiff_file(Page(packed, (40, 40), 32, 0, 1, {259: (SHORT, [8]), 317: (SHORT, [predictor])}), order=order)
    np.testing.assert_array_equal(_decoded(data), 255 - GREY)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=12), st.sampled_from("<>"))
def test_fault_04_changed_bytes_of_a_rare_grey_crash_nothing(changes: list[tuple[int, int]], order: str) -> None:
    page = Page(np.zeros((4, 4)), (4, 4), 64, 0, 1, {339: (SHORT, [3])})
    data = bytearray(tiff_file(page, order=order))
    for place, value in changes:
        data[place % len(data)] = value
    assert decode_photo(bytes(data), DecodeSettings(40)) is not None


def test_fault_68_a_damaged_tiff_of_64_bits_is_named_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    data = tiff_file(grey_page(np.zeros((300, 300)), more={279: (SHORT, [9]), 339: (SHORT, [3]), 259: (SHORT, [5])}))
    assert isinstance(decode_photo(data, DecodeSettings(40)), Unreadable)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_fault_67_fewer_bits_in_32_of_both_orders_are_as_bright_as_8(bits: int) -> None:
    for order in "<>":
        np.testing.assert_array_equal(_decoded(tiff_file(grey_page(WIDE[bits].astype(np.uint32)), order=order)), GREY)
    full = tiff_file(grey_page(GREY.astype(np.uint32) * 0x1010101), order=">")
    np.testing.assert_array_equal(_decoded(full), GREY)


def test_fault_69_floats_of_a_declared_range_are_read() -> None:
    values = GREY.astype(np.float32) - 100
    data = tiff_file(_floats(values, {340: (FLOAT, [-100.0]), 341: (FLOAT, [155.0])}))
    np.testing.assert_array_equal(_decoded(data), GREY)


def test_fault_69_full_32_bits_are_read() -> None:
    np.testing.assert_array_equal(_decoded(tiff_file(grey_page(GREY.astype(np.uint32) * 0x1010101))), GREY)


def _floats(values: NDArray[np.float32], more: dict[int, tuple[int, list[float]]] | None = None) -> Page:
    return grey_page(values, more={339: (SHORT, [3]), **(more or {})})


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (_floats(GREY.astype(np.float32) - 3), "floating-point pixels from -3 to 252, whose range is unknown"),
        (_floats(np.full((4, 4), np.nan, np.float32)), "floating-point pixels with NaN or infinity"),
        (grey_page(GREY.astype(np.int16) - 99, more={339: (SHORT, [2])}), "signed pixels from -99 to 156"),
        (grey_page(GREY.astype(np.uint32) * 1000), "32-bit pixels up to 255,000, whose range is unknown"),
    ],
)
def test_values_without_a_known_range_are_called_so(page: Page, reason: str) -> None:
    found = reason_of(tiff_file(page))
    assert found.startswith(reason) and found.endswith("; save it as 8-bit or 16-bit grey")


def test_signed_bytes_are_not_taken_for_unsigned_ones() -> None:
    page = grey_page((GREY.astype(np.int16) - 128).astype(np.int8), more={339: (SHORT, [2])})
    assert reason_of(tiff_file(page)).startswith("signed 8-bit pixels, which are not supported")


@pytest.mark.parametrize(("highest", "bits"), [(4095, 12), (65535, 12), (65535, 16)])
def test_fault_67_pgms_are_scaled_by_what_they_declare_or_reach(highest: int, bits: int) -> None:
    data = b"P5 40 40 %d\n" % highest + WIDE[bits].astype(">u2").tobytes()
    np.testing.assert_allclose(_decoded(data), GREY, atol=1)


@given(st.integers(0, 0xFFFF), st.sampled_from([None, 8, 10, 12, 14, 16]))
def test_no_value_is_beyond_the_bits_it_is_read_as(highest: int, grey_bits: int | None) -> None:
    bits = bits_to_read(highest, grey_bits)
    assert highest < 1 << bits
    assert grey_bits is None or bits == grey_bits or not grey_bits - 4 < bits < grey_bits


def test_what_was_assumed_is_said() -> None:
    assert describe_greys([60_000, 50_000], 16) == ""
    assert describe_greys([3_308, 60_000, 4_000], 16) == (
        "3 photos of 16 bits without a declared range, scaled by what their values reach: "
        "2 reach 4,000 of 65,535 and are read as 12-bit, 1 reaches 60,000 of 65,535 and is read as 16-bit"
    )
