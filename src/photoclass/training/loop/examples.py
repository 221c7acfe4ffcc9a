"""Training examples: photos as pixels, or as feature maps of the frozen first blocks of a pretrained network."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.photos.cache.store import Rows as Features
from photoclass.photos.decode import Pixels
from photoclass.training.augment import augment_photos, coarser, draw_colours, draw_transforms, to_side
from photoclass.training.frozen.features import FeaturedPhotos
from photoclass.training.recipes.augment_settings import AugmentSettings

Rows = NDArray[np.int64]


class Examples(Protocol):
    """Labelled inputs of one shape: the interface between photos and the training loop."""

    def __len__(self) -> int:
        """Return the number of examples."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class indices, shape (N,)."""

    def plain(self, rows: Rows) -> Pixels:
        """Return these examples without augmentation, shape (n, height, width, channels), uint8."""

    def for_validation(self, done: float) -> "Examples":
        """Return the same examples at the size that validation uses at a moment of the training.

        Args:
            done: Share of the training that is done, from 0 to 1. At 1, the size is that of the saved model.
        """

    def augmented(self, generator: np.random.Generator, done: float = 0.0) -> Callable[[Rows], Pixels]:
        """Draw the augmentations of an epoch; return a function from rows to augmented examples.

        Args:
            generator: Source of randomness.
            done: Share of the training that is done, from 0 to 1: images may be smaller at first.
        """


@dataclass(frozen=True)
class PhotoExamples:
    """Pixels from the cache, augmented by warps and colours.

    Attributes:
        photos: Decoded photos.
        augment: Settings of the augmentation.
        mirrored: Whether `plain` returns mirror images.
        sides: Image sizes over the course of the training, in pixels (progressive resizing); empty for the size of the
            photos throughout.
        plain_side: Size of the images that `plain` returns, in pixels; 0 for the size of the photos.
    """

    photos: CachedPhotos
    augment: AugmentSettings
    mirrored: bool = False
    sides: tuple[int, ...] = ()
    plain_side: int = 0

    def __len__(self) -> int:
        return len(self.photos)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class indices, shape (N,)."""
        return self.photos.table.labels

    def plain(self, rows: Rows) -> Pixels:
        """Return the pixels of these photos, RGB."""
        pixels = np.stack([self._resized(np.asarray(self.photos.pixels[row], dtype=np.uint8)) for row in rows])
        return np.ascontiguousarray(pixels[:, :, ::-1]) if self.mirrored else pixels

    def for_validation(self, done: float) -> "PhotoExamples":
        """Return small images while training uses small ones: larger ones would measure its progress no better."""
        if not self.sides:
            return self
        side = round(self.photos.settings.image_size * self._side(done) / self.sides[-1])
        return replace(self, plain_side=side if side < self.photos.settings.image_size else 0)

    def augmented(self, generator: np.random.Generator, done: float = 0.0) -> Callable[[Rows], Pixels]:
        """Draw a warp and a change of colours for each photo."""
        full_side = self.photos.settings.image_size
        side = self._side(done) if self.sides else full_side
        transforms = draw_transforms(len(self), full_side, self.augment, generator)
        if side != full_side:
            transforms = to_side(transforms, full_side, side)
        colours = draw_colours(len(self), self.augment, generator)

        def warped(rows: Rows) -> Pixels:
            pixels = np.empty((len(rows), side, side, 3), dtype=np.uint8)
            for i, row in enumerate(rows):
                photo, transform = np.asarray(self.photos.pixels[row], dtype=np.uint8), transforms[row]
                if side != full_side:
                    photo, transform = coarser(photo, transform)
                augment_photos(photo, transform, colours[row], self.augment, out=pixels[i])
            return pixels

        return warped

    def _resized(self, photo: Pixels) -> Pixels:
        if not self.plain_side:
            return photo
        small = cv2.resize(photo, (self.plain_side, self.plain_side), interpolation=cv2.INTER_AREA)
        return np.asarray(small, dtype=np.uint8)

    def _side(self, done: float) -> int:
        return self.sides[min(int(done * len(self.sides)), len(self.sides) - 1)]


@dataclass(frozen=True)
class Augmentations:
    """Feature maps of augmented photos, in addition to those of the photos themselves.

    Attributes:
        maps: Rows of shape (views, height, width, channels).
        rows: Shape (N,): the row of each photo among `maps`; -1 if it has none.
        share: Share of the photos of an epoch for which an augmented view is used.
    """

    maps: Features
    rows: Rows
    share: float


@dataclass(frozen=True)
class MapExamples:
    """Feature maps from the cache, of photos or their mirror images.

    Attributes:
        photos: Photos whose rows have shape (2, height, width, channels): the photo, and its mirror image.
        mirrored: Whether `plain` returns the maps of the mirror images.
        augmentations: Feature maps of augmented photos, if training uses them.
    """

    photos: FeaturedPhotos
    mirrored: bool = False
    augmentations: Augmentations | None = None

    def __len__(self) -> int:
        return len(self.photos)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class indices, shape (N,)."""
        return self.photos.table.labels

    def plain(self, rows: Rows) -> Pixels:
        """Return the feature maps of these photos."""
        return np.stack([np.asarray(self.photos.features[row][int(self.mirrored)], dtype=np.uint8) for row in rows])

    def for_validation(self, done: float) -> "MapExamples":
        """Return the same examples: feature maps have one size."""
        return self

    def augmented(self, generator: np.random.Generator, done: float = 0.0) -> Callable[[Rows], Pixels]:
        """Draw for each photo whether it is mirrored (half of them are) or replaced by an augmented view."""
        views = generator.integers(0, 2, len(self))
        augmented_rows = np.full(len(self), -1)
        if self.augmentations is not None:
            # For these photos, `views` chooses one of the two augmented views.
            chosen = generator.random(len(self)) < self.augmentations.share
            augmented_rows[chosen] = self.augmentations.rows[chosen]

        def viewed(rows: Rows) -> Pixels:
            maps = [self._maps_of(row, augmented_rows[row])[views[row]] for row in rows]
            return np.stack([np.asarray(view, dtype=np.uint8) for view in maps])

        return viewed

    def _maps_of(self, row: int, augmented_row: int) -> NDArray[np.generic]:
        if augmented_row >= 0 and self.augmentations is not None:
            return self.augmentations.maps[augmented_row]
        return self.photos.features[row]
