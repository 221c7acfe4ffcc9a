"""Whether photos are enough to train on: counted before they are split, so that a refusal names what DATA holds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.split import LEAST_IN_TRAIN, can_be_spared
from photoclass.photos.table import HELD_OUT, NO_SPLIT, SPLITS, TRAIN, VALID, PhotoTable
from photoclass.text import plural

_MOST_NAMED = 3
_SAMPLED = 3


def why_too_few(
    table: PhotoTable, groups: NDArray[np.int64], grouped_by: str = "", classes: Sequence[int] | None = None
) -> str:
    """Return why no model can be trained on photos; empty if they are enough.

    At least two different photos of each class are needed in train, and one of any class in valid.

    Args:
        table: The photos, with the splits that the user gave.
        groups: Shape (N,), the same number for photos that stay together: near-duplicates, and the user's groups.
        grouped_by: What the user groups photos by; empty for nothing.
        classes: The classes to look at, where the table has all photos of these alone; None for all.
    """
    trains = _may_train(table.splits, groups)
    labels = table.labels[trains]
    pairs = np.unique(np.stack([labels, groups[trains]]), axis=1)
    number = len(table.class_names)
    count, distinct = np.bincount(labels, minlength=number), np.bincount(pairs[0], minlength=number)
    few = [label for label in (range(number) if classes is None else classes) if distinct[label] < LEAST_IN_TRAIN]
    if few:
        return _describe_few(table, few, count, distinct, grouped_by)
    if classes is not None or (table.splits == VALID).any():
        return ""
    if not (table.splits == NO_SPLIT).any():
        return f"no {_photo(table)} is left for {SPLITS[VALID]}, which selects the model; add photos"
    if not can_be_spared(table.labels, groups, trains).any():
        return (
            f"no class has more than {LEAST_IN_TRAIN} {_different(grouped_by)}: these train, and none is left to "
            "validate with; add photos to at least one class"
        )
    return ""


def sample_of_classes(table: PhotoTable) -> NDArray[np.int64]:
    """Return the indices of a few photos of each class, far from each other: those of a burst are alike."""
    trains = np.isin(table.splits, (TRAIN, NO_SPLIT))
    rows: list[int] = []
    for label in range(len(table.class_names)):
        of_class = np.flatnonzero(trains & (table.labels == label))
        places = np.linspace(0, max(0, len(of_class) - 1), min(_SAMPLED, len(of_class)))
        rows += of_class[np.unique(places.round().astype(np.int64))].tolist()
    return np.array(sorted(rows), dtype=np.int64)


def without_two_pictures(table: PhotoTable, duplicates: NDArray[np.int64]) -> list[int]:
    """Return the classes of which fewer than two different photos are in a table."""
    pairs = np.unique(np.stack([table.labels, duplicates]), axis=1)
    distinct = np.bincount(pairs[0], minlength=len(table.class_names))
    return np.flatnonzero(distinct < LEAST_IN_TRAIN).tolist()


def _may_train(given: NDArray[np.int8], groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which photos the user gave to train, or left to be split; shape (N,)."""
    elsewhere, in_train = groups[np.isin(given, (VALID, HELD_OUT))], groups[given == TRAIN]
    free = (given == NO_SPLIT) & (np.isin(groups, in_train) | ~np.isin(groups, elsewhere))
    return np.asarray(free | (given == TRAIN))


def _describe_few(
    table: PhotoTable, few: Sequence[int], count: NDArray[np.int64], distinct: NDArray[np.int64], grouped_by: str
) -> str:
    described = [_describe_one(table, label, int(count[label]), int(distinct[label]), grouped_by) for label in few]
    which = described[0]
    if len(few) > 1:
        more = f"; and {len(few) - _MOST_NAMED:,} more" if len(few) > _MOST_NAMED else ""
        which = f"{len(few):,} classes have too few photos: {'; '.join(described[:_MOST_NAMED])}{more}"
    return (
        f"{which}; at least {LEAST_IN_TRAIN} {_different(grouped_by)} of each class are needed: add some, or leave a "
        "class out with --fixes (label -)"
    )


def _describe_one(table: PhotoTable, label: int, count: int, distinct: int, grouped_by: str) -> str:
    where = f" in {SPLITS[TRAIN]}" if (table.splits == TRAIN).any() else ""
    name = f"class {table.class_names[label]!r}"
    number = plural(count, _photo(table)) if count else f"no {_photo(table)}"
    if count < LEAST_IN_TRAIN or distinct >= LEAST_IN_TRAIN:
        return f"{name} has {number}{where}"
    one = f"one group (--group-by {grouped_by})" if grouped_by else "one picture"
    return f"{name} has {number}{where}, all of {one}"


def _photo(table: PhotoTable) -> str:
    return "readable photo" if table.skipped else "photo"


def _different(grouped_by: str) -> str:
    return "groups" if grouped_by else "different photos"
