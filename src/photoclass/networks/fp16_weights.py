"""The weights of an ONNX network kept in fp16: half the file, and every engine still computes as before."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

# Scales, biases and constants stay as they are: they are next to nothing of the file, and some have to be exact.
_LEAST_NUMBERS = 1024


def with_fp16_weights(content: bytes) -> bytes:
    """Keep a network's fp32 weights in fp16, each with a cast back to fp32 behind it.

    What is computed stays fp32; the weights alone are rounded, by at most 2^-11 of each, or 2^-25 where that is more.
    Weights that fp16 cannot hold, and tensors of fewer than 1,024 numbers, stay fp32.

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
        if not _can_be_halved(values):
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


def _can_be_halved(values: NDArray[np.generic]) -> bool:
    return (
        values.dtype == np.float32
        and values.size >= _LEAST_NUMBERS
        and bool((np.abs(values) <= np.finfo(np.float16).max).all())
    )
