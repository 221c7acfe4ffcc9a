"""libtiff's errors: kept off the screen, and heard by the thread whose picture they are about."""

import ctypes
import functools
import threading
from typing import Any

from PIL import Image, ImageFile, TiffImagePlugin, _imaging

from photoclass.photos.formats.tiff import TiffPage

_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)
_heard = threading.local()
_LIBTIFF = "libtiff"


def load_tiff(picture: ImageFile.ImageFile, page: TiffPage) -> str:
    """Load a page's pixels; return the part of libtiff that found them damaged, and empty if none did.

    libtiff decodes some damaged pictures to the end, a fax for example, and says so on standard error alone. Pillow
    reads uncompressed pixels itself, but takes planes of 16 bits for planes of 8.
    """
    if picture._im is None:
        # Pillow would hold the size to its own limit, which is for the whole process; it is within that of the rules.
        picture.im = _imaging.new(picture.mode, getattr(picture, "_tile_size", picture.size))
    if page.is_planar and page.is_wide_colour and isinstance(picture, TiffImagePlugin.TiffImageFile):
        decode_with_libtiff(picture, f"{picture.mode};16N", page)
    if all(tile.codec_name != _LIBTIFF for tile in picture.tile):
        picture.load()
        return ""
    _listen()
    _heard.module = ""
    picture.load()
    return str(_heard.module)


def decode_with_libtiff(picture: TiffImagePlugin.TiffImageFile, rawmode: str, page: TiffPage) -> None:
    """Have a page that is not loaded yet decoded by libtiff, whatever its compression.

    Args:
        picture: The opened TIFF, at this page.
        rawmode: How Pillow is to take libtiff's values, which are in the order of this machine.
        page: The page.
    """
    whole, how = (0, 0, *page.size), (rawmode, False, page.place)
    picture.tile = [picture.tile[0]._replace(codec_name=_LIBTIFF, extents=whole, offset=0, args=how)]
    picture.use_load_libtiff = True


def decode_unknown(data: bytes, mode: str, rawmode: str, page: TiffPage) -> Image.Image | None:
    """Decode a page of a kind that Pillow does not open, into one of its modes; None if that is not possible.

    Args:
        data: The content of the file.
        mode: Pillow's mode of the picture.
        rawmode: As in `decode_with_libtiff`.
        page: The page; it must have as many bits as the mode takes.
    """
    _listen()
    _heard.module = ""
    try:
        picture = Image.frombytes(mode, page.size, data, _LIBTIFF, rawmode, False, page.place)
    except (OSError, ValueError):
        return None
    return None if _heard.module else picture


@functools.cache
def _listen() -> Any:
    """Become libtiff's error handler; return what must live as long as the process.

    Pillow's module is asked for the function, since it knows its own copy of libtiff. Where that copy shows no such
    function, as on Windows, the errors stay on the screen.
    """
    handler = _HANDLER(_hear)
    try:
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(handler)
    except (OSError, AttributeError):
        return None
    return handler


def _hear(module: bytes | None, form: bytes | None, values: int | None) -> None:
    """Keep the name of the part that complains; the values would need C's own formatting."""
    _heard.module = (module or b"libtiff").decode("ascii", "replace")
