"""`predict`: the class and the probabilities of photos, one row for each photo given."""

import csv
import json
import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photoclass.atomic import atomic_text
from photoclass.errors import ModelError, OutputError, SettingsError
from photoclass.model.folder import ModelInfo, load_info, load_novelty
from photoclass.model.novelty import NoveltyDetector
from photoclass.model.runtime import Runtime, predict_with_distances
from photoclass.paths import AnyPath, paths_of
from photoclass.photos.decode import Pixels, SourceInfo, Unreadable, decode_pixels, read_file
from photoclass.photos.decode_settings import DEFAULT_RULES, DecodeSettings, PictureRules
from photoclass.photos.formats.wide_grey import describe_greys
from photoclass.photos.prefetch import prefetch
from photoclass.photos.sources.read import read_photos
from photoclass.photos.table import NO_LABEL, PassedOver, PhotoTable, SkippedPhoto, natural_key
from photoclass.photos.tables.cells import plain_file, plain_label, safe_file, safe_label
from photoclass.results.scores.coverage import is_out_of_distribution, selective_confidence
from photoclass.workspace import Workspace

OK = "ok"
UNSURE = "unsure"
# Photos predicted before their results are collected: bounds memory without slowing the pipeline.
_BLOCK = 16_384
_JSON_LINES = (".jsonl", ".ndjson")


@dataclass(frozen=True)
class Predictions:
    """A model's predictions, one row for each photo given, in natural order of the file names.

    Attributes:
        files: The name of each photo as shown to the user.
        statuses: `ok`, or why the photo was skipped.
        probabilities: Shape (N, C); NaN if the photo was skipped.
        class_names: In class order.
        truth: Shape (N,), the class that is known from the photo's folder or file name, else NO_LABEL.
        paths: The file that each photo is read from; empty if there is none.
        seconds: Duration of the prediction without start-up.
        distances: Shape (N,), distances from the training photos (`model.novelty.NoveltyDetector.distances`), NaN if
            the photo was skipped; None if they were not requested or are not available.
        abstain: Photos predicted with a lower confidence than this get the label `unsure`; None to label all.
        passed_over: Files in folders and zips that are plainly no photos, and so have no row.
        rules: How the photos' files were read.
    """

    files: tuple[str, ...]
    statuses: tuple[str, ...]
    probabilities: NDArray[np.float32]
    class_names: tuple[str, ...]
    truth: NDArray[np.int64]
    paths: tuple[str, ...]
    seconds: float = 0.0
    distances: NDArray[np.float64] | None = None
    abstain: float | None = None
    passed_over: tuple[PassedOver, ...] = ()
    rules: PictureRules = DEFAULT_RULES

    def __len__(self) -> int:
        return len(self.files)

    @property
    def is_ok(self) -> NDArray[np.bool_]:
        """Shape (N,), true if the photo was predicted."""
        return np.array([status == OK for status in self.statuses], dtype=np.bool_)

    @property
    def skipped(self) -> tuple[SkippedPhoto, ...]:
        """The photos without a prediction, each with the reason."""
        return tuple(SkippedPhoto(f, s) for f, s in zip(self.files, self.statuses, strict=True) if s != OK)

    @property
    def photos_per_second(self) -> float:
        """Speed of the prediction without start-up."""
        return len(self) / max(self.seconds, 1e-9)

    def label(self, row: int) -> str:
        """Return the predicted class of a row, `unsure` if the model abstains, empty if the photo was skipped."""
        if self.statuses[row] != OK:
            return ""
        return UNSURE if self.is_unsure(row) else self.class_names[int(self.probabilities[row].argmax())]

    def is_unsure(self, row: int) -> bool:
        """Whether the model abstains from a photo: its confidence is lower than `abstain`."""
        if self.abstain is None or self.statuses[row] != OK:
            return False
        distances = None if self.distances is None else self.distances[row : row + 1]
        return bool(selective_confidence(self.probabilities[row : row + 1], distances)[0] < self.abstain)

    def describe(self, row: int) -> str:
        """Return the prediction of a row as text, such as `dog 99.4 %`."""
        if self.statuses[row] != OK:
            return "skipped"
        best = self.class_names[int(self.probabilities[row].argmax())]
        if not self.is_unsure(row):
            return f"{best} {100 * self.probability(row):.1f} %"
        if self.distances is not None and is_out_of_distribution(self.distances[row : row + 1])[0]:
            return f"{UNSURE} (unlike the training photos)"
        # Rounded down: a confidence that is below 99 % is not shown as 99 %.
        return f"{UNSURE} ({best} {math.floor(1000 * self.probability(row)) / 10:.1f} %)"

    def probability(self, row: int) -> float:
        """Return the probability of the most probable class, NaN if the photo was skipped."""
        return float(self.probabilities[row].max())


def predict(
    photos: AnyPath | Sequence[AnyPath],
    model: AnyPath,
    *,
    abstain: float | None = None,
    workspace: Workspace | None = None,
) -> Predictions:
    """Predict photos: files, folders with all photos below them, and zips.

    Args:
        photos: Files, folders and zips.
        model: A model folder.
        abstain: Abstain (label `unsure`) below this confidence, 0.5 to 1, and from out-of-distribution photos.
        workspace: Cache folder, number of workers and progress reports; `Workspace()` when None.

    Raises:
        DataError: One of `photos` does not exist, or they contain no photo.
        ModelError: The model folder cannot be used.
        SettingsError: `abstain` is out of range.
    """
    photos = paths_of(photos)
    model = Path(model)
    workspace = workspace or Workspace()
    novelty = None if abstain is None else _load_for_abstaining(model, load_info(model), abstain, workspace)
    runtime = Runtime.load(model)
    table = read_photos(photos, workspace, runtime.info.class_names)
    for note in table.notes:
        workspace.say(note)
    return replace(predict_table(runtime, table, workspace, novelty), abstain=abstain)


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


def check_ending(out: Path) -> None:
    """Check that the format of an output file is known.

    Raises:
        OutputError: The file extension is not .csv, .jsonl or .ndjson.
    """
    if out.suffix.casefold() not in (".csv", *_JSON_LINES):
        raise OutputError(f"{out}: unknown format; predictions are written as .csv or .jsonl")


def write_predictions(predictions: Predictions, out: AnyPath) -> None:
    """Write predictions atomically, as JSON Lines if `out` ends in .jsonl or .ndjson, otherwise as CSV.

    Raises:
        OutputError: The file cannot be written, or its format is unknown.
    """
    out = Path(out)
    check_ending(out)
    if out.suffix.casefold() in _JSON_LINES:
        _write_json_lines(predictions, out)
    else:
        _write_csv(predictions, out)


def read_predictions(file: AnyPath) -> list[dict[str, str]]:
    """Read a CSV of predictions; names that were escaped for spreadsheets get their original form."""
    with open(file, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row["file"] = plain_file(row["file"])
        row["label"] = plain_label(row["label"])
    return rows


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
    )


def _write_csv(predictions: Predictions, out: Path) -> None:
    with atomic_text(out) as stream:
        writer = csv.writer(stream)
        names = predictions.class_names
        extra = [] if predictions.abstain is None else ["distance"]
        writer.writerow(["file", "status", "label", "probability", *(f"prob_{name}" for name in names), *extra])
        for i, file in enumerate(predictions.files):
            status = predictions.statuses[i]
            row = [safe_file(file), status, safe_label(predictions.label(i))]
            numbers = [predictions.probability(i), *predictions.probabilities[i]]
            if extra:
                numbers.append(_distance(predictions, i))
            writer.writerow(row + ["" if math.isnan(p) else f"{p:.6f}" for p in numbers])


def _write_json_lines(predictions: Predictions, out: Path) -> None:
    with atomic_text(out) as stream:
        for i, file in enumerate(predictions.files):
            is_ok = predictions.statuses[i] == OK
            row: dict[str, object] = {
                "file": file,
                "status": predictions.statuses[i],
                "label": predictions.label(i) if is_ok else None,
                "probability": round(predictions.probability(i), 6) if is_ok else None,
            }
            for name, p in zip(predictions.class_names, predictions.probabilities[i], strict=True):
                row[f"prob_{name}"] = round(float(p), 6) if is_ok else None
            if predictions.abstain is not None:
                distance = _distance(predictions, i)
                row["distance"] = None if math.isnan(distance) else round(distance, 6)
            stream.write(json.dumps(row) + "\n")


def _distance(predictions: Predictions, row: int) -> float:
    """Return the distance of a photo from the training photos; NaN if unknown."""
    return float("nan") if predictions.distances is None else float(predictions.distances[row])
