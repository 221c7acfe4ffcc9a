"""Thumbnails that are embedded in a page as data URIs."""

import base64
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from photoclass.machine import processors
from photoclass.photos.decode import Unreadable, decode_picture, read_file
from photoclass.photos.decode_settings import DEFAULT_RULES, PictureRules

# A thumbnail of 160 px then has 2 to 4 KB.
_QUALITY = 70


def thumbnail(path: str, side: int, rules: PictureRules = DEFAULT_RULES) -> str:
    """Return a thumbnail as a data URI; empty if the photo can no longer be read."""
    data = read_file(path)
    picture = data if isinstance(data, Unreadable) else decode_picture(data, side, rules)
    return "" if isinstance(picture, Unreadable) else data_uri(picture, side)


def thumbnails(paths: Sequence[str], side: int, rules: PictureRules = DEFAULT_RULES) -> list[str]:
    """Return the thumbnail of each path, made in threads: the decoders release the interpreter lock."""
    with ThreadPoolExecutor(processors()) as pool:
        return list(pool.map(lambda path: thumbnail(path, side, rules), paths))


def data_uri(picture: Image.Image, side: int) -> str:
    """Return a picture as a data URI, with its aspect ratio, its longer side at most `side`."""
    small = picture.copy()
    small.thumbnail((side, side), Image.Resampling.BOX)
    stream = io.BytesIO()
    small.save(stream, "WEBP", quality=_QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
