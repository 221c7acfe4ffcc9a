"""Candidate pairs of near-duplicates, found without comparing every photo with every other one.

Locality-sensitive hashing: each of three tables holds every photo twice, as it is and mirrored, under a key of up to 24
bits of its DCT sign hash. Each window of each photo is looked up under its own key, and under the keys with any of its
three least certain bits flipped (multi-probe: Lv et al., 2007, "Multi-Probe LSH: Efficient Indexing for
High-Dimensional Similarity Search"). Keys grow with the number of photos, so that the number of hits per look-up stays
constant and the time grows linearly.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.decode import Pixels
from photoclass.photos.duplicates.fingerprint import COEFFICIENTS, FLIPPED, dct_of_whole, dct_of_windows, sign_hash

# Each table leaves out another third of the lowest frequencies, so that one differing bit is outside one of the keys.
_TABLES = 3
_KEYED_COEFFICIENTS = 36
_MOST_KEY_BITS, _LEAST_KEY_BITS = 24, 14
_FLIPPED_BITS = 3
# Of 63. Near-duplicates, cropped ones too, differ in at most 7 bits (1,800 photos); other photos that share a key
# differ in about twenty.
_MOST_DIFFERENT_BITS = 12
# From a crowded bucket (such as a thousand product shots on white) only the most similar photos become candidates, so
# that the time stays linear.
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
        looked_up: The number of photos that were looked up.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    mirrored: NDArray[np.bool_]
    window: NDArray[np.int64]
    looked_up: int


def find_candidates(read: Reader, count: int) -> Iterator[Candidates]:
    """Find pairs that may be near-duplicates, block by block.

    Args:
        read: Returns fingerprints, shape (N, 32, 32), by index.
        count: The number of photos.
    """
    blocks = [np.arange(start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK)]
    whole = np.concatenate([sign_hash(dct_of_whole(read(block))) for block in blocks])
    flipped = np.uint64(sum(1 << int(i) for i in np.flatnonzero(FLIPPED)))
    hashes = np.concatenate([whole, whole ^ flipped])
    bits = min(max(count.bit_length() + 3, _LEAST_KEY_BITS), _MOST_KEY_BITS)
    tables = [_Table.of(hashes, number, bits) for number in range(_TABLES)]
    for block in blocks:
        coefficients = dct_of_windows(read(block))
        windows = coefficients.shape[2]
        coefficients = coefficients.reshape(COEFFICIENTS, -1)
        wanted = sign_hash(coefficients)
        found = [table.find(coefficients, wanted) for table in tables]
        query, entry = (np.concatenate(parts) for parts in zip(*found, strict=True))
        different = np.bitwise_count(wanted[query] ^ hashes[entry])
        first, second = block[query // windows], entry % count
        near = np.flatnonzero((different <= _MOST_DIFFERENT_BITS) & (first != second))
        first, second, mirrored, window = first[near], second[near], entry[near] >= count, query[near] % windows
        best = _most_similar(first, second, mirrored, window, different[near])
        yield Candidates(first[best], second[best], mirrored[best], window[best], len(block))


def _most_similar(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    mirrored: NDArray[np.bool_],
    window: NDArray[np.int64],
    different: NDArray[np.uint8],
) -> NDArray[np.int64]:
    """Choose one window of each pair, mirrored or not: the one with the fewest differing bits."""
    order = np.lexsort((window, different, mirrored, second, first))
    pairs = np.stack([first, second, mirrored.astype(np.int64)])[:, order]
    is_new = np.ones(len(order), dtype=np.bool_)
    is_new[1:] = (pairs[:, 1:] != pairs[:, :-1]).any(axis=0)
    return order[is_new]


@dataclass(frozen=True)
class _Table:
    """A hash table: photos under keys of some of their bits.

    Attributes:
        coefficients: Whose signs make a key.
        order: Indices of the entries, sorted by key and then by their other bits.
        sorted_hashes: Key and other bits of the entries, in this order.
        starts: Where the bucket of each key begins in `order`.
    """

    coefficients: tuple[int, ...]
    order: NDArray[np.int32]
    sorted_hashes: NDArray[np.uint64]
    starts: NDArray[np.int32]

    @classmethod
    def of(cls, hashes: NDArray[np.uint64], number: int, bits: int) -> "_Table":
        coefficients = tuple(i for i in range(_KEYED_COEFFICIENTS) if i % _TABLES != number)[:bits]
        keys = _key(hashes, coefficients)
        keyed = _with_key_first(keys, hashes, bits)
        order = np.argsort(keyed).astype(np.int32)
        starts = np.zeros(2**bits + 1, dtype=np.int32)
        np.cumsum(np.bincount(keys, minlength=2**bits), out=starts[1:])
        return cls(coefficients, order, keyed[order], starts)

    def find(
        self, coefficients: NDArray[np.float32], wanted: NDArray[np.uint64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return pairs of (index into `wanted`, index of an entry)."""
        keys = _key(wanted, self.coefficients)
        uncertain = _least_certain_bits(np.abs(coefficients[list(self.coefficients)]))
        queries, entries = [], []
        for flips in itertools.product((False, True), repeat=_FLIPPED_BITS):
            probe = keys.copy()
            for flip, bit in zip(flips, uncertain, strict=True):
                if flip:
                    probe ^= bit
            begin, end = self.starts[probe], self.starts[probe + 1]
            query = np.flatnonzero(end > begin)
            begin, end = self._narrow(begin[query], end[query], probe[query], wanted[query])
            lengths = end - begin
            steps = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            queries.append(np.repeat(query, lengths))
            entries.append(self.order[np.repeat(begin, lengths) + steps])
        return np.concatenate(queries), np.concatenate(entries)

    def _narrow(
        self,
        begin: NDArray[np.int32],
        end: NDArray[np.int32],
        probe: NDArray[np.int64],
        wanted: NDArray[np.uint64],
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Reduce crowded buckets to the entries around the position that the photo itself would have."""
        crowded = np.flatnonzero(end - begin > _MOST_FOUND)
        if len(crowded):
            keyed = _with_key_first(probe[crowded], wanted[crowded], len(self.coefficients))
            position = np.searchsorted(self.sorted_hashes, keyed) - _MOST_FOUND // 2
            begin[crowded] = np.clip(position, begin[crowded], end[crowded] - _MOST_FOUND)
            end[crowded] = begin[crowded] + _MOST_FOUND
        return begin, end


def _key(hashes: NDArray[np.uint64], coefficients: tuple[int, ...]) -> NDArray[np.int64]:
    key = np.zeros(len(hashes), dtype=np.uint64)
    for position, coefficient in enumerate(coefficients):
        key |= (hashes >> np.uint64(coefficient) & np.uint64(1)) << np.uint64(position)
    return key.astype(np.int64)


def _with_key_first(keys: NDArray[np.int64], hashes: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    return keys.astype(np.uint64) << np.uint64(64 - bits) | hashes >> np.uint64(bits)


def _least_certain_bits(magnitudes: NDArray[np.float32]) -> list[NDArray[np.int64]]:
    """Return the bits of the smallest coefficients of each column, the smallest first, from shape (bits, N)."""
    # The last bits of each magnitude are replaced by its row number, so that one minimum finds both.
    row = np.arange(len(magnitudes), dtype=np.int32)[:, None]
    ranked = (magnitudes.view(np.int32) & ~np.int32(31)) | row
    found = []
    for _ in range(_FLIPPED_BITS):
        least = ranked.min(axis=0)
        found.append(np.int64(1) << (least & 31).astype(np.int64))
        ranked = np.where(ranked == least, np.iinfo(np.int32).max, ranked)
    return found
