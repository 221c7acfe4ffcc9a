"""The layers of a saved network as a person counts them, read from `model.onnx` itself, in the order a photo travels.

An ONNX file has no layers but operations: a bias is an addition, int8 is a row of roundings and scales. Here an
operation either begins a layer, or belongs to the one before it.
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
    integers,
    readers,
    shape_of,
    sources,
    weights_of,
)

_CONVOLUTIONS = frozenset({"Convolution", "GroupConvolution"})
_TRANSPOSED = frozenset({"ConvolutionBackpropData", "GroupConvolutionBackpropData"})
_POOLINGS = {"MaxPool": "max pooling", "AvgPool": "mean pooling"}
_OVER_PLACES = {"ReduceMean": "mean over all places", "ReduceMax": "maximum over all places"}
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
# Between the rounding to int8 and back, or the order of numbers alone: nothing that a photo would notice.
_SILENT = frozenset({"Convert", "ConvertLike", "FakeQuantize", "Identity", "Squeeze", "Unsqueeze"})
_JOINS = {"Add": "sum", "Multiply": "product", "Concat": "concatenation", "MatMul": "matrix product"}
_BEFORE_WEIGHTS = frozenset({"photo", "photo and mirror image", "scaling"})
_TAKE_WEIGHTS = frozenset({"convolution", "depthwise convolution", "grouped convolution", "upsampling", "dense"})


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        name: What the file calls it.
        kind: In words, as `convolution`; an operation that is not known keeps its own name, as `Einsum`.
        shape: What it gives for one photo: (height, width, channels), or (length,), or whatever other; -1 for what is
            not fixed.
        parameters: Numbers that were learnt. Those of int8 weights are counted once, their scales are not.
        note: What else there is to say, as `3×3, stride 2, ReLU to 6, int8`.
        kernel: (height, width) of a convolution or pooling, else empty.
        stride: Of these, in both directions.
        activation: What its output goes through, or empty.
        is_int8: Whether its weights are steps of 8 bits.
        views: How many pictures of each photo it sees: 2 where the mirror image goes the same way.
        inputs: Which layers it takes from, by their place in the list.
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
        ModelError: The folder holds no model, or one that is damaged.
    """
    info = load_info(model)
    return read_layers(read_onnx(model, info), info.image_size, f"{model}/model.onnx")


def read_layers(onnx: bytes, image_size: int, where: str) -> tuple[Layer, ...]:
    """List the layers of a network.

    Args:
        onnx: Takes uint8 pixels of shape (N, image_size, image_size, 3).
        image_size: In pixels.
        where: Where it comes from, for messages.

    Raises:
        ModelError: It cannot be read.
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
    words: list[str] = field(default_factory=list)
    is_int8: bool = False
    low: Any = 0.0  # what the bytes 0 and 255 have become, for scaling
    high: Any = 255.0

    def layer(self) -> Layer:
        if self.kind == "scaling":
            low, high = (f"{value:.3g}".replace("-", "−") for value in (np.min(self.low), np.max(self.high)))
            self.words = [f"bytes become {low} to {high}"]
        kernel = "×".join(map(str, self.kernel)) + (" kernels" if self.kernel and self.parameters else "")
        steps = "×".join(map(str, dict.fromkeys(self.stride)))
        stride = f"stride {steps}" if steps not in ("", "1") else ""
        words = [kernel, stride, *self.words, self.activation, "int8" if self.is_int8 else ""]
        note = ", ".join(word for word in words if word)
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
    """Turns operations into layers, one after the other."""

    def __init__(self) -> None:
        self.drafts: list[_Draft] = []
        self._at: dict[str, int] = {}  # which layer an operation belongs to
        self._counted: set[str] = set()
        self._skipped: set[str] = set()

    def read(self, node: Any) -> None:
        """Take the next operation."""
        kind = node.get_type_name()
        if kind == "Parameter":
            self._begin(node, "photo", [], channels_last=True)
            return
        given = sources(node)
        photo = [source for source in given if source.get_name() in self._at]
        # What depends on no photo are weights, which are counted where they are used; shapes are no way of a photo.
        if not photo or kind in ("ShapeOf", "Result"):
            return
        constants = [source for source in given if source.get_name() not in self._at]
        if len(photo) == 1:
            self._go_on(node, kind, photo[0], constants)
        else:
            self._join(node, kind, photo)

    def _go_on(self, node: Any, kind: str, before: Any, constants: list[Any]) -> None:
        """Read an operation on what one other gives."""
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
        elif kind in _OVER_PLACES and _places(shape_of(node)) <= 1 < abs(_places(shape_of(before))):
            self._begin(node, _OVER_PLACES[kind], [before])
        elif kind == "BatchNormInference":
            norm = self._begin(node, "batch norm", [before])
            # Scale and shift were learnt; mean and variance, which come after them, were measured.
            for constant in filter(None, map(weights_of, constants[:2])):
                self._count(norm, constant)
        elif kind in ("Slice", "StridedSlice") and any(-1 in integers(constant) for constant in constants):
            self._begin(node, "mirror image", [before])
        elif draft.views > 1 and _parts_views(node):
            self._belong(node, before)
        else:
            other = self._begin(node, kind.lower() if kind in ("Softmax", "Sigmoid") else kind, [before])
            # Of an operation that is not known, as a recurrent one, tables are weights; single numbers are settings.
            for constant in filter(None, map(weights_of, constants)):
                if len(constant.shape) > 1:
                    self._count(other, constant)

    def _join(self, node: Any, kind: str, photo: list[Any]) -> None:
        """Read an operation on what several others give."""
        if node.get_name() in self._skipped:
            self._belong(node, photo[0])
            return
        spatial = {self._at[source.get_name()] for source in photo}
        kinds = {self.drafts[place].kind for place in spatial}
        name = _JOINS.get(kind, kind)
        if kind == "Concat" and "mirror image" in kinds and shape_of(node)[0] == len(photo):
            name = "photo and mirror image"
        elif kind == "Add" and _parts_views(photo[0]):
            name = "sum of views"
        draft = self._begin(node, name, photo)
        if name == "photo and mirror image":
            draft.views = len(photo)

    def _begin(self, node: Any, kind: str, before: list[Any], channels_last: bool | None = None) -> _Draft:
        """Begin a layer."""
        inputs = tuple(dict.fromkeys(self._at[source.get_name()] for source in before))
        last = any(self.drafts[i].channels_last for i in inputs) if channels_last is None else channels_last
        shape = shape_of(node)
        views = 1 if kind == "sum of views" else max((self.drafts[i].views for i in inputs), default=1)
        draft = _Draft(node.get_friendly_name(), kind, _of_one_photo(shape, last), inputs, views, last)
        self._at[node.get_name()] = len(self.drafts)
        self.drafts.append(draft)
        return draft

    def _belong(self, node: Any, before: Any) -> None:
        """Let an operation belong to the layer of the one before it."""
        self._at[node.get_name()] = self._at[before.get_name()]

    def _can_end(self, draft: _Draft, before: Any, node: Any) -> bool:
        """Tell whether an activation belongs to a layer: nothing else takes what comes before it."""
        if draft.kind in _BEFORE_WEIGHTS:
            return False
        return readers(before) == 1 or self._gate(node, before) is not None

    def _gate(self, node: Any, before: Any) -> Any | None:
        """Return the product of an operation's output with its input, x * sigmoid(x), if that is all there is."""
        targets = [target.get_node() for port in node.outputs() for target in port.get_target_inputs()]
        if len(targets) != 1 or targets[0].get_type_name() != "Multiply" or readers(before) != 2:
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
        """Keep in mind where channels stand after a transposition."""
        if order == [0, 3, 1, 2]:
            draft.channels_last = False
        elif order == [0, 2, 3, 1]:
            draft.channels_last = True

    def _reshape(self, node: Any, draft: _Draft, before: Any) -> None:
        """Read a reshape: of maps to a row it is a layer, as is whatever moves numbers between dimensions."""
        old = [side for side in shape_of(before)[1:] if side != 1]
        new = [side for side in shape_of(node)[1:] if side != 1]
        if old == new:
            self._belong(node, before)
        else:
            self._begin(node, "flattening" if len(new) <= 1 else "reshape", [before], channels_last=False)

    def _compute(self, node: Any, kind: str, before: Any, constant: Constant) -> None:
        """Read an addition, multiplication, ... of a constant."""
        draft = self.drafts[self._at[before.get_name()]]
        is_one_number = constant.size == 1
        ends = draft.kind in _TAKE_WEIGHTS and not draft.activation and readers(before) == 1
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
        """Read what pixels go through before the first weights."""
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
            draft.activation = f"ReLU to {limit:g}"
        else:
            draft.words.append(f"at {'least' if kind == 'Maximum' else 'most'} {limit:g}")
        self._belong(node, before)

    def _weigh(self, node: Any, kind: str, before: Any, operand: Any) -> None:
        """Read a layer of weights."""
        constant = weights_of(operand)
        draft = self._begin(node, "dense" if kind == "MatMul" else kind, [before])
        if constant is None:
            return
        self._count(draft, constant)
        draft.is_int8 = constant.kind in ("i8", "u8")
        if kind in _CONVOLUTIONS | _TRANSPOSED:
            draft.channels_last = False
            draft.shape = _of_one_photo(shape_of(node), channels_last=False)
            # ONNX has (out, in of a group, height, width), whatever OpenVINO makes of it.
            draft.kernel, draft.stride = constant.shape[2:], attribute(node, "strides")
            draft.kind = _kind_of_convolution(kind, constant.shape)

    def _count(self, draft: _Draft, constant: Constant) -> None:
        if constant.name in self._counted:
            draft.words.append("weights shared with a layer before")
            return
        self._counted.add(constant.name)
        draft.parameters += constant.size


def _parts_views(node: Any) -> bool:
    """Tell whether an operation takes the views of a photo apart, to be added up again."""
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
    """Return a shape without the photos, channels last; a row that has places of one stays a row."""
    if len(shape) != 4:
        return shape[1:]
    _, *sides = shape
    height, width, channels = sides if channels_last else (sides[1], sides[2], sides[0])
    return (channels,) if height == width == 1 else (height, width, channels)


def _places(shape: tuple[int, ...]) -> int:
    """Count the places of maps, channels first: what is no map has none, -1 if they are not fixed."""
    if len(shape) != 4:
        return 0
    return -2 if -1 in shape[2:] else shape[2] * shape[3]
