"""One column a class (one-hot): 1 where a photo is of the class, 0 elsewhere, as Roboflow and ISIC write tables."""

from photoclass.errors import DataError
from photoclass.photos.tables.row_faults import RowFaults
from photoclass.photos.tables.table_file import TableFile
from photoclass.text import listed, plural

FLAG_VALUES = {
    **dict.fromkeys(("", "0", "0.0", "false", "no", "-1", "-1.0"), False),
    **dict.fromkeys(("1", "1.0", "true", "yes", "x", "✓"), True),
}


def one_hot_columns(table: TableFile, others: set[int]) -> list[int]:
    """Return the columns that hold nothing but 0 and 1 and may be classes; none if there are fewer than two.

    Args:
        table: The table.
        others: Columns that are known to be something else.
    """
    found = [
        column
        for column, name in enumerate(table.header)
        if column not in others
        and name
        and table.rows
        and not name.casefold().startswith("unnamed:")
        and _is_flag([cell.strip().casefold() for cell in table.cells(column)])
    ]
    return found if len(found) > 1 else []


def _is_flag(cells: list[str]) -> bool:
    """Return whether a column holds nothing but 0 and 1; some of the 0 may be blank."""
    return all(cell in FLAG_VALUES for cell in cells) and any(cells)


def one_hot_labels(table: TableFile, columns: list[int]) -> tuple[list[str], str]:
    """Return the label of each row, the name of the column that has its 1, and a note.

    Raises:
        DataError: A row has no 1, or several; or two columns have one name.
    """
    names = [table.header[column] for column in columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{table.file}: {names.count(twice)} columns are named {twice!r}; rename all but one")
    faults = RowFaults(table.file, table.unit)
    labels = []
    shown = listed(names, "class", "classes")
    for row in table.rows:
        ones = [table.header[i] for i in columns if FLAG_VALUES[row.cells[i].strip().casefold()]]
        if len(ones) > 1:
            advice = "a photo has one label here: keep one 1 a row, or leave these rows out"
            faults.add(row.line, "several labels for a photo (one column a class)", " and ".join(ones), advice)
        elif not ones:
            advice = f"the columns of classes are {shown}; leave these rows out, or add a column for them"
            faults.add(row.line, "no label (one column a class, all 0)", advice=advice)
        labels.append(ones[0] if ones else "")
    faults.refuse()
    unused = [name for name in names if name not in set(labels)]
    lacking = f"; no photo is {listed(unused, 'class', 'classes')}" if unused else ""
    return (
        labels,
        f"{table.file}: one column a class: {plural(len(names), 'column')} ({shown}){lacking}",
    )
