"""`report`: everything about a model as one self-contained HTML file."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from photoclass.atomic import atomic_path, check_writable
from photoclass.errors import DataError, ModelError
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.model.folder import (
    REPORT_FILE,
    KnownPhoto,
    ModelInfo,
    SplitPredictions,
    StoredScore,
    load_history,
    load_info,
    load_photos,
    load_predictions,
    load_skipped,
)
from photoclass.model.runtime import Runtime
from photoclass.paths import AnyPath
from photoclass.photos.data_paths import Data, DataPaths
from photoclass.photos.decode import Unreadable
from photoclass.photos.sources.options import ReadOptions
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import PhotoTable
from photoclass.photos.thumbnail import data_uri, thumbnails
from photoclass.progress import SILENT, Progress
from photoclass.results.diagram.draw import draw_network
from photoclass.results.explain.explain import explain_photos
from photoclass.results.predict import predict_table
from photoclass.results.report.choice import ReportPhotos, choose_photos
from photoclass.results.report.page import render_report
from photoclass.results.report.photos import find_photos
from photoclass.results.report.report_data import HeatMap, PhotoSource, Pictures, ReportData, ScoredSplit
from photoclass.results.scores.prediction_sets import PredictionSets, measure_prediction_sets
from photoclass.results.scores.score import score_predictions
from photoclass.workspace import Workspace

SCHEMA = "photoclass/report/1"
# Shown some 160 px wide, sharp on screens with 1.5 device pixels a CSS pixel: up to 10 KB each, some 90 of them.
_THUMBNAIL_SIDE = 240


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Attributes:
        path: The file.
        size: Its size in bytes.
        seconds: The time that it took.
        note: What is missing from it, and why; empty if nothing is.
    """

    path: Path
    size: int
    seconds: float
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "schema": SCHEMA,
            "file": str(self.path),
            "bytes": self.size,
            "seconds": self.seconds,
            "note": self.note or None,
        }

    def as_text(self) -> str:
        """Return a line or two for a person."""
        size = f"{self.size / 1e6:.1f} MB" if self.size >= 100_000 else f"{self.size / 1e3:.0f} KB"
        line = f"{self.path}: the report, {size}, in {self.seconds:.1f} s; open it in a browser"
        return f"{line}\nwarning: {self.note}" if self.note else line


def report(
    model: AnyPath,
    out: AnyPath | None = None,
    *,
    data: Data | None = None,
    workspace: Workspace | None = None,
) -> Report:
    """Write the report of a model folder.

    It is about the held-out photos, or the validation photos if there are none. Their predictions are read from the
    folder; a folder of an older version lacks those of held-out photos, which are then predicted again. The pictures
    come from DATA as it is now; if it cannot be read, the report is written without pictures, and says so.

    Args:
        model: A model folder.
        out: The file to write; `report.html` in the folder when None.
        data: Where DATA is now; where it was during training when None.
        workspace: Cache folder, number of workers and progress reports; `Workspace()` when None.

    Raises:
        DataError: `data` was given and cannot be read.
        ModelError: The model folder cannot be used, or has no scored photos.
        OutputError: `out` cannot be written.
    """
    model = Path(model)
    out = None if out is None else Path(out)
    started_at = time.monotonic()
    workspace = workspace or Workspace()
    info = load_info(model)
    out = out or model / REPORT_FILE
    check_writable(out)
    known = load_photos(model)
    split = _split_to_show(model, info)
    predictions = load_predictions(model, info, split)
    reading = dataclasses.replace(info.training.reading, group_by="")  # groups decide splits, which are known
    now = _read_data(_data_paths(data, info), data is not None, reading, workspace)
    note = now.note
    if predictions is None:
        predictions = _predict_again(model, info, [photo for photo in known if photo.split == split], now, workspace)
    if predictions is None:
        split = "valid"
        predictions = load_predictions(model, info, split)
        note = f"the folder has no predictions of held-out photos, so this is about the validation split; {note}"
    if predictions is None or not len(predictions):
        raise ModelError(f"{model}: has no scored photos; give the photos of its training with --data")
    subject = _Subject.of(model, info, _score(info, split, predictions))
    rows = subject.chosen.rows
    names = {predictions.names[row] for row in rows}
    paths = now.find([photo for photo in known if photo.name in names], workspace.progress)
    if now.table is not None and len(paths) < len(rows):
        note = (
            f"{len(rows) - len(paths):,} of {len(rows):,} pictures are missing: {now.data} no longer has these photos"
        )
    return _write(subject, PhotoSource(now.data, paths, note), out, started_at, workspace.progress)


def report_of_training(model: Path, paths: Mapping[str, str], progress: Progress = SILENT) -> Report:
    """Write the report of a model that was just trained, from the photos at hand.

    Args:
        model: The model folder.
        paths: Where each photo is read from, by name.
        progress: Receives progress reports.

    Raises:
        ModelError: The model folder cannot be used.
        OutputError: The report cannot be written.
    """
    started_at = time.monotonic()
    info = load_info(model)
    split = _split_to_show(model, info)
    predictions = load_predictions(model, info, split)
    if predictions is None or not len(predictions):
        raise ModelError(f"{model}: has no scored photos")
    subject = _Subject.of(model, info, _score(info, split, predictions))
    source = PhotoSource(_data_paths(None, info), paths)
    return _write(subject, source, model / REPORT_FILE, started_at, progress)


@dataclass(frozen=True)
class _Subject:
    """What the report is about: a model, its scored photos, and those of them to show."""

    model: Path
    info: ModelInfo
    scored: ScoredSplit
    chosen: ReportPhotos

    @classmethod
    def of(cls, model: Path, info: ModelInfo, scored: ScoredSplit) -> "_Subject":
        """Choose the photos to show."""
        return cls(model, info, scored, choose_photos(scored.predictions, info.seed))


@dataclass(frozen=True)
class _DataNow:
    """DATA as it is now; `table` is None if it cannot be read, for the reason in `note`."""

    data: DataPaths
    table: PhotoTable | None
    note: str = ""

    def find(self, wanted: Sequence[KnownPhoto], progress: Progress) -> dict[str, str]:
        """Return name to path of the photos that are still there, unchanged."""
        return find_photos(wanted, self.table, self.data, progress) if self.table is not None else {}


def _split_to_show(model: Path, info: ModelInfo) -> str:
    for split in ("held_out", "valid"):
        if split in info.metrics:
            return split
    raise ModelError(f"{model}: its model.json has no score; train it again")


def _data_paths(data: Data | None, info: ModelInfo) -> DataPaths:
    """Return where DATA is: as given, or else as the model folder records it."""
    return DataPaths.of(data) if data is not None else info.training.data or DataPaths()


def _read_data(data: DataPaths, given: bool, reading: ReadOptions, workspace: Workspace) -> _DataNow:
    """Read DATA; if the user did not name it and it is gone, say so instead of failing."""
    if not data.parts:
        return _DataNow(data, None, "no pictures: the model folder does not record where its photos are; give --data")
    try:
        return _DataNow(data, read_data(data, workspace, reading=reading))
    except DataError as error:
        if given:
            raise
        return _DataNow(data, None, f"no pictures: {error}; give --data if the photos are elsewhere now")


def _predict_again(
    model: Path, info: ModelInfo, known: Sequence[KnownPhoto], now: _DataNow, workspace: Workspace
) -> SplitPredictions | None:
    """Predict these photos, as far as they can be found and read; None if no photo can."""
    wanted = [photo for photo in known if photo.label in info.class_names]
    paths = now.find(wanted, workspace.progress)
    here = [photo for photo in wanted if photo.name in paths]
    if not here:
        return None
    workspace.say(f"predicting {len(here):,} held-out photos, since the folder has no predictions of them")
    table = PhotoTable(
        paths=tuple(paths[photo.name] for photo in here),
        names=tuple(photo.name for photo in here),
        labels=np.array([info.class_names.index(photo.label) for photo in here], dtype=np.int64),
        splits=np.zeros(len(here), dtype=np.int8),
        class_names=info.class_names,
    )
    predictions = predict_table(Runtime.load(model), table, workspace)
    rows = np.flatnonzero(predictions.is_ok)
    if not len(rows):
        return None
    names = tuple(predictions.files[i] for i in rows)
    return SplitPredictions(names, predictions.truth[rows], predictions.probabilities[rows].astype(np.float64))


def _score(info: ModelInfo, split: str, predictions: SplitPredictions) -> ScoredSplit:
    """Return the score of the training, completed by what an older version did not measure.

    If some photos are missing by now, it is the score of the others.
    """
    labelled = LabelledProbabilities(
        predictions.probabilities, predictions.labels, info.class_names, predictions.groups
    )
    measured = info.metrics.get(split)
    if measured and measured.n != len(predictions):
        measured = None
    if not measured or not measured.is_complete:
        selected = split == "valid" and info.training.valid_selected_model
        single = dataclasses.replace(labelled, probabilities=labelled.probabilities.astype(np.float32))
        computed = StoredScore.from_json(score_predictions(single, split, selected).as_json(), split)
        measured = measured.completed_by(computed) if measured else computed
    return ScoredSplit(split, predictions.names, labelled, measured)


def _write(subject: _Subject, source: PhotoSource, out: Path, started_at: float, progress: Progress) -> Report:
    model = subject.model
    page = render_report(
        ReportData(
            model=model,
            info=subject.info,
            scored=subject.scored,
            source=source,
            pictures=_pictures(subject, source, progress),
            history=load_history(model),
            skipped=load_skipped(model),
            sets=_measure_sets(model, subject),
            diagram=draw_network(model),
        )
    )
    with atomic_path(out) as part:
        part.write_text(page, encoding="utf-8")
    return Report(out, out.stat().st_size, time.monotonic() - started_at, source.note)


def _measure_sets(model: Path, subject: _Subject) -> PredictionSets:
    """Measure prediction sets on held-out photos; validation photos, which calibrate them, measure nothing."""
    predictions = subject.scored.predictions
    known = np.full(len(predictions), subject.scored.name != "held_out")
    return measure_prediction_sets(model, subject.info, predictions, known)


def _pictures(subject: _Subject, source: PhotoSource, progress: Progress) -> Pictures:
    chosen, names = subject.chosen, subject.scored.photos
    paths = {row: path for row in chosen.rows if (path := source.paths.get(names[row]))}
    rules = subject.info.decode_settings().rules
    uris = dict(zip(paths, thumbnails(tuple(paths.values()), _THUMBNAIL_SIDE, rules), strict=True))
    to_explain = {row: paths[row] for row in chosen.heat_maps if row in paths}
    heat_maps, no_heat_maps = _heat_maps(subject.model, to_explain, progress)
    return Pictures(chosen, {row: uri for row, uri in uris.items() if uri}, heat_maps, no_heat_maps)


def _heat_maps(model: Path, paths: Mapping[int, str], progress: Progress) -> tuple[tuple[HeatMap, ...], str]:
    """Return heat maps, or why there are none."""
    if not paths:
        return (), "the photos are not available"
    try:
        found = explain_photos(model, list(paths.values()), progress=progress)
    except ModelError as error:  # an external network with an operation that has no gradient here
        return (), str(error).replace(f"{model}/", "")  # the page may be passed on: keep the path private
    heat_maps = tuple(
        HeatMap(row, data_uri(explained.picture, _THUMBNAIL_SIDE), data_uri(explained.overlay(), _THUMBNAIL_SIDE))
        for row, explained in zip(paths, found, strict=True)
        if not isinstance(explained, Unreadable)
    )
    return heat_maps, "" if heat_maps else "the photos can no longer be read"
