"""Text for people: names that cannot break a line, and readable lengths of time, sizes, counts and split names."""

from collections.abc import Iterator, Sequence

_UNITS = ("bytes", "KB", "MB", "GB", "TB")
LINE_WIDTH = 100  # columns of a line of text that grows with the data
SPLIT_NAMES = {"train": "training", "valid": "validation", "held_out": "held-out"}
# Glyph widths relative to the font size, measured on DejaVu Sans, the widest of the common system fonts. A letter that
# is not listed counts as a full square, which fits those of Chinese, Japanese and Korean.
_NARROW, _USUAL, _WIDE = 0.42, 0.65, 0.86
_WIDTHS = {
    **dict.fromkeys(" .,:;!|'’ijlIrtf()[]/-·", _NARROW),
    **dict.fromkeys('abcdeghknopqsuvxyzFJLEPSZ0123456789_*?"“”<>=+−×√…', _USUAL),
    **dict.fromkeys("ABCDGHKNOQRTUVXY#&", 0.8),
    **dict.fromkeys("wm~", _WIDE + 0.14),
}
_BOLD = 1.12


def describe_seconds(seconds: float) -> str:
    """Format a length of time: `45 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def printable(text: str) -> str:
    """Replace characters that could move the cursor or control the terminal; line breaks stay."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def describe_bytes(count: int) -> str:
    """Format a size: `512 bytes`, `51 MB`, `4.2 GB`."""
    size, unit = float(count), 0
    while size >= 999.5 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit and size < 9.95 else f"{size:.0f} {_UNITS[unit]}"


def plural(count: int, singular: str, several: str = "") -> str:
    """Return a count with its noun: `1 photo`, `2,000 photos`, `3 classes`.

    Args:
        count: The number.
        singular: The noun for one.
        several: The plural, if it is not `singular` with an s.
    """
    return f"{count:,} {singular if count == 1 else several or singular + 's'}"


def shorten(text: str, width: int) -> str:
    """Cut a text in its middle to so many characters; class names often differ at the end."""
    if len(text) <= width:
        return text
    kept = max(1, width - 1)
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}" if kept > 1 else "…"


def listed(items: Sequence[str], singular: str, several: str = "", room: int = LINE_WIDTH) -> str:
    """Return items separated by commas, as many as fit a line, and the number of the others.

    Args:
        items: At least one is shown.
        singular: What they are: `… and 1 more class`.
        several: The plural, if it is not `singular` with an s.
        room: How many characters the line has for them.
    """
    text = ", ".join(items)
    shown = len(items)
    while len(text) > room and shown > 1:
        shown -= 1
        text = f"{', '.join(items[:shown])} and {_more(len(items) - shown, singular, several)}"
    return text


def list_classes(names: Sequence[str], room: int = LINE_WIDTH) -> str:
    """Return class names in quotes, as many as fit a line, and the number of the others."""
    return listed([repr(name) for name in names], "class", "classes", room)


def _more(count: int, singular: str, several: str) -> str:
    return f"{count:,} more {singular if count == 1 else several or singular + 's'}"


def wrap(text: str, width: float, size: float, *, bold: bool = False, most: int = 6) -> list[str]:
    """Break text into lines at spaces; a word that is wider than a line is broken as well.

    Args:
        text: From any source; its line breaks count as spaces, and unprintable characters are replaced.
        width: Width of a line, in the unit of `size`.
        size: Font size.
        bold: Whether the font is bold.
        most: The largest number of lines; a longer text is cut and ends in an ellipsis.
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
    """Yield the words, each that is wider than a line in several pieces."""
    for word in words:
        piece = ""
        for letter in word:
            if piece and _width(piece + letter) > room:
                yield piece
                piece = ""
            piece += letter
        yield piece
