"""Questions to the user: readings of folders between which names and structure do not decide.

Each message names the folders and the option that decides.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from photoclass.errors import DataError
from photoclass.photos.sources.folders.inside import class_keys, classes_in, have_same_files, inner_folder, undated_keys
from photoclass.photos.sources.folders.level import Level
from photoclass.photos.sources.folders.parts import SPLIT_CHOICE_OF
from photoclass.photos.sources.folders.tree import Folder
from photoclass.photos.sources.labelled import FORMS
from photoclass.photos.sources.names import are_parts, is_plain_container, is_seldom_class, is_year, split_of_name
from photoclass.photos.sources.options import ALL_OTHERS, write_option
from photoclass.photos.table import HELD_OUT, TRAIN, VALID, natural_key

_MOST_NAMED = 6
_MOST_CLASSES = 3
_MOST_SPLITS = 3
_ALL_CLASSES = write_option("--splits", {ALL_OTHERS: "class"})
_ALL_TRAIN = write_option("--splits", {ALL_OTHERS: "train"})


def named(folders: Iterable[Folder]) -> str:
    """Return folder names for a message: `cats/, dogs/`."""
    return ", ".join(f"{folder.name}/" for folder in folders)


def which_split(level: Level, alike: Sequence[Folder]) -> DataError:
    """Return the question which of folders with the same classes is which split."""
    classes = sorted(frozenset().union(*map(classes_in, alike)), key=natural_key)
    others = [name for name in inner_folder(alike[0]).photo_folders if split_of_name(name) is None]
    if others and any(split_of_name(name) is not None for name in classes):
        return DataError(
            f"{level.where}: {named(alike[:_MOST_NAMED])} hold splits, and other folders beside these; say what they "
            f"are with {write_option('--splits', dict.fromkeys(others, 'ignore'))} (or train, valid, test)"
        )
    beside = [top for top in level.tops if top not in alike]
    if all(split_of_name(name) is not None for name in classes):
        if not beside:
            return splits_of_several(level)
        options = write_option("--splits", {top.name: "ignore" for top in beside})
        return DataError(
            f"{level.where}: {named(beside)} beside {named(alike[:_MOST_NAMED])}, which hold splits of their own; put "
            f"the photos into one kind of splits, or leave some out with {options}"
        )
    if beside := [top for top in alike if is_seldom_class(top.name)]:
        return DataError(
            f"{level.where}: {named(beside)} {'holds' if len(beside) == 1 else 'hold'} folders of the same names as "
            f"those beside; are they masks or photos? Leave out what does not show the classes with "
            f"{write_option('--splits', {top.name: 'ignore' for top in beside})}, or say what it is (train, "
            "valid, test, class)"
        )
    shown = ", ".join(classes[:_MOST_CLASSES]) + (", …" if len(classes) > _MOST_CLASSES else "")
    folders = named(alike[:_MOST_NAMED]) + (" …" if len(alike) > _MOST_NAMED else "")
    ways = [f"give {_options(level, alike)}"]
    if all(level.split(top) is None for top in alike):
        ways.append(f"to train on all of them together, {_ALL_TRAIN}")
        if len(alike) > _MOST_SPLITS:  # sites, patients, sessions: more than splits could be
            ways = [f"to train on all of them together, give {_ALL_TRAIN}"]
        if have_same_files(alike):
            ways.append(f"if they are the same photos in several forms, give one alone, {level.where}/{alike[0].path}")
    ways.append(f"if they are the classes, {_ALL_CLASSES}")
    return DataError(
        f"{level.where}: {folders} hold the same classes ({shown}), so they look like splits, but their names do not "
        f"say which; {'; or, '.join(ways)}"
    )


def what_is(level: Level, top: Folder, beside: Iterable[str]) -> DataError:
    """Return the question what a folder is that stands beside splits."""
    beside_it = ", ".join(f"{name}/" for name in beside)
    if any(split_of_name(name) is not None for name in inner_folder(top).photo_folders):
        return DataError(
            f"{level.where}: {top.name}/ beside {beside_it} holds splits of its own; leave it out with "
            f"{_option(top, 'ignore')}, or give {level.where}/{top.path} alone"
        )
    if not classes_in(top, by_any_pattern=True):
        return DataError(
            f"{level.where}: {top.name}/ beside {beside_it} holds photos and no folders of classes; put it into the "
            f"split that it belongs to, or leave it out with {_option(top, 'ignore')}; if all of them are classes, "
            f"{_ALL_CLASSES}"
        )
    known = {split_of_name(name) for name in beside}
    choices = ["test", "train", "valid"] if known <= {TRAIN} else ["train", "valid", "test"]  # what is lacking first
    return DataError(
        f"{level.where}: {top.name}/ beside {beside_it}: say what it is with {_option(top, choices[0])} (or "
        f"{choices[1]}, {choices[2]}, ignore), or move it elsewhere; if all of them are classes, {_ALL_CLASSES}"
    )


def splits_of_several(level: Level) -> DataError:
    """Return the refusal of `site1/train/cats` beside `site2/train/cats`."""
    return DataError(
        f"{level.where}: {named(level.tops)} hold splits of their own, with the same classes in them; give one of them "
        f"as DATA, such as {level.where}/{level.tops[0].path}, or put their splits together"
    )


def refuse_two_valid(level: Level, splits: Sequence[Folder]) -> None:
    """Refuse valid/ beside dev/ or eval/: one of them may be meant for the final score."""
    valid = [top for top in splits if level.split(top) == VALID and level.choices.split(top.name) is None]
    if len({level.meanings[top.name].split_word for top in valid}) > 1:
        valid.sort(key=lambda top: not level.meanings[top.name].split_word.startswith("val"))
        options = {top.name: "valid" if top is valid[0] else "test" for top in valid}
        raise DataError(
            f"{level.where}: {named(valid)}: which validates, and which is held out? Give "
            f"{write_option('--splits', options)}"
        )


def refuse_the_same_folders_again(level: Level) -> None:
    """Refuse `pets/cats` beside `cats`: the same photos a second time, or other ones?"""
    beside = class_keys(top.name for top in level.tops)
    for top in level.tops:
        if len(class_keys(classes_in(top)) & beside) > 1 and not level.is_class(top):
            raise DataError(
                f"{level.where}: {top.name}/ holds folders of the same names as those beside it; leave it out with "
                f"{_option(top, 'ignore')}, or give {level.where}/{top.path} alone"
            )


def refuse_splits_in_one_folder(level: Level) -> None:
    """Refuse `pets/train` and `pets/test` beside other folders than splits and classes."""
    for top in level.tops:
        splits = {split_of_name(name) for name in inner_folder(top).photo_folders}
        if {TRAIN, HELD_OUT} <= splits or {TRAIN, VALID} <= splits:
            others = [other for other in level.tops if other is not top]
            if not any(kid.photo_folders or classes_in(kid) for kid in inner_folder(top).photo_folders.values()):
                raise DataError(
                    f"{level.where}: {top.name}/ holds splits ({named(inner_folder(top).photo_folders.values())}), and "
                    f"{named(others[:_MOST_NAMED])} beside it none; sort the photos of each class into the same splits"
                )
            options = write_option("--splits", {other.name: "ignore" for other in others})
            raise DataError(
                f"{level.where}: {named(others)} beside {top.name}/, which holds splits; give {level.where}/{top.path} "
                f"alone, or leave the others out with {options}"
            )


def refuse_folders_that_come_again(level: Level) -> None:
    """Refuse `patient1/benign`, `patient2/malignant`, `patient3/benign`, …: are the outer or the inner ones classes?"""
    inside = {top.path: undated_keys(top) for top in level.tops}
    counts = Counter(key for keys in inside.values() for key in keys)
    again = {key for key, count in counts.items() if count > 1}
    are_again = len(again) > 1 and all(keys and keys <= again for keys in inside.values())
    are_folders = all(top.photo_folders and not top.own_photos for top in level.tops)
    if are_again and are_folders and not all(map(level.is_class, level.tops)):
        raise which_split(level, level.tops)


def refuse_years(level: Level) -> None:
    """Refuse `2023/` and `2024/`: folders by year seldom are classes."""
    if len(level.tops) > 1 and all(is_year(top.name) and not level.choices.of(top.name) for top in level.tops):
        raise DataError(
            f"{level.where}: {named(level.tops[:_MOST_NAMED])} are called after years; put the photos into folders by "
            f"class, or, if these are the classes, {_ALL_CLASSES}"
        )


def refuse_parts(level: Level) -> None:
    """Refuse `images_part_1/` and `images_part_2/`: parts of one set seldom are classes."""
    if len(level.tops) > 1 and are_parts([top.name for top in level.tops]) and not any(map(level.is_class, level.tops)):
        raise DataError(
            f"{level.where}: {named(level.tops[:_MOST_NAMED])} are named like parts of one set, so their names give "
            f"no class; {FORMS}; if they are the classes, {_ALL_CLASSES}"
        )


def refuse_classes_in_one_folder(level: Level) -> None:
    """Refuse `data/cats` and `data/dogs` beside `static/` and `venv/`: classes are in the one, or are these."""
    for top in level.tops:
        if not is_plain_container(top.name) or len(classes_in(top)) < 2 or level.choices.of(top.name):
            continue
        if others := [other for other in level.tops if other is not top]:
            options = write_option("--splits", {other.name: "ignore" for other in others})
            raise DataError(
                f"{level.where}: {top.name}/ holds folders with photos, and {named(others[:_MOST_NAMED])} beside it; "
                f"if these are no classes, give {level.where}/{top.path} alone, or leave them out with {options}; if "
                f"all of them are classes, {_ALL_CLASSES}"
            )


def refuse_splits_without_classes(level: Level) -> None:
    """Refuse train/1.jpg beside test/1.jpg: neither is a class."""
    exact = [top for top in level.tops if level.exact_split(top) is not None]
    if len(exact) < 2 or all(level.exact_split(top) != TRAIN for top in exact):
        return
    known = (level.is_unlabelled, level.is_beside_photos)
    others = [top for top in level.tops if top not in exact and not any(is_so(top) for is_so in known)]
    if others:
        options = write_option("--splits", {top.name: "class" for top in exact})
        raise DataError(
            f"{level.where}: {named(exact)} beside {named(others)}: splits or classes? Say it with {options} "
            "(or ignore)"
        )
    files = [name for top in exact for name in inner_folder(top).names]
    raise DataError(
        f"{level.where}: {len(files):,} photos in {named(exact)} whose names give no class, such as {files[0]}; {FORMS}"
    )


def _options(level: Level, alike: Sequence[Folder]) -> str:
    """Return a `--splits` for folders, the largest for training, which the user may paste and correct."""
    said = {top.name: level.split(top) for top in sorted(alike, key=lambda top: -top.count)}
    missing = iter([split for split in (TRAIN, HELD_OUT, VALID) if split not in said.values()])
    offered = {name: next(missing, TRAIN) if split is None else split for name, split in said.items()}
    first = {name: SPLIT_CHOICE_OF[split] for name, split in list(offered.items())[:_MOST_NAMED]}
    return write_option("--splits", first)


def _option(top: Folder, choice: str) -> str:
    return write_option("--splits", {top.name: choice})
