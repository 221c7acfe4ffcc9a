"""`predict`: the class and the probabilities of photos, one row for each photo given."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError, SettingsError
from photoclass.metrics.conformal import ConformalThresholds
from photoclass.model.folder import ModelInfo, load_info, load_novelty
from photoclass.model.novelty import NoveltyDetector
from photoclass.model.runtime import Runtime, predict_with_distances
from photoclass.paths import AnyPath, paths_of
from photoclass.photos.decode import Pixels, SourceInfo, Unreadable, decode_pixels, read_file
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.photos.formats.wide_grey import describe_greys
from photoclass.photos.prefetch import prefetch
from photoclass.photos.sources.read_photos import read_photos
from photoclass.photos.table import NO_LABEL, PhotoTable, natural_key
from photoclass.results.predictions import OK, UNSURE, Predictions
from photoclass.results.scores.prediction_sets import SetRequest, calibrate_sets, describe_sets
from photoclass.workspace import Workspace

# Photos predicted before their results are collected: bounds memory without slowing the pipeline.
_BLOCK = 16_384


def predict(
    photos: AnyPath | Sequence[AnyPath],
    model: AnyPath,
    *,
    abstain: float | None = None,
    coverage: float | None = None,
    coverage_by: str | None = None,
    workspace: Workspace | None = None,
) -> Predictions:
    """Predict photos: files, folders with all photos below them, zips, tars and tables of photos.

    Args:
        photos: Files, folders, zips, tars, and tables of Parquet or Arrow that hold or name photos.
        model: A model folder.
        abstain: Abstain (label `unsure`) below this confidence, 0.5 to 1, and from out-of-distribution photos.
        coverage: Add to each photo the set of classes that holds the true one for at least this share of such photos
            (split conformal prediction, calibrated on the validation photos).
        coverage_by: `all`, or `class` to keep the share among the photos of each class; `all` when None.
        workspace: Cache folder, number of workers and progress reports; `Workspace()` when None.

    Raises:
        DataError: One of `photos` does not exist, or they contain no photo.
        ModelError: The model folder cannot be used, or has no predictions of validation photos.
        SettingsError: `abstain` or `coverage` is out of range, or too few validation photos were kept for it.
    """
    photos = paths_of(photos)
    model = Path(model)
    workspace = workspace or Workspace()
    info = load_info(model)
    novelty = None if abstain is None else _load_for_abstaining(model, info, abstain, workspace)
    request = SetRequest.of(coverage, coverage_by)
    conformal = None if request is None else _calibrate(model, info, request, workspace)
    runtime = Runtime.load(model)
    table = read_photos(photos, workspace, runtime.info.class_names)
    for note in table.notes:
        workspace.say(note)
    return replace(predict_table(runtime, table, workspace, novelty), abstain=abstain, conformal=conformal)


def check_abstain(abstain: float) -> None:
    """Check the confidence threshold of `--abstain`.

    Raises:
        SettingsError: It is not between 0.5 and 1.
    """
    if not 0.5 <= abstain <= 1:
        raise SettingsError(f"--abstain is {abstain:g}; it must be a probability from 0.5 to 1")


def _load_for_abstaining(model: Path, info: ModelInfo, abstain: float, workspace: Workspace) -> NoveltyDetector | None:
    """Check that the model can abstain and load its novelty detector; if it has none, say so and return None."""
    check_abstain(abstain)
    if UNSURE in info.class_names:
        raise ModelError(
            f"{model}: has a class named {UNSURE!r}, which is the label that --abstain writes; rename the class"
        )
    novelty = load_novelty(model, info.onnx_sha256)
    if novelty is None:
        workspace.say(
            f"{model}: has no novelty.npz, so out-of-distribution photos are not detected; train again to get it"
        )
    return novelty


def _calibrate(model: Path, info: ModelInfo, request: SetRequest, workspace: Workspace) -> ConformalThresholds:
    """Calibrate the prediction sets, and say how they turned out on the held-out photos."""
    rule = calibrate_sets(model, info, request)
    workspace.say(describe_sets(model, info, rule))
    return rule


def predict_table(
    runtime: Runtime, table: PhotoTable, workspace: Workspace, novelty: NoveltyDetector | None = None
) -> Predictions:
    """Predict the photos of a table. Photos that the table skipped have their rows, too.

    Args:
        runtime: The model.
        table: The photos.
        workspace: How many threads decode, and who receives progress reports.
        novelty: Computes the distances; None for no distances.
    """
    started_at = time.perf_counter()
    info = runtime.info
    count = len(table)
    reasons: dict[int, str] = {}
    probabilities = np.full((count, len(info.class_names)), np.nan, dtype=np.float32)
    distances = None if novelty is None else np.full(count, np.nan)
    settings = info.decode_settings().limited(workspace.max_pixels)
    decode = partial(_decode_file, settings=settings)
    greys: list[int] = []  # the highest value of each wide grey
    with workspace.task("Predicting", count) as task, ThreadPoolExecutor(workspace.worker_count) as pool:
        for start in range(0, count, _BLOCK):
            rows: list[int] = []

            def pixels_of(start: int = start, rows: list[int] = rows) -> Iterator[Pixels]:
                paths = table.paths[start : start + _BLOCK]
                for row, decoded in enumerate(prefetch(pool, decode, paths), start=start):
                    task.advance()
                    if isinstance(decoded, Unreadable):
                        reasons[row] = decoded.reason
                        continue
                    if decoded[1].highest:
                        greys.append(decoded[1].highest)
                    rows.append(row)
                    yield decoded[0]

            block, block_distances = predict_with_distances(runtime, pixels_of(), novelty)
            probabilities[rows] = block
            if distances is not None:
                distances[rows] = block_distances
    predictions = _with_rows_skipped(table, probabilities, distances, reasons, info.class_names)
    if note := describe_greys(greys, settings.rules.grey_bits):
        workspace.say(note)
    return replace(predictions, seconds=time.perf_counter() - started_at, rules=settings.rules)


def _decode_file(path: str, settings: DecodeSettings) -> tuple[Pixels, SourceInfo] | Unreadable:
    data = read_file(path)
    return data if isinstance(data, Unreadable) else decode_pixels(data, settings)


def _with_rows_skipped(
    table: PhotoTable,
    probabilities: NDArray[np.float32],
    distances: NDArray[np.float64] | None,
    reasons: dict[int, str],
    class_names: tuple[str, ...],
) -> Predictions:
    """Merge the photos that the table skipped into the natural order."""
    rows = [(name, reasons.get(i, OK), i) for i, name in enumerate(table.names)]
    rows += [(item.name, item.reason, -1) for item in table.skipped]
    rows.sort(key=lambda row: natural_key(row[0]))
    nothing = np.full((1, len(class_names)), np.nan, dtype=np.float32)
    source = np.array([i for _, _, i in rows], dtype=np.int64)
    return Predictions(
        files=tuple(name for name, _, _ in rows),
        statuses=tuple(status for _, status, _ in rows),
        probabilities=np.concatenate([probabilities, nothing])[source],
        class_names=class_names,
        truth=np.append(table.labels, NO_LABEL)[source],
        paths=tuple(table.paths[i] if i >= 0 else "" for i in source),
        distances=None if distances is None else np.append(distances, np.nan)[source],
        passed_over=table.passed_over,
        notes=table.notes,
    )
