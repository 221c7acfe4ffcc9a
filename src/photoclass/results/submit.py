"""`submit`: a Kaggle submission, every id of the sample exactly once."""

import csv
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from photoclass.atomic import atomic_text, check_writable
from photoclass.errors import DataError, SettingsError
from photoclass.metrics.classification import log_loss
from photoclass.model.folder import load_valid_predictions
from photoclass.model.runtime import Runtime
from photoclass.photos.sources.read import read_photos
from photoclass.photos.table import SkippedPhoto
from photoclass.results.predict import OK, Predictions, predict_table
from photoclass.workspace import Workspace

DEFAULT_CLIP = 0.005
_MOST_NAMED = 10


@dataclass(frozen=True)
class Submission:
    """What a submission holds, and what its clip is worth.

    Attributes:
        rows: How many ids it has.
        base_rate_rows: Photos that could not be read; their rows hold the base rate of the training photos.
        clip: Probabilities are held within [clip, 1 - clip].
        valid_photos: How many validation photos the estimates below stand on.
        log_loss_unclipped: Of the model on its validation photos.
        log_loss_clipped: The same, clipped.
    """

    rows: int
    base_rate_rows: tuple[SkippedPhoto, ...]
    clip: float
    valid_photos: int
    log_loss_unclipped: float
    log_loss_clipped: float

    def as_text(self) -> str:
        """Return a line or two for a person."""
        change = self.log_loss_clipped - self.log_loss_unclipped
        effect = f"costs {change:.4f}" if change > 0 else f"saves {-change:.4f}"
        lines = [
            f"{self.rows:,} rows; clipped to [{self.clip:g}, {1 - self.clip:g}], which {effect} of log loss on the "
            f"{self.valid_photos:,} validation photos ({self.log_loss_unclipped:.4f} to {self.log_loss_clipped:.4f})"
        ]
        if self.base_rate_rows:
            lines.append(f"warning: {len(self.base_rate_rows):,} rows hold the base rate: their photos cannot be read")
        return "\n".join(lines)


def submit(
    test: Path,
    model: Path,
    out: Path,
    *,
    sample: Path | None = None,
    clip: float = DEFAULT_CLIP,
    workspace: Workspace | None = None,
) -> Submission:
    """Predict the photos of a test set and write the submission file.

    A photo's id is its file name without ending. With two classes the file has `id,label`, where the label is the
    probability of the second class; with more it has a column for each class.

    Args:
        test: A folder or zip of photos.
        model: A model folder.
        out: The file to write.
        sample: Kaggle's sample: its ids, in its order. Without it, the photos' own ids in natural order.
        clip: Probabilities are held within [clip, 1 - clip]; a sure mistake then costs no more than -ln(clip).
        workspace: The cache folder, the number of workers, and who receives progress reports; the user's cache, all
            processors and nobody when None.

    Raises:
        DataError: An id of the sample has no photo, a photo has no id, an id stands twice, or the sample's columns are
            not those of this model.
        SettingsError: `clip` is out of range.
        ModelError: The model folder cannot be used.
        OutputError: `out` cannot be written.
    """
    if not 0 <= clip < 0.5:
        raise SettingsError(f"clip is {clip}; it must be at least 0 and less than 0.5")
    check_writable(out)
    workspace = workspace or Workspace()
    runtime = Runtime.load(model)
    info = runtime.info
    header = ["id", "label"] if len(info.class_names) == 2 else ["id", *info.class_names]
    table = read_photos([test], workspace)
    row_of = _rows_by_id([*table.names, *(item.name for item in table.skipped)], test)
    ids = list(row_of)
    if sample is not None:
        ids, header = _read_sample(sample, header)
        _check_ids(ids, row_of, sample, test)
    known, labels = load_valid_predictions(model, info)
    predictions = predict_table(runtime, table, workspace)
    row_of = _rows_by_id(predictions.files, test)
    rows = [row_of[i] for i in ids]
    _write(out, header, ids, _clipped(predictions, info.base_rates, clip)[rows], info.class_names)
    unread = [
        SkippedPhoto(predictions.files[r], predictions.statuses[r]) for r in rows if predictions.statuses[r] != OK
    ]
    clipped = np.clip(known, clip, 1 - clip)
    return Submission(len(ids), tuple(unread), clip, len(known), log_loss(known, labels), log_loss(clipped, labels))


def _clipped(predictions: Predictions, base_rates: tuple[float, ...], clip: float) -> NDArray[np.float64]:
    """Return clipped probabilities, the base rates where a photo could not be read; shape (N, C)."""
    probabilities = np.where(
        predictions.is_ok[:, None], predictions.probabilities.astype(np.float64), np.array(base_rates)
    )
    return np.asarray(np.clip(probabilities, clip, 1 - clip))


def _write(
    out: Path, header: list[str], ids: list[str], probabilities: NDArray[np.float64], class_names: tuple[str, ...]
) -> None:
    columns = [1] if len(class_names) == 2 else [class_names.index(name) for name in header[1:]]
    with atomic_text(out) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        for name, row in zip(ids, probabilities, strict=True):
            writer.writerow([name, *(f"{row[column]:.6f}" for column in columns)])


def _rows_by_id(names: Sequence[str], test: Path) -> dict[str, int]:
    """Return the row of each id, a photo's file name without ending."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(names):
        rows[PurePosixPath(name).stem].append(row)
    for name, several in rows.items():
        if len(several) > 1:
            raise DataError(
                f"{test}: the id {name!r} is that of {len(several)} photos ({names[several[0]]}, {names[several[1]]}); "
                "keep one"
            )
    return {name: several[0] for name, several in rows.items()}


def _read_sample(sample: Path, header: list[str]) -> tuple[list[str], list[str]]:
    """Return the ids of a sample file and its header."""
    try:
        with open(sample, encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv.reader(stream) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{sample}: the sample cannot be read ({error})") from error
    found = rows[0] if rows else []
    if found[:1] != ["id"] or sorted(found) != sorted(header):
        raise DataError(f"{sample}: its header is {','.join(found) or 'empty'}; this model writes {','.join(header)}")
    return [row[0].strip() for row in rows[1:]], found


def _check_ids(ids: list[str], row_of: dict[str, int], sample: Path, test: Path) -> None:
    twice = [i for i, count in Counter(ids).items() if count > 1]
    wanted = set(ids)
    faults = [
        (twice, f"ids stand more than once in {sample}"),
        ([i for i in ids if i not in row_of], f"ids of {sample} have no photo in {test}"),
        ([i for i in row_of if i not in wanted], f"photos of {test} have no id in {sample}"),
    ]
    lines = [f"{len(which):,} {what}: {_named(which)}" for which, what in faults if which]
    if lines:
        raise DataError(f"{'; '.join(lines)}. Give the test set that the sample belongs to")


def _named(ids: list[str]) -> str:
    more = f" and {len(ids) - _MOST_NAMED:,} more" if len(ids) > _MOST_NAMED else ""
    return ", ".join(ids[:_MOST_NAMED]) + more
