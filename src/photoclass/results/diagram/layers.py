"""The layers of a saved network, read from `model.onnx`, in the order of the forward pass.

An ONNX file has operations, not layers: a bias is an addition, and int8 a series of rounding and scaling operations.
Here each operation either starts a layer or belongs to the layer before it.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from photoclass.errors import ModelError
from photoclass.model.engine import import_openvino
from photoclass.model.folder import load_info, read_onnx
from photoclass.results.diagram.operations import (
    Constant,
    attribute,
    count_users,
    integers,
    shape_of,
    sources,
    weights_of,
)

_CONVOLUTIONS = frozenset({"Convolution", "GroupConvolution"})
_TRANSPOSED = frozenset({"ConvolutionBackpropData", "GroupConvolutionBackpropData"})
_POOLINGS = {"MaxPool": "max pooling", "AvgPool": "average pooling"}
_GLOBAL_POOLINGS = {"ReduceMean": "global average pooling", "ReduceMax": "global max pooling"}
_ACTIVATIONS = {
    "Relu": "ReLU",
    "PRelu": "leaky ReLU",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Elu": "ELU",
    "Gelu": "GELU",
    "Swish": "SiLU",
    "HSwish": "hard swish",
    "HSigmoid": "hard sigmoid",
    "Mish": "Mish",
    "SoftPlus": "softplus",
    "Clamp": "clipped",
}
_ARITHMETIC = frozenset({"Add", "Subtract", "Multiply", "Divide", "Maximum", "Minimum"})
# Only rounding to int8 and back, or a change of shape.
_SILENT = frozenset({"Convert", "ConvertLike", "FakeQuantize", "Identity", "Squeeze", "Unsqueeze"})
_JOINS = {"Add": "sum", "Multiply": "product", "Concat": "concatenation", "MatMul": "matrix product"}
_BEFORE_WEIGHTS = frozenset({"photo", "photo and mirror image", "scaling"})
_WEIGHTED = frozenset({"convolution", "depthwise convolution", "grouped convolution", "upsampling", "dense"})


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        name: Its name in the file.
        kind: Its type, such as `convolution`; an unknown operation keeps its own name, such as `Einsum`.
        shape: The output shape for one photo: (height, width, channels), (length,) or another; -1 for a dynamic
            dimension.
        parameters: The number of trained parameters; of int8 weights without their scales.
        note: Further properties, such as `3×3, stride 2, ReLU6, int8`.
        kernel: (height, width) of a convolution or pooling; else empty.
        stride: Likewise, in both directions.
        activation: The activation of its output; empty for none.
        is_int8: Whether its weights are 8-bit integers.
        views: The number of views of each photo: 2 if the mirror image is processed too.
        inputs: The layers that it takes its input from, as indices into the list.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int = 0
    note: str = ""
    kernel: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    activation: str = ""
    is_int8: bool = False
    views: int = 1
    inputs: tuple[int, ...] = ()


def describe_network(model: Path) -> tuple[Layer, ...]:
    """List the layers of a saved model, from the photo to the probabilities.

    Args:
        model: The model folder.

    Raises:
        ModelError: The folder has no model, or a damaged one.
    """
    info = load_info(model)
    return read_layers(read_onnx(model, info), info.image_size, f"{model}/model.onnx")


def read_layers(onnx: bytes, image_size: int, where: str) -> tuple[Layer, ...]:
    """List the layers of a network.

    Args:
        onnx: A network on uint8 pixels of shape (N, image_size, image_size, 3).
        image_size: In pixels.
        where: The name of the network, for messages.

    Raises:
        ModelError: The network cannot be read.
    """
    try:
        network = import_openvino().Core().read_model(model=onnx, weights=b"")
        network.reshape({0: [1, image_size, image_size, 3]})
    except RuntimeError as error:
        last_line = str(error).strip().rpartition("\n")[2]
        raise ModelError(f"{where}: cannot be loaded ({last_line}); copy it again") from error
    reader = _Reader()
    for node in network.get_ordered_ops():
        reader.read(node)
    return tuple(draft.layer() for draft in reader.drafts)


@dataclass
class _Draft:
    """A layer whose operations are still being read."""

    name: str
    kind: str
    shape: tuple[int, ...]
    inputs: tuple[int, ...]
    views: int
    channels_last: bool
    parameters: int = 0
    kernel: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    activation: str = ""
    notes: list[str] = field(default_factory=list)
    is_int8: bool = False
    low: Any = 0.0  # the values that bytes 0 and 255 are scaled to
    high: Any = 255.0

    def layer(self) -> Layer:
        if self.kind == "scaling":
            low, high = (f"{value:.3g}".replace("-", "−") for value in (np.min(self.low), np.max(self.high)))
            self.notes = [f"bytes scaled to {low} to {high}"]
        kernel = "×".join(map(str, self.kernel)) + (" kernels" if self.kernel and self.parameters else "")
        steps = "×".join(map(str, dict.fromkeys(self.stride)))
        stride = f"stride {steps}" if steps not in ("", "1") else ""
        parts = [kernel, stride, *self.notes, self.activation, "int8" if self.is_int8 else ""]
        note = ", ".join(part for part in parts if part)
        return Layer(
            self.name,
            self.kind,
            self.shape,
            self.parameters,
            note,
            self.kernel,
            self.stride,
            self.activation,
            self.is_int8,
            self.views,
            self.inputs,
        )


class _Reader:
    """Turns operations into layers, one after another."""

    def __init__(self) -> None:
        self.drafts: list[_Draft] = []
        self._at: dict[str, int] = {}  # the layer of each operation
        self._counted: set[str] = set()
        self._skipped: set[str] = set()

    def read(self, node: Any) -> None:
        """Read the next operation."""
        kind = node.get_type_name()
        if kind == "Parameter":
            self._begin(node, "photo", [], channels_last=True)
            return
        given = sources(node)
        photo = [source for source in given if source.get_name() in self._at]
        # What does not depend on the photo are weights, which are counted where they are used. Shapes are ignored.
        if not photo or kind in ("ShapeOf", "Result"):
            return
        constants = [source for source in given if source.get_name() not in self._at]
        if len(photo) == 1:
            self._read_single(node, kind, photo[0], constants)
        else:
            self._read_joined(node, kind, photo)

    def _read_single(self, node: Any, kind: str, before: Any, constants: list[Any]) -> None:
        """Read an operation with one input that depends on the photo."""
        draft = self.drafts[self._at[before.get_name()]]
        if kind in _SILENT:
            self._belong(node, before)
        elif kind == "Transpose":
            self._belong(node, before)
            self._turn(draft, integers(constants[0]) if constants else [])
        elif kind == "Reshape":
            self._reshape(node, draft, before)
        elif kind in _ACTIVATIONS and not draft.activation and self._can_end(draft, before, node):
            self._belong(node, before)
            draft.activation = self._activation(node, kind, before)
        elif kind in _ARITHMETIC and constants and (weights := weights_of(constants[0])):
            self._compute(node, kind, before, weights)
        elif kind in _CONVOLUTIONS | _TRANSPOSED | {"MatMul", "Gather"} and constants:
            self._weigh(node, kind, before, constants[0])
        elif kind in _POOLINGS:
            pooling = self._begin(node, _POOLINGS[kind], [before])
            pooling.kernel, pooling.stride = attribute(node, "kernel"), attribute(node, "strides")
        elif kind in _GLOBAL_POOLINGS and _positions(shape_of(node)) <= 1 < abs(_positions(shape_of(before))):
            self._begin(node, _GLOBAL_POOLINGS[kind], [before])
        elif kind == "BatchNormInference":
            norm = self._begin(node, "batch norm", [before])
            # Scale and shift are trained; mean and variance, which follow them, are statistics.
            for constant in filter(None, map(weights_of, constants[:2])):
                self._count(norm, constant)
        elif kind in ("Slice", "StridedSlice") and any(-1 in integers(constant) for constant in constants):
            self._begin(node, "mirror image", [before])
        elif draft.views > 1 and _splits_views(node):
            self._belong(node, before)
        else:
            other = self._begin(node, kind.lower() if kind in ("Softmax", "Sigmoid") else kind, [before])
            # In an unknown operation, such as a recurrent one, arrays are weights and scalars are settings.
            for constant in filter(None, map(weights_of, constants)):
                if len(constant.shape) > 1:
                    self._count(other, constant)

    def _read_joined(self, node: Any, kind: str, photo: list[Any]) -> None:
        """Read an operation with several inputs that depend on the photo."""
        if node.get_name() in self._skipped:
            self._belong(node, photo[0])
            return
        layers = {self._at[source.get_name()] for source in photo}
        kinds = {self.drafts[place].kind for place in layers}
        name = _JOINS.get(kind, kind)
        if kind == "Concat" and "mirror image" in kinds and shape_of(node)[0] == len(photo):
            name = "photo and mirror image"
        elif kind == "Add" and _splits_views(photo[0]):
            name = "sum of views"
        draft = self._begin(node, name, photo)
        if name == "photo and mirror image":
            draft.views = len(photo)

    def _begin(self, node: Any, kind: str, before: list[Any], channels_last: bool | None = None) -> _Draft:
        """Start a layer."""
        inputs = tuple(dict.fromkeys(self._at[source.get_name()] for source in before))
        last = any(self.drafts[i].channels_last for i in inputs) if channels_last is None else channels_last
        shape = shape_of(node)
        views = 1 if kind == "sum of views" else max((self.drafts[i].views for i in inputs), default=1)
        draft = _Draft(node.get_friendly_name(), kind, _of_one_photo(shape, last), inputs, views, last)
        self._at[node.get_name()] = len(self.drafts)
        self.drafts.append(draft)
        return draft

    def _belong(self, node: Any, before: Any) -> None:
        """Add an operation to the layer of its input."""
        self._at[node.get_name()] = self._at[before.get_name()]

    def _can_end(self, draft: _Draft, before: Any, node: Any) -> bool:
        """Return whether an activation belongs to a layer: its input is not used elsewhere."""
        if draft.kind in _BEFORE_WEIGHTS:
            return False
        return count_users(before) == 1 or self._gate(node, before) is not None

    def _gate(self, node: Any, before: Any) -> Any | None:
        """Return the product of an operation's output with its input, as in x * sigmoid(x), if it is their only use."""
        targets = [target.get_node() for port in node.outputs() for target in port.get_target_inputs()]
        if len(targets) != 1 or targets[0].get_type_name() != "Multiply" or count_users(before) != 2:
            return None
        names = {source.get_name() for source in sources(targets[0])}
        return targets[0] if names == {node.get_name(), before.get_name()} else None

    def _activation(self, node: Any, kind: str, before: Any) -> str:
        gate = self._gate(node, before)
        if gate is None:
            return _ACTIVATIONS[kind]
        self._skipped.add(gate.get_name())
        return {"Sigmoid": "SiLU", "HSigmoid": "hard swish"}.get(kind, f"times its own {_ACTIVATIONS[kind]}")

    def _turn(self, draft: _Draft, order: list[int]) -> None:
        """Track the position of the channels after a transposition."""
        if order == [0, 3, 1, 2]:
            draft.channels_last = False
        elif order == [0, 2, 3, 1]:
            draft.channels_last = True

    def _reshape(self, node: Any, draft: _Draft, before: Any) -> None:
        """Read a reshape; it is a layer if it changes more than dimensions of size 1."""
        old = [side for side in shape_of(before)[1:] if side != 1]
        new = [side for side in shape_of(node)[1:] if side != 1]
        if old == new:
            self._belong(node, before)
        else:
            self._begin(node, "flattening" if len(new) <= 1 else "reshape", [before], channels_last=False)

    def _compute(self, node: Any, kind: str, before: Any, constant: Constant) -> None:
        """Read an arithmetic operation with a constant."""
        draft = self.drafts[self._at[before.get_name()]]
        is_one_number = constant.size == 1
        ends = draft.kind in _WEIGHTED and not draft.activation and count_users(before) == 1
        if draft.kind in _BEFORE_WEIGHTS and kind in ("Add", "Subtract", "Multiply", "Divide"):
            self._scale(node, kind, before, constant)
        elif kind in ("Maximum", "Minimum") and is_one_number:
            self._clip(node, kind, before, float(constant.values().ravel()[0]))
        elif ends and constant.shape:
            self._belong(node, before)
            self._count(draft, constant)
        elif is_one_number:
            self._belong(node, before)
            if kind == "Divide" and draft.kind == "sum of views":
                draft.kind = "mean of both views"
        else:
            name = {"Add": "shift", "Subtract": "shift", "Multiply": "scale", "Divide": "scale"}.get(kind, kind)
            self._count(self._begin(node, name, [before]), constant)

    def _scale(self, node: Any, kind: str, before: Any, constant: Constant) -> None:
        """Read the scaling of the pixels before the first weights."""
        draft = self.drafts[self._at[before.get_name()]]
        if draft.kind == "scaling":
            self._belong(node, before)
        else:
            draft = self._begin(node, "scaling", [before])
        values = constant.values().ravel()
        apply = {"Add": np.add, "Subtract": np.subtract, "Multiply": np.multiply, "Divide": np.divide}[kind]
        with np.errstate(all="ignore"):
            draft.low, draft.high = apply(draft.low, values), apply(draft.high, values)

    def _clip(self, node: Any, kind: str, before: Any, limit: float) -> None:
        draft = self.drafts[self._at[before.get_name()]]
        if kind == "Maximum" and limit == 0 and not draft.activation:
            draft.activation = "ReLU"
        elif kind == "Minimum" and draft.activation == "ReLU":
            draft.activation = f"ReLU{limit:g}"
        else:
            draft.notes.append(f"at {'least' if kind == 'Maximum' else 'most'} {limit:g}")
        self._belong(node, before)

    def _weigh(self, node: Any, kind: str, before: Any, operand: Any) -> None:
        """Read a layer with weights."""
        constant = weights_of(operand)
        draft = self._begin(node, "dense" if kind == "MatMul" else kind, [before])
        if constant is None:
            return
        self._count(draft, constant)
        draft.is_int8 = constant.kind in ("i8", "u8")
        if kind in _CONVOLUTIONS | _TRANSPOSED:
            draft.channels_last = False
            draft.shape = _of_one_photo(shape_of(node), channels_last=False)
            # In the layout of ONNX: (output channels, input channels of a group, height, width).
            draft.kernel, draft.stride = constant.shape[2:], attribute(node, "strides")
            draft.kind = _kind_of_convolution(kind, constant.shape)

    def _count(self, draft: _Draft, constant: Constant) -> None:
        if constant.name in self._counted:
            draft.notes.append("weights shared with an earlier layer")
            return
        self._counted.add(constant.name)
        draft.parameters += constant.size


def _splits_views(node: Any) -> bool:
    """Return whether an operation splits the views of a photo, to add them."""
    if node.get_type_name() not in ("Split", "VariadicSplit") or shape_of(node)[:1] != (1,):
        return False
    targets = [target.get_node() for port in node.outputs() for target in port.get_target_inputs()]
    return len({target.get_name() for target in targets}) == 1 and targets[0].get_type_name() == "Add"


def _kind_of_convolution(kind: str, weights: tuple[int, ...]) -> str:
    if kind in _TRANSPOSED:
        return "upsampling"
    if kind == "Convolution":
        return "convolution"
    return "depthwise convolution" if weights[1:2] == (1,) else "grouped convolution"


def _of_one_photo(shape: tuple[int, ...], channels_last: bool) -> tuple[int, ...]:
    """Return the shape for one photo, channels last; feature maps of 1x1 become a vector."""
    if len(shape) != 4:
        return shape[1:]
    _, *sides = shape
    height, width, channels = sides if channels_last else (sides[1], sides[2], sides[0])
    return (channels,) if height == width == 1 else (height, width, channels)


def _positions(shape: tuple[int, ...]) -> int:
    """Return the number of positions of feature maps, channels first; 0 for other tensors, -2 if it is dynamic."""
    if len(shape) != 4:
        return 0
    return -2 if -1 in shape[2:] else shape[2] * shape[3]
