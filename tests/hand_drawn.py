"""Networks of a few operations, written by hand: for what reads other people's files."""

from collections.abc import Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


def photo_network(nodes: Sequence[onnx.NodeProto], constants: dict[str, NDArray[np.generic]], output: str) -> bytes:
    """Write a network on `images`, floats of shape (N, 3, height, width) from the bytes of photos."""
    entry = [
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["images"], to=TensorProto.FLOAT),
    ]
    graph = helper.make_graph(
        [*entry, *nodes],
        "by hand",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["photos", "height", "width", 3])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    content: bytes = model.SerializeToString()
    return content
