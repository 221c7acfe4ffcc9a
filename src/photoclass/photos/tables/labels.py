"""Labels of a table as class names: what tables and spreadsheets spoil is refused for what it is."""

import re
from collections import defaultdict
from collections.abc import Sequence

from photoclass.errors import DataError
from photoclass.photos.class_names import clean_class_name
from photoclass.photos.sources.litter import has_photo_ending
from photoclass.photos.tables.encoding import CP1252
from photoclass.photos.tables.row_faults import RowFaults
from photoclass.photos.tables.table_file import TableFile
from photoclass.text import plural

EXCLUDE = "-"
_LONGEST = 255
_SPREADSHEET_ERRORS = frozenset({"#NAME?", "#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NULL!", "#NUM!", "#SPILL!"})
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# Three letters in a row that are not ASCII: in text that really is cp1252 they are rare, in other encodings the rule.
_NOT_CP1252 = re.compile(r"[^\x00-\x7f]{3}|[¢¤¥¦¨¬¯±´¶¸¹¼¾¿×÷ƒ„†‡ˆ‰‹›•˜]|(?<![“„])”")
_BETWEEN_LABELS = re.compile(r"\s*[|;,/+&、，；]\s*|\s+and\s+|\s+")
_STRONG_BETWEEN = re.compile(r"\s*[|;]\s*")
_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,9}")
_FEWEST_MEASUREMENTS = 10
_FEWEST_WITH_GAPS = 12
_MOST_SHOWN = 40


def check_labels(table: TableFile, labels: Sequence[str], lines: Sequence[int]) -> None:
    """Refuse labels that cannot be class names, or of which it is unclear which class they are.

    Args:
        table: The table, for its name and its encoding.
        labels: The labels as they are written, none blank.
        lines: The line of each.

    Raises:
        DataError: A label is undecodable, several in one, a measurement, or `-`, which means "excluded" in a fixes
            file; or two are one number written in two ways.
    """
    names = {label: clean_class_name(label) for label in dict.fromkeys(labels)}
    wrong = {label: fault for label, name in names.items() if (fault := _fault(label, name, table.encoding))}
    faults = RowFaults(table.file, table.unit)
    distinct: dict[str, int] = {}
    for label, line in zip(labels, lines, strict=True):
        distinct.setdefault(names[label], line)
        if label in wrong:
            cause, advice = wrong[label]
            faults.add(line, cause, repr(label[:_MOST_SHOWN]), advice)
    faults.refuse()
    _refuse_measurements(table, list(distinct), len(labels))
    _refuse_several(table, distinct)
    _refuse_equal_numbers(table, distinct)


def describe_numbers(labels: Sequence[str]) -> str:
    """Return what many whole numbers with gaps between them mean as labels; empty for other labels.

    Args:
        labels: The labels as they are written.
    """
    names = {clean_class_name(label) for label in labels}
    if len(names) < _FEWEST_WITH_GAPS or not all(_WHOLE_NUMBER.fullmatch(name) for name in names):
        return ""
    numbers = sorted(map(int, names))
    if numbers[-1] - numbers[0] < len(numbers):  # class numbers from 0 or 1 on
        return ""
    return (
        f"the labels are {len(numbers):,} whole numbers from {numbers[0]:,} to {numbers[-1]:,}: each is a class, and "
        "that one is near another means nothing (if they are measurements, put them into a few classes)"
    )


def _fault(label: str, name: str, encoding: str) -> tuple[str, str] | None:
    if "\n" in label or "\r" in label:
        return "a label has a line break", 'perhaps a quote (") is missing at the end of its first line'
    if any("\ud800" <= letter <= "\udfff" or letter == "\ufffd" for letter in name) or (
        encoding == CP1252 and _NOT_CP1252.search(name)
    ):
        return "a label cannot be decoded", "save the table as UTF-8"
    if name in _SPREADSHEET_ERRORS:
        return "a label is an error of a spreadsheet", "write the label as text"
    if name == EXCLUDE:
        return "a class cannot be called -", "it excludes a photo in a fixes file; give it a name"
    if len(name) > _LONGEST:
        return f"a label of {len(name):,} letters", f"a class name has at most {_LONGEST}"
    if name[:1] == "[" and name[-1:] == "]":
        return "a list of labels", "a photo has one label here: write it without brackets"
    if has_photo_ending(name):
        return "a label is the name of a photo", "choose the column of classes with --label-column"
    if not name:
        return "a label of invisible characters", "write a class name"
    return None


def _refuse_measurements(table: TableFile, names: list[str], rows: int) -> None:
    numbers = [name.replace(",", ".") for name in names if _NUMBER.fullmatch(name.replace(",", "."))]
    fractions = [name for name in numbers if float(name) % 1]
    many = len(fractions) >= _FEWEST_MEASUREMENTS or (len(fractions) > 2 and 2 * len(names) > rows)
    if many and 10 * len(numbers) >= 9 * len(names):
        raise DataError(
            f"{table.file}: the labels are {len(numbers):,} different numbers, such as {', '.join(fractions[:3])}: "
            "measurements, not classes; choose the column of classes with --label-column, or write classes instead"
        )


def _refuse_several(table: TableFile, names: dict[str, int]) -> None:
    """Refuse labels that are joined from others: `cat dog`, `cat|dog`."""
    parts = {name: [part for part in _BETWEEN_LABELS.split(name) if part] for name in names}
    joined = [name for name in names if len(parts[name]) > 1 and all(part in names for part in parts[name])]
    strong: dict[str, list[str]] = defaultdict(list)
    for name in names:
        for part in _STRONG_BETWEEN.split(name):
            strong[part].append(name)
    shared = {name for several in strong.values() if len(several) > 1 for name in several}
    joined += [name for name in names if name in shared and _STRONG_BETWEEN.search(name) and name not in joined]
    if not joined and _are_tags(list(parts.values())):
        joined = [name for name in names if len(parts[name]) > 1]
    if joined:
        faults = RowFaults(table.file, table.unit)
        first = joined[0]
        shown = f"{first!r} is {' and '.join(map(repr, parts[first]))}"
        advice = (
            "a photo has one label here: keep one, or leave these photos out. If it is a class of its own, write it as "
            f"{'_'.join(parts[first])}"
        )
        faults.add_all((names[name] for name in joined), "several labels in one", shown, advice)
        faults.refuse()


def _are_tags(parts: list[list[str]]) -> bool:
    """Return whether labels of several words look like lists of tags: few words, in many mixtures of many lengths."""
    words = {word for label in parts for word in label}
    return len({len(label) for label in parts}) > 2 and len(parts) >= 8 and 2 * len(words) <= len(parts)


def _refuse_equal_numbers(table: TableFile, names: dict[str, int]) -> None:
    by_value: dict[float, list[str]] = defaultdict(list)
    for name in names:
        if _NUMBER.fullmatch(name):
            by_value[float(name)].append(name)
    equal = [several for several in by_value.values() if len(several) > 1]
    if equal:
        first, second = equal[0][:2]
        more = f"; so {'is' if len(equal) == 2 else 'are'} {plural(len(equal) - 1, 'other pair')}" if equal[1:] else ""
        raise DataError(
            f"{table.file}: the labels {first!r} ({table.unit} {names[first]}) and {second!r} ({table.unit} "
            f"{names[second]}) are one number written in two ways{more}; write it in one"
        )
