"""What was understood of DATA, one line each, where it is not plain to see."""

from collections.abc import Iterator, Mapping, Sequence

from photoclass.photos.sources.folders.parts import NO_CLASS, SPLIT_CHOICE_OF, UNLABELLED, Aside
from photoclass.photos.sources.folders.tree import Folder
from photoclass.photos.sources.options import write_option
from photoclass.text import plural

_MOST_SHOWN = 3


def describe_splits(splits: Mapping[str, int], *, in_classes: bool) -> Iterator[str]:
    """Yield which folders are which split, unless they are called train, valid and test and are one each.

    Args:
        splits: The split of each folder, by name.
        in_classes: Whether they are inside the classes.
    """
    in_order = sorted(splits.items(), key=lambda item: item[1])
    are_several = len(set(splits.values())) < len(splits)
    if in_classes or are_several or any(name.casefold() != SPLIT_CHOICE_OF[split] for name, split in in_order):
        shown: dict[int, list[str]] = {}
        for name, split in in_order:
            shown.setdefault(split, []).append(name)
        understood = ", ".join(
            f"{name} → {SPLIT_CHOICE_OF[split]}" for split, names in shown.items() for name in _first(names)
        )
        yield f"splits{' (inside the classes)' if in_classes else ''}: {understood}"


def _first(names: Sequence[str]) -> list[str]:
    """Return the names, or the first and how many more there are."""
    return list(names) if len(names) <= _MOST_SHOWN else [f"{names[0]} and {len(names) - 1:,} more"]


def describe_names(labels: Mapping[str, str]) -> Iterator[str]:
    """Yield which classes a pattern of the file names gives, with their counts and an example of each.

    Args:
        labels: The class of each file, by its name.
    """
    counts: dict[str, int] = {}
    examples: dict[str, str] = {}
    for name, label in labels.items():
        counts[label] = counts.get(label, 0) + 1
        examples.setdefault(label, name)
    if counts:
        shown = [f"{count:,} {label} (such as {examples[label]})" for label, count in counts.items()][:_MOST_SHOWN]
        more = len(counts) - len(shown)
        yield f"classes by file name: {', '.join(shown)}" + (f", and {more:,} more" if more > 0 else "")


def describe_aside(aside: Sequence[Aside], where: str) -> Iterator[str]:
    """Yield which folders are passed over and why, one line for each reason, with the option that makes them classes.

    Args:
        aside: The folders.
        where: The path of DATA.
    """
    alike: dict[tuple[str, bool, bool], list[Folder]] = {}
    for item in aside:
        may_be_class = item.may_be_class and item.folder.has_photos
        alike.setdefault((item.kind, item.folder.has_photos, may_be_class), []).append(item.folder)
    for (kind, has_photos, may_be_class), folders in alike.items():
        more = f" and {len(folders) - _MOST_SHOWN:,} more" if len(folders) > _MOST_SHOWN else ""
        named = ", ".join(f"{folder.path or where}/" for folder in folders[:_MOST_SHOWN])
        count = plural(sum(folder.count for folder in folders), "unlabelled photo" if kind == UNLABELLED else "file")
        why = ""
        if kind == NO_CLASS:
            why = ", since its name is not that of a class" if has_photos else ", since it holds no photos"
        hint = f" (if it is a class: {write_option('--splits', {folders[0].name: 'class'})})" if may_be_class else ""
        yield f"{named}{more}: {count} passed over{why}{hint}"
