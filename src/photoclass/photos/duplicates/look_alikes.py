"""Sets of look-alikes: photos of one scene under one lamp, which share most of their variance without being copies.

Industrial parts on a fixture, X-rays, microscope slides, a camera at night: any two of them explain each other well,
so that similarity says nothing here. Such sets are found by a sample, and their photos are compared by what is
particular to each (`particular.py`, `detail.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.duplicates.candidates import Reader
from photoclass.photos.duplicates.fingerprint import WINDOWS, pooled, warp

_SAMPLE = 512
# Two photos look alike if their cells correlate this well. Among 20,000 photos of cats and dogs, no photo of a sample
# has more than two look-alikes in it.
_ALIKE = 0.85
# So many look-alikes make a set, in a sample of everything; in a sample of a large collection, fewer suffice.
_LEAST_ALIKE, _LEAST_ALIKE_IN_A_SAMPLE = 16, 5
# A photo belongs to a set if a window of the set's typical photo, perhaps mirrored, is like it.
_BELONGS = 0.7
_BLOCK = 1024


@dataclass(frozen=True)
class LookAlikes:
    """A set of look-alikes.

    Attributes:
        photos: Their indices, in order.
        likeness: Shape (N,), how well each correlates with a window of the typical photo.
        typical: The median of those that lie as most of them do, shape (32, 32), float32.
    """

    photos: NDArray[np.int64]
    likeness: NDArray[np.float32]
    typical: NDArray[np.float32]


def find_look_alikes(read: Reader, count: int) -> list[LookAlikes]:
    """Find the sets of look-alikes among `count` photos; each photo is in one set at most.

    Args:
        read: Returns fingerprints, shape (N, 32, 32), by index.
        count: The number of photos.
    """
    typical = list(_typical_photos(read, count))
    if not typical:
        return []
    views = np.concatenate([_views(one) for one in typical])
    chosen, likeness = np.full(count, -1), np.zeros(count, dtype=np.float32)
    for start in range(0, count, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, count))
        all_views = _normalised(pooled(read(rows).astype(np.float32))) @ views.T
        best = all_views.argmax(axis=1)
        likeness[rows] = all_views[np.arange(len(rows)), best]
        chosen[rows] = best // (len(views) // len(typical))
    chosen[likeness < _BELONGS] = -1
    sets = (np.flatnonzero(chosen == number) for number in range(len(typical)))
    return [LookAlikes(each, likeness[each], middle) for each, middle in zip(sets, typical, strict=True)]


def _typical_photos(read: Reader, count: int) -> Iterator[NDArray[np.float32]]:
    """Yield the typical photo of each set that a sample of the photos shows, the largest set first."""
    sample = np.unique(np.linspace(0, count - 1, min(count, _SAMPLE)).astype(np.int64))
    least = _LEAST_ALIKE if len(sample) == count else max(_LEAST_ALIKE_IN_A_SAMPLE, _LEAST_ALIKE * _SAMPLE // count)
    if len(sample) <= least:
        return
    cells = read(sample).astype(np.float32)
    rows = _normalised(pooled(cells))
    alike = rows @ rows.T >= _ALIKE
    np.fill_diagonal(alike, False)
    while (others := alike.sum(axis=1)).max() >= least:
        first = int(others.argmax())
        members = np.append(np.flatnonzero(alike[first]), first)
        typical = np.asarray(np.median(cells[members], axis=0), dtype=np.float32)
        yield typical
        taken = (rows @ _views(typical).T).max(axis=1) >= _BELONGS  # cropped or mirrored copies are no set of their own
        taken[members] = True
        alike[taken] = False
        alike[:, taken] = False


def _views(typical: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the windows of a picture, as they are and mirrored, as normalised rows of 256 cells."""
    windows = np.concatenate([pooled(warp(typical[None], window)) for window in WINDOWS])
    return _normalised(np.concatenate([windows, windows[:, :, ::-1]]))


def _normalised(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return cells as rows of mean 0 and length 1, so that a product is a correlation; 0 for a picture of one grey."""
    rows = cells.reshape(len(cells), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1), dtype=np.float32)
