"""What a photo looks like: 32x32 grey cells, and which of their slowest waves are positive.

The signs of a picture's lowest cosine coefficients hardly change when it is saved again or resized; mirrored, those of
odd columns turn over; cropped, they are those of a window of it. So one fingerprint gives the signs of all its windows.
After Zauner (2010), "Implementation and benchmarking of perceptual image hash functions", with signs in place of a
comparison with the median: signs of a mirror image are known without computing them.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from photoclass.photos.decode import Pixels

FINGERPRINT_SIDE = 32
# What a crop leaves of a side, and how far apart the places are at which it is looked for, as shares of the side.
_CROPPED_SIDE = 0.9
_STEP = 0.025
LEAST_CROPPED_SIDE = _CROPPED_SIDE - 2 * _STEP  # what aligning from there may still find
_WAVES = 8  # along each side: 64 coefficients, of which the first is brightness and says nothing

_ALONG_A_SIDE = ((0.0, 1.0), *((i * _STEP, _CROPPED_SIDE) for i in range(round((1 - _CROPPED_SIDE) / _STEP) + 1)))
# Shape (windows, 4): top, left, height and width as shares of the picture's sides; the first is the whole picture.
WINDOWS = np.array([(y, x, h, w) for y, h in _ALONG_A_SIDE for x, w in _ALONG_A_SIDE])
# Coefficients from the slowest wave to the fastest: the slow ones are large, and survive the most.
_ORDER = sorted(range(1, _WAVES**2), key=lambda i: ((i // _WAVES) ** 2 + (i % _WAVES) ** 2, i))
WAVES = len(_ORDER)
# Which waves turn over in a mirror image.
MIRRORED = np.array([i % _WAVES % 2 == 1 for i in _ORDER])


def fingerprint(picture: Pixels) -> Pixels:
    """Shrink a picture of any shape to 32x32 grey cells, each the mean of what it covers.

    Returns:
        Shape (32, 32), uint8.
    """
    # Shrink first: turning a large picture grey costs more than averaging it.
    height, width = picture.shape[:2]
    enough = 4 * FINGERPRINT_SIDE
    if height > enough and width > enough:
        picture = np.asarray(cv2.resize(picture, (enough, enough), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    how = cv2.INTER_AREA if min(grey.shape) >= FINGERPRINT_SIDE else cv2.INTER_LINEAR_EXACT
    return np.asarray(cv2.resize(grey, (FINGERPRINT_SIDE, FINGERPRINT_SIDE), interpolation=how), dtype=np.uint8)


def halved(fingerprints: Pixels) -> Pixels:
    """Shrink fingerprints to 16x16 cells: a quarter of the bytes, where many are kept.

    Args:
        fingerprints: Shape (N, 32, 32).
    """
    half = FINGERPRINT_SIDE // 2
    cells = fingerprints.reshape(-1, half, 2, half, 2).mean(axis=(2, 4), dtype=np.float32)
    return np.asarray(np.rint(cells), dtype=np.uint8)


def doubled(halves: Pixels) -> Pixels:
    """Bring halved fingerprints back to 32x32 cells, without the detail that they lost."""
    size = (FINGERPRINT_SIDE, FINGERPRINT_SIDE)
    grown = [cv2.resize(half, size, interpolation=cv2.INTER_CUBIC) for half in halves]
    return np.array(grown, dtype=np.uint8).reshape(-1, *size)


def waves_of_windows(fingerprints: Pixels) -> NDArray[np.float32]:
    """Compute the cosine coefficients of all windows of each fingerprint, from the slowest wave to the fastest.

    Args:
        fingerprints: Shape (N, 32, 32).

    Returns:
        Shape (63, N, windows).
    """
    return _waves(fingerprints, _TO_WAVES_OF_WINDOWS)


def waves_of_whole(fingerprints: Pixels) -> NDArray[np.float32]:
    """Compute the cosine coefficients of each whole fingerprint, shape (63, N)."""
    return _waves(fingerprints, _TO_WAVES_OF_WINDOWS[:_WAVES])[:, :, 0]


def signs(waves: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Pack which waves, the first axis, are positive: bit i is wave i."""
    packed = np.zeros(waves.shape[1:], dtype=np.uint64)
    for i, wave in enumerate(waves):
        packed |= (wave > 0).astype(np.uint64) << np.uint64(i)
    return packed


def sampling(start: NDArray[np.float32], share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the matrices that read 32 cells of a window along one side of a fingerprint, linear between cells.

    Args:
        start: Shape (N,), where the window begins, as a share of the side.
        share: Shape (N,), how much of the side it covers.

    Returns:
        Shape (N, 32, 32): `matrix @ side` is the window.
    """
    side = FINGERPRINT_SIDE
    centres = (np.arange(side, dtype=np.float32) + 0.5) / side
    spatial = side * (start[:, None] + share[:, None] * centres) - 0.5
    distances = np.abs(np.clip(spatial, 0, side - 1)[:, :, None] - np.arange(side, dtype=np.float32))
    weights: NDArray[np.float32] = np.maximum(0, 1 - distances)
    return weights


def _waves(fingerprints: Pixels, to_waves: NDArray[np.float32]) -> NDArray[np.float32]:
    count, spatial = len(fingerprints), len(to_waves) // _WAVES
    # Picture by picture, not as one large product: BLAS would share that among threads, which costs twice the time.
    along_rows = fingerprints.astype(np.float32) @ to_waves.T
    both = (to_waves @ along_rows).reshape(count, spatial, _WAVES, spatial, _WAVES)
    by_wave = both.transpose(2, 4, 0, 1, 3).reshape(_WAVES**2, count, spatial**2)
    return np.ascontiguousarray(by_wave[_ORDER])


def _matrix_to_waves() -> NDArray[np.float32]:
    k, x = np.meshgrid(np.arange(_WAVES), np.arange(FINGERPRINT_SIDE), indexing="ij")
    cosines = np.cos(np.pi * k * (2 * x + 1) / (2 * FINGERPRINT_SIDE)).astype(np.float32)
    starts, shares = np.array(_ALONG_A_SIDE, dtype=np.float32).T
    return np.concatenate(list(cosines @ sampling(starts, shares)))


_TO_WAVES_OF_WINDOWS = _matrix_to_waves()
