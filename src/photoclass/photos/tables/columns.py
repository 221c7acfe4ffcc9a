"""Which columns of a table hold photos, labels and splits: by their usual names, or as the user says."""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from photoclass.errors import DataError
from photoclass.photos.class_names import clean_class_name
from photoclass.photos.sources.litter import has_photo_ending
from photoclass.photos.sources.names import split_of_name
from photoclass.photos.table import HELD_OUT, TRAIN, VALID
from photoclass.photos.tables.one_hot import FLAG_VALUES, one_hot_columns
from photoclass.photos.tables.table_file import TableFile
from photoclass.text import listed


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Usual names, compared without case, spaces, `_`, `-` and `.`. A name of the first tuple that is there wins over those
# of the second: `id` names photos only where no other column does. `image` and `label` come before all others.
IMAGE_COLUMNS = (
    _words("""
        image images file files filename filenames filepath filepaths path paths imagefile imagefilename imagename
        imagepath imagepaths img imgname imgpath imgfile photo photos photofile photoname photopath picture fname
    """),
    _words("id imageid imgid photoid fileid"),
)
LABEL_COLUMNS = (
    _words("""
        label labels class classes classname classlabel labelname target breed category categoryname species choice
    """),
    _words("classid labelid targetid categoryid breedid classindex labelindex y"),
)
SPLIT_COLUMNS = (_words("split set subset"),)
# Columns that are true for the photos of one split: what true means, and what false means.
SPLIT_FLAGS = {
    **dict.fromkeys(_words("istrain istraining istrainimage istrainingimage"), (TRAIN, HELD_OUT)),
    **dict.fromkeys(_words("isvalid isval isvalidation"), (VALID, TRAIN)),
    **dict.fromkeys(_words("istest isheldout isholdout"), (HELD_OUT, TRAIN)),
}
# How many rows are searched for the names of the columns, for a message.
_ROWS_TRIED = 10
_MOST_SPLIT_WORDS = 12
_BETWEEN_WORDS = re.compile(r"[\s_.\-]+")


@dataclass(frozen=True)
class LabelColumns:
    """The columns of a label table, as indices.

    Attributes:
        images: Those that may name the photos, the likeliest first.
        label: The one that holds the classes; None if there is none by name.
        split: The one that holds the split; None without.
        notes: What was chosen where there are others.
        flags: What the cells of the split column mean if it says true or false, as `is_valid` does.
    """

    images: tuple[int, ...]
    label: int | None
    split: int | None
    notes: tuple[str, ...] = ()
    flags: Mapping[str, int] = field(default_factory=dict)


def find_columns(
    table: TableFile, image_column: str = "", label_column: str = "", *, has_options: bool = True
) -> LabelColumns:
    """Find the columns of photos, labels and splits.

    Args:
        table: The table.
        image_column: The name of the column that holds the photos; empty to find it by its usual names.
        label_column: The same for the labels.
        has_options: Whether the user can name the columns with options; not those of a fixes file.

    Raises:
        DataError: No column has a usual name of photos, a given name is not there or there twice, or several columns
            could be the labels.
    """
    notes = []
    if image_column:
        images = [named_column(table, image_column, "--image-column")]
    else:
        images = _usual(table, IMAGE_COLUMNS, "image")
        if not images:
            raise DataError(f"{table.file}: {_unknown(table, 'photos', 'image', '--image-column' * has_options)}")
    if label_column:
        labels = [named_column(table, label_column, "--label-column")]
    else:
        labels = [column for column in _usual(table, LABEL_COLUMNS, "label") if column not in images]
    if len(labels) > 1 and _plain(table.header[labels[0]]) != "label":
        choose = "choose one with --label-column NAME" if has_options else "name one of them label"
        raise DataError(f"{table.file}: {_examples(table, labels)} may be the labels; {choose}")
    if len(labels) > 1:
        notes.append(
            f"{table.file}: labels are from column {table.header[labels[0]]}; {_examples(table, labels[1:])} could be "
            "chosen with --label-column"
        )
    split = _split_column(table, {*images, *labels}, notes)
    flags = None if split is None else SPLIT_FLAGS.get(_plain(table.header[split]))
    for column in (*images, *labels[:1], *([] if split is None else [split])):
        named_column(table, table.header[column], "")
    words = {} if flags is None or split is None else _flags(table, split, flags)
    return LabelColumns(tuple(images), labels[0] if labels else None, split, tuple(notes), words)


def photo_column(table: TableFile, image_column: str = "") -> int | None:
    """Return the column that holds photos as bytes; None if the table names its photos by paths.

    Args:
        table: The table.
        image_column: The name of the column that the user chose; empty to find it.

    Raises:
        DataError: A given name is not there, or several columns hold photos and none is called image.
    """
    if image_column:
        column = named_column(table, image_column, "--image-column")
        return column if column in table.photos else None
    usual = [column for column in table.photos if _plain(table.header[column]) == "image"]
    if len(table.photos) > 1 and len(usual) != 1:
        names = " and ".join(table.header[column] for column in table.photos)
        raise DataError(f"{table.file}: the columns {names} hold photos; choose one with --image-column NAME")
    return next(iter(usual or table.photos), None)


def _split_column(table: TableFile, others: set[int], notes: list[str]) -> int | None:
    """Return the column of splits: by its name, or because all that it holds are words for splits, train among them."""
    found = [column for column in _usual(table, SPLIT_COLUMNS, "split") if column not in others]
    if not found:
        found = [column for column, name in enumerate(table.header) if _plain(name) in SPLIT_FLAGS]
        if len(found) > 1:
            named = listed([table.header[column] for column in found], "column", "columns")
            raise DataError(f"{table.file}: {named} say the splits together; write them as one column named split")
    if not found:
        columns = (column for column in range(len(table.header)) if column not in others)
        found = [column for column in columns if _holds_splits(table.cells(column))]
        notes += [f"{table.file}: splits are from column {table.header[column]}" for column in found[:1]]
    if len(found) > 1 and _plain(table.header[found[0]]) != "split":
        raise DataError(f"{table.file}: {_examples(table, found)} may be the splits; name one of them split")
    return found[0] if found else None


def _flags(table: TableFile, column: int, flags: tuple[int, int]) -> dict[str, int]:
    """Return what the cells of a column mean that says true or false."""
    return {
        word: flags[0] if is_true else flags[1]
        for cell in table.cells(column)
        if (is_true := FLAG_VALUES.get((word := cell.strip()).casefold())) is not None and word
    }


def _holds_splits(cells: Sequence[str]) -> bool:
    different = set(cells)
    if len(different) > _MOST_SPLIT_WORDS:
        return False
    splits = {split_of_name(word.strip()) for word in different}
    return len(splits) > 1 and TRAIN in splits and None not in splits


def holds_labels(table: TableFile, image_column: str = "", label_column: str = "") -> bool:
    """Return whether a table has a column of photos and one of labels, or one column a class."""
    names = {_plain(name) for name in table.header}
    images = frozenset({_plain(image_column)}) if image_column else frozenset().union(*IMAGE_COLUMNS)
    labels = frozenset({_plain(label_column)}) if label_column else frozenset().union(*LABEL_COLUMNS)
    others = {i for i, name in enumerate(table.header) if _plain(name) in images}
    return bool(names & images) and bool(names & labels or one_hot_columns(table, others))


def named_column(table: TableFile, name: str, option: str) -> int:
    """Return the column of this name: exactly, or else without regard to case and spaces.

    Args:
        table: The table.
        name: The column's name.
        option: The option that says it, for messages.

    Raises:
        DataError: No column has this name, or several.
    """
    exact = [i for i, column in enumerate(table.header) if column == name.strip()]
    found = exact or [i for i, column in enumerate(table.header) if _plain(column) == _plain(name)]
    if not found:
        raise DataError(f"{table.file}: no column {option} {name}; its columns are: {table.describe_columns()}")
    if len(found) > 1:
        raise DataError(f"{table.file}: {len(found)} columns are named {table.header[found[0]]!r}; rename all but one")
    return found[0]


def without_labels(table: TableFile, *, has_options: bool = True) -> str:
    """Return the message for a table in which no column holds labels; `has_options` as in `find_columns`."""
    return f"{table.file}: {_unknown(table, 'labels', 'label', '--label-column' * has_options)}"


def _usual(table: TableFile, tiers: Sequence[frozenset[str]], first: str) -> list[int]:
    """Return the columns of the first tier that has any, one of the name `first` before all others."""
    plain = [_plain(name) for name in table.header]
    for names in tiers:
        found = [i for i, name in enumerate(plain) if name in names]
        if found:
            return sorted(found, key=lambda i: plain[i] != first)
    return []


def _plain(name: str) -> str:
    return _BETWEEN_WORDS.sub("", clean_class_name(name).casefold())


def _examples(table: TableFile, columns: Sequence[int]) -> str:
    named = []
    for column in columns:
        cell = next((cell.strip() for cell in table.cells(column) if cell.strip()), "")
        named.append(f"{table.header[column]} (such as {cell!r})" if cell else table.header[column])
    return f"{', '.join(named[:-1])} or {named[-1]}" if len(named) > 1 else named[0]


def _likely(table: TableFile, what: str) -> str:
    """Return the name of the only column that may hold photos, or labels, whatever it is called; empty without."""
    columns = [i for i, name in enumerate(table.header) if name and table.header.count(name) == 1]
    of_photos = [i for i in columns if all(has_photo_ending(cell.strip()) for cell in table.cells(i)[:_ROWS_TRIED])]
    if what == "labels":
        known = frozenset().union(*IMAGE_COLUMNS)
        of_photos = [i for i in columns if i not in of_photos and _plain(table.header[i]) not in known]
    return table.header[of_photos[0]] if len(of_photos) == 1 and table.rows else ""


def _unknown(table: TableFile, what: str, usual: str, option: str) -> str:
    found = table.describe_columns()
    if any(has_photo_ending(name) for name in table.header):
        advice = "image,label" if len(table.header) == 2 else "with a name for each column, image and label among them,"
        return f"its first line is a row ({found}), not the names of the columns; add a line {advice} above it"
    for line, cells in table.rows[:_ROWS_TRIED]:
        names = {_plain(cell) for cell in cells}
        if names & frozenset().union(*IMAGE_COLUMNS) and names & frozenset().union(*LABEL_COLUMNS):
            return f"its first line ({found}) does not name the columns, but line {line} does; remove what is above it"
    name = shlex.quote(_likely(table, what)) if _likely(table, what) else "NAME"
    advice = f"name one {usual}, or say {option} {name}" if option else f"name one {usual}"
    if len(table.header) == 1 and " " in table.header[0]:
        advice = "put commas, semicolons or tabs between the columns"
    return f"no column is known to hold {what}: {found}; {advice}"
