"""The one way from pixels to probabilities: `model.onnx` on OpenVINO. Every result goes through it."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError
from photoclass.model.engine import Engine
from photoclass.model.folder import ModelInfo, load_info, read_onnx
from photoclass.model.novelty import Floats, NoveltyDetector
from photoclass.photos.decode import Pixels

# What one process can be sure of: probabilities of a healthy network sum to 1 but for rounding.
_SUM_TOLERANCE = 0.02
_BLOCK = 2048  # photos whose features are held at once: bounds memory


class Runtime:
    """A saved model, ready to use.

    Args:
        info: What model.json says.
        onnx: What model.onnx holds.
        folder: Where they come from, for messages.
        precision: `bf16`, `f32`, or None for what the processor gains from.

    Raises:
        ModelError: The network is damaged or does not do what `info` says.
    """

    def __init__(self, info: ModelInfo, onnx: bytes, folder: Path, precision: str | None = None) -> None:
        self.folder = folder
        self.info = info
        side = info.image_size
        # Always, and not only for `predict`: a further output changes what the processor fuses, and so the last digits.
        self._engine = Engine(onnx, f"{folder}/model.onnx", side, precision, _show_features)
        self.precision = self._engine.precision
        if self._engine.row_shape != (len(info.class_names),):
            raise ModelError(
                f"{folder}/model.onnx: does not give {len(info.class_names)} probabilities, as model.json says, "
                f"but rows of shape {self._engine.row_shape}; copy the folder again"
            )
        self.probabilities([np.zeros((side, side, 3), dtype=np.uint8)])

    @classmethod
    def load(cls, folder: Path, precision: str | None = None) -> "Runtime":
        """Load a model folder.

        Raises:
            ModelError: The folder holds no model, or one that is damaged or does not do what model.json says.
        """
        info = load_info(folder)
        return cls(info, read_onnx(folder, info), folder, precision)

    def probabilities(self, pixels: Iterable[Pixels]) -> NDArray[np.float32]:
        """Compute probabilities, photo by photo, as fast as `pixels` gives them.

        Args:
            pixels: Arrays of shape (image_size, image_size, 3), uint8 RGB.

        Returns:
            Shape (N, C); each row sums to 1.

        Raises:
            ModelError: The network gave something that is no probability.
        """
        return self._checked(list(self._engine.rows(pixels)))

    def predict(self, pixels: Iterable[Pixels]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Compute probabilities, and what enters the last linear layer; each photo goes through the network once.

        Args:
            pixels: As for `probabilities`.

        Returns:
            Probabilities, shape (N, C), and features, shape (N, D); (0, 0) where there is no photo.

        Raises:
            ModelError: The network gave something that is no probability, or features that are not numbers, or it ends
                in no linear layer.
        """
        results = list(self._engine.outputs(pixels))
        if results and len(results[0]) < 2:
            raise ModelError(
                f"{self.folder}/model.onnx: ends in no linear layer, so it has no features to tell distances by; train "
                "it again"
            )
        # Where the network looks at several views of a photo, the mean of theirs.
        means = [views.reshape(-1, views.shape[-1]).astype(np.float32).mean(axis=0) for _, views in results]
        features = np.stack(means) if means else np.empty((0, 0), dtype=np.float32)
        if not np.isfinite(features).all():
            raise ModelError(f"{self.folder}/model.onnx: gives values that are not numbers; train it again")
        return self._checked([rows[0] for rows, _ in results]), features

    def _checked(self, rows: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        if not rows:
            return np.empty((0, len(self.info.class_names)), dtype=np.float32)
        result = np.stack(rows).astype(np.float32)
        sums = result.sum(axis=1)
        if not np.isfinite(result).all() or (abs(sums - 1) > _SUM_TOLERANCE).any() or (result < 0).any():
            raise ModelError(f"{self.folder}/model.onnx: gives values that are no probabilities; train it again")
        return result


def predict_and_measure(
    runtime: Runtime, pixels: Iterable[Pixels], seen: NoveltyDetector | None
) -> tuple[NDArray[np.float32], Floats | None]:
    """Compute probabilities, shape (N, C), and distances, shape (N,); each photo goes through the network once.

    Args:
        runtime: The model.
        pixels: As for `Runtime.probabilities`.
        seen: What distances are told by; there are none where it is None.

    Raises:
        ModelError: As `Runtime.predict` and `NoveltyDetector.distances`.
    """
    if seen is None:
        return runtime.probabilities(pixels), None
    coming = iter(pixels)
    blocks: list[tuple[NDArray[np.float32], Floats]] = []
    while not blocks or len(blocks[-1][0]):
        probabilities, features = runtime.predict(islice(coming, _BLOCK))
        blocks.append((probabilities, seen.distances(features)))
    return np.concatenate([block[0] for block in blocks]), np.concatenate([block[1] for block in blocks])


def _show_features(model: Any) -> None:
    """Let a network give, as a further output, what enters its last product of numbers with weights."""
    products = [node for node in model.get_ordered_ops() if node.get_type_name() == "MatMul"]
    if products:
        model.add_outputs(products[-1].input_value(0))
