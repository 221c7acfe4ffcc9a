"""A user's ONNX network as a backbone: wrapped to take uint8 photos and return one row of features per photo."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from onnx import ModelProto, NodeProto, TensorProto, helper

from photoclass.errors import ModelError
from photoclass.model.folder import refers_to_files
from photoclass.networks.pretrained.onnx_file.inputs import (
    COLOURS,
    NetworkInput,
    check_scaling,
    find_input,
    input_constants,
    input_nodes,
)
from photoclass.networks.pretrained.onnx_file.outputs import find_output, looks_like_classes, reduce_output
from photoclass.networks.pretrained.onnx_file.parse import parse_network
from photoclass.networks.pretrained.onnx_file.trial import check_batch, output_shape

MAX_FILE_BYTES = 1 << 30  # the saved model contains the whole network, and ONNX files are limited to 2 GiB
# The first version of the file format in which all operators added before and after the network have their meaning.
_LEAST_IR_VERSION = 8


@dataclass(frozen=True)
class FileOptions:
    """How a network from a file is used.

    Attributes:
        size: Side of its square input, in pixels; 0 if the file fixes it.
        mean: Mean subtracted from pixels in [0, 1], per colour channel or for all; empty for a uint8 network.
        std: Standard deviation that pixels are then divided by.
        output: What the features are: `class`, `mean` or `both` of a transformer's tokens; `penultimate`, what a
            classifier's last linear layer takes; the name of an output; or empty for the only one.
    """

    size: int = 0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    output: str = ""


UNSAID = FileOptions()


@dataclass(frozen=True)
class FileNetwork:
    """A network from a file, wrapped as a backbone.

    Attributes:
        onnx: uint8 pixels (N, image_size, image_size, 3) in, features (N, D) out.
        image_size: Side of its square input, in pixels.
        sha256: Checksum of the file.
        options: How it is used: those requested, and where these leave it open, what its publisher says.
        note: What the user should know of its output, in one line; empty for nothing.
    """

    onnx: bytes
    image_size: int
    sha256: str
    options: FileOptions
    note: str = ""


def read_network(path: Path, options: FileOptions, where: str = "", usual: FileOptions = UNSAID) -> FileNetwork:
    """Read a network that computes features of photos, and wrap it. No other file is read.

    Args:
        path: The file.
        options: How it is used.
        where: What messages call it; by default its path.
        usual: Size and scaling that its publisher names, taken where neither `options` nor the file says them.

    Raises:
        ModelError: There is no such file, or it is not such a network; the message says what was expected and found.
        SettingsError: The options are incomplete or do not fit the network.
    """
    where = where or str(path)
    content = _read(path, where)
    model = parse_network(content, where)
    entry = find_input(model.graph, options.size, usual.size, where)
    if entry.is_float and not options.mean:
        options = replace(options, mean=usual.mean, std=usual.std)
    options = replace(options, size=entry.image_size)
    check_scaling(entry, options.mean, options.std, where)
    output = find_output(model.graph, options.output, where)
    opened = [*input_nodes(entry), *model.graph.node]
    constants = [*input_constants(entry, options.mean, options.std), *model.graph.initializer]
    shape = output_shape(_assemble(model, entry, opened, constants, output), entry.image_size, where)
    reduction = reduce_output(output, shape, entry.image_size, options.output, where)
    nodes, constants = [*opened, *reduction.nodes], [*constants, *reduction.constants]
    wrap = _assemble(model, entry, nodes, constants, "features", ["photos", reduction.width])
    if refers_to_files(wrap):
        raise ModelError(
            f"{where}: has 'location' in the name of a layer, which is not allowed in saved models; rename the layer"
        )
    check_batch(wrap, entry.image_size, where)
    note = ""
    if not options.output and looks_like_classes(output, reduction.width):
        note = (
            f"{where}: its output seems to be scores of {reduction.width:,} classes, which are used as features; "
            "--backbone-output penultimate takes what they are computed from"
        )
    return FileNetwork(wrap, entry.image_size, hashlib.sha256(content).hexdigest(), options, note)


def _read(path: Path, where: str) -> bytes:
    try:
        if not path.is_file():
            raise ModelError(f"{where}: there is no such file; give an ONNX file as --backbone")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(f"{where}: larger than {MAX_FILE_BYTES:,} bytes; give a smaller network as --backbone")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{where}: cannot be read ({error.strerror})") from error


def _assemble(
    model: ModelProto,
    entry: NetworkInput,
    nodes: list[NodeProto],
    constants: list[TensorProto],
    output: str,
    shape: list[Any] | None = None,
) -> bytes:
    """Assemble a model with a dynamic batch size. Shapes that the file declares for inner tensors are dropped."""
    side = entry.image_size
    nodes = _needed(nodes, output)
    used = {name for node in nodes for name in _taken(node)} | {output}
    graph = helper.make_graph(
        nodes,
        "backbone",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["photos", side, side, COLOURS])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape)],
        [constant for constant in constants if constant.name in used],
    )
    graph.sparse_initializer.extend(model.graph.sparse_initializer)
    whole = helper.make_model(graph, opset_imports=model.opset_import, functions=model.functions)
    whole.ir_version = max(model.ir_version, _LEAST_IR_VERSION)
    content: bytes = whole.SerializeToString(deterministic=True)
    return content


def _needed(nodes: list[NodeProto], output: str) -> list[NodeProto]:
    """Return the nodes that an output is computed from: a network may have others, and a classifier's last layer."""
    needed, wanted = [], {output}
    for node in reversed(nodes):  # the standard asks for topological order
        if not wanted.isdisjoint(node.output):
            needed.append(node)
            wanted.update(_taken(node))
    return needed[::-1]


def _taken(node: NodeProto) -> Iterator[str]:
    """Yield the names that a node takes, those that its subgraphs take from outside included."""
    yield from node.input
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from _taken(inner)
            yield from (output.name for output in graph.output)
