"""What a network learns from: photos as pixels, or as the maps that a pretrained network's beginning made of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.cache import CachedPhotos
from photoclass.photos.decode import Pixels
from photoclass.training.augment import AugmentSettings, draw_transforms, warp
from photoclass.training.features import FeaturedPhotos

Rows = NDArray[np.int64]


class Examples(Protocol):
    """Labelled inputs of one shape: all that batches and the loop know of photos."""

    def __len__(self) -> int:
        """Count them."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class indices, shape (N,)."""

    def plain(self, rows: Rows) -> Pixels:
        """Return these as they are, shape (n, height, width, channels), uint8."""

    def varied(self, generator: np.random.Generator) -> Callable[[Rows], Pixels]:
        """Draw an epoch's variations; return what gives these examples, so varied, in the shape of `plain`."""


@dataclass(frozen=True)
class PhotoExamples:
    """Pixels from the cache, varied by augmentation.

    Attributes:
        photos: Decoded photos.
        augment: How they are varied.
        mirrored: Whether `plain` gives their mirror images.
    """

    photos: CachedPhotos
    augment: AugmentSettings
    mirrored: bool = False

    def __len__(self) -> int:
        return len(self.photos)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class indices, shape (N,)."""
        return self.photos.table.labels

    def plain(self, rows: Rows) -> Pixels:
        """Return the pixels of these photos, RGB."""
        pixels = np.stack([np.asarray(self.photos.pixels[row], dtype=np.uint8) for row in rows])
        return np.ascontiguousarray(pixels[:, :, ::-1]) if self.mirrored else pixels

    def varied(self, generator: np.random.Generator) -> Callable[[Rows], Pixels]:
        """Draw a warp for each photo."""
        side = self.photos.settings.image_size
        transforms = draw_transforms(len(self), side, self.augment, generator)

        def warped(rows: Rows) -> Pixels:
            pixels = np.empty((len(rows), side, side, 3), dtype=np.uint8)
            for i, row in enumerate(rows):
                warp(np.asarray(self.photos.pixels[row], dtype=np.uint8), transforms[row], self.augment, out=pixels[i])
            return pixels

        return warped


@dataclass(frozen=True)
class MapExamples:
    """Maps from the store, each photo's own or those of its mirror image.

    Attributes:
        photos: Photos whose rows have shape (2, height, width, channels): the photo, and its mirror image.
        mirrored: Whether `plain` gives those of the mirror images.
    """

    photos: FeaturedPhotos
    mirrored: bool = False

    def __len__(self) -> int:
        return len(self.photos)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class indices, shape (N,)."""
        return self.photos.table.labels

    def plain(self, rows: Rows) -> Pixels:
        """Return the maps of these photos."""
        return np.stack([np.asarray(self.photos.features[row][int(self.mirrored)], dtype=np.uint8) for row in rows])

    def varied(self, generator: np.random.Generator) -> Callable[[Rows], Pixels]:
        """Draw which photos are mirrored: half of them."""
        views = generator.integers(0, 2, len(self))

        def viewed(rows: Rows) -> Pixels:
            return np.stack([np.asarray(self.photos.features[row][views[row]], dtype=np.uint8) for row in rows])

        return viewed
