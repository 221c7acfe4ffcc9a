"""Grey TIFFs that Pillow has modes for, but does not open: 64-bit floating point, and some of 32-bit integers."""

from PIL import Image

from photoclass.photos.formats.libtiff import decode_unknown
from photoclass.photos.formats.tiff import TiffPage

# None, LZW, Deflate under both of its codes, PackBits.
_LOSSLESS = frozenset({1, 5, 8, 32946, 32773})
_ORIENTATION_TAG = 0x0112


def open_rare_grey(data: bytes, page: TiffPage) -> Image.Image | None:
    """Return a grey TIFF's first page as a picture of Pillow's mode `I` or `F`; None if it is of another kind.

    Unsigned 32-bit values come as the signed ones of the same bits, as Pillow loads them in little-endian order.
    Floating-point values that 32 bits cannot hold become infinity, which is refused later as a range that is unknown.
    """
    is_rare = page.bits == 64 if page.is_float else page.bits == 32
    if page.number or not (is_rare and page.is_wide_grey and page.compression in _LOSSLESS):
        return None
    mode, rawmode = ("F", "F;64NF") if page.is_float else ("I", "I;32N")
    picture = decode_unknown(data, mode, rawmode, page)
    if picture:
        picture.getexif()[_ORIENTATION_TAG] = page.orientation
    return picture
