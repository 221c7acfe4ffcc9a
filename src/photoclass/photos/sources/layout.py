"""Folder layouts: the label and split of each file, from its folder and its name.

A listing becomes a tree of folders; `folders.split_folders` finds where the classes are; here their files become
labelled rows, and every other file is named as skipped or counted as passed over.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from photoclass.errors import DataError
from photoclass.photos.class_names import clean_class_name
from photoclass.photos.decode import Unreadable, read_file
from photoclass.photos.formats.kinds import recognise
from photoclass.photos.sources.archives.inner import archives_to_give
from photoclass.photos.sources.folders.choices import CLASS, Choices
from photoclass.photos.sources.folders.class_folders import (
    class_folders,
    files_of_class,
    folder_in_class,
    have_no_labels,
    refuse_seldom_classes,
    says_nothing,
)
from photoclass.photos.sources.folders.inside import beside_inner, class_keys, classes_in, inner_folder
from photoclass.photos.sources.folders.parts import NO_CLASS, OTHER_FILES, UNLABELLED, Aside, Part, Parts
from photoclass.photos.sources.folders.split_folders import find_parts
from photoclass.photos.sources.folders.tree import Folder, folder_tree
from photoclass.photos.sources.folders.understood import describe_aside, describe_names, describe_splits
from photoclass.photos.sources.labelled import FORMS, LabelledFiles, LabelledRow
from photoclass.photos.sources.listing import Listing, count_kinds
from photoclass.photos.sources.litter import holds_picture
from photoclass.photos.sources.name_labels import dotted_label, is_called_photo, labels_of_known, numbered_label
from photoclass.photos.sources.names import meaning, without_word
from photoclass.photos.sources.options import AS_IT_IS, ReadOptions, write_option
from photoclass.photos.table import (
    HELD_OUT,
    NO_SPLIT,
    TRAIN,
    VALID,
    PassedOver,
    SkippedPhoto,
    describe_passed_over,
    natural_key,
)
from photoclass.text import listed, plural

_MOST_SHOWN = 3


def label_listing(
    listing: Listing,
    where: str,
    reading: ReadOptions = AS_IT_IS,
    path_of: Callable[[str], str] | None = None,
) -> LabelledFiles:
    """Find the label and split of each file in a listing.

    Args:
        listing: The content of the folder.
        where: The folder's path as the user wrote it, for messages.
        reading: What folders are, where the user says so.
        path_of: Gives the path of a file. Files without an ending of photos are looked into; without it, they count as
            photos.

    Raises:
        DataError: The layout is unknown, or two readings of it are possible.
    """
    tree = folder_tree(listing, where, lambda file: path_of is None or holds_picture(path_of(file)))
    choices = Choices(reading)
    found = find_parts(tree, where, choices)
    labelled = LabelledFiles(
        skipped=list(listing.skipped), passed_over=list(listing.passed_over), notes=list(listing.notes)
    )
    reader = _Reader(where, choices, tree, found, labelled, lambda file: _kind_of(path_of(file)) if path_of else "")
    reader.read()
    choices.check_used(where, list(tree.folders))
    reader.refuse_without_classes(listing)
    reader.account_for(listing.files)
    labelled.put_in_order(listing.files)
    return labelled


def label_of_name(file: str, class_names: Sequence[str]) -> str | None:
    """Return the class that a photo's path names, by its file name or by a folder; None if it names none."""
    *folders, name = file.split("/")
    if not class_names:
        return None
    for by_name in (dotted_label, numbered_label):
        if (label := by_name(name)) and (clean := clean_class_name(label)) in class_names:
            return clean
    return next((clean for folder in reversed(folders) if (clean := clean_class_name(folder)) in class_names), None)


def _kind_of(path: str) -> str:
    """Return what a file is that is no photo, and what to do about it; empty if that is unknown."""
    data = read_file(path)
    kind = None if isinstance(data, Unreadable) else recognise(data)
    return kind.reason if kind else ""


@dataclass
class _Reader:
    """Turns the parts into labelled rows."""

    where: str
    choices: Choices
    tree: Folder
    found: Parts
    labelled: LabelledFiles
    kind_of: Callable[[str], str]
    unnamed: list[str] = field(default_factory=list)
    by_pattern: dict[str, str] = field(default_factory=dict)
    in_class: list[str] = field(default_factory=list)

    def read(self) -> None:
        """Label the files of all parts, and note what was understood."""
        parts = self.found.parts
        of_train = [part.folder for part in parts if part.split in (TRAIN, NO_SPLIT)]
        known = frozenset(name for folder in of_train for name in classes_in(folder, by_any_pattern=True))
        in_parts = Counter(name for part in parts for name in set(map(clean_class_name, _folders_in(part))))
        in_several = frozenset(name for name, count in in_parts.items() if count > 1)
        for part in parts:
            before = len(self.labelled.rows)
            self._read_part(part, known, in_several)
            if len(self.labelled.rows) == before:
                self.found.splits.pop(part.folder.name, None)
        for folder, label, split in self.found.in_classes:
            self._take(folder, label, split)
            self.in_class += filter(None, [folder_in_class(folder)])
        self.labelled.class_folders.update(self.found.empty)
        self._refuse_unlabelled_train()
        self._refuse_splits_as_classes()
        self._pass_over()
        if all(row.split != VALID for row in self.labelled.rows):
            # Only train/, or train/ and test/: validation photos are still to be taken from train/.
            self.labelled.free_train_rows()

    def refuse_without_classes(self, listing: Listing) -> None:
        """Refuse DATA in which nothing has a label.

        Raises:
            DataError: There is no class, as the message explains.
        """
        if self.labelled.rows or self.labelled.class_folders:
            return
        archives = archives_to_give(self.where, listing.kinds)
        hint = f"; perhaps you mean {archives}" if archives else self._what_is_here(listing)
        reason = "no class folders found"
        if self.unnamed:
            reason += f", and {plural(len(self.unnamed), 'photo')} whose names give no class, such as {self.unnamed[0]}"
        aside = listed([f"{item.folder.path}/" for item in self.found.aside], "folder") if self.found.aside else ""
        passed_over = f" ({aside} passed over)" if aside else ""
        unlabelled = [i.folder.name for i in self.found.aside if i.kind == UNLABELLED and i.folder.has_photos]
        if len(unlabelled) > 1:
            classes = write_option("--splits", dict.fromkeys(unlabelled[:_MOST_SHOWN], CLASS))
            hint += f"; if these are classes: {classes}{' and so on' if len(unlabelled) > _MOST_SHOWN else ''}"
        raise DataError(f"{self.where}: {reason}{passed_over}; {FORMS}{hint}")

    def _what_is_here(self, listing: Listing) -> str:
        """Return what DATA holds instead of photos; empty if it has photos, or nothing."""
        if self.tree.has_photos or not (listing.files or listing.beside):
            return ""
        if listing.files:
            return (
                f". There is no photo; {listing.files[0]} is {self.kind_of(listing.files[0]) or 'of an unknown kind'}"
            )
        kinds = count_kinds({file: listing.kinds[file] for file in listing.beside})
        return f". There is no photo; {describe_passed_over(kinds)}"

    def account_for(self, files: Sequence[str]) -> None:
        """Name every file as skipped that has no label and is not passed over."""
        done = self._files_done()
        rest = [file for file in files if file not in done]
        photos = [file for file in rest if is_called_photo(file.rpartition("/")[2]) or self.tree.is_photo(file)]
        self.labelled.skipped += [SkippedPhoto(file, "not in a class folder") for file in photos]
        if others := sorted(set(rest).difference(photos), key=natural_key):
            self.labelled.passed_over.append(PassedOver(OTHER_FILES, len(others), others[0]))

    def _files_done(self) -> set[str]:
        done = {row.file for row in self.labelled.rows}
        done.update(item.name for item in self.labelled.skipped)
        for aside in self.found.aside:
            done.update(aside.folder.files())
        return done

    def _read_part(self, part: Part, known: frozenset[str], in_several: frozenset[str]) -> None:
        folder = part.folder if part.split == NO_SPLIT or part.without else inner_folder(part.folder)
        self.found.aside += beside_inner(part.folder, folder)
        done = {item.folder for item in self.found.aside}
        kids = [kid for kid in folder.folders.values() if kid.name not in part.without and kid not in done]
        of_part = class_folders(kids, part, self.choices, in_several)
        self.found.aside += of_part.aside
        self.labelled.notes += [f"{kid.path}/: not a class, since it holds no photos" for kid in of_part.without_photos]
        classes = of_part.classes
        refuse_seldom_classes(self.where, classes, self.choices)
        if len(classes) == 1 and says_nothing(classes[0], self.choices) and not folder.own_photos:
            folder, classes = classes[0], []
        if not classes:
            self._read_names(folder, part.split, known, bool(of_part.empty))
        elif part.split in (VALID, HELD_OUT) and have_no_labels(classes, part.folder, class_keys(known)):
            self.found.aside += [Aside(kid, UNLABELLED) for kid in classes]
            return
        elif part.split == NO_SPLIT and folder.own_photos >= sum(kid.count for kid in classes):
            self._refuse_two_readings(folder, classes)
        if classes or not folder.own_photos:
            self.labelled.class_folders.update(of_part.empty)
        for kid in classes:
            self._take(kid, kid.name, part.split)
            self.in_class += filter(None, [folder_in_class(kid)])

    def _read_names(self, folder: Folder, split: int, known: frozenset[str], has_empty: bool) -> None:
        """Label a folder's own files by their names."""
        by_name = folder.labelled_names
        if split in (VALID, HELD_OUT) and not by_name.labels:
            by_name = labels_of_known(folder.names, known)
        self.labelled.rows += [LabelledRow(folder.file(n), label, split) for n, label in by_name.labels.items()]
        if not by_name.dotted:
            self.by_pattern |= {folder.file(name): label for name, label in by_name.labels.items()}
        others = [folder.file(name) for name in by_name.others]
        if by_name.labels:
            reason = "its name gives no class (such as cat.0.jpg)"
            self.labelled.skipped += [SkippedPhoto(file, reason) for file in others]
        elif split in (VALID, HELD_OUT):
            self.found.aside += [Aside(folder.without_folders(), UNLABELLED)] if others else []
        elif not has_empty:
            self.unnamed += others

    def _take(self, folder: Folder, label: str, split: int) -> None:
        files = files_of_class(folder, self.choices, self.found.aside)
        self.labelled.rows += [LabelledRow(file, label, split) for file in files]

    def _pass_over(self) -> None:
        """Count the files of folders that are passed over, and note what was understood."""
        if without_photos := list(self.tree.without_photos()):
            done = self._files_done()
            self.found.aside += [Aside(f, NO_CLASS) for f in without_photos if next(f.files()) not in done]
        aside = [item for item in {item.folder.path: item for item in self.found.aside}.values() if item.folder.count]
        self.labelled.passed_over += [PassedOver(i.kind, i.folder.count, next(i.folder.files())) for i in aside]
        self.labelled.aside += [item.folder.name for item in aside if item.may_be_class and item.folder.has_photos]
        self.labelled.by_name_pattern = bool(self.by_pattern)
        self.labelled.notes += [
            *self.found.notes,
            *describe_splits(self.found.splits, in_classes=bool(self.found.in_classes)),
            *describe_names(self.by_pattern),
            *[f"folders inside a class folder belong to its class (such as {path})" for path in self.in_class[:1]],
            *describe_aside(aside, self.where),
        ]

    def _refuse_unlabelled_train(self) -> None:
        if self.unnamed and self.labelled.rows:
            raise DataError(
                f"{self.where}: {plural(len(self.unnamed), 'photo')} to train on whose names give no class, such as "
                f"{self.unnamed[0]}; {FORMS}"
            )

    def _refuse_splits_as_classes(self) -> None:
        """Refuse to tell train from test: whatever the layout is, these are no classes."""
        said: dict[str, dict[str, int]] = {}
        labels = sorted({row.label for row in self.labelled.rows})
        for label in labels:
            meant = meaning(label)
            if meant.split is not None and self.choices.of(label) != CLASS:
                said.setdefault(without_word(label, meant.split_word), {})[label] = meant.split
        for bare, splits in said.items():
            if bare in labels:  # cats beside cats_test
                splits[bare] = TRAIN
            if TRAIN in splits.values() and len(set(splits.values())) > 1:
                named = " and ".join(map(repr, splits))
                raise DataError(
                    f"{self.where}: {named} would be classes, and look like splits; put the folders of the classes "
                    "into split folders, or say what they are with --splits NAME=train (or valid, test, class, ignore)"
                )

    def _refuse_two_readings(self, folder: Folder, classes: list[Folder]) -> None:
        """Refuse file names that give classes, beside folders with fewer photos."""
        labels = folder.labelled_names
        if len(labels.counts) < 2:
            return
        named = ", ".join(f"{kid.name}/" for kid in classes[:_MOST_SHOWN])
        ignored = write_option("--splits", {kid.name: "ignore" for kid in classes})
        raise DataError(
            f"{self.where}: {plural(len(labels.labels), 'photo')} whose names give classes "
            f"({', '.join(list(labels.counts)[:_MOST_SHOWN])}) beside the folders {named}; move these elsewhere, "
            f"or leave them out with {ignored}"
        )


def _folders_in(part: Part) -> Iterable[str]:
    return inner_folder(part.folder).photo_folders.keys()
