"""From a loaded picture of any colour mode to RGB: transparency over white, wide greys scaled, profiles applied."""

from PIL import Image

from photoclass.photos.formats.colour import to_srgb
from photoclass.photos.formats.tiff import TiffPage
from photoclass.photos.formats.wide_colour import brighten, is_wide_colour
from photoclass.photos.formats.wide_grey import to_grey

_CLEAR = (0, 0)
_NEVER_WIDE = frozenset({"JPEG", "MPO"})
_COLOURED = frozenset({"RGB", "RGBA", "P"})


def to_rgb(picture: Image.Image, data: bytes, page: TiffPage | None, grey_bits: int | None) -> tuple[Image.Image, int]:
    """Convert a picture to RGB.

    Args:
        picture: Loaded.
        data: The content of its file.
        page: Its tags, if it is a TIFF.
        grey_bits: The bits of a model's wide greys, as in `bits_to_read`.

    Returns:
        The picture in RGB, and the highest value of 16 bits whose range is not declared and was guessed, else 0.

    Raises:
        UnknownRangeError: Nothing says which values are black and white.
    """
    info = picture.info
    profile = info.get("icc_profile")
    is_wide = picture.format not in _NEVER_WIDE and is_wide_colour(data, page)
    if picture.mode == "RGB" and "transparency" not in info and not is_wide:
        return (picture if profile is None else to_srgb(picture, profile)), 0
    if picture.mode.startswith("I") or picture.mode == "F":
        grey, highest = to_grey(picture, data, page, grey_bits)
        return grey.convert("RGB"), highest
    if picture.mode == "RGBA" and picture.format == "BMP" and picture.getchannel("A").getextrema() == _CLEAR:
        return picture.convert("RGB"), 0  # Windows and Photoshop take an alpha of zeros for none
    highest = 0
    if is_wide:
        if isinstance(info.get("transparency"), tuple):  # it has 16 bits, and the colours that Pillow loads have 8
            info["transparency"] = tuple(value >> 8 for value in info["transparency"])
        picture, highest = brighten(picture, data, page)
    if picture.has_transparency_data:
        coloured = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        flat = Image.alpha_composite(white, coloured).convert("RGB")
    else:
        flat = picture.convert("RGB")
    return (to_srgb(flat, profile) if profile and picture.mode in _COLOURED else flat), highest
