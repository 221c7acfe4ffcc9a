"""A user's ONNX network as a backbone: wrapped to take uint8 photos and return one row of features per photo."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from photoclass.errors import ModelError, SettingsError
from photoclass.model.folder import refers_to_files
from photoclass.networks.pretrained.onnx_trial import check_batch, output_shape
from photoclass.photos.decode_settings import MAX_IMAGE_SIZE

MAX_FILE_BYTES = 1 << 30  # the saved model contains the whole network, and ONNX files are limited to 2 GiB
_LEAST_SIDE = 8
_COLOURS = 3
# The first versions in which all operators added before and after the network have today's meaning.
_LEAST_OPSET, _LEAST_IR_VERSION = 9, 8
# Prefix of all names in the user's network, so that none clashes with the added ones.
_PREFIX = "network."
_EXPECTED_INPUT = "RGB photos, float32 or uint8, of shape (N, 3, height, width) or (N, height, width, 3)"
_EXPECTED_OUTPUT = "features, float32, of shape (N, D), (N, D, 1, 1) or square maps (N, D, height, width)"


@dataclass(frozen=True)
class FileNetwork:
    """A network from a file, wrapped as a backbone.

    Attributes:
        onnx: uint8 pixels (N, image_size, image_size, 3) in, features (N, D) out.
        image_size: Side of its square input, in pixels.
        sha256: Checksum of the file.
    """

    onnx: bytes
    image_size: int
    sha256: str


@dataclass(frozen=True)
class _Input:
    """The input of the network."""

    name: str
    image_size: int
    channels_first: bool
    is_float: bool


def read_network(path: Path, size: int, mean: tuple[float, ...], std: tuple[float, ...]) -> FileNetwork:
    """Read a network that computes features of photos, and wrap it. No other file is read.

    Args:
        path: The file.
        size: Side of its square input, in pixels; 0 if the file fixes it.
        mean: Mean subtracted from pixels in [0, 1], per colour channel or for all; empty for a uint8 network.
        std: Standard deviation that pixels are then divided by.

    Raises:
        ModelError: There is no such file, or it is not such a network; the message says what was expected and found.
        SettingsError: `size`, `mean` or `std` are missing or do not fit the network.
    """
    content = _read(path)
    model = _parse(content, path)
    entry = _find_input(model.graph, size, path)
    _check_scaling(entry, mean, std, path)
    output = _find_output(model.graph, path)
    opened = [*_input_nodes(entry), *model.graph.node]
    constants = [*_input_constants(entry, mean, std), *model.graph.initializer]
    shape = output_shape(_assemble(model, entry, opened, constants, output), entry.image_size, path)
    # Feature maps of square photos are square. If these are not, they are channels-last, and a mean over the last two
    # axes would mix features.
    if len(shape) not in (2, 4) or shape[2:3] != shape[3:]:
        raise ModelError(f"{path}: returns {list(shape)} for one photo; a backbone returns {_EXPECTED_OUTPUT}")
    if len(shape) == 4:
        closing = [
            helper.make_node("GlobalAveragePool", [output], ["backbone.means"]),
            helper.make_node("Flatten", ["backbone.means"], ["features"]),
        ]
    else:
        closing = [helper.make_node("Identity", [output], ["features"])]
    wrap = _assemble(model, entry, [*opened, *closing], constants, "features", ["photos", shape[1]])
    if refers_to_files(wrap):
        raise ModelError(
            f"{path}: has 'location' in the name of a layer, which is not allowed in saved models; rename the layer"
        )
    check_batch(wrap, entry.image_size, path)
    return FileNetwork(wrap, entry.image_size, hashlib.sha256(content).hexdigest())


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise ModelError(f"{path}: there is no such file; give an ONNX file as --backbone")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(f"{path}: larger than {MAX_FILE_BYTES:,} bytes; give a smaller network as --backbone")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error


def _parse(content: bytes, path: Path) -> ModelProto:
    """Parse and check a model, remove its annotations, and prefix its names."""
    try:
        model = onnx.load_model_from_string(content)
        if any(tensor.data_location == TensorProto.EXTERNAL or tensor.external_data for tensor in _tensors(model)):
            raise ModelError(f"{path}: keeps weights in other files, which is not allowed; export it as one file")
        onnx.checker.check_model(model)
    except (
        DecodeError,
        onnx.checker.ValidationError,
        UnicodeDecodeError,
    ) as error:  # the last: invalid bytes in a name
        reason = (str(error).strip().splitlines() or ["empty"])[0]
        raise ModelError(f"{path}: not an ONNX file, or damaged or cut short ({reason}); export it again") from error
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if opset < _LEAST_OPSET:
        raise ModelError(f"{path}: uses ONNX opset {opset}; export it with opset {_LEAST_OPSET} or later")
    for node in model.graph.node:  # annotations of the exporter: lines of source code with their paths
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    return onnx.compose.add_prefix(model, _PREFIX, inplace=True)


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    """Yield every constant tensor of a model, also those in subgraphs and functions."""
    yield from _tensors_of_graph(model.graph)
    for function in model.functions:
        yield from _tensors_of_nodes(function.node)


def _tensors_of_graph(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _tensors_of_nodes(graph.node)


def _tensors_of_nodes(nodes: Iterable[NodeProto]) -> Iterator[TensorProto]:
    for node in nodes:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            for graph in (attribute.g, *attribute.graphs):
                yield from _tensors_of_graph(graph)


def _find_input(graph: GraphProto, size: int, path: Path) -> _Input:
    """Return the only input, or raise if it does not take photos."""
    constants = {constant.name for constant in graph.initializer}
    inputs = [entry for entry in graph.input if entry.name not in constants]
    found = ", ".join(map(_describe, inputs)) or "nothing"
    kind = inputs[0].type.tensor_type if len(inputs) == 1 else None
    if (
        kind is None
        or kind.elem_type not in (TensorProto.FLOAT, TensorProto.UINT8)
        or len(kind.shape.dim) != 4
        or (kind.shape.dim[1].dim_value == _COLOURS) == (kind.shape.dim[3].dim_value == _COLOURS)
    ):
        raise ModelError(f"{path}: takes {found}; a backbone takes {_EXPECTED_INPUT}")
    channels_first = kind.shape.dim[1].dim_value == _COLOURS
    sides = {side.dim_value for side in (kind.shape.dim[2:] if channels_first else kind.shape.dim[1:3])} - {0}
    if len(sides) > 1:
        raise ModelError(f"{path}: takes {found}; a backbone takes square images")
    (side,) = sides or {size}
    if not side:
        raise SettingsError(f"{path}: takes photos of any size; choose one with --backbone-size, for example 224")
    if size not in (0, side):
        raise SettingsError(f"{path}: takes {side} px, not {size}; leave out --backbone-size")
    if not _LEAST_SIDE <= side <= MAX_IMAGE_SIZE:
        raise SettingsError(f"{path}: photos of {side} px; it must be from {_LEAST_SIDE} to {MAX_IMAGE_SIZE}")
    return _Input(inputs[0].name, side, channels_first, kind.elem_type == TensorProto.FLOAT)


def _check_scaling(entry: _Input, mean: tuple[float, ...], std: tuple[float, ...], path: Path) -> None:
    if entry.is_float and not mean:
        raise SettingsError(
            f"{path}: takes float32; normalise pixels in [0, 1] with --backbone-mean and --backbone-std: "
            "0.485,0.456,0.406 and 0.229,0.224,0.225 (ImageNet), 0 and 1 (unchanged), or 0 and 1/255 (0 to 255)"
        )
    if not entry.is_float and mean:
        raise SettingsError(f"{path}: takes uint8 pixels; leave out --backbone-mean and --backbone-std")


def _find_output(graph: GraphProto, path: Path) -> str:
    """Return the name of the only output."""
    outputs = list(graph.output)
    if len(outputs) != 1 or outputs[0].type.tensor_type.elem_type != TensorProto.FLOAT:
        found = ", ".join(map(_describe, outputs)) or "nothing"
        raise ModelError(f"{path}: returns {found}; a backbone returns {_EXPECTED_OUTPUT}, and nothing else")
    name: str = outputs[0].name
    return name


def _input_nodes(entry: _Input) -> list[NodeProto]:
    """Return the chain of nodes from uint8 pixels to the network's input."""
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


def _input_constants(entry: _Input, mean: tuple[float, ...], std: tuple[float, ...]) -> list[TensorProto]:
    if not entry.is_float:
        return []
    shape = (1, -1, 1, 1) if entry.channels_first else (1, 1, 1, -1)
    # (pixel / 255 - mean) / std, written with one operation less.
    return [
        numpy_helper.from_array((255 * np.array(values)).astype(np.float32).reshape(shape), name)
        for name, values in (("backbone.mean", mean), ("backbone.std", std))
    ]


def _assemble(
    model: ModelProto,
    entry: _Input,
    nodes: list[NodeProto],
    constants: list[TensorProto],
    output: str,
    shape: list[Any] | None = None,
) -> bytes:
    """Assemble a model with a dynamic batch size. Shapes that the file declares for inner tensors are dropped."""
    side = entry.image_size
    graph = helper.make_graph(
        nodes,
        "backbone",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["photos", side, side, _COLOURS])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        constants,
    )
    graph.sparse_initializer.extend(model.graph.sparse_initializer)
    whole = helper.make_model(graph, opset_imports=model.opset_import, functions=model.functions)
    whole.ir_version = max(model.ir_version, _LEAST_IR_VERSION)
    content: bytes = whole.SerializeToString(deterministic=True)
    return content


def _describe(entry: ValueInfoProto) -> str:
    """Describe an input or output, for example `'images' FLOAT (N, 3, 224, 224)`."""
    kind = entry.type.tensor_type
    sizes = ", ".join(str(size.dim_value or size.dim_param or "?") for size in kind.shape.dim)
    types = dict(zip(TensorProto.DataType.values(), TensorProto.DataType.keys(), strict=True))
    name = types.get(kind.elem_type, f"type {kind.elem_type}")
    return f"{entry.name.removeprefix(_PREFIX)!r} {name} ({sizes})"
