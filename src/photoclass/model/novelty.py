"""Novelty: the distance of a photo to the training data, by which out-of-distribution photos are detected.

The score is the cosine distance to the fifth nearest of up to 2,000 training photos, in the space of the features that
enter the last linear layer: Sun et al. (2022), "Out-of-Distribution Detection with Deep Nearest Neighbors",
https://arxiv.org/abs/2204.06507. It is given as a percentile of the validation photos: one in a hundred in-distribution
photos has a distance above 0.99. docs/benchmarks.md compares other scores.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError

Floats = NDArray[np.float64]

KEPT_PHOTOS = 2000
NEIGHBOUR = 5  # the nearest few may be near-duplicates or outliers themselves
_LARGEST_INT8 = 127
MOST_QUANTILES = 10_000
_BLOCK = 2048  # photos compared at a time: bounds the memory


@dataclass(frozen=True)
class NoveltyDetector:
    """A k-nearest-neighbour detector of out-of-distribution photos.

    Attributes:
        rows: Shape (M, D), int8: features of training photos, each row scaled so that its largest is 127.
        calibration: Shape (Q,), float32, ascending: cosine distances of validation photos, or their quantiles.
    """

    rows: NDArray[np.int8]
    calibration: NDArray[np.float32]

    def distances(self, features: NDArray[np.floating]) -> Floats:
        """Return the distance of each photo to the training data: the share of validation photos that are nearer.

        Args:
            features: Shape (N, D), the inputs of the last linear layer.

        Returns:
            Shape (N,), from 0 to 1.

        Raises:
            ModelError: The detector was fitted on another number of features.
        """
        if not len(features):
            return np.empty(0)
        if features.shape[1] != self.rows.shape[1]:
            raise ModelError(
                f"the novelty detector was fitted on {self.rows.shape[1]:,} features, but the network has "
                f"{features.shape[1]:,}; copy the model folder again or train again"
            )
        return np.searchsorted(self.calibration, _cosine_distances(features, self.rows), side="left") / len(
            self.calibration
        )


def photos_to_keep(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Sample up to 2,000 training photos, as evenly over the classes as their sizes allow.

    Args:
        labels: Shape (N,), the classes of the photos.
        seed: Decides the sample.

    Returns:
        Their indices, ascending.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    shuffled = labels[order]
    rank = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(shuffled == label)
        rank[members] = np.arange(len(members))
    return np.sort(order[np.argsort(rank, kind="stable")[:KEPT_PHOTOS]])


def fit_novelty(trained: NDArray[np.floating], valid: NDArray[np.floating]) -> NoveltyDetector:
    """Fit the detector.

    Args:
        trained: Shape (M, D), features of the sampled training photos.
        valid: Shape (N, D), features of validation photos, which calibrate the distance.
    """
    rows = _directions(trained)
    calibration = np.sort(_cosine_distances(valid, rows)).astype(np.float32)
    if len(calibration) > MOST_QUANTILES:
        calibration = np.quantile(calibration, np.linspace(0, 1, MOST_QUANTILES)).astype(np.float32)
    return NoveltyDetector(rows, calibration)


def _directions(features: NDArray[np.floating]) -> NDArray[np.int8]:
    """Quantise the direction of each row to int8, which detects as well as float32 in a quarter of the space."""
    largest = np.abs(features).max(axis=1, keepdims=True)
    return np.asarray(np.round(_LARGEST_INT8 * features / np.maximum(largest, 1e-30)), dtype=np.int8)


def _cosine_distances(features: NDArray[np.floating], rows: NDArray[np.int8]) -> NDArray[np.float32]:
    """Return 1 - cosine of each photo to its fifth nearest row, or to the farthest of fewer; shape (N,)."""
    neighbour = min(NEIGHBOUR, len(rows))
    directions = _unit(rows.astype(np.float32))
    distances = np.empty(len(features), dtype=np.float32)
    for start in range(0, len(features), _BLOCK):
        block = _unit(features[start : start + _BLOCK].astype(np.float32))
        cosines = np.partition(block @ directions.T, len(rows) - neighbour, axis=1)
        distances[start : start + _BLOCK] = 1 - cosines[:, len(rows) - neighbour]
    return distances


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-30), dtype=np.float32)
