"""How a photo becomes a square of pixels, as settings: naming them loads no decoder."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from photoclass.errors import SettingsError

ResizeRule: TypeAlias = Literal["squash", "crop"]
MAX_IMAGE_SIZE = 2048


def check_resize(resize: str) -> None:
    """Refuse an unknown resize rule.

    Raises:
        SettingsError: It is neither squash nor crop.
    """
    if resize not in ("squash", "crop"):
        raise SettingsError(f"unknown resize rule {resize!r}; choose from squash, crop")


@dataclass(frozen=True)
class DecodeSettings:
    """How a photo is resized to a square of pixels.

    Attributes:
        image_size: Side of the square, in pixels.
        resize: `squash` scales both sides to it; `crop` scales the shorter side to it and takes the centre.
    """

    image_size: int
    resize: ResizeRule = "squash"
