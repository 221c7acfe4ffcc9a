"""Splits: which photos train, which validate, and which are held out for the final score."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import DataError
from photoclass.photos.table import HELD_OUT, NO_SPLIT, SPLITS, TRAIN, VALID


@dataclass(frozen=True)
class SplitFractions:
    """Shares of the validation and the held-out photos; the rest is for training."""

    valid: float = 0.1
    held_out: float = 0.1


def assign_splits(
    contents: Sequence[bytes],
    groups: NDArray[np.int64],
    labels: NDArray[np.int64],
    given: NDArray[np.int8],
    seed: int,
    fractions: SplitFractions = SplitFractions(),
) -> NDArray[np.int8]:
    """Assign a split to each photo that has none.

    A photo's split depends on its content and the seed alone: renaming, moving or adding photos does not change the
    splits of the others. Near-duplicates stay together, by the smallest content hash among them. A photo with a
    near-duplicate that the user gave a split gets the same one. If some photos are already held out, the rest is
    divided between train and valid.

    Args:
        contents: Content hash of each photo.
        groups: Shape (N,), the same number for near-duplicates.
        labels: Shape (N,), class indices.
        given: Shape (N,), the user's splits, or NO_SPLIT.
        seed: Decides the splits.
        fractions: The shares of valid and held_out.

    Returns:
        Shape (N,), TRAIN, VALID or HELD_OUT.
    """
    splits = given.copy()
    free = splits == NO_SPLIT
    if not free.any():
        return splits
    held_out_share = 0.0 if (given == HELD_OUT).any() else fractions.held_out
    positions = _positions(contents, groups, seed)
    splits[free & (positions < 1 - held_out_share)] = VALID
    splits[free & (positions < 1 - held_out_share - fractions.valid)] = TRAIN
    splits[free & (positions >= 1 - held_out_share)] = HELD_OUT
    _follow_given(splits, groups, given)
    movable = ~np.isin(groups, groups[~free])
    for label in np.unique(labels):
        _fill_empty_splits(splits, positions, labels == label, movable, groups)
    return splits


def _positions(contents: Sequence[bytes], groups: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Map each photo to a number in [0, 1), the same one for near-duplicates."""
    first: dict[int, bytes] = {}
    for content, group in zip(contents, groups.tolist(), strict=True):
        first[group] = min(content, first.get(group, content))
    salt = f"photoclass split {seed} ".encode()
    position = {
        group: int.from_bytes(hashlib.sha256(salt + content).digest()[:8], "big") / 2**64
        for group, content in first.items()
    }
    return np.array([position[group] for group in groups.tolist()])


def _follow_given(splits: NDArray[np.int8], groups: NDArray[np.int64], given: NDArray[np.int8]) -> None:
    """Give photos the split that the user gave their near-duplicates."""
    decided: dict[int, int] = {}
    for split in (HELD_OUT, VALID, TRAIN):  # if the user put near-duplicates into several splits, train wins
        decided.update(dict.fromkeys(groups[given == split].tolist(), split))
    for i in np.flatnonzero(given == NO_SPLIT):
        splits[i] = decided.get(int(groups[i]), splits[i])


def _fill_empty_splits(
    splits: NDArray[np.int8],
    positions: NDArray[np.float64],
    in_class: NDArray[np.bool_],
    movable: NDArray[np.bool_],
    groups: NDArray[np.int64],
) -> None:
    """Give a small class at least one photo in train and in valid, by moving the group nearest to the boundary."""
    for wanted in (TRAIN, VALID):
        if (splits[in_class] == wanted).any():
            continue
        train, held_out = (np.flatnonzero(in_class & movable & (splits == split)) for split in (TRAIN, HELD_OUT))
        groups_in_train = len(np.unique(groups[in_class & (splits == TRAIN)]))
        if wanted == TRAIN:
            donors = np.flatnonzero(in_class & movable)
        elif groups_in_train > 2 or not len(held_out):
            # Train is never emptied to fill valid.
            donors = train if groups_in_train > 1 else train[:0]
        else:
            donors = held_out
        if len(donors):
            order = positions[donors]
            nearest = donors[np.argmax(order) if donors is train else np.argmin(order)]
            splits[groups == groups[nearest]] = wanted


def check_splits(splits: NDArray[np.int8], labels: NDArray[np.int64], class_names: Sequence[str], where: str) -> None:
    """Refuse splits with which no model can be trained and validated.

    Raises:
        DataError: A class has no photo in train, or valid is empty.
    """
    for label, name in enumerate(class_names):
        if not ((labels == label) & (splits == TRAIN)).any():
            raise DataError(f"{where}: class {name!r} has no readable photo to train on; add some or remove the class")
    if not (splits == VALID).any():
        raise DataError(f"{where}: no readable photo is left for {SPLITS[VALID]}, which selects the model; add photos")
