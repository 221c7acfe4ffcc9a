"""Estimators of rows of numbers, for scikit-learn's checks: rows are drawn as pictures, our estimators do all else.

scikit-learn runs most of its checks on two-dimensional arrays alone. Here 2-D arrays are validated by its own
functions, as its estimators do, and become uint8 pictures of shape (N, 32, 32, 3).
"""

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from photoclass import PhotoClassifier, PhotoFeatures
from photoclass.estimator.fit import FitPlan


def draw_rows(rows: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Draw rows of numbers, shape (N, D), as pictures, shape (N, 32, 32, 3).

    A number decides the mean of one of 48 pixels in each cell of 4x4 pixels. Noise that cancels out over the picture
    keeps pictures of nearly equal numbers from being near-duplicates; it depends on the row alone.
    """
    return np.stack([_draw(row) for row in rows.astype(np.float64)])


def _draw(row: NDArray[np.float64]) -> NDArray[np.uint8]:
    cell = np.zeros(48)
    for i, number in enumerate(row):
        cell[(17 * i) % 48] += 50 * np.tanh(number)
    levels = np.tile(128 + cell.reshape(4, 4, 3), (8, 8, 1))
    seed = int.from_bytes(hashlib.sha256(row.tobytes()).digest()[:8], "big")
    half = np.kron(np.random.default_rng(seed).uniform(-70, 70, (4, 8)), np.ones((4, 4)))
    noise = np.concatenate([half, -half])
    return np.asarray(np.clip(levels + noise[:, :, None], 0, 255).round(), dtype=np.uint8)


class NumbersClassifier(PhotoClassifier):  # type: ignore[misc]
    """`PhotoClassifier`, with rows of numbers as X and a tiny backbone."""

    network = ""

    def fit(self, X: Any, y: Any, groups: Any = None) -> "NumbersClassifier":
        super().fit(draw_rows(validate_data(self, X)), y, groups)
        return self

    def _log_probabilities(self, X: Any) -> NDArray[np.float64]:
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return super()._log_probabilities(X if _is_drawn(X) else draw_rows(validate_data(self, X, reset=False)))

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return super().score(draw_rows(validate_data(self, X, reset=False)), y, sample_weight)

    def _plan(self, *, grouped: bool) -> FitPlan:
        return replace(super()._plan(grouped=grouped), settings=tiny_settings(self.network))

    def __sklearn_tags__(self) -> Any:
        return _of_numbers(super().__sklearn_tags__())


class NumbersFeatures(PhotoFeatures):  # type: ignore[misc]
    """`PhotoFeatures`, with rows of numbers as X and a tiny backbone."""

    network = ""

    def fit(self, X: Any, y: Any = None) -> "NumbersFeatures":
        self.backbone, given = self.network, self.backbone
        settings = tiny_settings(self.network)
        self.settings = {name: value for name, value in settings.items() if name != "backbone"}
        super().fit(draw_rows(validate_data(self, X)))
        self.backbone, self.settings = given, None
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self)
        return super().transform(draw_rows(validate_data(self, X, reset=False)))

    def __sklearn_tags__(self) -> Any:
        return _of_numbers(super().__sklearn_tags__())


def tiny_settings(network: str) -> dict[str, Any]:
    """Return the settings of a backbone from `tiny_networks`."""
    return {"backbone": network, "backbone_mean": (0.5,), "backbone_std": (0.5,)}


def _is_drawn(X: Any) -> bool:
    return isinstance(X, np.ndarray) and X.ndim == 4


def _of_numbers(tags: Any) -> Any:
    tags.input_tags.one_d_array = tags.input_tags.string = False
    tags.input_tags.two_d_array = True
    return tags
