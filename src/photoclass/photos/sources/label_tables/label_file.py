"""Label tables: photos and their labels from a table instead of from folder names."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from photoclass.errors import DataError
from photoclass.photos.class_names import clean_class_name
from photoclass.photos.sources.label_tables.held_photos import unpack_photos
from photoclass.photos.sources.label_tables.locate import FoundPhoto, PhotoFinder
from photoclass.photos.sources.label_tables.named_photos import find_photos
from photoclass.photos.sources.label_tables.splits import (
    IGNORED,
    SPLIT_NAMES,
    TableSplits,
    finish_splits,
    split_by_folders,
)
from photoclass.photos.sources.labelled import LabelledFiles, LabelledRow
from photoclass.photos.sources.names import split_of_name
from photoclass.photos.sources.options import AS_IT_IS, ReadOptions
from photoclass.photos.table import NO_SPLIT
from photoclass.photos.tables.columns import LabelColumns, find_columns, named_column, photo_column, without_labels
from photoclass.photos.tables.labels import check_labels, describe_numbers
from photoclass.photos.tables.one_hot import one_hot_columns, one_hot_labels
from photoclass.photos.tables.row_faults import RowFaults
from photoclass.photos.tables.table_file import TableFile, read_table_file
from photoclass.text import plural
from photoclass.workspace import Workspace

# How many rows decide which of several columns names the photos.
_ROWS_TRIED = 20


class _Row(NamedTuple):
    line: int
    image: str
    label: str
    split: int
    group: str


def read_label_file(
    file: Path, workspace: Workspace, reading: ReadOptions = AS_IT_IS
) -> tuple[LabelledFiles, dict[str, str]]:
    """Read a table of photos and labels: one column of labels, or one column a class; perhaps a column of splits.

    A photo is a path relative to the table's folder, or absolute. What is not there is looked for below the table's
    folder, by as much of its path as fits: it is found where only one file can be meant, and a note says so. A photo
    that two rows name, in whatever way, counts once. Photos that the table itself holds are unpacked into the cache.

    Args:
        file: The table: see `read_table_file` for its forms.
        workspace: Whose cache takes the photos that the table holds.
        reading: The columns, and what words of the split column mean.

    Returns:
        The rows, and the path of each photo by its name: relative to the table's folder, or `FILE/NAME` of a photo that
        the table holds.

    Raises:
        DataError: It is no table, a column is missing, or rows are wrong: each cause is named once, with its count and
            an example.
    """
    splits = TableSplits(reading)
    labelled, paths = label_table_file(file, workspace, reading, splits)
    splits.check_used(str(file))
    finish_splits(labelled, str(file))
    return labelled, paths


def label_table_file(
    file: Path, workspace: Workspace, reading: ReadOptions, splits: TableSplits, split: int = NO_SPLIT
) -> tuple[LabelledFiles, dict[str, str]]:
    """Read the rows of a label table, like `read_label_file`, without a look at which splits there are."""
    table = read_table_file(file)
    column = photo_column(table, reading.image_column)
    if column is None:
        return label_table(table, reading, splits, str(file.parent), split)
    held = unpack_photos(table, column, workspace)
    reading = replace(reading, image_column=table.header[column])
    labelled, paths = label_table(held.table, reading, splits, str(held.folder), split)
    names = {name: held.name(name) for name in paths}
    labelled.rows = [row._replace(file=names[row.file]) for row in labelled.rows]
    return labelled, {names[name]: path for name, path in paths.items()}


def label_table(
    table: TableFile, reading: ReadOptions, splits: TableSplits, folder: str, split: int = NO_SPLIT
) -> tuple[LabelledFiles, dict[str, str]]:
    """Read the rows of a label table, like `read_label_file`, without a look at which splits there are.

    Args:
        table: The table.
        reading: The columns.
        splits: What words of the split column mean.
        folder: The folder that paths are relative to.
        split: The split of all rows if there is no column of splits.
    """
    if not table.rows:
        raise DataError(f"{table.file}: has no row below its first line")
    finder = PhotoFinder(folder, table.encoding, str(table.file.parent), split_of_name(table.file.stem))
    columns = find_columns(table, reading.image_column, reading.label_column)
    labelled = LabelledFiles(notes=[*table.notes, *columns.notes], columns=tuple(table.header))
    images = table.cells(_image_column(table, columns, finder, labelled.notes))
    labels = _labels(table, columns, labelled.notes)
    lines = [row.line for row in table.rows]
    faults = RowFaults(table.file, table.unit)
    _find_blanks(table, images, labels, faults)
    row_splits = _splits(table, columns, splits, split, faults)
    faults.refuse()
    labelled.notes += _describe_flags(table, columns, row_splits)
    if columns.label not in table.named:  # what a schema names is a class, whatever it looks like
        check_labels(table, labels, lines)
        labelled.notes += [f"{table.file}: {said}"] if (said := describe_numbers(labels)) else []
    group = _group_column(table, reading)
    groups = [cell.strip() for cell in table.cells(group)] if group is not None else [""] * len(labels)
    rows = [_Row(*cells) for cells in zip(lines, images, labels, row_splits, groups, strict=True)]
    if ignored := row_splits.count(IGNORED):
        labelled.notes.append(f"{table.file}: {plural(ignored, 'row')} ignored, as --splits says")
        rows = [row for row in rows if row.split != IGNORED]
    paths = _fill(
        table, rows, find_photos(table, [(row.line, row.image) for row in rows], finder, labelled.notes), labelled
    )
    if columns.split is None and split == NO_SPLIT:
        understood = split_by_folders(labelled, splits)
        labelled.notes += [f"{table.file}: {understood}"] if understood else []
    return labelled, paths


def _image_column(table: TableFile, columns: LabelColumns, finder: PhotoFinder, notes: list[str]) -> int:
    """Return the column that names the photos: of several that could, the one whose first cells are files."""
    if len(columns.images) == 1:
        return columns.images[0]
    fitting = []
    for column in columns.images:
        cells = [cell for cell in table.cells(column)[:_ROWS_TRIED] if cell.strip()]
        if cells and all(finder.as_written(cell) for cell in cells):
            fitting.append(column)
    names = " and ".join(table.header[column] for column in columns.images)
    chosen = columns.images[0] if columns.images[0] in fitting or not fitting else fitting[0]
    is_clear = len(fitting) == 1 or table.header[chosen].casefold() == "image"
    if not is_clear:
        raise DataError(f"{table.file}: the columns {names} may both name the photos; choose one with --image-column")
    notes.append(f"{table.file}: photos are named by column {table.header[chosen]}, of {names} (--image-column)")
    return chosen


def _labels(table: TableFile, columns: LabelColumns, notes: list[str]) -> list[str]:
    """Return the label of each row as it is written, from one column or from one column a class."""
    if columns.label is not None:
        return table.cells(columns.label)
    others = {*columns.images, *([columns.split] if columns.split is not None else [])}
    classes = one_hot_columns(table, others)
    if not classes:
        raise DataError(without_labels(table))
    labels, note = one_hot_labels(table, classes)
    notes.append(note)
    return labels


def _splits(table: TableFile, columns: LabelColumns, splits: TableSplits, split: int, faults: RowFaults) -> list[int]:
    """Return the split of each row: what its word means, NO_SPLIT for a blank one, `split` without a column."""
    if columns.split is None:
        return [split] * len(table.rows)
    given = [word.strip() for word in table.cells(columns.split)]
    meant = {word: splits.of(word) if word else NO_SPLIT for word in dict.fromkeys(given)}
    meant |= {word: known for word, known in columns.flags.items() if meant[word] is None}
    for row, word in zip(table.rows, given, strict=True):
        if meant[word] is None:
            advice = f"choose from train, valid, test, or say what it means, such as --splits {word}=test"
            faults.add(row.line, "unknown split", repr(word), advice)
    return [NO_SPLIT if (known := meant[word]) is None else known for word in given]


def _describe_flags(table: TableFile, columns: LabelColumns, splits: list[int]) -> list[str]:
    """Return what was understood of a split column that says true or false."""
    if columns.split is None or not columns.flags:
        return []
    words = [cell.strip() for cell in table.cells(columns.split)]
    meant = {word: SPLIT_NAMES[split] for word, split in zip(words, splits, strict=True) if word}
    understood = ", ".join(f"{word} → {split}" for word, split in meant.items())
    return [f"{table.file}: splits are from column {table.header[columns.split]}: {understood}"]


def _find_blanks(table: TableFile, images: list[str], labels: list[str], faults: RowFaults) -> None:
    for row, image, label in zip(table.rows, images, labels, strict=True):
        if tuple(cell.strip("\ufeff ") for cell in row.cells) == table.header:
            faults.add(row.line, "the names of the columns again", advice="remove this line")
        for what, cell in (("photo", image), ("label", label)):
            if not cell.strip():
                faults.add(row.line, f"the {what} is empty", advice=_line_break_advice(row.cells))


def _group_column(table: TableFile, reading: ReadOptions) -> int | None:
    name = reading.group_by
    if name and any(column.casefold() == name.strip().casefold() for column in table.header):
        return named_column(table, name, "--group-by")
    return None


def _line_break_advice(cells: tuple[str, ...]) -> str:
    broken = any("\n" in cell or "\r" in cell for cell in cells)
    return 'a cell of this row has a line break: perhaps a quote (") is missing' if broken else ""


def _fill(table: TableFile, rows: list[_Row], found: dict[str, FoundPhoto], labelled: LabelledFiles) -> dict[str, str]:
    """Add a row for each photo, once.

    Returns:
        The path of each photo by its name.

    Raises:
        DataError: Two rows give a photo different labels or splits.
    """
    paths: dict[str, str] = {}
    seen: dict[str, _Row] = {}
    faults = RowFaults(table.file, table.unit)
    repeated = 0
    for row in rows:
        photo = found[row.image]
        first = seen.setdefault(photo.name, row)
        if first is row:
            paths[photo.name] = photo.path
            labelled.rows.append(LabelledRow(photo.name, row.label, row.split, row.group))
        elif first.label != row.label and clean_class_name(first.label) != clean_class_name(row.label):
            other = f"{first.label.strip()} in {table.unit} {first.line}"
            example = f"{row.image.strip()!r} is {row.label.strip()} here and {other}"
            faults.add(
                row.line, "two labels for one photo", example, "a photo has one label here: keep one of the rows"
            )
        elif first.split != row.split:
            example = f"{row.image.strip()!r} is in another split in {table.unit} {first.line}"
            faults.add(row.line, "two splits for one photo", example, "keep one of the rows")
        else:
            repeated += 1
    faults.refuse()
    if repeated:
        labelled.notes.append(f"{table.file}: {plural(repeated, 'repeated row')} counted once")
    return paths
