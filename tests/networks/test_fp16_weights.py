"""Weights in fp16: half the file size, and the same results as rounded weights in fp32."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from photoclass.model.engine import Engine
from photoclass.networks.fp16_weights import with_fp16_weights

SIDE, WIDE = 8, 64


def _network(weights: np.ndarray, bias: np.ndarray) -> bytes:
    """Return a network of one dense layer over all pixels."""
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["floats"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights", "bias"], ["rows"]),
    ]
    graph = helper.make_graph(
        nodes,
        "dense",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["N", WIDE])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    content: bytes = model.SerializeToString()
    return content


def _arrays() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    weights = generator.normal(0, 0.05, (SIDE * SIDE * 3, WIDE)).astype(np.float32)
    bias = generator.normal(0, 1, WIDE).astype(np.float32)
    return weights, bias, generator.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)


def _kinds(content: bytes) -> dict[str, int]:
    return {tensor.name: tensor.data_type for tensor in onnx.load_model_from_string(content).graph.initializer}


def test_large_tensors_become_fp16_and_small_ones_stay_fp32() -> None:
    weights, bias, _ = _arrays()
    content = _network(weights, bias)
    halved = with_fp16_weights(content)
    assert _kinds(halved) == {"weights.fp16": TensorProto.FLOAT16, "bias": TensorProto.FLOAT}
    assert len(halved) < 0.55 * len(content)


def test_engines_compute_in_fp32_with_rounded_weights() -> None:
    weights, bias, photo = _arrays()
    rounded = weights.astype(np.float16).astype(np.float32)
    halved, full = (
        next(Engine(content, "here", SIDE, "f32").rows([photo]))
        for content in (with_fp16_weights(_network(weights, bias)), _network(rounded, bias))
    )
    assert (halved == full).all()


def test_weights_beyond_the_range_of_fp16_stay_fp32() -> None:
    weights, bias, _ = _arrays()
    for value in (1e5, np.inf, np.nan):
        weights[0, 0] = value
        assert _kinds(with_fp16_weights(_network(weights, bias))) == {
            "weights": TensorProto.FLOAT,
            "bias": TensorProto.FLOAT,
        }
