"""Delimited text: the delimiter is found, and the text is split into rows of cells with their line numbers."""

import re
from functools import cache
from typing import NamedTuple

from photoclass.errors import DataError

DELIMITERS = (",", ";", "\t", "|")
DELIMITER_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars (|)"}
# How many rows decide on the delimiter where the first one leaves a choice.
_ROWS_TRIED = 1000
_SEP_LINE = re.compile(r'\s*"?sep=(\\t|[^"\r\n ])"?[ ,;\t]*(\r\n|\r|\n|\Z)', re.IGNORECASE)
LINE_END = re.compile(r"\r\n|\r|\n")
_QUOTED = re.compile(r' *"[^"]*(?:""[^"]*)*"')


class TableRow(NamedTuple):
    """A row of a table: the number of the line at which it begins, counted from 1, and its cells."""

    line: int
    cells: tuple[str, ...]


def split_sep_line(text: str) -> tuple[str, str]:
    """Return the delimiter that a first line `sep=;` names (empty without one), and the text with that line blank."""
    found = _SEP_LINE.match(text)
    if not found:
        return "", text
    delimiter = "\t" if found[1] == "\\t" else found[1]
    return delimiter, "\n" + text[found.end() :]


def find_delimiter(text: str, where: str) -> str:
    """Return the delimiter of a table: one that divides the first row, and the others into as many cells.

    Delimiters inside quotes do not count, and one that the first row lacks is none, however many the labels contain.
    A table of one column has a comma.

    Raises:
        DataError: Two delimiters divide all rows equally well.
    """
    fitting: dict[str, tuple[float, int]] = {}
    for delimiter in DELIMITERS:
        try:
            rows = split_rows(text, delimiter, where, most=_ROWS_TRIED)
        except DataError:
            continue
        rows = [row for row in rows if any(cell.strip() for cell in row.cells)]
        width = len(rows[0].cells) if rows else 1
        if width > 1:
            share = sum(len(row.cells) == width for row in rows) / len(rows)
            fitting[delimiter] = (share, width)
    if not fitting:
        return ","
    best = max(fitting, key=lambda delimiter: fitting[delimiter])
    equal = [delimiter for delimiter, fit in fitting.items() if fit[0] == 1 == fitting[best][0] and delimiter != best]
    if equal:
        names = " and ".join(DELIMITER_NAMES[delimiter] for delimiter in (best, *equal))
        raise DataError(
            f"{where}: both {names} divide every row into columns; add a first line sep={best} or sep={equal[0]}"
        )
    return best


def split_rows(text: str, delimiter: str, where: str, most: int | None = None) -> list[TableRow]:
    r"""Split delimited text into rows: cells may be quoted with `"`, and then contain anything, a quote doubled.

    Lines end with `\n`, `\r\n` or `\r`. Spaces between a delimiter and a quote are dropped; all others are kept.

    Args:
        text: The text.
        delimiter: One character.
        where: The file, for messages.
        most: Stop after this many rows.

    Raises:
        DataError: A quote is opened and never closed, or text follows a closing quote.
    """
    if '"' not in text:
        return _split_unquoted(text, delimiter, most)
    rows: list[TableRow] = []
    cells: list[str] = []
    position, line, begun = 0, 1, 1
    match = _cell(delimiter).match
    while position < len(text) and (most is None or len(rows) < most):
        found = match(text, position)
        if found is None:
            raise DataError(f"{where}: {_quote_fault(text, position, line)}")
        quoted, plain, end = found.groups()
        if quoted is None:
            cells.append(plain)
        else:
            cells.append(quoted.replace('""', '"') if '"' in quoted else quoted)
            line += len(LINE_END.findall(quoted))
        position = found.end()
        if end != delimiter:
            rows.append(TableRow(begun, tuple(cells)))
            cells, line = [], line + 1
            begun = line
    if cells:  # the text ends with a delimiter
        rows.append(TableRow(begun, (*cells, "")))
    return rows


def _split_unquoted(text: str, delimiter: str, most: int | None) -> list[TableRow]:
    """Split text without quotes: several times faster."""
    lines = text.split("\n", most or -1) if "\r" not in text else LINE_END.split(text, most or 0)
    if not lines[-1] or (most is not None and len(lines) > most):
        lines.pop()  # what follows the last line end, or the rest of the text
    return [TableRow(number, tuple(line.split(delimiter))) for number, line in enumerate(lines, start=1)]


@cache
def _cell(delimiter: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    end = rf"({mark}|\r\n|\r|\n|\Z)"
    return re.compile(rf'(?: *"([^"]*(?:""[^"]*)*)" *|(?! *")([^{mark}\r\n]*)){end}')


def _quote_fault(text: str, position: int, line: int) -> str:
    quoted = _QUOTED.match(text, position)
    if quoted is None or LINE_END.search(quoted[0]):
        return f'line {line}: a quote (") is opened and not closed; close it'
    return f'line {line}: text stands after a closing quote ("); double the quotes inside a cell: ""'
