"""Which photos the report shows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.results.report.loss_vs_accuracy import LossVsAccuracy, compare_loss_with_accuracy

_MOST_SHOWN = 25
_HEAT_MAPS, _HEAT_MAPS_OF_MISTAKES = 12, 6


@dataclass(frozen=True)
class ReportPhotos:
    """Which photos the report shows, as rows of the predictions.

    Attributes:
        sample: A random sample.
        mistakes: Misclassified photos, the most confident first.
        unsure: The least confident predictions, the lowest confidence first.
        heat_maps: Photos to show with a heat map, mistakes first.
        loss: The photos that show how log loss and accuracy differ.
    """

    sample: tuple[int, ...]
    mistakes: tuple[int, ...]
    unsure: tuple[int, ...]
    heat_maps: tuple[int, ...]
    loss: LossVsAccuracy

    @property
    def rows(self) -> tuple[int, ...]:
        """All of them, each once."""
        examples = (self.loss.closest_correct, self.loss.closest_mistake, self.loss.most_confident_mistake)
        rows = (*self.sample, *self.mistakes, *self.unsure, *self.heat_maps, *(i for i in examples if i is not None))
        return tuple(dict.fromkeys(rows))


def choose_photos(predictions: LabelledProbabilities, seed: int) -> ReportPhotos:
    """Choose the photos to show.

    Args:
        predictions: Of the split that the report is about.
        seed: Decides the random sample.
    """
    confidence, correct = predictions.confidence, predictions.correct
    shuffled = np.random.default_rng(seed).permutation(len(predictions))
    by_confidence = np.argsort(-confidence, kind="stable")
    mistakes = by_confidence[~correct[by_confidence]]
    explained_mistakes = mistakes[:_HEAT_MAPS_OF_MISTAKES]
    explained_others = shuffled[correct[shuffled]][: _HEAT_MAPS - len(explained_mistakes)]

    def as_rows(found: NDArray[np.int64]) -> tuple[int, ...]:
        return tuple(int(i) for i in found)

    return ReportPhotos(
        sample=as_rows(np.sort(shuffled[:_MOST_SHOWN])),
        mistakes=as_rows(mistakes[:_MOST_SHOWN]),
        unsure=as_rows(by_confidence[::-1][:_MOST_SHOWN]),
        heat_maps=as_rows(np.concatenate([explained_mistakes, explained_others])),
        loss=compare_loss_with_accuracy(predictions),
    )
