"""Sample submissions, and how to read them where their names leave a choice."""

from dataclasses import dataclass
from pathlib import Path

from photoclass.errors import DataError, SettingsError
from photoclass.photos.tables.table_file import read_table_file

VALUES = ("probability", "class")


@dataclass(frozen=True)
class SampleOptions:
    """How a sample is read where its names leave a choice; the default reads what is unambiguous.

    Attributes:
        id_column: The column of ids; empty to find it by its cells and its name.
        positive: With two classes, the one whose probability a column has that is named after neither; None for
            the second.
        values: What a single column of predictions has, `probability` or `class`; None for what the sample's cells
            are, and without a sample probabilities.
    """

    id_column: str = ""
    positive: str | None = None
    values: str | None = None

    def __post_init__(self) -> None:
        if self.values not in (None, *VALUES):
            raise SettingsError(f"--values {self.values}: choose from {', '.join(VALUES)}")


AS_IT_IS = SampleOptions()


@dataclass(frozen=True)
class Sample:
    """A sample submission.

    Attributes:
        file: Where it was read from.
        header: The names of its columns.
        rows: The cells of each row that is not blank, trimmed.
        lines: The line number of each row.
        notes: What was assumed when reading it, one line each.
        header_as_written: The header with its spaces, for the submission.
    """

    file: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    notes: tuple[str, ...] = ()
    header_as_written: tuple[str, ...] = ()

    def cells(self, column: int) -> list[str]:
        """Return the cells of a column, from the first row to the last."""
        return [row[column] for row in self.rows]


def read_sample(file: Path) -> Sample:
    """Read a sample submission; see `photos.tables` for the forms of tables.

    Raises:
        DataError: It cannot be read, or has no rows or fewer than two columns.
    """
    table = read_table_file(file)
    notes = list(table.notes)
    if len(table.header) < 2:
        raise DataError(
            f"{file}: its header is {table.describe_columns()}; a sample has a column of ids and one or more of "
            "predictions"
        )
    if not table.rows:
        raise DataError(f"{file}: has a header and no rows; give the sample with all ids")
    if table.delimiter != ",":
        notes.append(f"{file}: not separated by commas; the submission is, and has decimal points")
    rows = tuple(tuple(cell.strip() for cell in row.cells) for row in table.rows)
    return Sample(
        str(file), table.header, rows, tuple(row.line for row in table.rows), tuple(notes), table.header_as_written
    )
