"""The one way from pixels to probabilities: `model.onnx` on OpenVINO. Every result goes through it."""

import importlib
import sys
import threading
import types
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError
from photoclass.model.folder import ModelInfo, load_info, read_onnx
from photoclass.photos.cache import processors
from photoclass.photos.decode import Pixels

# What one process can be sure of: probabilities of a healthy network sum to 1 but for rounding.
_SUM_TOLERANCE = 0.02


class Runtime:
    """A saved model, ready to use.

    Photos go through one at a time, one on each processor: a photo's probabilities then depend on nothing but its
    pixels, whatever else is asked for beside it, and a photo's intermediate results stay in the processor's own cache.

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
        openvino = import_openvino()
        core = openvino.Core()
        fast = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.precision = precision or ("bf16" if fast else "f32")
        side = self.info.image_size
        try:
            model = core.read_model(model=onnx, weights=b"")
            self._check_ports(model)
            self._check_weights(model)
            model.reshape({0: [1, side, side, 3]})
            streams = processors()
            config = {
                "INFERENCE_PRECISION_HINT": self.precision,
                "NUM_STREAMS": str(streams),
                "INFERENCE_NUM_THREADS": str(streams),
            }
            compiled = core.compile_model(model, "CPU", config)
        except RuntimeError as error:
            last_line = str(error).strip().rpartition("\n")[2]
            raise ModelError(f"{folder}/model.onnx: cannot be loaded ({last_line}); copy it again") from error
        # One request more than streams: the next photo waits at the door while the processors are busy. Requests
        # without a callback, not OpenVINO's AsyncInferQueue: its callbacks need the interpreter, and where one is
        # still on its way out while the queue is deleted, both wait for each other for ever.
        self._requests = [compiled.create_infer_request() for _ in range(streams + 1)]
        self._in_use = threading.Lock()
        self._tensor = openvino.Tensor
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
        results: list[NDArray[np.float32]] = []
        running: deque[Any] = deque()
        with self._in_use:
            try:
                for count, photo in enumerate(pixels):
                    if len(running) == len(self._requests):
                        results.append(_wait_for(running.popleft()))
                    request = self._requests[count % len(self._requests)]
                    request.start_async({0: self._tensor(np.ascontiguousarray(photo[None]))})
                    running.append(request)
                while running:
                    results.append(_wait_for(running.popleft()))
            finally:
                for request in running:
                    request.wait()
        if not results:
            return np.empty((0, len(self.info.class_names)), dtype=np.float32)
        result = np.stack(results).astype(np.float32)
        sums = result.sum(axis=1)
        if not np.isfinite(result).all() or (abs(sums - 1) > _SUM_TOLERANCE).any() or (result < 0).any():
            raise ModelError(f"{self.folder}/model.onnx: gives values that are no probabilities; train it again")
        return result

    def _check_ports(self, model: object) -> None:
        """See that the network takes and gives what model.json promises."""
        info, side = self.info, self.info.image_size
        inputs, outputs = model.inputs, model.outputs  # type: ignore[attr-defined]
        if (
            len(inputs) != 1
            or len(outputs) != 1
            or inputs[0].element_type.to_string() != "u8"
            or not inputs[0].partial_shape.compatible(_partial_shape([-1, side, side, 3]))
            or not outputs[0].partial_shape.compatible(_partial_shape([-1, len(info.class_names)]))
        ):
            raise ModelError(
                f"{self.folder}/model.onnx: does not turn uint8 pixels (N, {side}, {side}, 3) into "
                f"{len(info.class_names)} probabilities, as model.json says; copy the folder again"
            )

    def _check_weights(self, model: object) -> None:
        """Refuse weights that are no numbers: a network of maxima swallows them and answers all the same."""
        for node in model.get_ordered_ops():  # type: ignore[attr-defined]
            if node.get_type_name() == "Constant" and not np.isfinite(node.data).all():
                raise ModelError(f"{self.folder}/model.onnx: has weights that are not numbers; train it again")


def _wait_for(request: Any) -> NDArray[np.float32]:
    """Return the probabilities of one photo, shape (C,), once they are there."""
    request.wait()
    row: NDArray[np.float32] = request.get_output_tensor(0).data[0].copy()
    return row


def _partial_shape(shape: list[int]) -> object:
    return import_openvino().PartialShape(shape)


def import_openvino() -> types.ModuleType:
    """Import OpenVINO without its telemetry.

    `import openvino` would report the import to a server. Where its telemetry package cannot be imported it uses a
    stub of its own, so that package is hidden while it loads.
    """
    hidden = "openvino_telemetry" not in sys.modules
    if hidden:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("openvino")
    finally:
        if hidden:
            del sys.modules["openvino_telemetry"]
