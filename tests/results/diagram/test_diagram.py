"""The diagram: one self-contained SVG, described in text, in which names are only text."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from hand_drawn import photo_network
from photoclass.errors import ModelError
from photoclass.results.diagram.draw import draw_layers, draw_network
from photoclass.results.diagram.layers import Layer, describe_network, read_layers

SVG = "{http://www.w3.org/2000/svg}"


def _texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_a_model_is_drawn_with_all_its_layers(model: Path) -> None:
    svg = draw_network(model)
    layers = describe_network(model)
    texts = _texts(svg)
    assert [text for text in texts if text in ("Convolution", "Max pooling", "Dense")] == [
        layer.kind.capitalize() for layer in layers if layer.kind in ("convolution", "max pooling", "dense")
    ]
    total = sum(layer.parameters for layer in layers)
    assert any(f"{total:,} parameters in total" in text for text in texts)
    assert any("cat, dog" in text for text in texts)
    for layer in layers:
        if layer.kind == "convolution":
            shape = " × ".join(map(str, layer.shape))
            assert any(text.startswith(shape) for text in texts)


def test_it_is_self_contained(model: Path) -> None:
    svg = draw_network(model)
    root = ElementTree.fromstring(svg)
    assert root.tag == f"{SVG}svg" and root.get("viewBox") and "width:100%" in root.get("style", "")
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert not tags & {"script", "image", "use", "a", "style", "foreignObject"}
    attributes = {name for element in root.iter() for name in element.attrib}
    assert not any(name.endswith(("href", "src")) or name.startswith("on") for name in attributes)
    assert "url(" not in svg and svg.count("http") == 1, "only the namespace of SVG"


def test_everything_is_described_to_screen_readers(model: Path) -> None:
    root = ElementTree.fromstring(draw_network(model))
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None and description is not None
    assert root.get("role") == "img" and root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    for layer in describe_network(model):
        assert layer.parameters == 0 or f"{layer.parameters:,} parameters" in (description.text or "")


def test_two_diagrams_on_one_page_share_no_id() -> None:
    layers = (Layer("pixels", "photo", (8, 8, 3)), Layer("a", "dense", (2,), 386, inputs=(0,)))
    svgs = draw_layers(layers), draw_layers(layers[:1])
    names = [set(re.findall(r'id="([^"]+)"', svg)) for svg in svgs]
    assert len(names[0]) == 2 and not names[0] & names[1]


def test_boxes_are_to_scale() -> None:
    layers = (
        Layer("a", "photo", (80, 80, 3)),
        Layer("b", "convolution", (40, 40, 20), 9, inputs=(0,)),
        Layer("c", "convolution", (20, 20, 40), 9, inputs=(1,)),
    )
    fronts = []
    for group in ElementTree.fromstring(draw_layers(layers)).iter(f"{SVG}g"):
        front = [p for p in group.iter(f"{SVG}polygon") if p.get("fill-opacity") == "0.95"]
        corners = np.array([point.split(",") for point in front[0].get("points", "").split()], dtype=float)
        fronts.append(np.ptp(corners, axis=0))
    heights = [height for _, height in fronts]
    assert heights == pytest.approx([4 * heights[2], 2 * heights[2], heights[2]], abs=0.2)
    assert fronts[2][0] == pytest.approx(2 * fronts[1][0], abs=0.2)


def test_a_name_from_a_file_is_only_text() -> None:
    name = "</text><script>alert(1)</script> \n\x1b[2J " + "é" * 500
    nodes = [helper.make_node("Erf", ["images"], ["out"], name=name)]
    svg = draw_layers(read_layers(photo_network(nodes, {}, "out"), 8, "here"), ("<b>", "c&d"))
    root = ElementTree.fromstring(svg)
    assert root.find(f".//{SVG}script") is None and "\x1b" not in svg
    assert max(len(text) for text in _texts(svg)) < 60
    assert any("<b>" in text for text in _texts(svg))


@pytest.mark.parametrize("shape", [(), (1,), (-1,), (197, 768), (-1, -1, 3), (2, 3, 4, 5), (8, 1, 100_000)])
def test_any_shape_can_be_drawn(shape: tuple[int, ...]) -> None:
    svg = draw_layers((Layer("pixels", "photo", (8, 8, 3)), Layer("a", "Einsum", shape, 5, inputs=(0,))), ("a", "b"))
    assert "nan" not in svg and "inf" not in svg
    assert "Einsum" in _texts(svg)


@settings(max_examples=50)
@given(st.text(max_size=80), st.text(max_size=80))
def test_any_name_can_be_drawn(kind: str, name: str) -> None:
    ElementTree.fromstring(draw_layers((Layer(name, kind or "x", (8, 8, 3)),), (name, kind)))


def test_no_model_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.json is missing"):
        draw_network(tmp_path)
