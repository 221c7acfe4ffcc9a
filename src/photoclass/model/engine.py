"""One ONNX network on OpenVINO: uint8 photos in, one row of numbers each out, with all processors kept busy."""

import importlib
import sys
import threading
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError
from photoclass.machine import processors
from photoclass.photos.decode import Pixels

_NOT_NEEDED = ("openvino_telemetry", "openvino.tools.ovc")


class Engine:
    """A network, compiled for this processor.

    It computes in single precision, with int8 where the file says so: what any other runtime gives for the file, on any
    processor. bf16 is faster where a processor has it, and moves single probabilities by 0.01 and more.

    Each processor runs one photo at a time. The result for a photo therefore depends on its pixels alone, not on the
    other photos of the call, and its activations stay in that processor's cache.

    Args:
        onnx: A network from uint8 pixels, shape (N, height, width, 3), to one row or map of numbers for each photo.
        where: Its file, for messages.
        image_size: Side of its square input, in pixels.
        precision: `f32` or `bf16` for the parts that are not int8 in the file.
        further: Adds outputs to the network, an OpenVINO model with batch size 1, before it is compiled.

    Attributes:
        precision: The precision in use.
        row_shape: Shape of the output for one photo.

    Raises:
        ModelError: The network is damaged, or has other inputs or outputs.
    """

    def __init__(
        self,
        onnx: bytes,
        where: str,
        image_size: int,
        precision: str = "f32",
        further: Callable[[Any], None] | None = None,
    ) -> None:
        self.where = where
        openvino = import_openvino()
        core = openvino.Core()
        self.precision = precision
        try:
            model = core.read_model(model=onnx, weights=b"")
            self.row_shape = self._check_ports(model, image_size)
            self._check_weights(model)
            model.reshape({0: [1, image_size, image_size, 3]})
            if further:
                further(model)
            streams = processors()
            config = {
                "INFERENCE_PRECISION_HINT": self.precision,
                "NUM_STREAMS": str(streams),
                "INFERENCE_NUM_THREADS": str(streams),
            }
            compiled = core.compile_model(model, "CPU", config)
        except RuntimeError as error:
            last_line = str(error).strip().rpartition("\n")[2]
            raise ModelError(f"{where}: cannot be loaded ({last_line}); copy it again") from error
        # One request more than streams, so that the next photo is ready when a processor becomes free. Requests without
        # callbacks instead of OpenVINO's AsyncInferQueue, which can deadlock: a callback that is still running when the
        # queue is deleted waits for the interpreter lock, and the deletion waits for the callback.
        self._requests = [compiled.create_infer_request() for _ in range(streams + 1)]
        self._in_use = threading.Lock()
        self._tensor = openvino.Tensor

    def rows(self, pixels: Iterable[Pixels]) -> Iterator[NDArray[Any]]:
        """Yield a row of shape `row_shape` for each photo, in order, as fast as `pixels` provides them.

        Args:
            pixels: Arrays of shape (image_size, image_size, 3), uint8 RGB.
        """
        for request in self._finished(pixels):
            row: NDArray[Any] = request.get_output_tensor(0).data[0].copy()
            yield row

    def outputs(self, pixels: Iterable[Pixels]) -> Iterator[list[NDArray[Any]]]:
        """Yield all outputs of the network for each photo, with a batch dimension of 1; added outputs come last."""
        for request in self._finished(pixels):
            yield [tensor.data.copy() for tensor in request.output_tensors]

    def _finished(self, pixels: Iterable[Pixels]) -> Iterator[Any]:
        """Yield each photo's request, in order, once it has finished. It is reused for a later photo."""
        running: deque[Any] = deque()
        with self._in_use:
            try:
                for count, photo in enumerate(pixels):
                    if len(running) == len(self._requests):
                        yield _done(running.popleft())
                    request = self._requests[count % len(self._requests)]
                    request.start_async({0: self._tensor(np.ascontiguousarray(photo[None]))})
                    running.append(request)
                while running:
                    yield _done(running.popleft())
            finally:
                for request in running:
                    request.wait()

    def _check_ports(self, model: Any, image_size: int) -> tuple[int, ...]:
        """Check that the network maps photos to rows; return the shape of a row."""
        inputs, outputs = model.inputs, model.outputs
        shape = import_openvino().PartialShape
        if (
            len(inputs) != 1
            or len(outputs) != 1
            or inputs[0].element_type.to_string() != "u8"
            or not inputs[0].partial_shape.compatible(shape([-1, image_size, image_size, 3]))
            or outputs[0].partial_shape.rank.is_dynamic
            or len(outputs[0].partial_shape) < 2
            or not all(side.is_static for side in list(outputs[0].partial_shape)[1:])
        ):
            raise ModelError(
                f"{self.where}: does not turn uint8 pixels (N, {image_size}, {image_size}, 3) into one row of numbers "
                f"for each photo; it takes {_ports(inputs)} and gives {_ports(outputs)}; copy it again"
            )
        return tuple(int(side.get_length()) for side in list(outputs[0].partial_shape)[1:])

    def _check_weights(self, model: Any) -> None:
        """Refuse weights that are NaN or infinite, which max pooling and ReLU can hide from the outputs."""
        for node in model.get_ordered_ops():
            if node.get_type_name() == "Constant" and not np.isfinite(node.data).all():
                raise ModelError(f"{self.where}: has weights that are NaN or infinite; train it again")


def cpu_gains_from() -> frozenset[str]:
    """Return the types that this processor computes faster than fp32, as OpenVINO names them: BF16, INT8."""
    return frozenset(import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))


def _ports(ports: Any) -> str:
    return ", ".join(f"{port.element_type.to_string()} {port.partial_shape}" for port in ports)


def _done(request: Any) -> Any:
    request.wait()
    return request


def import_openvino() -> types.ModuleType:
    """Import OpenVINO without its telemetry and without its model converter.

    `import openvino` reports itself to a server unless its telemetry package is missing, in which case it falls back to
    a stub. Its converter of other formats is optional too and takes a third of the import time. Both are therefore
    hidden while it loads.
    """
    hidden = [name for name in _NOT_NEEDED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        return importlib.import_module("openvino")
    finally:
        for name in hidden:
            del sys.modules[name]
