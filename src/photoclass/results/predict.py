"""`predict`: the class and the probabilities of photos, one row for each that was asked for."""

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
from photoclass.model.folder import ModelInfo, load_info
from photoclass.model.novelty import NoveltyDetector, load_novelty, predict_and_measure
from photoclass.model.runtime import Runtime
from photoclass.photos.csv_cells import plain_file, plain_label, safe_file, safe_label
from photoclass.photos.decode import DecodeSettings, Pixels, Unreadable, decode_photo, read_file
from photoclass.photos.prefetch import prefetch
from photoclass.photos.sources.read import read_photos
from photoclass.photos.table import NO_LABEL, PhotoTable, SkippedPhoto, natural_key
from photoclass.results.scores.coverage import is_out_of_distribution, selective_confidence
from photoclass.workspace import Workspace

OK = "ok"
UNSURE = "unsure"
# Photos between two checks of what came back: bounds memory, and costs nothing to the flow.
_BLOCK = 16_384
_JSON_LINES = (".jsonl", ".ndjson")


@dataclass(frozen=True)
class Predictions:
    """What a model says of photos, a row for each that was asked for, in natural order.

    Attributes:
        files: What a person calls each photo.
        statuses: `ok`, or why a photo was skipped.
        probabilities: Shape (N, C); NaN where a photo was skipped.
        class_names: In class order.
        truth: Shape (N,), the class that a photo's folder or name gives away, else NO_LABEL.
        paths: Where each photo is read from; empty where that is nowhere.
        seconds: Time that the prediction took, start-up apart.
        distances: Shape (N,), how far each photo is from the training photos (`model.novelty.Seen.distances`), NaN where a
            photo was skipped; None where they were not asked for or cannot be told.
        abstain: Photos that are told less surely than this are called `unsure`; None where all are told.
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

    def __len__(self) -> int:
        return len(self.files)

    @property
    def is_ok(self) -> NDArray[np.bool_]:
        """Shape (N,), true where there is a prediction."""
        return np.array([status == OK for status in self.statuses], dtype=np.bool_)

    @property
    def skipped(self) -> tuple[SkippedPhoto, ...]:
        """The photos without a prediction, each with its reason."""
        return tuple(SkippedPhoto(f, s) for f, s in zip(self.files, self.statuses, strict=True) if s != OK)

    @property
    def photos_per_second(self) -> float:
        """How fast the prediction was, start-up apart."""
        return len(self) / max(self.seconds, 1e-9)

    def label(self, row: int) -> str:
        """Return the most probable class of a row, `unsure` where it is not told, empty where it was skipped."""
        if self.statuses[row] != OK:
            return ""
        return UNSURE if self.is_unsure(row) else self.class_names[int(self.probabilities[row].argmax())]

    def is_unsure(self, row: int) -> bool:
        """Whether a photo is told less surely than was asked for; never where nothing was."""
        if self.abstain is None or self.statuses[row] != OK:
            return False
        distances = None if self.distances is None else self.distances[row : row + 1]
        return bool(selective_confidence(self.probabilities[row : row + 1], distances)[0] < self.abstain)

    def words(self, row: int) -> str:
        """Return what is told of a photo, for a person."""
        if self.statuses[row] != OK:
            return "skipped"
        best = self.class_names[int(self.probabilities[row].argmax())]
        if not self.is_unsure(row):
            return f"{best} {100 * self.probability(row):.1f} %"
        if self.distances is not None and is_out_of_distribution(self.distances[row : row + 1])[0]:
            return f"{UNSURE} (unlike the training photos)"
        # Rounded down: what is refused below 99 % is not shown as 99 %.
        return f"{UNSURE} ({best} {math.floor(1000 * self.probability(row)) / 10:.1f} %)"

    def probability(self, row: int) -> float:
        """Return the probability of that class, NaN where the photo was skipped."""
        return float(self.probabilities[row].max())


def predict(
    photos: Sequence[Path],
    model: Path,
    *,
    abstain: float | None = None,
    workspace: Workspace | None = None,
) -> Predictions:
    """Predict photos: files, folders with all below them, and zips.

    Args:
        photos: What to predict.
        model: A model folder.
        abstain: Call photos `unsure` whose class is told with a lower probability than this, 0.5 to 1, or that are
            too unlike the training photos.
        workspace: The cache folder, the number of workers, and who receives progress reports; the user's cache, all
            processors and nobody when None.

    Raises:
        DataError: One of `photos` does not exist, or there is nothing in them.
        ModelError: The model folder cannot be used.
        SettingsError: `abstain` is out of range.
    """
    workspace = workspace or Workspace()
    seen = None if abstain is None else _ready_to_abstain(model, load_info(model), abstain, workspace)
    runtime = Runtime.load(model)
    table = read_photos(photos, workspace, runtime.info.class_names)
    return replace(predict_table(runtime, table, workspace, seen), abstain=abstain)


def check_abstain(abstain: float) -> None:
    """Refuse a confidence that cannot be asked for.

    Raises:
        SettingsError: It is not from 0.5 to 1.
    """
    if not 0.5 <= abstain <= 1:
        raise SettingsError(f"--abstain is {abstain:g}; it is the least probability to tell a class with, 0.5 to 1")


def _ready_to_abstain(model: Path, info: ModelInfo, abstain: float, workspace: Workspace) -> NoveltyDetector | None:
    """Return what tells distances; None, having said so, where the model folder does not have it."""
    check_abstain(abstain)
    if UNSURE in info.class_names:
        raise ModelError(f"{model}: has a class named {UNSURE!r}, the word that --abstain writes; give it another name")
    seen = load_novelty(model, info.onnx_sha256)
    if seen is None:
        workspace.say(
            f"{model}: has no novelty.npz, so photos unlike the training photos are not known; train again for it"
        )
    return seen


def predict_table(
    runtime: Runtime, table: PhotoTable, workspace: Workspace, seen: NoveltyDetector | None = None
) -> Predictions:
    """Predict the photos of a table; those it had skipped keep their rows.

    Args:
        runtime: The model.
        table: The photos.
        workspace: How many threads decode, and who receives progress reports.
        seen: Tell distances by this.
    """
    started_at = time.perf_counter()
    info = runtime.info
    count = len(table)
    reasons: dict[int, str] = {}
    probabilities = np.full((count, len(info.class_names)), np.nan, dtype=np.float32)
    distances = None if seen is None else np.full(count, np.nan)
    decode = partial(_decode_file, settings=info.decode_settings())
    with workspace.task("Predicting", count) as task, ThreadPoolExecutor(workspace.worker_count) as pool:
        for start in range(0, count, _BLOCK):
            rows: list[int] = []

            def pixels_of(start: int = start, rows: list[int] = rows) -> Iterator[Pixels]:
                paths = table.paths[start : start + _BLOCK]
                for row, decoded in enumerate(prefetch(pool, decode, paths), start=start):
                    task.advance()
                    if isinstance(decoded, Unreadable):
                        reasons[row] = decoded.reason
                    else:
                        rows.append(row)
                        yield decoded

            found, far = predict_and_measure(runtime, pixels_of(), seen)
            probabilities[rows] = found
            if distances is not None:
                distances[rows] = far
    predictions = _with_rows_skipped(table, probabilities, distances, reasons, info.class_names)
    return replace(predictions, seconds=time.perf_counter() - started_at)


def check_ending(out: Path) -> None:
    """Refuse an output file of an unknown form.

    Raises:
        OutputError: Its ending is none of .csv, .jsonl and .ndjson.
    """
    if out.suffix.casefold() not in (".csv", *_JSON_LINES):
        raise OutputError(f"{out}: predictions are written as .csv or .jsonl; choose one of these endings")


def write_predictions(predictions: Predictions, out: Path) -> None:
    """Write predictions as CSV, or as JSON lines where `out` ends in .jsonl; whole or not at all.

    Raises:
        OutputError: The place cannot be written, or the ending is of neither form.
    """
    check_ending(out)
    if out.suffix.casefold() in _JSON_LINES:
        _write_json_lines(predictions, out)
    else:
        _write_csv(predictions, out)


def read_predictions(file: Path) -> list[dict[str, str]]:
    """Read a CSV of predictions, names as they were before they were made safe for spreadsheets."""
    with open(file, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row["file"] = plain_file(row["file"])
        row["label"] = plain_label(row["label"])
    return rows


def _decode_file(path: str, settings: DecodeSettings) -> Pixels | Unreadable:
    data = read_file(path)
    return data if isinstance(data, Unreadable) else decode_photo(data, settings)


def _with_rows_skipped(
    table: PhotoTable,
    probabilities: NDArray[np.float32],
    distances: NDArray[np.float64] | None,
    reasons: dict[int, str],
    class_names: tuple[str, ...],
) -> Predictions:
    """Merge what could not even be opened back into its place in the natural order."""
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
    )


def _write_csv(predictions: Predictions, out: Path) -> None:
    with atomic_text(out) as stream:
        writer = csv.writer(stream)
        names = predictions.class_names
        further = [] if predictions.abstain is None else ["distance"]
        writer.writerow(["file", "status", "label", "probability", *(f"prob_{name}" for name in names), *further])
        for i, file in enumerate(predictions.files):
            status = predictions.statuses[i]
            row = [safe_file(file), status, safe_label(predictions.label(i))]
            figures = [predictions.probability(i), *predictions.probabilities[i]]
            if further:
                figures.append(_distance(predictions, i))
            writer.writerow(row + ["" if math.isnan(p) else f"{p:.6f}" for p in figures])


def _write_json_lines(predictions: Predictions, out: Path) -> None:
    with atomic_text(out) as stream:
        for i, file in enumerate(predictions.files):
            fine = predictions.statuses[i] == OK
            row: dict[str, object] = {
                "file": file,
                "status": predictions.statuses[i],
                "label": predictions.label(i) if fine else None,
                "probability": round(predictions.probability(i), 6) if fine else None,
            }
            for name, p in zip(predictions.class_names, predictions.probabilities[i], strict=True):
                row[f"prob_{name}"] = round(float(p), 6) if fine else None
            if predictions.abstain is not None:
                distance = _distance(predictions, i)
                row["distance"] = None if math.isnan(distance) else round(distance, 6)
            stream.write(json.dumps(row) + "\n")


def _distance(predictions: Predictions, row: int) -> float:
    """Return how far a photo is from the training photos; NaN where that cannot be told."""
    return float("nan") if predictions.distances is None else float(predictions.distances[row])
