"""Near twins: the same picture saved anew, at another size or another quality.

A split that puts one on each side lets a network be asked what it has learnt by heart, so twins go together.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from photoclass.photos.decode import Pixels

FINGERPRINT_SIDE = 16
# Two saves of one picture differ by rounding and compression: under two grey levels on average at 16x16, where
# every cell is the mean of many pixels. Different photos of one scene differ by more than ten.
_MAX_MEAN_DIFFERENCE = 3.0
_MAX_DIFFERENCE = 24
_BANDS = 4
# In a bucket of look-alikes (a thousand black pictures) each is compared with its next neighbours only; those
# chain the bucket together, and the work stays linear.
_NEIGHBOURS = 24


def fingerprint(picture: Pixels) -> Pixels:
    """Shrink a picture of any shape to 16x16 grey cells, each the mean of what it covers.

    Returns:
        Shape (16, 16), uint8.
    """
    # Shrink first: turning a large picture grey costs more than averaging it.
    height, width = picture.shape[:2]
    enough = 8 * FINGERPRINT_SIDE
    if height > enough and width > enough:
        picture = np.asarray(cv2.resize(picture, (enough, enough), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    how = cv2.INTER_AREA if min(grey.shape) >= FINGERPRINT_SIDE else cv2.INTER_LINEAR_EXACT
    return np.asarray(cv2.resize(grey, (FINGERPRINT_SIDE, FINGERPRINT_SIDE), interpolation=how), dtype=np.uint8)


def group_twins(fingerprints: Pixels) -> NDArray[np.int64]:
    """Group near twins.

    Perceptual hashes of 64 bits are cut into four bands. Twins that differ in at most three bits share a band for
    certain (pigeonhole), and most others do too, so only pictures in one bucket of a band are compared, by their
    fingerprints. After the pHash of Zauner (2010), "Implementation and benchmarking of perceptual image hash
    functions".

    Args:
        fingerprints: Shape (N, 16, 16), uint8.

    Returns:
        Shape (N,): the smallest index among the twins of each photo (its own, where it has none).
    """
    count = len(fingerprints)
    if count < 2:
        return np.arange(count)
    # Copies go together for certain, however many look-alikes stand between them.
    whole = np.ascontiguousarray(fingerprints).reshape(count, -1).view(np.dtype((np.void, FINGERPRINT_SIDE**2)))[:, 0]
    _, first, copy_of = np.unique(whole, return_index=True, return_inverse=True)
    leader = first[copy_of]
    bands = _perceptual_hash(fingerprints).view(np.uint16).reshape(count, _BANDS)
    for band in range(_BANDS):
        # Within a bucket, order by the other bands: the likest stand next to each other.
        order = np.lexsort([bands[:, (band + other) % _BANDS] for other in range(_BANDS - 1, -1, -1)])
        keys = bands[order, band]
        for step in range(1, _NEIGHBOURS + 1):
            same = np.flatnonzero(keys[step:] == keys[:-step])
            if not len(same):
                break
            left, right = order[same], order[same + step]
            twins = _are_twins(fingerprints, left, right)
            for a, b in zip(left[twins], right[twins], strict=True):
                _join(leader, int(a), int(b))
    return np.array([_find(leader, i) for i in range(count)], dtype=np.int64)


def _are_twins(fingerprints: Pixels, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.bool_]:
    result = np.zeros(len(left), dtype=np.bool_)
    block = 65_536  # pairs at once, to bound memory
    for start in range(0, len(left), block):
        span = slice(start, start + block)
        a = fingerprints[left[span]].astype(np.int16)
        difference = np.abs(a - fingerprints[right[span]]).reshape(len(a), -1)
        result[span] = (difference.mean(axis=1) <= _MAX_MEAN_DIFFERENCE) & (difference.max(axis=1) <= _MAX_DIFFERENCE)
    return result


def _perceptual_hash(fingerprints: Pixels) -> NDArray[np.uint64]:
    """Hash each fingerprint to 64 bits: which of its lowest 8x8 cosine coefficients lie above their median."""
    side = FINGERPRINT_SIDE
    k, x = np.meshgrid(np.arange(8), np.arange(side), indexing="ij")
    cosines = np.cos(np.pi * k * (2 * x + 1) / (2 * side)).astype(np.float32)
    hashes = np.empty(len(fingerprints), dtype=np.uint64)
    block = 65_536
    for start in range(0, len(fingerprints), block):
        part = fingerprints[start : start + block].astype(np.float32)
        spectrum = (cosines @ part @ cosines.T).reshape(len(part), -1)
        above = spectrum > np.median(spectrum, axis=1, keepdims=True)
        hashes[start : start + block] = np.packbits(above, axis=1).view(np.uint64)[:, 0]
    return hashes


def _find(leader: NDArray[np.int64], i: int) -> int:
    while leader[i] != i:
        leader[i] = leader[leader[i]]
        i = int(leader[i])
    return i


def _join(leader: NDArray[np.int64], a: int, b: int) -> None:
    first, second = sorted((_find(leader, a), _find(leader, b)))
    leader[second] = first
