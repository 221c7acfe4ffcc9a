"""Backbones as ONNX: fp32 as published, int8 close to it, cut at any block, deterministic bytes."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from scipy import stats

from photoclass.errors import SettingsError
from photoclass.model.engine import import_openvino
from photoclass.networks.pretrained.backbone_onnx import _mean_of_relu6, write_backbone, write_backbones, write_trunk
from photoclass.networks.pretrained.catalog import EFFICIENTNET_LITE
from photoclass.networks.pretrained.efficientnet_lite import FEATURES, FoldedNetwork, fold
from photoclass.networks.scaling import Scaling
from photoclass.walkthrough.drawings.drawings import draw_animal
from published import published_network

NAMES = sorted(EFFICIENTNET_LITE)
Pixels = NDArray[np.uint8]


@cache
def _network(name: str) -> FoldedNetwork:
    return fold(name)


@cache
def _int8(name: str) -> bytes:
    return write_backbone(_network(name), "int8")


@cache
def _drawings(side: int, count: int = 16) -> Pixels:
    generator = np.random.default_rng(0)
    return np.stack([draw_animal(("cat", "dog")[i % 2], generator, side) for i in range(count)])


def _run(model: bytes, pixels: Pixels) -> NDArray[np.generic]:
    """Run a model in OpenVINO; all that is not int8 is computed in fp32."""
    core = import_openvino().Core()
    compiled = core.compile_model(core.read_model(model=model, weights=b""), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.concatenate([compiled([photo[None]])[0].copy() for photo in pixels])


@cache
def _published(name: str) -> tuple[NDArray[np.float32], dict[int, NDArray[np.float32]]]:
    """Return the published network's features of the drawings, and the input of each of its blocks."""
    network = published_network(name)
    maps: dict[int, NDArray[np.float32]] = {}

    def keep(number: int) -> Callable[[object, tuple[torch.Tensor, ...]], None]:
        return lambda _module, inputs: maps.update({number: inputs[0].numpy().copy()})

    for number, module in enumerate([*network._blocks, network._conv_head]):
        module.register_forward_pre_hook(keep(number))
    pixels = torch.from_numpy(_drawings(_network(name).image_size))
    with torch.no_grad():
        features = network.extract_features((pixels.permute(0, 3, 1, 2).float() - 127) / 128).mean((2, 3)).numpy()
    return features, maps


def _relative_error(found: NDArray[np.generic], expected: NDArray[np.float32]) -> tuple[float, float]:
    """Return root mean square and mean of the difference, in standard deviations of the expected values."""
    difference = found.astype(np.float64) - expected
    return float(np.sqrt(np.square(difference).mean()) / expected.std()), float(difference.mean() / expected.std())


def _constants(model: bytes) -> dict[str, NDArray[np.generic]]:
    graph = onnx.load_from_string(model).graph
    return {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}


@pytest.mark.parametrize("name", NAMES)
def test_fp32_is_the_published_network(name: str) -> None:
    expected, _ = _published(name)
    features = _run(write_backbone(_network(name), "fp32"), _drawings(_network(name).image_size))
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, expected, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_int8_features_are_close_to_fp32(name: str) -> None:
    expected, _ = _published(name)
    features = _run(_int8(name), _drawings(_network(name).image_size))
    assert features.shape == (16, FEATURES)
    assert (features.astype(np.float32) >= 0).all()
    error, bias = _relative_error(features, expected)
    assert error < 0.25  # 0.13 for lite0, 0.12 for lite2
    assert abs(bias) < 0.02


@pytest.mark.parametrize("optimised", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_int8_is_the_same_in_every_runtime(name: str, optimised: bool) -> None:
    pixels = _drawings(_network(name).image_size, 3)
    options = onnxruntime.SessionOptions()
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
    maps, _ = write_trunk(_network(name), len(_network(name).blocks))
    for model, rounding in ((maps, 0), (_int8(name), 1e-5)):
        session = onnxruntime.InferenceSession(model, options)
        elsewhere = np.concatenate([session.run(None, {"pixels": photo[None]})[0] for photo in pixels])
        np.testing.assert_allclose(_run(model, pixels).astype(float), elsewhere.astype(float), rtol=0, atol=rounding)


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_same_network_same_bytes(precision: str) -> None:
    assert write_backbone(fold("lite0"), precision) == write_backbone(fold("lite0"), precision)  # type: ignore[arg-type]
    assert write_trunk(fold("lite0"), 11) == write_trunk(fold("lite0"), 11)


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_two_networks_with_one_input_equal_each_alone(precision: str) -> None:
    networks = (_network("lite0"), _network("lite2"))
    both = _run(write_backbones(networks, 100, precision), _drawings(100, 4))  # type: ignore[arg-type]
    alone = [_run(write_backbones((n,), 100, precision), _drawings(100, 4)) for n in networks]  # type: ignore[arg-type]
    assert both.shape == (4, 2 * FEATURES)
    assert _relative_error(both, np.concatenate(alone, axis=1))[0] < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_no_pair_of_products_overflows_16_bits(name: str) -> None:
    weights = [values for values in _constants(_int8(name)).values() if values.dtype == np.int8 and values.ndim == 4]
    assert len(weights) == 2 + sum(len(block.convolutions) for block in _network(name).blocks)
    largest = max(int(np.abs(values.astype(np.int64)).max()) for values in weights)
    assert largest == 64
    assert 2 * 255 * largest <= np.iinfo(np.int16).max


def test_pixels_enter_the_int8_network_without_rounding() -> None:
    graph, constants = onnx.load_from_string(_int8("lite0")).graph, _constants(_int8("lite0"))
    transpose, dequantize, *rest = graph.node
    assert (transpose.op_type, dequantize.op_type) == ("Transpose", "DequantizeLinear")
    stem = next(node for node in rest if node.op_type == "Conv")
    assert stem.input[0] == dequantize.output[0], "nothing may quantise the image a second time"
    scale, zero = (constants[name] for name in dequantize.input[1:])
    pixels = np.arange(256, dtype=np.float32)
    entered = (pixels - zero.astype(np.float32)) * scale.astype(np.float32)
    np.testing.assert_array_equal(entered, (pixels - 127) / 128)


@pytest.mark.parametrize(("name", "upto"), [("lite0", 0), ("lite0", 1), ("lite0", 11), ("lite2", 14), ("lite2", 21)])
def test_a_trunk_returns_the_input_of_the_next_block(name: str, upto: int) -> None:
    expected = _published(name)[1][upto]
    model, scale = write_trunk(_network(name), upto)
    maps = _run(model, _drawings(_network(name).image_size))
    assert maps.dtype == np.uint8
    assert maps.shape == expected.transpose(0, 2, 3, 1).shape
    declared = [entry.dim_value for entry in onnx.load_from_string(model).graph.output[0].type.tensor_type.shape.dim]
    assert tuple(declared[1:]) == maps.shape[1:]
    error, bias = _relative_error(scale.values(maps.astype(np.uint8)).transpose(0, 3, 1, 2), expected)
    assert error < 0.25
    assert abs(bias) < 0.02


@pytest.mark.parametrize("upto", [0, 5, 16])
def test_a_trunk_is_the_first_part_of_the_whole_network(upto: int) -> None:
    model, scale = write_trunk(_network("lite0"), upto)
    *nodes, last = onnx.load_from_string(model).graph.node
    whole = list(onnx.load_from_string(_int8("lite0")).graph.node)
    assert [node.SerializeToString() for node in nodes] == [node.SerializeToString() for node in whole[: len(nodes)]]
    assert last.output[0] == "maps"
    constants, of_whole = _constants(model), _constants(_int8("lite0"))
    for key, values in constants.items():
        np.testing.assert_array_equal(values, of_whole[key])
    # The whole network continues with exactly the values that `scale` returns for the map.
    following = whole[len(nodes)]
    assert following.op_type == "DequantizeLinear"
    assert following.input[0] == last.input[0]
    assert Scaling(int(of_whole[following.input[2]]), float(of_whole[following.input[1]])) == scale


@pytest.mark.parametrize("upto", [-1, 17])
def test_a_cut_outside_the_network_is_refused(upto: int) -> None:
    with pytest.raises(SettingsError, match=f"upto is {upto}; it must be from 0 to 16"):
        write_trunk(_network("lite0"), upto)


def test_scaling_of_bytes() -> None:
    values = Scaling(3, 0.5).values(np.array([0, 3, 255], dtype=np.uint8))
    assert values.dtype == np.float32
    assert values.tolist() == [-1.5, 0.0, 126.0]


def test_mean_of_relu6_is_that_of_its_distribution() -> None:
    mean = np.array([-8.0, -1.0, 0.0, 2.5, 5.5, 20.0], dtype=np.float32)
    deviation = np.array([1.0, 2.0, 1.0, 0.7, 3.0, 0.0], dtype=np.float32)
    low, high = 0.0, 6.0
    expected = [
        stats.norm(m, max(d, 1e-6)).expect(lambda x: x, lb=low, ub=high) + high * stats.norm.sf(high, m, max(d, 1e-6))
        for m, d in zip(mean[:-1], deviation[:-1], strict=True)
    ]
    found = _mean_of_relu6(mean, deviation)
    np.testing.assert_allclose(found[:-1], expected, atol=1e-6)
    assert math.isclose(found[-1], 6.0)
