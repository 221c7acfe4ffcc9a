"""Labelled files: rows of file, class and split, and the table that is made from them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from photoclass.errors import DataError
from photoclass.photos.class_names import clean_class_name, has_control_characters, likeness, match_class
from photoclass.photos.sources.options import write_option
from photoclass.photos.table import NO_SPLIT, TRAIN, PassedOver, PhotoTable, SkippedPhoto, name_below, natural_key
from photoclass.text import plural

FORMS = (
    "give class folders (DATA/cats/…, DATA/dogs/…), a folder with train/ and valid/, "
    "flat names (cat.0.jpg), a zip or tar of these, or a table of image,label"
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
    """Rows from which a table is made, and what else was found in DATA.

    Attributes:
        rows: The photos that have a label.
        class_folders: Names of folders that are classes though nothing is in them.
        skipped: Files that cannot be used.
        passed_over: Files that are no photos or have no label, by kind.
        notes: What was assumed, one line each.
        columns: The columns of a label table.
        aside: Names of folders with photos that were not taken for classes.
        by_name_pattern: Whether a pattern of the file names was inferred to give the classes.
        in_order: Whether the rows are in natural order of their files.
    """

    rows: list[LabelledRow] = field(default_factory=list)
    class_folders: set[str] = field(default_factory=set)
    skipped: list[SkippedPhoto] = field(default_factory=list)
    passed_over: list[PassedOver] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    columns: tuple[str, ...] = ()
    aside: list[str] = field(default_factory=list)
    by_name_pattern: bool = False
    in_order: bool = False

    def put_in_order(self, files: Sequence[str]) -> None:
        """Put the rows into the order of a listing, which is natural: half the work of sorting 20,000 names again."""
        position = {file: number for number, file in enumerate(files)}
        self.rows.sort(key=lambda row: position[row.file])
        self.in_order = True

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
        DataError: Two classes differ only by case, a class name has control characters, or there is no class; for
            training, also if there are fewer than two classes, or a class is empty or has no photo to train on.
    """
    rows = labelled.rows if labelled.in_order else sorted(labelled.rows, key=lambda row: natural_key(row.file))
    given = {row.label for row in rows}
    clean = {name: _clean(name, where) for name in given | labelled.class_folders}
    filled = {clean[name] for name in given}
    class_names = tuple(sorted(set(clean.values()) if to_train else filled, key=natural_key))
    _check_classes(where, class_names, filled, labelled, to_train)
    number = {name: i for i, name in enumerate(class_names)}
    index = {name: number[clean[name]] for name in given}
    splits = np.array([row.split for row in rows], dtype=np.int8)
    labels = np.array([index[row.label] for row in rows], dtype=np.int64)
    lacking = set(range(len(class_names))) - set(labels[splits <= TRAIN].tolist()) if to_train else set()
    for missing in sorted(lacking):
        meant = match_class(class_names[missing], [class_names[i] for i in set(range(len(class_names))) - lacking])
        hint = f"; if it is {meant!r}, give both one name" if meant else ""
        if paths is None and not meant:
            hint = f", or leave it out with {write_option('--splits', {class_names[missing]: 'ignore'})}"
        raise DataError(
            f"{where}: class {class_names[missing]!r} has no photo in train/; add some or remove the class{hint}"
        )
    names = tuple(name_below(where, row.file) if paths is None else row.file for row in rows)
    if paths is not None:
        located = tuple(paths[row.file] for row in rows)
    else:
        located = names if root == where else tuple(f"{root}/{row.file}" for row in rows)
    skipped = [SkippedPhoto(name_below(where, item.name), item.reason) for item in labelled.skipped]
    groups = tuple(row.group for row in rows) if any(row.group for row in rows) else ()
    notes = (*labelled.notes, *_describe_spellings(clean), *_describe_likenesses(class_names))
    table = PhotoTable(located, names, labels, splits, class_names, notes=notes, groups=groups)
    passed_over = [replace(item, example=name_below(where, item.example)) for item in labelled.passed_over]
    return table.with_skipped(skipped).with_passed_over(passed_over)


def _clean(name: str, where: str) -> str:
    clean = clean_class_name(name)
    if not clean:
        raise DataError(f"{where}: the class name {name!a} has no visible letter; rename it")
    if has_control_characters(clean):
        raise DataError(f"{where}: the class name {name!a} has a line break or control character; rename it")
    return clean


def _describe_spellings(clean: Mapping[str, str]) -> Iterator[str]:
    """Note which names are one class, in a form that shows how they differ."""
    spellings: dict[str, list[str]] = {}
    for name in sorted(clean, key=natural_key):
        spellings.setdefault(clean[name], []).append(name)
    for class_name, names in spellings.items():
        if len(names) > 1:
            how = "they differ only in Unicode form, spaces or invisible characters"
            yield f"{' and '.join(map(ascii, names))} are one class, {class_name!r}: {how}"


def _describe_likenesses(class_names: Sequence[str]) -> Iterator[str]:
    """Note classes that people may mean as one: `black cat` beside `black_cat`, `cat` beside `cats`."""
    by_likeness: dict[str, str] = {}
    for name in class_names:
        other = by_likeness.setdefault(likeness(name), name)
        if other != name:
            yield f"{other!r} and {name!r} are two classes; if they are one, give both one name"


def _check_classes(
    where: str, class_names: tuple[str, ...], filled: set[str], labelled: LabelledFiles, to_train: bool
) -> None:
    by_case: dict[str, str] = {}
    for name in class_names:
        other = by_case.setdefault(name.casefold(), name)
        if other != name:
            raise DataError(f"{where}: classes {other!r} and {name!r} differ only by case; give them one name")
    for name in class_names:
        if name not in filled:
            raise DataError(f"{where}: {_describe_empty(name, labelled.skipped)}")
    if len(class_names) < (2 if to_train else 1):
        found = f"only one class, {class_names[0]!r}" if class_names else "no class"
        option = write_option("--splits", dict.fromkeys(labelled.aside, "class"))
        hint = f" (if what was passed over is a class: {option})" if labelled.aside else ""
        raise DataError(f"{where}: {found}; at least {'two are' if to_train else 'one is'} needed{hint}: {FORMS}")


def _describe_empty(name: str, skipped: Sequence[SkippedPhoto]) -> str:
    option = write_option("--splits", {name: "ignore"})
    of_class = [item for item in skipped if name in map(clean_class_name, item.name.split("/")[:-1])]
    if not of_class:
        return f"class {name!r} is empty; put photos into it, remove its folder, or leave it out with {option}"
    example = f"{of_class[0].name}: {of_class[0].reason}"
    count = plural(len(of_class), "file")
    return f"class {name!r} has {count} and none can be used (for example {example}); leave it out with {option}"
