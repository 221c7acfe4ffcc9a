"""The columns of predictions, the same in every file format and data frame."""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.tables.cells import safe_label

_DECIMALS = 6  # of numbers written as text
_BLOCK = 4096  # rows written at once

Value = str | float | list[str] | None


class Kind(Enum):
    """What the values of a column are."""

    TEXT = "text"
    NUMBER = "number"
    TEXTS = "list of texts"


class Column(Protocol):
    """A column of predictions: a value for each photo, or none where the photo was skipped.

    Attributes:
        name: As in the header of a CSV.
        kind: What the values are.
    """

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> Kind: ...

    def cells(self, part: slice) -> list[str]:
        """Return the cells of some rows for a CSV, empty where there is no value."""

    def rounded(self, part: slice) -> list[Value]:
        """Return the values of some rows for JSON: numbers as in the CSV, None where there is no value."""

    def exact(self, part: slice) -> Sequence[Value] | NDArray[np.floating]:
        """Return the values of some rows for a data frame: numbers as an array, NaN where there is no value."""


@dataclass(frozen=True)
class TextColumn:
    """A column of texts.

    Attributes:
        name: As in the header.
        texts: One a row; None where there is no value.
        escape: Makes the cell of a CSV that no spreadsheet runs as a formula.
    """

    name: str
    texts: Sequence[str | None]
    escape: Callable[[str], str] = str
    kind = Kind.TEXT

    def cells(self, part: slice) -> list[str]:
        """Return escaped texts."""
        return ["" if text is None else self.escape(text) for text in self.texts[part]]

    def rounded(self, part: slice) -> list[Value]:
        """Return the texts."""
        return list(self.texts[part])

    def exact(self, part: slice) -> list[Value]:
        """Return the texts, as UTF-8 can hold them."""
        return [None if text is None else in_utf8(text) for text in self.texts[part]]


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers.

    Attributes:
        name: As in the header.
        numbers: Shape (N,); NaN where there is no value.
    """

    name: str
    numbers: NDArray[np.floating]
    kind = Kind.NUMBER

    def cells(self, part: slice) -> list[str]:
        """Return the numbers with six decimals."""
        return ["" if math.isnan(number) else f"{number:.{_DECIMALS}f}" for number in self.numbers[part].tolist()]

    def rounded(self, part: slice) -> list[Value]:
        """Return the numbers, rounded to six decimals."""
        return [None if math.isnan(number) else round(number, _DECIMALS) for number in self.numbers[part].tolist()]

    def exact(self, part: slice) -> NDArray[np.floating]:
        """Return the numbers as they are."""
        return self.numbers[part]


@dataclass(frozen=True)
class TextsColumn:
    """A column of lists of texts, such as sets of classes. In a CSV, a cell is a JSON array: `["cat", "dog"]`.

    Attributes:
        name: As in the header.
        lists: One a row; None where there is no value.
    """

    name: str
    lists: Sequence[Sequence[str] | None]
    kind = Kind.TEXTS

    def cells(self, part: slice) -> list[str]:
        """Return JSON arrays."""
        return ["" if texts is None else safe_label(json.dumps(list(texts))) for texts in self.lists[part]]

    def rounded(self, part: slice) -> list[Value]:
        """Return the lists."""
        return [None if texts is None else list(texts) for texts in self.lists[part]]

    def exact(self, part: slice) -> list[Value]:
        """Return the lists, as UTF-8 can hold their texts."""
        return [None if texts is None else [in_utf8(text) for text in texts] for texts in self.lists[part]]


def in_utf8(text: str) -> str:
    """Return a text that UTF-8 can hold: a byte of a file name that is not UTF-8 is written as `\\udcff`, as in JSON.

    Python keeps such bytes as lone surrogates, which Arrow and data frames cannot hold.
    """
    return text.encode(errors="backslashreplace").decode()


def blocks(count: int, size: int = _BLOCK) -> Iterator[slice]:
    """Yield slices that cover `count` rows; a file is written block by block, in bounded memory."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def json_rows(columns: Sequence[Column], part: slice) -> Iterator[dict[str, Value]]:
    """Yield some rows as JSON objects."""
    names = [column.name for column in columns]
    for row in zip(*(column.rounded(part) for column in columns), strict=True):
        yield dict(zip(names, row, strict=True))
