"""Folder layouts: the label and split of each file, from its folder and its name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from photoclass.errors import DataError
from photoclass.photos.sources.listing import Listing
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID, PhotoTable, SkippedPhoto, natural_key
from photoclass.text import plural

_SPLIT_FOLDERS = {
    "train": TRAIN,
    "training": TRAIN,
    "valid": VALID,
    "val": VALID,
    "validation": VALID,
    "test": HELD_OUT,
    "test1": HELD_OUT,  # Kaggle's name
    "held_out": HELD_OUT,
}
_FLAT_NAME = re.compile(r"(?P<label>[^./]+)\.\d+\.[A-Za-z0-9]+", re.DOTALL)
_PHOTO_ENDING = re.compile(r"\.(jpe?g|jpe|jfif|png|webp|gif|bmp|tiff?|ppm|pgm|hei[cf]|avif|mpo)$", re.IGNORECASE)
_FORMS = (
    "give class folders (DATA/cats/…, DATA/dogs/…), a folder with train/ and valid/, "
    "flat names (cat.0.jpg), a zip of these, or a CSV of image,label"
)


@dataclass
class LabelledFiles:
    """Rows of (file, class name, split), from which a table is made."""

    rows: list[tuple[str, str, int]] = field(default_factory=list)
    class_folders: set[str] = field(default_factory=set)
    skipped: list[SkippedPhoto] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def label_listing(listing: Listing, where: str) -> LabelledFiles:
    """Find the label and split of each file in a listing.

    Args:
        listing: The content of the folder.
        where: The folder's path as the user wrote it, for messages.

    Raises:
        DataError: The layout is unknown.
    """
    prefix = _descend(listing)
    labelled = LabelledFiles(skipped=list(listing.skipped))
    tops = _children(listing, prefix)
    split_tops = {top: _SPLIT_FOLDERS[top.casefold()] for top in tops if top.casefold() in _SPLIT_FOLDERS}
    if TRAIN in split_tops.values() and len(split_tops) == len(tops):
        for top, split in split_tops.items():
            _label_part(listing, f"{prefix}{top}/", split, labelled)
        if VALID not in split_tops.values():
            # Only train/, or train/ and test/: validation photos are still to be taken from train/.
            labelled.rows = [(f, c, NO_SPLIT if s == TRAIN else s) for f, c, s in labelled.rows]
    elif TRAIN in split_tops.values() and len(set(split_tops.values())) > 1:
        others = ", ".join(f"{top}/" for top in tops if top not in split_tops)
        raise DataError(f"{where}: {others} beside {', '.join(f'{top}/' for top in split_tops)}; move it elsewhere")
    else:
        _label_part(listing, prefix, NO_SPLIT, labelled)
    if not labelled.rows and not labelled.class_folders:
        zips = [name for name in listing.files if name.casefold().endswith(".zip") and "/" not in name]
        hint = f"; perhaps you mean {where}/{zips[-1]}" if zips else ""
        raise DataError(f"{where}: no class folders found; {_FORMS}{hint}")
    return labelled


def label_of_name(file: str, class_names: Sequence[str]) -> str | None:
    """Return the class that a photo's path names, by a folder or by its flat name; None if it names none."""
    *folders, name = file.split("/")
    flat = _FLAT_NAME.fullmatch(name)
    if flat and flat["label"] in class_names:
        return flat["label"]
    return next((folder for folder in reversed(folders) if folder in class_names), None)


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
    rows = sorted(labelled.rows, key=lambda row: natural_key(row[0]))
    filled = {label for _, label, _ in rows}
    class_names = tuple(sorted(filled | labelled.class_folders if to_train else filled))
    _check_classes(where, class_names, filled, to_train)
    index = {name: i for i, name in enumerate(class_names)}
    splits = np.array([split for _, _, split in rows], dtype=np.int8)
    labels = np.array([index[label] for _, label, _ in rows], dtype=np.int64)
    lacking = set(range(len(class_names))) - set(labels[splits <= TRAIN].tolist()) if to_train else set()
    for missing in sorted(lacking):
        raise DataError(f"{where}: class {class_names[missing]!r} has no photo in train/; add some or remove the class")
    names = tuple(f"{where}/{file}" if paths is None else file for file, _, _ in rows)
    if paths is not None:
        located = tuple(paths[file] for file, _, _ in rows)
    else:
        located = names if root == where else tuple(f"{root}/{file}" for file, _, _ in rows)
    skipped = [SkippedPhoto(f"{where}/{item.name}", item.reason) for item in labelled.skipped]
    return PhotoTable(located, names, labels, splits, class_names, notes=tuple(labelled.notes)).with_skipped(skipped)


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
        raise DataError(f"{where}: {found}; at least {'two are' if to_train else 'one is'} needed: {_FORMS}")


def _label_part(listing: Listing, prefix: str, split: int, labelled: LabelledFiles) -> None:
    """Label the files below `prefix`: by class folder if there are any, otherwise by flat name."""
    class_folders = _children(listing, prefix)
    labelled.class_folders.update(class_folders)
    unlabelled = 0
    for file in listing.files:
        if not file.startswith(prefix):
            continue
        top, inside, _ = file[len(prefix) :].partition("/")
        if inside:
            labelled.rows.append((file, top, split))
        elif not class_folders and (flat := _FLAT_NAME.fullmatch(top)):
            labelled.rows.append((file, flat["label"], split))
        elif split == HELD_OUT and not class_folders:
            unlabelled += 1
        elif _PHOTO_ENDING.search(top):
            reason = "not in a class folder" if class_folders else "its name has no class (such as cat.0.jpg)"
            labelled.skipped.append(SkippedPhoto(file, reason))
    if unlabelled:
        labelled.notes.append(f"{prefix.rstrip('/')}: {plural(unlabelled, 'file')} without a class ignored")


def _descend(listing: Listing) -> str:
    """Step into a single outer folder (`photos.zip/photos/cats/…`), unless it is a class itself."""
    prefix = ""
    while True:
        tops = _children(listing, prefix)
        alone = len(tops) == 1 and not any(
            f.startswith(prefix) and "/" not in f[len(prefix) :] and _PHOTO_ENDING.search(f) for f in listing.files
        )
        if not alone:
            return prefix
        inner = f"{prefix}{tops[0]}/"
        holds_flat_names = any(_FLAT_NAME.fullmatch(f[len(inner) :]) for f in listing.files if f.startswith(inner))
        if not holds_flat_names and len(_children(listing, inner)) == 0:
            return prefix
        prefix = inner


def _children(listing: Listing, prefix: str) -> list[str]:
    return [f[len(prefix) :] for f in listing.folders if f.startswith(prefix) and "/" not in f[len(prefix) :]]
