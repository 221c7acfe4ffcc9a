"""`explain`: photos beside heat maps of the regions that contributed to a class."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from photoclass.errors import SettingsError
from photoclass.machine import processors
from photoclass.paths import AnyPath, paths_of
from photoclass.photos.decode import Pixels, Unreadable, decode_picture, read_file
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.photos.prefetch import prefetch
from photoclass.photos.resize import to_square
from photoclass.photos.sources.read_photos import read_photos
from photoclass.photos.table import NO_LABEL, PhotoTable, SkippedPhoto, natural_key
from photoclass.progress import SILENT, Progress
from photoclass.results.explain.heat_map import (
    LINE_AT,
    Window,
    colours,
    fit_to_picture,
    heat_map_of,
    overlay,
    resize_map,
    visible_window,
)
from photoclass.results.explain.saliency import SaliencyModel
from photoclass.results.pictures.lettering import PLAIN, Lettering
from photoclass.results.pictures.sheet import (
    FAINT,
    QUIET,
    TILE,
    Caption,
    Header,
    PhotoPages,
    Sheet,
    check_arguments,
    describe_page_number,
    describe_probability,
    draw_caption,
    draw_page,
    earlier_pages,
    header_corner,
    page_file,
    photo_tile,
    reason_tile,
    sample_rows,
    save_page,
)
from photoclass.text import listed, plural
from photoclass.workspace import Workspace

SCHEMA = "photoclass/explain/1"
PER_PAGE = 12
_BETWEEN = 6  # pixels between a photo and its heat map
_SHEET = Sheet(columns=3, fewest_columns=1, cell_width=2 * TILE + _BETWEEN)
_PICTURE_SIDE = 320  # of the picture that is kept, its longer one at most
_LEGEND_BAR = (90, 15)


@dataclass(frozen=True)
class Explanation:
    """A photo with a heat map of what contributed to a class.

    Attributes:
        picture: The photo, upright, RGB, its longer side at most 320 pixels.
        heat: Shape (height, width) of the picture: the contribution of each region to `target`, from 0 for none to 1
            for the largest.
        label: The predicted class.
        probability: Its probability.
        target: The explained class: `label`, or the requested class.
        target_probability: Its probability.
        window: The part of the picture that is the network's input.
    """

    picture: Image.Image
    heat: NDArray[np.float32]
    label: str
    probability: float
    target: str
    target_probability: float
    window: Window

    def overlay(self, side: int | None = None) -> Image.Image:
        """Draw the heat map over the picture in greyscale.

        Args:
            side: Resize both to a longer side of this many pixels first, for fine lines; None keeps the size.
        """
        if side is None:
            return overlay(self.picture, self.heat, self.window)
        large = ImageOps.contain(self.picture, (side, side), Image.Resampling.LANCZOS)
        heat = resize_map(self.heat, *large.size)
        across, down = large.width / self.picture.width, large.height / self.picture.height
        window = Window(
            round(self.window.left * across),
            round(self.window.top * down),
            round(self.window.width * across),
            round(self.window.height * down),
        )
        return overlay(large, heat, window)


@dataclass(frozen=True)
class _Row:
    """A requested photo; `reason` says why it could not be opened."""

    name: str
    path: str
    truth: str
    reason: str = ""


def explain(
    photos: AnyPath | Sequence[AnyPath],
    model: AnyPath,
    out: AnyPath,
    *,
    count: int | None = None,
    seed: int = 0,
    target: str | None = None,
    workspace: Workspace | None = None,
) -> PhotoPages:
    """Draw photos beside heat maps of what contributed to a class, 12 a page.

    Args:
        photos: Files, folders, zips, tars or tables, as `predict` takes them.
        model: A model folder.
        out: The picture; with several pages, `heat.png` becomes `heat-1.png`, `heat-2.png` …
        count: Show a random sample of at most this many; None for all.
        seed: Decides the sample.
        target: The class to explain; the predicted class of each photo when None.
        workspace: Cache folder, number of workers and progress reports; `Workspace()` when None.

    Raises:
        DataError: There is nothing to show.
        SettingsError: `count` is less than 1, or the model has no class `target`.
        OutputError: `out` is not a .png, .jpg or .webp file, or cannot be written.
        ModelError: The model folder cannot be used, or its network has an operation that cannot be backpropagated
            through.
    """
    photos = paths_of(photos)
    model = Path(model)
    out = Path(out)
    check_arguments(out, count, "a page of heat maps")
    workspace = workspace or Workspace()
    network = SaliencyModel.load(model)
    number = _class_number(network, target)
    table = read_photos(photos, workspace, network.info.class_names, earlier_pages(out))
    for note in table.notes:
        workspace.say(note)
    rows = _rows_of(table)
    chosen = [rows[i] for i in sample_rows(len(rows), count, seed)]
    lettering = Lettering.of(network.info.class_names, (Path(row.name).name for row in chosen))
    skipped, pages = [], []
    page_count = -(-len(chosen) // PER_PAGE)
    with workspace.task("Explaining", len(chosen)) as task:
        found = _explained(network, [row.path for row in chosen if not row.reason], number, workspace.max_pixels)
        for page_number in range(1, page_count + 1):
            part = chosen[(page_number - 1) * PER_PAGE : page_number * PER_PAGE]
            shown = [(row, Unreadable(row.reason) if row.reason else next(found)) for row in part]
            skipped += [
                SkippedPhoto(row.name, result.reason) for row, result in shown if isinstance(result, Unreadable)
            ]
            summary = _summary(len(chosen), target, network.info.resize, lettering)
            legend = tuple(lettering.legend(_names_on(shown, target)))
            header = Header("Heat maps", summary, describe_page_number(page_number, page_count), legend)
            file = page_file(out, page_number, page_count)
            save_page(_draw_page(shown, header, lettering), file)
            pages.append(file)
            task.advance(len(part))
    return PhotoPages(
        SCHEMA, tuple(pages), len(chosen), len(rows), tuple(skipped), table.passed_over, lettering.notes()
    )


def explain_photos(
    model: AnyPath, paths: Sequence[str], target: str | None = None, progress: Progress = SILENT
) -> list[Explanation | Unreadable]:
    """Explain photos, with one result for each, in order.

    Args:
        model: A model folder.
        paths: Where each photo is read from.
        target: The class to explain; the predicted class of each photo when None.
        progress: Receives progress reports.

    Raises:
        SettingsError: The model has no class `target`.
        ModelError: The model folder cannot be used, or its network has an operation that cannot be backpropagated
            through.
    """
    model = Path(model)
    network = SaliencyModel.load(model)
    results = []
    with progress.task("Explaining", len(paths)) as task:
        for result in _explained(network, paths, _class_number(network, target)):
            results.append(result)
            task.advance()
    return results


def _class_number(network: SaliencyModel, target: str | None) -> int | None:
    names = network.info.class_names
    if target is not None and target not in names:
        raise SettingsError(f"unknown class {target!r}: choose from {listed(names, 'class', 'classes')}")
    return None if target is None else names.index(target)


def _rows_of(table: PhotoTable) -> list[_Row]:
    """Merge photos that could not be opened into the natural order."""
    truths = ["" if label == NO_LABEL else table.class_names[label] for label in table.labels]
    rows = [_Row(name, path, truth) for name, path, truth in zip(table.names, table.paths, truths, strict=True)]
    rows += [_Row(item.name, "", "", item.reason) for item in table.skipped]
    return sorted(rows, key=lambda row: natural_key(row.name))


def _explained(
    network: SaliencyModel, paths: Sequence[str], target: int | None, max_pixels: int | None = None
) -> Iterator[Explanation | Unreadable]:
    """Give a result for each photo, in order, with photos decoded ahead of the network."""
    settings, names = network.info.decode_settings().limited(max_pixels), network.info.class_names
    waiting: deque[Image.Image | Unreadable] = deque()

    def pixels_of(pool: ThreadPoolExecutor) -> Iterator[Pixels]:
        for decoded in prefetch(pool, partial(_decode, settings=settings), paths):
            if isinstance(decoded, Unreadable):
                waiting.append(decoded)
            else:
                waiting.append(decoded[0])
                yield decoded[1]

    with ThreadPoolExecutor(processors()) as pool:
        for saliency in network.saliency(pixels_of(pool), target):
            while isinstance(picture := waiting.popleft(), Unreadable):
                yield picture
            predicted = int(saliency.probabilities.argmax())
            yield Explanation(
                picture,
                fit_to_picture(heat_map_of(saliency), *picture.size, settings.resize),
                names[predicted],
                float(saliency.probabilities[predicted]),
                names[saliency.target],
                float(saliency.probabilities[saliency.target]),
                visible_window(*picture.size, settings.resize),
            )
        for left in waiting:
            if isinstance(left, Unreadable):
                yield left


def _decode(path: str, settings: DecodeSettings) -> tuple[Image.Image, Pixels] | Unreadable:
    """Decode a photo once, to the picture to draw and to the network's input."""
    data = read_file(path)
    picture = data if isinstance(data, Unreadable) else decode_picture(data, settings.least_side, settings.rules)
    if isinstance(picture, Unreadable):
        return picture
    pixels = to_square(picture, settings)
    picture.thumbnail((_PICTURE_SIDE, _PICTURE_SIDE), Image.Resampling.LANCZOS)
    return picture, pixels


def _names_on(shown: Sequence[tuple[_Row, Explanation | Unreadable]], target: str | None) -> set[str]:
    """Return the class names on a page."""
    names = {row.truth for row, _ in shown} | ({target} if target else set())
    for _, result in shown:
        names |= set() if isinstance(result, Unreadable) else {result.label, result.target}
    return names


def _summary(count: int, target: str | None, resize: str, lettering: Lettering) -> str:
    what = "the predicted class" if target is None else lettering.shorten(lettering.class_name(target), 19, 200)
    faded = " · faded: not used" if resize == "crop" else ""
    return f"{plural(count, 'photo')} · what contributed to {what}{faded}"


def _draw_page(
    shown: Sequence[tuple[_Row, Explanation | Unreadable]], header: Header, lettering: Lettering
) -> Image.Image:
    page = draw_page(shown, _SHEET, header, lettering, partial(_draw_cell, lettering))
    _draw_legend(page)
    return page


def _draw_cell(
    lettering: Lettering,
    page: Image.Image,
    pen: ImageDraw.ImageDraw,
    item: tuple[_Row, Explanation | Unreadable],
    left: int,
    top: int,
) -> None:
    row, result = item
    second = left + TILE + _BETWEEN
    if isinstance(result, Unreadable):
        page.paste(reason_tile(result.reason), (left, top))
        pen.rectangle((second, top, second + TILE - 1, top + TILE - 1), fill=FAINT)
        caption = Caption(row.name)
    else:
        page.paste(photo_tile(result.picture), (left, top))
        page.paste(photo_tile(result.overlay(TILE)), (second, top))
        note = (
            f"{'contributed' if result.heat.any() else 'nothing contributed'} to {lettering.class_name(result.target)}"
        )
        if result.target != result.label:
            note += f" ({describe_probability(result.target_probability)})"
        caption = Caption(row.name, result.label, result.probability, row.truth, note)
    draw_caption(pen, caption, lettering, left, top + TILE, _SHEET.cell_width)


def _draw_legend(page: Image.Image) -> None:
    """Draw the legend of the colours at the top right."""
    pen = ImageDraw.Draw(page)
    right, top = header_corner(page)
    width, height = _LEGEND_BAR
    PLAIN.draw(pen, (right, top), "contributed most", 14, QUIET, right=True)
    right -= round(PLAIN.length("contributed most", 14)) + 8 + width
    bar = Image.fromarray(np.broadcast_to(colours()[None], (height, 256, 3)).copy())
    page.paste(bar.resize(_LEGEND_BAR), (right, top + 1))
    at = right + round(width * LINE_AT)
    pen.line((at, top + 1, at, top + height), fill="white", width=2)
    PLAIN.draw(pen, (right - 8, top), "contributed little", 14, QUIET, right=True)
