"""libtiff's errors: kept off the screen, and heard by the thread whose picture they are about."""

import ctypes
import functools
import threading
from typing import Any

from PIL import ImageFile, _imaging

_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)
_heard = threading.local()


def load_tiff(picture: ImageFile.ImageFile) -> str:
    """Load a TIFF's pixels; return the part of libtiff that found them damaged, and empty if none did.

    libtiff decodes some damaged pictures to the end, a fax for example, and says so on standard error alone. Pillow
    reads uncompressed pixels itself.
    """
    if all(tile.codec_name != "libtiff" for tile in picture.tile):
        picture.load()
        return ""
    _listen()
    _heard.module = ""
    picture.load()
    return str(_heard.module)


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
