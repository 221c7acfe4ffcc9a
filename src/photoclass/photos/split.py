"""Which photos train, which choose the model, and which are held out for an honest score."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import DataError
from photoclass.photos.table import HELD_OUT, NO_SPLIT, SPLITS, TRAIN, VALID


@dataclass(frozen=True)
class SplitFractions:
    """Shares of the photos, which sum to 1 with the training share."""

    valid: float = 0.1
    held_out: float = 0.1


def assign_splits(
    contents: Sequence[bytes],
    duplicates: NDArray[np.int64],
    labels: NDArray[np.int64],
    given: NDArray[np.int8],
    seed: int,
    fractions: SplitFractions = SplitFractions(),
) -> NDArray[np.int8]:
    """Give a split to each photo that has none.

    Where a photo goes is decided by its content and the seed alone: renaming, moving or adding photos changes nothing
    for the others. Near-duplicates go together, by the smallest content hash among them; a photo whose near-duplicate has a split
    from the user follows it. Where some photos are held out already, the rest is divided among train and valid.

    Args:
        contents: Content hash of each photo.
        near-duplicates: Shape (N,), the same number for photos that are near-duplicates.
        labels: Shape (N,), class indices.
        given: Shape (N,), the user's splits, or NO_SPLIT.
        seed: Another seed, another division.
        fractions: How large valid and held_out are to be.

    Returns:
        Shape (N,), TRAIN, VALID or HELD_OUT.

    Raises:
        DataError: A class has too few photos to train on some and choose by others.
    """
    splits = given.copy()
    free = splits == NO_SPLIT
    if not free.any():
        return splits
    held_out_share = 0.0 if (given == HELD_OUT).any() else fractions.held_out
    positions = _positions(contents, duplicates, seed)
    splits[free & (positions < 1 - held_out_share)] = VALID
    splits[free & (positions < 1 - held_out_share - fractions.valid)] = TRAIN
    splits[free & (positions >= 1 - held_out_share)] = HELD_OUT
    _follow_given(splits, duplicates, given)
    movable = ~np.isin(duplicates, duplicates[~free])
    for label in np.unique(labels):
        _give_each_side_one(splits, positions, labels == label, movable, duplicates)
    return splits


def _positions(contents: Sequence[bytes], duplicates: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Place each photo in [0, 1), near-duplicates at one place."""
    first: dict[int, bytes] = {}
    for content, group in zip(contents, duplicates.tolist(), strict=True):
        first[group] = min(content, first.get(group, content))
    salt = f"photoclass split {seed} ".encode()
    place = {
        group: int.from_bytes(hashlib.sha256(salt + content).digest()[:8], "big") / 2**64
        for group, content in first.items()
    }
    return np.array([place[group] for group in duplicates.tolist()])


def _follow_given(splits: NDArray[np.int8], duplicates: NDArray[np.int64], given: NDArray[np.int8]) -> None:
    decided: dict[int, int] = {}
    for split in (HELD_OUT, VALID, TRAIN):  # where the user's own near-duplicates stand on several sides, train wins
        decided.update(dict.fromkeys(duplicates[given == split].tolist(), split))
    for i in np.flatnonzero(given == NO_SPLIT):
        splits[i] = decided.get(int(duplicates[i]), splits[i])


def _give_each_side_one(
    splits: NDArray[np.int8],
    positions: NDArray[np.float64],
    of_class: NDArray[np.bool_],
    movable: NDArray[np.bool_],
    duplicates: NDArray[np.int64],
) -> None:
    """See that a small class has a photo in train and one in valid: move the group that lies nearest to the border."""
    for wanted in (TRAIN, VALID):
        if (splits[of_class] == wanted).any():
            continue
        train, held_out = (np.flatnonzero(of_class & movable & (splits == split)) for split in (TRAIN, HELD_OUT))
        groups_in_train = len(np.unique(duplicates[of_class & (splits == TRAIN)]))
        if wanted == TRAIN:
            donors = np.flatnonzero(of_class & movable)
        elif groups_in_train > 2 or not len(held_out):
            # Never empty train to fill valid.
            donors = train if groups_in_train > 1 else train[:0]
        else:
            donors = held_out
        if len(donors):
            spatial = positions[donors]
            nearest = donors[np.argmax(spatial) if donors is train else np.argmin(spatial)]
            splits[duplicates == duplicates[nearest]] = wanted


def check_splits(splits: NDArray[np.int8], labels: NDArray[np.int64], class_names: Sequence[str], where: str) -> None:
    """Refuse splits that cannot train and choose a model.

    Raises:
        DataError: A class has no photo in train, or there is none at all in valid.
    """
    for label, name in enumerate(class_names):
        if not ((labels == label) & (splits == TRAIN)).any():
            raise DataError(f"{where}: class {name!r} has no readable photo to train on; add some or remove the class")
    if not (splits == VALID).any():
        raise DataError(f"{where}: no readable photo is left for {SPLITS[VALID]}, which chooses the model; add photos")
