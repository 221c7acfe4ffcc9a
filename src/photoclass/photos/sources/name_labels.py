"""Labels from file names: `cat.0.jpg`, and by other patterns where they are unambiguous."""

import functools
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from photoclass.photos.class_names import clean_class_name
from photoclass.photos.sources.litter import has_photo_ending
from photoclass.photos.sources.names import words
from photoclass.photos.sources.rules import NO_CLASS_STEMS, PHOTO_ENDINGS, SPLIT_EXTRAS

_ENDINGS = "|".join(sorted(PHOTO_ENDINGS))
# An ending of photos, with what browsers, editors and clouds add: `.jpg_large`, `.jpg:large`, `.jpg~`, `.jpg?w=640`.
ENDING = re.compile(rf"(?:\.(?:{_ENDINGS})(?:[_:][a-z]+|~+|\?.*|\.+)*)+$", re.IGNORECASE | re.DOTALL)
_OTHER_ENDING = re.compile(r"\.[A-Za-z0-9]+$")
_NUMBERS = re.compile(r"\d+")
# What file managers add to the name of a copy.
_COPY = re.compile(
    r"(?:\s*[-–]?\s*\b(?:copy|kopie|copie|copia|копия|副本|コピー)(?:\s*\(\d+\))?|(?<=\d)\s*\(\d+\))+$", re.IGNORECASE
)
_DOT_AND_DIGIT = re.compile(r"\.\d")
_PLAIN = re.compile(r"([^./]+)\.\d+\.[A-Za-z]+", re.DOTALL)
_DOTTED = re.compile(r"(?P<label>[^./]+)\.\d+", re.DOTALL)
# `1_cat`, `001-dog`, as some data sets have it.
_NUMBER_FIRST = re.compile(r"\d+[\s._-]+(?P<label>[^\W\d].*)", re.DOTALL)
# `cat_00001`, `cat-1`, `cat (1)`, `american_pit_bull_terrier_122`; the number may follow at once, as in `cat1`.
_NUMBERED = re.compile(r"(?P<label>.*?[^\W\d_])[\s._-]*(?:\d+|\(\d+\))", re.DOTALL)
# What cameras call their files: four signs and four digits (the standard DCF).
_OF_CAMERAS = re.compile(r"[A-Z\d_]{4}\d{4}")
_DATE = re.compile(r"(?<!\d)(?:(?:19|20)\d\d([-_. ]?)[01]\d\1[0-3]\d|[0-3]\d([-_. ])[01]\d\2(?:19|20)\d\d)(?!\d)")


@dataclass(frozen=True)
class NameLabels:
    """The classes that file names give.

    Attributes:
        labels: The class of each file whose name gives one.
        others: The files whose names give none.
        dotted: Whether the names have the dots of `cat.0.jpg`; otherwise the pattern was inferred.
    """

    labels: dict[str, str]
    others: tuple[str, ...]
    dotted: bool

    @property
    def counts(self) -> Counter[str]:
        """Files by class."""
        return Counter(self.labels.values())


def labels_by_name(names: Sequence[str]) -> NameLabels:
    """Find the classes that the names of the files of one folder give.

    Names such as `cat.0.jpg` are taken as they are. Another pattern is unambiguous if it gives two classes or more, of
    at least two photos each and together most of the files, which differ not by numbers alone and are no names that
    cameras or programs give.
    """
    dotted = labels_by_dots(names)
    if dotted.labels:
        return _with_bare_names(dotted)
    numbered = {name: label for name in names if (label := numbered_label(name))}
    counts = Counter(numbered.values())
    labels = {name: label for name, label in numbered.items() if counts[label] > 1}
    apart_from_numbers = {_NUMBERS.sub("", label) for label in labels.values()}  # clip1_a, clip2_a: parts of one series
    if len(apart_from_numbers) < 2 or 2 * len(labels) <= len(names):
        labels = {}
    return _with_bare_names(NameLabels(labels, tuple(name for name in names if name not in labels), False))


def labels_of_known(names: Sequence[str], known: Collection[str]) -> NameLabels:
    """Find the known classes that the names of most files give, however few photos each has."""
    labels = {name: label for name in names if (label := numbered_label(name)) and clean_class_name(label) in known}
    if 2 * len(labels) <= len(names):
        labels = {}
    return NameLabels(labels, tuple(name for name in names if name not in labels), False)


def _with_bare_names(found: NameLabels) -> NameLabels:
    """Label files that are named after a class without a number: `cat.jpg` beside `cat (1).jpg`."""
    known = set(found.labels.values())
    bare = {name: stem for name in found.others if (stem := _stem(name)) in known}
    return (
        replace(found, labels=found.labels | bare, others=tuple(name for name in found.others if name not in bare))
        if bare
        else found
    )


def labels_by_dots(names: Sequence[str]) -> NameLabels:
    """Find the classes that names such as `cat.0.jpg` give."""
    labels = {name: label for name in names if _DOT_AND_DIGIT.search(name) and (label := dotted_label(name))}
    return NameLabels(labels, tuple(name for name in names if name not in labels), True)


def is_called_photo(name: str) -> bool:
    """Return whether a name ends as photos do, perhaps with what other programs add."""
    return has_photo_ending(name) or bool(ENDING.search(name))


def dotted_label(name: str) -> str | None:
    """Return `cat` of `cat.0.jpg`, also with an odd ending or as a copy; None for other names."""
    if plain := _PLAIN.fullmatch(name):
        return None if _names_no_class(plain[1]) else plain[1]
    stem = _stem(name)
    found = _DOTTED.fullmatch(stem) or _DOTTED.fullmatch(_OTHER_ENDING.sub("", stem))
    return found["label"] if found and not _names_no_class(found["label"]) else None


def numbered_label(name: str) -> str | None:
    """Return `cat` of `cat_00001.jpg`, `cat (1).jpg`, `1_cat.jpg`; None for other names and those of cameras."""
    bare = ENDING.sub("", name)
    if _OF_CAMERAS.fullmatch(_COPY.sub("", bare)):
        return None
    for stem in (bare, _COPY.sub("", bare)):
        for pattern in (_NUMBERED, _NUMBER_FIRST):
            found = pattern.fullmatch(stem)
            if found and not (pattern is _NUMBER_FIRST and any(map(str.isdigit, found["label"]))):
                return None if _names_no_class(found["label"]) else found["label"]
    return None


def _stem(name: str) -> str:
    return _COPY.sub("", ENDING.sub("", name))


@functools.lru_cache(maxsize=4096)  # photos of a class share its name
def _names_no_class(label: str) -> bool:
    """Return whether a label is only what cameras and programs write, such as `IMG`, `Screenshot 2024` or a date."""
    if label.isdecimal():
        return False
    return bool(_DATE.search(label)) or any(map(_are_of_programs, (words(label), words(label.casefold()))))


def _are_of_programs(found: Sequence[str]) -> bool:
    return all(word in NO_CLASS_STEMS or word in SPLIT_EXTRAS or word.isdecimal() for word in found)
