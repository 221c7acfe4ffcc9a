"""Why a file cannot be read as a photo: the reason that is true of this file."""

from PIL import UnidentifiedImageError

from photoclass.photos.formats import jpeg, png, tiff
from photoclass.photos.formats.kinds import is_avif, recognise
from photoclass.photos.formats.opening import FORMATS
from photoclass.photos.formats.wide_grey import UnknownRangeError

_NAMES = {png.SIGNATURE[:4]: "PNG", b"GIF8": "GIF"}
_NAMES_OF_TWO_LETTERS = {b"BM": "BMP", b"P5": "PGM", b"P6": "PPM"}  # with which texts begin, too
_TRUNCATED = "truncated: the file ends before the picture does"


def why_unreadable(data: bytes, error: Exception) -> str:
    """Return why a file's content could not be decoded.

    Args:
        data: The file's content, not empty.
        error: What Pillow, or a module of this package, raised.
    """
    if isinstance(error, UnknownRangeError):
        return f"{error}; save it as 8-bit or 16-bit grey"
    if isinstance(error, UnidentifiedImageError):
        return _why_unopened(data)
    text = str(error)
    if isinstance(error, EOFError) or "truncated" in text.casefold() or _ends_early(data):
        return _TRUNCATED
    return f"damaged: {text}" if text else "damaged"


def _why_unopened(data: bytes) -> str:
    if not data.strip(b"\0"):
        return "nothing but zero bytes, as after a broken download or on a damaged disk"
    if data.startswith(jpeg.START):
        header = jpeg.read_header(data)
        if header and header.unsupported:
            return f"{header.unsupported}, which is not supported; save it as an ordinary JPEG"
        return "JPEG with a damaged or truncated header"
    if _ends_early(data):
        return _TRUNCATED
    if data.startswith(tiff.MAGIC):
        return _why_no_tiff(data)
    name = "WebP" if data[8:12] == b"WEBP" else "AVIF" if is_avif(data) else _NAMES.get(data[:4], "")
    kind = None if name else recognise(data)
    if kind:
        return kind.reason
    if name := name or _NAMES_OF_TWO_LETTERS.get(data[:2], ""):
        return f"{name} with a damaged or truncated header"
    return f"not an image in a known format ({', '.join(FORMATS)})"


def _ends_early(data: bytes) -> bool:
    """Whether a file is shorter than its own structure says."""
    if data.startswith(png.SIGNATURE):
        return not png.has_end(data)
    if data.startswith(tiff.MAGIC):
        return tiff.has_lost_tags(data)
    if is_avif(data):
        return _end_of_boxes(data) > len(data)
    return data.startswith(b"RIFF") and int.from_bytes(data[4:8], "little") + 8 > len(data)


def _end_of_boxes(data: bytes) -> int:
    """Return where an ISO base media file ends by the sizes that its boxes declare."""
    at = 0
    while 0 <= at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size < 8:  # to the end of the file, or of a kind that photos do not have
            return len(data)
        at += size
    return at


def _why_no_tiff(data: bytes) -> str:
    page = tiff.photo_page(tiff.read_pages(data))
    if page is None:
        return "TIFF or raw photo with a damaged or truncated header"
    return f"a TIFF of a kind that is not supported ({page.describe()}); save it as 8-bit or 16-bit TIFF, or PNG"
