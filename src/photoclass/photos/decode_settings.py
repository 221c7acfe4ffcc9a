"""How a photo becomes a square of pixels, as settings: naming them loads no decoder."""

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from photoclass.errors import SettingsError

ResizeRule: TypeAlias = Literal["squash", "crop"]
# See photos/resize.py.
Resampling: TypeAlias = Literal["bicubic", "bilinear", "area"]
RESAMPLING: Resampling = "bicubic"
RESAMPLINGS: tuple[Resampling, ...] = ("bicubic", "bilinear", "area")
# Large JPEGs are decoded at 1/2, 1/4 or 1/8 of their size, but never below this: the fingerprint for finding
# near-duplicates is then taken from the same pixels whatever the image size of the network.
DRAFT_SIDE = 512
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
        resampling: How pixels are averaged or interpolated; see `photos/resize.py`.
    """

    image_size: int
    resize: ResizeRule = "squash"
    rules: PictureRules = DEFAULT_RULES
    resampling: Resampling = RESAMPLING

    @property
    def least_side(self) -> int:
        """The shorter side, in pixels, below which no JPEG is decoded at a fraction of its size."""
        return max(2 * self.image_size, DRAFT_SIDE)

    def limited(self, max_pixels: int | None) -> "DecodeSettings":
        """Return the settings with another limit of pixels; None for the same."""
        return replace(self, rules=self.rules.limited(max_pixels))

    def with_grey_bits(self, grey_bits: int | None) -> "DecodeSettings":
        """Return the settings with other bits of wide greys."""
        return replace(self, rules=replace(self.rules, grey_bits=grey_bits))
