"""`gallery`: pages of photos with their predictions, marked as correct or misclassified where the truth is known."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from photoclass.errors import DataError
from photoclass.model.runtime import Runtime
from photoclass.paths import AnyPath, paths_of
from photoclass.photos.decode import Unreadable, decode_picture, read_file
from photoclass.photos.sources.read_photos import read_photos
from photoclass.photos.table import NO_LABEL
from photoclass.progress import SILENT, Progress
from photoclass.results.pictures.lettering import Lettering
from photoclass.results.pictures.sheet import (
    TILE,
    Caption,
    Header,
    PhotoPages,
    Sheet,
    check_arguments,
    describe_page_number,
    draw_caption,
    draw_page,
    earlier_pages,
    page_file,
    photo_tile,
    reason_tile,
    sample_rows,
    save_page,
)
from photoclass.results.predict import predict_table
from photoclass.results.predictions import OK, Predictions
from photoclass.text import plural
from photoclass.workspace import Workspace

SCHEMA = "photoclass/gallery/1"
PER_PAGE = 25
_SHEET = Sheet(columns=5, fewest_columns=3)


def gallery(
    photos: AnyPath | Sequence[AnyPath],
    model: AnyPath,
    out: AnyPath,
    *,
    worst: bool = False,
    count: int | None = None,
    seed: int = 0,
    workspace: Workspace | None = None,
) -> PhotoPages:
    """Predict photos and draw them on pages of 25.

    Args:
        photos: Files, folders, zips, tars or tables, as `predict` takes them.
        model: A model folder.
        out: The image file; several pages become `gallery-1.png`, `gallery-2.png` …
        worst: Show the most confident mistakes, in order of falling confidence; the truth must be known from folder or
            file names.
        count: Show at most this many photos, chosen at random or, with `worst`, the most confident. None for all of
            them, or 25 with `worst`.
        seed: Decides the random choice.
        workspace: Cache folder, number of workers and progress reports; `Workspace()` when None.

    Raises:
        DataError: There is no photo, or with `worst` no known truth or no mistake.
        SettingsError: `count` is less than 1.
        OutputError: `out` is not a .png, .jpg or .webp file, or cannot be written.
        ModelError: The model folder cannot be used.
    """
    photos = paths_of(photos)
    model = Path(model)
    out = Path(out)
    check_arguments(out, count, "a gallery")
    workspace = workspace or Workspace()
    runtime = Runtime.load(model)
    table = read_photos(photos, workspace, runtime.info.class_names, earlier_pages(out))
    for note in table.notes:
        workspace.say(note)
    predictions = predict_table(runtime, table, workspace)
    if worst:
        rows = worst_rows(predictions)[: count or PER_PAGE]
        title = "The most confident mistakes"
    else:
        rows = sample_rows(len(predictions), count, seed)
        title = "Predictions"
    lettering = lettering_of(predictions, rows)
    pages = draw_gallery(predictions, rows, out, title, lettering, workspace.progress)
    return PhotoPages(
        SCHEMA, pages, len(rows), len(predictions), predictions.skipped, predictions.passed_over, lettering.notes()
    )


def worst_rows(predictions: Predictions) -> NDArray[np.int64]:
    """Return the misclassified rows, the most confident first.

    Raises:
        DataError: No photo's truth is known, or none is misclassified.
    """
    known = (predictions.truth != NO_LABEL) & predictions.is_ok
    if not known.any():
        raise DataError(
            "no photo has a known class, so there are no mistakes to show; "
            "give class folders, or file names such as cat.0.jpg"
        )
    wrong = np.flatnonzero(known & (np.nan_to_num(predictions.probabilities).argmax(axis=1) != predictions.truth))
    if not len(wrong):
        raise DataError(f"all {int(known.sum()):,} photos are classified correctly; there are no mistakes to show")
    confidence = predictions.probabilities[wrong].max(axis=1)
    return wrong[np.argsort(-confidence, kind="stable")]


def lettering_of(predictions: Predictions, rows: NDArray[np.int64]) -> Lettering:
    """Find the fonts for the names on the pages of these rows."""
    return Lettering.of(predictions.class_names, (Path(predictions.files[row]).name for row in rows))


def draw_gallery(
    predictions: Predictions,
    rows: NDArray[np.int64],
    out: Path,
    title: str,
    lettering: Lettering,
    progress: Progress = SILENT,
) -> tuple[Path, ...]:
    """Draw these rows on pages of 25 and return the files."""
    count = -(-len(rows) // PER_PAGE)
    files = []
    with progress.task("Drawing", len(rows)) as task:
        for number in range(count):
            part = rows[number * PER_PAGE : (number + 1) * PER_PAGE]
            names = {name for row in part for name in (predictions.label(row), _truth(predictions, row))}
            legend = tuple(lettering.legend(names))
            header = Header(title, _summary(predictions, rows), describe_page_number(number + 1, count), legend)
            file = page_file(out, number + 1, count)
            save_page(_draw_page(predictions, part, header, lettering), file)
            files.append(file)
            task.advance(len(part))
    return tuple(files)


def _summary(predictions: Predictions, rows: NDArray[np.int64]) -> str:
    known = [r for r in rows if predictions.truth[r] != NO_LABEL and predictions.statuses[r] == OK]
    photos = plural(len(rows), "photo")
    if not known:
        return photos
    correct = sum(predictions.class_names[predictions.truth[r]] == predictions.label(r) for r in known)
    if correct == 0 and len(known) == len(rows):
        return f"{photos}, misclassified"
    return f"{photos} · {correct:,} of {len(known):,} classified correctly"


def _draw_page(predictions: Predictions, rows: NDArray[np.int64], header: Header, lettering: Lettering) -> Image.Image:
    def draw_cell(page: Image.Image, pen: ImageDraw.ImageDraw, row: int, left: int, top: int) -> None:
        page.paste(_tile(predictions, row), (left, top))
        draw_caption(pen, _caption(predictions, row), lettering, left, top + TILE)

    return draw_page([int(row) for row in rows], _SHEET, header, lettering, draw_cell)


def _tile(predictions: Predictions, row: int) -> Image.Image:
    """Return the whole photo, or a blank tile with the reason why it is missing."""
    picture: Image.Image | Unreadable = Unreadable(predictions.statuses[row])
    if predictions.paths[row] and predictions.statuses[row] == OK:
        data = read_file(predictions.paths[row])
        picture = data if isinstance(data, Unreadable) else decode_picture(data, TILE, predictions.rules)
    return reason_tile(picture.reason) if isinstance(picture, Unreadable) else photo_tile(picture)


def _caption(predictions: Predictions, row: int) -> Caption:
    return Caption(
        predictions.files[row], predictions.label(row), predictions.probability(row), _truth(predictions, row)
    )


def _truth(predictions: Predictions, row: int) -> str:
    """Return the true class of a row; empty if it is unknown."""
    truth = int(predictions.truth[row])
    return predictions.class_names[truth] if truth != NO_LABEL else ""
