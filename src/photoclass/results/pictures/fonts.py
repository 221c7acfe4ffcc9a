"""Fonts: the one that Pillow brings, and those of this computer that have the letters it lacks."""

import os
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from PIL import ImageFont, features

# Names of font files that are tried first: common ones for Latin, Greek and Cyrillic, then those with many letters of
# other scripts.
_TRIED_FIRST = (
    *("dejavusans", "notosansregular", "liberationsans", "segoeui", "helvetica", "arial"),
    *("notosanscjk", "notosanssc", "notosansjp", "notosanskr", "sourcehansans", "droidsansfallback", "wqy"),
    *("pingfang", "hiragino", "msyh", "yugoth", "meiryo", "malgun", "applesdgothic", "simsun", "arialuni"),
    *("notosans", "nirmala", "mangal", "kohinoor", "leelaw", "thonburi", "tahoma", "seguisym"),
    *("lohit", "freesans", "symbola", "unifont"),
)
# These have a sign for every letter, and it is a box or nothing.
_SHOW_NO_LETTERS = ("lastresort", "adobeblank", "notdef")
# Letters of these change with their neighbours or run from right to left, which takes Pillow's layout engine Raqm.
_NEED_SHAPING = ((0x0590, 0x109F), (0x1780, 0x17FF), (0xFB1D, 0xFDFF), (0xFE70, 0xFEFE))
# Joiners, marks of writing direction, and selectors of a variant: they show nothing themselves.
_JOINERS_AND_MARKS = ((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F))
_STYLES = ("bold", "italic", "oblique", "mono", "condensed", "light", "thin", "black")
_ENDINGS = (".ttf", ".otf", ".ttc")
_MOST_FILES = 5000  # a walk through more than any computer has would keep a gallery waiting
_TRIAL_SIZE = 20
_IN_NO_FONT = "\U0010ffff"  # a code point that never becomes a letter


@dataclass(frozen=True)
class FontFile:
    """A font.

    Attributes:
        path: The file; empty for Pillow's own font, which has English letters, digits and signs.
    """

    path: str

    def has(self, code: int) -> bool:
        """Return whether the font really draws a letter, and Pillow can lay it out."""
        return _can_be_laid_out(code) and _draws(self.path, code)


OWN = FontFile("")


@lru_cache(maxsize=64)
def load_font(path: str, size: int) -> ImageFont.FreeTypeFont:
    """Load a font in a size, once; an empty path is Pillow's own font."""
    font = ImageFont.truetype(path, size) if path else ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # every Pillow on PyPI has FreeType
    return font


def find_fonts(letters: Iterable[int]) -> tuple[FontFile, ...]:
    """Find fonts of this computer that have these letters, as few as a search in one order gives.

    Letters that none has, or that Pillow cannot lay out, are in none of the results.
    """
    found = []
    missing = {code for code in letters if _can_be_laid_out(code)}
    for path in _fonts_in_order() if missing else ():
        font = FontFile(path)
        has = {code for code in missing if font.has(code)}
        if has:
            found.append(font)
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


def _fonts_in_order() -> Iterator[str]:
    """Yield font files: DejaVu Sans where Matplotlib is installed, then those of this computer, the likeliest first."""
    matplotlib = find_spec("matplotlib")
    if matplotlib is not None and matplotlib.origin is not None:
        dejavu = Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if dejavu.is_file():
            yield str(dejavu)

    def rank(path: str) -> tuple[int, bool, str]:
        name = _plain_name(path)
        place = next((i for i, start in enumerate(_TRIED_FIRST) if name.startswith(start)), len(_TRIED_FIRST))
        return place, any(style in name for style in _STYLES), path

    found = (path for path in system_fonts() if not any(word in _plain_name(path) for word in _SHOW_NO_LETTERS))
    yield from sorted(found, key=rank)


def system_fonts() -> list[str]:
    """Return the font files of this computer."""
    found = (
        os.path.join(folder, name)
        for start in _font_folders()
        for folder, _, names in os.walk(start)
        for name in names
        if name.casefold().endswith(_ENDINGS)
    )
    return list(islice(found, _MOST_FILES))


def _font_folders() -> list[Path]:
    home = Path(os.path.expanduser("~"))
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
        return [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts", local / "Microsoft" / "Windows" / "Fonts"]
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library" / "Fonts"]
    own = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    shared = (os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")
    return [own / "fonts", home / ".fonts", *(Path(folder) / "fonts" for folder in shared if folder)]


def _plain_name(path: str) -> str:
    return "".join(letter for letter in os.path.basename(path).casefold() if letter.isalnum())


@lru_cache(maxsize=4096)
def _draws(path: str, code: int) -> bool:
    """Return whether a font draws a letter: neither nothing, as those of coloured bitmaps do, nor its missing glyph."""
    try:
        font = load_font(path, _TRIAL_SIZE)
        drawn, missing = font.getmask(chr(code)), font.getmask(_IN_NO_FONT)
    except (OSError, ValueError):
        return False
    return drawn.getbbox() is not None and (drawn.size, bytes(drawn)) != (missing.size, bytes(missing))


def _can_be_laid_out(code: int) -> bool:
    return has_raqm() or not any(first <= code <= last for first, last in _NEED_SHAPING)


@lru_cache(maxsize=1)
def has_raqm() -> bool:
    """Whether Pillow has Raqm, which shapes letters and hides joiners."""
    return bool(features.check("raqm"))
