"""Text in pictures: names in any script where a font has their letters; else classes have numbers and a legend."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from PIL import ImageDraw, ImageFont

from photoclass.results.pictures.fonts import OWN, FontFile, find_fonts, is_joiner, load_font, shows_nothing
from photoclass.text import listed, shorten

_UNKNOWN = "?"
_BOLD = 1 / 45  # the stroke around bold letters, in sizes: Pillow's own font has no bold face


@dataclass(frozen=True)
class Lettering:
    """Draws texts, each letter with a font that has it.

    Attributes:
        class_names: The classes, which may be drawn by number.
        texts: Other texts that may be drawn, such as file names.
        fonts: Fonts of this computer with letters that Pillow's own lacks.
    """

    class_names: tuple[str, ...] = ()
    texts: frozenset[str] = frozenset()
    fonts: tuple[FontFile, ...] = ()

    @classmethod
    def of(cls, class_names: Sequence[str], texts: Iterable[str] = ()) -> "Lettering":
        """Find the fonts for class names and other texts."""
        others = frozenset(texts)
        letters = {ord(letter) for text in (*class_names, *others) for letter in text}
        fonts = find_fonts({code for code in letters if not _in(code, OWN)})
        return cls(tuple(class_names), others, fonts)

    def class_name(self, name: str) -> str:
        """Return a class name as it is drawn: itself, or `#3` for the third class if it has letters without a font."""
        if name not in self.class_names or self.can_draw(name):
            return name
        sign = "no. " if any(other.startswith("#") for other in self.class_names) else "#"
        return f"{sign}{self.class_names.index(name) + 1}"

    def can_draw(self, text: str) -> bool:
        """Return whether there is a font for each letter."""
        return all(self._font_of(letter) is not None for letter in text)

    def drawable(self, text: str) -> str:
        """Return a text with `?` for letters without a font, and for what is no letter."""
        return "".join(self._drawable_letter(letter) for letter in text)

    def legend(self, names: Iterable[str]) -> list[str]:
        """Return what the numbers of these class names mean, such as `#3 = U+732B`; empty if none has a number."""
        shown = set(names)
        numbered = [name for name in self.class_names if name in shown and not self.can_draw(name)]
        entries = [f"{self.class_name(name)} = {self._spelled(name)}" for name in numbered]
        return ["class names with letters that no font here has:", *entries] if entries else []

    def notes(self) -> tuple[str, ...]:
        """Return a line on class names that are drawn as numbers, and one on letters of file names that are not."""
        lines = []
        numbered = [f"{self.class_name(name)} is {name}" for name in self.class_names if not self.can_draw(name)]
        if numbered:
            lines.append(
                f"no font on this computer has all letters of these class names: {listed(numbered, 'name')}. The HTML "
                "pages of report and check show them; so do pictures once a font such as Noto Sans is installed"
            )
        letters = sorted({letter for text in self.texts for letter in text if not self.can_draw(letter)})
        if letters:
            lines.append(
                f"letters of file names without a font on this computer are drawn as ?: {listed(letters, 'letter')}"
            )
        return tuple(lines)

    def length(self, text: str, size: int) -> float:
        """Return the width of a text in pixels."""
        return sum(font.getlength(run) for font, run in self._runs(text, size))

    def draw(
        self,
        pen: ImageDraw.ImageDraw,
        at: tuple[float, float],
        text: str,
        size: int,
        colour: str,
        *,
        bold: bool = False,
        right: bool = False,
    ) -> None:
        """Draw a text; `at` is its top left corner, or with `right` its top right one."""
        left, top = at
        runs = list(self._runs(text, size))
        stroke = _BOLD * size if bold else 0
        baseline = top + load_font(OWN.path, size).getmetrics()[0]
        left -= sum(font.getlength(run) for font, run in runs) if right else 0
        for font, run in runs:
            at = left, baseline
            # Hebrew and Arabic words still run to the left, while marks, commas and what follows stay where they are.
            direction = "ltr" if font.layout_engine == ImageFont.Layout.RAQM else None
            pen.text(at, run, fill=colour, font=font, anchor="ls", direction=direction, stroke_width=stroke)
            left += font.getlength(run)

    def shorten(self, text: str, size: int, room: float) -> str:
        """Return a text that can be drawn, cut in its middle where it is wider than `room` pixels."""
        clean = self.drawable(text)
        short = clean
        while self.length(short, size) > room and len(short) > 2:
            short = shorten(clean, len(short) - 1)
        return short

    def _runs(self, text: str, size: int) -> Iterator[tuple[ImageFont.FreeTypeFont, str]]:
        """Yield the text in pieces, each with a font that has all of its letters; where one has all, in one piece."""
        clean = self.drawable(text)
        lacking = [letter for letter in clean if not _in(ord(letter), OWN)]
        # Letters of one script are shaped together, so one font for all of them comes before several.
        fonts = [font for font in self.fonts if all(_in(ord(letter), font) for letter in lacking)]
        whole = [font for font in fonts if all(_in(ord(letter), font) for letter in clean)]
        if lacking and whole:
            yield _piece(whole[0], size, clean)
            return
        run, current = "", OWN
        for letter in clean:
            font = current if shows_nothing(ord(letter)) else self._font_of(letter, fonts) or current
            if font != current and run:
                yield _piece(current, size, run)
                run = ""
            run, current = run + letter, font
        if run:
            yield _piece(current, size, run)

    def _drawable_letter(self, letter: str) -> str:
        if is_joiner(ord(letter)):
            return letter
        if shows_nothing(ord(letter)):
            return " "
        return letter if letter.isprintable() and self._font_of(letter) is not None else _UNKNOWN

    def _font_of(self, letter: str, first: Sequence[FontFile] = ()) -> FontFile | None:
        return next((font for font in (OWN, *first, *self.fonts) if _in(ord(letter), font)), None)

    def _spelled(self, name: str) -> str:
        """Return a name with the code points of the letters that cannot be drawn."""
        parts: list[str] = []
        for letter in name:
            drawn = self._font_of(letter) is not None
            parts.append(letter if drawn else f" U+{ord(letter):04X} ")
        return " ".join("".join(parts).split())


def _piece(font: FontFile, size: int, text: str) -> tuple[ImageFont.FreeTypeFont, str]:
    """Return a loaded font and its piece of a text; without Raqm, joiners would be drawn as boxes."""
    loaded = load_font(font.path, size)
    if loaded.layout_engine == ImageFont.Layout.RAQM:
        return loaded, text
    return loaded, "".join(letter for letter in text if not is_joiner(ord(letter)))


def _in(code: int, font: FontFile) -> bool:
    return shows_nothing(code) or font.has(code)


# Pillow's own font alone.
PLAIN = Lettering()
