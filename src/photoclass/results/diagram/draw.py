"""A diagram of the network, drawn from `model.onnx`: one SVG element for a page, readable on a phone."""

import dataclasses
import hashlib
import html
import math
from collections.abc import Sequence
from pathlib import Path

from photoclass.model.folder import load_info
from photoclass.paths import AnyPath
from photoclass.results.diagram.layers import Layer, describe_network
from photoclass.results.diagram.parts import Part, network_parts
from photoclass.text import printable, wrap

# In units of the picture, which are pixels on a phone, where it is some 360 wide.
_WIDTH, _MIDDLE, _TEXT_AT = 360, 62, 130
_SIDE, _LENGTH = 66.0, 86.0  # of the largest feature maps: their height, and the length of their channels
_SKEW_X, _SKEW_Y = 0.30, 0.22  # the direction of the maps' width, for each unit of it
_GAP, _LINE, _TITLE_LINE, _HEADING = 18.0, 16.0, 18.0, 34.0
_SIZE, _TITLE_SIZE, _HEADING_SIZE = 12.5, 14.0, 13.0
_MOST_DOTS = 10
# Medium tones, with a contrast of at least 3:1 on white and on near-black. A page may override them.
_COLOURS = {
    "input": "var(--network-input, #7b8794)",
    "convolution": "var(--network-convolution, #3d82c4)",
    "pooling": "var(--network-pooling, #b8752a)",
    "dense": "var(--network-dense, #2f8f5b)",
    "other": "var(--network-other, #8b6cc0)",
}
_MOST_NAME = 60


def draw_network(model: AnyPath) -> str:
    """Draw the network of a model folder.

    Returns:
        One `<svg>` element for an HTML page. It has no script and no external references, and describes everything to
        screen readers. Text has the colour of the page; boxes take theirs from `--network-input`, `-convolution`,
        `-pooling`, `-dense` and `-other`, if the page defines them.

    Raises:
        ModelError: The folder has no model, or a damaged one.
    """
    model = Path(model)
    return draw_layers(describe_network(model), load_info(model).class_names)


def draw_layers(layers: Sequence[Layer], class_names: Sequence[str] = ()) -> str:
    """Draw layers from `describe_network`; the last one has an output for each class."""
    parts = _with_classes(network_parts(layers), class_names)
    scale = _Scale(parts)
    shapes: list[str] = []
    y, last_bottom, views = 4.0, 0.0, 1
    for number, part in enumerate(parts):
        if part.heading:
            shapes.append(_heading(part.heading, y))
            y += _HEADING
        box_height = scale.height(part)
        lines = _lines(part)
        text_height = sum(_TITLE_LINE if bold else _LINE for _, bold in lines)
        height = max(box_height, text_height)
        top = y + (height - box_height) / 2
        if number and not part.heading:
            shapes.append(_arrow(last_bottom, top, views))
        shapes.append(_box(part, scale, top, _is_result(part, number == len(parts) - 1)))
        if part.has_shortcut:
            shapes.append(_shortcut(top, top + box_height))
        shapes.append(_text_lines(lines, y + (height - text_height) / 2))
        last_bottom, views = top + box_height, part.views
        y += height + _GAP
    for line in _closing(parts):
        shapes.append(_text(0, y + 10, line, size=_SIZE, soft=True))
        y += _LINE
    return _svg(shapes, y + 4, _title(parts), _description(parts))


def _with_classes(parts: tuple[Part, ...], class_names: Sequence[str]) -> tuple[Part, ...]:
    """Name the classes on the last part, if there are few."""
    if not 0 < len(class_names) <= _MOST_DOTS:
        return parts
    note = ", ".join(filter(None, [parts[-1].note, f"for {', '.join(class_names)}"]))
    return (*parts[:-1], dataclasses.replace(parts[-1], note=note))


class _Scale:
    """One scale for all boxes: feature map size upward, channels along.

    Args:
        parts: All parts of the network.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        maps = [part.shape for part in parts if len(part.shape) == 3 and min(part.shape) > 0]
        self._place = _SIDE / max((max(shape[:2]) for shape in maps), default=1)
        self._channel = _LENGTH / max((shape[2] for shape in maps), default=64)

    def sizes(self, shape: tuple[int, ...]) -> tuple[float, float, float]:
        """Return length, height and width of the box of feature maps."""
        height, width, channels = shape
        return max(channels * self._channel, 1.2), max(height * self._place, 2.0), max(width * self._place, 2.0)

    def length(self, numbers: int) -> tuple[float, bool]:
        """Return the length of a vector, and whether it is cut short."""
        length = numbers * self._channel
        return min(max(length, 4.0), _LENGTH), length > _LENGTH

    def height(self, part: Part) -> float:
        """Return the height of the shape that `_box` draws."""
        if not _is_maps(part.shape):
            return 8.0 if len(part.shape) == 1 else 22.0
        _, height, width = self.sizes(part.shape)
        return height + width * _SKEW_Y


def _is_maps(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and min(shape) > 0


def _is_result(part: Part, is_last: bool) -> bool:
    return is_last and len(part.shape) == 1 and 0 < part.shape[0] <= _MOST_DOTS


def _box(part: Part, scale: _Scale, top: float, is_result: bool) -> str:
    """Draw the output of a part: feature maps as a box, a vector as a bar, class outputs as dots, others as a frame."""
    colour = _COLOURS[part.family]
    if _is_maps(part.shape):
        length, height, width = scale.sizes(part.shape)
        if part.layers[-1].kind == "photo and mirror image":
            apart = width * _SKEW_X + length + 4
            return _cuboid(_MIDDLE - apart / 2, top, length, height, width, colour) + _cuboid(
                _MIDDLE + apart / 2, top, length, height, width, colour, mirrored=True
            )
        return _cuboid(_MIDDLE, top, length, height, width, colour)
    if is_result:
        first = _MIDDLE - (part.shape[0] - 1) * 6
        dots = "".join(
            f'<circle cx="{first + 12 * i:g}" cy="{top + 4:.1f}" r="4" fill="none"/>' for i in range(part.shape[0])
        )
        return f'<g style="stroke:{colour}" stroke-width="2">{dots}</g>'
    if len(part.shape) == 1:
        length, is_cut = scale.length(part.shape[0])
        left = _MIDDLE - length / 2
        bar = f'<rect x="{left:.1f}" y="{top + 1:.1f}" width="{length:.1f}" height="6" style="fill:{colour}"/>'
        return bar + (_break(top) if is_cut else "")
    return (
        f'<rect x="{_MIDDLE - 30}" y="{top + 1:.1f}" width="60" height="20" rx="3" fill="none" '
        f'stroke-width="2" style="stroke:{colour}"/>'
    )


def _cuboid(
    middle: float, top: float, length: float, height: float, width: float, colour: str, *, mirrored: bool = False
) -> str:
    """Draw a box of feature maps: channels along, height upward, width into the page."""
    aside, up = width * _SKEW_X, width * _SKEW_Y
    turn = -1 if mirrored else 1
    left = middle - turn * (length + aside) / 2
    right, end, bottom = left + turn * length, left + turn * (length + aside), top + up + height

    def face(opacity: float, *corners: tuple[float, float]) -> str:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
        return f'<polygon points="{points}" fill-opacity="{opacity}"/>'

    front = face(0.95, (left, top + up), (right, top + up), (right, bottom), (left, bottom))
    lid = face(0.45, (left, top + up), (right, top + up), (end, top), (left + turn * aside, top))
    maps = face(0.7, (right, top + up), (end, top), (end, bottom - up), (right, bottom))
    return f'<g style="fill:{colour};stroke:{colour}" stroke-width="0.8" stroke-linejoin="round">{lid}{front}{maps}</g>'


def _break(top: float) -> str:
    """Mark a bar that is cut short."""
    x = _MIDDLE + _LENGTH / 4
    slash = f"M{x:.1f} {top + 9:.1f}l6 -10M{x + 5:.1f} {top + 9:.1f}l6 -10"
    return f'<path d="{slash}" stroke="currentColor" stroke-width="1.5" fill="none"/>'


def _arrow(start: float, end: float, views: int) -> str:
    """Draw the arrow from a box to the next; two if the mirror image is processed too."""
    ways = (_MIDDLE,) if views == 1 else (_MIDDLE - 5, _MIDDLE + 5)
    path = "".join(f"M{x} {start + 3:.1f}V{end - 4:.1f}m-3 -3l3 3l3 -3" for x in ways)
    return f'<path d="{path}" fill="none" stroke="currentColor" stroke-opacity="0.6"/>'


def _shortcut(top: float, bottom: float) -> str:
    """Draw the skip connection of a block."""
    start, end = top - 5, bottom + 4
    path = f"M{_MIDDLE - 6} {start:.1f}C2 {start:.1f} 2 {start + 4:.1f} 2 {(start + end) / 2:.1f}"
    path += f"S2 {end:.1f} {_MIDDLE - 6} {end:.1f}m-3 -3l3 3l-3 3"
    return f'<path d="{path}" fill="none" stroke="currentColor" stroke-opacity="0.6" stroke-dasharray="3 2"/>'


def _heading(text: str, y: float) -> str:
    line = f'<path d="M0 {y + 2:.1f}H{_WIDTH}" stroke="currentColor" stroke-opacity="0.3"/>'
    return line + _text(0, y + 20, text, size=_HEADING_SIZE, bold=True)


def _lines(part: Part) -> list[tuple[str, bool]]:
    """Return the lines of text beside a box, and whether each is part of the title."""
    width = _WIDTH - _TEXT_AT
    title = part.title + (f" ×{part.repeats}" if part.repeats > 1 else "")
    lines = [(line, True) for line in wrap(title, width, _TITLE_SIZE, bold=True)]
    facts = [_describe_shape(part), *([f"{part.parameters:,} parameters"] if part.parameters else [])]
    if len(wrap(" · ".join(facts), width, _SIZE)) == 1:
        facts = [" · ".join(facts)]
    for text in (*facts, part.note):
        lines += [(line, False) for line in wrap(text, width, _SIZE)]
    return lines


def _describe_shape(part: Part) -> str:
    """Describe an output shape, as `148 × 148 × 32` or `64 values`."""
    sizes = [f"{size:,}" if size >= 0 else "?" for size in part.shape]
    if len(sizes) != 1:
        return " × ".join(sizes) or "dynamic shape"
    return f"{sizes[0]} values" if sizes[0] != "1" else "1 value"


def _shown(text: str) -> str:
    """Return text from the file for the picture: without line breaks, long words cut."""
    flat = " ".join(printable(text).split())
    words = [word if len(word) <= _MOST_NAME else f"{word[:_MOST_NAME]}…" for word in flat.split(" ")]
    return " ".join(words)


def _text_lines(lines: Sequence[tuple[str, bool]], top: float) -> str:
    texts, y = [], top
    for line, bold in lines:
        y += _TITLE_LINE if bold else _LINE
        texts.append(_text(_TEXT_AT, y - 4, line, size=_TITLE_SIZE if bold else _SIZE, bold=bold, soft=not bold))
    return "".join(texts)


def _text(x: float, y: float, text: str, *, size: float, bold: bool = False, soft: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    opacity = ' fill-opacity="0.8"' if soft else ""
    return f'<text x="{x:g}" y="{y:.1f}" font-size="{size:g}"{weight}{opacity}>{html.escape(text)}</text>'


def _closing(parts: Sequence[Part]) -> list[str]:
    text = f"{_total(parts):,} parameters in total. Boxes are to scale: height is feature map size, length is channels."
    return wrap(text, _WIDTH, _SIZE)


def _total(parts: Sequence[Part]) -> int:
    return sum(part.parameters for part in parts)


def _title(parts: Sequence[Part]) -> str:
    layers = sum(len(part.layers) for part in parts)
    return f"The network: {layers} layers, {_total(parts):,} parameters"


def _description(parts: Sequence[Part]) -> str:
    """Describe the whole picture in text."""
    sentences = []
    for part in parts:
        repeats = f", {part.repeats} times" if part.repeats > 1 else ""
        count = f"{part.parameters:,} parameters" if part.parameters else ""
        facts = [_describe_shape(part), count, _shown(part.note), "with a skip connection" if part.has_shortcut else ""]
        heading = f"{part.heading}. " if part.heading else ""
        sentences.append(f"{heading}{_shown(part.title)}{repeats}: {', '.join(filter(None, facts))}.")
    return " ".join(sentences)


def _svg(shapes: Sequence[str], height: float, title: str, description: str) -> str:
    content = "\n".join(shapes)
    # A page may show two networks: ids from their content keep them apart.
    name = f"network-{hashlib.sha256(content.encode()).hexdigest()[:10]}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {math.ceil(height)}" role="img" '
        f'aria-labelledby="{name}-title {name}-description" fill="currentColor" '
        'font-family="system-ui, sans-serif" style="display:block;width:100%;max-width:30rem;height:auto">\n'
        f'<title id="{name}-title">{html.escape(title)}</title>\n'
        f'<desc id="{name}-description">{html.escape(description)}</desc>\n'
        f"{content}\n</svg>\n"
    )
