"""Near-duplicates: the same picture re-encoded, resized, mirrored or slightly cropped. The only search for them.

If near-duplicates were in different splits, a network would be tested on what it has memorised: data leakage. A split
therefore keeps them together.
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.decode import Pixels
from photoclass.photos.duplicates.candidates import Candidates, Reader, find_candidates
from photoclass.photos.duplicates.fingerprint import WINDOWS
from photoclass.photos.duplicates.registration import register
from photoclass.progress import SILENT, Progress

# The share of a picture's variance that its near-duplicate does not explain. It is at most 0.03 for 1,800 cropped
# photos (0.001 for re-encoded ones), and at least 0.15 for all similar pairs among 20,000 different photos.
_MOST_UNEXPLAINED = 0.05
_CROPPED_BELOW = 0.97  # as a share of a side; a smaller difference may be due to rounding
_DIGEST_BYTES, _DIGESTED_AT_ONCE = 16, 4096


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


class FingerprintSource(Protocol):
    """Fingerprints that are read on demand, such as `photos.cache.store.Rows`."""

    def __len__(self) -> int:
        """Return the number of fingerprints."""

    def take(self, indices: NDArray[np.int64]) -> Pixels:
        """Return these fingerprints as a new array, shape (N, 32, 32)."""


def find_near_duplicates(fingerprints: Pixels | FingerprintSource, progress: Progress = SILENT) -> NearDuplicates:
    """Find near-duplicates: photos re-encoded, resized, mirrored, or cropped by up to about a tenth of either side.

    Photos with equal fingerprints are each paired with the first of them. Among the others, similar ones are registered
    with each other and compared.

    Args:
        fingerprints: Shape (N, 32, 32), uint8; or a source that reads a few at a time, so that memory stays bounded.
        progress: Receives progress reports.

    Returns:
        Each pair once, ordered by first and second.
    """
    read = _reader(fingerprints)
    first_equal = _first_equal(read, len(fingerprints))
    distinct = np.flatnonzero(first_equal == np.arange(len(fingerprints)))
    copies = np.flatnonzero(first_equal != np.arange(len(fingerprints)))
    no = np.zeros(len(copies), dtype=np.bool_)
    found = [NearDuplicates(first_equal[copies], copies, no, no)]
    if len(distinct) > 1:
        unexplained = [np.zeros(len(copies), dtype=np.float32)]
        with progress.task("Looking for near-duplicates", len(distinct)) as task:
            for candidates in find_candidates(lambda rows: read(distinct[rows]), len(distinct)):
                duplicates, variance = _confirm(candidates, distinct, read)
                found.append(duplicates)
                unexplained.append(variance)
                task.advance(candidates.looked_up)
        return _unique(found, np.concatenate(unexplained))
    return found[0]


def group_near_duplicates(fingerprints: Pixels | FingerprintSource, progress: Progress = SILENT) -> NDArray[np.int64]:
    """Group near-duplicates, and near-duplicates of those.

    Args:
        fingerprints: As for `find_near_duplicates`.
        progress: Receives progress reports.

    Returns:
        Shape (N,): for each photo, the smallest index in its group, which is its own if it has no near-duplicate.
    """
    return groups_of(find_near_duplicates(fingerprints, progress), len(fingerprints))


def groups_of(duplicates: NearDuplicates, count: int) -> NDArray[np.int64]:
    """Return, for each of `count` photos, the smallest index in its group: the connected components of the pairs."""
    leader = np.arange(count)
    for a, b in zip(duplicates.first.tolist(), duplicates.second.tolist(), strict=True):
        _join(leader, a, b)
    return np.array([_find(leader, i) for i in range(count)], dtype=np.int64)


def _reader(fingerprints: Pixels | FingerprintSource) -> Reader:
    if isinstance(fingerprints, np.ndarray):
        return lambda rows: np.asarray(fingerprints[rows], dtype=np.uint8)
    return fingerprints.take


def _first_equal(read: Reader, count: int) -> NDArray[np.int64]:
    """Return, for each photo, the first one with an equal fingerprint, so that all copies of a picture are found."""
    digests = np.zeros(count, dtype=f"V{_DIGEST_BYTES}")
    for start in range(0, count, _DIGESTED_AT_ONCE):
        rows = np.arange(start, min(start + _DIGESTED_AT_ONCE, count))
        for row, cells in zip(rows.tolist(), read(rows), strict=True):
            digests[row] = np.void(hashlib.blake2b(cells.tobytes(), digest_size=_DIGEST_BYTES).digest())
    _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    return np.asarray(first[inverse], dtype=np.int64)


def _confirm(
    candidates: Candidates, distinct: NDArray[np.int64], read: Reader
) -> tuple[NearDuplicates, NDArray[np.float32]]:
    """Return the candidates that are near-duplicates, and the variance of each that is not explained."""
    first, second = distinct[candidates.first], distinct[candidates.second]
    if not len(first):
        return NearDuplicates(first, second, candidates.mirrored, candidates.mirrored), np.zeros(0, dtype=np.float32)
    part = read(second)
    part[candidates.mirrored] = part[candidates.mirrored][:, :, ::-1]
    unexplained, windows = register(read(first), part, WINDOWS[candidates.window])
    cropped = windows[:, 2:].min(axis=1) < _CROPPED_BELOW
    duplicates = unexplained <= _MOST_UNEXPLAINED
    # Only a cropped pair has an order of its own.
    swapped = ~cropped & (first > second)
    first, second = np.where(swapped, second, first), np.where(swapped, first, second)
    return NearDuplicates(
        first[duplicates], second[duplicates], candidates.mirrored[duplicates], cropped[duplicates]
    ), unexplained[duplicates]


def _unique(found: list[NearDuplicates], unexplained: NDArray[np.float32]) -> NearDuplicates:
    """Concatenate blocks of pairs and keep each pair once, with the registration that explains the most."""
    first = np.concatenate([duplicates.first for duplicates in found])
    second = np.concatenate([duplicates.second for duplicates in found])
    mirrored = np.concatenate([duplicates.mirrored for duplicates in found])
    cropped = np.concatenate([duplicates.cropped for duplicates in found])
    low, high = np.minimum(first, second), np.maximum(first, second)
    order = np.lexsort((unexplained, high, low))
    is_new = np.ones(len(order), dtype=np.bool_)
    is_new[1:] = (np.diff(low[order]) != 0) | (np.diff(high[order]) != 0)
    kept = order[is_new]
    return NearDuplicates(first[kept], second[kept], mirrored[kept], cropped[kept])


def _find(leader: NDArray[np.int64], i: int) -> int:
    while leader[i] != i:
        leader[i] = leader[leader[i]]
        i = int(leader[i])
    return i


def _join(leader: NDArray[np.int64], a: int, b: int) -> None:
    first, second = sorted((_find(leader, a), _find(leader, b)))
    leader[second] = first
