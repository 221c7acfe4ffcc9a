"""Feature networks of a few weights, as other people's exporters would write them."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

WIDTH = 5
WEIGHTS = np.random.default_rng(7).normal(0, 1, (WIDTH, 3, 4, 4)).astype(np.float32)  # of both signs


def tiny_network(
    *,
    shape: tuple[Any, ...] = ("batch", 3, 32, 32),
    dtype: int = TensorProto.FLOAT,
    ends_in: str = "rows",
    opset: int = 17,
) -> onnx.ModelProto:
    """Make a network: one convolution of 4x4 at a stride of 4, then what `ends_in` says.

    Args:
        shape: Of its input; channels last where the last size is 3.
        dtype: Of its input.
        ends_in: `rows` (N, D), `pooled` (N, D, 1, 1), `maps` (N, D, h, w), `last` (N, h, w, D), or `one row`, which
            only works on one photo.
        opset: Of ONNX.
    """
    nodes, now = [], "x"
    if shape[-1] == 3:
        nodes.append(helper.make_node("Transpose", [now], ["planes"], perm=[0, 3, 1, 2]))
        now = "planes"
    if dtype != TensorProto.FLOAT:
        nodes.append(helper.make_node("Cast", [now], ["numbers"], to=TensorProto.FLOAT))
        now = "numbers"
    # The names are those that we use ourselves.
    nodes.append(helper.make_node("Conv", [now, "head.weights"], ["pixels"], kernel_shape=[4, 4], strides=[4, 4]))
    constants = [numpy_helper.from_array(WEIGHTS, "head.weights")]
    if ends_in in ("rows", "pooled", "one row"):
        nodes.append(helper.make_node("GlobalAveragePool", ["pixels"], ["means"]))
    if ends_in == "rows":
        nodes.append(helper.make_node("Flatten", ["means"], ["features"]))
    elif ends_in == "one row":
        constants.append(numpy_helper.from_array(np.array([1, WIDTH]), "row"))
        nodes.append(helper.make_node("Reshape", ["means", "row"], ["features"]))
    elif ends_in == "last":
        nodes.append(helper.make_node("Transpose", ["pixels"], ["features"], perm=[0, 2, 3, 1]))
    else:
        nodes.append(helper.make_node("Identity", ["means" if ends_in == "pooled" else "pixels"], ["features"]))
    sizes = 1 if ends_in in ("rows", "one row") else 3
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", dtype, shape)],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", *"abc"[:sizes]])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    return model


def tiny_transformer(others: int = 1, *, pooled: bool = False) -> onnx.ModelProto:
    """Make a network that returns tokens: `others` constant ones, the first of them 7 everywhere, then the patches.

    Args:
        others: How many tokens stand before those of the patches.
        pooled: Whether the mean of the patches is an output, too.
    """
    model = tiny_network(ends_in="maps")
    graph = model.graph
    del graph.node[-1]
    graph.initializer.append(numpy_helper.from_array(np.array([0, WIDTH, -1]), "by_place"))
    graph.node.append(helper.make_node("Reshape", ["pixels", "by_place"], ["flat"]))
    graph.node.append(helper.make_node("Transpose", ["flat"], ["patches"], perm=[0, 2, 1]))
    if others:
        more = np.arange(others * WIDTH).reshape(1, others, WIDTH).astype(np.float32)
        more[:, 0] = 7
        graph.initializer.append(numpy_helper.from_array(more, "others"))
        graph.initializer.append(numpy_helper.from_array(np.array([0, 1, 1]), "from"))
        # As many copies as there are photos, as exporters write it.
        graph.initializer.append(numpy_helper.from_array(np.array([0]), "first"))
        graph.initializer.append(numpy_helper.from_array(np.array([1, 1]), "ones"))
        graph.node.append(helper.make_node("Shape", ["patches"], ["sizes"]))
        graph.node.append(helper.make_node("Gather", ["sizes", "first"], ["count"]))
        graph.node.append(helper.make_node("Concat", ["count", "ones"], ["copies"], axis=0))
        graph.node.append(helper.make_node("Expand", ["others", "copies"], ["of_each"]))
    parts = ["of_each", "patches"] if others else ["patches"]
    graph.node.append(helper.make_node("Concat", parts, ["last_hidden_state"], axis=1))
    del graph.output[:]
    graph.output.append(
        helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", WIDTH])
    )
    if pooled:
        graph.node.append(helper.make_node("GlobalAveragePool", ["pixels"], ["means"]))
        graph.node.append(helper.make_node("Flatten", ["means"], ["pooler_output"]))
        graph.output.append(helper.make_tensor_value_info("pooler_output", TensorProto.FLOAT, ["batch", WIDTH]))
    return model


def tiny_features(images: NDArray[np.floating]) -> NDArray[np.float64]:
    """Compute what a tiny network makes of images, shape (N, 3, side, side): rows of shape (N, WIDTH)."""
    count, _, side, _ = images.shape
    patches = images.astype(np.float64).reshape(count, 3, side // 4, 4, side // 4, 4)
    # The mean over places of a convolution that does not overlap.
    return np.asarray(np.einsum("nchiwj,dcij->nd", patches, WEIGHTS.astype(np.float64)) / (side // 4) ** 2)
