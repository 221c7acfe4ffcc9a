"""What each column of a sample wants: the ids, the probability of a class, the predicted class, or its own cells."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from photoclass.errors import DataError, SettingsError
from photoclass.photos.class_names import clean_class_name, match_class
from photoclass.results.submit.column_names import (
    class_of_column,
    classes_in_name,
    is_called_ids,
    is_called_predictions,
    is_row_number,
)
from photoclass.results.submit.ids import PhotoIds
from photoclass.results.submit.sample import VALUES, Sample, SampleOptions
from photoclass.text import listed

_MOST_NAMED = 10


@dataclass(frozen=True)
class Column:
    """A column of the submission.

    Attributes:
        name: As the sample spells it.
        role: `id`, `probability`, `class` (the predicted one), or `copied` from the sample.
        label: With `probability`, the index of the class.
        spelled: With `class`, how the sample spells each class; empty for the model's own names.
    """

    name: str
    role: str = "copied"
    label: int = -1
    spelled: tuple[str, ...] = ()


def columns_without_sample(class_names: Sequence[str], options: SampleOptions) -> tuple[Column, ...]:
    """Return the columns of a submission that has no sample: one of labels, or one a class if there are more than two.

    Raises:
        SettingsError: The options do not fit the classes.
    """
    positive = _positive(options, class_names)
    if options.id_column:
        raise SettingsError(f"--id-column {options.id_column}: is a column of a sample; give --sample, too")
    if options.values == "class":
        columns = Column("id", "id"), Column("label", "class")
        _check_positive_is_used(columns, options)
        return columns
    if len(class_names) == 2:
        return Column("id", "id"), Column("label", "probability", positive)
    return Column("id", "id"), *(Column(name, "probability", i) for i, name in enumerate(class_names))


def columns_of_sample(
    sample: Sample, photos: PhotoIds, class_names: Sequence[str], options: SampleOptions
) -> tuple[Column, ...]:
    """Decide what each column of a sample wants.

    Ids are in the column whose cells name photos. A column that is named after a class has its probability. Where no
    column is, the one of predictions has class names if its cells are class names, else the probability of the
    positive class.

    Raises:
        DataError: The sample is for other classes, or can be read in two ways.
        SettingsError: The options do not fit the sample or the classes.
    """
    positive = _positive(options, class_names)
    id_column = _id_column(sample, photos, options)
    _check_header(sample, photos, id_column)
    columns = [Column(name, "id" if i == id_column else "copied") for i, name in enumerate(sample.header)]
    rest = [i for i, name in enumerate(sample.header) if i != id_column and not is_row_number(name)]
    content = {i: _content(sample.cells(i), class_names) for i in rest}
    named = {} if options.values == "class" else _named_columns(sample, content, class_names)
    if named:
        _check_named(sample, named, content, class_names, options)
        for i in rest:
            if i in named:
                columns[i] = replace(columns[i], role="probability", label=named[i])
            elif content[i] == {"class"}:
                columns[i] = replace(columns[i], role="class")
    else:
        value = _value_column(sample, rest, content, class_names)
        if _wants_class(sample, value, content[value], class_names, options):
            spelled = _spelled(sample, value, class_names)
            columns[value] = replace(columns[value], role="class", spelled=spelled)
        else:
            _check_not_ambiguous(sample, value, class_names, options)
            columns[value] = replace(columns[value], role="probability", label=positive)
    _check_positive_is_used(columns, options)
    return tuple(columns)


def _positive(options: SampleOptions, class_names: Sequence[str]) -> int:
    if options.positive is None:
        return 1
    if options.positive not in class_names:
        raise SettingsError(
            f"unknown class {options.positive!r}: choose from {listed(class_names, 'class', 'classes')}"
        )
    if len(class_names) != 2:
        raise SettingsError(f"--positive is for two classes; this model has {len(class_names)}")
    return list(class_names).index(options.positive)


def _check_positive_is_used(columns: Sequence[Column], options: SampleOptions) -> None:
    if options.positive is not None and sum(column.role == "probability" for column in columns) != 1:
        raise SettingsError(
            f"--positive {options.positive}: is for a single column of probabilities, which this submission has not"
        )


def _named_columns(sample: Sample, content: dict[int, set[str]], class_names: Sequence[str]) -> dict[int, int]:
    """Return the class of each column that is named after one and may hold probabilities."""
    found = {i: class_of_column(sample.header[i], class_names) for i in content}
    return {i: label for i, label in found.items() if label >= 0 and content[i] & {"blank", "probability", "number"}}


def _id_column(sample: Sample, photos: PhotoIds, options: SampleOptions) -> int:
    """Return the column whose cells name photos; if none or several do, the one that is named like ids."""
    header = sample.header
    if options.id_column:
        if options.id_column not in header:
            raise DataError(f"{sample.file}: has no column {options.id_column!r}; its columns are {', '.join(header)}")
        return header.index(options.id_column)
    naming = [i for i in range(len(header)) if _name_photos(sample.cells(i), photos)]
    if len(naming) == 1:
        return naming[0]
    called = [i for i in naming or range(len(header)) if is_called_ids(header[i])]
    if len(called) == 1 or (called and not naming):
        return called[0]
    if naming:
        names = ", ".join(header[i] or "(unnamed)" for i in called or naming)
        raise DataError(f"{sample.file}: the ids may be in any of the columns {names}; choose with --id-column")
    return 0


def _name_photos(cells: Sequence[str], photos: PhotoIds) -> bool:
    """Return whether each cell names a photo, and no two the same."""
    seen: set[int] = set()
    for cell in cells:
        rows = photos.find(cell)
        if not rows or rows[0] in seen:
            return False
        seen.add(rows[0])
    return True


def _check_header(sample: Sample, photos: PhotoIds, id_column: int) -> None:
    """Refuse a sample whose first line is a row: an id that no other row has, and numbers."""
    named = photos.find(sample.header[id_column])
    others = [name for i, name in enumerate(sample.header) if i != id_column]
    is_row = bool(named) and all(_number(name) is not None for name in others)
    if is_row and all(photos.find(cell) != named for cell in sample.cells(id_column)):
        raise DataError(
            f"{sample.file}: its first line is {','.join(sample.header)}, and must name the columns, as id,label"
        )


def _content(cells: Sequence[str], class_names: Sequence[str]) -> set[str]:
    """Return what the cells of a column can be: blank, class names, probabilities, other numbers, or other text."""
    filled = {cell for cell in cells if cell}
    if not filled:
        return {"blank"}
    kinds = set()
    known = {clean_class_name(name) for name in class_names}
    if all(clean_class_name(cell) in known for cell in filled):
        kinds.add("class")
    numbers = [_number(cell) for cell in filled]
    if all(number is not None for number in numbers):
        kinds.add("probability" if all(number is not None and 0 <= number <= 1 for number in numbers) else "number")
    return kinds or {"text"}


def _check_named(
    sample: Sample,
    named: dict[int, int],
    content: dict[int, set[str]],
    class_names: Sequence[str],
    options: SampleOptions,
) -> None:
    """Check that the columns named after classes are those of the model: all of them, or one of two."""
    twice = sorted({label for label in named.values() if list(named.values()).count(label) > 1})
    others = [i for i, kinds in content.items() if i not in named and kinds & {"blank", "probability"}]
    absent = [name for label, name in enumerate(class_names) if label not in named.values()]
    if twice:
        both = [sample.header[i] for i, label in named.items() if label == twice[0]]
        raise DataError(
            f"{sample.file}: the columns {' and '.join(both)} are both named after class {class_names[twice[0]]}"
        )
    if others or (absent and (len(class_names) > 2 or len(named) != 1)):
        raise DataError(
            f"{_header(sample)}; this model's classes are {_names(class_names)}: "
            + "; ".join(
                [f"no class is named {_names([sample.header[i] for i in others])}"] * bool(others)
                + [f"no column is named {_names(absent)}"] * bool(absent)
            )
        )
    if options.positive is not None and len(named) == 1:
        [(i, label)] = named.items()
        if class_names[label] != options.positive:
            raise SettingsError(
                f"--positive {options.positive}: the column {sample.header[i]} of {sample.file} is named after class "
                f"{class_names[label]}"
            )


def _value_column(sample: Sample, rest: Sequence[int], content: dict[int, set[str]], class_names: Sequence[str]) -> int:
    """Return the one column for predictions, where none is named after a class."""
    if len(rest) == 1:
        return rest[0]
    fitting = [i for i in rest if content[i] & {"blank", "probability", "class"}]
    called = [i for i in fitting or rest if is_called_predictions(sample.header[i])]
    for columns in (fitting, called):
        if len(columns) == 1:
            return columns[0]
    raise DataError(
        f"{_header(sample)}; this model writes one column of probabilities or class names, or a column for each of "
        f"its classes {_names(class_names)}. Give a sample for these classes"
    )


def _wants_class(
    sample: Sample, value: int, kinds: set[str], class_names: Sequence[str], options: SampleOptions
) -> bool:
    """Return whether a column of predictions wants class names; if not, it wants a probability."""
    name, cells = sample.header[value], [cell for cell in sample.cells(value) if cell]
    if options.values == "class":
        return True
    if options.values == "probability":
        if len(class_names) > 2:
            raise SettingsError(
                f"--values probability: a single column of probabilities is for two classes; this model has "
                f"{len(class_names)}, each with a column of its name"
            )
        return False
    if len(class_names) == 2 and kinds == {"class", "probability"}:
        raise DataError(
            f"{sample.file}: {cells[0]!r} in its column {name} may be a class or a probability; choose with "
            f"{' or '.join(f'--values {value}' for value in VALUES)}"
        )
    if "class" in kinds or (kinds == {"blank"} and len(class_names) > 2):
        return True
    if kinds == {"text"}:
        if all(match_class(cell, class_names) for cell in cells):
            return True
        others = [cell for cell in cells if match_class(cell, class_names) is None]
        word = next((cell for cell in others if _number(cell) is None), others[0])
        raise DataError(
            f"{sample.file}: its column {name} has {word!r}, not a class of this model ({_names(class_names)}). "
            "Give a sample for these classes"
        )
    if len(class_names) > 2:
        raise DataError(
            f"{_header(sample)}, with {name} as numbers; this model writes a column for each of its classes "
            f"{_names(class_names)}. For one column of class names, choose --values class"
        )
    if kinds == {"number"}:
        raise DataError(
            f"{sample.file}: its column {name} has {cells[0]!r}, neither a probability nor a class of this model "
            f"({_names(class_names)}); choose with --values probability or --values class"
        )
    return False


def _spelled(sample: Sample, value: int, class_names: Sequence[str]) -> tuple[str, ...]:
    """Return how a sample spells each class; empty if as the model does, or if it has no class names at all."""
    found = {cell: match_class(cell, class_names) for cell in sample.cells(value) if cell}
    other = {cell: known for cell, known in found.items() if known not in (None, clean_class_name(cell))}
    if not other:
        return ()
    cells = [[cell for cell, known in found.items() if known == name] for name in class_names]
    if any(len(spellings) != 1 for spellings in cells):
        cell, known = next(iter(other.items()))
        raise DataError(
            f"{sample.file}: its column {sample.header[value]} has {cell!r} where this model has {known!r}, and does "
            "not spell each class in one way; write each class into that column once, as it is wanted"
        )
    return tuple(spelling for [spelling] in cells)


def _check_not_ambiguous(sample: Sample, value: int, class_names: Sequence[str], options: SampleOptions) -> None:
    """Refuse `not_dog`: it mentions a class and is not named after it."""
    mentioned = classes_in_name(sample.header[value], class_names)
    if options.positive is None and len(mentioned) == 1:
        raise DataError(
            f"{sample.file}: its column {sample.header[value]} may be the probability of {class_names[0]} or of "
            f"{class_names[1]}; choose with --positive"
        )


def _number(cell: str) -> float | None:
    """Return a cell's number, with a decimal point or comma; None if it is none."""
    try:
        return float(cell.replace(",", ".", 1))
    except ValueError:
        return None


def _header(sample: Sample) -> str:
    return f"{sample.file}: its header is {','.join(sample.header)}"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
