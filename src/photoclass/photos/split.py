"""Splits: which photos train, which validate, and which are held out for the final score."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import SettingsError
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID

# So many different photos of each class are kept in train: one to learn from, and one to cross-validate with.
LEAST_IN_TRAIN = 2


@dataclass(frozen=True)
class SplitFractions:
    """Shares of the validation and the held-out photos; the rest is for training.

    Raises:
        SettingsError: A share is negative, or train or valid would get nothing.
    """

    valid: float = 0.1
    held_out: float = 0.1

    def __post_init__(self) -> None:
        if self.held_out < 0 or self.valid <= 0 or self.valid + self.held_out >= 1 - 1e-9:
            raise SettingsError(f"--split {self}: train and valid need a share above 0, and held-out one of 0 or more")

    def __str__(self) -> str:
        """Return the percentages as `--split` takes them: `80/10/10`."""
        train = 1 - self.valid - self.held_out
        return "/".join(f"{100 * share:.10g}" for share in (train, self.valid, self.held_out))

    @classmethod
    def parse(cls, text: str) -> "SplitFractions":
        """Read percentages of train, valid and held-out, such as `80/10/10`.

        Raises:
            SettingsError: They are not three numbers that add up to 100, or train or valid would get nothing.
        """
        try:
            train, valid, held_out = (float(part) for part in text.split("/"))
            adds_up = abs(train + valid + held_out - 100) < 1e-6
        except ValueError:
            adds_up = False
        if not adds_up:
            raise SettingsError(
                f"--split {text}: give the percentages of train, valid and held-out, which add up to 100: 80/10/10"
            )
        return cls(valid / 100, held_out / 100)


USUAL_FRACTIONS = SplitFractions()


def assign_splits(
    contents: Sequence[bytes],
    groups: NDArray[np.int64],
    labels: NDArray[np.int64],
    given: NDArray[np.int8],
    seed: int,
    fractions: SplitFractions = USUAL_FRACTIONS,
    *,
    grouped: bool = False,
) -> NDArray[np.int8]:
    """Assign a split to each photo that has none.

    A photo's split depends on its content and the seed alone: renaming, moving or adding photos does not change the
    splits of the others. Near-duplicates stay together, by the smallest content hash among them. A photo with a
    near-duplicate that the user gave a split gets the same one. If some photos are already held out, the rest is
    divided between train and valid.

    No class is starved: at least two different photos of each stay in train where there are that many, and a class of
    three or more has one in valid.

    Args:
        contents: Content hash of each photo.
        groups: Shape (N,), the same number for photos that stay together: near-duplicates, and the user's groups.
        labels: Shape (N,), class indices.
        given: Shape (N,), the user's splits, or NO_SPLIT.
        seed: Decides the splits.
        fractions: The shares of valid and held_out.
        grouped: Whether the user's groups are among them. A few large groups cannot be left to chance: they are divided
            by their counts, in the order of their hashes, and at least one is held out if train can spare it.

    Returns:
        Shape (N,), TRAIN, VALID or HELD_OUT.
    """
    splits = given.copy()
    free = splits == NO_SPLIT
    if not free.any():
        return splits
    held_out_share = 0.0 if (given == HELD_OUT).any() else fractions.held_out
    positions = _positions(contents, groups, seed)
    if grouped:
        positions = _evenly(positions, groups, labels)
    splits[free & (positions < 1 - held_out_share)] = VALID
    splits[free & (positions < 1 - held_out_share - fractions.valid)] = TRAIN
    splits[free & (positions >= 1 - held_out_share)] = HELD_OUT
    _follow_given(splits, groups, given)
    movable = ~np.isin(groups, groups[~free])
    for label in np.unique(labels):
        _fill_empty_splits(splits, positions, labels == label, movable, groups)
    for label in np.unique(labels):
        _feed_train(splits, positions, labels == label, movable, groups)
    if not (splits == VALID).any():
        _spare_a_group(splits, positions, labels, movable, groups, VALID)
    if grouped and held_out_share and not (splits == HELD_OUT).any():
        _spare_a_group(splits, positions, labels, movable, groups, HELD_OUT)
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


def _evenly(
    positions: NDArray[np.float64], groups: NDArray[np.int64], labels: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Spread the groups of each class evenly over [0, 1) by their counts, in the order of their positions.

    A group that spans several classes counts with the one that most of its photos have.
    """
    numbers, first, members, sizes = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    by_class = np.zeros((len(numbers), int(labels.max(initial=0)) + 1), dtype=np.int64)
    np.add.at(by_class, (members, labels), 1)
    main = by_class.argmax(axis=1)
    spread = np.zeros(len(numbers))
    for label in np.unique(main):
        mine = np.flatnonzero(main == label)
        mine = mine[np.argsort(positions[first[mine]], kind="stable")]
        ends = np.cumsum(sizes[mine])
        spread[mine] = (ends - sizes[mine] / 2) / ends[-1]
    return np.asarray(spread[members])


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


def _feed_train(
    splits: NDArray[np.int8],
    positions: NDArray[np.float64],
    in_class: NDArray[np.bool_],
    movable: NDArray[np.bool_],
    groups: NDArray[np.int64],
) -> None:
    """Move groups of a starved class to train: those nearest to the boundary, and the last one of valid only if needed.

    Moving to train takes nothing from the train photos of other classes, whatever classes a group spans.
    """
    while len(np.unique(groups[in_class & (splits == TRAIN)])) < LEAST_IN_TRAIN:
        donors = np.flatnonzero(in_class & movable & (splits != TRAIN))
        if not len(donors):
            return
        in_valid = groups[in_class & (splits == VALID)]
        spare = donors if len(np.unique(in_valid)) > 1 else donors[~np.isin(groups[donors], in_valid)]
        donors = spare if len(spare) else donors
        nearest = donors[np.argmin(positions[donors])]
        splits[groups == groups[nearest]] = TRAIN


def _spare_a_group(
    splits: NDArray[np.int8],
    positions: NDArray[np.float64],
    labels: NDArray[np.int64],
    movable: NDArray[np.bool_],
    groups: NDArray[np.int64],
    wanted: int,
) -> None:
    """Move the group nearest to the boundary from train to a split that is empty, if no class is starved by it."""
    spare = np.flatnonzero(movable & (splits == TRAIN) & can_be_spared(labels, groups, splits == TRAIN))
    if len(spare):
        nearest = spare[np.argmax(positions[spare])]
        splits[groups == groups[nearest]] = wanted


def can_be_spared(
    labels: NDArray[np.int64], groups: NDArray[np.int64], in_train: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which photos belong to groups that train can do without; shape (N,).

    Each class of such a group keeps LEAST_IN_TRAIN other groups in train.

    Args:
        labels: Shape (N,), class indices.
        groups: Shape (N,), the same number for photos that stay together.
        in_train: Shape (N,), which photos are in train.
    """
    pairs = np.unique(np.stack([groups[in_train], labels[in_train]]), axis=1)
    groups_of_class = np.bincount(pairs[1], minlength=int(labels.max(initial=0)) + 1)
    needed = pairs[0][groups_of_class[pairs[1]] <= LEAST_IN_TRAIN]
    return np.asarray(in_train & ~np.isin(groups, needed))
