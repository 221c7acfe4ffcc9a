"""Why log loss and accuracy can disagree, shown on single photos."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.metrics.classification import log_losses
from photoclass.metrics.labelled import LabelledProbabilities

MOST_COSTLY = 10


@dataclass(frozen=True)
class LossVsAccuracy:
    """The loss of each photo, and the photos that show best how log loss differs from accuracy.

    Attributes:
        losses: Shape (N,), in nats.
        closest_correct: The correctly classified photo with the highest loss; None if none is classified correctly.
        closest_mistake: The misclassified photo with the lowest loss; None if none is misclassified.
        most_confident_mistake: The misclassified photo with the highest confidence; None if none is misclassified.
        costliest: The photos with the highest losses, the highest first, at most ten.
        costliest_share: Their share of the total loss.
        mistakes_share: The share of the total loss that comes from all misclassified photos.
    """

    losses: NDArray[np.float64]
    closest_correct: int | None
    closest_mistake: int | None
    most_confident_mistake: int | None
    costliest: tuple[int, ...]
    costliest_share: float
    mistakes_share: float

    @property
    def median(self) -> float:
        """The median loss of a photo."""
        return float(np.median(self.losses))


def compare_loss_with_accuracy(predictions: LabelledProbabilities) -> LossVsAccuracy:
    """Find the photos that show how log loss and accuracy differ; of equals, the first."""
    losses = log_losses(predictions.probabilities, predictions.labels)
    correct = predictions.correct
    total = float(losses.sum())
    costliest = np.argsort(-losses, kind="stable")[:MOST_COSTLY]
    return LossVsAccuracy(
        losses=losses,
        closest_correct=_argmax(losses, correct),
        closest_mistake=_argmax(-losses, ~correct),
        most_confident_mistake=_argmax(predictions.confidence, ~correct),
        costliest=tuple(int(i) for i in costliest),
        costliest_share=float(losses[costliest].sum()) / total if total else 0.0,
        mistakes_share=float(losses[~correct].sum()) / total if total else 0.0,
    )


def _argmax(values: NDArray[np.floating], among: NDArray[np.bool_]) -> int | None:
    """Return the index of the highest value among these, the first of equals."""
    rows = np.flatnonzero(among)
    return int(rows[values[rows].argmax()]) if len(rows) else None
