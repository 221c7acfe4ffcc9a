"""What is wrong with the rows of a table: each cause once, with its count and one example."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from photoclass.errors import DataError


@dataclass
class _Cause:
    lines: list[int]
    example: str
    advice: str


class RowFaults:
    """Wrong rows by cause, in the order in which the causes were found.

    Args:
        file: The table.
        unit: What the rows are counted by: see `TableFile.unit`.
    """

    def __init__(self, file: Path, unit: str = "line") -> None:
        self._file = file
        self._unit = unit
        self._causes: dict[str, _Cause] = {}

    def add(self, line: int, cause: str, example: str = "", advice: str = "") -> None:
        """Add a row: its line, what is wrong, what stands there, and what to do; the first of each cause is shown."""
        self._causes.setdefault(cause, _Cause([], example, advice)).lines.append(line)

    def add_all(self, lines: Iterable[int], cause: str, example: str = "", advice: str = "") -> None:
        """Add several rows of one cause."""
        for line in lines:
            self.add(line, cause, example, advice)

    def refuse(self) -> None:
        """Raise if a row is wrong.

        Raises:
            DataError: One line with all causes.
        """
        if not self._causes:
            return
        parts = []
        for text, cause in self._causes.items():
            count = len(cause.lines)
            first = f"{self._unit} {min(cause.lines)}"
            where = first if count == 1 else f"{count:,} rows, the first in {first}"
            example = f": {cause.example}" if cause.example else ""
            parts.append(f"{where}: {text}{example}{f'; {cause.advice}' if cause.advice else ''}")
        advice = "" if all(cause.advice for cause in self._causes.values()) else ". Correct these rows"
        raise DataError(f"{self._file}: {'. '.join(parts)}{advice}")
