"""What names of folders and files mean by the words in them."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from photoclass.photos.sources.rules import (
    CONTAINER_WORDS,
    NO_CLASS_ANYWHERE,
    NO_CLASS_WORDS,
    PART_WORDS,
    SELDOM_CLASS_WORDS,
    SPLIT_EXTRAS,
    SPLIT_WORDS,
    UNLABELLED_WORDS,
)

_NAMES_KEPT = 1 << 14  # the same names come in every split and in every question that is asked of them
_WORD = re.compile(r"[^\W\d_]+|\d+")
# Folders of cameras' cards, of phones (`202401__`), and of a day or month.
_OF_CAMERA_OR_DAY = re.compile(
    r"\d{3}_?(?:CANON|APPLE|NIKON|PANA|MSDCF|GOPRO|MEDIA|CASIO|OLYMP|FUJI|EOS|SSCAM|ANDRO|PENTX|RICOH|LEICA|KODAK|SIGMA)\w*"
    r"|(?:19|20)\d\d(?:[-_.](?:0[1-9]|1[0-2])(?:[-_.][0-3]\d)?|(?:0[1-9]|1[0-2])(?:[0-3]\d|_+))",
    re.ASCII,
)
_YEAR = re.compile(r"(?:19|20)\d\d", re.ASCII)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def fold(name: str) -> str:
    """Return a name without case and accents, for comparison."""
    if name.isascii():
        return name.casefold()
    decomposed = unicodedata.normalize("NFKD", name)
    plain = "".join(letter for letter in decomposed if unicodedata.category(letter) != "Mn")
    return unicodedata.normalize("NFKC", plain).casefold()


@lru_cache(_NAMES_KEPT)
def words(name: str) -> tuple[str, ...]:
    """Return the words and numbers of a name, folded: `TrainSet_2` gives train, set, 2."""
    return tuple(_WORD.findall(fold(_HUMP.sub(" ", name))))


@lru_cache(_NAMES_KEPT)
def class_key(name: str) -> str:
    """Return what class names have in common that differ only by case, accents or a plural s."""
    folded = " ".join(fold(name).split())
    return folded[:-1] if len(folded) > 3 and folded.endswith("s") else folded


@dataclass(frozen=True)
class NameMeaning:
    """What a name says by its words.

    Attributes:
        split: TRAIN, VALID or HELD_OUT; None if it names none, or several.
        split_word: The word that says so.
        exact: Whether it has no other words than such as the names of split folders have.
        others: The words that are no split word, no number and none of `SPLIT_EXTRAS`.
    """

    split: int | None
    split_word: str
    exact: bool
    others: tuple[str, ...]

    @property
    def exact_split(self) -> int | None:
        """The split, if the name means nothing else."""
        return self.split if self.exact else None


@lru_cache(_NAMES_KEPT)
def meaning(name: str) -> NameMeaning:
    """Return what a folder's name, or a word in a split column, means."""
    found: list[tuple[int, str]] = []
    others: list[str] = []
    for word in _joined(words(name)):
        split = _split_of_word(word)
        if split is not None:
            found.append(split)
        elif not word.isdecimal() and word not in _EXTRAS:
            others.append(word)
    splits = {split for split, _ in found}
    one = len(splits) == 1
    return NameMeaning(found[0][0] if one else None, found[0][1] if one else "", one and not others, tuple(others))


def split_of_name(name: str) -> int | None:
    """Return the split that a name means, where it means nothing else; None otherwise."""
    return meaning(name).exact_split


def is_unlabelled(name: str) -> bool:
    """Return whether a folder of this name holds photos without labels; those that cameras and dates name are such."""
    return _has_word(name, _UNLABELLED, beside=_SPLITS) or bool(_OF_CAMERA_OR_DAY.fullmatch(name))


def is_year(name: str) -> bool:
    """Return whether a name is no more than a year."""
    return bool(_YEAR.fullmatch(name))


def are_parts(names: Iterable[str]) -> bool:
    """Return whether names call parts of one set: they differ by numbers alone, and say `part`, `fold` or the like."""
    plain = {tuple(word for word in found if not word.isdecimal()) for found in map(words, names)}
    return len(plain) == 1 and not PART_WORDS.isdisjoint(*plain)


def is_no_class(name: str) -> bool:
    """Return whether a folder of this name is never a class."""
    return not NO_CLASS_ANYWHERE.isdisjoint(words(name)) or _has_word(name, _NO_CLASS, beside=_SELDOM_CLASS)


def is_seldom_class(name: str) -> bool:
    """Return whether a folder of this name seldom is a class."""
    return _has_word(name, _SELDOM_CLASS)


def is_beside_photos(name: str) -> bool:
    """Return whether a folder of this name holds what belongs to photos beside it: `masks`, `annotations`."""
    return is_no_class(name) or is_seldom_class(name)


def shares_word(one: str, other: str) -> bool:
    """Return whether two names have a word in common, such as `mask` and `no_mask`."""
    return bool(set(map(class_key, words(one))) & set(map(class_key, words(other))))


def without_word(name: str, word: str) -> str:
    """Return a name without a word in it and the signs around that: `cats_train` without `train` is `cats`."""
    folded = fold(name)
    at = folded.find(word)
    if at < 0 or len(folded) != len(name):
        return name
    return (name[:at] + name[at + len(word) :]).strip(" _-.")


def is_plain_container(name: str) -> bool:
    """Return whether a name says no more than that photos are in it, such as `images`."""
    found = words(name)
    return any(word in _CONTAINERS for word in found) and all(w.isdecimal() or w in _CONTAINERS for w in found)


def _has_word(name: str, among: Collection[str], beside: Collection[str] = ()) -> bool:
    """Return whether a name says one of these words, and otherwise only words of `beside` and of `SPLIT_EXTRAS`."""
    said = [word for word in _joined(words(name)) if not word.isdecimal() and word not in _EXTRAS]
    return any(word in among for word in said) and all(word in among or word in beside for word in said)


def _joined(found: tuple[str, ...]) -> Iterator[str]:
    """Yield words, with those that belong together as one: `held out`, `train val`."""
    waiting = ""
    for word in found:
        if (waiting, word) in _JOINED:
            yield _JOINED[waiting, word]
            waiting = ""
            continue
        if waiting:
            yield waiting
        waiting = word
    if waiting:
        yield waiting


def _split_of_word(word: str) -> tuple[int, str] | None:
    """Return the split that a word means, alone or with one of `SPLIT_EXTRAS` joined to it, and the word itself."""
    if word in _SPLITS:
        return _SPLITS[word], word
    if not _AT_AN_END.search(word):
        return None
    for known, split in _SPLITS.items():
        rest = ""
        if word.startswith(known):
            rest = word[len(known) :]
        elif word.endswith(known):
            rest = word[: -len(known)]
        if rest in _EXTRAS:
            return split, known
    return None


# Longer words first: `trainingset` holds `training`, not `train`.
_SPLITS = dict(
    sorted(
        ((fold(word), split) for split, of_split in SPLIT_WORDS.items() for word in of_split),
        key=lambda pair: (-len(pair[0]), pair[0]),
    )
)
# What systems call a folder that has no name yet.
_NEW_FOLDERS = (
    *(("new", "folder"), ("untitled", "folder"), ("neuer", "ordner"), ("nouveau", "dossier"), ("nueva", "carpeta")),
    *(("nova", "pasta"), ("nuova", "cartella"), ("nieuwe", "map"), ("nowy", "folder"), ("новая", "папка")),
)
# What Google's Takeout calls the folders of all photos of a year, beside those of the albums.
_FOLDERS_OF_YEARS = (
    *(("photos", "from"), ("fotos", "von"), ("photos", "de"), ("fotos", "de"), ("foto", "del"), ("foto", "dal")),
    ("zdjecia", "z"),
    ("фото", "за"),
)
_AT_AN_END = re.compile("^(?:{0})|(?:{0})$".format("|".join(_SPLITS)))
_JOINED = {
    **{(first, "out"): "holdout" for first in ("held", "hold")},
    **{("train", second): "trainval" for second in ("val", "valid", "dev")},
    **{("no", second): "nolabel" for second in ("label", "labels")},
    ("ground", "truth"): "groundtruth",
    ("huan", "luyen"): "training",  # Vietnamese
    ("kiem", "tra"): "testing",
    ("kiem", "thu"): "testing",
    **dict.fromkeys(_FOLDERS_OF_YEARS, "photosfrom"),
    **dict.fromkeys(_NEW_FOLDERS, "newfolder"),
}
_EXTRAS, _CONTAINERS, _UNLABELLED, _NO_CLASS, _SELDOM_CLASS = (
    frozenset(map(fold, among))
    for among in (SPLIT_EXTRAS, CONTAINER_WORDS, UNLABELLED_WORDS, NO_CLASS_WORDS, SELDOM_CLASS_WORDS)
)
