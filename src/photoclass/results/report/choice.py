"""Which photos the report shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.model.folder import SplitPredictions
from photoclass.results.report.loss_vs_accuracy import LossVsAccuracy, explain_loss

_SHOWN = 25
_HEATS, _HEATS_OF_MISTAKES = 12, 6


@dataclass(frozen=True)
class ReportPhotos:
    """Which photos the report shows, as rows of the predictions."""

    gallery: tuple[int, ...]
    mistakes: tuple[int, ...]
    unsure: tuple[int, ...]
    heats: tuple[int, ...]
    story: LossVsAccuracy

    @property
    def rows(self) -> tuple[int, ...]:
        """Return all of them, each once."""
        told = (self.story.closest_right, self.story.closest_wrong, self.story.most_confident_mistake)
        rows = (*self.gallery, *self.mistakes, *self.unsure, *self.heats, *(row for row in told if row is not None))
        return tuple(dict.fromkeys(rows))


def choose_photos(predictions: SplitPredictions, seed: int) -> ReportPhotos:
    probabilities, labels = predictions.probabilities, predictions.labels
    sure = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_confidence = np.argsort(-sure, kind="stable")
    mistakes = by_confidence[~right[by_confidence]]
    heats_of_mistakes = mistakes[:_HEATS_OF_MISTAKES]
    rights = shuffled[right[shuffled]][: _HEATS - len(heats_of_mistakes)]

    def rows(found: NDArray[np.int64]) -> tuple[int, ...]:
        return tuple(int(i) for i in found)

    return ReportPhotos(
        gallery=rows(np.sort(shuffled[:_SHOWN])),
        mistakes=rows(mistakes[:_SHOWN]),
        unsure=rows(by_confidence[::-1][:_SHOWN]),
        heats=rows(np.concatenate([heats_of_mistakes, rights])),
        story=explain_loss(probabilities, labels),
    )
