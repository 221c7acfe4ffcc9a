"""Text in pictures: names in any script where a font has their letters; else classes have numbers and a legend."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from PIL import ImageDraw, ImageFont

from photoclass.results.pictures.fonts import (
    FontFile,
    dejavu,
    find_fonts,
    has_raqm,
    is_joiner,
    load_font,
    shows_nothing,
)
from photoclass.text import listed, shorten

_UNKNOWN = "?"


@dataclass(frozen=True)
class Lettering:
    """Draws texts, each letter with a font that has it.

    Attributes:
        class_names: The classes, which may be drawn by number.
        texts: Other texts that may be drawn, such as file names.
        fonts: Fonts of this computer with letters that DejaVu Sans lacks.
    """

    class_names: tuple[str, ...] = ()
    texts: frozenset[str] = frozenset()
    fonts: tuple[FontFile, ...] = ()

    @classmethod
    def of(cls, class_names: Sequence[str], texts: Iterable[str] = ()) -> "Lettering":
        """Find the fonts for class names and other texts."""
        others = frozenset(texts)
        letters = {ord(letter) for text in (*class_names, *others) for letter in text}
        fonts = find_fonts({code for code in letters if not _in(code, dejavu(False))})
        return cls(tuple(class_names), others, fonts)

    def class_name(self, name: str) -> str:
        """Return a class name as it is drawn: itself, or `#3` for the third class if it has letters without a font."""
        if name not in self.class_names or self.can_draw(name):
            return name
        sign = "no. " if any(other.startswith("#") for other in self.class_names) else "#"
        return f"{sign}{self.class_names.index(name) + 1}"

    def can_draw(self, text: str) -> bool:
        """Return whether there is a font for each letter."""
        return all(self._font_of(letter, False) is not None for letter in text)

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

    def one_font_for(self, text: str) -> str | None:
        """Return a font file that has all letters of a text; None if no single one has."""
        for font in (dejavu(False), *self.fonts):
            if all(_in(ord(letter), font) for letter in text):
                return font.path
        return None

    def length(self, text: str, size: int, bold: bool = False) -> float:
        """Return the width of a text in pixels."""
        return sum(font.getlength(run) for font, run in self._runs(text, size, bold))

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
        runs = list(self._runs(text, size, bold))
        # Hebrew and Arabic words still run to the left, while marks, commas and what follows stay where they are.
        direction = "ltr" if has_raqm() else None
        baseline = top + load_font(dejavu(bold).path, size).getmetrics()[0]
        if right and len(runs) == 1:
            pen.text((left, baseline), runs[0][1], fill=colour, font=runs[0][0], anchor="rs", direction=direction)
            return
        left -= sum(font.getlength(run) for font, run in runs) if right else 0
        for font, run in runs:
            pen.text((left, baseline), run, fill=colour, font=font, anchor="ls", direction=direction)
            left += font.getlength(run)

    def shorten(self, text: str, size: int, room: float, *, bold: bool = False) -> str:
        """Return a text that can be drawn, cut in its middle where it is wider than `room` pixels."""
        clean = self.drawable(text)
        short = clean
        while self.length(short, size, bold) > room and len(short) > 2:
            short = shorten(clean, len(short) - 1)
        return short

    def _runs(self, text: str, size: int, bold: bool) -> Iterator[tuple[ImageFont.FreeTypeFont, str]]:
        """Yield the text in pieces, each with a font that has all of its letters."""
        clean = self.drawable(text)
        lacking = [letter for letter in clean if not _in(ord(letter), dejavu(bold))]
        # Letters of one script are shaped together, so one font for all of them comes before several.
        fonts = [font for font in self._fallbacks(bold) if all(_in(ord(letter), font) for letter in lacking)]
        run, current = "", dejavu(bold).path
        for letter in clean:
            path = current
            if not shows_nothing(ord(letter)):
                found = self._font_of(letter, bold, fonts)
                path = found.path if found else current
            if path != current and run:
                yield load_font(current, size), run
                run = ""
            run, current = run + letter, path
        if run:
            yield load_font(current, size), run

    def _fallbacks(self, bold: bool) -> tuple[FontFile, ...]:
        return (dejavu(False), *self.fonts) if bold else self.fonts

    def _drawable_letter(self, letter: str) -> str:
        if is_joiner(ord(letter)):
            return letter if has_raqm() else ""
        if shows_nothing(ord(letter)):
            return " "
        return letter if letter.isprintable() and self._font_of(letter, False) is not None else _UNKNOWN

    def _font_of(self, letter: str, bold: bool, first: Sequence[FontFile] = ()) -> FontFile | None:
        for font in (dejavu(bold), *first, *self._fallbacks(bold)):
            if _in(ord(letter), font):
                return font
        return None

    def _spelled(self, name: str) -> str:
        """Return a name with the code points of the letters that cannot be drawn."""
        parts: list[str] = []
        for letter in name:
            drawn = self._font_of(letter, False) is not None
            parts.append(letter if drawn else f" U+{ord(letter):04X} ")
        return " ".join("".join(parts).split())


def _in(code: int, font: FontFile) -> bool:
    return code in font.letters or shows_nothing(code)


# DejaVu Sans alone.
PLAIN = Lettering()
