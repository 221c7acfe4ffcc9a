"""Augmented views of a photo as input of a frozen backbone. They need OpenCV, which the other views do not."""

import hashlib

import numpy as np

from photoclass.photos.decode import Pixels
from photoclass.training.augment import augment_photos, draw_colours, draw_transforms
from photoclass.training.frozen.views import Views
from photoclass.training.recipes.augment_settings import AugmentSettings

_AUGMENTED_VIEWS = 2


def augmented_views(settings: AugmentSettings) -> Views:
    """Return two augmented views per photo, drawn at random.

    The random generator is seeded by the photo's content, so that features computed once can be used by any training.
    """

    def make(content: bytes, pixels: Pixels) -> list[Pixels]:
        generator = np.random.default_rng(list(content))
        transforms = draw_transforms(_AUGMENTED_VIEWS, pixels.shape[0], settings, generator)
        colours = draw_colours(_AUGMENTED_VIEWS, settings, generator)
        augmented = [np.empty_like(pixels) for _ in range(_AUGMENTED_VIEWS)]
        for out, transform, colour in zip(augmented, transforms, colours, strict=True):
            augment_photos(pixels, transform, colour, settings, out)
        return augmented

    digest = hashlib.sha256(repr(settings).encode()).hexdigest()
    return Views(f"augmented{digest[:8]}", _AUGMENTED_VIEWS, make)
