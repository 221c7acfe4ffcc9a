"""Near-duplicates: the same picture saved again, resized, mirrored or cropped a little. The one way in which they are found.

A split that puts one on each side lets a network be asked what it has learnt by heart, so near-duplicates go together.
"""

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.decode import Pixels
from photoclass.photos.duplicates.alignment import unshared
from photoclass.photos.duplicates.candidates import Candidates, Reader, find_candidates
from photoclass.photos.duplicates.fingerprint import WINDOWS
from photoclass.progress import SILENT, Progress

# Of a picture's variance, what its near-duplicate does not explain. Of 1,800 cropped photos at most 0.03 (saved again: 0.001); of
# 20,000 different photos, 0.15 at least among all that look alike.
_MOST_UNSHARED = 0.05
_CROPPED_BELOW = 0.97  # of a side; what is less may be a matter of rounding
_DIGEST_BYTES, _DIGESTED_AT_ONCE = 16, 4096


@dataclass(frozen=True)
class NearDuplicates:
    """Pairs of photos that show one picture.

    Attributes:
        first: Shape (P,), indices of photos; of a cropped pair, the photo that shows more.
        second: Shape (P,), indices of photos.
        mirrored: Shape (P,), whether one is the mirror image of the other.
        cropped: Shape (P,), whether the second shows only a part of the first.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    mirrored: NDArray[np.bool_]
    cropped: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.first)


class FingerprintSource(Protocol):
    """Fingerprints that are read when they are asked for, as `photos.cache.store.Rows` are."""

    def __len__(self) -> int:
        """Return how many there are."""

    def take(self, indices: NDArray[np.int64]) -> Pixels:
        """Return these, as an array of its own, shape (N, 32, 32)."""


def find_near_duplicates(fingerprints: Pixels | FingerprintSource, progress: Progress = SILENT) -> NearDuplicates:
    """Find near-duplicates: saved again, resized, mirrored, or cropped by up to about a tenth of either side.

    Photos with one fingerprint are paired with the first of them; among the others those that look alike are aligned
    and compared.

    Args:
        fingerprints: Shape (N, 32, 32), uint8; or where to read them, a few at a time, so that memory stays bounded.
        progress: Receives progress reports.

    Returns:
        Each pair once, by first and second.
    """
    read = _reader(fingerprints)
    first_of_kind = _first_with_same_cells(read, len(fingerprints))
    kinds = np.flatnonzero(first_of_kind == np.arange(len(fingerprints)))
    copies = np.flatnonzero(first_of_kind != np.arange(len(fingerprints)))
    nothing = np.zeros(len(copies), dtype=np.bool_)
    found = [NearDuplicates(first_of_kind[copies], copies, nothing, nothing)]
    if len(kinds) > 1:
        shares = [np.zeros(len(copies), dtype=np.float32)]
        with progress.task("Looking for near-duplicates", len(kinds)) as task:
            for candidates in find_candidates(lambda rows: read(kinds[rows]), len(kinds)):
                duplicates, unshared_by = _confirmed(candidates, kinds, read)
                found.append(duplicates)
                shares.append(unshared_by)
                task.advance(candidates.looked_up)
        return _each_once(found, np.concatenate(shares))
    return found[0]


def group_near_duplicates(fingerprints: Pixels | FingerprintSource, progress: Progress = SILENT) -> NDArray[np.int64]:
    """Group near-duplicates, and the near-duplicates of near-duplicates.

    Args:
        fingerprints: As for `find_near_duplicates`.
        progress: Receives progress reports.

    Returns:
        Shape (N,): the smallest index among the near-duplicates of each photo (its own, where it has none).
    """
    return groups_of(find_near_duplicates(fingerprints, progress), len(fingerprints))


def groups_of(duplicates: NearDuplicates, count: int) -> NDArray[np.int64]:
    """Return the smallest index in the group of each of `count` photos, where near-duplicates of near-duplicates are one group."""
    leader = np.arange(count)
    for a, b in zip(duplicates.first.tolist(), duplicates.second.tolist(), strict=True):
        _join(leader, a, b)
    return np.array([_find(leader, i) for i in range(count)], dtype=np.int64)


def _reader(fingerprints: Pixels | FingerprintSource) -> Reader:
    if isinstance(fingerprints, np.ndarray):
        return lambda rows: np.asarray(fingerprints[rows], dtype=np.uint8)
    return fingerprints.take


def _first_with_same_cells(read: Reader, count: int) -> NDArray[np.int64]:
    """Return the first photo with the very cells of each: copies go together, however many look-alikes there are."""
    digests = np.zeros(count, dtype=f"V{_DIGEST_BYTES}")
    for start in range(0, count, _DIGESTED_AT_ONCE):
        rows = np.arange(start, min(start + _DIGESTED_AT_ONCE, count))
        for row, cells in zip(rows.tolist(), read(rows), strict=True):
            digests[row] = np.void(hashlib.blake2b(cells.tobytes(), digest_size=_DIGEST_BYTES).digest())
    _, first, kind = np.unique(digests, return_index=True, return_inverse=True)
    return np.asarray(first[kind], dtype=np.int64)


def _confirmed(
    candidates: Candidates, kinds: NDArray[np.int64], read: Reader
) -> tuple[NearDuplicates, NDArray[np.float32]]:
    """Keep the pairs that show one picture, with the share that they do not share."""
    first, second = kinds[candidates.first], kinds[candidates.second]
    if not len(first):
        return NearDuplicates(first, second, candidates.mirrored, candidates.mirrored), np.zeros(0, dtype=np.float32)
    part = read(second)
    part[candidates.mirrored] = part[candidates.mirrored][:, :, ::-1]
    shares, windows = unshared(read(first), part, WINDOWS[candidates.window])
    cropped = windows[:, 2:].min(axis=1) < _CROPPED_BELOW
    duplicates = shares <= _MOST_UNSHARED
    # Whole pictures have no order.
    turned = ~cropped & (first > second)
    first, second = np.where(turned, second, first), np.where(turned, first, second)
    return NearDuplicates(
        first[duplicates], second[duplicates], candidates.mirrored[duplicates], cropped[duplicates]
    ), shares[duplicates]


def _each_once(found: list[NearDuplicates], shares: NDArray[np.float32]) -> NearDuplicates:
    """Join blocks of pairs and keep each pair once, in the way in which it shares the most."""
    first = np.concatenate([duplicates.first for duplicates in found])
    second = np.concatenate([duplicates.second for duplicates in found])
    mirrored = np.concatenate([duplicates.mirrored for duplicates in found])
    cropped = np.concatenate([duplicates.cropped for duplicates in found])
    low, high = np.minimum(first, second), np.maximum(first, second)
    order = np.lexsort((shares, high, low))
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
