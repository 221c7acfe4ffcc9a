"""Fonts: DejaVu Sans, which comes with Matplotlib, and those of this computer that have the letters it lacks."""

import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont, features

# Names of font files that are tried first: they have many letters of the scripts that DejaVu Sans lacks.
_TRIED_FIRST = (
    *("notosanscjk", "notosanssc", "notosansjp", "notosanskr", "sourcehansans", "droidsansfallback", "wqy"),
    *("pingfang", "hiragino", "msyh", "yugoth", "meiryo", "malgun", "applesdgothic", "simsun", "arialuni"),
    *("notosans", "nirmala", "mangal", "kohinoor", "leelaw", "thonburi", "tahoma", "arial", "segoeui", "seguisym"),
    *("lohit", "freesans", "symbola", "unifont"),
)
# These have a sign for every letter, and it is a box or nothing.
_SHOW_NO_LETTERS = ("lastresort", "adobeblank", "notdef")
# Letters of these change with their neighbours or run from right to left, which takes Pillow's layout engine Raqm.
_NEED_SHAPING = ((0x0590, 0x109F), (0x1780, 0x17FF), (0xFB1D, 0xFDFF), (0xFE70, 0xFEFE))
# Joiners, marks of writing direction, and selectors of a variant: they show nothing themselves.
_JOINERS_AND_MARKS = ((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F))
_TRIAL_SIZE = 20


@dataclass(frozen=True)
class FontFile:
    """A font and which letters of interest it has.

    Attributes:
        path: The file.
        letters: Code points; for a font of this computer only those that were looked for.
    """

    path: str
    letters: frozenset[int]


@lru_cache(maxsize=64)
def load_font(path: str, size: int) -> ImageFont.FreeTypeFont:
    """Load a font in a size, once."""
    return ImageFont.truetype(path, size)


@lru_cache(maxsize=2)
def dejavu(bold: bool) -> FontFile:
    """Return DejaVu Sans: Latin, Greek, Cyrillic, Hebrew, Arabic, Armenian, Georgian and many symbols."""
    from matplotlib import get_data_path

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = str(Path(get_data_path()) / "fonts" / "ttf" / name)
    return FontFile(path, frozenset(code for code in _code_points(path) if _can_be_laid_out(code)))


def find_fonts(letters: Iterable[int]) -> tuple[FontFile, ...]:
    """Find fonts of this computer that have these letters, as few as a search in one order gives.

    Letters that none has, or that Pillow cannot lay out, are in none of the results.
    """
    wanted = frozenset(code for code in letters if _can_be_laid_out(code))
    found, missing = [], wanted
    for path in _system_fonts() if wanted else ():
        has = _drawn_by(path, wanted)
        if has & missing:
            found.append(FontFile(path, has))
            missing -= has
            if not missing:
                break
    return tuple(found)


def shows_nothing(code: int) -> bool:
    """Whether a letter is a space, or has no picture of its own, so that no font needs to have it."""
    return is_joiner(code) or unicodedata.category(chr(code)) == "Zs"


def is_joiner(code: int) -> bool:
    """Whether a letter only changes how its neighbours are drawn."""
    return any(first <= code <= last for first, last in _JOINERS_AND_MARKS)


def _system_fonts() -> tuple[str, ...]:
    from matplotlib.font_manager import findSystemFonts

    def rank(path: str) -> tuple[int, str]:
        name = _plain_name(path)
        return next((i for i, start in enumerate(_TRIED_FIRST) if name.startswith(start)), len(_TRIED_FIRST)), path

    files = [path for path in findSystemFonts() if not any(word in _plain_name(path) for word in _SHOW_NO_LETTERS)]
    return tuple(sorted(files, key=rank))


def _plain_name(path: str) -> str:
    return "".join(letter for letter in os.path.basename(path).casefold() if letter.isalnum())


def _drawn_by(path: str, wanted: frozenset[int]) -> frozenset[int]:
    """Return which letters a font really draws: one of coloured bitmaps has them and Pillow draws nothing."""
    has = wanted & _code_points(path)
    if not has:
        return has
    try:
        font = load_font(path, _TRIAL_SIZE)
        return frozenset(code for code in has if font.getmask(chr(code)).getbbox() is not None)
    except (OSError, ValueError):
        return frozenset()


def _code_points(path: str) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError, ValueError):
        return frozenset()


def _can_be_laid_out(code: int) -> bool:
    return has_raqm() or not any(first <= code <= last for first, last in _NEED_SHAPING)


@lru_cache(maxsize=1)
def has_raqm() -> bool:
    """Whether Pillow has Raqm, which shapes letters and hides joiners."""
    return bool(features.check("raqm"))
