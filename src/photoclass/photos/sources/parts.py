"""Where the classes are: the folders of DATA that are splits, by their words and by their structure.

A part is a folder whose folders or file names are classes. DATA without splits is one part.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from photoclass.errors import DataError
from photoclass.photos.class_names import clean_class_name
from photoclass.photos.sources.choices import CLASS, IGNORE, Choices
from photoclass.photos.sources.labelled import FORMS
from photoclass.photos.sources.names import (
    fold,
    is_no_class,
    is_plain_container,
    is_seldom_class,
    is_unlabelled,
    meaning,
    split_of_name,
)
from photoclass.photos.sources.tree import Folder
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID

UNLABELLED, NO_CLASS, IGNORED = "unlabelled photos", "files of folders that are no class", "files of ignored folders"
_MOST_NAMED = 6
_WORDS = {TRAIN: "train", VALID: "valid", HELD_OUT: "test"}


@dataclass(frozen=True)
class Aside:
    """A folder that is passed over, and as what."""

    folder: Folder
    kind: str


@dataclass(frozen=True)
class Part:
    """A folder whose folders or file names are classes.

    Attributes:
        folder: The folder.
        split: TRAIN, VALID, HELD_OUT or NO_SPLIT.
        without: Names of its folders that belong to other parts.
    """

    folder: Folder
    split: int
    without: frozenset[str] = frozenset()


@dataclass
class Parts:
    """What was found in DATA.

    Attributes:
        parts: Folders with classes in them.
        in_classes: Folders that are each one split of one class: (folder, class, split).
        aside: Folders that are passed over.
        splits: What was understood of split folders, by name.
    """

    parts: list[Part] = field(default_factory=list)
    in_classes: list[tuple[Folder, str, int]] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)
    splits: dict[str, int] = field(default_factory=dict)

    def add(self, folder: Folder, split: int) -> None:
        """Add a split folder."""
        self.parts.append(Part(folder, split))
        self.splits[folder.name] = split


def find_parts(root: Folder, where: str, choices: Choices) -> Parts:
    """Find where the classes are.

    Raises:
        DataError: Two readings are possible; the message names the folders and the option that decides.
    """
    found = Parts()
    folder = _step_into_outer_folders(root, choices, found)
    tops = [top for top in folder.photo_folders.values() if not _is_aside(top, choices, found)]
    finder = _Finder(where, choices, folder, tops, found)
    for reading in (finder.chosen, finder.by_words, finder.by_structure, finder.in_classes, finder.in_names):
        if reading():
            break
    else:
        finder.without_splits()
    return found


def inner_folder(folder: Folder) -> Folder:
    """Step into a folder's only folder, where that is no class: `train/train/cats`, `train/images/cats`."""
    while not folder.own_photos and len(folder.photo_folders) == 1:
        [only] = folder.photo_folders.values()
        says_nothing = (
            fold(only.name) == fold(folder.name)
            or is_plain_container(only.name)
            or (split_of_name(only.name) is not None and split_of_name(only.name) == split_of_name(folder.name))
        )
        if not (only.photo_folders or says_nothing or dotted_names(only)):
            return folder
        folder = only
    return folder


def classes_in(folder: Folder, *, by_any_pattern: bool = False) -> frozenset[str]:
    """Return the names of the classes that a split folder would have: of its folders, else by its file names."""
    inner = inner_folder(folder)
    if inner.photo_folders:
        return frozenset(clean_class_name(name) for name in inner.photo_folders if not _is_word_for_none(name))
    labels = inner.labelled_names if by_any_pattern else inner.dotted_names
    return frozenset(map(clean_class_name, set(labels.labels.values())))


def dotted_names(folder: Folder) -> bool:
    """Return whether the names of a folder's own files give two classes or more, as `cat.0.jpg` does."""
    return len(set(folder.dotted_names.labels.values())) > 1


def is_unlabelled_split(folder: Folder) -> bool:
    """Return whether a folder's name is that of valid or test photos, and no class is in it."""
    return split_of_name(folder.name) in (VALID, HELD_OUT) and not _has_labels(folder)


def _has_labels(folder: Folder) -> bool:
    """Return whether there are classes in a split folder; not in `test/test/1.jpg` or `test/unknown/1.jpg`."""
    return len(classes_in(folder, by_any_pattern=True)) > 1


def _is_word_for_none(name: str) -> bool:
    return is_no_class(name) or is_unlabelled(name)


def _step_into_outer_folders(folder: Folder, choices: Choices, found: Parts) -> Folder:
    """Step into the only folder that could hold classes: `photos/2024/cats`, `images/cats` beside `annotations/`."""
    while not folder.own_photos and not choices.names_one_of(folder.folders):
        aside: list[Aside] = []
        rest = []
        for kid in folder.photo_folders.values():
            if _is_word_for_none(kid.name) or is_seldom_class(kid.name) or is_unlabelled_split(kid):
                aside.append(Aside(kid, UNLABELLED if _holds_unlabelled(kid) else NO_CLASS))
            else:
                rest.append(kid)
        if len(rest) != 1 or not _is_outer(rest[0]) or (aside and split_of_name(rest[0].name) is not None):
            return folder
        found.aside += aside
        folder = rest[0]
    return folder


def _holds_unlabelled(folder: Folder) -> bool:
    return is_unlabelled(folder.name) or split_of_name(folder.name) is not None


def _is_outer(folder: Folder) -> bool:
    """Return whether a lone folder holds classes instead of being one."""
    if folder.photo_folders:
        return True
    says_nothing = is_plain_container(folder.name) or split_of_name(folder.name) is not None
    return bool(folder.dotted_names.labels) or (says_nothing and bool(folder.labelled_names.labels))


def _is_aside(folder: Folder, choices: Choices, found: Parts) -> bool:
    """Pass over a folder that the user ignores, or whose name says that it is no class."""
    ignored = choices.of(folder.name) == IGNORE
    if ignored or (not choices.by_name(folder.name) and is_no_class(folder.name)):
        found.aside.append(Aside(folder, IGNORED if ignored else NO_CLASS))
        return True
    return False


def _named(folders: Iterable[Folder]) -> str:
    return ", ".join(f"{folder.name}/" for folder in folders)


@dataclass
class _Finder:
    """Tries one reading of the folders at one level after another."""

    where: str
    choices: Choices
    folder: Folder
    tops: list[Folder]
    found: Parts

    def __post_init__(self) -> None:
        self.meanings = {top.name: meaning(top.name) for top in self.tops}
        # Words that all split folders have in common say nothing: kaggle_cats_train, kaggle_cats_test.
        of_splits = [set(said.others) for said in self.meanings.values() if said.split is not None]
        self.common = set.intersection(*of_splits) if len(of_splits) > 1 else set()

    def chosen(self) -> bool:
        """The user says which folders are splits."""
        splits = {top.name: split for top in self.tops if (split := self.choices.split(top.name)) is not None}
        if not splits:
            return False
        for top in self.tops:
            split = splits.get(top.name, self._exact_split(top))
            if self.choices.of(top.name) == CLASS:
                raise DataError(f"{self.where}: --splits calls {top.name}/ a class, and others beside it splits")
            self._add_split(top, split, list(splits))
        self._refuse_without_train()
        return True

    def by_words(self) -> bool:
        """The names say it: train/ holds folders of its own, or file names with classes."""
        exact = [top for top in self.tops if self._exact_split(top) is not None and not self._is_class(top)]
        trains = [top for top in exact if self._exact_split(top) == TRAIN]
        whole = [top for top in trains if top.photo_folders or classes_in(top, by_any_pattern=True)]
        if not trains or not (whole or any(map(_has_labels, exact))):
            return False
        if not whole and self._tests_beside_classes():
            return False
        for top in self.tops:
            self._add_split(top, self._exact_split(top), [top.name for top in exact])
        self._refuse_two_valid(exact)
        return True

    def by_structure(self) -> bool:
        """Folders that hold the same classes are splits; if their names do not say which, the user is asked."""
        alike = self._alike(self.tops)
        if not alike or all(self._is_class(top) for top in alike) or self._are_splits_of_classes():
            return False
        splits = {top.name: said.split for top in alike if (said := self.meanings[top.name])}
        if None in splits.values() or TRAIN not in splits.values():
            raise DataError(f"{self.where}: {self._question(alike)}")
        for top in self.tops:
            self._add_split(top, splits.get(top.name, self._exact_split(top)), list(splits))
        self._refuse_two_valid(alike)
        return True

    def in_classes(self) -> bool:
        """Splits are inside the classes: cats/train, cats/test."""
        if not self._are_splits_of_classes():
            return False
        inner: list[Folder] = []
        for top in self.tops:
            if self._is_unlabelled(top):
                self.found.aside.append(Aside(top, UNLABELLED))
                continue
            for kid in top.photo_folders.values():
                if self.choices.of(kid.name) == IGNORE:
                    self.found.aside.append(Aside(kid, IGNORED))
                    continue
                split = self._split_inside(kid)
                of_kid = TRAIN if split is None else split
                self.found.in_classes.append((kid, top.name, of_kid))
                self.found.splits[kid.name] = of_kid
                inner.append(kid)
            if top.own_photos:
                own = Folder(top.path, top.is_photo, {}, top.names)
                self.found.in_classes.append((own, top.name, TRAIN))
        trains = [kid for kid in inner if self.found.splits[kid.name] == TRAIN]
        if self._alike(trains):
            raise DataError(f"{self.where}: {self._question(self.tops)}")
        return True

    def in_names(self) -> bool:
        """Class and split are in one name: cats_train, cats_test, dogs_train, dogs_test."""
        if len(self.tops) < 3 or any(self._is_class(top) for top in self.tops):
            return False
        splits_of: dict[str, set[int]] = defaultdict(set)
        labels = {}
        for top in self.tops:
            said = self.meanings[top.name]
            if said.split is None or not set(said.others) - self.common:
                return False
            labels[top.name] = _without_word(top.name, said.split_word)
            splits_of[fold(labels[top.name])].add(said.split)
        several = set().union(*splits_of.values()) if splits_of else set()
        if len(splits_of) < 2 or len(several) < 2 or any(TRAIN not in splits for splits in splits_of.values()):
            return False
        for top in self.tops:
            split = self.meanings[top.name].split
            self.found.in_classes.append((top, labels[top.name], TRAIN if split is None else split))
            self.found.splits[top.name] = TRAIN if split is None else split
        return True

    def without_splits(self) -> None:
        """The folders are classes, but for a test/ with the same classes in it."""
        tests = self._tests_beside_classes()
        if tests:
            self.found.splits |= {top.name: self._exact_split(top) or HELD_OUT for top in tests}
            self.found.parts += [Part(top, self.found.splits[top.name]) for top in tests]
            without = frozenset(top.name for top in tests)
            self.found.parts.insert(0, Part(self.folder, TRAIN, without))
            return
        self._refuse_the_same_folders_again()
        self._refuse_splits_without_classes()
        self.found.parts.append(Part(self.folder, NO_SPLIT))

    def _is_class(self, top: Folder) -> bool:
        return self.choices.of(top.name) == CLASS

    def _is_unlabelled(self, top: Folder) -> bool:
        others = [word for word in self.meanings[top.name].others if word not in self.common]
        return not self._is_class(top) and (is_unlabelled(" ".join(others)) or is_unlabelled_split(top))

    def _exact_split(self, top: Folder) -> int | None:
        said = self.meanings[top.name]
        return None if set(said.others) - self.common or self._is_class(top) else said.split

    def _add_split(self, top: Folder, split: int | None, beside: list[str]) -> None:
        """Take a folder as a split, or pass it over, or ask."""
        if split is not None:
            self.found.add(top, split)
        elif self._is_unlabelled(top):
            self.found.aside.append(Aside(top, UNLABELLED))
        elif is_seldom_class(top.name):
            self.found.aside.append(Aside(top, NO_CLASS))
        else:
            beside_it = ", ".join(f"{name}/" for name in beside)
            raise DataError(
                f"{self.where}: {top.name}/ beside {beside_it}: say what it is with --splits {top.name}=train "
                "(or valid, test, ignore), or move it elsewhere"
            )

    def _alike(self, folders: list[Folder]) -> list[Folder]:
        """Return the folders that hold two classes or more which another of them holds too."""
        classes = {folder.path: classes_in(folder) for folder in folders}
        holders: dict[str, set[str]] = defaultdict(set)
        for path, names in classes.items():
            for name in names:
                holders[name].add(path)
        return [folder for folder in folders if self._shares(folder, classes, holders)]

    @staticmethod
    def _shares(folder: Folder, classes: dict[str, frozenset[str]], holders: dict[str, set[str]]) -> bool:
        own = classes[folder.path]
        if len(own) < 2:
            return False
        partners = set().union(*(holders[name] for name in own)) - {folder.path}
        return any(len(own & classes[p]) >= max(2, min(len(own), len(classes[p])) / 2) for p in partners)

    def _are_splits_of_classes(self) -> bool:
        """Return whether the folders inside the folders are all splits, and the outer ones are not."""
        holders = [top for top in self.tops if top.photo_folders and not self._is_unlabelled(top)]
        if not holders or any(self._exact_split(top) is not None for top in holders):
            return False
        inside = [kid for top in holders for kid in top.photo_folders.values()]
        known = [self._split_inside(kid) is not None or self.choices.of(kid.name) == IGNORE for kid in inside]
        has_train = any(self._split_inside(kid) == TRAIN for kid in inside) or all(top.own_photos for top in holders)
        return all(known) and has_train

    def _split_inside(self, kid: Folder) -> int | None:
        chosen = self.choices.split(kid.name)
        return split_of_name(kid.name) if chosen is None else chosen

    def _tests_beside_classes(self) -> list[Folder]:
        """Return valid/ and test/ folders that hold the classes which stand beside them."""
        beside = {clean_class_name(top.name) for top in self.tops}
        return [
            top
            for top in self.tops
            if self._exact_split(top) in (VALID, HELD_OUT) and len(classes_in(top) & beside) >= 2
        ]

    def _refuse_the_same_folders_again(self) -> None:
        beside = {clean_class_name(top.name) for top in self.tops}
        for top in self.tops:
            if len(classes_in(top) & beside) >= 2 and not self._is_class(top):
                raise DataError(
                    f"{self.where}: {top.name}/ holds folders of the same names as those beside it; "
                    f"leave it out with --splits {top.name}=ignore, or give {self.where}/{top.path} alone"
                )

    def _refuse_splits_without_classes(self) -> None:
        """Refuse train/1.jpg beside test/1.jpg: neither is a class."""
        exact = [top for top in self.tops if self._exact_split(top) is not None]
        if len(exact) < 2 or all(self._exact_split(top) != TRAIN for top in exact):
            return
        others = [top for top in self.tops if top not in exact and not self._is_unlabelled(top)]
        if others:
            raise DataError(
                f"{self.where}: {_named(exact)} beside {_named(others)}: splits or classes? Say it with --splits "
                + ",".join(f"{top.name}=class" for top in exact)
                + " (or ignore)"
            )
        names = [name for top in exact for name in inner_folder(top).names]
        raise DataError(
            f"{self.where}: {len(names):,} photos in {_named(exact)} whose names give no class, "
            f"such as {names[0]}; {FORMS}"
        )

    def _refuse_two_valid(self, splits: list[Folder]) -> None:
        """Refuse valid/ beside dev/ or eval/: one of them may be meant for the final score."""
        valid = [top for top in splits if self.meanings[top.name].split == VALID and not self.choices.split(top.name)]
        if len({self.meanings[top.name].split_word for top in valid}) > 1:
            options = ",".join(f"{top.name}={'valid' if top is valid[0] else 'test'}" for top in valid)
            raise DataError(
                f"{self.where}: {_named(valid)}: which validates, and which is held out? Give --splits {options}"
            )

    def _refuse_without_train(self) -> None:
        if TRAIN not in self.found.splits.values():
            named = ", ".join(f"{name}/" for name in self.found.splits)
            raise DataError(f"{self.where}: no folder is train (there are {named}); name it: --splits NAME=train")

    def _question(self, alike: list[Folder]) -> str:
        classes = sorted(classes_in(alike[0]))
        shown = ", ".join(classes[:3]) + (", …" if len(classes) > 3 else "")
        named = _named(alike[:_MOST_NAMED]) + (" …" if len(alike) > _MOST_NAMED else "")
        return (
            f"{named} hold the same classes ({shown}), so they look like splits, but their names do not say which; "
            f"give --splits {self._words_to_offer(alike)}, or, if they are the classes, --splits '*=class'"
        )

    def _words_to_offer(self, alike: list[Folder]) -> str:
        said = {top.name: self.meanings[top.name].split for top in alike}
        unknown = iter([split for split in (TRAIN, HELD_OUT, VALID) if split not in said.values()])
        offered = {name: next(unknown, TRAIN) if split is None else split for name, split in said.items()}
        return ",".join(f"{name}={_WORDS[split]}" for name, split in list(offered.items())[:_MOST_NAMED])


def _without_word(name: str, word: str) -> str:
    at = fold(name).find(word)
    if at < 0 or len(fold(name)) != len(name):
        return name
    return (name[:at] + name[at + len(word) :]).strip(" _-.")
