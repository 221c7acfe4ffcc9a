"""`Predictions`: the class and the probabilities of photos, one row for each photo given."""

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from photoclass import notebook
from photoclass.errors import SettingsError
from photoclass.metrics.conformal import ConformalThresholds
from photoclass.photos.decode_settings import DEFAULT_RULES, PictureRules
from photoclass.photos.table import PassedOver, SkippedPhoto, unused_as_json
from photoclass.photos.tables.cells import safe_file, safe_label
from photoclass.photos.thumbnail import thumbnails
from photoclass.results.prediction_files import frames
from photoclass.results.prediction_files.columns import Column, NumberColumn, TextColumn, TextsColumn, json_rows
from photoclass.results.scores.coverage import is_out_of_distribution, selective_confidence
from photoclass.text import listed, plural

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

SCHEMA = "photoclass/predict/1"

_MOST_SHOWN = 12  # in a notebook

OK = "ok"
UNSURE = "unsure"


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
        conformal: The thresholds of the prediction sets; None if no coverage was requested.
        passed_over: Files in folders and zips that are plainly no photos, and so have no row.
        notes: What else to know about how the photos were found, one line each.
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
    conformal: ConformalThresholds | None = None
    passed_over: tuple[PassedOver, ...] = ()
    notes: tuple[str, ...] = ()
    rules: PictureRules = DEFAULT_RULES

    def __len__(self) -> int:
        return len(self.files)

    @property
    def is_ok(self) -> NDArray[np.bool_]:
        """Shape (N,), true if the photo was predicted."""
        return np.array([status == OK for status in self.statuses], dtype=np.bool_)

    @cached_property
    def sets(self) -> NDArray[np.bool_] | None:
        """Shape (N, C), which classes are in each photo's prediction set; None if no coverage was requested."""
        return None if self.conformal is None else self.conformal.sets(self.probabilities)

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
        """Return the prediction of a row as text, such as `dog 99.4 %`, or `dog 62.0 %  {dog, cat}` with a set."""
        if self.statuses[row] != OK:
            return "skipped"
        return f"{self._describe_label(row)}{self._describe_set(row)}"

    def class_set(self, row: int) -> tuple[str, ...]:
        """Return the prediction set of a row, the most probable class first; empty if the photo was skipped.

        Raises:
            SettingsError: No coverage was requested.
        """
        if self.sets is None:
            raise SettingsError("these predictions have no sets; predict with a coverage, such as 0.99")
        order = np.argsort(-self.probabilities[row], kind="stable")
        return tuple(self.class_names[c] for c in order if self.sets[row, c])

    def _describe_set(self, row: int) -> str:
        if self.sets is None:
            return ""
        return f"  {{{listed(self.class_set(row), 'class', 'classes')}}}"

    def _describe_label(self, row: int) -> str:
        best = self.class_names[int(self.probabilities[row].argmax())]
        if not self.is_unsure(row):
            return f"{best} {100 * self.probability(row):.1f} %"
        if self.distances is not None and is_out_of_distribution(self.distances[row : row + 1])[0]:
            return f"{UNSURE} (unlike the training photos)"
        # Rounded down: a confidence that is below 99 % is not shown as 99 %.
        return f"{UNSURE} ({best} {math.floor(1000 * self.probability(row)) / 10:.1f} %)"

    def _repr_html_(self) -> str:
        shown = list(range(min(len(self), _MOST_SHOWN)))
        pictures = thumbnails([self.paths[row] for row in shown], notebook.THUMBNAIL_SIDE, self.rules)
        items = []
        for row, picture in zip(shown, pictures, strict=True):
            text = self.describe(row) if self.statuses[row] == OK else self.statuses[row]
            items.append(notebook.Photo(picture, PurePath(self.files[row]).name, (text,)))
        labels = Counter(self.label(row) or "skipped" for row in range(len(self)))
        counts = [(name, f"{count:,}") for name, count in labels.most_common()]
        more = f"and {len(self) - len(shown):,} more" if len(self) > len(shown) else ""
        return notebook.card(
            f"Predictions for {plural(len(self), 'photo')}",
            notebook.table("Photos by predicted class", ("class", "photos"), counts),
            notebook.photo_strip(items),
            notebook.paragraph(more) if more else "",
            notebook.skipped_table([(item.name, item.reason) for item in self.skipped]),
        )

    def probability(self, row: int) -> float:
        """Return the probability of the most probable class, NaN if the photo was skipped."""
        return float(self.probabilities[row].max())

    def columns(self) -> tuple[Column, ...]:
        """Return the columns that files and data frames have; `distance` and `set` come last, if requested."""
        best = np.nan_to_num(self.probabilities, nan=-1).argmax(axis=1).tolist()
        is_unsure = np.zeros(len(self), dtype=np.bool_)
        if self.abstain is not None:
            is_unsure = selective_confidence(self.probabilities, self.distances) < self.abstain
        labels = [
            None if status != OK else UNSURE if unsure else self.class_names[index]
            for status, unsure, index in zip(self.statuses, is_unsure.tolist(), best, strict=True)
        ]
        columns: list[Column] = [
            TextColumn("file", self.files, safe_file),
            TextColumn("status", self.statuses),
            TextColumn("label", labels, safe_label),
            NumberColumn("probability", self.probabilities.max(axis=1)),
        ]
        columns += [NumberColumn(f"prob_{name}", self.probabilities[:, i]) for i, name in enumerate(self.class_names)]
        if self.abstain is not None:
            columns.append(NumberColumn("distance", self._known_distances()))
        if self.conformal is not None:
            sets = [self.class_set(i) if status == OK else None for i, status in enumerate(self.statuses)]
            columns.append(TextsColumn("set", sets))
        return tuple(columns)

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "schema": SCHEMA,
            "class_names": list(self.class_names),
            "abstain": self.abstain,
            "coverage": None if self.conformal is None else self.conformal.coverage,
            "coverage_by": None if self.conformal is None else self.conformal.by,
            "photos": len(self),
            **unused_as_json(self.skipped, self.passed_over),
            "notes": list(self.notes),
            "seconds": self.seconds,
            "predictions": list(json_rows(self.columns(), slice(None))),
        }

    def to_arrow(self) -> "pyarrow.Table":
        """Return the rows as an Arrow table, null where a photo was skipped. Needs pyarrow."""
        return frames.arrow_table(self.columns(), SCHEMA)

    def to_pandas(self) -> "pandas.DataFrame":
        """Return the rows as a pandas data frame, with missing values where a photo was skipped. Needs pandas."""
        return frames.pandas_frame(self.columns())

    def to_polars(self) -> "polars.DataFrame":
        """Return the rows as a polars data frame, null where a photo was skipped. Needs polars."""
        return frames.polars_frame(self.columns())

    def _known_distances(self) -> NDArray[np.float64]:
        """Return the distances, NaN where unknown."""
        return np.full(len(self), np.nan) if self.distances is None else self.distances
