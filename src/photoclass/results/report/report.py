"""`report`: all that there is to know of a model, as one HTML file that needs nothing else."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from photoclass.atomic import atomic_path, check_writable
from photoclass.errors import DataError, ModelError
from photoclass.model.folder import (
    KnownPhoto,
    ModelInfo,
    SplitPredictions,
    load_info,
    load_photos,
    load_predictions,
)
from photoclass.model.runtime import Runtime
from photoclass.photos.decode import Unreadable
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import PhotoTable
from photoclass.photos.thumbnail import data_uri, thumbnails
from photoclass.progress import SILENT, Progress
from photoclass.results.diagram.draw import draw_network
from photoclass.results.explain.explain import explain_photos
from photoclass.results.predict import predict_table
from photoclass.results.report.choice import ReportPhotos, choose_photos
from photoclass.results.report.files import read_history, read_skipped
from photoclass.results.report.page import Heat, ReportData, render_report
from photoclass.results.report.photos import find_photos
from photoclass.results.report.tables import FIGURES
from photoclass.results.scores.score import score_predictions
from photoclass.workspace import Workspace

REPORT_FILE = "report.html"
# Shown 160 px wide, on screens of several pixels a px: up to 10 KB each, some 90 of them.
_SIDE = 240


@dataclass(frozen=True)
class Report:
    """A report that was written.

    Attributes:
        path: Where.
        size: In bytes.
        seconds: How long it took.
        note: What is not in it, and why; empty if all is.
    """

    path: Path
    size: int
    seconds: float
    note: str = ""

    def as_text(self) -> str:
        """Return a line or two for a person."""
        size = f"{self.size / 1e6:.1f} MB" if self.size >= 100_000 else f"{self.size / 1e3:.0f} KB"
        line = f"{self.path}: the report, {size}, in {self.seconds:.1f} s; open it in a browser"
        return f"{line}\nwarning: {self.note}" if self.note else line


@dataclass(frozen=True)
class _Source:
    """Where the photos are: their paths by name, or why there are none."""

    data: str
    paths: Mapping[str, str]
    note: str = ""


def report(
    model: Path,
    out: Path | None = None,
    *,
    data: Path | None = None,
    workspace: Workspace | None = None,
) -> Report:
    """Write the report of a model folder.

    It tells of the held-out photos, else of those for validation. What the model says of them stands in the folder; a
    folder of an older version lacks that for held-out photos, which are then predicted again. The pictures come from
    DATA as it lies now; where it cannot be read, the report is written without, and says so.

    Args:
        model: A model folder.
        out: The file to write; `report.html` in the folder when None.
        data: Where DATA lies now; where it lay at the training when None.
        workspace: The cache folder, the number of workers, and who receives progress reports; the user's cache, all
            processors and nobody when None.

    Raises:
        DataError: `data` was given and cannot be read.
        ModelError: The model folder cannot be used, or tells of no scored photo.
        OutputError: `out` cannot be written.
    """
    started_at = time.monotonic()
    workspace = workspace or Workspace()
    info = load_info(model)
    out = out or model / REPORT_FILE
    check_writable(out)
    known = load_photos(model)
    split = _split_to_show(model, info)
    predictions = load_predictions(model, info, split)
    where = str(data or info.trained.get("data") or "")
    table, note = _read(where, given=data is not None, workspace=workspace)
    if predictions is None and table is not None:
        predictions = _predict_anew(model, info, split, known, table, where, workspace)
    if predictions is None:
        split = "valid"
        predictions = load_predictions(model, info, split)
        note = f"the folder does not keep what the model says of held-out photos, so this is of validation; {note}"
    if predictions is None or not len(predictions):
        raise ModelError(f"{model}: tells of no scored photo; give the photos of its training with --data")
    chosen = choose_photos(predictions, info.seed)
    by_name = {photo.name: photo for photo in known}
    wanted = [by_name[name] for name in (predictions.names[i] for i in chosen.rows) if name in by_name]
    paths = find_photos(wanted, table, where, workspace.progress) if table is not None else {}
    if table is not None and len(paths) < len(chosen.rows):
        missing = len(chosen.rows) - len(paths)
        note = f"{missing:,} of {len(chosen.rows):,} pictures are missing: {where} no longer holds these photos"
    return _write(
        model, info, split, predictions, chosen, _Source(where, paths, note), out, started_at, workspace.progress
    )


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
        raise ModelError(f"{model}: tells of no scored photo")
    source = _Source(str(info.trained["data"]), paths)
    chosen = choose_photos(predictions, info.seed)
    return _write(model, info, split, predictions, chosen, source, model / REPORT_FILE, started_at, progress)


def _split_to_show(model: Path, info: ModelInfo) -> str:
    for split in ("held_out", "valid"):
        if split in info.metrics:
            return split
    raise ModelError(f"{model}: its model.json has no score; train it again")


def _read(where: str, *, given: bool, workspace: Workspace) -> tuple[PhotoTable | None, str]:
    """Read DATA; where the user did not name it and it is gone, say so instead."""
    if not where:
        return None, "no pictures: the folder does not say where its photos lie; give --data"
    try:
        return read_data(Path(where), workspace), ""
    except DataError as error:
        if given:
            raise
        return None, f"no pictures: {error}; give --data if the photos lie elsewhere now"


def _predict_anew(
    model: Path,
    info: ModelInfo,
    split: str,
    known: Sequence[KnownPhoto],
    table: PhotoTable,
    where: str,
    workspace: Workspace,
) -> SplitPredictions | None:
    """Predict the photos of a split, as far as they can be found and read; None where none is."""
    wanted = [photo for photo in known if photo.split == split and photo.label in info.class_names]
    paths = find_photos(wanted, table, where, workspace.progress)
    here = [photo for photo in wanted if photo.name in paths]
    if not here:
        return None
    workspace.say(f"predicting {len(here):,} held-out photos, of which the folder does not keep what the model says")
    labels = np.array([info.class_names.index(photo.label) for photo in here], dtype=np.int64)
    part = PhotoTable(
        paths=tuple(paths[photo.name] for photo in here),
        names=tuple(photo.name for photo in here),
        labels=labels,
        splits=np.zeros(len(here), dtype=np.int8),
        class_names=info.class_names,
    )
    predictions = predict_table(Runtime.load(model), part, workspace)
    fine = np.flatnonzero(predictions.is_ok)
    if not len(fine):
        return None
    names = tuple(predictions.files[i] for i in fine)
    return SplitPredictions(names, predictions.truth[fine], predictions.probabilities[fine].astype(np.float64))


def _write(
    model: Path,
    info: ModelInfo,
    split: str,
    predictions: SplitPredictions,
    chosen: ReportPhotos,
    source: _Source,
    out: Path,
    started_at: float,
    progress: Progress,
) -> Report:
    paths = {row: path for row in chosen.rows if (path := source.paths.get(predictions.names[row]))}
    pictures = dict(zip(paths, thumbnails(tuple(paths.values()), _SIDE), strict=True))
    heats, no_heats = _heats(model, {row: paths[row] for row in chosen.heats if row in paths}, progress)
    material = ReportData(
        model=model,
        info=info,
        split=split,
        figures=_figures(info, split, predictions),
        predictions=predictions,
        data=source.data,
        note=source.note,
        pictures={row: uri for row, uri in pictures.items() if uri},
        gallery=chosen.gallery,
        mistakes=chosen.mistakes,
        unsure=chosen.unsure,
        heats=heats,
        no_heats=no_heats,
        story=chosen.story,
        history=read_history(model),
        skipped=read_skipped(model),
        diagram=draw_network(model),
    )
    page = render_report(material)
    with atomic_path(out) as part:
        part.write_text(page, encoding="utf-8")
    return Report(out, out.stat().st_size, time.monotonic() - started_at, source.note)


def _figures(info: ModelInfo, split: str, predictions: SplitPredictions) -> dict[str, Any]:
    """Return the score that was measured at the training, with what an older version did not measure.

    If some photos are missing by now, it is that of the rest.
    """
    measured = info.metrics.get(split, {})
    if measured.get("n") != len(predictions):
        measured = {}
    if measured.keys() >= {key for key, _, _ in FIGURES}:
        return measured
    chose = split == "valid" and bool(info.trained.get("valid_chose_model", True))
    score = score_predictions(
        predictions.probabilities.astype(np.float32), predictions.labels, info.class_names, split, chose
    )
    return {**score.as_json(), **measured}


def _heats(model: Path, paths: Mapping[int, str], progress: Progress) -> tuple[tuple[Heat, ...], str]:
    """Return heat maps, or why there are none."""
    if not paths:
        return (), "the photos are not at hand"
    try:
        found = explain_photos(model, list(paths.values()), progress=progress)
    except ModelError as error:  # of a network from elsewhere, which cannot be traced back
        return (), str(error).replace(f"{model}/", "")  # the page may go to others
    heats = tuple(
        Heat(row, data_uri(explained.picture, _SIDE), data_uri(explained.overlay(), _SIDE))
        for row, explained in zip(paths, found, strict=True)
        if not isinstance(explained, Unreadable)
    )
    return heats, "" if heats else "the photos cannot be read by now"
