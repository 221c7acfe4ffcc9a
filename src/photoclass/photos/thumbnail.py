"""Small pictures that stand inside a page, as data URIs."""

import base64
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from photoclass.machine import processors
from photoclass.photos.decode import Unreadable, decode_picture, read_file

# At 160 px 2 to 4 KB a thumbnail.
_QUALITY = 70


def thumbnail(path: str, side: int) -> str:
    """Return a small picture as a data URI, or an empty text if the file has vanished or changed since."""
    data = read_file(path)
    picture = data if isinstance(data, Unreadable) else decode_picture(data, side)
    return "" if isinstance(picture, Unreadable) else data_uri(picture, side)


def thumbnails(paths: Sequence[str], side: int) -> list[str]:
    """Return `thumbnail` of each, made by threads: the decoders let others work meanwhile."""
    with ThreadPoolExecutor(processors()) as pool:
        return list(pool.map(lambda path: thumbnail(path, side), paths))


def data_uri(picture: Image.Image, side: int) -> str:
    """Return a picture as a data URI, in its own shape, its longer side at most `side`."""
    small = picture.copy()
    small.thumbnail((side, side), Image.Resampling.BOX)
    stream = io.BytesIO()
    small.save(stream, "WEBP", quality=_QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
