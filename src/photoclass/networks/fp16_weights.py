"""Store the weights of an ONNX network in fp16: half the file size, with computation still in fp32."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

# Smaller tensors (scales, biases, constants) stay fp32: they add little to the file, and some must be exact.
_LEAST_SIZE = 1024


def with_fp16_weights(content: bytes) -> bytes:
    """Convert a network's fp32 weights to fp16, each followed by a cast back to fp32.

    The network still computes in fp32. Only the weights are rounded, with a relative error of at most 2^-11, or an
    absolute one of 2^-25 for tiny values. Weights beyond the range of fp16, and tensors with fewer than 1,024 values,
    stay fp32.

    Args:
        content: An ONNX file that holds all its weights.
    """
    model = onnx.load_model_from_string(content)
    graph = model.graph
    tensors = list(graph.initializer)
    del graph.initializer[:]
    casts = []
    for tensor in tensors:
        values = numpy_helper.to_array(tensor)
        if not _fits_fp16(values):
            graph.initializer.append(tensor)
            continue
        half = f"{tensor.name}.fp16"
        graph.initializer.append(numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(helper.make_node("Cast", [half], [tensor.name], f"{tensor.name}.cast", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    halved: bytes = model.SerializeToString()
    return halved


def _fits_fp16(values: NDArray[np.generic]) -> bool:
    return (
        values.dtype == np.float32
        and values.size >= _LEAST_SIZE
        and bool((np.abs(values) <= np.finfo(np.float16).max).all())
    )
