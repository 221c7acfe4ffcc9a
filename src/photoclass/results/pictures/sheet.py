"""Contact sheets: pages of photos with captions, as `gallery` and `explain` draw them."""

import io
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from photoclass.atomic import check_writable, write_bytes
from photoclass.errors import OutputError, SettingsError
from photoclass.photos.table import PassedOver, SkippedPhoto, unused_as_json
from photoclass.results.pictures.lettering import Lettering
from photoclass.text import plural

Item = TypeVar("Item")

TILE = 300  # side of a photo on the page, in pixels
PAPER, INK, QUIET, FAINT = "#fbfaf7", "#1f2933", "#66727f", "#e9e6df"
RIGHT, WRONG, NEUTRAL = "#2b8a3e", "#c92a2a", "#3b5b92"
_GAP, _MARGIN, _HEADER, _CAPTION = 18, 36, 92, 66
_SMALL, _MEDIUM, _LARGE, _LEGEND_LINE = 14, 16, 20, 22  # sizes of letters, and the height of a line of the legend
# Corners of the signs before a class that is correct or wrong, and the room that they take.
_TICK = ((2, 9), (6, 14), (14, 2))
_CROSS = ((2, 2), (14, 14), (8, 8), (14, 2), (2, 14))
_SIGN_ROOM = 22

_SOFTWARE_TAG, _SOFTWARE = 0x0131, "photoclass"


@dataclass(frozen=True)
class PhotoPages:
    """The pages that were written.

    Attributes:
        schema: The name of the JSON document: `photoclass/gallery/1` or `photoclass/explain/1`.
        pages: Their files.
        shown: The number of photos on them.
        found: The number of photos to choose from.
        skipped: Photos that could not be read.
        passed_over: Files that are plainly no photos.
        notes: What else to know about the pages, one line each.
    """

    schema: str
    pages: tuple[Path, ...]
    shown: int
    found: int
    skipped: tuple[SkippedPhoto, ...]
    passed_over: tuple[PassedOver, ...] = ()
    notes: tuple[str, ...] = ()

    def as_text(self) -> str:
        """Return a line of text, and one for each note."""
        first, last = self.pages[0], self.pages[-1]
        pages = f"{first}" if first == last else f"{first} to {last.name}"
        lines = [f"{pages}: {self.shown:,} of {plural(self.found, 'photo')}", *(f"note: {note}" for note in self.notes)]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "schema": self.schema,
            "pages": [str(page) for page in self.pages],
            "shown": self.shown,
            "found": self.found,
            "notes": list(self.notes),
            **unused_as_json(self.skipped, self.passed_over),
        }


@dataclass(frozen=True)
class Sheet:
    """The grid of a page, below its header.

    Attributes:
        columns: Cells in a row.
        fewest_columns: The page is at least this many columns wide, to have room for the header.
        cell_width: Width of a cell in pixels; its photos are TILE high, with the caption below them.
    """

    columns: int
    fewest_columns: int
    cell_width: int = TILE


@dataclass(frozen=True)
class Header:
    """The text above the photos, and the legend below them.

    Attributes:
        title: Set in large type.
        summary: Below the title.
        page_number: Such as `page 1 of 3`; empty if there is only one page.
        legend: What numbers of classes mean, such as `#3 = U+732B`.
    """

    title: str
    summary: str
    page_number: str = ""
    legend: tuple[str, ...] = ()


def check_arguments(out: Path, count: int | None, what: str) -> None:
    """Check arguments before any work is done.

    Args:
        out: The image file to write.
        count: The most photos to show; None for all.
        what: What is written, such as `a gallery`, for the message.

    Raises:
        SettingsError: `count` is less than 1.
        OutputError: `out` is not a .png, .jpg or .webp file, cannot be written, or is a picture that is no page of
            photos, such as one of the photos.
    """
    if count is not None and count < 1:
        raise SettingsError(f"count is {count}; it must be at least 1")
    if out.suffix.casefold() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise OutputError(f"{out}: unknown format; {what} is written as .png, .jpg or .webp")
    for file in earlier_pages(out):
        if not _is_page(file):
            raise OutputError(f"{file}: exists already, and is no page of photos; choose another --out")
    check_writable(out)


def sample_rows(found: int, count: int | None, seed: int) -> NDArray[np.int64]:
    """Return `count` of `found` rows, chosen at random, in order; all if there are no more, or if `count` is None."""
    if count is None or count >= found:
        return np.arange(found)
    return np.sort(np.random.default_rng(seed).choice(found, count, replace=False))


def page_file(out: Path, number: int, count: int) -> Path:
    """Return the file of page `number` of `count`: `out`, or if there are several `gallery-1.png`, `gallery-2.png` …"""
    return out if count == 1 else out.with_name(f"{out.stem}-{number}{out.suffix}")


def earlier_pages(out: Path) -> list[Path]:
    """Return the files that pages may be written over: `out`, and those numbered as its pages are."""
    pattern = re.compile(rf"{re.escape(out.stem)}(-[1-9]\d*)?{re.escape(out.suffix)}")
    try:
        found = [out.parent / name for name in os.listdir(out.parent) if pattern.fullmatch(name)]
    except OSError:
        return []
    return [file for file in found if file.is_file()]


def _is_page(file: Path) -> bool:
    """Return whether a picture is a page that was written by `save_page`."""
    try:
        with Image.open(file) as picture:
            return bool(picture.getexif().get(_SOFTWARE_TAG) == _SOFTWARE)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False


def describe_page_number(number: int, count: int) -> str:
    """Return a text such as `page 1 of 3`; empty if there is only one page."""
    return f"page {number} of {count}" if count > 1 else ""


def save_page(page: Image.Image, file: Path) -> None:
    """Write a page atomically, in the format of the file's extension, with a mark by which it is known again."""
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[_SOFTWARE_TAG] = _SOFTWARE
    page.save(buffer, format=Image.registered_extensions()[file.suffix.casefold()], exif=exif)
    write_bytes(file, buffer.getvalue())


def draw_page(
    items: Sequence[Item],
    sheet: Sheet,
    header: Header,
    lettering: Lettering,
    draw_cell: Callable[[Image.Image, ImageDraw.ImageDraw, Item, int, int], None],
) -> Image.Image:
    """Draw the header, and each item with `draw_cell`: a function of the page, its pen, the item, left and top."""
    columns = min(sheet.columns, max(sheet.fewest_columns, len(items)))
    lines = -(-len(items) // columns)
    width = 2 * _MARGIN + columns * sheet.cell_width + (columns - 1) * _GAP
    legend = _legend_lines(header.legend, lettering, width - 2 * _MARGIN)
    below = len(legend) * _LEGEND_LINE + (_GAP if legend else 0)
    height = _MARGIN + _HEADER + lines * (TILE + _CAPTION + _GAP) + _MARGIN - _GAP + below
    page = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(page)
    lettering.draw(pen, (_MARGIN, _MARGIN), header.title, 30, INK, bold=True)
    lettering.draw(pen, (_MARGIN, _MARGIN + 42), header.summary, 19, QUIET)
    lettering.draw(pen, (width - _MARGIN, _MARGIN + 42), header.page_number, 19, QUIET, right=True)
    for position, item in enumerate(items):
        left = _MARGIN + (position % columns) * (sheet.cell_width + _GAP)
        top = _MARGIN + _HEADER + (position // columns) * (TILE + _CAPTION + _GAP)
        draw_cell(page, pen, item, left, top)
    for number, line in enumerate(legend):
        lettering.draw(pen, (_MARGIN, height - _MARGIN - below + _GAP + number * _LEGEND_LINE), line, _SMALL, QUIET)
    return page


def _legend_lines(entries: Sequence[str], lettering: Lettering, room: float) -> list[str]:
    """Return the entries of a legend, as many on a line as fit."""
    lines: list[str] = []
    for entry in (lettering.shorten(entry, _SMALL, room) for entry in entries):
        longer = f"{lines[-1]}{'  ' if lines[-1].endswith(':') else '  ·  '}{entry}" if lines else entry
        if lines and lettering.length(longer, _SMALL) <= room:
            lines[-1] = longer
        else:
            lines.append(entry)
    return lines


def header_corner(page: Image.Image) -> tuple[int, int]:
    """Return right and top of the free corner of a page's header."""
    return page.width - _MARGIN, _MARGIN + 8


def photo_tile(picture: Image.Image) -> Image.Image:
    """Return the whole photo, letterboxed to a square."""
    tile = Image.new("RGB", (TILE, TILE), FAINT)
    fitted = ImageOps.contain(picture, (TILE, TILE), Image.Resampling.LANCZOS)
    tile.paste(fitted, ((TILE - fitted.width) // 2, (TILE - fitted.height) // 2))
    return tile


def reason_tile(reason: str) -> Image.Image:
    """Return a blank square with the reason why there is no photo."""
    tile = Image.new("RGB", (TILE, TILE), FAINT)
    text, pen = f"skipped: {reason}", ImageDraw.Draw(tile)
    lettering = Lettering.of((), [text])
    lines = _wrap(text, lettering, TILE - 40)
    for number, line in enumerate(lines):
        at = (TILE - lettering.length(line, _MEDIUM)) / 2, TILE / 2 + _LEGEND_LINE * (number - len(lines) / 2)
        lettering.draw(pen, at, line, _MEDIUM, QUIET)
    return tile


@dataclass(frozen=True)
class Caption:
    """The text below a photo.

    Attributes:
        file: Its name.
        label: The predicted class; empty if there is no prediction.
        probability: The probability of that class.
        truth: The true class; empty if unknown.
        note: On the right of the file's name.
    """

    file: str
    label: str = ""
    probability: float = 0.0
    truth: str = ""
    note: str = ""


def draw_caption(
    pen: ImageDraw.ImageDraw, caption: Caption, lettering: Lettering, left: int, top: int, width: int = TILE
) -> None:
    """Write class and probability below a photo, with a bar whose length is the probability."""
    note = lettering.shorten(caption.note, _SMALL, width / 2)
    lettering.draw(pen, (left + width, top + 44), note, _SMALL, QUIET, right=True)
    room = width - (lettering.length(note, _SMALL) + 10 if note else 0)
    file = lettering.shorten(Path(caption.file).name, _SMALL, room)
    lettering.draw(pen, (left, top + 44), file, _SMALL, QUIET)
    if not caption.label:
        return
    label, truth = caption.label, caption.truth
    colour = NEUTRAL if not truth else RIGHT if truth == label else WRONG
    pen.rectangle((left, top, left + width - 1, top + 6), fill=FAINT)
    pen.rectangle((left, top, left + round((width - 1) * caption.probability), top + 6), fill=colour)
    percent = describe_probability(caption.probability)
    lettering.draw(pen, (left + width, top + 14), percent, _LARGE, INK, right=True)
    if truth:
        # A sign in addition to the colour: not everybody can tell green from red.
        sign = _TICK if truth == label else _CROSS
        pen.bitmap((left, top + 17), _sign(sign), fill=colour)
        left, width = left + _SIGN_ROOM, width - _SIGN_ROOM
    text = _classes_text(label, truth, lettering, width - lettering.length(percent, _LARGE) - 10)
    lettering.draw(pen, (left, top + 14), text, _LARGE, colour, bold=True)


def _sign(corners: Sequence[tuple[int, int]]) -> Image.Image:
    """Return a mask of a line through these corners, with smooth edges."""
    mask = Image.new("L", (4 * 16, 4 * 18))
    ImageDraw.Draw(mask).line([(4 * x, 4 * y) for x, y in corners], fill=255, width=10, joint="curve")
    return mask.reduce(4)


def _classes_text(label: str, truth: str, lettering: Lettering, room: float) -> str:
    """Return predicted and true class, cut to `room` pixels."""
    drawn = lettering.class_name(label)
    if truth in ("", label):
        return lettering.shorten(drawn, _LARGE, room)
    known = lettering.class_name(truth)
    text = f"{drawn}, truth: {known}"
    if lettering.length(text, _LARGE) <= room:
        return text
    # Each is cut for itself, so that a long name does not hide the other one.
    room -= lettering.length(", truth: ", _LARGE)
    first = lettering.shorten(drawn, _LARGE, max(room / 2, room - lettering.length(known, _LARGE)))
    return f"{first}, truth: {lettering.shorten(known, _LARGE, room - lettering.length(first, _LARGE))}"


def describe_probability(probability: float) -> str:
    """Return a probability in percent, never rounded to 0 or 100 %."""
    if probability < 0.0005:
        return "< 0.1 %"
    return f"{100 * probability:.1f} %" if probability < 0.9995 else "> 99.9 %"


def _wrap(text: str, lettering: Lettering, room: float) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lettering.length(longer, _MEDIUM) <= room:
            lines[-1] = longer
        else:
            lines.append(lettering.shorten(word, _MEDIUM, room))
    return lines
