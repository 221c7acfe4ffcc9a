"""What is inside a folder that may be a split: its classes, by folders or by file names."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from photoclass.photos.class_names import clean_class_name
from photoclass.photos.sources.folders.parts import NO_CLASS, Aside
from photoclass.photos.sources.folders.tree import Folder
from photoclass.photos.sources.names import (
    class_key,
    fold,
    is_beside_photos,
    is_plain_container,
    is_unlabelled,
    split_of_name,
)
from photoclass.photos.table import HELD_OUT, VALID

# Folders by year, month or day divide a class; they are no classes that splits could have in common.
_DATE = re.compile(r"(19|20)\d\d([-_.]?\d\d){0,2}")
_SAME_FILES = 0.9


def inner_folder(folder: Folder) -> Folder:
    """Step into a folder's only folder, where that is no class: `train/train/cats`, `train/images/cats`."""
    while not folder.own_photos:
        rest = [kid for kid in folder.photo_folders.values() if not is_beside_photos(kid.name)]
        if len(rest) != 1:
            return folder
        [only] = rest
        says_nothing = (
            fold(only.name) == fold(folder.name)
            or is_plain_container(only.name)
            or (split_of_name(only.name) is not None and split_of_name(only.name) == split_of_name(folder.name))
        )
        if not (only.photo_folders or says_nothing or dotted_names(only)):
            return folder
        folder = only
    return folder


def beside_inner(folder: Folder, inner: Folder) -> list[Aside]:
    """Return the folders that `inner_folder` left beside its way: `train/masks` beside `train/images`."""
    found = []
    while folder is not inner:
        for kid in folder.photo_folders.values():
            if f"{inner.path}/".startswith(f"{kid.path}/"):
                way = kid
            else:
                found.append(Aside(kid, NO_CLASS))
        folder = way
    return found


def classes_in(folder: Folder, *, by_any_pattern: bool = False) -> frozenset[str]:
    """Return the names of the classes that a split folder would have: of its folders, else by its file names."""
    inner = inner_folder(folder)
    if inner.photo_folders:
        return frozenset(
            clean_class_name(name)
            for name in inner.photo_folders
            if not (is_unlabelled(name) or is_beside_photos(name) or is_plain_container(name))
        )
    labels = inner.labelled_names if by_any_pattern else inner.dotted_names
    return frozenset(map(clean_class_name, set(labels.labels.values())))


def dotted_names(folder: Folder) -> bool:
    """Return whether the names of a folder's own files give two classes or more, as `cat.0.jpg` does."""
    return len(set(folder.dotted_names.labels.values())) > 1


def is_unlabelled_split(folder: Folder) -> bool:
    """Return whether a folder's name is that of valid or test photos, and no class is in it."""
    return split_of_name(folder.name) in (VALID, HELD_OUT) and not has_labels(folder)


def has_labels(folder: Folder) -> bool:
    """Return whether there are classes in a split folder; not in `test/test/1.jpg` or `test/unknown/1.jpg`."""
    return len(classes_in(folder, by_any_pattern=True)) > 1


def class_keys(names: Iterable[str]) -> frozenset[str]:
    """Return the keys of class names, so that names are compared as people would."""
    return frozenset(map(class_key, names))


def undated_keys(folder: Folder) -> frozenset[str]:
    """Return the keys of the classes that a split folder would have, without folders by date."""
    return frozenset(key for key in class_keys(classes_in(folder)) if not _DATE.fullmatch(key))


def have_same_files(folders: Sequence[Folder]) -> bool:
    """Return whether folders hold files of the same paths, but for endings: one set of photos in several forms."""
    stems = []
    for folder in folders:
        inner = inner_folder(folder)
        paths = (file.removeprefix(f"{inner.path}/") for file in inner.files())
        stems.append({path.rpartition(".")[0] or path for path in paths})
    least = min(map(len, stems))
    return all(len(stems[0] & other) >= _SAME_FILES * least for other in stems[1:])


def alike(folders: Sequence[Folder]) -> list[Folder]:
    """Return the folders that hold two classes or more which another of them holds too, and those with only such."""
    classes = {folder.path: undated_keys(folder) for folder in folders}
    holders: dict[str, set[str]] = defaultdict(set)
    for path, keys in classes.items():
        for key in keys:
            holders[key].add(path)
    several = {path for path in classes if _shares(path, classes, holders)}
    known: frozenset[str] = frozenset().union(*(classes[path] for path in several))
    return [folder for folder in folders if folder.path in several or frozenset() < classes[folder.path] <= known]


def _shares(path: str, classes: dict[str, frozenset[str]], holders: dict[str, set[str]]) -> bool:
    own = classes[path]
    if len(own) < 2:
        return False
    partners = set().union(*(holders[key] for key in own)) - {path}
    return any(len(own & classes[p]) >= max(2, min(len(own), len(classes[p])) / 2) for p in partners)
