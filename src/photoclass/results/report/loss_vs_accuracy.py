"""Why loss and accuracy need not agree, told by single photos."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.metrics.figures import log_losses

WORST = 10


@dataclass(frozen=True)
class LossVsAccuracy:
    """What each photo adds to the log loss, and the photos that tell it best.

    Attributes:
        losses: Shape (N,), in nats.
        closest_right: The photo classified correctly with the highest loss; None where none is classified correctly.
        closest_wrong: The photo misclassified with the lowest loss; None where none is misclassified.
        most_confident_mistake: The photo misclassified with the highest probability; None where none is misclassified.
        worst: The photos with the highest losses, the highest first, at most ten.
        worst_share: Share of the total loss that these carry.
        wrong_share: Share of the total loss that all photos misclassified carry.
    """

    losses: NDArray[np.float64]
    closest_right: int | None
    closest_wrong: int | None
    most_confident_mistake: int | None
    worst: tuple[int, ...]
    worst_share: float
    wrong_share: float

    @property
    def typical(self) -> float:
        """Return the median loss of a photo."""
        return float(np.median(self.losses))


def explain_loss(probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> LossVsAccuracy:
    """Find the photos that tell how loss and accuracy differ; of equals, the first.

    Args:
        probabilities: Shape (N, C); each row sums to 1.
        labels: Shape (N,), integers in [0, C).

    Raises:
        ModelError: A probability is not a number, the shapes do not fit, or there is no photo.
    """
    losses = log_losses(probabilities, labels)
    right = probabilities.argmax(axis=1) == labels
    total = float(losses.sum())
    worst = np.argsort(-losses, kind="stable")[:WORST]
    return LossVsAccuracy(
        losses=losses,
        closest_right=_first(losses, right),
        closest_wrong=_first(-losses, ~right),
        most_confident_mistake=_first(probabilities.max(axis=1), ~right),
        worst=tuple(int(i) for i in worst),
        worst_share=float(losses[worst].sum()) / total if total else 0.0,
        wrong_share=float(losses[~right].sum()) / total if total else 0.0,
    )


def _first(values: NDArray[np.floating], among: NDArray[np.bool_]) -> int | None:
    """Return the index of the highest value among these, the first of equals."""
    rows = np.flatnonzero(among)
    return int(rows[values[rows].argmax()]) if len(rows) else None
