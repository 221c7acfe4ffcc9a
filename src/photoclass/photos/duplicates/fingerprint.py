"""Fingerprints of photos, 32x32 grey cells, and their perceptual hash: the signs of their lowest DCT coefficients.

The signs of a picture's low-frequency coefficients (discrete cosine transform) hardly change when it is re-encoded or
resized. In a mirror image the signs of the odd columns flip, and a cropped picture has the signs of a window of the
whole one. One fingerprint therefore gives the hashes of all its windows and of their mirror images. After Zauner
(2010), "Implementation and Benchmarking of Perceptual Image Hash Functions", but with signs instead of a comparison
with the median, so that the hash of a mirror image need not be computed.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photoclass.photos.decode import Pixels
from photoclass.photos.duplicates.cells import grey_cells

FINGERPRINT_SIDE = 32
FINGERPRINT_VERSION = 4
# The part of a side that a crop keeps, and the step between the positions that are searched, as shares of the side.
_CROPPED_SIDE = 0.9
_STEP = 0.025
LEAST_CROPPED_SIDE = _CROPPED_SIDE - 2 * _STEP  # registration may find somewhat smaller windows
_FREQUENCIES = 8  # along each side: 64 coefficients, of which the first, mean brightness, is not used

_ALONG_A_SIDE = ((0.0, 1.0), *((i * _STEP, _CROPPED_SIDE) for i in range(round((1 - _CROPPED_SIDE) / _STEP) + 1)))
# Shape (windows, 4): top, left, height and width as shares of the picture's sides; the first is the whole picture.
WINDOWS = np.array([(y, x, h, w) for y, h in _ALONG_A_SIDE for x, w in _ALONG_A_SIDE])
# Coefficients from the lowest frequency to the highest: the low ones are large and robust.
_ORDER = sorted(range(1, _FREQUENCIES**2), key=lambda i: ((i // _FREQUENCIES) ** 2 + (i % _FREQUENCIES) ** 2, i))
COEFFICIENTS = len(_ORDER)
# Which coefficients change sign in a mirror image.
FLIPPED = np.array([i % _FREQUENCIES % 2 == 1 for i in _ORDER])


def fingerprint(picture: Image.Image) -> Pixels:
    """Average an RGB picture of any shape over 32x32 grey cells, uint8."""
    return grey_cells(picture, FINGERPRINT_SIDE)


def halved(fingerprints: Pixels) -> Pixels:
    """Shrink fingerprints to 16x16 cells, a quarter of the bytes, where many are kept.

    Args:
        fingerprints: Shape (N, 32, 32).
    """
    half = FINGERPRINT_SIDE // 2
    cells = fingerprints.reshape(-1, half, 2, half, 2).mean(axis=(2, 4), dtype=np.float32)
    return np.asarray(np.rint(cells), dtype=np.uint8)


def doubled(halves: Pixels) -> Pixels:
    """Enlarge halved fingerprints to 32x32 cells again, by cubic interpolation; the lost detail does not come back."""
    grown = _DOUBLING @ halves.astype(np.float32) @ _DOUBLING.T
    return np.asarray(np.rint(np.clip(grown, 0, 255)), dtype=np.uint8)


def dct_of_windows(fingerprints: Pixels) -> NDArray[np.float32]:
    """Compute the DCT coefficients of all windows of each fingerprint, from the lowest frequency to the highest.

    Args:
        fingerprints: Shape (N, 32, 32).

    Returns:
        Shape (63, N, windows).
    """
    return _dct(fingerprints, _DCT_OF_WINDOWS)


def dct_of_whole(fingerprints: Pixels) -> NDArray[np.float32]:
    """Compute the DCT coefficients of each whole fingerprint, shape (63, N)."""
    return _dct(fingerprints, _DCT_OF_WINDOWS[:_FREQUENCIES])[:, :, 0]


def sign_hash(coefficients: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Pack the signs of coefficients along the first axis: bit i is set if coefficient i is positive."""
    packed = np.zeros(coefficients.shape[1:], dtype=np.uint64)
    for i, coefficient in enumerate(coefficients):
        packed |= (coefficient > 0).astype(np.uint64) << np.uint64(i)
    return packed


def sampling(start: NDArray[np.float32], share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return matrices that resample a window to 32 cells along one side of a fingerprint, by linear interpolation.

    Args:
        start: Shape (N,), where the window begins, as a share of the side.
        share: Shape (N,), the share of the side that it covers.

    Returns:
        Shape (N, 32, 32): `matrix @ side` is the window.
    """
    side = FINGERPRINT_SIDE
    centres = (np.arange(side, dtype=np.float32) + 0.5) / side
    positions = side * (start[:, None] + share[:, None] * centres) - 0.5
    distances = np.abs(np.clip(positions, 0, side - 1)[:, :, None] - np.arange(side, dtype=np.float32))
    weights: NDArray[np.float32] = np.maximum(0, 1 - distances)
    return weights


def warp(cells: NDArray[np.float32], window: NDArray[np.float64]) -> NDArray[np.float32]:
    """Resample one window of each of several pictures to 32x32 cells.

    Args:
        cells: Shape (N, 32, 32).
        window: Shape (4,): top, left, height and width as shares of the sides. Beyond the picture, its edge goes on.
    """
    top, left, height, width = window.astype(np.float32)
    rows, columns = sampling(np.array([top, left]), np.array([height, width]))
    return np.asarray(rows @ cells @ columns.T, dtype=np.float32)


def warp_each(cells: NDArray[np.float32], windows: NDArray[np.floating]) -> NDArray[np.float32]:
    """Resample a window of each of several pictures, as `warp` does, with `cells` (..., 32, 32), `windows` (..., 4)."""
    flat = windows.reshape(-1, 4).astype(np.float32)
    shape = (*windows.shape[:-1], FINGERPRINT_SIDE, FINGERPRINT_SIDE)
    rows = sampling(flat[:, 0], flat[:, 2]).reshape(shape)
    columns = sampling(flat[:, 1], flat[:, 3]).reshape(shape)
    return np.asarray(rows @ cells @ np.swapaxes(columns, -1, -2), dtype=np.float32)


def pooled(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average cells two by two, shape (N, 16, 16): the finest detail depends on where the borders of cells happen."""
    rows = cells[:, ::2] + cells[:, 1::2]  # a third of the time of a mean over two axes
    return np.asarray((rows[:, :, ::2] + rows[:, :, 1::2]) / 4, dtype=np.float32)


def _dct(fingerprints: Pixels, basis: NDArray[np.float32]) -> NDArray[np.float32]:
    count, spans = len(fingerprints), len(basis) // _FREQUENCIES
    # Picture by picture, not as one large product: BLAS would spread that over threads, which takes twice the time.
    along_rows = fingerprints.astype(np.float32) @ basis.T
    both = (basis @ along_rows).reshape(count, spans, _FREQUENCIES, spans, _FREQUENCIES)
    by_frequency = both.transpose(2, 4, 0, 1, 3).reshape(_FREQUENCIES**2, count, spans**2)
    return np.ascontiguousarray(by_frequency[_ORDER])


def _basis() -> NDArray[np.float32]:
    """Return the cosines along one side, for the whole side and for each cropped span, shape (spans * 8, 32)."""
    k, x = np.meshgrid(np.arange(_FREQUENCIES), np.arange(FINGERPRINT_SIDE), indexing="ij")
    cosines = np.cos(np.pi * k * (2 * x + 1) / (2 * FINGERPRINT_SIDE)).astype(np.float32)
    starts, shares = np.array(_ALONG_A_SIDE, dtype=np.float32).T
    return np.concatenate(list(cosines @ sampling(starts, shares)))


def _doubling() -> NDArray[np.float32]:
    """Return the matrix that doubles one side by Keys' cubic convolution, shape (32, 16); beyond the edge, it goes on.

    Keys (1981), "Cubic Convolution Interpolation for Digital Image Processing", with a = -0.75. A cell's centre is a
    quarter of an old cell from the nearest old centre, so that four weights suffice, mirrored for every other cell.
    """
    half = FINGERPRINT_SIDE // 2
    weights = np.array([-0.03515625, 0.26171875, 0.87890625, -0.10546875], dtype=np.float32)
    matrix = np.zeros((FINGERPRINT_SIDE, half), dtype=np.float32)
    for cell in range(half):
        for place, weight in enumerate(weights):
            matrix[2 * cell, np.clip(cell - 2 + place, 0, half - 1)] += weight
            matrix[2 * cell + 1, np.clip(cell + 2 - place, 0, half - 1)] += weight
    return matrix


_DCT_OF_WINDOWS = _basis()
_DOUBLING = _doubling()
