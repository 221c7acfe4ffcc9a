"""Saliency: the last feature maps are found for every recipe, and their gradient agrees with finite differences."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from handmade import brightness_onnx, constant_onnx, make_info
from photoclass.errors import ModelError
from photoclass.model.runtime import Runtime
from photoclass.networks.pretrained.backbone_onnx import write_backbone, write_with_trained_tail
from photoclass.networks.pretrained.efficientnet_lite import FoldedNetwork, fold
from photoclass.results.explain.saliency import SaliencyModel
from photoclass.results.explain.spatial import SpatialAxes
from photoclass.training.frozen.export_head import add_head
from tails import CHANNELS, ENDS, PLACES, SIDE, assert_gradient_is_right, network, tail_of


@pytest.fixture(scope="module")
def lite0() -> FoldedNetwork:
    return fold("lite0")


def _head(width: int, outputs: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    generator = np.random.default_rng(2)
    return generator.normal(0, 0.3, (width, outputs)).astype(np.float32), np.zeros(outputs, np.float32)


@pytest.mark.parametrize("kind", ENDS)
def test_backpropagation_through_each_operation(kind: str) -> None:
    for target in range(3):
        tail = assert_gradient_is_right(network(ENDS[kind]), SIDE, target)
    assert [spatial for _, spatial in tail.maps] == [
        SpatialAxes(1, 2) if kind.startswith("channels last") else SpatialAxes(2, 3),
    ]


def test_the_recipe_small_cnn(exported: bytes) -> None:
    for target in (0, 1):
        tail = assert_gradient_is_right(exported, SIDE, target)
    assert {op.get_type_name() for op in tail.ops} >= {"Reshape", "MatMul", "Relu"}


@pytest.mark.parametrize("outputs", [1, 3])
def test_the_recipe_features(lite0: FoldedNetwork, outputs: int) -> None:
    onnx = add_head(write_backbone(lite0, "int8"), *_head(1280, outputs), 0.8)
    for target in range(max(2, outputs)):
        tail = assert_gradient_is_right(onnx, 224, target)
    assert [spatial for _, spatial in tail.maps] == [SpatialAxes(2, 3)]


def test_the_recipe_finetune_has_feature_maps_of_the_photo_and_its_mirror_image(lite0: FoldedNetwork) -> None:
    onnx = add_head(write_with_trained_tail(lite0, 14), *_head(1280, 1), 0.8, mirror=True)
    tail = assert_gradient_is_right(onnx, 224, 1)
    assert [spatial for _, spatial in tail.maps] == [SpatialAxes(2, 3, (False, True))]


def test_two_backbones_have_two_feature_maps() -> None:
    onnx = _two_trunks()
    tail = assert_gradient_is_right(onnx, SIDE, 0)
    assert len(tail.maps) == 2


def test_feature_maps_are_found_after_squeeze_and_excitation() -> None:
    """A tensor that is no longer spatial scales the channels of one that is."""
    weighing: list[tuple[str, list[str], list[str], dict[str, object]]] = [
        ("GlobalAveragePool", ["maps"], ["m"], {}),
        ("Conv", ["m", "point", "six"], ["c"], {"kernel_shape": [1, 1]}),
        ("Sigmoid", ["c"], ["s"], {}),
        ("Mul", ["maps", "s"], ["weighed"], {}),
        ("ReduceMean", ["weighed", "sides"], ["rows"], {"keepdims": 0}),
    ]
    tail = assert_gradient_is_right(network(weighing), SIDE, 0)
    assert tail.ops[0].get_type_name() == "ReduceMean"


def test_channels_last_feature_maps_are_followed_through_a_matrix_product() -> None:
    end: list[tuple[str, list[str], list[str], dict[str, object]]] = [
        ("Transpose", ["maps"], ["last"], {"perm": [0, 2, 3, 1]}),
        ("MatMul", ["last", "square"], ["mixed"], {}),
        ("Relu", ["mixed"], ["bent"], {}),
        ("ReduceMean", ["bent", "middle"], ["rows"], {"keepdims": 0}),
    ]
    content = network(end)
    from onnx import load_model_from_string

    model = load_model_from_string(content)
    square = np.random.default_rng(0).normal(0, 1, (CHANNELS, CHANNELS)).astype(np.float32)
    model.graph.initializer.extend(
        [numpy_helper.from_array(square, "square"), numpy_helper.from_array(np.array([1, 2]), "middle")]
    )
    tail = tail_of(model.SerializeToString(), SIDE)
    assert [spatial for _, spatial in tail.maps] == [SpatialAxes(1, 2)]
    assert [op.get_type_name() for op in tail.ops][:2] == ["ReduceMean", "MatMul"]


def test_an_unsupported_operation_is_named() -> None:
    end: list[tuple[str, list[str], list[str], dict[str, object]]] = [
        ("GlobalAveragePool", ["maps"], ["m"], {}),
        ("Flatten", ["m"], ["f"], {}),
        ("Sin", ["f"], ["rows"], {}),
    ]
    with pytest.raises(ModelError, match=r"operation Sin .*heat maps cannot be computed through"):
        tail_of(network(end), SIDE)
    with pytest.raises(ModelError, match="ends in the operation Add, not in a softmax"):
        tail_of(constant_onnx([0.5, 0.5]), 16)


def test_each_photo_has_its_own_feature_maps(folder: Path, pixels: NDArray[np.uint8]) -> None:
    saliency_model = SaliencyModel.load(folder, "f32")
    found = list(saliency_model.saliency(pixels[:5]))
    again = list(saliency_model.saliency(iter(pixels[:5]), target=1))
    expected = Runtime.load(folder, "f32").probabilities(pixels[:5])
    np.testing.assert_allclose([saliency.probabilities for saliency in found], expected, atol=1e-5)
    assert [saliency.target for saliency in found] == list(expected.argmax(axis=1))
    assert [saliency.target for saliency in again] == [1] * 5
    for saliency, other in zip(found, again, strict=True):
        (maps,), (same,) = saliency.maps, other.maps
        assert maps.activations.shape == maps.gradients.shape == (1, 2, 2, 8)
        np.testing.assert_array_equal(maps.activations, same.activations)
    # With two classes, evidence for one is evidence against the other.
    for cat, dog in zip(saliency_model.saliency(pixels[:5], 0), again, strict=True):
        np.testing.assert_allclose(cat.maps[0].gradients, -dog.maps[0].gradients, rtol=1e-5)


def test_a_network_that_averages_pixels_has_its_pixels_as_feature_maps(tmp_path: Path) -> None:
    saliency_model = SaliencyModel(make_info(), brightness_onnx(), tmp_path, "f32")
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[2, 9] = 200
    (saliency,) = saliency_model.saliency([pixels], 1)
    contributions = (saliency.maps[0].activations * saliency.maps[0].gradients).sum(axis=(0, 3))
    assert contributions.shape == (SIDE, SIDE)
    assert np.flatnonzero(contributions).tolist() == [2 * SIDE + 9]


def test_a_network_whose_outputs_do_not_match_the_classes_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="outputs 3 probabilities, not one for each of the 2 classes"):
        SaliencyModel(make_info(), brightness_onnx(classes=3), tmp_path)


def test_nan_or_infinite_outputs_are_rejected(tmp_path: Path) -> None:
    onnx = brightness_onnx()
    overflowing = onnx.replace(np.float32(4 / 255 / 3).tobytes(), np.float32(3e38).tobytes())
    assert overflowing != onnx
    white = np.full((SIDE, SIDE, 3), 255, np.uint8)
    with pytest.raises(ModelError, match="outputs NaN or infinity"):
        list(SaliencyModel(make_info(), overflowing, tmp_path, "f32").saliency([white]))


def _two_trunks() -> bytes:
    """Return a network that joins the means of 4x4 and 2x2 feature maps."""
    generator = np.random.default_rng(1)
    constants = {
        "fine": generator.normal(0, 0.01, (CHANNELS, 3, 4, 4)),
        "coarse": generator.normal(0, 0.01, (PLACES, 3, 8, 8)),
        "head": generator.normal(0, 1, (CHANNELS + PLACES, 2)),
    }
    nodes = [
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["numbers", "fine"], ["a"], strides=[4, 4]),
        helper.make_node("Conv", ["numbers", "coarse"], ["b"], strides=[8, 8]),
        helper.make_node("GlobalAveragePool", ["a"], ["ma"]),
        helper.make_node("GlobalAveragePool", ["b"], ["mb"]),
        helper.make_node("Concat", ["ma", "mb"], ["m"], axis=1),
        helper.make_node("Flatten", ["m"], ["rows"]),
        helper.make_node("MatMul", ["rows", "head"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "two",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 2])],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    content: bytes = model.SerializeToString()
    return content
