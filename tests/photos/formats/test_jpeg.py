"""JPEGs that end oddly, that lack data, that are of rare kinds, or very large."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from photoclass.photos.decode import Unreadable, decode_picture
from photoclass.photos.decode_settings import PictureRules
from photoclass.photos.formats.jpeg import read_header
from picture_files import decoded, encode, noise_picture, reason_of

WHOLE = noise_picture(1, 150, 110)
END = b"\xff\xd9"
KINDS: dict[str, tuple[Image.Image, dict[str, Any]]] = {
    "colour": (WHOLE, {}),
    "full chroma": (WHOLE, {"subsampling": 0}),
    "grey": (WHOLE.convert("L"), {}),
    "CMYK": (WHOLE.convert("CMYK"), {}),
    "RGB": (WHOLE, {"keep_rgb": True, "subsampling": 0}),
    "optimized": (WHOLE, {"optimize": True}),
    "restarts": (WHOLE, {"restart_marker_blocks": 3}),
    "drafted": (noise_picture(2, 1400, 1100), {}),
}
FILES = {kind: encode(picture, "JPEG", quality=92, **options) for kind, (picture, options) in KINDS.items()}
PROGRESSIVE = encode(WHOLE, "JPEG", quality=92, progressive=True)


def _with_share_of_data(data: bytes, share: float) -> bytes:
    """Keep a share of the data after the first scan's header, and close it with an end marker."""
    scan = data.index(b"\xff\xda")
    start = scan + 2 + int.from_bytes(data[scan + 2 : scan + 4], "big")
    kept = data[: start + int((len(data) - 2 - start) * share)]
    return kept.removesuffix(b"\xff") + END


# ---------------------------------------------------------------- damaged


@pytest.mark.parametrize("kind", FILES)
def test_fault_68_a_photo_that_was_copied_as_text_is_named_damaged(kind: str) -> None:
    data = FILES[kind]
    assert data.count(b"\n") > 4
    assert "copied as text" in reason_of(data.replace(b"\n", b"\r\n"))
    comment = b"\r\n" * 20
    np.testing.assert_array_equal(decoded(data[:2] + b"\xff\xfe\0\x2a" + comment + data[2:]), decoded(data))


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_fault_68_data_that_ends_before_its_end_marker_is_named_damaged(kind: str, share: float) -> None:
    reason = reason_of(_with_share_of_data(FILES[kind], share))
    assert reason.startswith("damaged: its data ends too early; ") and "of the picture is missing" in reason
    if share == 0.5:
        percent = int(reason.partition("lower ")[2].partition("%")[0])
        assert 35 <= percent <= 65


@settings(max_examples=60)
@given(st.sampled_from(sorted(FILES)), st.floats(0, 1))
@example("colour", 1.0)
def test_fault_68_data_is_whole_or_named_damaged(kind: str, share: float) -> None:
    """What passes has lost less than its last block: its pixels are those of the whole file, but for that."""
    whole = np.asarray(decode_picture(FILES[kind], 64)).astype(int)
    picture = decode_picture(_with_share_of_data(FILES[kind], share), 64)
    if isinstance(picture, Unreadable):
        assert picture.reason.startswith("damaged")
    else:
        differs = np.abs(np.asarray(picture).astype(int) - whole).max(axis=2) > 8
        assert differs.sum() <= 4 * 16 * 16


@pytest.mark.parametrize("share", [0.02, 0.15, 0.4, 0.6])
def test_fault_68_a_progressive_jpeg_without_its_last_scans_is_named_damaged(share: float) -> None:
    assert reason_of(_with_share_of_data(PROGRESSIVE, share)).startswith("damaged: ")


@pytest.mark.parametrize("code", [0x37, 0xD3])
def test_fault_68_a_marker_in_the_data_is_named_damaged(code: int) -> None:
    data = bytearray(FILES["colour"])
    middle = (data.index(b"\xff\xda") + len(data)) // 2
    data[middle : middle + 2] = bytes((0xFF, code))
    assert reason_of(bytes(data)).startswith("damaged")


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_sound_photo_that_is_grey_at_its_end_is_used(mode: str) -> None:
    grey = np.asarray(WHOLE).copy()
    grey[40:] = 128
    data = encode(Image.fromarray(grey).convert(mode), "JPEG", quality=92)
    assert (decoded(data)[-8:] == 128).all()


def test_a_sound_photo_of_nothing_but_grey_is_used() -> None:
    assert (decoded(encode(Image.new("RGB", (200, 100), (128, 128, 128)), "JPEG")) == 128).all()


# ---------------------------------------------------------------- around the data


@pytest.mark.parametrize("data", [FILES["colour"], FILES["grey"], FILES["drafted"], PROGRESSIVE])
def test_fault_69_a_jpeg_that_lost_only_its_end_marker_is_used(data: bytes) -> None:
    for short in (data[:-2], data[:-1], data[:-2] + bytes(4096)):
        np.testing.assert_array_equal(decoded(short), decoded(data))


@given(st.integers(0, 1000))
def test_fault_69_the_last_bytes_of_the_data_may_be_anything(seed: int) -> None:
    data = encode(noise_picture(seed, 40, 24), "JPEG", quality=75)
    np.testing.assert_array_equal(decoded(data[:-2]), decoded(data))


def test_fault_03_half_a_jpeg_that_zeros_fill_is_named_truncated() -> None:
    data = FILES["colour"]
    assert reason_of(data[: len(data) // 2] + bytes(len(data) // 2)).startswith("truncated: the file ends too early")


@pytest.mark.parametrize("data", [FILES["colour"], PROGRESSIVE])
@pytest.mark.parametrize("lost", [20, 60])
def test_fault_03_a_jpeg_that_lost_data_too_is_named_truncated(data: bytes, lost: int) -> None:
    assert reason_of(data[:-lost]).startswith("truncated: the file ends too early; ")


@pytest.mark.parametrize(
    "before",
    [b"\n", b"\xef\xbb\xbf", b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n", bytes(512)],
    ids=["newline", "byte order mark", "web server", "zeros"],
)
def test_fault_69_bytes_before_a_photo_are_skipped(before: bytes) -> None:
    for data in (FILES["colour"], FILES["colour"][:-2], encode(WHOLE, "PNG"), encode(WHOLE, "WEBP", lossless=True)):
        np.testing.assert_array_equal(decoded(before + data), decoded(data))


def test_a_photo_inside_a_file_of_another_kind_is_not_taken_out() -> None:
    assert reason_of(b"%PDF-1.4\n" + FILES["colour"]).startswith("a PDF document")
    assert reason_of(b"FUJIFILMCCD-RAW" + bytes(100) + FILES["colour"]).startswith("a raw photo (Fujifilm RAF)")


@pytest.mark.parametrize("after", [bytes(8192), b"\0\0\0\x18ftypmp42" + bytes(range(250)) * 9, END])
def test_bytes_after_a_photo_are_not_looked_at(after: bytes) -> None:
    np.testing.assert_array_equal(decoded(FILES["colour"] + after), decoded(FILES["colour"]))


def test_bytes_between_the_data_and_the_end_marker_do_no_harm() -> None:
    data = FILES["colour"]
    np.testing.assert_array_equal(decoded(data[:-2] + bytes(239) + END), decoded(data))


# ---------------------------------------------------------------- rare kinds, sizes


@pytest.mark.parametrize(
    ("code", "bits", "name"),
    [
        (0xC0, 12, "a 12-bit JPEG"),
        (0xC3, 8, "a lossless JPEG"),
        (0xC9, 8, "an arithmetic-coded JPEG"),
        (0xC5, 8, "a hierarchical JPEG"),
    ],
)
def test_jpegs_that_cannot_be_decoded_rightly_are_called_what_they_are(code: int, bits: int, name: str) -> None:
    data = bytearray(FILES["colour"])
    frame = data.index(b"\xff\xc0")
    data[frame + 1], data[frame + 4] = code, bits
    assert reason_of(bytes(data)) == f"{name}, which is not supported; save it as an ordinary JPEG"


def _declaring(data: bytes, width: int, height: int) -> bytes:
    frame = data.index(b"\xff\xc0")
    return data[: frame + 5] + height.to_bytes(2, "big") + width.to_bytes(2, "big") + data[frame + 9 :]


def test_fault_69_jpegs_are_limited_by_what_they_are_decoded_to() -> None:
    data = encode(Image.new("RGB", (4400, 4400), (90, 20, 10)), "JPEG")
    picture = decode_picture(data, 64, PictureRules(max_pixels=3_000_000))
    assert isinstance(picture, Image.Image) and picture.size == (550, 550)
    refused = decode_picture(data, 64, PictureRules(max_pixels=2_000_000))
    assert isinstance(refused, Unreadable)
    assert refused.reason == "declares 4,400 x 4,400 pixels; the limit is 16,000,000 (see --max-megapixels)"
    large = decode_picture(data, 4000, PictureRules(max_pixels=3_000_000))
    assert isinstance(large, Unreadable), "decoded whole, it is beyond the limit"


def test_progressive_jpegs_are_limited_like_other_formats() -> None:
    data = encode(Image.new("RGB", (2200, 2200)), "JPEG", progressive=True)
    assert isinstance(decode_picture(data, 64, PictureRules(max_pixels=3_000_000)), Unreadable)


def test_a_header_that_declares_200_megapixels_is_not_waited_for() -> None:
    assert reason_of(_declaring(FILES["colour"], 16320, 12240)).startswith("damaged: its data ends too early")


@pytest.mark.parametrize("size", [(65_500, 65_500), (33_000, 33_000)])
def test_fault_05_a_header_beyond_the_limit_is_skipped_before_decoding(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda picture: pytest.fail("decoded"))
    assert "the limit is 1,073,741,824" in reason_of(_declaring(FILES["colour"], *size))


@given(st.binary(max_size=80))
def test_headers_of_any_bytes_are_read(rest: bytes) -> None:
    read_header(b"\xff\xd8" + rest)
    read_header(FILES["colour"][: 2 + len(rest)] + rest + bytes(20))


@pytest.mark.parametrize("kind", FILES)
def test_the_header_says_where_the_data_begins(kind: str) -> None:
    header = read_header(FILES[kind])
    assert header and FILES[kind][header.scan : header.scan + 2] == b"\xff\xda"
    assert (header.bits, header.has_all, header.has_restarts) == (8, True, kind == "restarts")
