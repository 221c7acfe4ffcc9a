"""Near-duplicates as findings: which photos show one picture, in which way, and whether they make a score a lie."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.duplicates.near_duplicates import NearDuplicates, groups_of
from photoclass.photos.table import PhotoTable

SAME_BYTES, SAME_PIXELS, NEAR = "same bytes", "same pixels", "near"
MIRRORED, CROPPED, MIRRORED_AND_CROPPED = "mirrored", "cropped", "mirrored and cropped"
KINDS = (SAME_BYTES, SAME_PIXELS, NEAR, MIRRORED, CROPPED, MIRRORED_AND_CROPPED)


@dataclass(frozen=True)
class DuplicatePair:
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
class DuplicateGroup:
    """Photos that show one picture, with the near-duplicates of near-duplicates.

    Attributes:
        photos: Their indices, in order.
        pairs: What makes them near-duplicates, pair by pair.
        across_classes: Whether they stand in two classes: one label must be wrong.
        across_splits: Whether they stand in two splits: a score is flattered.
    """

    photos: tuple[int, ...]
    pairs: tuple[DuplicatePair, ...]
    across_classes: bool
    across_splits: bool

    @property
    def kind(self) -> str:
        """The way in which they differ the most."""
        return max((pair.kind for pair in self.pairs), key=KINDS.index)


def duplicate_groups(
    duplicates: NearDuplicates, table: PhotoTable, contents: Sequence[bytes], pixels: NDArray[np.void]
) -> tuple[DuplicateGroup, ...]:
    """Group near-duplicates and name their kinds.

    Args:
        near-duplicates: What `photos.duplicates.near_duplicates.find_near_duplicates` found.
        table: The photos.
        contents: SHA-256 of each photo file.
        pixels: Shape (N,), a digest of each photo's pixels.

    Returns:
        Those in two classes first, then those in two splits, then the rest, each in the order of the photos.
    """
    group_of = groups_of(duplicates, len(table))
    pairs: dict[int, list[DuplicatePair]] = defaultdict(list)
    for number, (first, second) in enumerate(zip(duplicates.first.tolist(), duplicates.second.tolist(), strict=True)):
        if contents[first] == contents[second]:
            kind = SAME_BYTES
        elif pixels[first] == pixels[second]:
            kind = SAME_PIXELS
        elif duplicates.mirrored[number]:
            kind = MIRRORED_AND_CROPPED if duplicates.cropped[number] else MIRRORED
        else:
            kind = CROPPED if duplicates.cropped[number] else NEAR
        pairs[int(group_of[first])].append(DuplicatePair(first, second, kind))
    groups = []
    for of_group in pairs.values():
        photos = sorted({photo for pair in of_group for photo in (pair.first, pair.second)})
        in_two_classes, in_two_splits = (len(set(of[photos].tolist())) > 1 for of in (table.labels, table.splits))
        groups.append(DuplicateGroup(tuple(photos), tuple(of_group), in_two_classes, in_two_splits))
    return tuple(sorted(groups, key=lambda group: (not group.across_classes, not group.across_splits, group.photos)))
