"""Layers grouped into blocks, stages and networks; any network has at most some 30 parts."""

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import NodeProto, helper

from hand_drawn import photo_network
from photoclass.networks.pretrained.backbone_onnx import write_backbones
from photoclass.networks.pretrained.efficientnet_lite import fold
from photoclass.results.diagram.layers import Layer, read_layers
from photoclass.results.diagram.parts import Part, network_parts
from photoclass.training.frozen.export_head import add_head


def _efficientnet(*names: str, mirror: bool = False) -> tuple[Part, ...]:
    networks = [fold(name) for name in names]
    weights = np.ones((1280 * len(names), 1), np.float32)
    backbone = write_backbones(networks, 224, "int8")
    return network_parts(
        read_layers(add_head(backbone, weights, np.zeros(1, np.float32), 1.0, mirror=mirror), 224, "here")
    )


def test_efficientnet_has_a_stem_stages_and_a_head() -> None:
    parts = _efficientnet("lite0", mirror=True)
    assert [(part.title, part.repeats) for part in parts] == [
        ("Photo", 1),
        ("Photo and its mirror image", 1),
        ("Scaling", 1),
        ("Stem: convolution", 1),
        *[("Inverted residual block", count) for count in (1, 2, 2, 3, 3, 4, 1)],
        ("Head: convolution", 1),
        ("Global average pooling", 1),
        ("Signed root", 1),
        ("Dense", 1),
        ("Mean of both views", 1),
        ("Softmax", 1),
    ]
    stages = parts[4:11]
    assert [stage.shape[-1] for stage in stages] == [16, 24, 40, 80, 112, 192, 320]
    assert [stage.has_shortcut for stage in stages] == [False, *[True] * 5, False]
    assert (
        stages[2].note
        == "each: expanded to 144, then 240 channels, 5×5 depthwise, projected to 40; the first with stride 2; int8"
    )
    assert [part.views for part in parts] == [1, *[2] * 14, 1, 1]


def test_two_networks_follow_each_other() -> None:
    parts = _efficientnet("lite0", "lite2")
    headed = [i for i, part in enumerate(parts) if part.heading]
    assert [parts[i].heading for i in headed] == [f"Network {n} of 2, on the same input" for n in (1, 2)]
    assert [parts[i].title for i in headed] == ["Stem: convolution"] * 2
    first, second = parts[headed[0] : headed[1]], parts[headed[1] : headed[1] + 10]
    assert [part.title for part in first] == [part.title for part in second]
    assert [part.repeats for part in second if "block" in part.title] == [1, 3, 3, 4, 4, 5, 1]
    joined = parts[headed[1] + 10]
    assert (joined.title, joined.shape, joined.note) == ("Concatenation", (2560,), "of the 2 networks")


def _resnet(blocks: int) -> tuple[Part, ...]:
    nodes: list[NodeProto] = [helper.make_node("Conv", ["images", "stem"], ["x0"], kernel_shape=[1, 1])]
    for i in range(blocks):
        nodes += [
            helper.make_node("Conv", [f"x{i}", f"w{i}"], [f"a{i}"], kernel_shape=[3, 3], pads=[1] * 4),
            helper.make_node("Relu", [f"a{i}"], [f"b{i}"]),
            helper.make_node("Add", [f"b{i}", f"x{i}"], [f"x{i + 1}"]),
        ]
    weights = {f"w{i}": np.ones((4, 4, 3, 3), np.float32) for i in range(blocks)}
    weights["stem"] = np.ones((4, 3, 1, 1), np.float32)
    return network_parts(read_layers(photo_network(nodes, weights, f"x{blocks}"), 8, "here"))


def test_consecutive_residual_blocks_are_one_stage() -> None:
    parts = _resnet(50)
    assert [(part.title, part.repeats) for part in parts] == [
        ("Photo", 1),
        ("Stem: convolution", 1),
        ("Residual block", 50),
    ]
    assert parts[-1].note == "each: 1 convolution, 1 sum"
    assert parts[-1].parameters == 50 * 4 * 4 * 9 and parts[-1].has_shortcut


def test_a_long_chain_is_summarised() -> None:
    nodes, now = [], "images"
    for i in range(400):
        nodes.append(helper.make_node(("Erf", "Sin")[i % 2], [now], [f"x{i}"]))
        now = f"x{i}"
    parts = network_parts(read_layers(photo_network(nodes, {}, now), 8, "here"))
    assert len(parts) <= 33 and sum(len(part.layers) for part in parts) == 401
    assert any("200 Erf" in part.note or "Erf" in part.note for part in parts)


@st.composite
def _any_layers(draw: st.DrawFn) -> tuple[Layer, ...]:
    """Layers with inputs from any earlier layers; every layer is used."""
    count, seed = draw(st.integers(1, 120)), draw(st.integers(0, 2**32 - 1))
    generator = random.Random(seed)
    reach = generator.choice([1, 2, 5, 200])
    kinds = ("convolution", "depthwise convolution", "sum", "concatenation", "dense", "Einsum", "mirror image")
    layers: list[Layer] = []
    waiting: set[int] = set()
    for i in range(count):
        size = min(i, generator.choice([1, 1, 1, 2, 3]))
        inputs = {generator.randrange(max(0, i - reach), i) for _ in range(size)}
        if i == count - 1:
            inputs |= waiting
        waiting = (waiting - inputs) | {i}
        shape = generator.choice([(8, 8, 4), (4, 4, 4), (16,), (3, 5, 7, 9), (-1, 4, 4), ()])
        kernel = generator.choice([(), (1, 1), (3, 3)])
        parameters = generator.choice([0, 36])
        layers.append(
            Layer(f"n{i}", generator.choice(kinds), shape, parameters, kernel=kernel, inputs=tuple(sorted(inputs)))
        )
    return tuple(layers)


@settings(max_examples=50)
@given(_any_layers())
def test_each_layer_is_in_one_part_and_parts_are_few(layers: tuple[Layer, ...]) -> None:
    parts = network_parts(layers)
    found = [layer for part in parts for layer in part.layers]
    assert sorted(layer.name for layer in found) == sorted(layer.name for layer in layers)
    assert 1 <= len(parts) <= 33
    assert found[-1] == layers[-1]
