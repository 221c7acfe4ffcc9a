"""What a pretrained network is shown of each photo: the photo, its mirror image as well, or variations drawn at random."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from photoclass.photos.decode import Pixels
from photoclass.training.augment import AugmentSettings, augment_photos, draw_colours, draw_transforms

_VARIATIONS = 2


@dataclass(frozen=True)
class Views:
    """How a photo is shown.

    Attributes:
        name: What tells these views apart in the store; empty for those that a backbone is always shown.
        count: How many there are; None for the photo alone, whose rows then need no axis of views.
        make: Returns them, from the SHA-256 of the photo's file and its pixels.
    """

    name: str
    count: int | None
    make: Callable[[bytes, Pixels], Sequence[Pixels]]


ALONE = Views("", None, lambda content, pixels: [pixels])
WITH_MIRROR = Views("", 2, lambda content, pixels: [pixels, pixels[:, ::-1]])


def augmentations(settings: AugmentSettings) -> Views:
    """Return views that vary a photo in two ways, each by its own lot.

    The photo's content decides the lots, so that what was computed once serves any training.
    """

    def make(content: bytes, pixels: Pixels) -> list[Pixels]:
        generator = np.random.default_rng(list(content))
        transforms = draw_transforms(_VARIATIONS, pixels.shape[0], settings, generator)
        colours = draw_colours(_VARIATIONS, settings, generator)
        augmented = [np.empty_like(pixels) for _ in range(_VARIATIONS)]
        for out, transform, colour in zip(augmented, transforms, colours, strict=True):
            augment_photos(pixels, transform, colour, settings, out)
        return augmented

    digest = hashlib.sha256(repr(settings).encode()).hexdigest()
    return Views(f"varied{digest[:8]}", _VARIATIONS, make)
