"""Class names as people write them: which spellings are one name, and which known class a given name means."""

import functools
import re
import unicodedata
from collections.abc import Callable, Collection

# Characters that show nothing and come with copied text: soft hyphens, zero-width spaces, byte-order marks, marks of
# writing direction, fillers. They are Unicode's format characters, but for the joiners and for those that are seen.
_INVISIBLE = dict.fromkeys(
    code
    for first, last in (
        *((0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160), (0x180E, 0x180E), (0x200B, 0x200B)),
        *((0x200E, 0x200F), (0x202A, 0x202E), (0x2060, 0x2064), (0x2066, 0x206F), (0x3164, 0x3164), (0xFEFF, 0xFEFF)),
        *((0xFFA0, 0xFFA0), (0xFFF9, 0xFFFB), (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A)),
    )
    for code in range(first, last + 1)
)
_JOINERS = "\u200c\u200d"
# Persian, Indian scripts and emoji need the joiners; beside Latin letters, or at an end, they show nothing.
_USELESS_JOINER = re.compile(f"(?<![\u0300-\U0010ffff])[{_JOINERS}]+|[{_JOINERS}]+(?![\u0300-\U0010ffff])")
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"[+-]?\d{1,15}(?:\.\d{0,15})?", re.ASCII)
_BETWEEN_WORDS = re.compile(r"[\s_.\-\u2010-\u2015]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


@functools.lru_cache(maxsize=4096)  # photos of a class share its name
def clean_class_name(name: str) -> str:
    """Return a class name in Unicode NFC, without invisible characters, its spaces trimmed and collapsed."""
    if name.isascii():
        return " ".join(part for part in name.split(" ") if part)
    visible = unicodedata.normalize("NFC", _USELESS_JOINER.sub("", name.translate(_INVISIBLE)))
    spaces = "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in visible)
    return " ".join(part for part in spaces.split(" ") if part)


def has_control_characters(name: str) -> bool:
    """Return whether a name has a line break or another control character."""
    return any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in name)


def likeness(name: str) -> str:
    """Return what class names have in common that differ by case, width, signs between words, or a plural s.

    Numbers of one value have theirs in common: `7`, `007`, `7.0`.
    """
    if _NUMBER.fullmatch(name):
        return str(float(name))
    folded = _BETWEEN_WORDS.sub(" ", unicodedata.normalize("NFKC", name).casefold()).strip()
    return folded[:-1] if len(folded) > 3 and folded.endswith("s") and not folded.endswith("ss") else folded


def match_class(name: str, known: Collection[str]) -> str | None:
    """Return the known class that a name means, None if it means none or may mean several.

    The first of these that any known class fits decides: the same name once cleaned; the same but for case; but for
    case and the signs between words (`big_cats`, `Big cats`); but for a plural.
    """
    clean = clean_class_name(name)
    if clean in known:
        return clean
    keys: tuple[Callable[[str], object], ...] = (str.casefold, _words_of)
    for key in keys:
        if key(clean) and (fitting := [other for other in known if key(other) == key(clean)]):
            return fitting[0] if len(fitting) == 1 else None
    fitting = [other for other in known if _differ_by_plural(_words_of(clean), _words_of(other))]
    return fitting[0] if len(fitting) == 1 else None


def _words_of(name: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(_HUMP.sub(" ", name).casefold()))


def _differ_by_plural(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Return whether two names have the same words but for a plural of the last: `big cat`, `big cats`."""
    if not one or not other or one[:-1] != other[:-1]:
        return False
    return one[-1] in _singulars(other[-1]) or other[-1] in _singulars(one[-1])


def _singulars(word: str) -> set[str]:
    """Return the words that an English plural may be of."""
    if len(word) <= 3 or not word.endswith("s") or word.endswith("ss"):
        return set()
    found = {word[:-1]}
    if word.endswith("es"):
        found.add(word[:-2])
    if word.endswith("ies"):
        found.add(f"{word[:-3]}y")
    if word.endswith("ves"):
        found |= {f"{word[:-3]}f", f"{word[:-3]}fe"}
    return found
