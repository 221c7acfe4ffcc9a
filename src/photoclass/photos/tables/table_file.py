"""Table files, the one reader: CSV in any common form, TSV, JSON Lines, Parquet and Arrow become rows of cells."""

import re
from dataclasses import dataclass
from pathlib import Path

from photoclass.errors import DataError
from photoclass.photos.tables.arrow import is_arrow, read_arrow
from photoclass.photos.tables.delimited import LINE_END, TableRow, find_delimiter, split_rows, split_sep_line
from photoclass.photos.tables.encoding import CP1252, decode_table
from photoclass.photos.tables.json_lines import is_json, split_json_lines
from photoclass.text import plural

# Files that are read as tables, or refused for what they are; others are known by their content.
WORKBOOK_ENDINGS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
ARROW_ENDINGS = (".parquet", ".pq", ".arrow", ".feather")
TABLE_ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".jsonl", ".ndjson", ".json", *ARROW_ENDINGS, *WORKBOOK_ENDINGS)
_MOST_COLUMNS_NAMED = 12


@dataclass(frozen=True)
class TableFile:
    """A table as it was written: nothing is assumed about which columns there are.

    Attributes:
        file: What messages call it: its path as the user gave it.
        header: The names of the columns, trimmed; a column without a name (pandas' index) has an empty one.
        rows: The rows that are not blank. Each has as many cells as the header, which are not trimmed.
        notes: What was assumed, one line each.
        encoding: `utf-8`, `utf-16-le`, `cp1252`, …
        delimiter: `,`, `;`, a tab, `|`, or what a `sep=` line says; empty for JSON Lines.
        header_as_written: The header before it was trimmed.
        unit: What a row's number counts: the `line` of a text, from 1; the `row` of Parquet and Arrow, from 0.
        photos: The columns of Parquet and Arrow that hold photos as bytes. Their cells are the photos' paths, or empty.
        named: The columns of Parquet and Arrow whose classes the schema names.
    """

    file: Path
    header: tuple[str, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...] = ()
    encoding: str = "utf-8"
    delimiter: str = ","
    header_as_written: tuple[str, ...] = ()
    unit: str = "line"
    photos: tuple[int, ...] = ()
    named: tuple[int, ...] = ()

    def cells(self, column: int) -> list[str]:
        """Return the cells of a column, from the first row to the last."""
        return [row.cells[column] for row in self.rows]

    def describe_columns(self) -> str:
        """Return the columns' names for a message: `id, breed`."""
        named = [repr(name) if name != name.strip() or not name or "," in name else name for name in self.header]
        more = f" and {len(named) - _MOST_COLUMNS_NAMED:,} more" if len(named) > _MOST_COLUMNS_NAMED else ""
        return ", ".join(named[:_MOST_COLUMNS_NAMED]) + more


def is_table(file: Path) -> bool:
    """Return whether a file is a table by its ending."""
    return file.suffix.casefold() in TABLE_ENDINGS


def is_arrow_table(file: Path) -> bool:
    """Return whether a file is Parquet, Arrow or Feather, by its content."""
    try:
        with open(file, "rb") as stream:
            return is_arrow(stream.read(8))
    except OSError:
        return False


def read_table_file(file: Path, shown: Path | None = None) -> TableFile:
    """Read a table: its encoding and its delimiter are found, blank rows are left out, and rows have equal length.

    Understood are UTF-8 and UTF-16 with or without a byte-order mark, cp1252 (with a note); commas, semicolons, tabs
    and bars; a first line `sep=;`; an index column without a name in the header; rows that are each one quoted cell;
    JSON Lines; Parquet and Arrow (`tables.arrow`). A missing cell is empty.

    Args:
        file: The table.
        shown: What messages call it, if that is not its path, as inside a zip.

    Raises:
        DataError: It cannot be read, is no table, has a row of more cells than its header, or a quote is left open.
    """
    where = str(shown or file)
    try:
        with open(file, "rb") as stream:
            start = stream.read(8)
            content = b"" if is_arrow(start) else start + stream.read()
    except OSError as error:
        raise DataError(f"{where}: cannot be read ({error.strerror})") from error
    if is_arrow(start):
        columns = read_arrow(file, where)
        return TableFile(
            shown or file,
            columns.header,
            columns.rows,
            unit="row",
            photos=columns.photos,
            named=columns.named,
        )
    file = shown or file
    if not content and file.suffix.casefold() in ARROW_ENDINGS:
        raise DataError(f"{where}: file is empty (0 bytes); download or write it again")
    decoded = decode_table(content, where)
    notes = [_cp1252_note(decoded.text, where)] if decoded.encoding == CP1252 else []
    if is_json(decoded.text):
        header, found = split_json_lines(decoded.text, where)
        return TableFile(file, header, tuple(found), tuple(notes), decoded.encoding, "", header)
    delimiter, text = split_sep_line(decoded.text)
    delimiter = delimiter or find_delimiter(text, where)
    rows = _without_blanks(split_rows(text, delimiter, where))
    if not rows:
        raise DataError(f"{where}: has only blank rows; its first line must name the columns")
    if len(rows[0].cells) == 1 and (unwrapped := _unwrap(rows, where)):
        delimiter, rows = unwrapped
        notes.append(f"{where}: each row is quoted as one cell; read without these quotes")
    written = rows[0].cells
    header, rows = _even(rows, where)
    written = written[: len(header)] if len(written) >= len(header) else ("", *written)
    quoted = rows if '"' in text else ()
    if several := [row.line for row in quoted if any("\n" in cell or "\r" in cell for cell in row.cells)]:
        count = f"{plural(len(several), 'row')} of more than one line"
        notes.append(f"{where}: {count}, the first in line {several[0]}; if that is not meant, a quote is missing")
    return TableFile(file, header, tuple(rows), tuple(notes), decoded.encoding, delimiter, written)


def _without_blanks(rows: list[TableRow]) -> list[TableRow]:
    return [row for row in rows if any(map(str.strip, row.cells))]


def _cp1252_note(text: str, where: str) -> str:
    number, line = next((n, line) for n, line in enumerate(LINE_END.split(text), start=1) if not line.isascii())
    word = next(word for word in re.split(r'[\s",;|]+', line) if not word.isascii())
    return (
        f"{where}: not UTF-8; read as Windows-1252 (cp1252), which gives {word!r} in line {number}. If that is wrong, "
        "save it as UTF-8"
    )


def _unwrap(rows: list[TableRow], where: str) -> tuple[str, list[TableRow]] | None:
    """Return the delimiter and the rows of a table that was saved as one quoted column, `"image,label"`."""
    if any(cell for row in rows for cell in row.cells[1:]) or any("\n" in row.cells[0] for row in rows):
        return None
    text = "\n".join(row.cells[0] for row in rows)
    delimiter = find_delimiter(text, where)
    inner = split_rows(text, delimiter, where)
    if len(inner) != len(rows) or len(inner[0].cells) == 1:
        return None
    return delimiter, [TableRow(row.line, part.cells) for row, part in zip(rows, inner, strict=True)]


def _even(rows: list[TableRow], where: str) -> tuple[tuple[str, ...], list[TableRow]]:
    """Return the header and the rows with as many cells: empty cells are dropped or added at the end of a row."""
    header = [name.strip() for name in rows[0].cells]
    rows = rows[1:]
    lengths = {len(row.cells) for row in rows}
    if lengths <= {len(header)} and header[-1]:
        return tuple(header), rows
    used = max((_used(row.cells) for row in rows), default=0)
    while header and not header[-1] and len(header) > used:
        header.pop()
    if len(rows) > 1 and used == len(header) + 1 and _is_index(rows, used):
        header = ["", *header]  # R writes the row names without a name for their column
    long = [row for row in rows if _used(row.cells) > len(header)]
    if long and len(header) == 1 and len(long) == len(rows):
        raise DataError(
            f"{where}: its first line ({header[0]}) does not name the columns, as the others have more cells"
        )
    if long:
        count = plural(len(long), "row has", "rows have")
        raise DataError(
            f"{where}: {count} more cells than the {plural(len(header), 'column')} of the first line, as line "
            f"{long[0].line} ({_used(long[0].cells)} cells); put a cell that contains a comma or another delimiter in "
            'quotes (")'
        )
    width = len(header)
    empty = ("",) * width
    return tuple(header), [TableRow(row.line, (row.cells + empty)[:width]) for row in rows]


def _used(cells: tuple[str, ...]) -> int:
    """Return the number of cells without the blank ones at the end."""
    return next((i for i in range(len(cells), 0, -1) if cells[i - 1].strip()), 0)


def _is_index(rows: list[TableRow], width: int) -> bool:
    """Return whether the first cells count the rows, all of which have one cell more than the header."""
    first = rows[0].cells[0].strip()
    return (
        first in ("0", "1")
        and all(len(row.cells) == width for row in rows)
        and all(row.cells[0].strip() == str(int(first) + i) for i, row in enumerate(rows))
    )
