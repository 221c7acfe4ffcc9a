"""The folders at one level of DATA, and what their names and their content say they are."""

from dataclasses import dataclass

from photoclass.photos.sources.folders.choices import CLASS, IGNORE, Choices
from photoclass.photos.sources.folders.inside import class_keys, classes_in, has_labels, is_unlabelled_split
from photoclass.photos.sources.folders.tree import Folder
from photoclass.photos.sources.names import NameMeaning, is_beside_photos, is_unlabelled, meaning, split_of_name
from photoclass.photos.table import HELD_OUT, TRAIN, VALID


@dataclass(frozen=True)
class Level:
    """The folders at the level where splits or classes are.

    Attributes:
        where: The path of DATA, for messages.
        choices: What the user says of folders.
        folder: The folder that they are in.
        tops: The folders, without those that are passed over.
        meanings: What the name of each says.
        common: Words that all split folders have in common, which so say nothing: kaggle_cats_train, kaggle_cats_test.
    """

    where: str
    choices: Choices
    folder: Folder
    tops: tuple[Folder, ...]
    meanings: dict[str, NameMeaning]
    common: frozenset[str]

    @classmethod
    def of(cls, where: str, choices: Choices, folder: Folder, tops: tuple[Folder, ...]) -> "Level":
        """Return a level, with what the names on it say."""
        meanings = {top.name: meaning(top.name) for top in tops}
        of_splits = [frozenset(said.others) for said in meanings.values() if said.split is not None]
        common = frozenset.intersection(*of_splits) if len(of_splits) > 1 else frozenset()
        return cls(where, choices, folder, tops, meanings, common)

    def split(self, top: Folder) -> int | None:
        """Return the split that a folder's name may mean, among other words."""
        return self.meanings[top.name].split

    def is_class(self, top: Folder) -> bool:
        """Return whether the user says that a folder is a class."""
        return self.choices.of(top.name) == CLASS

    def is_unlabelled(self, top: Folder) -> bool:
        """Return whether a folder holds photos without labels: `unknown`, `seg_pred`, `test/1.jpg`."""
        others = " ".join(word for word in self.meanings[top.name].others if word not in self.common)
        return not self.is_class(top) and (is_unlabelled(others) or is_unlabelled_split(top))

    def is_test_without_labels(self, top: Folder) -> bool:
        """Return whether a folder beside splits has a word of theirs, but no labels: `test-several_fruits`."""
        return self.split(top) in (VALID, HELD_OUT) and not self.is_class(top) and not has_labels(top)

    def is_beside_photos(self, top: Folder) -> bool:
        """Return whether a folder holds what belongs to photos in another: `labels`, `train_masks`."""
        others = " ".join(self.meanings[top.name].others)
        return not self.is_class(top) and is_beside_photos(others)

    def exact_split(self, top: Folder) -> int | None:
        """Return the split that a folder's name means, where it means nothing else."""
        said = self.meanings[top.name]
        return None if set(said.others) - self.common or self.is_class(top) else said.split

    def split_inside(self, kid: Folder) -> int | None:
        """Return the split of a class that one of its folders is."""
        chosen = self.choices.split(kid.name)
        return split_of_name(kid.name) if chosen is None else chosen

    def are_splits_of_classes(self) -> bool:
        """Return whether the folders inside the folders are all splits, and the outer ones are not."""
        holders = [top for top in self.tops if top.photo_folders and not self.is_unlabelled(top)]
        if len(holders) < 2 or any(self.exact_split(top) is not None for top in holders):
            return False
        inside = [kid for top in holders for kid in top.photo_folders.values()]
        splits = [self.split_inside(kid) for kid in inside]
        is_known = all(
            split is not None or self.choices.of(kid.name) == IGNORE or is_beside_photos(kid.name)
            for kid, split in zip(inside, splits, strict=True)
        )
        has_splits = any(split is not None for split in splits)
        return is_known and has_splits and (TRAIN in splits or all(top.own_photos for top in holders))

    def tests_beside_classes(self) -> list[Folder]:
        """Return valid/ and test/ folders that hold the classes which stand beside them."""
        beside = class_keys(top.name for top in self.tops)
        found = []
        for top in self.tops:
            classes = class_keys(classes_in(top))
            if (
                self.exact_split(top) in (VALID, HELD_OUT)
                and classes
                and (classes <= beside or len(classes & beside) > 1)
            ):
                found.append(top)
        return found
