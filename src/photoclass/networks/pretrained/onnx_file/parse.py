"""From the bytes of an ONNX file to a checked model: one file, standard operators, names with a prefix."""

from collections.abc import Iterable, Iterator

import onnx
from google.protobuf.message import DecodeError
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from photoclass.errors import ModelError

# The first version in which all operators added before and after the network have today's meaning.
_LEAST_OPSET = 9
# Prefix of all names in the user's network, so that none clashes with the added ones.
PREFIX = "network."
# The domains of the ONNX standard; the empty one is its main domain.
_STANDARD_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})


def parse_network(content: bytes, where: str) -> ModelProto:
    """Parse and check a model, remove its annotations, and prefix its names.

    Args:
        content: The file.
        where: Its name, for messages.

    Raises:
        ModelError: It is damaged, too old, keeps weights in other files, or needs operators beyond the standard.
    """
    try:
        model = onnx.load_model_from_string(content)
        if any(tensor.data_location == TensorProto.EXTERNAL or tensor.external_data for tensor in _tensors(model)):
            raise ModelError(f"{where}: keeps weights in other files, which is not allowed; export it as one file")
        onnx.checker.check_model(model)
    except (
        DecodeError,
        onnx.checker.ValidationError,
        UnicodeDecodeError,
    ) as error:  # the last: invalid bytes in a name
        reason = (str(error).strip().splitlines() or ["empty"])[0]
        raise ModelError(f"{where}: not an ONNX file, or damaged or cut short ({reason}); export it again") from error
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if opset < _LEAST_OPSET:
        raise ModelError(f"{where}: uses ONNX opset {opset}; export it with opset {_LEAST_OPSET} or later")
    _refuse_custom_operators(model, where)
    for node in model.graph.node:  # annotations of the exporter: lines of source code with their paths
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    return onnx.compose.add_prefix(model, PREFIX, inplace=True)


def describe_port(entry: ValueInfoProto) -> str:
    """Describe an input or output, for example `'images' FLOAT (N, 3, 224, 224)`."""
    kind = entry.type.tensor_type
    sizes = ", ".join(str(size.dim_value or size.dim_param or "?") for size in kind.shape.dim)
    types = dict(zip(TensorProto.DataType.values(), TensorProto.DataType.keys(), strict=True))
    name = types.get(kind.elem_type, f"type {kind.elem_type}")
    return f"{entry.name.removeprefix(PREFIX)!r} {name} ({sizes})"


def describe_ports(entries: Iterable[ValueInfoProto]) -> str:
    """Describe inputs or outputs; `nothing` where there are none."""
    return ", ".join(map(describe_port, entries)) or "nothing"


def _refuse_custom_operators(model: ModelProto, where: str) -> None:
    """Refuse operators that only one runtime knows, as in `com.microsoft`: the saved model must run in any."""
    own = {(function.domain, function.name) for function in model.functions}
    for node in _nodes(model):
        if node.domain not in _STANDARD_DOMAINS and (node.domain, node.op_type) not in own:
            raise ModelError(
                f"{where}: uses the operator {node.op_type} of {node.domain}, which is not part of ONNX; export it "
                "with standard operators alone, and not quantised or optimised for one runtime"
            )


def _nodes(model: ModelProto) -> Iterator[NodeProto]:
    """Yield every node of a model, also those in subgraphs and functions."""
    yield from _with_inner_nodes(model.graph.node)
    for function in model.functions:
        yield from _with_inner_nodes(function.node)


def _with_inner_nodes(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from _with_inner_nodes(graph.node)


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
