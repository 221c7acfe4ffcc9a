"""`submit`: write a Kaggle submission with every id of the sample exactly once."""

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
from photoclass.results.submit.clip import clip_probabilities, decimals_for, lowest_probability, round_rows
from photoclass.text import plural
from photoclass.workspace import Workspace

DEFAULT_CLIP = 0.005
_MOST_NAMED = 10


@dataclass(frozen=True)
class Submission:
    """A submission that was written, and what clipping does to its log loss.

    Attributes:
        rows: The number of ids.
        base_rate_rows: Photos that could not be read; their rows have the class frequencies of the training photos.
        clip: No probability is higher than 1 - clip, or lower than clip / (C - 1) of C classes.
        valid_photos: The number of validation photos that the two log losses are measured on.
        log_loss_unclipped: Log loss of the model on its validation photos.
        log_loss_clipped: The same with probabilities clipped and rounded as they are written.
        classes: The number of classes, C.
    """

    rows: int
    base_rate_rows: tuple[SkippedPhoto, ...]
    clip: float
    valid_photos: int
    log_loss_unclipped: float
    log_loss_clipped: float
    classes: int = 2

    def as_text(self) -> str:
        """Return one or two lines of text."""
        change = round(self.log_loss_clipped - self.log_loss_unclipped, 4)
        effect = f"{'raises' if change > 0 else 'lowers'} the log loss by {abs(change):.4f}"
        lowest = f"{lowest_probability(self.clip, self.classes):{'g' if self.classes == 2 else '.2g'}}"
        lines = [
            f"{plural(self.rows, 'row')}; probabilities clipped to [{lowest}, {1 - self.clip:g}], which "
            f"{effect if change else 'does not change the log loss'} on "
            f"{plural(self.valid_photos, 'validation photo')} "
            f"({self.log_loss_unclipped:.4f} to {self.log_loss_clipped:.4f})"
        ]
        if self.base_rate_rows:
            count = len(self.base_rate_rows)
            have, whose = ("has", "photo") if count == 1 else ("have", "photos")
            lines.append(
                f"warning: {plural(count, 'row')} {have} the class frequencies of the training photos, because the "
                f"{whose} cannot be read"
            )
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

    A photo's id is its file name without extension. With two classes the columns are `id,label`, where the label is
    the probability of the second class; with more there is a column for each class.

    Args:
        test: A folder or zip of photos.
        model: A model folder.
        out: The file to write.
        sample: Kaggle's sample submission, which decides ids and order; if None, the photos' ids in natural order.
        clip: Probabilities are held within [clip / (C - 1), 1 - clip], where C is the number of classes; rows still
            sum to 1. With two classes a confident mistake then costs no more than -ln(clip).
        workspace: Cache folder, number of workers and progress reports; `Workspace()` when None.

    Raises:
        DataError: An id of the sample has no photo, a photo has no id, an id is duplicated, or the sample's columns
            are not those of this model.
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
    decimals = decimals_for(clip, len(info.class_names))
    units = round_rows(_clipped(predictions, info.base_rates, clip), decimals)
    _write(out, header, ids, units[rows], decimals, info.class_names)
    unread = [
        SkippedPhoto(predictions.files[r], predictions.statuses[r]) for r in rows if predictions.statuses[r] != OK
    ]
    written = round_rows(clip_probabilities(known, clip), decimals) / 10**decimals
    return Submission(
        len(ids),
        tuple(unread),
        clip,
        len(known),
        log_loss(known, labels),
        log_loss(written, labels),
        len(info.class_names),
    )


def _clipped(predictions: Predictions, base_rates: tuple[float, ...], clip: float) -> NDArray[np.float64]:
    """Return clipped probabilities, shape (N, C); base rates for photos that could not be read."""
    probabilities = np.where(
        predictions.is_ok[:, None], predictions.probabilities.astype(np.float64), np.array(base_rates)
    )
    return clip_probabilities(probabilities, clip)


def _write(
    out: Path,
    header: list[str],
    ids: list[str],
    units: NDArray[np.int64],
    decimals: int,
    class_names: tuple[str, ...],
) -> None:
    columns = [1] if len(class_names) == 2 else [class_names.index(name) for name in header[1:]]
    with atomic_text(out) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        for name, row in zip(ids, units / 10**decimals, strict=True):
            writer.writerow([name, *(f"{row[column]:.{decimals}f}" for column in columns)])


def _rows_by_id(names: Sequence[str], test: Path) -> dict[str, int]:
    """Return the row of each id, a photo's file name without extension."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(names):
        rows[PurePosixPath(name).stem].append(row)
    for name, several in rows.items():
        if len(several) > 1:
            raise DataError(
                f"{test}: the id {name!r} belongs to {len(several)} photos ({names[several[0]]}, {names[several[1]]}); "
                "keep one"
            )
    return {name: several[0] for name, several in rows.items()}


def _read_sample(sample: Path, header: list[str]) -> tuple[list[str], list[str]]:
    """Return the ids of a sample submission and its header."""
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
        (twice, "id", f"occurring more than once in {sample}"),
        ([i for i in ids if i not in row_of], "id", f"of {sample} without a photo in {test}"),
        ([i for i in row_of if i not in wanted], "photo", f"of {test} without an id in {sample}"),
    ]
    lines = [f"{plural(len(which), noun)} {what}: {_list_ids(which)}" for which, noun, what in faults if which]
    if lines:
        raise DataError(f"{'; '.join(lines)}. Give the test set that belongs to the sample")


def _list_ids(ids: list[str]) -> str:
    more = f" and {len(ids) - _MOST_NAMED:,} more" if len(ids) > _MOST_NAMED else ""
    return ", ".join(ids[:_MOST_NAMED]) + more
