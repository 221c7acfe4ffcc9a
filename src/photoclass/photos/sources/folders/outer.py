"""The outer folders of DATA, which hold no classes themselves, and what stands beside the classes and is none."""

from photoclass.photos.sources.folders.choices import IGNORE, Choices
from photoclass.photos.sources.folders.inside import is_unlabelled_split
from photoclass.photos.sources.folders.parts import IGNORED, NO_CLASS, UNLABELLED, Aside, Parts
from photoclass.photos.sources.folders.tree import Folder
from photoclass.photos.sources.names import (
    is_beside_photos,
    is_no_class,
    is_plain_container,
    is_seldom_class,
    is_unlabelled,
    split_of_name,
)


def step_into_outer_folders(folder: Folder, choices: Choices, found: Parts) -> Folder:
    """Step into the only folder that could hold classes: `photos/2024/cats`, `images/cats` beside `annotations/`."""
    while not folder.own_photos:
        aside, rest = _sort_outer_folders(folder, choices)
        if len(rest) != 1 or not _is_outer(rest[0]):
            return folder
        name = rest[0].name
        unsaid = [item for item in aside if item.kind != IGNORED]
        asks = any(is_seldom_class(item.folder.name) for item in unsaid) and not is_plain_container(name)
        if choices.by_name(name) or (unsaid and (asks or split_of_name(name) is not None)):
            return folder
        if aside and not is_plain_container(name):
            found.notes.append(f"{rest[0].path}/ holds the classes")
        found.aside += aside
        folder = rest[0]
    return folder


def _sort_outer_folders(folder: Folder, choices: Choices) -> tuple[list[Aside], list[Folder]]:
    """Return the folders in a folder that hold no classes, and the others."""
    aside: list[Aside] = []
    rest: list[Folder] = []
    for kid in folder.photo_folders.values():
        choice = choices.by_name(kid.name)
        if choice == IGNORE:
            aside.append(Aside(kid, IGNORED))
        elif choice:
            rest.append(kid)
        elif is_beside_photos(kid.name):
            aside.append(Aside(kid, NO_CLASS))
        elif is_unlabelled(kid.name) or is_unlabelled_split(kid):
            aside.append(Aside(kid, UNLABELLED))
        else:
            rest.append(kid)
    return aside, rest


def _is_outer(folder: Folder) -> bool:
    """Return whether a lone folder holds classes instead of being one."""
    says_nothing = is_plain_container(folder.name) or split_of_name(folder.name) is not None
    if folder.photo_folders:
        return says_nothing or 2 * folder.own_photos <= folder.count
    return bool(folder.dotted_names.labels) or (says_nothing and bool(folder.labelled_names.labels))


def is_aside(folder: Folder, choices: Choices, found: Parts) -> bool:
    """Pass over a folder that the user ignores, or whose name says that it is no class."""
    ignored = choices.of(folder.name) == IGNORE
    if ignored or (not choices.by_name(folder.name) and is_no_class(folder.name)):
        found.aside.append(Aside(folder, IGNORED if ignored else NO_CLASS, may_be_class=not ignored))
        return True
    return False
