"""Saliency of a saved model: its last spatial feature maps, and the gradient of a logit with respect to them."""

import importlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError
from photoclass.model.engine import Engine, import_openvino
from photoclass.model.folder import ModelInfo, load_info, read_onnx
from photoclass.photos.decode import Pixels
from photoclass.results.explain.gradient import Array, Key, backpropagate, check_supported
from photoclass.results.explain.spatial import SpatialAxes, find_spatial_axes, key_of, shape_of


@dataclass(frozen=True)
class FeatureMaps:
    """Feature maps of one photo, and the gradient with respect to them.

    Attributes:
        activations: Shape (views, rows, columns, channels); a view is the photo or its mirror image.
        gradients: The gradient of the logit with respect to the activations, in the same shape.
        mirrored: For each view, whether it is the mirror image.
    """

    activations: Array
    gradients: Array
    mirrored: tuple[bool, ...]


@dataclass(frozen=True)
class Saliency:
    """The result for one photo.

    Attributes:
        probabilities: Shape (C,).
        target: The class whose logit was backpropagated.
        maps: The feature maps of each backbone; two if the model has two backbones side by side.
    """

    probabilities: NDArray[np.float32]
    target: int
    maps: tuple[FeatureMaps, ...]


@dataclass(frozen=True)
class Tail:
    """The part of a network after its last spatial feature maps.

    Attributes:
        maps: The ports of these feature maps, with their spatial axes.
        ops: The operations from there to the logits, in order.
        logits: For each class, the port that holds its logit, and the position in its row.
    """

    maps: tuple[tuple[Any, SpatialAxes], ...]
    ops: tuple[Any, ...]
    logits: tuple[tuple[Any, int], ...]

    @property
    def ports(self) -> list[Any]:
        """All ports whose values backpropagation needs."""
        return [port for port, _ in self.maps] + [port for op in self.ops for port in op.outputs()]

    def gradients(self, values: Mapping[Key, Array], target: int) -> list[Array]:
        """Compute the gradient of a class's logit with respect to each feature map, from the values of `ports`."""
        port, position = self.logits[target]
        seed = np.zeros(shape_of(port))
        seed[0, position] = 1
        found = backpropagate(self.ops, values, {key_of(port): seed})
        return [found.get(key_of(maps), np.zeros(shape_of(maps))) for maps, _ in self.maps]


class SaliencyModel:
    """A saved model whose predictions can be explained.

    Args:
        info: The content of model.json.
        onnx: The content of model.onnx.
        folder: The model folder, for messages.
        precision: `f32`, or `bf16` for a result that is nearly the same, sooner where the processor has it.

    Raises:
        ModelError: The network is damaged, or has an operation after its last feature maps that cannot be
            backpropagated through.
    """

    def __init__(self, info: ModelInfo, onnx: bytes, folder: Path, precision: str = "f32") -> None:
        self.info = info
        self._where = f"{folder}/model.onnx"
        self._engine = Engine(onnx, self._where, info.image_size, precision, self._open)

    @classmethod
    def load(cls, folder: Path, precision: str = "f32") -> "SaliencyModel":
        """Load a model folder.

        Raises:
            ModelError: As above, or the folder holds no model.
        """
        info = load_info(folder)
        return cls(info, read_onnx(folder, info), folder, precision)

    def saliency(self, pixels: Iterable[Pixels], target: int | None = None) -> Iterator[Saliency]:
        """Give the saliency of each photo, in order, from one forward pass each.

        Args:
            pixels: Arrays of shape (image_size, image_size, 3), uint8 RGB.
            target: The class to backpropagate; the predicted class of each photo when None.

        Raises:
            ModelError: The network outputs NaN or infinity.
        """
        for probabilities, *values in self._engine.outputs(pixels):
            row = probabilities[0].astype(np.float32)
            if not np.isfinite(row).all():
                raise ModelError(f"{self._where}: outputs NaN or infinity instead of probabilities; train it again")
            chosen = int(row.argmax()) if target is None else target
            by_key = {key_of(port): value for port, value in zip(self.tail.ports, values, strict=True)}
            gradients = self.tail.gradients(by_key, chosen)
            maps = tuple(
                FeatureMaps(
                    _channels_last(by_key[key_of(port)], spatial), _channels_last(gradient, spatial), spatial.mirrored
                )
                for (port, spatial), gradient in zip(self.tail.maps, gradients, strict=True)
            )
            yield Saliency(row, chosen, maps)

    def _open(self, model: Any) -> None:
        # On a copy: constant folding turns int8 weights into floats, and the network would no longer run in int8.
        self.tail = find_tail(model.clone(), self._where)
        if len(self.tail.logits) != len(self.info.class_names):
            raise ModelError(
                f"{self._where}: outputs {len(self.tail.logits)} probabilities, not one for each of the "
                f"{len(self.info.class_names)} classes in model.json; copy the folder again"
            )
        originals = {op.get_friendly_name(): op for op in model.get_ordered_ops()}
        model.add_outputs(
            [originals[port.get_node().get_friendly_name()].output(port.get_index()) for port in self.tail.ports]
        )


def find_tail(model: Any, where: str) -> Tail:
    """Find the part of a network after its last spatial feature maps, from its output backwards.

    Args:
        model: An OpenVINO model for one photo; its constants are folded in place.
        where: The name of the network, for messages.

    Raises:
        ModelError: An operation on the way cannot be backpropagated through.
    """
    import_openvino()
    passes = importlib.import_module("openvino.passes")
    folding = passes.Manager()
    folding.register_pass(passes.ConstantFolding())
    folding.run_passes(model)
    ordered = model.get_ordered_ops()
    spatial = find_spatial_axes(ordered)
    logits = _find_logits(model.outputs[0].get_node().input_value(0), where)
    maps: dict[Key, tuple[Any, SpatialAxes]] = {}
    between: set[str] = set()
    waiting = [port for port, _ in logits]
    while waiting:
        port = waiting.pop()
        key, node = key_of(port), port.get_node()
        if key in spatial:
            maps[key] = (port, spatial[key])
        elif node.get_type_name() != "Constant" and node.get_name() not in between:
            between.add(node.get_name())
            waiting += node.input_values()
    ops = tuple(op for op in ordered if op.get_name() in between)
    if not maps:
        raise ModelError(
            f"{where}: its logits do not depend on the photo, so there is nothing to explain; train it again"
        )
    check_supported(ops, where)
    found = [maps[key] for op in ordered for port in op.outputs() if (key := key_of(port)) in maps]
    return Tail(tuple(found), ops, logits)


def _find_logits(probabilities: Any, where: str) -> tuple[tuple[Any, int], ...]:
    """Return where each class's logit is: the input of the softmax, or of one of several sigmoids."""
    end = probabilities.get_node()
    pieces = [end] if end.get_type_name() != "Concat" else [port.get_node() for port in end.input_values()]
    if {piece.get_type_name() for piece in pieces} not in ({"Softmax"}, {"Sigmoid"}):
        raise ModelError(
            f"{where}: ends in the operation {end.get_type_name()}, not in a softmax or sigmoids, so there are no "
            "logits to compute heat maps from; train it again"
        )
    sources = [piece.input_value(0) for piece in pieces]
    return tuple((source, position) for source in sources for position in range(shape_of(source)[1]))


def _channels_last(values: Array, spatial: SpatialAxes) -> Array:
    """Return values in the shape (views, rows, columns, channels)."""
    moved = np.moveaxis(values, (spatial.rows, spatial.columns), (1, 2))
    return moved.reshape(*moved.shape[:3], -1)
