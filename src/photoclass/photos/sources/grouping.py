"""`--group-by`: which photos the user keeps together in one split, by a column, a folder or a part of their paths."""

import re
from collections.abc import Callable, Sequence

from photoclass.errors import DataError
from photoclass.photos.class_names import clean_class_name
from photoclass.photos.sources.labelled import LabelledFiles, LabelledRow
from photoclass.photos.sources.names import split_of_name
from photoclass.text import plural

FOLDER = "folder"
_EXAMPLE = r"--group-by '/(IMG_\d+)_'"


def group_rows(labelled: LabelledFiles, group_by: str, where: str) -> None:
    """Give each row its group. A table whose column it names has filled them already.

    Args:
        labelled: The rows.
        group_by: As `ReadOptions.group_by`; empty for no groups.
        where: The path of DATA, for messages.

    Raises:
        DataError: It is neither a column of DATA, nor `folder`, nor a pattern with one group; or photos have no group.
    """
    if not group_by or not labelled.rows:
        return
    if any(row.group for row in labelled.rows):
        missing = "an empty cell in that column"
    elif group_by == FOLDER:
        missing = "no folder below the one of their class"
        labelled.rows = _grouped(labelled.rows, _folder_of)
    else:
        missing = "a path in which that pattern is not found"
        labelled.rows = _grouped(labelled.rows, _matcher(group_by, where, labelled.columns))
    without = [row.file for row in labelled.rows if not row.group]
    if without:
        have = "has" if len(without) == 1 else "have"
        raise DataError(
            f"{where}: --group-by {group_by}: {plural(len(without), 'photo')} of {len(labelled.rows):,} {have} "
            f"{missing} (for example {without[0]}); every photo needs a group"
        )


def _grouped(rows: Sequence[LabelledRow], group_of: Callable[[LabelledRow], str]) -> list[LabelledRow]:
    return [row._replace(group=group_of(row)) for row in rows]


def _folder_of(row: LabelledRow) -> str:
    """Return the folder below the class folder; the photo's own folder where no folder is named like the class.

    Folders of one name are one group in whichever class or split they are: a site is the same site for all.
    """
    *folders, _ = row.file.replace("\\", "/").split("/")
    cleaned = [clean_class_name(folder) for folder in folders]
    if row.label not in cleaned:
        return "/".join(folders)
    below = folders[cleaned.index(row.label) + 1 :]
    while below and split_of_name(below[0]) is not None:  # cats/train/site1/1.jpg
        below = below[1:]
    return below[0] if below else ""


def _matcher(pattern: str, where: str, columns: Sequence[str]) -> Callable[[LabelledRow], str]:
    """Return what finds a pattern's group in a photo's path."""
    column = f"a column ({', '.join(columns)})" if columns else "a column of a label table"
    known = f"give {FOLDER}, {column}, or a pattern with one group, such as {_EXAMPLE}"
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DataError(
            f"{where}: --group-by {pattern}: no column of DATA, and no pattern ({error}); {known}"
        ) from None
    if compiled.groups != 1:
        has = "no group in parentheses" if not compiled.groups else f"{compiled.groups} groups"
        raise DataError(f"{where}: --group-by {pattern}: no column of DATA, and a pattern with {has}; {known}")

    def group_of(row: LabelledRow) -> str:
        found = compiled.search(row.file)
        return (found[1] or "") if found else ""

    return group_of
