"""Copies of photos as they are planted: saved as JPEG files."""

import io

from PIL import Image


def saved_as_jpeg(picture: Image.Image, quality: int) -> bytes:
    """Return the bytes of a JPEG file."""
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality)
    return stream.getvalue()
