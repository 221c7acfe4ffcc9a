"""The folders in a part of DATA: which are classes, and which stand beside the classes and are none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from photoclass.errors import DataError
from photoclass.photos.class_names import clean_class_name
from photoclass.photos.sources.folders.choices import CLASS, IGNORE, Choices
from photoclass.photos.sources.folders.inside import is_unlabelled_split
from photoclass.photos.sources.folders.parts import IGNORED, NO_CLASS, UNLABELLED, Aside, Part
from photoclass.photos.sources.folders.tree import Folder
from photoclass.photos.sources.names import (
    class_key,
    fold,
    is_beside_photos,
    is_no_class,
    is_plain_container,
    is_seldom_class,
    is_unlabelled,
    shares_word,
    split_of_name,
)
from photoclass.photos.sources.options import write_option
from photoclass.photos.table import NO_SPLIT, TRAIN

_MOST_SHOWN = 3


@dataclass
class ClassFolders:
    """The folders in a part.

    Attributes:
        classes: Those that are classes, with files in them.
        empty: Names of empty ones that may be classes.
        aside: Those that are passed over.
        without_photos: Those that are empty but for what the listing passes over, and that are no classes.
    """

    classes: list[Folder] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)
    without_photos: list[Folder] = field(default_factory=list)


def class_folders(folders: Sequence[Folder], part: Part, choices: Choices, in_several: frozenset[str]) -> ClassFolders:
    """Sort the folders in a part.

    Args:
        folders: The folders.
        part: The part that they are in.
        choices: What the user says of folders.
        in_several: Class names that are in several parts, and so are classes whatever they say.
    """
    found = ClassFolders()
    for kid in folders:
        if kind := _kind_of(kid, choices, in_several):
            may_be_class = kind != IGNORED and part.split in (NO_SPLIT, TRAIN)
            found.aside.append(Aside(kid, kind, may_be_class))
        elif kid.count:
            found.classes.append(kid)
        elif kid.has_others or is_seldom_class(kid.name) or split_of_name(kid.name) is not None:
            found.without_photos.append(kid)
        else:
            found.empty.append(clean_class_name(kid.name))
    return found


def files_of_class(folder: Folder, choices: Choices, aside: list[Aside]) -> Iterator[str]:
    """Yield the files of a class folder; `masks/` beside its photos or beside `images/` goes to `aside`."""
    yield from map(folder.file, folder.names)
    beside = [kid for kid in folder.photo_folders.values() if is_beside_photos(kid.name)]
    if not folder.own_photos and len(beside) == len(folder.photo_folders):
        beside = []
    for kid in folder.folders.values():
        if kid in beside and choices.by_name(kid.name) != CLASS:
            aside.append(Aside(kid, NO_CLASS))
        else:
            yield from files_of_class(kid, choices, aside)


def folder_in_class(folder: Folder) -> str:
    """Return the path of a folder in a class folder that could have been a class; empty if there is none."""
    inner = [kid for kid in folder.photo_folders.values() if not is_beside_photos(kid.name)]
    says_something = len(inner) > 1 or (
        inner and not is_plain_container(inner[0].name) and fold(inner[0].name) != fold(folder.name)
    )
    return inner[0].path if says_something else ""


def says_nothing(folder: Folder, choices: Choices) -> bool:
    """Return whether a lone folder is only where photos are: `photos`, `train`."""
    by_name = is_plain_container(folder.name) or split_of_name(folder.name) is not None
    return by_name and not folder.photo_folders and choices.of(folder.name) != CLASS


def have_no_labels(classes: Sequence[Folder], split: Folder, known: frozenset[str]) -> bool:
    """Return whether the folders in a valid or test folder are no classes: `test/test`, `test/images`, `test/0`.

    Args:
        classes: The folders.
        split: The folder of the split.
        known: Keys of the classes that are trained on.
    """
    if not known or any(class_key(kid.name) in known for kid in classes):
        return False
    return all(
        is_plain_container(kid.name)
        or kid.name.isdecimal()
        or fold(kid.name) == fold(split.name)
        or split_of_name(kid.name) is not None
        for kid in classes
    )


def refuse_seldom_classes(where: str, classes: Sequence[Folder], choices: Choices) -> None:
    """Ask whether a folder such as `labels/` or `masks/`, with photos as the classes have them, is a class.

    Raises:
        DataError: There is such a folder, and the user says nothing of it.
    """
    for kid in classes:
        others = [other for other in classes if other is not kid]
        if not others or not is_seldom_class(kid.name) or choices.by_name(kid.name):
            continue
        if not any(shares_word(kid.name, other.name) for other in others):  # mask/ beside no_mask/ is one
            named = ", ".join(f"{other.name}/" for other in others[:_MOST_SHOWN])
            raise DataError(
                f"{where}: {kid.path}/ holds photos; is it a class like {named}? Say it with "
                f"{write_option('--splits', {kid.name: CLASS})} or {write_option('--splits', {kid.name: IGNORE})}"
            )


def _kind_of(kid: Folder, choices: Choices, in_several: frozenset[str]) -> str:
    """Return as what a folder among the classes is passed over; empty if it is a class."""
    choice = choices.of(kid.name)
    if choice == IGNORE:
        return IGNORED
    if is_no_class(kid.name) and not choices.by_name(kid.name):
        return NO_CLASS
    if choice == CLASS:
        return ""
    if kid.count and not kid.has_photos:
        return NO_CLASS
    if is_unlabelled(kid.name) and clean_class_name(kid.name) not in in_several:
        return UNLABELLED
    return UNLABELLED if kid.count and is_unlabelled_split(kid) else ""
