"""Which photo each id of a sample means."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from photoclass.errors import DataError
from photoclass.photos.sources.label_tables.locate import FileIndex, path_parts
from photoclass.text import plural

_MOST_NAMED = 10
_DIGITS = re.compile(r"\d+")
_DECIMALS_OF_ZERO = re.compile(r"(?<=\d)\.0+$")


class PhotoIds:
    """Finds photos by id: by path or file name, with or without the file extension.

    Args:
        names: The files' paths within the test set, with `/` as separator.
        photos: Which of them are photos, that each need an id; shape as `names`.
    """

    def __init__(self, names: Sequence[str], photos: Sequence[bool] = ()) -> None:
        self.names = tuple(names)
        self.need_id = tuple(photos) or (True,) * len(names)
        self._row = {name: row for row, name in enumerate(names)}
        self._index = FileIndex(self.names)
        self._by_stem: dict[str, list[int]] = defaultdict(list)
        for row, name in enumerate(names):
            self._by_stem[_without_extension(_file_name(name))].append(row)

    def find(self, cell: str) -> list[int]:
        """Return the rows of the photos that an id may mean: none, one, or several.

        Leading folders that the test set does not have are ignored. An id with an extension means a file with that
        extension; case matters only where two photos differ in nothing else.
        """
        parts = path_parts(cell)
        if not parts:
            return []
        rows = [self._row[name] for name in self._index.matches(parts)[0]]
        exact = self._by_stem.get(unicodedata.normalize("NFC", parts[-1]), [])
        if len(rows) > 1 and len(same_case := [row for row in rows if row in exact]) == 1:
            return same_case
        return rows or exact


@dataclass(frozen=True)
class MatchedIds:
    """The ids of a submission, each with its photo.

    Attributes:
        ids: As the sample spells them.
        rows: The row of each id's photo.
    """

    ids: tuple[str, ...]
    rows: tuple[int, ...]


def ids_of_photos(photos: PhotoIds, test: str) -> MatchedIds:
    """Return file names without extension as ids.

    Raises:
        DataError: Two photos have the same id, or there is no photo.
    """
    first: dict[str, int] = {}
    names = photos.names
    for row in (row for row, needed in enumerate(photos.need_id) if needed):
        name = names[row]
        photo_id = _without_extension(name.rpartition("/")[2])
        if photo_id in first:
            raise DataError(
                f"{test}: the id {photo_id!r} belongs to 2 photos ({names[first[photo_id]]}, {name}); keep one, or "
                "give a --sample whose ids tell them apart by folder or file extension"
            )
        first[photo_id] = row
    if not first:
        raise DataError(f"{test}: no photos found")
    return MatchedIds(tuple(first), tuple(first.values()))


def match_ids(cells: Sequence[str], photos: PhotoIds, sample: str, test: str) -> MatchedIds:
    """Return the photo of each id; every photo must have one.

    Args:
        cells: The ids as the sample spells them.
        photos: The photos of the test set.
        sample: What messages call the sample.
        test: What messages call the test set.

    Raises:
        DataError: An id has no photo or several, a photo has no id, or an id stands twice.
    """
    found = [photos.find(cell) for cell in cells]
    for cell, rows in zip(cells, found, strict=True):
        if len(rows) > 1:
            raise DataError(
                f"{sample}: the id {cell!r} belongs to {len(rows)} photos of {test} ({photos.names[rows[0]]}, "
                f"{photos.names[rows[1]]}); keep one, or write ids with folder and file extension"
            )
    photo_of = {cell: rows[0] for cell, rows in zip(cells, found, strict=True) if rows}
    times = Counter(rows[0] for rows in found if rows)
    twice = [cell for cell, count in Counter(cells).items() if count > 1]
    twice += [cell for cell, row in photo_of.items() if times[row] > 1 and cell not in twice]
    missing = [cell for cell, rows in zip(cells, found, strict=True) if not rows]
    left = [name for row, name in enumerate(photos.names) if row not in times and photos.need_id[row]]
    faults = [
        (twice, "id", f"occurring more than once in {sample}"),
        (missing, "id", f"of {sample} without a photo in {test}"),
        (left, "photo", f"of {test} without an id in {sample}"),
    ]
    lines = [f"{plural(len(which), noun)} {what}: {_list(which)}" for which, noun, what in faults if which]
    if lines:
        cause, explained = _cause(missing, left, sample, test)
        if explained == len(missing) == len(left) and not twice:
            raise DataError(cause)
        raise DataError(f"{'; '.join(lines)}. {cause or 'Give the test set that belongs to the sample'}")
    return MatchedIds(tuple(cells), tuple(rows[0] for rows in found))


def _cause(missing: Sequence[str], left: Sequence[str], sample: str, test: str) -> tuple[str, int]:
    """Return why ids were not found, if it is leading zeros or the extension alone; and how many ids that explains."""
    plain_missing, plain_left = (_by_numbers(group) for group in (missing, left))
    numbers = [(cell, plain_left[key]) for key, cell in plain_missing.items() if key in plain_left]
    stems = {_without_extension(_file_name(name)): name for name in left}
    extensions = [
        (cell, stems[stem])
        for cell in missing
        if (stem := _without_extension(_file_name(cell))) in stems and not _DECIMALS_OF_ZERO.search(cell)
    ]
    if extensions:
        cell, name = extensions[0]
        return (
            f"{sample}: {plural(len(extensions), 'id')} would match photos of {test} but for the file extension, "
            f"as {cell!r} and {name}; correct the extension of the ids, or leave it out"
        ), len(extensions)
    if numbers:
        cell, name = numbers[0]
        return (
            f"{sample}: {plural(len(numbers), 'id')} would match photos of {test} as numbers alone, as {cell!r} "
            f"and {name}. Spreadsheets and pandas drop leading zeros and add decimals; write the ids as the files are "
            "named (pandas: dtype=str)"
        ), len(numbers)
    return "", 0


def _by_numbers(names: Sequence[str]) -> dict[str, str]:
    """Return names by a key in which digits count as numbers: 7, 007, 7.0 and 007.jpg are one."""
    keys = {}
    for name in names:
        last = _DECIMALS_OF_ZERO.sub("", _file_name(name))
        keys[_DIGITS.sub(lambda digits: str(int(digits[0])), _without_extension(last)).casefold()] = name
    return keys


def _clean(name: str) -> str:
    parts = unicodedata.normalize("NFC", name).strip().replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", "."))


def _file_name(name: str) -> str:
    return _clean(name).rpartition("/")[2]


def _without_extension(path: str) -> str:
    stem, dot, _ = path.rpartition(".")
    return stem if dot and stem and not stem.endswith("/") else path


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(name if name.isprintable() else repr(name) for name in names[:_MOST_NAMED]) + more
