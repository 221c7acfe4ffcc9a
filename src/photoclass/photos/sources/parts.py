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
    class_key,
    fold,
    is_beside_photos,
    is_no_class,
    is_plain_container,
    is_seldom_class,
    is_unlabelled,
    meaning,
    split_of_name,
)
from photoclass.photos.sources.tree import Folder
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID, natural_key

UNLABELLED, NO_CLASS, IGNORED = "unlabelled photos", "files of folders that are no class", "files of ignored folders"
_MOST_NAMED = 6
_WORDS = {TRAIN: "train", VALID: "valid", HELD_OUT: "test"}


@dataclass(frozen=True)
class Aside:
    """A folder that is passed over.

    Attributes:
        folder: The folder.
        kind: As what.
        may_be_class: Whether it stands where classes do, so that the user may say that it is one.
    """

    folder: Folder
    kind: str
    may_be_class: bool = False


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
        empty: Names of folders beside those that have nothing in them.
        splits: What was understood of split folders, by name.
        notes: What else was assumed.
    """

    parts: list[Part] = field(default_factory=list)
    in_classes: list[tuple[Folder, str, int]] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    splits: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

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
    return split_of_name(folder.name) in (VALID, HELD_OUT) and not _has_labels(folder)


def _has_labels(folder: Folder) -> bool:
    """Return whether there are classes in a split folder; not in `test/test/1.jpg` or `test/unknown/1.jpg`."""
    return len(classes_in(folder, by_any_pattern=True)) > 1


def _step_into_outer_folders(folder: Folder, choices: Choices, found: Parts) -> Folder:
    """Step into the only folder that could hold classes: `photos/2024/cats`, `images/cats` beside `annotations/`."""
    while not folder.own_photos:
        aside, rest = _sort_outer_folders(folder, choices)
        if len(rest) != 1 or not _is_outer(rest[0]):
            return folder
        name = rest[0].name
        asks = any(is_seldom_class(item.folder.name) for item in aside) and not is_plain_container(name)
        if choices.by_name(name) or (aside and (asks or split_of_name(name) is not None)):
            return folder
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
    if folder.photo_folders:
        return True
    says_nothing = is_plain_container(folder.name) or split_of_name(folder.name) is not None
    return bool(folder.dotted_names.labels) or (says_nothing and bool(folder.labelled_names.labels))


def _is_aside(folder: Folder, choices: Choices, found: Parts) -> bool:
    """Pass over a folder that the user ignores, or whose name says that it is no class."""
    ignored = choices.of(folder.name) == IGNORE
    if ignored or (not choices.by_name(folder.name) and is_no_class(folder.name)):
        found.aside.append(Aside(folder, IGNORED if ignored else NO_CLASS, may_be_class=not ignored))
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
        rest = [top for top in self.tops if top.name not in splits]
        if TRAIN not in splits.values() and all(self._exact_split(top) is None for top in rest):
            if alike := self._alike(rest):
                raise DataError(f"{self.where}: {self._question(alike)}")
            self._add_beside_classes(splits)
            return True
        for top in self.tops:
            split = splits.get(top.name, self._exact_split(top))
            if self.choices.by_name(top.name) == CLASS:
                raise DataError(f"{self.where}: --splits calls {top.name}/ a class, and others beside it splits")
            self._add_split(top, split, list(splits))
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
        known = _keys(name for top in exact for name in classes_in(top, by_any_pattern=True))
        for top in self.tops:
            split = self._exact_split(top)
            if split is None and len(_keys(classes_in(top)) & known) > 1 and not self._is_class(top):
                split = self.meanings[top.name].split  # test_easy/ beside train/, with the same classes
            self._add_split(top, split, [top.name for top in exact])
        self._refuse_two_valid(exact)
        return True

    def by_structure(self) -> bool:
        """Folders that hold the same classes are splits; if their names do not say which, the user is asked."""
        alike = self._alike(self.tops)
        if not alike or all(self._is_class(top) for top in alike) or self._are_splits_of_classes():
            return False
        splits = {top.name: said.split for top in alike if (said := self.meanings[top.name])}
        if None in splits.values():
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
                if self.choices.of(kid.name) == IGNORE or is_beside_photos(kid.name):
                    self.found.aside.append(Aside(kid, NO_CLASS if is_beside_photos(kid.name) else IGNORED))
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
            raise DataError(
                f"{self.where}: {_named(self.tops)} hold splits of their own, with the same classes in them; give one "
                f"of them as DATA, such as {self.where}/{self.tops[0].path}, or put their splits together"
            )
        self.found.empty += [kid.name for kid in self.folder.folders.values() if not (kid.count or kid.has_others)]
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
            self._add_beside_classes({top.name: self._exact_split(top) or VALID for top in tests})
            return
        self._refuse_the_same_folders_again()
        self._refuse_splits_in_one_folder()
        self._refuse_splits_without_classes()
        self.found.parts.append(Part(self.folder, NO_SPLIT))

    def _add_beside_classes(self, splits: dict[str, int]) -> None:
        """Take test/ as a split and the folders beside it as the classes to train on."""
        self.found.parts.append(Part(self.folder, TRAIN, frozenset(splits)))
        for top in self.tops:
            if top.name in splits:
                self.found.add(top, splits[top.name])
        words = ", ".join(f"{name}/ is {_WORDS[split]}" for name, split in splits.items())
        self.found.notes.append(f"splits: {words}, the folders beside it train")

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
                "(or valid, test, ignore), or move it elsewhere; if all of them are classes, --splits '*=class'"
            )

    def _alike(self, folders: list[Folder]) -> list[Folder]:
        """Return the folders that hold two classes or more which another of them holds too."""
        classes = {folder.path: _keys(classes_in(folder)) for folder in folders}
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
        if any(self._exact_split(top) is not None for top in holders):
            return False
        inside = [kid for top in holders for kid in top.photo_folders.values()]
        known = [
            self._split_inside(kid) is not None or self.choices.of(kid.name) == IGNORE or is_beside_photos(kid.name)
            for kid in inside
        ]
        if len(holders) < 2:
            return False
        has_train = any(self._split_inside(kid) == TRAIN for kid in inside) or all(top.own_photos for top in holders)
        return all(known) and has_train

    def _split_inside(self, kid: Folder) -> int | None:
        chosen = self.choices.split(kid.name)
        return split_of_name(kid.name) if chosen is None else chosen

    def _tests_beside_classes(self) -> list[Folder]:
        """Return valid/ and test/ folders that hold the classes which stand beside them."""
        beside = _keys(top.name for top in self.tops)
        return [
            top
            for top in self.tops
            if self._exact_split(top) in (VALID, HELD_OUT) and len(_keys(classes_in(top)) & beside) >= 2
        ]

    def _refuse_the_same_folders_again(self) -> None:
        beside = _keys(top.name for top in self.tops)
        for top in self.tops:
            if len(_keys(classes_in(top)) & beside) >= 2 and not self._is_class(top):
                raise DataError(
                    f"{self.where}: {top.name}/ holds folders of the same names as those beside it; "
                    f"leave it out with --splits {top.name}=ignore, or give {self.where}/{top.path} alone"
                )

    def _refuse_splits_in_one_folder(self) -> None:
        """Refuse `pets/train` and `pets/test` beside other folders than splits and classes."""
        for top in self.tops:
            splits = {split_of_name(name) for name in inner_folder(top).photo_folders}
            if {TRAIN, HELD_OUT} <= splits or {TRAIN, VALID} <= splits:
                others = [other for other in self.tops if other is not top]
                ignored = ",".join(f"{other.name}=ignore" for other in others)
                raise DataError(
                    f"{self.where}: {_named(others)} beside {top.name}/, which holds splits; give "
                    f"{self.where}/{top.path} alone, or leave the others out with --splits {ignored}"
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

    def _question(self, alike: list[Folder]) -> str:
        classes = sorted(classes_in(alike[0]), key=natural_key)
        if any(split_of_name(name) is not None for name in classes):
            others = [name for name in inner_folder(alike[0]).photo_folders if split_of_name(name) is None]
            if others:
                return (
                    f"{_named(alike[:_MOST_NAMED])} hold splits, and other folders beside these; say what "
                    f"they are with --splits {','.join(f'{name}=ignore' for name in others)} (or train, valid, test)"
                )
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


def _keys(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(class_key, names))


def _without_word(name: str, word: str) -> str:
    at = fold(name).find(word)
    if at < 0 or len(fold(name)) != len(name):
        return name
    return (name[:at] + name[at + len(word) :]).strip(" _-.")
