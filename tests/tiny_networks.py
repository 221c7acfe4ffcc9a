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


def tiny_features(images: NDArray[np.floating]) -> NDArray[np.float64]:
    """Compute what a tiny network makes of images, shape (N, 3, side, side): rows of shape (N, WIDTH)."""
    count, _, side, _ = images.shape
    patches = images.astype(np.float64).reshape(count, 3, side // 4, 4, side // 4, 4)
    # The mean over places of a convolution that does not overlap.
    return np.asarray(np.einsum("nchiwj,dcij->nd", patches, WEIGHTS.astype(np.float64)) / (side // 4) ** 2)
