"""Labelled files: rows of file, class and split, and the table that is made from them."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from photoclass.errors import DataError
from photoclass.photos.table import NO_SPLIT, TRAIN, PassedOver, PhotoTable, SkippedPhoto, name_below, natural_key

FORMS = (
    "give class folders (DATA/cats/…, DATA/dogs/…), a folder with train/ and valid/, "
    "flat names (cat.0.jpg), a zip of these, or a CSV of image,label"
)


class LabelledRow(NamedTuple):
    """A photo of DATA.

    Attributes:
        file: Its path below DATA.
        label: Its class name.
        split: TRAIN, VALID, HELD_OUT or NO_SPLIT.
        group: What keeps it with other photos in one split; empty for nothing.
    """

    file: str
    label: str
    split: int
    group: str = ""


@dataclass
class LabelledFiles:
    """Rows from which a table is made, and what else was found in DATA."""

    rows: list[LabelledRow] = field(default_factory=list)
    class_folders: set[str] = field(default_factory=set)
    skipped: list[SkippedPhoto] = field(default_factory=list)
    passed_over: list[PassedOver] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def free_train_rows(self) -> None:
        """Take the split from the rows in train, where there is no valid: validation photos are yet to be chosen."""
        self.rows = [row._replace(split=NO_SPLIT) if row.split == TRAIN else row for row in self.rows]


def make_table(
    labelled: LabelledFiles, where: str, paths: dict[str, str] | None, root: str, to_train: bool = True
) -> PhotoTable:
    """Check the classes and make the table.

    Args:
        labelled: The rows.
        where: The path of DATA as the user wrote it; a photo's name is `where/file`.
        paths: The path of each file, where it is not `root/file`.
        root: The folder that contains the files.
        to_train: Whether these photos are for training. For scoring, one class is enough and empty classes are ignored.

    Raises:
        DataError: Two classes differ only by case, or there is no class; for training, also if there are fewer than two
            classes, or a class is empty or has no photo to train on.
    """
    rows = sorted(labelled.rows, key=lambda row: natural_key(row.file))
    filled = {row.label for row in rows}
    class_names = tuple(sorted(filled | labelled.class_folders if to_train else filled))
    _check_classes(where, class_names, filled, to_train)
    index = {name: i for i, name in enumerate(class_names)}
    splits = np.array([row.split for row in rows], dtype=np.int8)
    labels = np.array([index[row.label] for row in rows], dtype=np.int64)
    lacking = set(range(len(class_names))) - set(labels[splits <= TRAIN].tolist()) if to_train else set()
    for missing in sorted(lacking):
        raise DataError(f"{where}: class {class_names[missing]!r} has no photo in train/; add some or remove the class")
    names = tuple(name_below(where, row.file) if paths is None else row.file for row in rows)
    if paths is not None:
        located = tuple(paths[row.file] for row in rows)
    else:
        located = names if root == where else tuple(f"{root}/{row.file}" for row in rows)
    skipped = [SkippedPhoto(name_below(where, item.name), item.reason) for item in labelled.skipped]
    groups = tuple(row.group for row in rows) if any(row.group for row in rows) else ()
    table = PhotoTable(located, names, labels, splits, class_names, notes=tuple(labelled.notes), groups=groups)
    passed_over = [replace(item, example=name_below(where, item.example)) for item in labelled.passed_over]
    return table.with_skipped(skipped).with_passed_over(passed_over)


def _check_classes(where: str, class_names: tuple[str, ...], filled: set[str], to_train: bool) -> None:
    by_case: dict[str, str] = {}
    for name in class_names:
        other = by_case.setdefault(name.casefold(), name)
        if other != name:
            raise DataError(f"{where}: classes {other!r} and {name!r} differ only by case; give them one name")
    for name in class_names:
        if name not in filled:
            raise DataError(f"{where}: class {name!r} is empty; put photos into it or remove its folder")
    if len(class_names) < (2 if to_train else 1):
        found = f"only one class, {class_names[0]!r}" if class_names else "no class"
        raise DataError(f"{where}: {found}; at least {'two are' if to_train else 'one is'} needed: {FORMS}")
