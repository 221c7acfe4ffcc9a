"""The input of a user's network: found, checked, and joined to uint8 photos by a few nodes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

from photoclass.errors import ModelError, SettingsError
from photoclass.networks.pretrained.onnx_file.parse import describe_ports
from photoclass.photos.decode_settings import MAX_IMAGE_SIZE

COLOURS = 3
_LEAST_SIDE = 8
_EXPECTED = "RGB photos, float32 or uint8, of shape (N, 3, height, width) or (N, height, width, 3)"


@dataclass(frozen=True)
class NetworkInput:
    """The input of a network.

    Attributes:
        name: Its name in the graph.
        image_size: Side of the square photos that it takes, in pixels.
        channels_first: Whether its shape is (N, 3, height, width), not (N, height, width, 3).
        is_float: Whether it takes float32, not uint8.
    """

    name: str
    image_size: int
    channels_first: bool
    is_float: bool


def find_input(graph: GraphProto, size: int, usual_size: int, where: str) -> NetworkInput:
    """Return the only input, or raise if it does not take photos.

    Args:
        graph: The network.
        size: The requested side of its square input, in pixels; 0 for none.
        usual_size: The side to take where neither the file nor `size` fixes it; 0 for none.
        where: Its file, for messages.

    Raises:
        ModelError: It takes something else.
        SettingsError: `size` is missing, or is not what it takes.
    """
    constants = {constant.name for constant in graph.initializer}
    inputs = [entry for entry in graph.input if entry.name not in constants]
    found = describe_ports(inputs)
    kind = inputs[0].type.tensor_type if len(inputs) == 1 else None
    if (
        kind is None
        or kind.elem_type not in (TensorProto.FLOAT, TensorProto.UINT8)
        or len(kind.shape.dim) != 4
        or (kind.shape.dim[1].dim_value == COLOURS) == (kind.shape.dim[3].dim_value == COLOURS)
    ):
        raise ModelError(f"{where}: takes {found}; a backbone takes {_EXPECTED}")
    channels_first = kind.shape.dim[1].dim_value == COLOURS
    sides = {side.dim_value for side in (kind.shape.dim[2:] if channels_first else kind.shape.dim[1:3])} - {0}
    if len(sides) > 1:
        raise ModelError(f"{where}: takes {found}; a backbone takes square images")
    (side,) = sides or {size or usual_size}
    if not side:
        raise SettingsError(f"{where}: takes photos of any size; choose one with --backbone-size, for example 224")
    if size not in (0, side):
        raise SettingsError(f"{where}: takes {side} px, not {size}; leave out --backbone-size")
    if not _LEAST_SIDE <= side <= MAX_IMAGE_SIZE:
        raise SettingsError(f"{where}: photos of {side} px; it must be from {_LEAST_SIDE} to {MAX_IMAGE_SIZE}")
    return NetworkInput(inputs[0].name, side, channels_first, kind.elem_type == TensorProto.FLOAT)


def check_scaling(entry: NetworkInput, mean: tuple[float, ...], std: tuple[float, ...], where: str) -> None:
    """Check that a mean and a standard deviation are there if and only if the network takes float32.

    Raises:
        SettingsError: They are missing, or there is nothing to scale.
    """
    if entry.is_float and not mean:
        raise SettingsError(
            f"{where}: takes float32; normalise pixels in [0, 1] with --backbone-mean and --backbone-std: "
            "0.485,0.456,0.406 and 0.229,0.224,0.225 (ImageNet), 0 and 1 (unchanged), or 0 and 1/255 (0 to 255)"
        )
    if not entry.is_float and (mean or std):
        raise SettingsError(f"{where}: takes uint8 pixels; leave out --backbone-mean and --backbone-std")


def input_nodes(entry: NetworkInput) -> list[NodeProto]:
    """Return the chain of nodes from uint8 `pixels` to the network's input."""
    steps: list[tuple[str, list[str], dict[str, Any]]] = []
    if entry.channels_first:
        steps.append(("Transpose", [], {"perm": [0, 3, 1, 2]}))
    if entry.is_float:
        steps.append(("Cast", [], {"to": TensorProto.FLOAT}))
        steps.append(("Sub", ["backbone.mean"], {}))
        steps.append(("Div", ["backbone.std"], {}))
    steps = steps or [("Identity", [], {})]
    names = ["pixels", *(f"backbone.input_{i}" for i in range(1, len(steps))), entry.name]
    return [
        helper.make_node(operator, [names[i], *more], [names[i + 1]], **attributes)
        for i, (operator, more, attributes) in enumerate(steps)
    ]


def input_constants(entry: NetworkInput, mean: tuple[float, ...], std: tuple[float, ...]) -> list[TensorProto]:
    """Return the constants of these nodes; `mean` and `std` are for pixels in [0, 1]."""
    if not entry.is_float:
        return []
    shape = (1, -1, 1, 1) if entry.channels_first else (1, 1, 1, -1)
    # (pixel / 255 - mean) / std, written with one operation less.
    return [
        numpy_helper.from_array((255 * np.array(values)).astype(np.float32).reshape(shape), name)
        for name, values in (("backbone.mean", mean), ("backbone.std", std))
    ]
