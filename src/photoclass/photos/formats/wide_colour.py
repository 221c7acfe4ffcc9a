"""Wide colours: 16 bits a channel, of which Pillow keeps the upper 8, so that 12 bits in 16 come out nearly black."""

import numpy as np
from PIL import Image

from photoclass.photos.formats import png
from photoclass.photos.formats.raw_values import read_values
from photoclass.photos.formats.tiff import TiffPage
from photoclass.photos.formats.wide_grey import bits_of, ppm_highest

# Where no channel reaches more in its upper 8 bits, at least four bits are unused. A photo taken at night reaches more.
_NEARLY_BLACK = 16
_MOST = (1 << 12) - 1
_COLOUR_CHANNELS = 3


def is_wide_colour(data: bytes, page: TiffPage | None) -> bool:
    """Whether a file has 16 bits a channel and several channels."""
    if page:
        return page.is_wide_colour
    return png.is_wide_colour(data) or (data.startswith(b"P6") and ppm_highest(data) == (1 << 16) - 1)


def brighten(picture: Image.Image, data: bytes) -> tuple[Image.Image, int]:
    """Scale colours of at most 12 bits in 16 to 8 bits; others are returned as they are.

    Args:
        picture: As Pillow loads it, of mode RGB, RGBA or LA.
        data: The content of its file.

    Returns:
        The picture, and the highest value if it was scaled, else 0.
    """
    channels = [picture.getchannel(band) for band in picture.getbands() if band != "A"]
    if max(int(channel.getextrema()[1]) for channel in channels) > _NEARLY_BLACK:  # type: ignore[arg-type]
        return picture, 0
    values = read_values(data)
    if values is None or values.dtype != np.uint16 or values.shape[:2] != picture.size[::-1] or values.ndim != 3:
        return picture, 0
    colours = values[..., _COLOUR_CHANNELS - 1 :: -1]  # OpenCV's order is blue, green, red
    highest = int(colours.max())
    if highest > _MOST:
        return picture, 0
    scaled = np.rint(colours * (255 / ((1 << bits_of(highest)) - 1))).astype(np.uint8)
    bright = Image.fromarray(np.ascontiguousarray(scaled))
    if "A" in picture.getbands():
        bright.putalpha(picture.getchannel("A"))
    return bright, highest
