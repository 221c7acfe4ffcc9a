"""Views of a photo as input of a frozen backbone: the photo alone, or with its mirror image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from photoclass.photos.decode import Pixels


@dataclass(frozen=True)
class Views:
    """Which views of a photo a backbone is run on.

    Attributes:
        name: Distinguishes the views in the cache; empty for the standard ones.
        count: Number of views; None for the photo alone, whose rows then have no axis of views.
        make: Returns the views, given the SHA-256 of the photo's file and its pixels.
    """

    name: str
    count: int | None
    make: Callable[[bytes, Pixels], Sequence[Pixels]]


ALONE = Views("", None, lambda content, pixels: [pixels])
WITH_MIRROR = Views("", 2, lambda content, pixels: [pixels, pixels[:, ::-1]])
