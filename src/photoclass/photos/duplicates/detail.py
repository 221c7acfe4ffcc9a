"""Which look-alikes are copies: two photos compared in detail, 128x128 cells, by what is particular to each.

Fingerprints are too coarse here: what two photos of one scene do not share is a mark of a few pixels, texture, and
noise. The common structure is taken out as in `particular.py`, learnt again at this resolution from some of the set's
photos, and only detail finer than an eighth of a side is compared.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photoclass.photos.decode import Pixels
from photoclass.photos.duplicates.blur import blur, blur_matrix
from photoclass.photos.duplicates.cells import grey_cells
from photoclass.photos.duplicates.fingerprint import FINGERPRINT_SIDE, LEAST_CROPPED_SIDE
from photoclass.photos.duplicates.particular import Placed, principal_components, without

DETAIL_SIDE = 128
_LEARNT_FROM, _COMPONENTS = 144, 12
_VARIATIONS, _PHOTOS_PER_COMPONENT = 3, 4
# The blurs between which detail is compared: of standard deviations of one cell, and of eight.
_FINEST, _COARSEST = blur_matrix(1, DETAIL_SIDE), blur_matrix(8, DETAIL_SIDE)
_MARGIN = 4  # cells along the border, where a window may reach beyond the picture
_STEPS, _LONGEST_STEP = 3, 0.01
_BLOCK_SIDE = 15  # cells; 8x8 blocks
# A copy's particular part correlates as a whole, and no block shows what the other lacks: none differs much more than
# the median block does (`_ALIKE`). Or, among noise, it correlates in half of the blocks, too: those where both photos
# have texture or noise (`_TEXTURE`, grey levels), or one has a mark (`_MARK`). That of another photo may correlate at
# 0.87 as a whole (an animal at the same place), but then it clearly differs somewhere.
_ALIKE, _MOST_DIFFERENT_IF_ALIKE, _TIMES_THE_MEDIAN = 0.8, 1.2, 1.7
_LEAST_CORRELATION, _LEAST_IN_HALF, _LEAST_SUM = 0.5, 0.45, 1.1
_TEXTURE, _MARK = 0.2, 1.2
_CLEARLY_DIFFERENT, _LEAST_EXPLAINED = 2.5, 0.75
# Where no block differs by more than what saving at a low quality changes, two photos are the same to the eye.
_MOST_DIFFERENT = 0.6
_INSIDE = (DETAIL_SIDE - 2 * _MARGIN, DETAIL_SIDE - 2 * _MARGIN)
_TINY = 1e-6
_WHOLE = np.array([0.0, 0.0, 1.0, 1.0])
_NEARLY_WHOLE, _QUICK = 0.006, 0.3
_KEPT = 2048  # photos of 128 KB each


def in_detail(picture: Image.Image) -> Pixels:
    """Average an RGB picture of any shape over 128x128 grey cells, uint8."""
    return grey_cells(picture, DETAIL_SIDE)


class Details(Protocol):
    """Photos at 128x128 grey cells, read from their files when they are needed."""

    def take(self, index: int) -> Pixels | None:
        """Return a photo, shape (128, 128), uint8; None if its file cannot be read any more."""


@dataclass(frozen=True)
class Comparison:
    """What the photos of a set have in common at this resolution.

    Attributes:
        details: Reads photos.
        photos: The index of each photo of the set.
        placed: The photos in the scene.
        typical: Shape (128, 128).
        directions: In which directions they vary, learnt from different photos: of two photos that are compared,
            neither may have taught its own marks as what all have in common.
        kept: The photos that were compared last, by row.
    """

    details: Details
    photos: NDArray[np.int64]
    placed: Placed
    typical: NDArray[np.float32]
    directions: tuple["_Variation", ...]
    kept: "OrderedDict[int, _Seen | None]" = field(default_factory=OrderedDict)

    @classmethod
    def of(cls, details: Details, photos: NDArray[np.int64], placed: Placed) -> "Comparison | None":
        """Learn from photos of a set that show most of its scene; None if too few can be read."""
        most = np.argsort(-placed.window[:, 2:].min(axis=1), kind="stable")
        most = np.sort(most[: (len(photos) + 1) // 2])
        chosen = most[np.unique(np.linspace(0, len(most) - 1, min(len(most), _LEARNT_FROM)).astype(np.int64))]
        read = {int(row): _read(details, photos[row], placed.turned[row]) for row in chosen}
        pictures = {row: picture for row, picture in read.items() if picture is not None}
        if len(pictures) < 2 * _VARIATIONS:
            return None
        typical = np.asarray(np.median(list(pictures.values()), axis=0), dtype=np.float32)
        rest = {row: _fine(picture - typical) for row, picture in pictures.items()}
        parts = [list(rest)[start::_VARIATIONS] for start in range(_VARIATIONS)]
        directions = tuple(_Variation.of(typical, {row: rest[row] for row in part}) for part in parts)
        return cls(details, photos, placed, typical, directions)

    def placed_in_detail(self) -> Placed:
        """Return the photos, the cropped ones placed by their detail (others, and unreadable ones, as they were)."""
        window = self.placed.window.copy()
        for row in np.flatnonzero(abs(window - _WHOLE).max(axis=1) >= _NEARLY_WHOLE):
            if seen := self._look(int(row)):
                window[row] = seen.window
        return replace(self.placed, window=window)

    def typical_at(self, windows: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the typical photo at windows of shape (N, 4), at the resolution of fingerprints: (N, 32, 32)."""
        times = DETAIL_SIDE // FINGERPRINT_SIDE
        there = np.stack([_warped(self.typical, window) for window in windows])
        cells = there.reshape(-1, FINGERPRINT_SIDE, times, FINGERPRINT_SIDE, times).mean(axis=(2, 4))
        return np.asarray(cells, dtype=np.float32)

    def are_copies(self, first: int, second: int, mirrored: bool, window: NDArray[np.floating]) -> bool | None:
        """Return whether a window of the first photo is the second; None if a file cannot be read.

        Args:
            first, second: Rows of `placed`.
            mirrored: Whether the second is mirrored, both turned as they are placed.
            window: Shape (4,), as top, left, height and width in shares of the first's sides.
        """
        one, other = self._look(first), self._look(second)
        if one is None or other is None:
            return None
        windows = [window.astype(np.float64)] if mirrored else [window.astype(np.float64), _within(one, other)]
        off = max(abs(each - _WHOLE).max() for each in (*windows, one.window, other.window))
        variation = self._variation(first, second)
        if off < _NEARLY_WHOLE and not mirrored and not _may_be_copies(one, other, variation.basis):
            return False
        picture = one.picture
        if mirrored:  # the first is turned, so that the second remains as it is in the scene
            picture = np.ascontiguousarray(picture[:, ::-1])
            windows = [np.array([top, 1 - left - width, height, width]) for top, left, height, width in windows]
        refined = [_refined(picture, other.picture, each) for each in windows]
        pairs = [self._particular(_warped(picture, each), other, variation) for each in refined]
        mine, theirs = min(pairs, key=lambda pair: float(((pair[0] - pair[1]) ** 2).sum()))
        return _correlate(mine.reshape(_INSIDE), theirs.reshape(_INSIDE))

    def _variation(self, *rows: int) -> "_Variation":
        """Return one that was learnt without these photos, of which there are two at most."""
        return next(each for each in self.directions if each.learnt_from.isdisjoint(rows))

    def _particular(self, warped: NDArray[np.float32], other: "_Seen", variation: "_Variation") -> NDArray[np.float32]:
        """Return what is particular to both in the frame of the second, shape (2, 14400)."""
        common = _common(_warped(self.typical, other.window), _warped(variation.components, other.window))
        return without(_rows(warped, other.picture), common)

    def _window(self, picture: NDArray[np.float32], row: int) -> NDArray[np.float64]:
        """Return the part of the scene that a photo shows, by its fine detail: a lamp that has moved shows nothing."""
        typical, fine = _fine(self.typical), _fine(picture)
        components = self._variation(row).components
        best, least = _WHOLE, np.inf
        for start in (_WHOLE, self.placed.window[row]):
            window = _refined(typical, fine, start)
            common = _common(_warped(self.typical, window), _warped(components, window))
            rest = float((without(_rows(picture), common) ** 2).sum())
            if rest < least:
                best, least = window, rest
        return best

    def _look(self, row: int) -> "_Seen | None":
        """Return a photo of the set; the last ones are kept."""
        if row in self.kept:
            self.kept.move_to_end(row)
            return self.kept[row]
        picture = _read(self.details, self.photos[row], self.placed.turned[row])
        seen = None
        if picture is not None:
            seen = _Seen(picture, self._window(picture, row), _rows(picture)[0])
        if len(self.kept) >= _KEPT:
            self.kept.popitem(last=False)
        self.kept[row] = seen
        return seen


@dataclass(frozen=True)
class _Seen:
    """A photo of a set of look-alikes.

    Attributes:
        picture: Shape (128, 128), turned as it is placed.
        window: The part of the typical photo that it shows.
        fine: Its fine detail, shape (14400,).
    """

    picture: NDArray[np.float32]
    window: NDArray[np.float64]
    fine: NDArray[np.float32]


@dataclass(frozen=True)
class _Variation:
    """How photos of a set vary.

    Attributes:
        learnt_from: Rows of the photos that taught it.
        components: The directions in which they vary most, shape (K, 128, 128).
        basis: An orthonormal basis of what is taken out of a whole photo, shape (K + 6, 14400).
    """

    learnt_from: frozenset[int]
    components: NDArray[np.float32]
    basis: NDArray[np.float32]

    @classmethod
    def of(cls, typical: NDArray[np.float32], rest: Mapping[int, NDArray[np.float32]]) -> "_Variation":
        rows = np.stack(list(rest.values())).reshape(len(rest), -1)
        count = min(_COMPONENTS, len(rest) // _PHOTOS_PER_COMPONENT)
        components = principal_components(rows, count).reshape(-1, *typical.shape)
        basis, _ = np.linalg.qr(_common(typical, components).T)
        return cls(frozenset(rest), components, np.ascontiguousarray(basis.T))


def _may_be_copies(one: _Seen, other: _Seen, basis: NDArray[np.float32]) -> bool:
    """Return whether it is worth to find the window exactly: most pairs of whole photos differ at first sight."""
    rows = np.stack([one.fine, other.fine])
    mine, theirs = rows - (rows @ basis.T) @ basis
    energy = np.sqrt((mine**2).sum() * (theirs**2).sum())
    return bool(mine @ theirs >= _QUICK * energy or np.sqrt(((mine - theirs) ** 2).mean()) < _MOST_DIFFERENT)


def _within(one: _Seen, other: _Seen) -> NDArray[np.float64]:
    """Return the part of one photo that another shows, by their places in the scene."""
    start, share = (other.window[:2] - one.window[:2]) / one.window[2:], other.window[2:] / one.window[2:]
    share = np.clip(share, LEAST_CROPPED_SIDE, 1)
    return np.concatenate([np.clip(start, 0, 1 - share), share])


def _read(details: Details, photo: int, turned: bool) -> NDArray[np.float32] | None:
    picture = details.take(int(photo))
    if picture is None:
        return None
    return np.ascontiguousarray(picture[:, ::-1] if turned else picture).astype(np.float32)


def _common(typical: NDArray[np.float32], components: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what is taken out of a window, from the typical photo and the components there: rows of cells inside."""
    fine = _fine(typical)
    down, right = np.gradient(fine)
    centres = (np.arange(DETAIL_SIDE, dtype=np.float32) + 0.5) / DETAIL_SIDE
    shifts = (down, right, down * centres[:, None], right * centres)
    every = np.stack([np.ones_like(fine), fine, *shifts, *components])
    return _inside(every).reshape(len(every), -1)


def _rows(*pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the fine detail of pictures: rows of cells inside."""
    return _inside(np.stack([_fine(picture) for picture in pictures])).reshape(len(pictures), -1)


def _correlate(mine: NDArray[np.float32], theirs: NDArray[np.float32]) -> bool:
    """Return whether two particular parts, shape (120, 120), are one."""
    products, squares, others = (_blocks(values) for values in (mine * theirs, mine**2, theirs**2))
    energies = squares + others
    differences = energies - 2 * products
    cells = _BLOCK_SIDE**2
    worst = int(differences.argmax())
    most = np.sqrt(differences[worst] / cells)
    if most <= _MOST_DIFFERENT:
        return True
    whole = products.sum() / np.sqrt(squares.sum() * others.sum() + _TINY)
    elsewhere = np.where(differences > energies / 2, differences, 0).max()
    usual = _TIMES_THE_MEDIAN * np.sqrt(np.median(differences) / cells)
    if whole >= _ALIKE and np.sqrt(elsewhere / cells) <= max(_MOST_DIFFERENT_IF_ALIKE, usual):
        return True
    if most >= _CLEARLY_DIFFERENT and differences[worst] > (1 - _LEAST_EXPLAINED) * energies[worst]:
        return False
    less, more = np.sqrt(np.minimum(squares, others) / cells), np.sqrt(np.maximum(squares, others) / cells)
    shown = (less >= _TEXTURE) | (more >= _MARK)
    if not shown.any():
        return bool(whole >= _LEAST_CORRELATION)
    half = np.median(products[shown] / np.sqrt(squares[shown] * others[shown] + _TINY))
    return bool(whole >= _LEAST_CORRELATION and half >= _LEAST_IN_HALF and whole + half >= _LEAST_SUM)


def _blocks(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum over blocks of 15x15 cells: shape (64,)."""
    count = len(values) // _BLOCK_SIDE
    sums: NDArray[np.float32] = values.reshape(count, _BLOCK_SIDE, count, _BLOCK_SIDE).sum(axis=(1, 3)).reshape(-1)
    return sums


def _inside(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    return pictures[:, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN]


def _fine(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keep the detail that a copy keeps: neither the finest, nor slow gradients."""
    return blur(picture, _FINEST) - blur(picture, _COARSEST)


def _refined(whole: NDArray[np.float32], part: NDArray[np.float32], window: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring a window from the precision of fingerprints to that of details: Lucas and Kanade's steps."""
    template = blur(part, _FINEST)
    centres = (np.arange(DETAIL_SIDE, dtype=np.float32) + 0.5) / DETAIL_SIDE
    for _ in range(_STEPS):
        seen = blur(_warped(whole, window), _FINEST)
        down, right = np.gradient(seen)
        down, right = down * DETAIL_SIDE / window[2], right * DETAIL_SIDE / window[3]
        jacobian = np.stack([down, right, down * centres[:, None], right * centres]).reshape(4, -1)
        hessian = jacobian @ jacobian.T
        hessian += 1e-3 * np.diag(1 + hessian.diagonal())
        change = np.linalg.solve(hessian, jacobian @ (template - seen).reshape(-1))
        window = window + np.clip(change, -_LONGEST_STEP, _LONGEST_STEP)
        shares = np.clip(window[2:], LEAST_CROPPED_SIDE, 1)
        window = np.concatenate([np.clip(window[:2], 0, 1 - shares), shares])
    return window


def _warped(pictures: NDArray[np.float32], window: NDArray[np.float64]) -> NDArray[np.float32]:
    """Resample one window of a picture, or of several, by linear interpolation."""
    top, left, height, width = window
    rows = _between(np.moveaxis(pictures, -2, 0), top, height)
    columns = _between(np.moveaxis(rows, -1, 0), left, width)
    return np.ascontiguousarray(np.moveaxis(columns, (1, 0), (-2, -1)))


def _between(lines: NDArray[np.float32], start: float, share: float) -> NDArray[np.float32]:
    """Interpolate along the first axis, by weighting two neighbours: a tenth of the time of a matrix product."""
    side = DETAIL_SIDE
    positions = np.clip(side * (start + share * (np.arange(side) + 0.5) / side) - 0.5, 0, side - 1)
    lower = np.minimum(positions.astype(np.int64), side - 2)
    weights = (positions - lower).astype(np.float32).reshape(-1, *(1,) * (lines.ndim - 1))
    return np.asarray(lines[lower] + weights * (lines[lower + 1] - lines[lower]), dtype=np.float32)
