"""Folder layouts: the label and split of each file, from its folder and its name."""

import re
from collections.abc import Sequence

from photoclass.errors import DataError
from photoclass.photos.sources.labelled import FORMS, LabelledFiles, LabelledRow
from photoclass.photos.sources.listing import Listing
from photoclass.photos.sources.names import split_of_name
from photoclass.photos.sources.options import AS_IT_IS, ReadOptions
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID, SkippedPhoto
from photoclass.text import plural

_FLAT_NAME = re.compile(r"(?P<label>[^./]+)\.\d+\.[A-Za-z0-9]+", re.DOTALL)
_PHOTO_ENDING = re.compile(r"\.(jpe?g|jpe|jfif|png|webp|gif|bmp|tiff?|ppm|pgm|hei[cf]|avif|mpo)$", re.IGNORECASE)


def label_listing(listing: Listing, where: str, reading: ReadOptions = AS_IT_IS) -> LabelledFiles:
    """Find the label and split of each file in a listing.

    Args:
        listing: The content of the folder.
        where: The folder's path as the user wrote it, for messages.
        reading: Which folders are which split, where the user says so.

    Raises:
        DataError: The layout is unknown.
    """
    prefix = _descend(listing)
    labelled = LabelledFiles(
        skipped=list(listing.skipped), passed_over=list(listing.passed_over), notes=list(listing.notes)
    )
    tops = _children(listing, prefix)
    split_tops = {top: split for top in tops if (split := split_of_name(top)) is not None}
    if TRAIN in split_tops.values() and len(split_tops) == len(tops):
        for top, split in split_tops.items():
            _label_part(listing, f"{prefix}{top}/", split, labelled)
        if VALID not in split_tops.values():
            # Only train/, or train/ and test/: validation photos are still to be taken from train/.
            labelled.free_train_rows()
    elif TRAIN in split_tops.values() and len(set(split_tops.values())) > 1:
        others = ", ".join(f"{top}/" for top in tops if top not in split_tops)
        raise DataError(f"{where}: {others} beside {', '.join(f'{top}/' for top in split_tops)}; move it elsewhere")
    else:
        _label_part(listing, prefix, NO_SPLIT, labelled)
    if not labelled.rows and not labelled.class_folders:
        zips = [name for name in listing.beside if name.casefold().endswith(".zip") and "/" not in name]
        hint = f"; perhaps you mean {where}/{zips[-1]}" if zips else ""
        raise DataError(f"{where}: no class folders found; {FORMS}{hint}")
    return labelled


def label_of_name(file: str, class_names: Sequence[str]) -> str | None:
    """Return the class that a photo's path names, by a folder or by its flat name; None if it names none."""
    *folders, name = file.split("/")
    flat = _FLAT_NAME.fullmatch(name)
    if flat and flat["label"] in class_names:
        return flat["label"]
    return next((folder for folder in reversed(folders) if folder in class_names), None)


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
            labelled.rows.append(LabelledRow(file, top, split))
        elif not class_folders and (flat := _FLAT_NAME.fullmatch(top)):
            labelled.rows.append(LabelledRow(file, flat["label"], split))
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
