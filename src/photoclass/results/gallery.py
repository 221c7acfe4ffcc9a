"""`gallery`: pages of photos with what the model says of each, right and wrong marked where the truth is known."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from photoclass.atomic import check_writable, write_bytes
from photoclass.errors import DataError, OutputError, SettingsError
from photoclass.photos.cache import default_cache
from photoclass.photos.decode import Unreadable, decode_picture, read_file
from photoclass.photos.table import NO_LABEL, SetAside
from photoclass.progress import SILENT, Progress
from photoclass.results.predict import OK, Predictions, predict

COLUMNS = 5
PER_PAGE = 25
_TILE = 300  # side of a photo on the page, in pixels
_GAP, _MARGIN, _HEADER, _CAPTION = 18, 36, 92, 66

_PAPER, _INK, _QUIET, _FAINT = "#fbfaf7", "#1f2933", "#66727f", "#e9e6df"
_RIGHT, _WRONG, _NEUTRAL = "#2b8a3e", "#c92a2a", "#3b5b92"


@dataclass(frozen=True)
class Gallery:
    """The pages that were written.

    Attributes:
        pages: Their files.
        shown: How many photos are on them.
        found: How many there were to show.
        set_aside: Those that could not be read.
    """

    pages: tuple[Path, ...]
    shown: int
    found: int
    set_aside: tuple[SetAside, ...]


def gallery(
    photos: Sequence[Path],
    model: Path,
    out: Path,
    *,
    worst: bool = False,
    count: int | None = None,
    seed: int = 0,
    cache: Path | None = None,
    progress: Progress = SILENT,
) -> Gallery:
    """Predict photos and draw them, 25 a page.

    Args:
        photos: Files, folders or zips.
        model: A model folder.
        out: The picture; with several pages, `gallery.png` becomes `gallery-1.png`, `gallery-2.png` …
        worst: Show the surest mistakes, the surest first; the truth must be known from folder or file names.
        count: Show at most this many: of all photos a random choice, or the worst. None for all; of the worst, 25.
        seed: Decides the choice.
        cache: Where a zip is unpacked; the user's cache folder when None.
        progress: Hears of the advance.

    Raises:
        DataError: There is nothing to show, or no truth for `worst`.
        SettingsError: `count` is less than 1.
        OutputError: `out` is no .png, .jpg or .webp, or cannot be written.
        ModelError: The model folder cannot be used.
    """
    if count is not None and count < 1:
        raise SettingsError(f"count is {count}; it must be at least 1")
    if out.suffix.casefold() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise OutputError(f"{out}: a gallery is written as .png, .jpg or .webp; choose one of these endings")
    check_writable(out)
    predictions = predict(photos, model, cache=cache or default_cache(), progress=progress)
    if worst:
        rows = worst_rows(predictions)[: count or PER_PAGE]
        title = "The surest mistakes, the surest first"
    else:
        rows = _choose(len(predictions), count, seed)
        title = "What the model says"
    pages = draw_gallery(predictions, rows, out, title, progress)
    return Gallery(pages, len(rows), len(predictions), predictions.set_aside)


def worst_rows(predictions: Predictions) -> NDArray[np.int64]:
    """Return the rows told wrongly, the surest first.

    Raises:
        DataError: No photo's truth is known, or none is told wrongly.
    """
    known = (predictions.truth != NO_LABEL) & predictions.is_ok
    if not known.any():
        raise DataError(
            "the truth of no photo is known, so there are no mistakes to show; "
            "give class folders, or names as cat.0.jpg"
        )
    wrong = np.flatnonzero(known & (np.nan_to_num(predictions.probabilities).argmax(axis=1) != predictions.truth))
    if not len(wrong):
        raise DataError(f"all {int(known.sum()):,} photos are told rightly; there are no mistakes to show")
    sureness = predictions.probabilities[wrong].max(axis=1)
    return wrong[np.argsort(-sureness, kind="stable")]


def draw_gallery(
    predictions: Predictions, rows: NDArray[np.int64], out: Path, title: str, progress: Progress = SILENT
) -> tuple[Path, ...]:
    """Draw these rows, 25 a page, and return the files."""
    count = -(-len(rows) // PER_PAGE)
    files = []
    with progress.task("Drawing", len(rows)) as task:
        for number in range(count):
            part = rows[number * PER_PAGE : (number + 1) * PER_PAGE]
            file = out if count == 1 else out.with_name(f"{out.stem}-{number + 1}{out.suffix}")
            place = f"page {number + 1} of {count}" if count > 1 else ""
            page = _draw_page(predictions, part, title, _summary(predictions, rows), place)
            buffer = io.BytesIO()
            page.save(buffer, format=Image.registered_extensions()[out.suffix.casefold()])
            write_bytes(file, buffer.getvalue())
            files.append(file)
            task.advance(len(part))
    return tuple(files)


def _choose(found: int, count: int | None, seed: int) -> NDArray[np.int64]:
    if count is None or count >= found:
        return np.arange(found)
    return np.sort(np.random.default_rng(seed).choice(found, count, replace=False))


def _summary(predictions: Predictions, rows: NDArray[np.int64]) -> str:
    known = [r for r in rows if predictions.truth[r] != NO_LABEL and predictions.statuses[r] == OK]
    photos = f"{len(rows):,} photo{'s' if len(rows) != 1 else ''}"
    if not known:
        return photos
    right = sum(predictions.class_names[predictions.truth[r]] == predictions.label(r) for r in known)
    if right == 0 and len(known) == len(rows):
        return f"{photos}, told wrongly"
    return f"{photos} · {right:,} of {len(known):,} told rightly"


def _draw_page(predictions: Predictions, rows: NDArray[np.int64], title: str, summary: str, place: str) -> Image.Image:
    columns = min(COLUMNS, max(3, len(rows)))  # a single photo still leaves the header room
    lines = -(-len(rows) // columns)
    width = 2 * _MARGIN + columns * _TILE + (columns - 1) * _GAP
    height = _MARGIN + _HEADER + lines * (_TILE + _CAPTION + _GAP) + _MARGIN - _GAP
    page = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(page)
    pen.text((_MARGIN, _MARGIN), title, fill=_INK, font=_font(30, bold=True))
    pen.text((_MARGIN, _MARGIN + 42), summary, fill=_QUIET, font=_font(19))
    pen.text((width - _MARGIN, _MARGIN + 42), place, fill=_QUIET, font=_font(19), anchor="ra")
    for position, row in enumerate(rows):
        left = _MARGIN + (position % columns) * (_TILE + _GAP)
        top = _MARGIN + _HEADER + (position // columns) * (_TILE + _CAPTION + _GAP)
        page.paste(_tile(predictions, int(row)), (left, top))
        _draw_caption(pen, predictions, int(row), left, top + _TILE)
    return page


def _tile(predictions: Predictions, row: int) -> Image.Image:
    """Return the photo whole, in its own shape, on a square; or a blank one with the reason why not."""
    tile = Image.new("RGB", (_TILE, _TILE), _FAINT)
    picture: Image.Image | Unreadable = Unreadable(predictions.statuses[row])
    if predictions.paths[row] and predictions.statuses[row] == OK:
        data = read_file(predictions.paths[row])
        picture = data if isinstance(data, Unreadable) else decode_picture(data, _TILE)
    if isinstance(picture, Unreadable):
        words = _wrapped(f"set aside: {picture.reason}", _font(16), _TILE - 40)
        ImageDraw.Draw(tile).multiline_text(
            (_TILE / 2, _TILE / 2), words, fill=_QUIET, font=_font(16), anchor="mm", align="center", spacing=6
        )
        return tile
    fitted = ImageOps.contain(picture, (_TILE, _TILE), Image.Resampling.LANCZOS)
    tile.paste(fitted, ((_TILE - fitted.width) // 2, (_TILE - fitted.height) // 2))
    return tile


def _draw_caption(pen: ImageDraw.ImageDraw, predictions: Predictions, row: int, left: int, top: int) -> None:
    """Write class and probability below a photo, with a bar as long as the model is sure."""
    name = _shortened(Path(predictions.files[row]).name, _font(14), _TILE)
    pen.text((left, top + 44), name, fill=_QUIET, font=_font(14))
    if predictions.statuses[row] != OK:
        return
    label, probability, truth = predictions.label(row), predictions.probability(row), int(predictions.truth[row])
    true_name = predictions.class_names[truth] if truth != NO_LABEL else ""
    colour = _NEUTRAL if not true_name else _RIGHT if true_name == label else _WRONG
    pen.rectangle((left, top, left + _TILE - 1, top + 6), fill=_FAINT)
    pen.rectangle((left, top, left + round((_TILE - 1) * probability), top + 6), fill=colour)
    percent = f"{100 * probability:.1f} %" if probability < 0.9995 else "> 99.9 %"  # never sure beyond doubt
    pen.text((left + _TILE, top + 14), percent, fill=_INK, font=_font(20), anchor="ra")
    room = _TILE - pen.textlength(percent, _font(20)) - 10
    # Signs besides colours: not everybody tells green from red.
    words = label if not true_name else f"✓ {label}" if true_name == label else f"✗ {label}, truly {true_name}"
    pen.text((left, top + 14), _shortened(words, _font(20, bold=True), room), fill=colour, font=_font(20, bold=True))


def _shortened(text: str, font: ImageFont.FreeTypeFont, room: float) -> str:
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    short = clean
    while font.getlength(short) > room and len(short) > 2:
        clean = clean[:-1]
        short = f"{clean}…"
    return short


def _wrapped(text: str, font: ImageFont.FreeTypeFont, room: float) -> str:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(_shortened(word, font, room))
    return "\n".join(lines)


@lru_cache(maxsize=16)
def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return DejaVu Sans, which comes with Matplotlib and has Greek, Cyrillic and many signs."""
    from matplotlib import get_data_path

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / name), size)
