"""The diagram in a browser: its text fits, is large enough on a phone, and does not overlap."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from accessibility import accessibility_faults
from browser import DESKTOP, PHONE, OpenedPage
from photoclass.networks.pretrained.backbone_onnx import write_backbones
from photoclass.networks.pretrained.efficientnet_lite import fold
from photoclass.results.diagram.draw import draw_layers, draw_network
from photoclass.results.diagram.layers import Layer, read_layers

OpenPage = Callable[..., OpenedPage]
_STYLE = """:root { color-scheme: light dark } body { margin: 1rem; font: 16px system-ui; color: #1d2329 }
@media (prefers-color-scheme: dark) { body { color: #e4e8ec } }"""
_LONG = Layer("n" * 300, "Einsum", (123_456, 7_890, 12, 345), 123_456_789, note="w" * 40 + " " + "m" * 300, inputs=(0,))


@pytest.fixture(scope="module")
def diagram_page(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with three diagrams: of a small network, of two large ones, and of one with long names."""
    large = read_layers(write_backbones((fold("lite0"), fold("lite2")), 260, "int8"), 260, "here")
    drawn = [
        draw_network(model),
        draw_layers(large),
        draw_layers((Layer("pixels", "photo", (8, 8, 3)), _LONG), ("W" * 100, "M" * 100)),
    ]
    page = tmp_path_factory.mktemp("diagram") / "diagram.html"
    page.write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Networks</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><h1>Networks</h1>{''.join(drawn)}</body></html>"
    )
    return page


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
@pytest.mark.parametrize("dark", [False, True])
def test_it_is_accessible(open_page: OpenPage, diagram_page: Path, size: tuple[int, int], dark: bool) -> None:
    opened = open_page(diagram_page, *size, dark=dark)
    assert opened.requests == [] and opened.faults == []
    assert opened.overflow() == 0
    assert accessibility_faults(opened.page) == []
    assert opened.page.get_by_role("img", name="parameters").count() == 3


def test_text_fits_and_is_large_enough(open_page: OpenPage, diagram_page: Path) -> None:
    page = open_page(diagram_page, *PHONE).page
    words = page.evaluate("""
    [...document.querySelectorAll('svg')].map(svg => [...svg.querySelectorAll('text')].map(text => {
        const own = text.getBoundingClientRect(), whole = svg.getBoundingClientRect()
        return [own.left - whole.left, whole.right - own.right, own.top - whole.top, whole.bottom - own.bottom,
                own.left, own.right, own.top, own.bottom,
                parseFloat(getComputedStyle(text).fontSize) * whole.width / svg.viewBox.baseVal.width]
    }))""")
    for diagram in words:
        assert len(diagram) > 4
        for word in diagram:
            assert min(word[:4]) >= -0.5, "no text is cut off"
            assert word[8] >= 12, "pixels on a phone"
        for first, second in itertools.pairwise(diagram):
            assert first[7] <= second[6] + 4 or first[5] <= second[4], "no texts overlap"


def test_a_diagram_takes_the_colours_of_its_page(open_page: OpenPage, diagram_page: Path) -> None:
    page = open_page(diagram_page, *PHONE).page
    fill = "getComputedStyle(document.querySelector('svg g polygon')).fill"
    assert page.evaluate(fill) == "rgb(123, 135, 148)"
    page.evaluate("document.documentElement.style.setProperty('--network-input', 'rgb(1, 2, 3)')")
    assert page.evaluate(fill) == "rgb(1, 2, 3)"
