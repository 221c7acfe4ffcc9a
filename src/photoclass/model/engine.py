"""One ONNX network on OpenVINO: uint8 photos in, one row of numbers for each out, no processor ever waiting."""

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
from photoclass.machine import bf16_is_disabled, processors
from photoclass.photos.decode import Pixels

_NOT_NEEDED = ("openvino_telemetry", "openvino.tools.ovc")


class Engine:
    """A network, compiled for this processor.

    Photos go through one at a time, one on each processor: what is said of a photo then depends on nothing but its
    pixels, whatever else is asked for beside it, and its intermediate results stay in the processor's own cache.

    Args:
        onnx: Takes uint8 pixels of shape (N, height, width, 3), gives one row of numbers, or map of rows, a photo.
        where: Where it comes from, for messages.
        image_size: Side of the square it takes, in pixels.
        precision: `bf16` or `f32` for what is not int8 in the file itself; None for what the processor gains from.
        further: Adds outputs to the network, an OpenVINO model for one photo, before it is compiled.

    Attributes:
        precision: The one in use.
        row_shape: Shape of what it gives for a photo.

    Raises:
        ModelError: The network is damaged, or takes or gives something else.
    """

    def __init__(
        self,
        onnx: bytes,
        where: str,
        image_size: int,
        precision: str | None = None,
        further: Callable[[Any], None] | None = None,
    ) -> None:
        self.where = where
        openvino = import_openvino()
        core = openvino.Core()
        self.precision = precision or usual_precision()
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
        # One request more than streams: the next photo waits at the door while the processors are busy. Requests
        # without a callback, not OpenVINO's AsyncInferQueue: its callbacks need the interpreter, and where one is
        # still on its way out while the queue is deleted, both wait for each other for ever.
        self._requests = [compiled.create_infer_request() for _ in range(streams + 1)]
        self._in_use = threading.Lock()
        self._tensor = openvino.Tensor

    def rows(self, pixels: Iterable[Pixels]) -> Iterator[NDArray[Any]]:
        """Give a row of shape `row_shape` for each photo, in order, as fast as `pixels` gives them.

        Args:
            pixels: Arrays of shape (image_size, image_size, 3), uint8 RGB.
        """
        for request in self._finished(pixels):
            row: NDArray[Any] = request.get_output_tensor(0).data[0].copy()
            yield row

    def outputs(self, pixels: Iterable[Pixels]) -> Iterator[list[NDArray[Any]]]:
        """Give all outputs of the network for each photo, its own first, each as for a batch of this one."""
        for request in self._finished(pixels):
            yield [tensor.data.copy() for tensor in request.output_tensors]

    def _finished(self, pixels: Iterable[Pixels]) -> Iterator[Any]:
        """Give each photo's request, in order, once it is done; it is used again for a later photo."""
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
        """See that the network takes photos and gives rows; return the shape of a row."""
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
        """Refuse weights that are no numbers: a network of maxima swallows them and answers all the same."""
        for node in model.get_ordered_ops():
            if node.get_type_name() == "Constant" and not np.isfinite(node.data).all():
                raise ModelError(f"{self.where}: has weights that are not numbers; train it again")


def cpu_gains_from() -> frozenset[str]:
    """Return what this processor computes faster than fp32, in OpenVINO's words, as BF16 and INT8."""
    reported = frozenset(import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
    return reported - {"BF16"} if bf16_is_disabled() else reported


def usual_precision() -> str:
    """Return what an engine computes in here, where a network itself is not int8: `bf16` or `f32`."""
    return "bf16" if "BF16" in cpu_gains_from() else "f32"


def _ports(ports: Any) -> str:
    return ", ".join(f"{port.element_type.to_string()} {port.partial_shape}" for port in ports)


def _done(request: Any) -> Any:
    request.wait()
    return request


def import_openvino() -> types.ModuleType:
    """Import OpenVINO without its telemetry, and without its converter of other formats.

    `import openvino` would report the import to a server; where its telemetry package cannot be imported it uses a
    stub of its own. The converter, which it does without as well, takes a third of its import. So both are hidden
    while it loads.
    """
    hidden = [name for name in _NOT_NEEDED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        return importlib.import_module("openvino")
    finally:
        for name in hidden:
            del sys.modules[name]
