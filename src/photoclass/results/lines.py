"""Text cut into lines for pictures whose reader chooses the typeface: no line is wider than it may be."""

from collections.abc import Iterator

from photoclass.terminal import printable

# Widths in units of the type size, of the widest typeface that systems commonly use for pages (DejaVu Sans). What is
# not here is taken for a square, as the letters of Chinese, Japanese and Korean are.
_NARROW, _USUAL, _WIDE = 0.42, 0.65, 0.86
_WIDTHS = {
    **dict.fromkeys(" .,:;!|'’ijlIrtf()[]/-·", _NARROW),
    **dict.fromkeys('abcdeghknopqsuvxyzFJLEPSZ0123456789_*?"“”<>=+−×√…', _USUAL),
    **dict.fromkeys("ABCDGHKNOQRTUVXY#&", 0.8),
    **dict.fromkeys("wm~", _WIDE + 0.14),
}
_BOLD = 1.12


def wrapped(text: str, width: float, size: float, *, bold: bool = False, most: int = 6) -> list[str]:
    """Cut text into lines at spaces, and within words that are wider than a line.

    Args:
        text: Of any source; line breaks and what cannot be printed do not get through.
        width: Of a line, in the unit of `size`.
        size: Of the type.
        bold: Whether it is set in bold.
        most: How many lines; a text that is longer ends in an ellipsis.
    """
    room = width / size / (_BOLD if bold else 1)
    lines: list[str] = []
    for word in _pieces(" ".join(printable(text).split()).split(" "), room):
        together = f"{lines[-1]} {word}" if lines else word
        if lines and _width(together) <= room:
            lines[-1] = together
        elif len(lines) < most:
            lines.append(word)
        else:
            while _width(f"{lines[-1]} …") > room:
                lines[-1] = lines[-1][:-1]
            lines[-1] += " …"
            break
    return [line for line in lines if line]


def _width(text: str) -> float:
    return sum(_WIDTHS.get(letter, _WIDE + 0.14) for letter in text)


def _pieces(words: list[str], room: float) -> Iterator[str]:
    """Give the words, those that are wider than a line in several pieces."""
    for word in words:
        piece = ""
        for letter in word:
            if piece and _width(piece + letter) > room:
                yield piece
                piece = ""
            piece += letter
        yield piece
