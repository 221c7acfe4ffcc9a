"""Where the classes are: the folders of DATA that are splits, by their words and by their structure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from photoclass.errors import DataError
from photoclass.photos.sources.folders import refusals
from photoclass.photos.sources.folders.choices import CLASS, Choices
from photoclass.photos.sources.folders.inside import alike, class_keys, classes_in, has_labels
from photoclass.photos.sources.folders.level import Level
from photoclass.photos.sources.folders.outer import is_aside, step_into_outer_folders
from photoclass.photos.sources.folders.parts import (
    IGNORED,
    NO_CLASS,
    SPLIT_CHOICE_OF,
    UNLABELLED,
    Aside,
    Part,
    Parts,
)
from photoclass.photos.sources.folders.tree import Folder
from photoclass.photos.sources.names import fold, is_beside_photos, is_plain_container, without_word
from photoclass.photos.table import NO_SPLIT, TRAIN, VALID


def find_parts(root: Folder, where: str, choices: Choices) -> Parts:
    """Find where the classes are.

    Raises:
        DataError: Two readings are possible; the message names the folders and the option that decides.
    """
    found = Parts()
    folder = step_into_outer_folders(root, choices, found)
    tops = tuple(top for top in folder.photo_folders.values() if not is_aside(top, choices, found))
    finder = _Finder(Level.of(where, choices, folder, tops), found)
    for is_so in (finder.chosen, finder.by_words, finder.by_structure, finder.in_classes, finder.in_names):
        if is_so():
            found.aside = [replace(item, may_be_class=False) for item in found.aside]
            return found
    finder.without_splits()
    return found


@dataclass(frozen=True)
class _Finder:
    """Tries one reading of a level after another; each returns whether it is the one, and then fills `found`."""

    level: Level
    found: Parts

    def chosen(self) -> bool:
        """The user says which folders are splits."""
        level = self.level
        splits = {top.name: split for top in level.tops if (split := level.choices.split(top.name)) is not None}
        if not splits:
            return False
        rest = [top for top in level.tops if top.name not in splits]
        if TRAIN not in splits.values() and all(level.exact_split(top) is None for top in rest):
            if same := alike(rest):
                raise refusals.which_split(level, same)
            self._add_beside_classes(splits)
            return True
        for top in level.tops:
            if level.choices.by_name(top.name) == CLASS:
                raise DataError(f"{level.where}: --splits calls {top.name}/ a class, and others beside it splits")
            self._add(top, splits.get(top.name, level.exact_split(top)), splits)
        return True

    def by_words(self) -> bool:
        """The names say it: train/ holds folders of its own, or file names with classes."""
        level = self.level
        exact = [top for top in level.tops if level.exact_split(top) is not None]
        trains = [top for top in exact if level.exact_split(top) == TRAIN]
        whole = [top for top in trains if top.photo_folders or classes_in(top, by_any_pattern=True)]
        if not trains or not (whole or any(map(has_labels, exact))):
            return False
        if not whole and level.tests_beside_classes():
            return False
        known = class_keys(name for top in exact for name in classes_in(top, by_any_pattern=True))
        for top in level.tops:
            split = level.exact_split(top)
            may_share = split is None and not level.is_class(top) and not level.is_beside_photos(top)
            if may_share and len(class_keys(classes_in(top)) & known) > 1:
                split = level.split(top)  # test_easy/ beside train/, with the same classes
            self._add(top, split, [top.name for top in exact])
        refusals.refuse_two_valid(level, exact)
        return True

    def by_structure(self) -> bool:
        """Folders that hold the same classes are splits; if their names do not say which, the user is asked."""
        level = self.level
        same = alike(level.tops)
        if not same or all(map(level.is_class, same)) or level.are_splits_of_classes():
            return False
        splits = {top.name: level.split(top) for top in same}
        if None in splits.values():
            raise refusals.which_split(level, same)
        for top in level.tops:
            self._add(top, splits.get(top.name, level.exact_split(top)), splits)
        refusals.refuse_two_valid(level, same)
        return True

    def in_classes(self) -> bool:
        """Splits are inside the classes: cats/train, cats/test."""
        if not self.level.are_splits_of_classes():
            return False
        trains: list[Folder] = []
        for top in self.level.tops:
            if self.level.is_unlabelled(top):
                self.found.aside.append(Aside(top, UNLABELLED))
                continue
            for kid in top.photo_folders.values():
                split = self.level.split_inside(kid)
                if split is None:
                    kind = NO_CLASS if is_beside_photos(kid.name) else IGNORED
                    self.found.aside.append(Aside(kid, kind))
                else:
                    self.found.add_to_class(kid, top.name, split)
                    trains += [kid] if split == TRAIN else []
            if top.own_photos:
                self.found.in_classes.append((top.without_folders(), top.name, TRAIN))
        if alike(trains):
            raise refusals.splits_of_several(self.level)
        folders = self.level.folder.folders.values()
        self.found.empty += [kid.name for kid in folders if not (kid.count or kid.has_others)]
        return True

    def in_names(self) -> bool:
        """Class and split are in one name: cats_train, cats_test, dogs_train, dogs_test."""
        labels: dict[str, tuple[str, int]] = {}
        splits_of: dict[str, set[int]] = defaultdict(set)
        for top in self.level.tops:
            said = self.level.meanings[top.name]
            label = without_word(top.name, said.split_word)
            if said.split is None or self.level.is_class(top) or not _names_class(label):
                return False
            labels[top.name] = label, said.split
            splits_of[fold(label)].add(said.split)
        several = set().union(*splits_of.values())
        if len(splits_of) < 2 or len(several) < 2 or any(TRAIN not in splits for splits in splits_of.values()):
            return False
        for top in self.level.tops:
            self.found.add_to_class(top, *labels[top.name])
        return True

    def without_splits(self) -> None:
        """The folders are classes, but for a test/ with the same classes in it."""
        level = self.level
        if tests := level.tests_beside_classes():
            self._add_beside_classes({top.name: level.exact_split(top) or VALID for top in tests})
            return
        refusals.refuse_the_same_folders_again(level)
        refusals.refuse_splits_in_one_folder(level)
        refusals.refuse_splits_without_classes(level)
        refusals.refuse_folders_that_come_again(level)
        refusals.refuse_years(level)
        refusals.refuse_parts(level)
        refusals.refuse_classes_in_one_folder(level)
        self.found.parts.append(Part(level.folder, NO_SPLIT))

    def _add(self, top: Folder, split: int | None, beside: Iterable[str]) -> None:
        """Take a folder as a split, or pass it over, or ask."""
        if split is not None:
            self.found.add(top, split)
        elif self.level.is_unlabelled(top) or self.level.is_test_without_labels(top):
            self.found.aside.append(Aside(top, UNLABELLED))
        elif self.level.is_beside_photos(top):
            self.found.aside.append(Aside(top, NO_CLASS))
        else:
            raise refusals.what_is(self.level, top, beside)

    def _add_beside_classes(self, splits: dict[str, int]) -> None:
        """Take test/ as a split and the folders beside it as the classes to train on."""
        self.found.parts.append(Part(self.level.folder, TRAIN, frozenset(splits)))
        for top in self.level.tops:
            if top.name in splits:
                self.found.add(top, splits[top.name])
        words = ", ".join(f"{name}/ is {SPLIT_CHOICE_OF[split]}" for name, split in splits.items())
        self.found.notes.append(f"splits: {words}, the folders beside it train")


def _names_class(label: str) -> bool:
    """Return whether what stands beside a split word may be a class: not in `train_1`, `train_images`."""
    return any(map(str.isalpha, label)) and not is_plain_container(label) and not is_beside_photos(label)
