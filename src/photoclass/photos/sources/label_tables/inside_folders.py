"""Tables inside DATA that say its labels: Hugging Face's `metadata.csv`, Roboflow's `_classes.csv`."""

import os
from collections import defaultdict
from functools import partial
from pathlib import Path

from photoclass.errors import DataError, MissingPackageError
from photoclass.photos.sources.label_tables.label_file import label_table
from photoclass.photos.sources.label_tables.samples import sample_table
from photoclass.photos.sources.label_tables.splits import IGNORED, SPLIT_NAMES, TableSplits, finish_splits
from photoclass.photos.sources.labelled import LabelledFiles, LabelledRow
from photoclass.photos.sources.layout import label_listing
from photoclass.photos.sources.listing import Listing, count_kinds
from photoclass.photos.sources.options import ReadOptions
from photoclass.photos.table import NO_SPLIT
from photoclass.photos.tables.columns import holds_labels
from photoclass.photos.tables.table_file import WORKBOOK_ENDINGS, TableFile, is_table, read_table_file

LABEL_TABLES = ("metadata.csv", "metadata.jsonl", "metadata.parquet", "_classes.csv")
UNLABELLED_SAMPLES = "pictures without a label of their own"
_MOST_TABLES_TRIED = 50


def label_folder(listing: Listing, root: str, where: str, reading: ReadOptions) -> LabelledFiles:
    """Find the label and split of each file in a folder: from label tables in it if there are any, or from its names.

    Args:
        listing: The content of the folder.
        root: Where the folder is.
        where: Its path as the user wrote it, for messages.
        reading: How DATA is read where its names leave a choice.

    Raises:
        DataError: The layout is unknown, a label table is wrong, or tables and folders say different labels.
    """
    tables = _label_tables(listing, root, where, reading)
    if not tables and (samples := sample_table(listing, root, Path(where))):
        return _label_by_samples(samples, listing, root, where, reading)
    if not tables:
        refuse_column_options(where, reading)
        return label_listing(listing, where, reading, partial(os.path.join, root))
    by_names = None if reading.image_column or reading.label_column else _label_by_names(listing, root, where, reading)
    names = ", ".join(tables)
    try:
        by_tables = _label_by_tables(tables, listing, root, where, reading)
    except DataError as error:
        if by_names is None:
            raise
        raise DataError(f"{error}. There are class folders, too: to use these, move {names} away") from error
    if by_names is None:
        return by_tables
    said = {row.file: row.label for row in by_tables.rows}
    folders = {row.file: row.label for row in by_names.rows}
    other = next((file for file in said if folders.get(file, said[file]) != said[file]), None)
    if other is not None:
        raise DataError(
            f"{where}: {other} is {said[other]} in {names} and {folders[other]} by its folder; to use the table, "
            "give it as DATA; to use the folders, move it away"
        )
    if said.keys() <= folders.keys() and all(row.split == NO_SPLIT for row in by_tables.rows):
        by_names.notes.append(f"{where}: labels are from the folders; {names} says the same")
        return by_names
    return by_tables


def _label_by_samples(
    samples: TableFile, listing: Listing, root: str, where: str, reading: ReadOptions
) -> LabelledFiles:
    splits = TableSplits(reading)
    labelled, _ = label_table(samples, reading, splits, root)
    splits.check_used(where)
    labelled.notes[:0] = [*listing.notes, f"{where}: labels are from the files beside the photos"]
    account_for(listing, labelled, UNLABELLED_SAMPLES)
    finish_splits(labelled, where)
    return labelled


def _label_by_names(listing: Listing, root: str, where: str, reading: ReadOptions) -> LabelledFiles | None:
    """Return what folders and file names say, if these are at least two classes."""
    try:
        found = label_listing(listing, where, reading, partial(os.path.join, root))
    except DataError:
        return None
    several = len({row.label for row in found.rows}) > 1
    return found if several and not found.by_name_pattern else None


def _label_by_tables(
    tables: dict[str, TableFile], listing: Listing, root: str, where: str, reading: ReadOptions
) -> LabelledFiles:
    labelled = LabelledFiles(notes=list(listing.notes))
    splits = TableSplits(reading)
    understood: dict[str, int] = {}
    notes: dict[str, list[str]] = defaultdict(list)
    for name, table in tables.items():
        folder_split = _split_of_folders(name, splits)
        if IGNORED in folder_split.values():
            continue
        understood |= folder_split
        of_table = _read_table(name, table, root, reading, splits, next(iter(folder_split.values()), NO_SPLIT))
        labelled.rows += of_table.rows
        for note in of_table.notes:
            notes[note.removeprefix(f"{table.file}: ")].append(str(table.file))
    splits.check_used(where)
    names = ", ".join(tables)
    labelled.notes.append(f"{where}: labels are from {names}")
    labelled.notes += [f"{files[0] if len(files) == 1 else where}: {note}" for note, files in notes.items()]
    if understood:
        shown = ", ".join(f"{folder} → {SPLIT_NAMES[split]}" for folder, split in understood.items())
        labelled.notes.append(f"{where}: splits: {shown}")
    _drop_repeated(labelled, where, names)
    account_for(listing, labelled)
    finish_splits(labelled, where)
    return labelled


def refuse_label_tables(listing: Listing, root: str, where: str, reading: ReadOptions) -> None:
    """Refuse a part of DATA with a table that says its labels, as the rows may name photos of other parts.

    Raises:
        DataError: There is such a table.
    """
    for name in _label_tables(listing, root, where, reading):
        raise DataError(
            f"{where}/{name}: says labels, which is not read where DATA is in parts; unpack all parts into one folder "
            "and give that"
        )


def refuse_column_options(where: str, reading: ReadOptions) -> None:
    """Refuse options on the columns of a table where labels are from folders and names.

    Raises:
        DataError: There is such an option.
    """
    for option, column in (("--image-column", reading.image_column), ("--label-column", reading.label_column)):
        if column:
            raise DataError(f"{where}: {option} {column}: there is no label table; labels are from names")


def label_table_beside(listing: Listing, root: str) -> str:
    """Return the name of a label table in a folder, under a name that is not known for it; empty without.

    Of several, it is that of the outermost folder with the most rows: a sample of a submission holds labels, too.
    """
    found: list[tuple[int, int, str]] = []
    tables = [name for name in listing.beside if is_table(Path(name)) and _file_name(name) not in LABEL_TABLES]
    tables.sort(key=lambda name: (name.count("/"), name.casefold().endswith(".txt")))
    for name in tables[:_MOST_TABLES_TRIED]:
        try:
            table = read_table_file(Path(root, name))
            if holds_labels(table):
                found.append((name.count("/"), -len(table.rows), name))
        except DataError:
            if name.casefold().endswith(WORKBOOK_ENDINGS):
                found.append((name.count("/"), 1, name))  # given as DATA, it is refused with what to do
        except MissingPackageError:
            found.append((name.count("/"), 1, name))  # the same
    return min(found)[2] if found else ""


def _file_name(name: str) -> str:
    return name.rpartition("/")[2].casefold()


def _label_tables(listing: Listing, root: str, where: str, reading: ReadOptions) -> dict[str, TableFile]:
    """Return the tables below a folder that have a column of labels, by their names."""
    found = {}
    for name in listing.beside:
        if _file_name(name) in LABEL_TABLES:
            table = read_table_file(Path(root, name), Path(where, name))
            if holds_labels(table, reading.image_column, reading.label_column):
                found[name] = table
    return found


def account_for(
    listing: Listing, labelled: LabelledFiles, unlabelled: str = "photos that no label table names"
) -> None:
    """Name or count every file that has no label; `unlabelled` is what to call photos without one."""
    named = {row.file for row in labelled.rows}
    labelled.skipped = [item for item in listing.skipped if item.name not in named]
    kinds = {file: kind for file, kind in listing.kinds.items() if file not in named}
    kinds |= dict.fromkeys(set(listing.files) - named, unlabelled)
    labelled.passed_over = list(count_kinds(kinds))


def _split_of_folders(name: str, splits: TableSplits) -> dict[str, int]:
    """Return the innermost folder around a table that means a split, and the split; empty if none does."""
    for folder in reversed(name.split("/")[:-1]):
        split = splits.of(folder)
        if split is not None:
            return {folder: split}
    return {}


def _read_table(
    name: str, table: TableFile, root: str, reading: ReadOptions, splits: TableSplits, split: int
) -> LabelledFiles:
    """Read one of the tables; its files are relative to `root`."""
    folder = os.path.dirname(name)
    found, paths = label_table(table, reading, splits, os.path.join(root, folder), split)
    for i, row in enumerate(found.rows):
        is_below = not row.file.startswith(("/", ".."))
        file = os.path.join(folder, row.file) if is_below else os.path.relpath(paths[row.file], root)
        found.rows[i] = row._replace(file=file)
    return found


def _drop_repeated(labelled: LabelledFiles, where: str, tables: str) -> None:
    """Count a photo once that several tables name.

    Raises:
        DataError: They give it different labels or splits.
    """
    rows: dict[str, LabelledRow] = {}
    for row in labelled.rows:
        first = rows.setdefault(row.file, row)
        if first[:3] != row[:3]:
            raise DataError(f"{where}: two of {tables} name {row.file}, with different labels or splits; keep one row")
    labelled.rows = list(rows.values())
