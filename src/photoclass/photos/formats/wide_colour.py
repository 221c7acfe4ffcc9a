"""Wide colours: 16 bits a channel, of which Pillow keeps the upper 8, so that 12 bits in 16 come out nearly black."""

import numpy as np
from PIL import Image

from photoclass.photos.formats import png
from photoclass.photos.formats.raw_values import read_colours
from photoclass.photos.formats.tiff import TiffPage
from photoclass.photos.formats.wide_grey import bits_of, ppm_highest

# Where no channel reaches more in its upper 8 bits, at least four bits are unused. A photo taken at night reaches more.
_NEARLY_BLACK = 16
_MOST = (1 << 12) - 1
_INKS = "CMYK"  # where these are all 0, the page is white


def is_wide_colour(data: bytes, page: TiffPage | None) -> bool:
    """Whether a file has 16 bits a channel and several channels."""
    if page:
        return page.is_wide_colour
    return png.is_wide_colour(data) or (data.startswith(b"P6") and ppm_highest(data) == (1 << 16) - 1)


def brighten(picture: Image.Image, data: bytes, page: TiffPage | None) -> tuple[Image.Image, int]:
    """Scale colours of at most 12 bits in 16 to 8 bits; others are returned as they are.

    Args:
        picture: As Pillow loads it.
        data: The content of its file.
        page: The tags of the page, if it is a TIFF.

    Returns:
        The picture, and the highest value if it was scaled, else 0.
    """
    if picture.mode == _INKS:
        return picture, 0
    channels = [picture.getchannel(band) for band in picture.getbands() if band != "A"]
    if max(int(channel.getextrema()[1]) for channel in channels) > _NEARLY_BLACK:  # type: ignore[arg-type]
        return picture, 0
    colours = read_colours(data, page)
    if colours is None or colours.shape[:2] != picture.size[::-1] or (highest := int(colours.max())) > _MOST:
        return picture, 0
    values = np.arange(_MOST + 1)
    scaled = np.rint(np.minimum(values * (255 / ((1 << bits_of(highest)) - 1)), 255)).astype(np.uint8)
    bright = Image.fromarray(scaled[colours])
    if "A" in picture.getbands():
        bright.putalpha(picture.getchannel("A"))
    return bright, highest
