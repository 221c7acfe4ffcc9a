"""Label tables: photos and their labels from a table instead of from folder names."""

from pathlib import Path
from typing import NamedTuple

from photoclass.errors import DataError
from photoclass.photos.class_names import clean_class_name
from photoclass.photos.sources.choices import IGNORE, Choices
from photoclass.photos.sources.labelled import LabelledFiles, LabelledRow
from photoclass.photos.sources.locate import FoundPhoto, Missing, PhotoFinder, check_uncertain
from photoclass.photos.sources.names import split_of_name
from photoclass.photos.sources.options import ALL_OTHERS, AS_IT_IS, ReadOptions
from photoclass.photos.table import HELD_OUT, NO_SPLIT, TRAIN, VALID
from photoclass.photos.tables.columns import LabelColumns, find_columns, named_column, without_labels
from photoclass.photos.tables.labels import check_labels
from photoclass.photos.tables.one_hot import one_hot_columns, one_hot_labels
from photoclass.photos.tables.row_faults import RowFaults
from photoclass.photos.tables.table_file import TableFile, read_table_file
from photoclass.text import plural

_SPLITS = {"train": TRAIN, "valid": VALID, "test": HELD_OUT}
# Said of rows that `--splits NAME=ignore` leaves out.
IGNORED = -2
SPLIT_NAMES = {TRAIN: "train", VALID: "valid", HELD_OUT: "test", IGNORED: "ignored"}
# How many rows decide which of several columns names the photos.
_ROWS_TRIED = 20


class _Row(NamedTuple):
    line: int
    image: str
    label: str
    split: int
    group: str


def read_label_file(file: Path, reading: ReadOptions = AS_IT_IS) -> tuple[LabelledFiles, dict[str, str]]:
    """Read a table of photos and labels: one column of labels, or one column a class; perhaps a column of splits.

    A photo is a path relative to the table's folder, or absolute. What is not there is looked for below the table's
    folder, by as much of its path as fits: it is found where only one file can be meant, and a note says so. A photo
    that two rows name, in whatever way, counts once.

    Args:
        file: The table: see `read_table_file` for its forms.
        reading: The columns, and what words of the split column mean.

    Returns:
        The rows, and the path of each photo by its name relative to the table's folder.

    Raises:
        DataError: It is no table, a column is missing, or rows are wrong: each cause is named once, with its count and
            an example.
    """
    table = read_table_file(file)
    labelled, paths = label_table(table, reading, str(file.parent))
    _check_choices(labelled, table, find_columns(table, reading.image_column, reading.label_column), reading)
    finish_splits(labelled, str(file))
    return labelled, paths


def label_table(
    table: TableFile, reading: ReadOptions, folder: str, split: int = NO_SPLIT
) -> tuple[LabelledFiles, dict[str, str]]:
    """Read the rows of a label table, like `read_label_file`, without a look at which splits there are.

    Args:
        table: The table.
        reading: The columns, and what words of the split column mean.
        folder: The folder that paths are relative to.
        split: The split of all rows if there is no column of splits.
    """
    if not table.rows:
        raise DataError(f"{table.file}: has no row below its first line")
    finder = PhotoFinder(folder, table.encoding, str(table.file.parent))
    columns = find_columns(table, reading.image_column, reading.label_column)
    labelled = LabelledFiles(notes=[*table.notes, *columns.notes])
    image = _image_column(table, columns, finder, labelled.notes)
    rows = _rows(table, columns, image, reading, split, labelled.notes)
    found = _find_photos(table.file, rows, finder, labelled.notes)
    paths = _fill(table.file, rows, found, labelled)
    if columns.split is None and split == NO_SPLIT:
        _split_by_folders(table.file, labelled, reading)
    return labelled, paths


def finish_splits(labelled: LabelledFiles, where: str) -> None:
    """Check the splits of labelled files: all have one or none, and some are in train.

    Raises:
        DataError: Some rows have a split and some do not, or none is in train.
    """
    splits = {row.split for row in labelled.rows}
    if NO_SPLIT in splits and len(splits) > 1:
        raise DataError(f"{where}: some rows have a split and some do not; fill the column or remove it")
    if splits and splits != {NO_SPLIT} and TRAIN not in splits:
        raise DataError(f"{where}: no row is in the split train; correct the column or remove it")
    if VALID not in splits:
        labelled.free_train_rows()


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


def _rows(
    table: TableFile, columns: LabelColumns, image: int, reading: ReadOptions, split: int, notes: list[str]
) -> list[_Row]:
    """Return the rows with the class and the split of each.

    Raises:
        DataError: A row lacks a photo or a label, a label cannot be a class name, or a split is unknown.
    """
    group = _group_column(table, reading)
    if columns.label is None:
        others = {*columns.images, *([columns.split] if columns.split is not None else [])}
        classes = one_hot_columns(table, others)
        if not classes:
            raise DataError(without_labels(table))
        labels, note = one_hot_labels(table, classes)
        notes.append(note)
    else:
        labels = table.cells(columns.label)
    faults = RowFaults(table.file)
    splits = []
    for row, label in zip(table.rows, labels, strict=True):
        if not row.cells[image].strip():
            faults.add(row.line, "the photo is empty", advice=_line_break_advice(row.cells))
        if not label.strip():
            faults.add(row.line, "the label is empty", advice=_line_break_advice(row.cells))
        word = row.cells[columns.split].strip() if columns.split is not None else ""
        meant = split_of(word, reading) if word else (NO_SPLIT if columns.split is not None else split)
        if meant is None:
            advice = f"choose from train, valid, test, or say what it means, such as --splits {word}=test"
            faults.add(row.line, "unknown split", repr(word), advice)
        splits.append(NO_SPLIT if meant is None else meant)
    faults.refuse()
    check_labels(table, labels, [row.line for row in table.rows])
    if ignored := splits.count(IGNORED):
        notes.append(f"{table.file}: {plural(ignored, 'row')} ignored, as --splits says")
    return [
        _Row(row.line, row.cells[image], label, part, row.cells[group].strip() if group is not None else "")
        for row, label, part in zip(table.rows, labels, splits, strict=True)
        if part != IGNORED
    ]


def _split_by_folders(file: Path, labelled: LabelledFiles, reading: ReadOptions) -> None:
    """Take the splits from the first folder of all paths, where each means one and there are several with train."""
    folders = {row.file: row.file.partition("/")[0] if "/" in row.file else "" for row in labelled.rows}
    meant = {folder: split_of(folder, reading) for folder in dict.fromkeys(folders.values()) if folder}
    if "" in folders.values() or TRAIN not in meant.values() or None in meant.values() or len(set(meant.values())) < 2:
        return
    labelled.rows = [
        row._replace(split=split) for row in labelled.rows if (split := meant[folders[row.file]]) is not None
    ]
    labelled.rows = [row for row in labelled.rows if row.split != IGNORED]
    shown = ", ".join(f"{folder} → {SPLIT_NAMES[split]}" for folder, split in meant.items() if split is not None)
    labelled.notes.append(f"{file}: splits: {shown}")


def _group_column(table: TableFile, reading: ReadOptions) -> int | None:
    name = reading.group_by
    if name and any(column.casefold() == name.strip().casefold() for column in table.header):
        return named_column(table, name, "--group-by")
    return None


def split_of(word: str, reading: ReadOptions) -> int | None:
    """Return the split that a folder or a word in a split column means, or IGNORED; None if that is unknown."""
    choices = Choices(reading)
    known = split_of_name(word)
    choice = choices.by_name(word) if known is not None else choices.of(word)
    if choice == IGNORE:
        return IGNORED
    return _SPLITS.get(choice) if choice else known


def _check_choices(labelled: LabelledFiles, table: TableFile, columns: LabelColumns, reading: ReadOptions) -> None:
    """Refuse words of `--splits` that are in no row."""
    words = (
        {cell.strip() for cell in table.cells(columns.split) if cell.strip()} if columns.split is not None else set()
    )
    words = words or {row.file.partition("/")[0] for row in labelled.rows if "/" in row.file}
    met = {clean_class_name(word) for word in words}
    for name, choice in reading.splits.items():
        if name != ALL_OTHERS and clean_class_name(name) not in met:
            found = ", ".join(sorted(words)) or "none"
            raise DataError(f"{table.file}: --splits {name}={choice}: no row has that split; found {found}")


def _line_break_advice(cells: tuple[str, ...]) -> str:
    broken = any("\n" in cell or "\r" in cell for cell in cells)
    return 'a cell of this row has a line break: perhaps a quote (") is missing' if broken else ""


def _find_photos(file: Path, rows: list[_Row], finder: PhotoFinder, notes: list[str]) -> dict[str, FoundPhoto]:
    """Return the photo of each cell.

    Raises:
        DataError: Some are not there; the cause is named once.
    """
    found: dict[str, tuple[int, FoundPhoto]] = {}
    elsewhere: list[tuple[str, FoundPhoto]] = []
    faults = RowFaults(file)
    missing: dict[str, Missing] = {}
    for row in rows:
        cell = row.image
        if cell in found:
            continue
        photo = missing.get(cell) or finder.as_written(cell)
        if photo is None:
            photo = finder.below(cell)
            if isinstance(photo, FoundPhoto):
                elsewhere.append((cell, photo))
        if isinstance(photo, FoundPhoto):
            found[cell] = (row.line, photo)
        else:
            missing[cell] = photo
            faults.add(row.line, *photo)
    check_uncertain(found, faults)
    faults.refuse()
    if elsewhere:
        cell, photo = elsewhere[0]
        notes.append(
            f"{file}: {plural(len(elsewhere), 'photo')} found below {file.parent} under another name than the table "
            f"gives, such as {photo.name} for {cell.strip()!r}"
        )
    return {cell: photo for cell, (_, photo) in found.items()}


def _fill(file: Path, rows: list[_Row], found: dict[str, FoundPhoto], labelled: LabelledFiles) -> dict[str, str]:
    """Add a row for each photo, once.

    Returns:
        The path of each photo by its name.

    Raises:
        DataError: Two rows give a photo different labels or splits.
    """
    paths: dict[str, str] = {}
    seen: dict[str, _Row] = {}
    faults = RowFaults(file)
    repeated = 0
    for row in rows:
        photo = found[row.image]
        first = seen.setdefault(photo.name, row)
        if first is row:
            paths[photo.name] = photo.path
            labelled.rows.append(LabelledRow(photo.name, row.label, row.split, row.group))
        elif first.label != row.label and clean_class_name(first.label) != clean_class_name(row.label):
            example = (
                f"{row.image.strip()!r} is {row.label.strip()} here and {first.label.strip()} in line {first.line}"
            )
            faults.add(
                row.line, "two labels for one photo", example, "a photo has one label here: keep one of the rows"
            )
        elif first.split != row.split:
            example = f"{row.image.strip()!r} is in another split in line {first.line}"
            faults.add(row.line, "two splits for one photo", example, "keep one of the rows")
        else:
            repeated += 1
    faults.refuse()
    if repeated:
        labelled.notes.append(f"{file}: {plural(repeated, 'repeated row')} counted once")
    return paths
