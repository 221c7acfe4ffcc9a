"""The classes of DATA as a model calls them: `cats` is its `cat`, where that is unambiguous, and the user is told."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from photoclass.errors import DataError
from photoclass.photos.class_names import clean_class_name, match_class
from photoclass.photos.sources.options import write_option
from photoclass.photos.table import NO_LABEL, PhotoTable, count_by_class
from photoclass.text import list_classes, listed, plural


def map_classes(
    table: PhotoTable, class_names: Sequence[str], where: str, chosen: Mapping[str, str] | None = None
) -> PhotoTable:
    """Renumber labels to the model's class order, by class name.

    Names that differ only in case, signs or a plural are taken for the model's where no other could be meant, and a
    note says so.

    Args:
        table: The photos of DATA.
        class_names: The model's classes.
        where: The path of DATA, for messages.
        chosen: The model's class by DATA's class, where the user says so.

    Raises:
        DataError: Photos are of a class that the model does not know, or two classes may be one of the model's; or
            `chosen` names a class that DATA or the model does not have.
    """
    counts = count_by_class(table.labels, table.class_names)
    said = _check_chosen(table, class_names, where, chosen or {})
    meant = {name: said.get(name) or match_class(name, class_names) for name, count in counts.items() if count}
    unknown = {name: counts[name] for name, known in meant.items() if known is None}
    if unknown:
        named = listed([f"{name!r} ({plural(count, 'photo')})" for name, count in unknown.items()], "class", "classes")
        option = write_option("--classes", {next(iter(unknown)): class_names[0]})
        raise DataError(
            f"{where}: the model does not know the class {named}; it knows {list_classes(class_names)}. If it "
            f"is one of these, say which with {option}; else leave its "
            "photos out with --fixes (label -), or train a model that has it"
        )
    _refuse_two_for_one(meant, said, where)
    order = np.full(len(table.class_names), NO_LABEL, dtype=np.int64)
    number = {name: i for i, name in enumerate(class_names)}
    for i, name in enumerate(table.class_names):
        order[i] = number.get(meant.get(name) or "", NO_LABEL)
    renamed = [f"{name} → {known}" for name, known in meant.items() if name != known]
    notes = (*table.notes, f"classes: {', '.join(renamed)}") if renamed else table.notes
    return replace(table, labels=order[table.labels], class_names=tuple(class_names), notes=notes)


def _check_chosen(
    table: PhotoTable, class_names: Sequence[str], where: str, chosen: Mapping[str, str]
) -> dict[str, str]:
    """Return the user's choice by class name of DATA."""
    said = {}
    for given, known in chosen.items():
        name, target = clean_class_name(given), clean_class_name(known)
        if name not in table.class_names:
            raise DataError(
                f"{where}: --classes {given}={known}: DATA has no class {given!r}; it has "
                f"{list_classes(table.class_names)}"
            )
        if target not in class_names:
            raise DataError(
                f"{where}: --classes {given}={known}: the model has no class {known!r}; it has "
                f"{list_classes(class_names)}"
            )
        said[name] = target
    return said


def _refuse_two_for_one(meant: Mapping[str, str | None], said: Mapping[str, str], where: str) -> None:
    """Refuse two classes of DATA that look like one of the model's, unless the user says that they are."""
    names_of: dict[str, list[str]] = defaultdict(list)
    for name, known in meant.items():
        names_of[known or ""].append(name)
    for known, names in names_of.items():
        unsaid = [name for name in names if name not in said and name != known]
        if len(names) > 1 and unsaid:
            raise DataError(
                f"{where}: the classes {', '.join(map(repr, names))} may all be the model's {known!r}; if they are, "
                f"say so with {write_option('--classes', dict.fromkeys(names, known))}"
            )
