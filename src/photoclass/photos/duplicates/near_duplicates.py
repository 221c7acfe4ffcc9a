"""Near-duplicates: the same picture re-encoded, resized, mirrored or slightly cropped. The only search for them.

If near-duplicates were in different splits, a network would be tested on what it has memorised: data leakage. A split
therefore keeps them together.
"""

import hashlib
from dataclasses import fields
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.decode import Pixels
from photoclass.photos.duplicates.candidates import Candidates, Reader, find_candidates
from photoclass.photos.duplicates.confirmation import NearDuplicates, Similar, confirm, confirm_look_alikes
from photoclass.photos.duplicates.detail import Details
from photoclass.photos.duplicates.fingerprint import WINDOWS
from photoclass.photos.duplicates.look_alikes import LookAlikes, find_look_alikes
from photoclass.progress import SILENT, Progress

# Photos less like a set of look-alikes than this are compared with all others, too.
_SURELY_ALIKE = 0.8
_DIGEST_BYTES, _DIGESTED_AT_ONCE = 16, 4096


class FingerprintSource(Protocol):
    """Fingerprints that are read on demand, such as `photos.cache.store.Rows`."""

    def __len__(self) -> int:
        """Return the number of fingerprints."""

    def take(self, indices: NDArray[np.int64]) -> Pixels:
        """Return these fingerprints as a new array, shape (N, 32, 32)."""


def find_near_duplicates(
    fingerprints: Pixels | FingerprintSource, progress: Progress = SILENT, details: Details | None = None
) -> NearDuplicates:
    """Find near-duplicates: photos re-encoded, resized, mirrored, or cropped by up to about a tenth of either side.

    Photos with equal fingerprints are each paired with the first of them. Among the others, similar ones are registered
    with each other and compared; look-alikes, photos of one scene under one lamp, by what is particular to each.

    Args:
        fingerprints: Shape (N, 32, 32), uint8; or a source that reads a few at a time, so that memory stays bounded.
        progress: Receives progress reports.
        details: Reads look-alikes again, to compare them in detail; without it, some of their copies are missed.

    Returns:
        Each pair once, ordered by first and second.
    """
    read = _reader(fingerprints)
    first_equal = _first_equal(read, len(fingerprints))
    distinct = np.flatnonzero(first_equal == np.arange(len(fingerprints)))
    copies = np.flatnonzero(first_equal != np.arange(len(fingerprints)))
    equal = _equal(first_equal[copies], copies)
    if len(distinct) < 2:
        return equal.as_duplicates()
    found = [equal]
    with progress.task("Looking for near-duplicates", len(distinct)) as task:
        sets = find_look_alikes(lambda rows: read(distinct[rows]), len(distinct))
        set_of, others = _sets_of_photos(sets, len(distinct))
        for look_alikes in sets:
            found.append(confirm_look_alikes(look_alikes, distinct, read, details))
        task.advance(len(distinct) - len(others))
        if len(others) > 1:
            for candidates in find_candidates(lambda rows: read(distinct[others[rows]]), len(others)):
                found.append(_confirm_candidates(candidates, others, set_of, distinct, read))
                task.advance(candidates.looked_up)
    return _unique(found)


def group_near_duplicates(
    fingerprints: Pixels | FingerprintSource, progress: Progress = SILENT, details: Details | None = None
) -> NDArray[np.int64]:
    """Group near-duplicates, and near-duplicates of those.

    Args:
        fingerprints: As for `find_near_duplicates`.
        progress: Receives progress reports.
        details: As for `find_near_duplicates`.

    Returns:
        Shape (N,): for each photo, the smallest index in its group, which is its own if it has no near-duplicate.
    """
    return groups_of(find_near_duplicates(fingerprints, progress, details), len(fingerprints))


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


def _sets_of_photos(sets: list[LookAlikes], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of each photo's set of look-alikes, or -1, and the photos to compare with all others."""
    set_of = np.full(count, -1)
    likeness = np.zeros(count, dtype=np.float32)
    for number, look_alikes in enumerate(sets):
        set_of[look_alikes.photos] = number
        likeness[look_alikes.photos] = look_alikes.likeness
    return set_of, np.flatnonzero(likeness < _SURELY_ALIKE)


def _confirm_candidates(
    candidates: Candidates,
    others: NDArray[np.int64],
    set_of: NDArray[np.int64],
    distinct: NDArray[np.int64],
    read: Reader,
) -> Similar:
    """Confirm candidates among `others`, except for pairs within one set of look-alikes."""
    first, second = others[candidates.first], others[candidates.second]
    apart = (set_of[first] != set_of[second]) | (set_of[first] < 0)
    window = WINDOWS[candidates.window[apart]]
    return confirm(distinct[first[apart]], distinct[second[apart]], candidates.mirrored[apart], window, read)


def _equal(first: NDArray[np.int64], second: NDArray[np.int64]) -> Similar:
    nothing = np.zeros(len(first), dtype=np.float32)
    whole = np.tile(np.array([0, 0, 1, 1], dtype=np.float32), (len(first), 1))
    return Similar(first, second, np.zeros(len(first), dtype=np.bool_), whole, nothing)


def _unique(found: list[Similar]) -> NearDuplicates:
    """Concatenate blocks of pairs and keep each pair once, with the registration that explains the most."""
    pairs = Similar(*(np.concatenate([getattr(block, field.name) for block in found]) for field in fields(Similar)))
    return pairs.once().as_duplicates()


def _find(leader: NDArray[np.int64], i: int) -> int:
    while leader[i] != i:
        leader[i] = leader[leader[i]]
        i = int(leader[i])
    return i


def _join(leader: NDArray[np.int64], a: int, b: int) -> None:
    first, second = sorted((_find(leader, a), _find(leader, b)))
    leader[second] = first
