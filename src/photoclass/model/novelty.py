"""How far a photo lies from what was seen in training, by the features that enter the last linear layer.

Measured is 1 - cosine to the fifth nearest of up to 2,000 training photos (Sun et al., 2022, "Out-of-Distribution
Detection with Deep Nearest Neighbors"), told as the share of validation photos that lie nearer: a distance of 0.99 is
that of the farthest hundredth of photos that do belong. docs/benchmarks.md has what else was measured.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError

Floats = NDArray[np.float64]

KEPT_PHOTOS = 2000
NEAREST = 5  # the first few may be near-duplicates, or odd ones of a kind
_STEPS = 127
MOST_QUANTILES = 10_000
_BLOCK = 2048  # photos compared at once: bounds memory


@dataclass(frozen=True)
class NoveltyDetector:
    """What is kept of the training photos.

    Attributes:
        rows: Shape (M, D), int8: directions of features, each row in steps of its largest.
        calibration: Shape (Q,), float32, rising: how far validation photos lie from them.
    """

    rows: NDArray[np.int8]
    calibration: NDArray[np.float32]

    def distances(self, features: NDArray[np.floating]) -> Floats:
        """Return the share of validation photos that lie nearer, shape (N,).

        Args:
            features: Shape (N, D), what enters the last linear layer.

        Raises:
            ModelError: They are not as wide as those of the training.
        """
        if not len(features):
            return np.empty(0)
        if features.shape[1] != self.rows.shape[1]:
            raise ModelError(
                f"the novelty detector was fitted on {self.rows.shape[1]:,} features, but the network has "
                f"{features.shape[1]:,}; copy the model folder again or train again"
            )
        return np.searchsorted(self.calibration, _far(features, self.rows), side="left") / len(self.calibration)


def photos_to_keep(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Choose up to 2,000 training photos, of every class as many as there are or as evenly as that allows; rising."""
    order = np.random.default_rng(seed).permutation(len(labels))
    shuffled = labels[order]
    rank = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        of_class = np.flatnonzero(shuffled == label)
        rank[of_class] = np.arange(len(of_class))
    return np.sort(order[np.argsort(rank, kind="stable")[:KEPT_PHOTOS]])


def fit_novelty(trained: NDArray[np.floating], valid: NDArray[np.floating]) -> NoveltyDetector:
    """Make what is kept.

    Args:
        trained: Shape (M, D), features of the training photos to keep.
        valid: Shape (N, D), of validation photos, which trained nothing.
    """
    rows = _directions(trained)
    calibration = np.sort(_far(valid, rows)).astype(np.float32)
    if len(calibration) > MOST_QUANTILES:
        calibration = np.quantile(calibration, np.linspace(0, 1, MOST_QUANTILES)).astype(np.float32)
    return NoveltyDetector(rows, calibration)


def _directions(features: NDArray[np.floating]) -> NDArray[np.int8]:
    """Keep the direction of each row: int8 tells the same strangers as floats, in a quarter of the room."""
    largest = np.abs(features).max(axis=1, keepdims=True)
    return np.asarray(np.round(_STEPS * features / np.maximum(largest, 1e-30)), dtype=np.int8)


def _far(features: NDArray[np.floating], rows: NDArray[np.int8]) -> NDArray[np.float32]:
    """1 - cosine of each photo, shape (N, D), to its fifth nearest row (or the farthest of fewer); shape (N,)."""
    nearest = min(NEAREST, len(rows))
    kept = _unit(rows.astype(np.float32))
    far = np.empty(len(features), dtype=np.float32)
    for start in range(0, len(features), _BLOCK):
        block = _unit(features[start : start + _BLOCK].astype(np.float32))
        alike = np.partition(block @ kept.T, len(rows) - nearest, axis=1)
        far[start : start + _BLOCK] = 1 - alike[:, len(rows) - nearest]
    return far


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-30), dtype=np.float32)
