"""Near-duplicates as findings: groups of photos of the same picture, how they differ, and whether data leaks."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.duplicates.confirmation import NearDuplicates
from photoclass.photos.duplicates.near_duplicates import groups_of
from photoclass.photos.table import PhotoTable

SAME_BYTES, SAME_PIXELS, NEAR = "same bytes", "same pixels", "near-duplicate"
MIRRORED, CROPPED, MIRRORED_AND_CROPPED = "mirrored", "cropped", "mirrored and cropped"
KINDS = (SAME_BYTES, SAME_PIXELS, NEAR, MIRRORED, CROPPED, MIRRORED_AND_CROPPED)


@dataclass(frozen=True)
class DuplicatePair:
    """Two photos of the same picture.

    Attributes:
        first: Index of a photo; in a cropped pair, the one that shows more.
        second: Index of the other photo.
        kind: One of KINDS.
    """

    first: int
    second: int
    kind: str


@dataclass(frozen=True)
class DuplicateGroup:
    """Photos of the same picture: near-duplicates, and near-duplicates of those.

    Attributes:
        photos: Their indices, in order.
        pairs: The pairs that were found to be near-duplicates.
        across_classes: Whether they have different labels, so that one is probably wrong.
        across_splits: Whether they are in different splits, which is data leakage.
    """

    photos: tuple[int, ...]
    pairs: tuple[DuplicatePair, ...]
    across_classes: bool
    across_splits: bool

    @property
    def kind(self) -> str:
        """The kind of the pair that differs most."""
        return max((pair.kind for pair in self.pairs), key=KINDS.index)


def duplicate_groups(
    duplicates: NearDuplicates, table: PhotoTable, contents: Sequence[bytes], pixels: NDArray[np.void]
) -> tuple[DuplicateGroup, ...]:
    """Group near-duplicates, and name how they differ.

    Args:
        duplicates: Found by `photos.duplicates.near_duplicates.find_near_duplicates`.
        table: The photos.
        contents: SHA-256 of each photo file.
        pixels: Shape (N,), a digest of each photo's pixels.

    Returns:
        First the groups across classes, then those across splits, then the rest, each in the order of the photos.
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
    for group in pairs.values():
        photos = sorted({photo for pair in group for photo in (pair.first, pair.second)})
        across_classes = len(set(table.labels[photos].tolist())) > 1
        across_splits = len(set(table.splits[photos].tolist())) > 1
        groups.append(DuplicateGroup(tuple(photos), tuple(group), across_classes, across_splits))
    return tuple(sorted(groups, key=lambda group: (not group.across_classes, not group.across_splits, group.photos)))
