"""Which look-alikes may be copies: those whose particular parts correlate, once the set's common structure is out.

The common structure of a set is its typical photo, the directions in which its photos vary most (principal
components), slow gradients, and small shifts of the typical photo. What remains of a fingerprint is particular to
one photo: marks, texture and noise. It correlates with that of a copy (0.6 and more for most), and hardly with that
of another photo, so that the few best are compared in detail.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.duplicates.fingerprint import (
    FINGERPRINT_SIDE,
    LEAST_CROPPED_SIDE,
    WINDOWS,
    pooled,
    warp,
    warp_each,
)
from photoclass.photos.duplicates.registration import register

_COMPONENTS = 12
_PHOTOS_PER_COMPONENT = 16  # fewer photos would teach their own marks as what they have in common
_LEARNT_FROM = 256  # photos, for the principal components
_SLOW = 4  # slow gradients: cosines of fewer than so many half-waves, along both sides together
_BEST = 6  # candidates of each photo
_LEAST_CORRELATION = 0.3
_BLOCK = 1024
_PLACED_AT_ONCE = 256  # to bound memory
_DAMPING = 1e-5
# Returns the typical photo at windows of shape (N, 4), shape (N, 32, 32).
TypicalAt = Callable[[NDArray[np.float64]], NDArray[np.float32]]
_FLOOR = 1e-3  # grey levels; a photo without a particular part correlates with none


@dataclass(frozen=True)
class Placed:
    """Photos placed in the scene of their set by its typical photo.

    Attributes:
        cells: Fingerprints, turned as the typical photo is, shape (N, 32, 32).
        turned: Shape (N,), whether they are mirrored for this.
        window: Shape (N, 4), the part of the typical photo that each shows.
    """

    cells: NDArray[np.float32]
    turned: NDArray[np.bool_]
    window: NDArray[np.float64]


@dataclass(frozen=True)
class Likely:
    """Pairs of look-alikes whose particular parts correlate best.

    Attributes:
        first, second: Shape (P,), indices within the set.
        mirrored: Shape (P,), whether the second is mirrored, both turned as the typical photo is.
        window: Shape (P, 4), the part of the first that the second may be, as top, left, height and width.
        in_scene: Shape (P, 4), the same by their places in the scene; then, it is not mirrored.
        correlation: Shape (P,), of their particular parts, at 16x16 cells.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    mirrored: NDArray[np.bool_]
    window: NDArray[np.float64]
    in_scene: NDArray[np.float64]
    correlation: NDArray[np.float32]

    @classmethod
    def any_of(cls, found: Sequence["Likely"]) -> "Likely":
        """Return the pairs of several searches, with all their windows, but each of these once."""
        parts = [np.concatenate([getattr(each, part.name) for each in found]) for part in fields(cls)]
        keys = np.column_stack([part for part, of in zip(parts, fields(cls), strict=True) if of.name != "correlation"])
        _, rows = np.unique(keys, axis=0, return_index=True)
        return cls(*(part[rows] for part in parts))


@dataclass(frozen=True)
class _Hypotheses:
    """For each pair of a block of photos and all photos, the best correlation so far, and its hypothesis."""

    correlation: NDArray[np.float32]
    number: NDArray[np.int16]

    def improve(self, correlation: NDArray[np.float32], number: int) -> None:
        better = correlation > self.correlation
        self.correlation[better] = correlation[better]
        self.number[better] = number


def find_likely(placed: Placed, particular: NDArray[np.float32]) -> Likely:
    """Find, for each photo of a set of look-alikes, the few others that may be its copies.

    Every other photo is tried, whole and as each of `fingerprint.WINDOWS`, as it is and mirrored; and by its place in
    the scene, which is exact where the typical photo has structure enough.

    Args:
        placed: The photos.
        particular: What is particular to each, shape (N, 32, 32).
    """
    count = len(placed.cells)
    in_scene = _InScene.of(particular, placed.window)
    found: list[tuple[NDArray[np.int64], ...]] = []
    correlations = []
    for start in range(0, count, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, count))
        best = _Hypotheses(
            np.full((count, len(rows)), -1, dtype=np.float32), np.zeros((count, len(rows)), dtype=np.int16)
        )
        parts = particular[rows]
        as_they_are, mirrored = _normalised(parts), _normalised(parts[:, :, ::-1])
        for number, window in enumerate(WINDOWS):
            wholes = _normalised(warp(particular, window))
            best.improve(wholes @ as_they_are.T, number)
            best.improve(wholes @ mirrored.T, number + len(WINDOWS))
        either = np.maximum(best.correlation, in_scene.correlation(rows))
        either[rows, np.arange(len(rows))] = -1
        few = min(_BEST, count - 1)
        first = np.argpartition(-either, few - 1, axis=0)[:few]
        second = np.broadcast_to(np.arange(len(rows)), first.shape)
        correlation = either[first, second]
        kept = correlation >= _LEAST_CORRELATION
        found.append((first[kept], rows[second[kept]], best.number[first, second][kept].astype(np.int64)))
        correlations.append(correlation[kept])
    firsts, seconds, numbers = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return _with_windows(firsts, seconds, numbers, np.concatenate(correlations), placed.window)


def _with_windows(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    number: NDArray[np.int64],
    correlation: NDArray[np.float32],
    in_scene: NDArray[np.float64],
) -> Likely:
    outer, inner = in_scene[first], in_scene[second]
    share = np.clip(inner[:, 2:] / outer[:, 2:], LEAST_CROPPED_SIDE, 1)
    start = np.clip((inner[:, :2] - outer[:, :2]) / outer[:, 2:], 0, 1 - share)
    window, mirrored = WINDOWS[number % len(WINDOWS)].astype(np.float64), number >= len(WINDOWS)
    return Likely(first, second, mirrored, window, np.hstack([start, share]), correlation)


@dataclass(frozen=True)
class _InScene:
    """What is particular to each photo, at its place in the scene.

    Attributes:
        particular: Shape (N, 1024), in the typical photo's frame, 0 outside.
        inside: Shape (N, 1024), 1 where the photo covers the frame.
    """

    particular: NDArray[np.float32]
    inside: NDArray[np.float32]

    @classmethod
    def of(cls, particular: NDArray[np.float32], window: NDArray[np.float64]) -> "_InScene":
        back = np.hstack([-window[:, :2] / window[:, 2:], 1 / window[:, 2:]])
        centres = (np.arange(FINGERPRINT_SIDE) + 0.5) / FINGERPRINT_SIDE
        position = back[:, :2, None] + back[:, 2:, None] * centres
        within = ((position >= 0) & (position <= 1)).astype(np.float32)
        mask = within[:, 0, :, None] * within[:, 1, None, :]
        returned = np.sign(particular) * np.sqrt(np.abs(particular))
        returned = warp_each(returned, back) * mask
        return cls(returned.reshape(len(mask), -1), mask.reshape(len(mask), -1))

    def correlation(self, seconds: NDArray[np.int64]) -> NDArray[np.float32]:
        """Correlate every photo with these where both are inside, shape (N, seconds)."""
        mine, theirs = self.particular, self.particular[seconds]
        squares = (mine**2 @ self.inside[seconds].T) * (self.inside @ (theirs**2).T)
        return np.asarray(mine @ theirs.T / (np.sqrt(squares) + _FLOOR), dtype=np.float32)


def place(cells: NDArray[np.float32], typical: NDArray[np.float32]) -> Placed:
    """Place the photos of a set in its scene.

    Args:
        cells: Fingerprints, shape (N, 32, 32).
        typical: The set's typical photo, shape (32, 32).
    """
    shares: list[NDArray[np.float32]] = []
    windows: list[NDArray[np.float64]] = []
    for mirrored in (False, True):
        seen = cells[:, :, ::-1] if mirrored else cells
        unexplained = np.stack([((warp(typical[None], window) - seen) ** 2).sum(axis=(1, 2)) for window in WINDOWS])
        share, found = register(
            np.broadcast_to(typical, cells.shape), seen, WINDOWS[unexplained.argmin(axis=0)], hopeless=np.inf
        )
        shares.append(share)
        windows.append(found.astype(np.float64))
    turned = shares[1] < shares[0]
    window: NDArray[np.float64] = np.where(turned[:, None], windows[1], windows[0])
    cells = np.where(turned[:, None, None], cells[:, :, ::-1], cells)
    return Placed(cells, turned, window)


def take_out_common(placed: Placed, typical: NDArray[np.float32], exact: TypicalAt | None) -> NDArray[np.float32]:
    """Return what is particular to each photo: its cells without the common structure at its place.

    Args:
        placed: The photos.
        typical: The set's typical photo, shape (32, 32).
        exact: Returns the typical photo at any windows. Without it, cells are interpolated, which leaves something of
            the edges of the scene in what is taken for particular to a cropped photo.
    """
    common = _common_structure(placed.cells, typical)
    particular = np.zeros_like(placed.cells)
    for start in range(0, len(particular), _PLACED_AT_ONCE):
        span = slice(start, start + _PLACED_AT_ONCE)
        rows = placed.cells[span].reshape(-1, 1, FINGERPRINT_SIDE**2)
        there = warp_each(common[None], placed.window[span, None])
        if exact:
            there[:, 0] = exact(placed.window[span])
        rest = without(rows, there.reshape(*there.shape[:2], -1))
        # A lamp that has moved can pull a photo from its place.
        whole = without(rows, common.reshape(len(common), -1))
        better = (whole**2).sum(axis=2) < (rest**2).sum(axis=2)
        particular[span] = np.where(better[:, :, None], whole, rest).reshape(-1, *typical.shape)
    return particular


def _common_structure(cells: NDArray[np.float32], typical: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what the photos of a set have in common, shape (K, 32, 32); the first is the typical photo."""
    chosen = cells[np.unique(np.linspace(0, len(cells) - 1, min(len(cells), _LEARNT_FROM)).astype(np.int64))]
    rest = (chosen - typical).reshape(len(chosen), -1)
    count = min(_COMPONENTS, len(rest) // _PHOTOS_PER_COMPONENT)
    components = principal_components(rest, count).reshape(-1, *typical.shape)
    down, right = np.gradient(typical)
    centres = (np.arange(FINGERPRINT_SIDE, dtype=np.float32) + 0.5) / FINGERPRINT_SIDE
    shifts = np.stack([down, right, down * centres[:, None], right * centres])
    waves = np.cos(np.pi * np.arange(_SLOW)[:, None] * centres)
    slow = np.stack([np.outer(waves[i], waves[j]) for i in range(_SLOW) for j in range(_SLOW - i)])
    return np.concatenate([typical[None], components, shifts, slow]).astype(np.float32)


def principal_components(rows: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return the directions in which rows vary most, without subtracting their mean, shape (count, D) or fewer.

    A direction in which only few rows lie, such as the copies of one photo, is left out: it is theirs, not common.

    Args:
        rows: Shape (N, D), N smaller than D.
        count: How many directions.
    """
    _, mixtures = np.linalg.eigh((rows @ rows.T).astype(np.float64))
    taking_part = 1 / (mixtures**4).sum(axis=0)  # of each direction, as if so many rows had equal shares
    common = mixtures[:, taking_part >= len(rows) / 12]
    directions: NDArray[np.float32] = common[:, max(common.shape[1] - count, 0) :].T.astype(np.float32) @ rows
    return directions


def without(rows: NDArray[np.float32], common: NDArray[np.float32]) -> NDArray[np.float32]:
    """Subtract from each row what a linear combination of common rows explains of it: least squares.

    Args:
        rows: Shape (..., N, D).
        common: Shape (..., K, D).
    """
    lengths = np.linalg.norm(common, axis=-1, keepdims=True)
    basis = common / np.maximum(lengths, _FLOOR)
    transposed = np.swapaxes(basis, -1, -2)
    products = (basis @ transposed).astype(np.float64)
    products += _DAMPING * np.eye(products.shape[-1])  # common rows may depend on each other
    shares = np.linalg.solve(products, (basis @ np.swapaxes(rows, -1, -2)).astype(np.float64))
    return np.asarray(rows - np.swapaxes(shares, -1, -2).astype(np.float32) @ basis, dtype=np.float32)


def _normalised(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return cells as rows of 256, each of length 1; a root of them, so that one strong mark is not all that counts."""
    rows = pooled(cells).reshape(len(cells), -1)
    rows = np.sign(rows) * np.sqrt(np.abs(rows))
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + _FLOOR), dtype=np.float32)
