"""The layers read from a network's file have the shapes and parameters of the trained network."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from hand_drawn import photo_network
from photoclass.errors import ModelError
from photoclass.networks.pretrained.backbone_onnx import write_backbones, write_with_trained_tail
from photoclass.networks.pretrained.efficientnet_lite import FEATURES, fold
from photoclass.networks.pretrained.last_blocks import EfficientNetTail
from photoclass.networks.pretrained.onnx_file.read import FileOptions, read_network
from photoclass.networks.small_cnn import SmallCNN
from photoclass.networks.small_cnn_architecture import SmallCnnArchitecture
from photoclass.results.diagram.layers import Layer, describe_network, read_layers
from photoclass.training.export import export_onnx
from photoclass.training.frozen.export_head import add_head
from tiny_networks import WEIGHTS, WIDTH, tiny_network


def _small_cnn(classes: int, **numbers: object) -> tuple[SmallCNN, tuple[Layer, ...]]:
    network = SmallCNN(SmallCnnArchitecture(**numbers), 48, classes, torch.Generator().manual_seed(0))
    for layer in (*network.convolutions, network.hidden, network.output):
        # Biases that are zero or equal, as before training, would be merged or left out in the file.
        torch.nn.init.normal_(layer.bias, generator=torch.Generator().manual_seed(layer.weight.numel()))
    return network, read_layers(export_onnx(network, 48), 48, "here")


def _total(layers: tuple[Layer, ...]) -> int:
    return sum(layer.parameters for layer in layers)


def _learnt(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(("classes", "numbers"), [(2, {}), (5, {"filters": (4, 7), "kernel_size": 5})])
def test_small_cnn_has_the_shapes_and_parameters_of_torch(classes: int, numbers: dict[str, object]) -> None:
    network, layers = _small_cnn(classes, **numbers)
    assert _total(layers) == _learnt(network)
    found = [layer for layer in layers if layer.kind == "convolution"]
    maps = torch.zeros(1, 3, 48, 48)
    for convolution, layer in zip(network.convolutions, found, strict=True):
        maps = convolution(maps)
        assert layer.shape == (*maps.shape[2:], maps.shape[1])
        assert layer.parameters == _learnt(convolution) and layer.kernel == convolution.kernel_size
        maps = torch.max_pool2d(maps, 2)
    dense = [layer for layer in layers if layer.kind == "dense"]
    assert [layer.parameters for layer in dense] == [_learnt(network.hidden), _learnt(network.output)]
    assert layers[-1].shape == (classes,) and layers[0].shape == (48, 48, 3)


def test_layers_are_in_the_order_of_the_forward_pass() -> None:
    _, layers = _small_cnn(3)
    kinds = [layer.kind for layer in layers]
    expected = ["photo", "scaling", *["convolution", "max pooling"] * 3, "flattening", "dense", "dense", "softmax"]
    assert kinds == expected
    assert layers[1].note == "bytes scaled to 0 to 1"
    assert layers[9].activation == "ReLU"
    assert layers[3].kernel == (2, 2) and layers[3].stride == (2, 2)
    for number, layer in enumerate(layers):
        assert all(before < number for before in layer.inputs)


def _head(width: int, *, mirror: bool = False) -> tuple[np.ndarray, np.ndarray, dict[str, bool]]:
    return np.ones((width, 1), np.float32), np.zeros(1, np.float32), {"mirror": mirror}


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_int8_weights_are_counted_once_and_scales_are_not(precision: str) -> None:
    network = fold("lite0")
    weights, bias, options = _head(FEATURES)
    onnx_bytes = add_head(write_backbones((network,), 224, precision), weights, bias, 1.0, **options)
    layers = read_layers(onnx_bytes, 224, "here")
    backbone = EfficientNetTail(network, None, 2)
    # The file has a logit for both classes, -z/2 and z/2; the trained head has z.
    assert _total(layers) == _learnt(backbone) - _learnt(backbone.output) + 2 * (FEATURES + 1)
    weighted = [layer for layer in layers if "convolution" in layer.kind]
    assert len(weighted) == 49 and {layer.is_int8 for layer in weighted} == {precision == "int8"}
    assert {layer.activation for layer in weighted} == {"", "ReLU6"}


def test_efficientnet_has_the_shapes_of_torch() -> None:
    network = fold("lite0")
    layers = read_layers(write_backbones((network,), 200, "fp32"), 200, "here")
    end, shapes = EfficientNetTail(network, None, 2), []
    for module in [end.stem, *(inner for block in end.blocks for inner in block.convolutions), end.last]:
        module.register_forward_hook(lambda _m, _i, maps: shapes.append((*maps.shape[2:], maps.shape[1])))
    with torch.no_grad():
        end(torch.zeros(1, 3, 200, 200))
    assert [layer.shape for layer in layers if "convolution" in layer.kind] == shapes
    depthwise = [layer for layer in layers if layer.kind == "depthwise convolution"]
    assert [layer.kernel[0] for layer in depthwise] == [3, 3, 3, 5, 5, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 3]
    assert sum(layer.kind == "sum" for layer in layers) == sum(block.residual for block in network.blocks)


def test_the_mirror_image_is_a_second_view_until_their_mean() -> None:
    network = fold("lite0")
    weights, bias, options = _head(FEATURES, mirror=True)
    layers = read_layers(add_head(write_with_trained_tail(network, 13), weights, bias, 1.0, **options), 224, "here")
    kinds = [layer.kind for layer in layers]
    both, mean = kinds.index("photo and mirror image"), kinds.index("mean of both views")
    assert [layer.views for layer in layers] == [1] * both + [2] * (mean - both) + [1] * (len(layers) - mean)
    assert layers[both].shape == (224, 224, 3), "two views are neither six channels nor twice the height"
    weighted = [layer.is_int8 for layer in layers if "convolution" in layer.kind]
    assert weighted == sorted(weighted, reverse=True) and len(set(weighted)) == 2, "int8 first, then floats"


def test_two_networks_side_by_side() -> None:
    networks = (fold("lite0"), fold("lite2"))
    layers = read_layers(write_backbones(networks, 260, "int8"), 260, "here")
    assert layers[-1].kind == "concatenation" and layers[-1].shape == (2 * FEATURES,)
    learnt = [_learnt(end) - _learnt(end.output) for end in (EfficientNetTail(n, None, 2) for n in networks)]
    assert _total(layers) == sum(learnt)
    scaling = [i for i, layer in enumerate(layers) if layer.kind == "scaling"]
    assert len(scaling) == 1 and sum(layer.inputs == (scaling[0],) for layer in layers) == 2


def test_a_saved_model_is_described_from_its_folder(model: Path) -> None:
    layers = describe_network(model)
    held = onnx.load(model / "model.onnx").graph.initializer
    weights = [t for t in held if t.data_type == TensorProto.FLOAT and t.dims]
    assert _total(layers) == sum(int(np.prod(t.dims)) for t in weights) > 0
    assert layers[-1].shape == (2,)


def test_a_gate_is_an_activation_and_shared_weights_are_counted_once() -> None:
    kernel = np.ones((3, 3, 1, 1), np.float32)
    nodes = [
        helper.make_node("Conv", ["images", "w"], ["a"], kernel_shape=[1, 1]),
        helper.make_node("Sigmoid", ["a"], ["g"]),
        helper.make_node("Mul", ["a", "g"], ["b"]),
        helper.make_node("Conv", ["b", "w"], ["out"], kernel_shape=[1, 1]),
    ]
    layers = read_layers(photo_network(nodes, {"w": kernel}, "out"), 8, "here")
    assert [layer.kind for layer in layers] == ["photo", "convolution", "convolution"]
    assert layers[1].activation == "SiLU"
    assert _total(layers) == 9 and "shared" in layers[2].note


def test_batch_norm_counts_trained_parameters_only() -> None:
    numbers = {name: np.full(3, 0.5, np.float32) for name in ("scale", "shift", "mean", "variance")}
    nodes = [helper.make_node("BatchNormalization", ["images", *numbers], ["out"])]
    layers = read_layers(photo_network(nodes, numbers, "out"), 8, "here")
    assert layers[-1].kind == "batch norm" and layers[-1].parameters == 6


def test_a_scaling_per_colour_has_no_parameters() -> None:
    mean, std = (np.array(v, np.float32).reshape(1, 3, 1, 1) for v in ([124, 116, 104], [58, 57, 57.5]))
    nodes = [helper.make_node("Sub", ["images", "mean"], ["c"]), helper.make_node("Div", ["c", "std"], ["out"])]
    layers = read_layers(photo_network(nodes, {"mean": mean, "std": std}, "out"), 8, "here")
    assert [layer.kind for layer in layers] == ["photo", "scaling"] and _total(layers) == 0
    assert layers[1].note == "bytes scaled to −2.14 to 2.63"


def test_unknown_operations_keep_their_names() -> None:
    nodes = [
        helper.make_node("Erf", ["images"], ["a"], name="of <Gauss>"),
        helper.make_node("CumSum", ["a", "axis"], ["out"]),
    ]
    layers = read_layers(photo_network(nodes, {"axis": np.array(1, np.int64)}, "out"), 8, "here")
    assert [layer.kind for layer in layers] == ["photo", "Erf", "CumSum"]
    assert [layer.shape for layer in layers] == [(8, 8, 3)] * 3


def test_weights_of_unknown_operations_are_counted() -> None:
    nodes = [helper.make_node("Einsum", ["images", "w"], ["out"], equation="nchw,cd->ndhw")]
    layers = read_layers(photo_network(nodes, {"w": np.ones((3, 5), np.float32)}, "out"), 8, "here")
    assert layers[-1].kind == "Einsum" and layers[-1].parameters == 15 and layers[-1].shape == (8, 8, 5)


@pytest.mark.parametrize("ends_in", ["rows", "pooled", "maps"])
def test_a_network_from_the_users_file(ends_in: str, tmp_path: Path) -> None:
    path = tmp_path / "own.onnx"
    onnx.save(tiny_network(ends_in=ends_in), path)
    own = read_network(path, FileOptions(0, (0.5, 0.4, 0.3), (0.2, 0.2, 0.2)))
    weights, bias, options = _head(WIDTH)
    layers = read_layers(add_head(own.onnx, weights, bias, 1.0, **options), 32, "here")
    kinds = [layer.kind for layer in layers]
    assert kinds[:3] == ["photo", "scaling", "convolution"] and kinds[-2:] == ["dense", "softmax"]
    assert layers[2].shape == (8, 8, WIDTH)
    assert [layer.parameters for layer in layers if layer.parameters] == [WEIGHTS.size, 2 * (WIDTH + 1)]


def test_a_dynamic_shape_is_named() -> None:
    nodes = [helper.make_node("NonZero", ["images"], ["found"]), helper.make_node("Cast", ["found"], ["out"], to=1)]
    layers = read_layers(photo_network(nodes, {}, "out"), 8, "here")
    assert layers[-1].shape == (-1,)


def test_a_damaged_file_is_one_line() -> None:
    with pytest.raises(ModelError, match=r"here: cannot be loaded \(.*\); copy it again"):
        read_layers(b"no network", 8, "here")
