"""How a photo becomes a square of pixels, as settings: naming them loads no decoder."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from photoclass.errors import SettingsError

ResizeRule: TypeAlias = Literal["squash", "crop"]
# See photos/resize.py.
Resampling: TypeAlias = Literal["bicubic", "area"]
RESAMPLING: Resampling = "bicubic"
RESAMPLINGS: tuple[Resampling, ...] = ("bicubic", "area")
MAX_IMAGE_SIZE = 2048
# Allows for 108-megapixel phone photos; a larger image that is decoded whole is more often a decompression bomb than a
# photo, and takes 400 MB and more.
MAX_PIXELS = 1 << 27


def check_resize(resize: str) -> None:
    """Refuse an unknown resize rule.

    Raises:
        SettingsError: It is neither squash nor crop.
    """
    if resize not in ("squash", "crop"):
        raise SettingsError(f"unknown resize rule {resize!r}; choose from squash, crop")


@dataclass(frozen=True)
class PictureRules:
    """What decides how a file becomes an upright picture, besides its content.

    Attributes:
        grey_bits: The bits that the wide greys of the training photos reach, whose files do not say it; None if there
            were none. See `wide_grey.bits_to_read`.
        max_pixels: A larger picture is not decoded; of ordinary JPEGs, which are decoded at a fraction of their size,
            the fraction counts.
    """

    grey_bits: int | None = None
    max_pixels: int = MAX_PIXELS

    def limited(self, max_pixels: int | None) -> "PictureRules":
        """Return the rules with another limit of pixels; None for the same."""
        return self if max_pixels is None else replace(self, max_pixels=max_pixels)


DEFAULT_RULES = PictureRules()


@dataclass(frozen=True)
class DecodeSettings:
    """How a photo becomes a square of pixels.

    Attributes:
        image_size: Side of the square, in pixels.
        resize: `squash` scales both sides to it; `crop` scales the shorter side to it and takes the centre.
        rules: How its file is read.
        resampling: How pixels are averaged or interpolated: `bicubic`, or `area` for models of format 2 and older.
    """

    image_size: int
    resize: ResizeRule = "squash"
    rules: PictureRules = DEFAULT_RULES
    resampling: Resampling = RESAMPLING

    def limited(self, max_pixels: int | None) -> "DecodeSettings":
        """Return the settings with another limit of pixels; None for the same."""
        return replace(self, rules=self.rules.limited(max_pixels))

    def with_grey_bits(self, grey_bits: int | None) -> "DecodeSettings":
        """Return the settings with other bits of wide greys."""
        return replace(self, rules=replace(self.rules, grey_bits=grey_bits))
