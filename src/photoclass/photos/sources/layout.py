"""Folder layouts: the label and split of each file, from its folder and its name.

A listing becomes a tree of folders; `parts` finds where the classes are; here their files become labelled rows, and
every other file is named as skipped or counted as passed over.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from photoclass.errors import DataError
from photoclass.photos.class_names import clean_class_name
from photoclass.photos.sources.archive_inner import archives_to_give
from photoclass.photos.sources.choices import CLASS, IGNORE, Choices
from photoclass.photos.sources.labelled import FORMS, LabelledFiles, LabelledRow
from photoclass.photos.sources.listing import Listing
from photoclass.photos.sources.litter import holds_picture
from photoclass.photos.sources.name_labels import NameLabels, dotted_label, numbered_label
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
from photoclass.photos.sources.options import AS_IT_IS, ReadOptions
from photoclass.photos.sources.parts import (
    IGNORED,
    NO_CLASS,
    UNLABELLED,
    Aside,
    Part,
    Parts,
    beside_inner,
    classes_in,
    find_parts,
    inner_folder,
    is_unlabelled_split,
)
from photoclass.photos.sources.tree import Folder, folder_tree
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID, PassedOver, SkippedPhoto
from photoclass.text import plural

_SPLIT_WORDS = {TRAIN: "train", VALID: "valid", HELD_OUT: "test"}
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
    tree = folder_tree(listing, lambda file: path_of is None or holds_picture(path_of(file)))
    choices = Choices(reading)
    found = find_parts(tree, where, choices)
    labelled = LabelledFiles(
        skipped=list(listing.skipped), passed_over=list(listing.passed_over), notes=list(listing.notes)
    )
    reader = _Reader(where, choices, found, labelled)
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


@dataclass
class _Reader:
    """Turns the parts into labelled rows."""

    where: str
    choices: Choices
    found: Parts
    labelled: LabelledFiles
    unnamed: list[str] = field(default_factory=list)
    by_pattern: Counter[str] = field(default_factory=Counter)
    nested: list[str] = field(default_factory=list)
    examples: dict[str, str] = field(default_factory=dict)

    def read(self) -> None:
        """Label the files of all parts, and note what was understood."""
        parts = self.found.parts
        of_train = [part for part in parts if part.split in (TRAIN, NO_SPLIT)]
        known = frozenset(class_key(name) for part in of_train for name in classes_in(part.folder, by_any_pattern=True))
        in_parts = Counter(name for part in parts for name in {clean_class_name(n) for n in _kids(part)})
        in_several = frozenset(name for name, count in in_parts.items() if count > 1)
        for part in parts:
            before = len(self.labelled.rows)
            self._read_part(part, known, in_several)
            if len(self.labelled.rows) == before:
                self.found.splits.pop(part.folder.name, None)
        for folder, label, split in self.found.in_classes:
            self._take(folder.files(), label, split)
        self.labelled.class_folders.update(self.found.empty)
        self._refuse_unlabelled_train()
        self._refuse_splits_as_classes()
        self.labelled.notes += self.found.notes
        self._describe()
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
        hint = f"; perhaps you mean {archives}" if archives else ""
        reason = "no class folders found"
        if self.unnamed:
            reason += f", and {plural(len(self.unnamed), 'photo')} whose names give no class, such as {self.unnamed[0]}"
        aside = ", ".join(f"{item.folder.path}/" for item in self.found.aside)
        passed_over = f" ({aside} passed over)" if aside else ""
        raise DataError(f"{self.where}: {reason}{passed_over}; {FORMS}{hint}")

    def account_for(self, files: Sequence[str]) -> None:
        """Name every file as skipped that has no label and is not passed over."""
        done = {row.file for row in self.labelled.rows}
        done.update(item.name for item in self.labelled.skipped)
        for aside in self.found.aside:
            done.update(aside.folder.files())
        rest = [file for file in files if file not in done]
        self.labelled.skipped += [SkippedPhoto(file, "not in a class folder") for file in rest]

    def _read_part(self, part: Part, known: frozenset[str], in_several: frozenset[str]) -> None:
        folder = part.folder if part.split == NO_SPLIT or part.without else inner_folder(part.folder)
        self.found.aside += beside_inner(part.folder, folder)
        aside = {item.folder for item in self.found.aside}
        classes, empty = [], []
        for kid in folder.folders.values():
            if kid.name in part.without or kid in aside:
                continue
            kind = self._kind_of(kid, in_several)
            if kind:
                may_be_class = kind != IGNORED and part.split in (NO_SPLIT, TRAIN)
                self.found.aside.append(Aside(kid, kind, may_be_class))
            elif kid.count:
                classes.append(kid)
            elif kid.has_others:
                self.labelled.notes.append(f"{kid.path}/: no class, as there is no photo in it")
            elif self._says_class(kid):
                empty.append(clean_class_name(kid.name))
        self._refuse_seldom(classes)
        if len(classes) == 1 and self._says_nothing(classes[0]) and not folder.own_photos:
            folder, classes = classes[0], []
        if not classes:
            self._read_names(folder, part.split, bool(empty))
        elif part.split in (VALID, HELD_OUT) and self._has_no_labels(part.folder, classes, known):
            self.found.aside += [Aside(kid, UNLABELLED) for kid in classes]
            return
        elif part.split == NO_SPLIT and folder.own_photos >= sum(kid.count for kid in classes):
            self._refuse_two_readings(folder, classes)
        if classes or not folder.own_photos:
            self.labelled.class_folders.update(empty)
        for kid in classes:
            self._take(self._files_of_class(kid), kid.name, part.split)
            inner = [inside for inside in kid.photo_folders.values() if not is_beside_photos(inside.name)]
            if len(inner) > 1 or (inner and not is_plain_container(inner[0].name)):
                self.nested.append(inner[0].path)

    def _files_of_class(self, folder: Folder) -> Iterator[str]:
        """Yield the files of a class folder; `masks/` beside its photos or beside `images/` is passed over."""
        yield from map(folder.file, folder.names)
        beside = [kid for kid in folder.photo_folders.values() if is_beside_photos(kid.name)]
        if not folder.own_photos and len(beside) == len(folder.photo_folders):
            beside = []
        for kid in folder.folders.values():
            if kid in beside and self.choices.by_name(kid.name) != CLASS:
                self.found.aside.append(Aside(kid, NO_CLASS))
            else:
                yield from self._files_of_class(kid)

    def _kind_of(self, kid: Folder, in_several: frozenset[str]) -> str:
        """Return as what a folder among the classes is passed over; empty if it is a class."""
        choice = self.choices.of(kid.name)
        if choice == IGNORE:
            return IGNORED
        if is_no_class(kid.name) and not self.choices.by_name(kid.name):
            return NO_CLASS
        if choice == CLASS:
            return ""
        if kid.count and not kid.has_photos:
            return NO_CLASS
        if is_unlabelled(kid.name) and clean_class_name(kid.name) not in in_several:
            return UNLABELLED
        return UNLABELLED if kid.count and is_unlabelled_split(kid) else ""

    def _says_nothing(self, kid: Folder) -> bool:
        """Return whether a lone folder is only where photos are: `photos`, `train`."""
        by_name = is_plain_container(kid.name) or split_of_name(kid.name) is not None
        return by_name and not kid.photo_folders and self.choices.of(kid.name) != CLASS

    def _says_class(self, kid: Folder) -> bool:
        """Return whether an empty folder's name could be that of a class."""
        return not is_seldom_class(kid.name) and split_of_name(kid.name) is None

    def _refuse_seldom(self, classes: list[Folder]) -> None:
        for kid in classes:
            is_one_of_kind = any(shares_word(kid.name, other.name) for other in classes if other is not kid)
            if (
                len(classes) > 1
                and is_seldom_class(kid.name)
                and not (is_one_of_kind or self.choices.by_name(kid.name))
            ):
                others = ", ".join(f"{other.name}/" for other in classes[: _MOST_SHOWN + 1] if other is not kid)
                raise DataError(
                    f"{self.where}: {kid.path}/ holds photos; is it a class like {others}? "
                    f"Say it with --splits {kid.name}=class or --splits {kid.name}=ignore"
                )

    def _has_no_labels(self, split: Folder, classes: list[Folder], known: frozenset[str]) -> bool:
        """Return whether the folders in a split folder are no classes: `test/test`, `test/images`, `test/0`."""
        if not known or any(class_key(kid.name) in known for kid in classes):
            return False
        return all(
            is_plain_container(kid.name)
            or kid.name.isdecimal()
            or fold(kid.name) == fold(split.name)
            or split_of_name(kid.name) is not None
            for kid in classes
        )

    def _read_names(self, folder: Folder, split: int, has_empty: bool) -> None:
        """Label a folder's own files by their names."""
        labels: NameLabels = folder.labelled_names
        for name, label in labels.labels.items():
            self.labelled.rows.append(LabelledRow(folder.file(name), label, split))
        if not labels.dotted:
            self.by_pattern.update(labels.labels.values())
            self.labelled.by_name_pattern = self.labelled.by_name_pattern or bool(labels.labels)
            for name, label in labels.labels.items():
                self.examples.setdefault(label, name)
        others = [folder.file(name) for name in labels.others]
        if split in (VALID, HELD_OUT) and not labels.labels:
            if others:
                self.found.aside.append(Aside(Folder(folder.path, folder.is_photo, {}, folder.names), UNLABELLED))
        elif labels.labels:
            reason = "its name gives no class (such as cat.0.jpg)"
            self.labelled.skipped += [SkippedPhoto(file, reason) for file in others]
        elif not has_empty:
            self.unnamed += others

    def _refuse_unlabelled_train(self) -> None:
        if self.unnamed and self.labelled.rows:
            raise DataError(
                f"{self.where}: {plural(len(self.unnamed), 'photo')} to train on whose names give no class, such as "
                f"{self.unnamed[0]}; {FORMS}"
            )

    def _refuse_splits_as_classes(self) -> None:
        """Refuse to tell train from test: whatever the layout is, these are no classes."""
        labels = [label for label in {row.label for row in self.labelled.rows} if self.choices.of(label) != CLASS]
        splits = {split_of_name(label) for label in labels} - {None}
        if TRAIN in splits and len(splits) > 1:
            named = ", ".join(f"{label}/" for label in sorted(labels) if split_of_name(label) is not None)
            raise DataError(
                f"{self.where}: {named} would be classes, and look like splits; put the folders of the classes into "
                "them, or say what they are with --splits NAME=train (or valid, test, class, ignore)"
            )

    def _refuse_two_readings(self, folder: Folder, classes: list[Folder]) -> None:
        """Refuse file names that give classes, beside folders with fewer photos."""
        labels = folder.labelled_names
        if len(labels.counts) < 2:
            return
        named = ", ".join(f"{kid.name}/" for kid in classes[:_MOST_SHOWN])
        ignored = ",".join(f"{kid.name}=ignore" for kid in classes)
        raise DataError(
            f"{self.where}: {plural(len(labels.labels), 'photo')} whose names give classes "
            f"({', '.join(list(labels.counts)[:_MOST_SHOWN])}) beside the folders {named}; move these elsewhere, "
            f"or leave them out with --splits {ignored}"
        )

    def _take(self, files: Iterable[str], label: str, split: int) -> None:
        self.labelled.rows += [LabelledRow(file, label, split) for file in files]

    def _describe(self) -> None:
        """Note what was understood, where it is not plain to see."""
        notes = self.labelled.notes
        splits = sorted(self.found.splits.items(), key=lambda item: item[1])
        if self.found.in_classes or any(name.casefold() != _SPLIT_WORDS[split] for name, split in splits):
            inside = " (inside the classes)" if self.found.in_classes else ""
            understood = ", ".join(f"{name} → {_SPLIT_WORDS[split]}" for name, split in splits)
            notes.append(f"splits{inside}: {understood}")
        if self.by_pattern:
            shown = [f"{self.by_pattern[c]:,} {c} (such as {self.examples[c]})" for c in self.by_pattern]
            more = (
                f", and {plural(len(shown) - _MOST_SHOWN, 'more class', 'more classes')}"
                if len(shown) > _MOST_SHOWN
                else ""
            )
            notes.append(f"classes by file name: {', '.join(shown[:_MOST_SHOWN])}{more}")
        if self.nested:
            notes.append(f"folders inside a class folder belong to its class (such as {self.nested[0]})")

    def _pass_over(self) -> None:
        """Count the files of folders that are passed over, and note each kind of folder in one line."""
        alike: dict[tuple[str, bool, bool], list[Folder]] = {}
        for aside in {item.folder.path: item for item in self.found.aside}.values():
            folder = aside.folder
            if folder.count:
                self.labelled.passed_over.append(PassedOver(aside.kind, folder.count, next(folder.files())))
                alike.setdefault((aside.kind, folder.has_photos, aside.may_be_class), []).append(folder)
        for (kind, has_photos, may_be_class), folders in alike.items():
            more = f" and {len(folders) - _MOST_SHOWN:,} more" if len(folders) > _MOST_SHOWN else ""
            named = ", ".join(f"{folder.path or self.where}/" for folder in folders[:_MOST_SHOWN])
            count = sum(folder.count for folder in folders)
            what = plural(count, "unlabelled photo") if kind == UNLABELLED else plural(count, "file")
            why = hint = ""
            if kind == NO_CLASS:
                why = ", as the name says that it is no class" if has_photos else ", as there is no photo in it"
            if may_be_class and has_photos:
                self.labelled.aside += [folder.name for folder in folders]
                hint = f" (if it is a class: --splits {folders[0].name}=class)"
            self.labelled.notes.append(f"{named}{more}: {what} passed over{why}{hint}")


def _kids(part: Part) -> Iterable[str]:
    return inner_folder(part.folder).photo_folders
