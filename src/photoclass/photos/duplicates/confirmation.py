"""Confirming candidates: which pairs of similar photos are the same picture."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.duplicates.candidates import Reader
from photoclass.photos.duplicates.detail import Comparison, Details
from photoclass.photos.duplicates.fingerprint import WINDOWS
from photoclass.photos.duplicates.look_alikes import LookAlikes
from photoclass.photos.duplicates.particular import Likely, find_likely, place, take_out_common
from photoclass.photos.duplicates.registration import register

# The share of a picture's variance that its near-duplicate does not explain. It is at most 0.03 for 1,800 cropped
# photos (0.001 for re-encoded ones), and at least 0.15 for all similar pairs among 20,000 different photos.
_MOST_UNEXPLAINED = 0.05
_CROPPED_BELOW = 0.97  # as a share of a side; a smaller difference may be due to rounding
# A comparison in detail decides afterwards; noise is more of a crop's variance than interpolation is.
_MOST_IF_COMPARED_IN_DETAIL = 0.1
# Look-alikes whose files cannot be read again are copies only where the particular parts of their fingerprints say so.
_LEAST_CORRELATION = 0.85


@dataclass(frozen=True)
class NearDuplicates:
    """Pairs of photos of the same picture.

    Attributes:
        first: Shape (P,), indices of photos; in a cropped pair, the photo that shows more.
        second: Shape (P,), indices of photos.
        mirrored: Shape (P,), whether one is the mirror image of the other.
        cropped: Shape (P,), whether the second shows only part of the first.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    mirrored: NDArray[np.bool_]
    cropped: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True)
class Similar:
    """Pairs of photos of which a window of the first explains nearly all of the second.

    Attributes:
        first, second: Shape (P,), indices of photos.
        mirrored: Shape (P,), whether the second is mirrored.
        window: Shape (P, 4), as top, left, height and width in shares of the first's sides.
        unexplained: Shape (P,), the share of the second's variance that is not explained.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    mirrored: NDArray[np.bool_]
    window: NDArray[np.float32]
    unexplained: NDArray[np.float32]

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "Similar":
        """Return only these pairs."""
        return Similar(
            self.first[rows], self.second[rows], self.mirrored[rows], self.window[rows], self.unexplained[rows]
        )

    def once(self) -> "Similar":
        """Return each pair once, the way round that explains the most, ordered by first and second."""
        low, high = np.minimum(self.first, self.second), np.maximum(self.first, self.second)
        order = np.lexsort((self.unexplained, high, low))
        is_new = np.ones(len(order), dtype=np.bool_)
        is_new[1:] = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)
        return self.select(order[is_new])

    def as_duplicates(self) -> NearDuplicates:
        """Return the pairs, each in its order."""
        cropped = self.window[:, 2:].min(axis=1) < _CROPPED_BELOW
        # Only a cropped pair has an order of its own.
        swapped = ~cropped & (self.first > self.second)
        first, second = np.where(swapped, self.second, self.first), np.where(swapped, self.first, self.second)
        return NearDuplicates(first, second, self.mirrored, cropped)


def confirm(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    mirrored: NDArray[np.bool_],
    window: NDArray[np.float64],
    read: Callable[[NDArray[np.int64]], NDArray[np.uint8] | NDArray[np.float32]],
    most_unexplained: float = _MOST_UNEXPLAINED,
) -> Similar:
    """Register candidates, and return those that are similar enough to be the same picture.

    Args:
        first, second, mirrored: As in `Similar`.
        window: The first guess, shape (P, 4).
        read: Returns fingerprints by index.
        most_unexplained: The largest share that may remain.
    """
    if not len(first):
        return Similar(first, second, mirrored, window.astype(np.float32), np.zeros(0, dtype=np.float32))
    part = read(second)
    part[mirrored] = part[mirrored][:, :, ::-1]
    unexplained, windows = register(read(first), part, window)
    return Similar(first, second, mirrored, windows, unexplained).select(unexplained <= most_unexplained)


def confirm_look_alikes(
    look_alikes: LookAlikes, distinct: NDArray[np.int64], read: Reader, details: Details | None
) -> Similar:
    """Find the copies in a set of look-alikes: similar photos, whose particular parts are the same, too.

    Args:
        look_alikes: The set; its photos are indices into `distinct`.
        distinct: Indices of photos.
        read: Returns fingerprints by index of photo.
        details: Reads photos again; None where there are only fingerprints.
    """
    photos = distinct[look_alikes.photos]
    placed = place(read(photos).astype(np.float32), look_alikes.typical)
    comparison = Comparison.of(details, photos, placed) if details else None
    exact = comparison.typical_at if comparison else None
    most = _MOST_IF_COMPARED_IN_DETAIL if comparison else _MOST_UNEXPLAINED
    # Detail places cropped photos better under fine stripes, and fingerprints do where parts of the scene move.
    placements = [placed, *([comparison.placed_in_detail()] if comparison else [])]
    likely = Likely.any_of(
        [find_likely(each, take_out_common(each, look_alikes.typical, exact)) for each in placements]
    )
    # Either may be the one that shows more; and there are two guesses at which part of it the other shows.
    first = np.concatenate([likely.first, likely.first, likely.second])
    second = np.concatenate([likely.second, likely.second, likely.first])
    mirrored = np.concatenate([likely.mirrored, np.zeros_like(likely.mirrored), likely.mirrored])
    window = np.concatenate([likely.window, likely.in_scene, np.tile(WINDOWS[0], (len(likely.first), 1))])
    found = confirm(first, second, mirrored, window, lambda rows: placed.cells[rows], most).once()
    correlation: dict[tuple[int, int], float] = {}
    for one, other, value in zip(first.tolist(), second.tolist(), np.tile(likely.correlation, 3).tolist(), strict=True):
        correlation[one, other] = max(value, correlation.get((one, other), 0))
    same_picture = []
    for row, pair in enumerate(zip(found.first.tolist(), found.second.tolist(), strict=True)):
        same = comparison.are_copies(*pair, found.mirrored[row], found.window[row]) if comparison else None
        if same or (same is None and correlation[pair] >= _LEAST_CORRELATION):
            same_picture.append(row)
    found = found.select(np.array(same_picture, dtype=np.int64))
    mirrored = found.mirrored ^ placed.turned[found.first] ^ placed.turned[found.second]
    return replace(found, first=photos[found.first], second=photos[found.second], mirrored=mirrored)
