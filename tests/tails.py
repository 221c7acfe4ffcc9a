"""Hand-made networks whose tails use all kinds of operations, and tails cut off to be run alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from photoclass.model.engine import import_openvino
from photoclass.results.explain.saliency import Tail, find_tail
from photoclass.results.explain.spatial import key_of, shape_of

SIDE, PLACES, CHANNELS = 16, 4, 6
# Each takes `maps` (N, CHANNELS, PLACES, PLACES) and outputs `rows`; `network` has its further constants.
ENDS: dict[str, list[tuple[str, list[str], list[str], dict[str, Any]]]] = {
    "means, signed roots": [
        ("GlobalAveragePool", ["maps"], ["m"], {}),
        ("Flatten", ["m"], ["f"], {}),
        ("Sign", ["f"], ["s"], {}),
        ("Abs", ["f"], ["a"], {}),
        ("Sqrt", ["a"], ["q"], {}),
        ("Mul", ["s", "q"], ["rows"], {}),
    ],
    "channels last, dense, relu": [
        ("Transpose", ["maps"], ["t"], {"perm": [0, 2, 3, 1]}),
        ("Flatten", ["t"], ["f"], {}),
        ("Gemm", ["f", "wide", "six"], ["g"], {"transB": 1, "alpha": 0.5}),
        ("Relu", ["g"], ["rows"], {}),
    ],
    "maximum over all positions": [("ReduceMax", ["maps", "sides"], ["rows"], {"keepdims": 0})],
    "sums, clipped": [
        ("ReduceSum", ["maps", "sides"], ["z"], {"keepdims": 0}),
        ("Clip", ["z", "low", "end"], ["rows"], {}),
    ],
    "L2-normalised means": [
        ("ReduceMean", ["maps", "sides"], ["m"], {"keepdims": 0}),
        ("ReduceL2", ["m", "along"], ["length"], {"keepdims": 1}),
        ("Div", ["m", "length"], ["rows"], {}),
    ],
    "layer norm": [
        ("ReduceMean", ["maps", "sides"], ["m"], {"keepdims": 0}),
        ("ReduceMean", ["m", "along"], ["middle"], {"keepdims": 1}),
        ("Sub", ["m", "middle"], ["d"], {}),
        ("Pow", ["d", "two"], ["square"], {}),
        ("ReduceMean", ["square", "along"], ["v"], {"keepdims": 1}),
        ("Sqrt", ["v"], ["deviation"], {}),
        ("Div", ["d", "deviation"], ["rows"], {}),
    ],
    "a convolution after the means, hard swish": [
        ("GlobalAveragePool", ["maps"], ["m"], {}),
        ("Conv", ["m", "point", "six"], ["c"], {"kernel_shape": [1, 1]}),
        ("HardSwish", ["c"], ["h"], {}),
        ("Flatten", ["h"], ["rows"], {}),
    ],
    "gated halves": [
        ("GlobalAveragePool", ["maps"], ["m"], {}),
        ("Squeeze", ["m", "sides"], ["f"], {}),
        ("Split", ["f"], ["one", "other"], {"axis": 1, "num_outputs": 2}),
        ("Sigmoid", ["one"], ["s"], {}),
        ("Tanh", ["other"], ["t"], {}),
        ("Mul", ["s", "other"], ["p"], {}),
        ("Neg", ["t"], ["n"], {}),
        ("Concat", ["p", "n"], ["rows"], {"axis": 1}),
    ],
    "attention over positions": [
        ("Reshape", ["maps", "flat"], ["tokens"], {}),
        ("MatMul", ["query", "tokens"], ["scores"], {}),
        ("Softmax", ["scores"], ["weights"], {"axis": 2}),
        ("Transpose", ["tokens"], ["turned"], {"perm": [0, 2, 1]}),
        ("MatMul", ["weights", "turned"], ["seen"], {}),
        ("Squeeze", ["seen", "one_axis"], ["rows"], {}),
    ],
    "batch norm, maximum, minimum, exp": [
        ("GlobalAveragePool", ["maps"], ["m"], {}),
        ("Flatten", ["m"], ["f"], {}),
        ("BatchNormalization", ["f", "six", "six", "zeros", "variances"], ["b"], {}),
        ("Max", ["b", "small"], ["x"], {}),
        ("Min", ["x", "high"], ["y"], {}),
        ("Exp", ["y"], ["rows"], {}),
    ],
    "gelu": [
        ("GlobalAveragePool", ["maps"], ["m"], {}),
        ("Flatten", ["m"], ["f"], {}),
        ("Gelu", ["f"], ["rows"], {}),
    ],
}


def network(end: list[tuple[str, list[str], list[str], dict[str, Any]]], classes: int = 3) -> bytes:
    """Return a network of one convolution, then `end`, then a linear head and a softmax."""
    generator = np.random.default_rng(5)

    def random(*shape: int) -> NDArray[np.float32]:
        return generator.normal(0, 1, shape).astype(np.float32)

    extra = {
        "kernels": random(CHANNELS, 3, 4, 4) / 255 / 8,
        "bias": np.full(CHANNELS, 0.3, np.float32),
        "head": random(CHANNELS, classes),
        "wide": random(CHANNELS, CHANNELS * PLACES * PLACES) / 4,
        "six": np.linspace(0.1, 0.6, CHANNELS, dtype=np.float32),
        "zeros": np.zeros(CHANNELS, np.float32),
        "variances": np.linspace(0.5, 2, CHANNELS, dtype=np.float32),
        "point": random(CHANNELS, CHANNELS, 1, 1),
        "query": random(1, 1, CHANNELS),
        "low": np.float32(-4),
        "high": np.float32(4),
        "end": np.float32(16.5),
        "small": np.float32(0.05),
        "two": np.float32(2),
        "sides": np.array([2, 3]),
        "along": np.array([1]),
        "one_axis": np.array([1]),
        "flat": np.array([0, CHANNELS, PLACES * PLACES]),
    }
    nodes = [
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["numbers", "kernels", "bias"], ["maps"], kernel_shape=[4, 4], strides=[4, 4]),
        *(helper.make_node(kind, given, gives, **attributes) for kind, given, gives, attributes in end),
        helper.make_node("MatMul", ["rows", "head"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "by hand",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", classes])],
        [numpy_helper.from_array(np.asarray(values), name) for name, values in extra.items() if name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    content: bytes = model.SerializeToString()
    return content


def tail_of(onnx: bytes, side: int) -> Tail:
    model = import_openvino().Core().read_model(model=onnx, weights=b"")
    model.reshape({0: [1, side, side, 3]})
    return find_tail(model, "the test's network")


def cut_off(tail: Tail) -> Callable[[list[NDArray[Any]]], list[NDArray[Any]]]:
    """Cut off the tail of a network, to run it on any feature maps; it returns the values of the tail's `ports`.

    The network itself can no longer be used.
    """
    openvino = import_openvino()
    from openvino import opset13

    ends = [port for op in tail.ops for port in op.outputs()]
    parameters = []
    for port, _ in tail.maps:
        parameter = opset13.parameter(list(shape_of(port)), dtype=np.float32)
        for entry in list(port.get_target_inputs()):
            if entry.get_node().get_name() in {op.get_name() for op in tail.ops}:
                entry.replace_source_output(parameter.output(0))
        parameters.append(parameter)
    model = openvino.Model(ends, parameters)
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def run(maps: list[NDArray[Any]]) -> list[NDArray[Any]]:
        request = compiled.create_infer_request()
        request.infer({i: np.ascontiguousarray(values, dtype=np.float32) for i, values in enumerate(maps)})
        return [*maps, *(tensor.data.copy() for tensor in request.output_tensors)]

    return run


def assert_gradient_is_right(onnx: bytes, side: int, target: int, step: float = 2e-3, seed: int = 0) -> Tail:
    """Compare the gradient with finite differences along random directions, at feature maps well above zero."""
    tail = tail_of(onnx, side)
    keys = [key_of(port) for port in tail.ports]
    port, position = tail.logits[target]
    run = cut_off(tail_of(onnx, side))

    def logit(maps: list[NDArray[Any]]) -> float:
        return float(dict(zip(keys, run(maps), strict=True))[key_of(port)][0, position])

    generator = np.random.default_rng(seed)
    maps = [generator.uniform(0.4, 1.6, shape_of(port)) for port, _ in tail.maps]
    gradients = tail.gradients(dict(zip(keys, run(maps), strict=True)), target)
    assert [g.shape for g in gradients] == [m.shape for m in maps]
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)
    length = float(np.sqrt(sum(float(np.square(g).sum()) for g in gradients)))
    for _ in range(4):
        directions = [generator.normal(0, 1, m.shape) for m in maps]
        high, low = (logit([m + sign * step * d for m, d in zip(maps, directions, strict=True)]) for sign in (1, -1))
        expected = sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True))
        np.testing.assert_allclose((high - low) / (2 * step), expected, rtol=0.02, atol=0.01 * length)
    return tail
