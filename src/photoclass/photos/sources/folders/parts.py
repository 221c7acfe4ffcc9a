"""Where the classes of DATA are, as it was understood: parts, and folders that are passed over.

A part is a folder whose folders or file names are classes. DATA without splits is one part.
"""

from dataclasses import dataclass, field

from photoclass.photos.sources.folders.tree import Folder
from photoclass.photos.table import HELD_OUT, TRAIN, VALID

UNLABELLED, NO_CLASS, IGNORED = "unlabelled photos", "files in folders that are not classes", "files of ignored folders"
OTHER_FILES = "files of unknown kinds"
# What --splits calls each split.
SPLIT_CHOICE_OF = {TRAIN: "train", VALID: "valid", HELD_OUT: "test"}


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

    def add_to_class(self, folder: Folder, class_name: str, split: int) -> None:
        """Add a folder that is one split of one class."""
        self.in_classes.append((folder, class_name, split))
        self.splits[folder.name] = split
