"""Twins as findings: which photos show one picture, in which way, and whether they make a score a lie."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.table import PhotoTable
from photoclass.photos.duplicates.near_duplicates import Twins, groups_of

SAME_BYTES, SAME_PIXELS, NEAR = "same bytes", "same pixels", "near"
MIRRORED, CROPPED, MIRRORED_AND_CROPPED = "mirrored", "cropped", "mirrored and cropped"
KINDS = (SAME_BYTES, SAME_PIXELS, NEAR, MIRRORED, CROPPED, MIRRORED_AND_CROPPED)


@dataclass(frozen=True)
class TwinPair:
    """Two photos that show one picture.

    Attributes:
        first: Index of a photo; of a cropped pair, of the one that shows more.
        second: Index of a photo.
        kind: One of KINDS.
    """

    first: int
    second: int
    kind: str


@dataclass(frozen=True)
class TwinGroup:
    """Photos that show one picture, with the twins of twins.

    Attributes:
        photos: Their indices, in order.
        pairs: What makes them twins, pair by pair.
        across_classes: Whether they stand in two classes: one label must be wrong.
        across_splits: Whether they stand in two splits: a score is flattered.
    """

    photos: tuple[int, ...]
    pairs: tuple[TwinPair, ...]
    across_classes: bool
    across_splits: bool

    @property
    def kind(self) -> str:
        """The way in which they differ the most."""
        return max((pair.kind for pair in self.pairs), key=KINDS.index)


def twin_groups(
    twins: Twins, table: PhotoTable, contents: Sequence[bytes], pixels: NDArray[np.void]
) -> tuple[TwinGroup, ...]:
    """Group twins and name their kinds.

    Args:
        twins: What `photos.duplicates.near_duplicates.find_twins` found.
        table: The photos.
        contents: SHA-256 of each photo file.
        pixels: Shape (N,), a digest of each photo's pixels.

    Returns:
        Those in two classes first, then those in two splits, then the rest, each in the order of the photos.
    """
    group_of = groups_of(twins, len(table))
    pairs: dict[int, list[TwinPair]] = defaultdict(list)
    for number, (first, second) in enumerate(zip(twins.first.tolist(), twins.second.tolist(), strict=True)):
        if contents[first] == contents[second]:
            kind = SAME_BYTES
        elif pixels[first] == pixels[second]:
            kind = SAME_PIXELS
        elif twins.mirrored[number]:
            kind = MIRRORED_AND_CROPPED if twins.cropped[number] else MIRRORED
        else:
            kind = CROPPED if twins.cropped[number] else NEAR
        pairs[int(group_of[first])].append(TwinPair(first, second, kind))
    groups = []
    for of_group in pairs.values():
        photos = sorted({photo for pair in of_group for photo in (pair.first, pair.second)})
        in_two_classes, in_two_splits = (len(set(of[photos].tolist())) > 1 for of in (table.labels, table.splits))
        groups.append(TwinGroup(tuple(photos), tuple(of_group), in_two_classes, in_two_splits))
    return tuple(sorted(groups, key=lambda group: (not group.across_classes, not group.across_splits, group.photos)))
