"""Laying one fingerprint over a part of another, and measuring what the two do not share.

Lucas and Kanade (1981), "An iterative image registration technique", with four numbers: where the
part begins and how much it covers, along each side.
"""

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.decode import Pixels
from photoclass.photos.duplicates.fingerprint import FINGERPRINT_SIDE, LEAST_CROPPED_SIDE, sampling

# The search begins within 1.25 % of the side from the truth; six steps bring all of 1,800 cropped photos there.
_STEPS = 6
_LONGEST_STEP = 0.02
# What is not shared before the first step: of those 1,800 at most 0.43; of other look-alikes 0.5 and more, but for
# one in eighteen. Only what lies below is worth the steps.
_HOPELESS = 0.5
_POOLED_SIDE = FINGERPRINT_SIDE // 2
_BLOCK = 1024  # pairs at once, to bound memory


def unshared(
    whole: Pixels, part: Pixels, windows: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lay each `part` over its window of `whole`, as well as it goes, and tell the share of it that is not found there.

    Args:
        whole: Fingerprints, shape (N, 32, 32).
        part: Fingerprints, shape (N, 32, 32).
        windows: Shape (N, 4): top, left, height and width from which to begin, as shares of the sides.

    Returns:
        The squared differences over the variance of `part`, shape (N,), 0 for equal ones; and the windows found,
        shape (N, 4). Brightness and contrast are not adjusted: a much brighter copy is another picture.
    """
    blocks = [slice(start, start + _BLOCK) for start in range(0, len(whole), _BLOCK)]
    results = [_unshared(whole[block], part[block], windows[block]) for block in blocks]
    if not results:
        return np.zeros(0, dtype=np.float32), np.zeros((0, 4), dtype=np.float32)
    shares, found = zip(*results, strict=True)
    return np.concatenate(shares), np.concatenate(found)


def _unshared(
    whole: Pixels, part: Pixels, windows: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    cells, wanted = whole.astype(np.float32), part.astype(np.float32)
    spatial = windows.astype(np.float32)
    shares = _share_missing(_seen_through(spatial, cells), wanted)
    near = np.flatnonzero(shares < _HOPELESS)
    if len(near):
        cells, wanted, found = cells[near], wanted[near], spatial[near]
        for _ in range(_STEPS):
            found = _within_the_picture(found + _step(_seen_through(found, cells), wanted, found))
        shares[near] = _share_missing(_seen_through(found, cells), wanted)
        spatial[near] = found
    return shares, spatial


def _share_missing(seen: NDArray[np.float32], wanted: NDArray[np.float32]) -> NDArray[np.float32]:
    # At half the resolution: the finest detail depends on how the cells happen to cut it.
    seen, wanted = _pooled(seen), _pooled(wanted)
    differences = ((seen - wanted) ** 2).sum(axis=(1, 2))
    variances = ((wanted - wanted.mean(axis=(1, 2), keepdims=True)) ** 2).sum(axis=(1, 2))
    shares: NDArray[np.float32] = differences / (variances + 1e-6)
    return shares


def _seen_through(windows: NDArray[np.float32], cells: NDArray[np.float32]) -> NDArray[np.float32]:
    top, left, height, width = windows.T
    return np.asarray(sampling(top, height) @ cells @ sampling(left, width).transpose(0, 2, 1), dtype=np.float32)


def _step(seen: NDArray[np.float32], wanted: NDArray[np.float32], windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Solve for the change of the windows that brings `seen` closest to `wanted`, to first order."""
    down, right = np.gradient(seen, axis=(1, 2))
    down = down * FINGERPRINT_SIDE / windows[:, 2, None, None]
    right = right * FINGERPRINT_SIDE / windows[:, 3, None, None]
    centres = (np.arange(FINGERPRINT_SIDE, dtype=np.float32) + 0.5) / FINGERPRINT_SIDE
    slopes = np.stack([down, right, down * centres[:, None], right * centres], axis=1).reshape(len(seen), 4, -1)
    squares = slopes @ slopes.transpose(0, 2, 1)
    # A little damping: a picture of one colour has no slope to follow.
    damping = 1e-3 * (1 + squares.diagonal(axis1=1, axis2=2))
    squares += damping[:, :, None] * np.eye(4, dtype=np.float32)
    change = np.linalg.solve(squares, slopes @ (wanted - seen).reshape(len(seen), -1, 1))[:, :, 0]
    return np.asarray(np.clip(change, -_LONGEST_STEP, _LONGEST_STEP), dtype=np.float32)


def _within_the_picture(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    shares = np.clip(windows[:, 2:], LEAST_CROPPED_SIDE, 1)
    within: NDArray[np.float32] = np.hstack([np.clip(windows[:, :2], 0, 1 - shares), shares])
    return within


def _pooled(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    by_four = cells.reshape(len(cells), _POOLED_SIDE, 2, _POOLED_SIDE, 2)
    pooled: NDArray[np.float32] = by_four.mean(axis=(2, 4))
    return pooled
