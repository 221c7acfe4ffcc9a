"""From pixels to probabilities: `model.onnx` on OpenVINO. All predictions go through this module."""

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
from photoclass.paths import AnyPath
from photoclass.photos.decode import Pixels

# Probabilities of an intact network sum to 1 up to rounding.
_SUM_TOLERANCE = 0.02
_BLOCK = 2048  # photos whose features are held at once: bounds memory


class Runtime:
    """A saved model, ready to use.

    Args:
        info: The content of model.json.
        onnx: The content of model.onnx.
        folder: Their folder, for messages.
        precision: `f32`, or `bf16` for a result that is nearly the same, sooner where the processor has it.

    Raises:
        ModelError: The network is damaged or does not match `info`.
    """

    def __init__(self, info: ModelInfo, onnx: bytes, folder: Path, precision: str = "f32") -> None:
        self.folder = folder
        self.info = info
        side = info.image_size
        # The features are always an output: without it, OpenVINO fuses other operations and the last digits change.
        self._engine = Engine(onnx, f"{folder}/model.onnx", side, precision, _add_feature_output)
        self.precision = self._engine.precision
        if self._engine.row_shape != (len(info.class_names),):
            raise ModelError(
                f"{folder}/model.onnx: gives rows of shape {self._engine.row_shape}, but model.json has "
                f"{len(info.class_names)} classes; copy the folder again"
            )
        self.probabilities([np.zeros((side, side, 3), dtype=np.uint8)])

    @classmethod
    def load(cls, folder: AnyPath, precision: str = "f32") -> "Runtime":
        """Load a model folder.

        Raises:
            ModelError: It is not a model folder, or its network is damaged or does not match model.json.
        """
        folder = Path(folder)
        info = load_info(folder)
        return cls(info, read_onnx(folder, info), folder, precision)

    def probabilities(self, pixels: Iterable[Pixels]) -> NDArray[np.float32]:
        """Compute probabilities, photo by photo, as fast as `pixels` provides them.

        Args:
            pixels: Arrays of shape (image_size, image_size, 3), uint8 RGB.

        Returns:
            Shape (N, C); each row sums to 1.

        Raises:
            ModelError: An output is not a probability distribution.
        """
        return self._checked(list(self._engine.rows(pixels)))

    def predict(self, pixels: Iterable[Pixels]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Compute probabilities and features (the inputs of the last linear layer) in one forward pass.

        Args:
            pixels: As for `probabilities`.

        Returns:
            Probabilities, shape (N, C), and features, shape (N, D), or (0, 0) without photos.

        Raises:
            ModelError: An output is not a probability distribution, a feature is NaN or infinite, or the network has
                no linear layer.
        """
        results = list(self._engine.outputs(pixels))
        if results and len(results[0]) < 2:
            raise ModelError(
                f"{self.folder}/model.onnx: has no linear layer, so there are no features to measure distances with; "
                "train it again"
            )
        # With test-time augmentation there are several views of a photo: take the mean of their features.
        means = [views.reshape(-1, views.shape[-1]).astype(np.float32).mean(axis=0) for _, views in results]
        features = np.stack(means) if means else np.empty((0, 0), dtype=np.float32)
        if not np.isfinite(features).all():
            raise ModelError(f"{self.folder}/model.onnx: gives features that are NaN or infinite; train it again")
        return self._checked([rows[0] for rows, _ in results]), features

    def _checked(self, rows: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        if not rows:
            return np.empty((0, len(self.info.class_names)), dtype=np.float32)
        result = np.stack(rows).astype(np.float32)
        sums = result.sum(axis=1)
        if not np.isfinite(result).all() or (abs(sums - 1) > _SUM_TOLERANCE).any() or (result < 0).any():
            raise ModelError(f"{self.folder}/model.onnx: gives values that are not probabilities; train it again")
        return result


def predict_with_distances(
    runtime: Runtime, pixels: Iterable[Pixels], detector: NoveltyDetector | None
) -> tuple[NDArray[np.float32], Floats | None]:
    """Compute probabilities, shape (N, C), and distances to the training data, shape (N,), in one forward pass.

    Args:
        runtime: The model.
        pixels: As for `Runtime.probabilities`.
        detector: Its novelty detector; without one the distances are None.

    Raises:
        ModelError: As `Runtime.predict` and `NoveltyDetector.distances`.
    """
    if detector is None:
        return runtime.probabilities(pixels), None
    coming = iter(pixels)
    blocks: list[tuple[NDArray[np.float32], Floats]] = []
    while not blocks or len(blocks[-1][0]):
        probabilities, features = runtime.predict(islice(coming, _BLOCK))
        blocks.append((probabilities, detector.distances(features)))
    return np.concatenate([block[0] for block in blocks]), np.concatenate([block[1] for block in blocks])


def _add_feature_output(model: Any) -> None:
    """Add the input of the last matrix product to the outputs of a network."""
    products = [node for node in model.get_ordered_ops() if node.get_type_name() == "MatMul"]
    if products:
        model.add_outputs(products[-1].input_value(0))
