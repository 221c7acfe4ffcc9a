"""TIFFs: thumbnails, raw photos, declared ranges, compressed data that is damaged."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from photoclass.photos.decode import Unreadable, decode_picture
from photoclass.photos.decode_settings import PictureRules
from photoclass.photos.formats.tiff import raw_photo, read_pages
from photoclass.photos.formats.wide_grey import is_wide
from picture_files import decoded, encode, noise_picture, reason_of
from tiff_files import FLOAT, LONG, SHORT, Page, grey_page, tiff_file

WHOLE = noise_picture(1)
PIXELS = np.asarray(WHOLE)
SMALL = np.ascontiguousarray(np.asarray(noise_picture(2))[::4, ::4])
PHOTO = Page(PIXELS, WHOLE.size, 8, 2, 3)
RAW = Page(bytes(200), (10, 10), 16, 32803)


def _thumbnail(**more: object) -> Page:
    return Page(SMALL, (SMALL.shape[1], SMALL.shape[0]), 8, 2, 3, **more)  # type: ignore[arg-type]


REDUCED = {254: (LONG, [1])}


@pytest.mark.parametrize(
    "pages",
    [
        (_thumbnail(), PHOTO),
        (_thumbnail(more=REDUCED), PHOTO),
        (PHOTO, _thumbnail(more=REDUCED)),
        (PHOTO, _thumbnail()),
        (Page(PIXELS[:30, :90], (90, 30), 8, 2, 3, REDUCED), PHOTO),
    ],
    ids=["small first", "reduced first", "reduced second", "small second", "reduced, of another shape"],
)
@pytest.mark.parametrize("order", "<>")
def test_fault_67_the_page_that_is_the_photo_is_taken(pages: tuple[Page, ...], order: str) -> None:
    np.testing.assert_array_equal(decoded(tiff_file(*pages, order=order)), decoded(encode(WHOLE, "PNG")))


def test_the_first_of_several_pages_is_taken_whatever_their_sizes() -> None:
    wide = Page(np.ascontiguousarray(PIXELS[:10]), (96, 10), 8, 2, 3)
    picture = decode_picture(tiff_file(wide, PHOTO), 64)
    assert isinstance(picture, Image.Image) and picture.size == (96, 10)


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        (_thumbnail(more={**REDUCED, 50706: (1, [1, 4, 0, 0])}, sub_images=(RAW,)), "DNG"),
        (_thumbnail(more={**REDUCED, 271: (2, [*b"NIKON CORPORATION\0"])}, sub_images=(RAW,)), "Nikon NEF"),
        (_thumbnail(more=REDUCED, sub_images=(PHOTO,)), "sensor data in a TIFF"),
        (RAW, "sensor data in a TIFF"),
    ],
)
def test_fault_67_a_raw_photo_is_named_and_its_thumbnail_is_not_taken(page: Page, kind: str) -> None:
    assert (
        reason_of(tiff_file(page)) == f"a raw photo ({kind}); develop it to JPEG or TIFF first, for example with rawpy"
    )


def test_a_kind_of_tiff_that_cannot_be_decoded_is_called_so() -> None:
    page = Page(bytes(400), (10, 10), 14)
    assert reason_of(tiff_file(page)) == (
        "a TIFF of a kind that is not supported (14 bits a sample, compression 1); "
        "save it as 8-bit or 16-bit TIFF, or PNG"
    )


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "jpeg", "group4", "packbits"])
def test_fault_68_damaged_compressed_data_is_named_and_nothing_is_printed(
    compression: str, capfd: pytest.CaptureFixture[str]
) -> None:
    picture = WHOLE.convert("1") if compression == "group4" else WHOLE
    data = bytearray(encode(picture, "TIFF", compression=compression))
    for place in range(150, len(data) - 400, 97):
        data[place] ^= 0x5A
    result = decode_picture(bytes(data), 64)
    if compression not in ("packbits", "jpeg"):  # whose bytes all mean something
        assert isinstance(result, Unreadable) and result.reason.startswith("damaged")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "jpeg", "group4", "packbits"])
def test_compressed_tiffs_are_read(compression: str) -> None:
    picture = WHOLE.convert("1") if compression == "group4" else WHOLE
    expected = decoded(encode(picture, "PNG")).astype(int)
    difference = np.abs(decoded(encode(picture, "TIFF", compression=compression)) - expected)
    assert difference.mean() < (8 if compression == "jpeg" else 1e-9)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_the_limit_of_pixels_is_that_of_the_rules(compression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    data = encode(WHOLE, "TIFF", compression=compression)
    assert isinstance(decode_picture(data, 64), Image.Image)
    assert isinstance(decode_picture(data, 64, PictureRules(max_pixels=2000)), Unreadable)


@pytest.mark.parametrize("length", [60, 3000, -300])
def test_fault_03_a_tiff_cut_before_its_tags_is_named_truncated(length: int) -> None:
    assert reason_of(encode(WHOLE, "TIFF", compression="tiff_lzw")[:length]).startswith("truncated")


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=30))
def test_tags_of_any_bytes_are_read(changes: list[tuple[int, int]]) -> None:
    data = bytearray(tiff_file(Page(bytes(32), (4, 4), 16, sub_images=(RAW,)), grey_page(np.zeros((4, 4), np.uint16))))
    for place, value in changes:
        data[place % len(data)] = value
    pages = read_pages(bytes(data))
    assert len(pages) <= 32 * 65
    assert raw_photo(pages, bytes(data)) is not None
    is_wide(bytes(data))
    assert all(page.describe() and (page.declared_bits or 0) >= 0 for page in pages)
    assert decode_picture(bytes(data), 64) is not None


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1.0, 3e38])
@pytest.mark.parametrize("tag", [254, 256, 258, 259, 262, 277, 281, 330, 339, 340, 341])
def test_tags_of_odd_numbers_are_read(tag: int, number: float) -> None:
    data = tiff_file(grey_page(np.zeros((4, 4), np.uint16), more={tag: (FLOAT, [number])}))
    is_wide(data)
    decode_picture(data, 64)


def test_what_pillow_logs_is_not_printed() -> None:
    """In a new interpreter: under pytest there is a handler for all logs."""
    script = "import sys; from photoclass.photos.decode import decode_picture as decode; "
    script += "print(decode(sys.stdin.buffer.read(), 64).reason)"
    data = tiff_file(Page(bytes(4096), (4, 4), 8, 2, 200))
    result = subprocess.run([sys.executable, "-c", script], input=data, capture_output=True, check=True)
    assert result.stdout.startswith(b"a TIFF of a kind that is not supported")
    assert result.stderr == b""


def test_a_chain_of_pages_that_never_ends_is_read_once() -> None:
    data = bytearray(tiff_file(grey_page(np.zeros((4, 4), np.uint16), more={700: (SHORT, [1])})))
    first = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[first : first + 2], "little")
    data[first + 2 + 12 * count :] = first.to_bytes(4, "little")
    assert len(read_pages(bytes(data))) == 1
