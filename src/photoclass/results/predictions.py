"""`Predictions`: the class and the probabilities of photos, one row for each photo given."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.decode_settings import DEFAULT_RULES, PictureRules
from photoclass.photos.table import PassedOver, SkippedPhoto
from photoclass.results.scores.coverage import is_out_of_distribution, selective_confidence

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

    def distance(self, row: int) -> float:
        """Return the distance of a photo from the training photos; NaN if unknown."""
        return float("nan") if self.distances is None else float(self.distances[row])
