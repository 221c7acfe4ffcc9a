"""Photos that may be near-duplicates, found among any number without comparing all with all.

Locality-sensitive hashing: in three tables, every photo stands under a key of up to 24 signs of its waves, once as it
is and once mirrored. Each window of each photo is looked up there under its own key and those with its three weakest
signs turned over (multi-probe: Lv et al., 2007, "Multi-Probe LSH"). The more photos, the longer the keys, so that a
look-up finds as few as ever, and the time grows as the number of photos does.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.decode import Pixels
from photoclass.photos.duplicates.fingerprint import MIRRORED, WAVES, signs, waves_of_whole, waves_of_windows

# Each table leaves out another third of the slowest waves, so one sign that differs is outside of one of them.
_TABLES = 3
_KEYED_WAVES = 36
_MOST_KEY_BITS, _LEAST_KEY_BITS = 24, 14
_WEAKEST = 3
# Of 63. Near-duplicates, cropped ones too, differ in 7 at most (1,800 photos); others that share a key in some twenty.
_MOST_DIFFERENT_SIGNS = 12
# In a bucket of look-alikes (a thousand product shots on white) only the likest are candidates, and work stays linear.
_MOST_FOUND = 24
_BLOCK = 256  # photos looked up at once, to bound memory and stay in the processor's cache

Reader = Callable[[NDArray[np.int64]], Pixels]


@dataclass(frozen=True)
class Candidates:
    """Pairs that may be near-duplicates: a window of the first, perhaps mirrored, may be the second.

    Attributes:
        first, second: Shape (P,), indices of photos.
        mirrored: Shape (P,).
        window: Shape (P,), index into `fingerprint.WINDOWS`.
        looked_up: How many photos were looked up for these.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    mirrored: NDArray[np.bool_]
    window: NDArray[np.int64]
    looked_up: int


def find_candidates(read: Reader, count: int) -> Iterator[Candidates]:
    """Find pairs that may be near-duplicates, block by block.

    Args:
        read: Gives fingerprints, shape (N, 32, 32), by index.
        count: How many photos there are.
    """
    blocks = [np.arange(start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK)]
    whole = np.concatenate([signs(waves_of_whole(read(block))) for block in blocks])
    mirror = np.uint64(sum(1 << int(i) for i in np.flatnonzero(MIRRORED)))
    standing = np.concatenate([whole, whole ^ mirror])
    bits = min(max(count.bit_length() + 3, _LEAST_KEY_BITS), _MOST_KEY_BITS)
    tables = [_Table.of(standing, number, bits) for number in range(_TABLES)]
    for block in blocks:
        waves = waves_of_windows(read(block))
        windows = waves.shape[2]
        waves = waves.reshape(WAVES, -1)
        looked_up = signs(waves)
        found = [table.find(waves, looked_up) for table in tables]
        query, entry = (np.concatenate(parts) for parts in zip(*found, strict=True))
        different = np.bitwise_count(looked_up[query] ^ standing[entry])
        first, second = block[query // windows], entry % count
        near = np.flatnonzero((different <= _MOST_DIFFERENT_SIGNS) & (first != second))
        first, second, mirrored, window = first[near], second[near], entry[near] >= count, query[near] % windows
        likest = _likest(first, second, mirrored, window, different[near])
        yield Candidates(first[likest], second[likest], mirrored[likest], window[likest], len(block))


def _likest(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    mirrored: NDArray[np.bool_],
    window: NDArray[np.int64],
    different: NDArray[np.uint8],
) -> NDArray[np.int64]:
    """Choose one window of each pair, mirrored or not: that with the fewest different signs."""
    order = np.lexsort((window, different, mirrored, second, first))
    pairs = np.stack([first, second, mirrored.astype(np.int64)])[:, order]
    is_new = np.ones(len(order), dtype=np.bool_)
    is_new[1:] = (pairs[:, 1:] != pairs[:, :-1]).any(axis=0)
    return order[is_new]


@dataclass(frozen=True)
class _Table:
    """Photos under keys of some of their signs.

    Attributes:
        waves: Which waves' signs make a key.
        order: Indices of what stands here, by key, then by its other signs.
        sorted_signs: Key and other signs of what stands here, in this order.
        starts: Where each key's bucket begins in `order`.
    """

    waves: tuple[int, ...]
    order: NDArray[np.int32]
    sorted_signs: NDArray[np.uint64]
    starts: NDArray[np.int32]

    @classmethod
    def of(cls, standing: NDArray[np.uint64], number: int, bits: int) -> "_Table":
        waves = tuple(i for i in range(_KEYED_WAVES) if i % _TABLES != number)[:bits]
        keys = _key(standing, waves)
        likeness = _with_key_first(keys, standing, bits)
        order = np.argsort(likeness).astype(np.int32)
        starts = np.zeros(2**bits + 1, dtype=np.int32)
        np.cumsum(np.bincount(keys, minlength=2**bits), out=starts[1:])
        return cls(waves, order, likeness[order], starts)

    def find(
        self, waves: NDArray[np.float32], looked_up: NDArray[np.uint64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return pairs of (index into what is looked up, index into what stands here)."""
        keys = _key(looked_up, self.waves)
        weakest = _weakest_bits(np.abs(waves[list(self.waves)]))
        queries, entries = [], []
        for turned in itertools.product((False, True), repeat=_WEAKEST):
            probe = keys.copy()
            for turn, bit in zip(turned, weakest, strict=True):
                if turn:
                    probe ^= bit
            begin, end = self.starts[probe], self.starts[probe + 1]
            query = np.flatnonzero(end > begin)
            begin, end = self._narrowed(begin[query], end[query], probe[query], looked_up[query])
            lengths = end - begin
            steps = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            queries.append(np.repeat(query, lengths))
            entries.append(self.order[np.repeat(begin, lengths) + steps])
        return np.concatenate(queries), np.concatenate(entries)

    def _narrowed(
        self,
        begin: NDArray[np.int32],
        end: NDArray[np.int32],
        probe: NDArray[np.int64],
        looked_up: NDArray[np.uint64],
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Of crowded buckets, keep what stands next to where the photo itself would."""
        crowded = np.flatnonzero(end - begin > _MOST_FOUND)
        if len(crowded):
            likeness = _with_key_first(probe[crowded], looked_up[crowded], len(self.waves))
            place = np.searchsorted(self.sorted_signs, likeness) - _MOST_FOUND // 2
            begin[crowded] = np.clip(place, begin[crowded], end[crowded] - _MOST_FOUND)
            end[crowded] = begin[crowded] + _MOST_FOUND
        return begin, end


def _key(packed: NDArray[np.uint64], waves: tuple[int, ...]) -> NDArray[np.int64]:
    key = np.zeros(len(packed), dtype=np.uint64)
    for place, wave in enumerate(waves):
        key |= (packed >> np.uint64(wave) & np.uint64(1)) << np.uint64(place)
    return key.astype(np.int64)


def _with_key_first(keys: NDArray[np.int64], packed: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    return keys.astype(np.uint64) << np.uint64(64 - bits) | packed >> np.uint64(bits)


def _weakest_bits(strengths: NDArray[np.float32]) -> list[NDArray[np.int64]]:
    """Return the bits of the weakest waves of each column, the weakest first, from shape (bits, N)."""
    # The place of a wave takes the last bits of its strength: one minimum then finds both.
    spatial = np.arange(len(strengths), dtype=np.int32)[:, None]
    ranked = (strengths.view(np.int32) & ~np.int32(31)) | spatial
    found = []
    for _ in range(_WEAKEST):
        least = ranked.min(axis=0)
        found.append(np.int64(1) << (least & 31).astype(np.int64))
        ranked = np.where(ranked == least, np.iinfo(np.int32).max, ranked)
    return found
