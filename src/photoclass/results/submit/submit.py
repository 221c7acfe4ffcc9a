"""`submit`: write a Kaggle submission with every id of the sample exactly once."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photoclass.atomic import atomic_text, check_writable
from photoclass.errors import DataError, OutputError, SettingsError
from photoclass.metrics.classification import log_loss
from photoclass.model.folder import ModelInfo, load_valid_predictions
from photoclass.model.runtime import Runtime
from photoclass.paths import AnyPath
from photoclass.photos.data_paths import DataPaths
from photoclass.photos.sources.litter import holds_picture
from photoclass.photos.sources.name_labels import is_called_photo
from photoclass.photos.sources.read_photos import read_photos
from photoclass.photos.table import PhotoTable, SkippedPhoto, name_in_data
from photoclass.results.predict import predict_table
from photoclass.results.predictions import OK, Predictions
from photoclass.results.submit.clip import clip_probabilities, decimals_for, round_rows
from photoclass.results.submit.columns import Column, columns_of_sample, columns_without_sample
from photoclass.results.submit.ids import MatchedIds, PhotoIds, ids_of_photos, match_ids
from photoclass.results.submit.sample import AS_IT_IS, Sample, SampleOptions, read_sample
from photoclass.results.submit.submission import Clipping, Submission
from photoclass.workspace import Workspace

DEFAULT_CLIP = 0.005


def submit(
    test: AnyPath,
    model: AnyPath,
    out: AnyPath,
    *,
    sample: AnyPath | None = None,
    clip: float = DEFAULT_CLIP,
    options: SampleOptions = AS_IT_IS,
    workspace: Workspace | None = None,
) -> Submission:
    """Predict the photos of a test set and write the submission file.

    Header, ids and order are the sample's. Its ids may be file names with or without extension, or paths. A column
    that is named after a class has its probability, another one that of the second of two classes; where the sample
    has class names, the predicted class is written. Without a sample, ids are file names without extension, and
    columns are `id,label` with two classes, or one for each class with more.

    Args:
        test: A folder or zip of photos.
        model: A model folder.
        out: The file to write.
        sample: Kaggle's sample submission; if None, the photos' ids in natural order.
        clip: Probabilities are held within [clip / (C - 1), 1 - clip], where C is the number of classes; rows still
            sum to 1. With two classes a confident mistake then costs no more than -ln(clip).
        options: How the sample is read where its names leave a choice.
        workspace: Cache folder, number of workers and progress reports; `Workspace()` when None.

    Raises:
        DataError: An id of the sample has no photo, a photo has no id, an id is duplicated, or the sample's columns
            are not those of this model.
        SettingsError: `clip` is out of range, or the options do not fit model and sample.
        ModelError: The model folder cannot be used.
        OutputError: `out` cannot be written, is the sample, or is inside the test set.
    """
    test = Path(test)
    model = Path(model)
    out = Path(out)
    sample = None if sample is None else Path(sample)
    if not 0 <= clip < 0.5:
        raise SettingsError(f"clip is {clip}; it must be at least 0 and less than 0.5")
    _check_out(out, test, sample)
    workspace = workspace or Workspace()
    runtime = Runtime.load(model)
    info = runtime.info
    table = read_photos([test], workspace)
    photos = _photo_ids(table, test)
    read = read_sample(sample) if sample is not None else None
    if read is None:
        columns, matched = columns_without_sample(info.class_names, options), ids_of_photos(photos, str(test))
    else:
        columns = columns_of_sample(read, photos, info.class_names, options)
        matched = match_ids(_ids(read, columns), photos, read.file, str(test))
    has_probabilities = any(column.role == "probability" for column in columns)
    clipping = _clipping(model, info, clip) if has_probabilities else None
    predictions = predict_table(runtime, table, workspace)
    row_of = {name: row for row, name in enumerate(_names_within(predictions.files, test))}
    rows = [row_of[photos.names[row]] for row in matched.rows]
    _write(out, columns, _cells(predictions, info, columns, clip, rows), matched, read)
    unread = [
        SkippedPhoto(predictions.files[r], predictions.statuses[r]) for r in rows if predictions.statuses[r] != OK
    ]
    notes = (*table.notes, *(read.notes if read else ()))
    others = tuple(item for item in predictions.skipped if item not in unread)
    return Submission(
        out, len(rows), columns, info.class_names, tuple(unread), clipping, others, table.passed_over, notes
    )


def _check_out(out: Path, test: Path, sample: Path | None) -> None:
    """Refuse to write over the sample, or where the submission would be a file of the test set."""
    real, real_test = os.path.realpath(out), os.path.realpath(test)
    if sample is not None and real == os.path.realpath(sample):
        raise OutputError(f"{out}: is the sample itself; choose another --out")
    if os.path.commonpath([real, real_test]) == real_test:
        raise OutputError(f"{out}: is inside the test set {test}; choose an --out outside of it")
    check_writable(out)


def _photo_ids(table: PhotoTable, test: Path) -> PhotoIds:
    """Return the files of the test set; one that neither is named like a photo nor begins as one needs no id."""
    paths = [*table.paths, *("" for _ in table.skipped)]
    names = _names_within([*table.names, *(item.name for item in table.skipped)], test)
    return PhotoIds(
        names, [is_called_photo(name) or holds_picture(path) for name, path in zip(names, paths, strict=True)]
    )


def _names_within(names: Sequence[str], test: Path) -> list[str]:
    return [name_in_data(name, DataPaths((test,))) for name in names]


def _ids(sample: Sample, columns: Sequence[Column]) -> list[str]:
    """Return the cells of the column of ids; none may be empty."""
    cells = sample.cells(next(i for i, column in enumerate(columns) if column.role == "id"))
    for line, cell in zip(sample.lines, cells, strict=True):
        if not cell:
            raise DataError(f"{sample.file}: line {line}: the id is empty; fill it or remove the row")
    return cells


def _clipping(model: Path, info: ModelInfo, clip: float) -> Clipping:
    """Measure the effect of clipping on the validation photos, with what would be written for them."""
    known, labels = load_valid_predictions(model, info)
    decimals = decimals_for(clip, len(info.class_names))
    written = round_rows(clip_probabilities(known, clip), decimals) / 10**decimals
    return Clipping(clip, len(info.class_names), len(known), log_loss(known, labels), log_loss(written, labels))


def _cells(
    predictions: Predictions, info: ModelInfo, columns: Sequence[Column], clip: float, rows: Sequence[int]
) -> dict[int, list[str]]:
    """Return the cells of each column of predictions; photos that could not be read have the base rates."""
    probabilities = np.where(
        predictions.is_ok[:, None], predictions.probabilities.astype(np.float64), np.array(info.base_rates)
    )[rows]
    decimals = decimals_for(clip, len(info.class_names))
    written: NDArray[np.float64] = round_rows(clip_probabilities(probabilities, clip), decimals) / 10**decimals
    labels = probabilities.argmax(axis=1)
    cells: dict[int, list[str]] = {}
    for i, column in enumerate(columns):
        if column.role == "probability":
            cells[i] = [f"{value:.{decimals}f}" for value in written[:, column.label]]
        elif column.role == "class":
            names = column.spelled or info.class_names
            cells[i] = [names[label] for label in labels]
    return cells


def _write(
    out: Path, columns: Sequence[Column], cells: dict[int, list[str]], matched: MatchedIds, sample: Sample | None
) -> None:
    for i, column in enumerate(columns):
        if column.role == "id":
            cells[i] = list(matched.ids)
        elif sample is not None and column.role == "copied":
            cells[i] = sample.cells(i)
    with atomic_text(out) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(sample.header_as_written if sample else [column.name for column in columns])
        writer.writerows(zip(*(cells[i] for i in range(len(columns))), strict=True))
