"""What a network learns from: photos as pixels, or as the maps that a pretrained network's beginning made of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.photos.cache.store import Rows as Features
from photoclass.photos.decode import Pixels
from photoclass.training.augment import AugmentSettings, augment_photos, coarser, draw_colours, draw_transforms, to_side
from photoclass.training.frozen.features import FeaturedPhotos

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

    def judged(self, done: float) -> "Examples":
        """Return the same as they are judged while that share of the training lies behind, from 0 to 1.

        At the end, they are as the saved model sees them.
        """

    def augmented(self, generator: np.random.Generator, done: float = 0.0) -> Callable[[Rows], Pixels]:
        """Draw an epoch's variations; return what gives these examples, so varied.

        Args:
            generator: Decides the lots.
            done: Share of the training that lies behind, from 0 to 1: photos may be shown smaller at first.
        """


@dataclass(frozen=True)
class PhotoExamples:
    """Pixels from the cache, varied by augmentation.

    Attributes:
        photos: Decoded photos.
        augment: How they are varied.
        mirrored: Whether `plain` gives their mirror images.
        sides: Sides of the varied pictures, in pixels, one after the other over the training; that of the photos when
            empty.
        shown: Side of the pictures that `plain` gives, in pixels; 0 for that of the photos.
    """

    photos: CachedPhotos
    augment: AugmentSettings
    mirrored: bool = False
    sides: tuple[int, ...] = ()
    shown: int = 0

    def __len__(self) -> int:
        return len(self.photos)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class indices, shape (N,)."""
        return self.photos.table.labels

    def plain(self, rows: Rows) -> Pixels:
        """Return the pixels of these photos, RGB."""
        pixels = np.stack([self._shown(np.asarray(self.photos.pixels[row], dtype=np.uint8)) for row in rows])
        return np.ascontiguousarray(pixels[:, :, ::-1]) if self.mirrored else pixels

    def judged(self, done: float) -> "PhotoExamples":
        """Return small pictures while small ones are learnt from: larger ones would show no better how it goes."""
        if not self.sides:
            return self
        shown = round(self.photos.settings.image_size * self._side(done) / self.sides[-1])
        return replace(self, shown=shown if shown < self.photos.settings.image_size else 0)

    def augmented(self, generator: np.random.Generator, done: float = 0.0) -> Callable[[Rows], Pixels]:
        """Draw a warp and colours for each photo."""
        whole = self.photos.settings.image_size
        side = self._side(done) if self.sides else whole
        transforms = draw_transforms(len(self), whole, self.augment, generator)
        if side != whole:
            transforms = to_side(transforms, whole, side)
        colours = draw_colours(len(self), self.augment, generator)

        def warped(rows: Rows) -> Pixels:
            pixels = np.empty((len(rows), side, side, 3), dtype=np.uint8)
            for i, row in enumerate(rows):
                photo, transform = np.asarray(self.photos.pixels[row], dtype=np.uint8), transforms[row]
                if side != whole:
                    photo, transform = coarser(photo, transform)
                augment_photos(photo, transform, colours[row], self.augment, out=pixels[i])
            return pixels

        return warped

    def _shown(self, photo: Pixels) -> Pixels:
        if not self.shown:
            return photo
        small = cv2.resize(photo, (self.shown, self.shown), interpolation=cv2.INTER_AREA)
        return np.asarray(small, dtype=np.uint8)

    def _side(self, done: float) -> int:
        return self.sides[min(int(done * len(self.sides)), len(self.sides) - 1)]


@dataclass(frozen=True)
class Augmentations:
    """Maps of varied photos, beside those of the photos as they are.

    Attributes:
        maps: Rows of shape (views, height, width, channels).
        rows: Shape (N,): where the variations of each photo stand among them; -1 where it has none.
        share: Share of the photos of an epoch that are shown varied.
    """

    maps: Features
    rows: Rows
    share: float


@dataclass(frozen=True)
class MapExamples:
    """Maps from the store, each photo's own or those of its mirror image.

    Attributes:
        photos: Photos whose rows have shape (2, height, width, channels): the photo, and its mirror image.
        mirrored: Whether `plain` gives those of the mirror images.
        variations: What else training is shown.
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
        """Return the maps of these photos."""
        return np.stack([np.asarray(self.photos.features[row][int(self.mirrored)], dtype=np.uint8) for row in rows])

    def judged(self, done: float) -> "MapExamples":
        """Return the same: maps have one size."""
        return self

    def augmented(self, generator: np.random.Generator, done: float = 0.0) -> Callable[[Rows], Pixels]:
        """Draw which photos are mirrored, half of them, and which are shown varied instead."""
        views = generator.integers(0, 2, len(self))
        among = np.full(len(self), -1)
        if self.augmentations is not None:
            # Of two variations, the same lot chooses one.
            shown = generator.random(len(self)) < self.augmentations.share
            among[shown] = self.augmentations.rows[shown]

        def viewed(rows: Rows) -> Pixels:
            maps = [self._maps_of(row, among[row])[views[row]] for row in rows]
            return np.stack([np.asarray(view, dtype=np.uint8) for view in maps])

        return viewed

    def _maps_of(self, row: int, among: int) -> NDArray[np.generic]:
        if among >= 0 and self.augmentations is not None:
            return self.augmentations.maps[among]
        return self.photos.features[row]
