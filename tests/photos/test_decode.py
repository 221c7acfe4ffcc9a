"""Decoding: every kind of photo, and every kind of damaged one."""

import errno
import io
import os
import struct
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile, ImageOps

from photoclass.photos.decode import (
    MAX_FILE_BYTES,
    Pixels,
    Unreadable,
    decode_photo,
    decode_picture,
    read_file,
)
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.photos.formats.jpeg import MAX_JPEG_SCANS
from photoclass.photos.resize import to_square
from picture_files import (
    FORMATS,
    as_stored,
    black_png,
    decoded,
    encode,
    exif_block,
    noise_picture,
    orientation_entry,
    put,
    reason_of,
    within_seconds,
)

SQUASH, CROP = DecodeSettings(32), DecodeSettings(32, "crop")
WHOLE = noise_picture(1)
WHOLE_FILES = {form: encode(WHOLE, form, **options) for form, options in FORMATS.items()}
RED, BLUE = (200, 60, 30), (20, 40, 220)


def _plain(color: tuple[int, int, int], size: tuple[int, int] = (16, 16)) -> Image.Image:
    return Image.new("RGB", size, color)


def _mean_color(data: bytes) -> tuple[float, ...]:
    return tuple(decoded(data).reshape(-1, 3).mean(axis=0))


def _difference(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(int) - other).mean())


# ---------------------------------------------------------------- sound photos


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("rule", [SQUASH, CROP])
def test_every_format_gives_the_same_picture(form: str, rule: DecodeSettings) -> None:
    pixels = decoded(WHOLE_FILES[form], rule)
    assert pixels.shape == (32, 32, 3)
    assert pixels.dtype == np.uint8
    expected = to_square(WHOLE, rule)
    if form in ("PNG", "WEBP", "BMP", "TIFF", "PPM"):
        np.testing.assert_array_equal(pixels, expected)
    assert _difference(pixels, expected) < 6


@pytest.mark.parametrize("form", FORMATS)
def test_fault_07_the_content_decides_and_not_the_extension(form: str, tmp_path: Path) -> None:
    data = read_file(str(put(tmp_path / "photo.jpg", WHOLE_FILES[form])))
    assert isinstance(data, bytes)
    np.testing.assert_array_equal(decoded(data), decoded(WHOLE_FILES[form]))


def test_fault_09_cmyk_becomes_rgb() -> None:
    data = encode(_plain(RED).convert("CMYK"), "JPEG", quality=95)
    np.testing.assert_allclose(_mean_color(data), RED, atol=4)


def test_fault_09_ycck_becomes_rgb() -> None:
    # Pillow writes CMYK alone. Its samples, declared YCCK, are read as the Y, Cb and Cr of the colour's complement.
    complement = ImageOps.invert(_plain(RED)).convert("YCbCr")
    channels = [ImageOps.invert(channel) for channel in complement.split()]
    data = bytearray(encode(Image.merge("CMYK", (*channels, Image.new("L", (16, 16), 0))), "JPEG", quality=98))
    data[data.index(b"Adobe") + 11] = 2
    np.testing.assert_allclose(_mean_color(bytes(data)), RED, atol=6)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "big-endian TIFF", "PPM"])
def test_fault_10_sixteen_bit_grey_is_scaled_and_not_clipped(form: str) -> None:
    for value, expected in ((0, 0), (0x4000, 64), (0x8000, 128), (0xC000, 192), (0xFFFF, 255)):
        grey = np.full((8, 8), value, dtype=">u2" if form.startswith("big") else "<u2")
        data = encode(Image.fromarray(grey), form)
        np.testing.assert_allclose(_mean_color(data), [expected] * 3, atol=1)


def test_fault_10_grey_of_eight_bits_and_of_one_become_rgb() -> None:
    assert _mean_color(encode(Image.new("L", (8, 8), 77), "PNG")) == (77, 77, 77)
    assert _mean_color(encode(Image.new("1", (8, 8), 1), "PNG")) == (255, 255, 255)


def _palette_picture() -> Image.Image:
    picture = Image.new("P", (8, 8), 3)
    picture.putpalette(list(range(12)))
    return picture


@pytest.mark.parametrize(
    ("picture", "form", "options", "expected"),
    [
        (Image.new("RGBA", (8, 8), (255, 0, 0, 128)), "PNG", {}, (255, 127, 127)),
        (Image.new("RGBA", (8, 8), (255, 0, 0, 0)), "PNG", {}, (255, 255, 255)),
        (Image.new("RGBA", (8, 8), (255, 0, 0, 128)), "WEBP", {"lossless": True}, (255, 127, 127)),
        (Image.new("RGBA", (8, 8), (255, 0, 0, 128)), "TIFF", {}, (255, 127, 127)),
        (Image.new("LA", (8, 8), (0, 128)), "PNG", {}, (127, 127, 127)),
        (_palette_picture(), "PNG", {}, (9, 10, 11)),
        (_palette_picture(), "PNG", {"transparency": 3}, (255, 255, 255)),
        (_palette_picture(), "PNG", {"transparency": bytes([255, 255, 255, 128])}, (131, 132, 132)),
        (_palette_picture(), "GIF", {"transparency": 3}, (255, 255, 255)),
        (Image.new("RGB", (8, 8), (9, 9, 9)), "PNG", {"transparency": (9, 9, 9)}, (255, 255, 255)),
        (Image.new("L", (8, 8), 9), "PNG", {"transparency": 9}, (255, 255, 255)),
    ],
)
def test_fault_11_transparency_is_put_over_white(
    picture: Image.Image, form: str, options: dict[str, Any], expected: tuple[int, int, int]
) -> None:
    np.testing.assert_allclose(_mean_color(encode(picture, form, **options)), expected, atol=1)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("rule", [SQUASH, CROP])
def test_fault_12_every_exif_orientation_equals_the_upright_picture(
    orientation: int, form: str, rule: DecodeSettings
) -> None:
    upright = np.asarray(WHOLE)
    stored = Image.fromarray(as_stored(upright, orientation))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True}, "JPEG": {"quality": 98, "subsampling": 0}}
    pixels = decoded(encode(stored, form, exif=exif, **options.get(form, {})), rule)
    expected = to_square(WHOLE, rule)
    if form == "JPEG":
        assert _difference(pixels, expected) < 2
    else:
        np.testing.assert_array_equal(pixels, expected)


def test_fault_12_large_jpegs_that_are_decoded_smaller_are_rotated_too() -> None:
    upright = noise_picture(2, 1400, 1100)
    exif = exif_block(orientation_entry(6))
    pixels = decoded(encode(Image.fromarray(as_stored(np.asarray(upright), 6)), "JPEG", quality=95, exif=exif))
    assert _difference(pixels, to_square(upright, SQUASH)) < 2


MALFORMED_EXIF = {
    "garbage": b"Exif\0\0garbage",
    "nothing": b"Exif\0\0",
    "header alone": b"Exif\0\0II*\0\x08\0\0\0",
    "orientation as text": exif_block((0x0112, 2, 2, b"6\0\0\0")),
    "orientation 0": exif_block(orientation_entry(0)),
    "orientation 9": exif_block(orientation_entry(9)),
    "orientation beyond the end": exif_block((0x0112, 3, 9, struct.pack("<I", 99_999))),
}


@pytest.mark.parametrize("exif", MALFORMED_EXIF.values(), ids=MALFORMED_EXIF)
def test_fault_12_malformed_exif_rotates_nothing_and_loses_no_photo(exif: bytes) -> None:
    np.testing.assert_array_equal(decoded(encode(WHOLE, "JPEG", exif=exif)), decoded(encode(WHOLE, "JPEG")))


@pytest.mark.parametrize(
    "entry",
    [
        (0x0100, 9, 1, struct.pack("<i", -5)),  # a width below zero, which cannot be written again
        (0x010F, 2, 1000, struct.pack("<I", 99_999)),  # a text beyond the end
        (0x010F, 99, 1, b"abcd"),  # a type that does not exist
        (0x8769, 4, 1, struct.pack("<I", 99_999)),  # a table beyond the end
        (0x8825, 11, 1, struct.pack("<f", 1.5)),  # the place of a table as a broken number
    ],
)
def test_fault_12_a_malformed_entry_beside_the_orientation_does_not_stop_it(entry: tuple[int, int, int, bytes]) -> None:
    stored = Image.fromarray(as_stored(np.asarray(WHOLE), 6))
    data = encode(stored, "JPEG", quality=98, subsampling=0, exif=exif_block(orientation_entry(6), entry))
    assert _difference(decoded(data), to_square(WHOLE, SQUASH)) < 2


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_fault_13_the_first_frame_of_an_animation_is_taken(form: str) -> None:
    data = encode(_plain(RED), form, save_all=True, append_images=[_plain(BLUE), _plain(BLUE)])
    np.testing.assert_allclose(_mean_color(data), RED, atol=4)


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1), (3, 2)])
@pytest.mark.parametrize("rule", [SQUASH, CROP])
def test_fault_14_thin_and_tiny_pictures_fill_the_square(size: tuple[int, int], rule: DecodeSettings) -> None:
    for form in ("PNG", "JPEG"):
        pixels = decoded(encode(_plain(RED, size), form), rule)
        assert pixels.shape == (32, 32, 3)
        np.testing.assert_allclose(pixels.reshape(-1, 3).mean(axis=0), RED, atol=4)


def test_fault_14_pictures_may_be_wider_than_any_screen() -> None:
    assert (decoded(encode(Image.new("1", (3_000_000, 1), 1), "PNG")) == 255).all()


def test_fault_15_a_jpeg_without_jfif_is_the_same_picture() -> None:
    data = WHOLE_FILES["JPEG"]
    assert data[2:4] == b"\xff\xe0"
    length = int.from_bytes(data[4:6], "big")
    bare = data[:2] + data[4 + length :]
    assert b"JFIF" not in bare
    np.testing.assert_array_equal(decoded(bare), decoded(data))


def test_warnings_of_pillow_are_neither_shown_nor_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5000)  # it warns of pictures between this and its double
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("error")
        np.testing.assert_array_equal(decoded(WHOLE_FILES["PNG"]), to_square(WHOLE, SQUASH))
    assert shown == []


# ---------------------------------------------------------------- sizes


def test_large_jpegs_are_decoded_smaller_but_not_below_the_requested_side() -> None:
    data = encode(noise_picture(4, 2400, 1500), "JPEG", quality=95)
    sizes = []
    for least_side in (64, 600, 1400):
        picture = decode_picture(data, least_side)
        assert isinstance(picture, Image.Image)
        sizes.append(picture.size)
        assert min(picture.size) >= max(least_side, 512)
    assert sizes == [(1200, 750), (1200, 750), (2400, 1500)]


def test_decoding_smaller_changes_pixels_very_little() -> None:
    large = noise_picture(5, 2400, 1500)
    assert _difference(decoded(encode(large, "JPEG", quality=95)), to_square(large, SQUASH)) < 1


# ---------------------------------------------------------------- broken photos


def test_fault_01_zero_bytes() -> None:
    assert reason_of(b"") == "file is empty (0 bytes)"


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html><html>404</html>", b"\n\n <HTML>", b'<?xml version="1.0"?><svg/>', b"<svg></svg>"]
)
def test_fault_02_a_web_page_named_jpg_is_skipped(page: bytes) -> None:
    assert reason_of(page) == "a web page or SVG, not a photo"


@pytest.mark.parametrize("form", ["JPEG", "progressive JPEG"])
@pytest.mark.parametrize("percent", [99, 50, 2])
def test_fault_03_a_truncated_jpeg_is_skipped(form: str, percent: int) -> None:
    data = encode(noise_picture(6, 300, 200), form, **FORMATS[form])
    assert "truncated" in reason_of(data[: len(data) * percent // 100])


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"])
@pytest.mark.parametrize("percent", [90, 50, 10])
def test_fault_03_other_truncated_formats_are_skipped_too(form: str, percent: int) -> None:
    data = WHOLE_FILES[form]
    reason_of(data[: len(data) * percent // 100])


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(WHOLE_FILES)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), min_size=1, max_size=20),
)
def test_fault_04_flipped_bits_crash_nothing(form: str, flips: list[tuple[float, int]]) -> None:
    data = bytearray(WHOLE_FILES[form])
    for place, bit in flips:
        data[int(place * len(data))] ^= 1 << bit
    result = decode_photo(bytes(data), SQUASH)
    assert isinstance(result, Unreadable) or result.shape == (32, 32, 3)


@given(st.sampled_from([b"", *(data[:12] for data in WHOLE_FILES.values())]), st.binary(max_size=200))
def test_fault_04_random_bytes_after_a_valid_header_crash_nothing(start: bytes, rest: bytes) -> None:
    result = decode_photo(start + rest, SQUASH)
    assert isinstance(result, Unreadable) or result.shape == (32, 32, 3)


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail as soon as any pixels are decoded."""

    def refuse(picture: ImageFile.ImageFile) -> None:
        pytest.fail(f"{picture.size} was decoded")

    for opener in (ImageFile.ImageFile, *ImageFile.ImageFile.__subclasses__()):
        monkeypatch.setattr(opener, "load", refuse)


@pytest.mark.usefixtures("undecoded")
def test_fault_05_a_small_png_of_400_million_pixels_is_skipped_before_decoding() -> None:
    data = black_png(20_000, 20_000)
    assert len(data) < 60_000
    assert "the limit is 134,217,728" in reason_of(data)


@pytest.mark.usefixtures("undecoded")
def test_fault_06_144_million_pixels_are_skipped_before_decoding() -> None:
    reason = "declares 12,000 x 12,000 pixels; the limit is 134,217,728 (see --max-megapixels)"
    assert reason_of(black_png(12_000, 12_000)) == reason


def test_fault_06_a_picture_below_the_limit_is_decoded_in_the_same_way() -> None:
    assert (decoded(black_png(2000, 1000)) == 0).all()


def _fits() -> bytes:
    cards = ["SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    2"]
    cards += ["NAXIS1  =                    8", "NAXIS2  =                    8", "END"]
    return "".join(card.ljust(80) for card in cards).ljust(2880).encode() + bytes(2880)


def _psd() -> bytes:
    return b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 8, 8, 8, 3) + bytes(12) + struct.pack(">H", 0) + bytes(8 * 8 * 3)


NO_PHOTOS = {"FITS": _fits(), "PSD": _psd()} | {
    form: encode(_plain(RED), form) for form in ("EPS", "PCX", "ICO", "TGA")
}


@pytest.mark.parametrize("form", NO_PHOTOS)
def test_fault_08_other_formats_are_skipped_even_if_pillow_can_open_them(form: str) -> None:
    assert Image.open(io.BytesIO(NO_PHOTOS[form])).format == form
    reason = reason_of(NO_PHOTOS[form])
    assert (form in reason and "not supported" in reason) or reason.startswith(
        "not an image in a known format (JPEG, PNG"
    )


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1"])
def test_fault_16_heic_without_a_decoder_says_what_to_install(brand: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not installed
    reason = reason_of(b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1heic" + bytes(200))
    assert reason == "HEIC photo, and no HEIC decoder is installed; run: pip install pillow-heif"


def _with_more_scans(data: bytes, more: int) -> bytes:
    """Repeat the last scan of a progressive JPEG."""
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * more + data[-2:]


def test_fault_17_a_progressive_jpeg_of_a_thousand_scans_is_skipped_at_once() -> None:
    data = _with_more_scans(encode(noise_picture(7, 600, 400), "JPEG", progressive=True), 1000)
    with within_seconds(5):
        assert reason_of(data) == "progressive JPEG of more than 100 scans, which would take minutes to decode"


def test_fault_17_the_limit_of_scans_is_exact() -> None:
    data = WHOLE_FILES["progressive JPEG"]
    scans = data.count(b"\xff\xda")
    decoded(_with_more_scans(data, MAX_JPEG_SCANS - scans))
    decoded(_with_more_scans(data, MAX_JPEG_SCANS - scans) + b"\xff\xda")
    assert "scans" in reason_of(_with_more_scans(data, MAX_JPEG_SCANS - scans + 1))


def test_fault_17_scans_hidden_behind_fillers_are_counted_too() -> None:
    data = _with_more_scans(WHOLE_FILES["progressive JPEG"], 200)
    assert "scans" in reason_of(data.replace(b"\xff\xda", b"\xff\xff\xff\xda"))


def test_a_video_appended_by_a_phone_does_not_count_as_scans() -> None:
    film = b"....ftypmp4 " + b"\xff\xda\x12" * 1000
    np.testing.assert_array_equal(decoded(WHOLE_FILES["JPEG"] + film), decoded(WHOLE_FILES["JPEG"]))


def test_a_comment_does_not_count_as_scans() -> None:
    data = encode(WHOLE, "JPEG", comment=b"\xff\xda" * 1000, quality=90)
    np.testing.assert_array_equal(decoded(data), decoded(WHOLE_FILES["JPEG"]))


# ---------------------------------------------------------------- files


def _why_unread(path: Path) -> str:
    result = read_file(str(path))
    assert isinstance(result, Unreadable)
    return result.reason


def test_a_file_is_read_completely(tmp_path: Path) -> None:
    assert read_file(str(put(tmp_path / "1.jpg", b"all of it"))) == b"all of it"


def test_fault_22_a_file_replaced_by_a_pipe_or_device_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "zeros.jpg").symlink_to("/dev/zero")
    with within_seconds(5):
        assert _why_unread(tmp_path / "pipe.jpg") == "a pipe (FIFO), not a photo file"
        assert _why_unread(tmp_path / "zeros.jpg") == "a device, not a photo file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_fault_23_a_file_that_cannot_be_read_is_skipped(tmp_path: Path) -> None:
    put(tmp_path / "1.jpg", b"x").chmod(0)
    assert _why_unread(tmp_path / "1.jpg") == "file cannot be opened (Permission denied)"


def test_fault_23_errors_of_the_system_are_reasons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, flags: int) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", path)

    path = put(tmp_path / "1.jpg", b"x")
    monkeypatch.setattr(os, "open", refuse)
    assert _why_unread(path) == "file cannot be opened (Permission denied)"


def test_fault_27_a_vanished_file_is_skipped(tmp_path: Path) -> None:
    assert _why_unread(tmp_path / "gone.jpg") == "file has vanished"


def test_a_folder_named_as_a_photo_is_skipped(tmp_path: Path) -> None:
    assert _why_unread(tmp_path) == "a folder, not a photo file"


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with open(tmp_path / "huge.jpg", "wb") as stream:
        stream.truncate(MAX_FILE_BYTES + 1)
    assert "the limit is" in _why_unread(tmp_path / "huge.jpg")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted under /proc")
def test_no_file_is_left_open(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    put(tmp_path / "1.jpg", b"x")
    before = len(os.listdir("/proc/self/fd"))
    for name in ("", "pipe.jpg", "1.jpg", "gone.jpg"):
        read_file(str(tmp_path / name))
    assert len(os.listdir("/proc/self/fd")) == before
