"""HTML for notebooks: what `_repr_html_` of a result returns. No script, no style sheet, nothing from elsewhere.

Colours are those of the notebook, so that light and dark themes both fit. All text is escaped.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from photoclass.text import printable, shorten

MOST_ROWS = 12
THUMBNAIL_SIDE = 120
_MOST_SKIPPED = 5
_LONGEST, _LONGEST_LINE = 80, 60
_LINE = "1px solid rgba(128,128,128,.35)"


@dataclass(frozen=True)
class Photo:
    """A photo with its caption.

    Attributes:
        picture: A data URI; empty if the photo is not available.
        name: Its name.
        lines: The lines of the caption.
    """

    picture: str
    name: str
    lines: tuple[str, ...]


def card(title: str, *parts: str) -> str:
    """Return a result: a title and its parts, which are HTML; empty ones are left out."""
    heading = Markup('<div style="font-weight:600;font-size:1.1em">{}</div>').format(clean(title, 200))
    body = Markup("").join([heading, *(Markup(part) for part in parts if part)])
    return str(Markup('<div style="max-width:64em;line-height:1.45">{}</div>').format(body))


def paragraph(text: str) -> Markup:
    """Return a paragraph of text."""
    return Markup('<div style="margin:.35em 0">{}</div>').format(printable(text))


def table(
    caption: str, headings: Sequence[str], rows: Sequence[Sequence[object]], most: int = MOST_ROWS, texts: int = 1
) -> Markup:
    """Return a table; its first columns are text, the others numbers. Nothing without rows.

    Args:
        caption: What it shows.
        headings: Of the columns; none are shown if all are empty.
        rows: The cells of each row.
        most: Rows that are shown; the others are counted.
        texts: How many columns are text.
    """
    if not rows:
        return Markup("")
    cells = Markup("").join(_cell("th", heading, i >= texts, ' scope="col"') for i, heading in enumerate(headings))
    head = Markup("<thead><tr>{}</tr></thead>").format(cells) if any(headings) else Markup("")
    shown = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(_cell("td", cell, i >= texts) for i, cell in enumerate(row)))
        for row in rows[:most]
    )
    more = paragraph(f"and {len(rows) - most:,} more") if len(rows) > most else Markup("")
    return Markup(
        '<table style="border-collapse:collapse;margin:.5em 0">'
        '<caption style="caption-side:top;text-align:left;opacity:.75;padding:0;white-space:nowrap">{}</caption>'
        "{}<tbody>{}</tbody></table>{}"
    ).format(clean(caption, 300), head, shown, more)


def skipped_table(items: Sequence[tuple[str, str]]) -> Markup:
    """Return the photos that were skipped, as pairs of name and reason. Nothing without any."""
    return table(f"Skipped: {len(items):,}", ("file", "reason"), items, most=_MOST_SKIPPED, texts=2)


def photo_strip(items: Sequence[Photo]) -> Markup:
    """Return photos side by side, each with its caption. Nothing without photos."""
    if not items:
        return Markup("")
    figures = Markup("").join(_figure(item) for item in items)
    return Markup('<div style="display:flex;flex-wrap:wrap;gap:.6em;margin:.5em 0">{}</div>').format(figures)


def clean(text: object, longest: int = _LONGEST) -> str:
    """Return a text on one line, of at most so many characters, its middle left out."""
    return shorten(" ".join(printable(str(text)).split()), longest)


def _figure(item: Photo) -> Markup:
    picture = (
        Markup('<img src="{}" alt="{}" style="max-width:{}px;max-height:{}px">').format(
            item.picture, clean(f"{item.name}: {', '.join(item.lines)}", 200), THUMBNAIL_SIDE, THUMBNAIL_SIDE
        )
        if item.picture
        else Markup("<em>not available</em>")
    )
    lines = Markup("").join(
        Markup("<div>{}</div>").format(clean(line, _LONGEST_LINE)) for line in (*item.lines, item.name)
    )
    return Markup('<div style="width:{}px;font-size:.8em;overflow-wrap:anywhere">{}{}</div>').format(
        THUMBNAIL_SIDE, picture, lines
    )


def _cell(tag: str, content: object, is_number: bool, more: str = "") -> Markup:
    side = "right" if is_number else "left"
    return Markup('<{}{} style="text-align:{};padding:.15em .9em .15em 0;border-bottom:{}">{}</{}>').format(
        Markup(tag), Markup(more), side, Markup(_LINE), escape(clean(content)), Markup(tag)
    )
