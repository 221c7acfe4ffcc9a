"""Plots as SVG for a page: styled by its CSS, and described in text for screen readers."""

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from photoclass.metrics.intervals import Interval
from photoclass.model.folder import Epoch
from photoclass.results.axes import Axis, axis, percent
from photoclass.results.report.reliability import ReliabilityBin

# On a phone a unit is about a pixel, so letters of 12 units can be read there.
_WIDTH, _HEIGHT = 360, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 22, 38, 40
_FEW_POINTS = 25


def bar(share: float) -> Markup:
    """Return a bar of a length in proportion to a share of 1; the figure itself stands beside it."""
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="8"/><rect class="fill" width="{}" height="8"/></svg>'
    ).format(f"{100 * min(max(share, 0), 1):.2f}")


def draw_range(figure: Interval) -> Markup:
    """Draw a share and its interval on a line from 0 to 1; the figures themselves stand beside it."""
    value = figure.value
    low, high = (figure.low, figure.high) if figure.is_known else (value, value)
    return Markup(
        '<svg class="range" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" y="2" width="100" height="2"/><rect class="fill" x="{}" y="2" width="{}" height="2"/>'
        '<rect class="value" x="{}" width="0.8" height="6"/></svg>'
    ).format(f"{100 * low:.2f}", f"{max(100 * (high - low), 0.5):.2f}", f"{min(100 * value, 99.2):.2f}")


def draw_curve(history: Sequence[Epoch], kept: Epoch | None, metric: str, name: str) -> Markup:
    """Draw the training and validation curve of a metric by epoch, with the kept epoch marked.

    Args:
        history: The epochs.
        kept: The epoch whose weights were kept.
        metric: `loss` or `accuracy`.
        name: A prefix of the ids within the page.
    """
    rows = [
        row for row in history if math.isfinite(getattr(row, metric)) and math.isfinite(getattr(row, f"val_{metric}"))
    ]
    values = [getattr(row, column) for row in rows for column in (metric, f"val_{metric}")]
    format_value = percent if metric == "accuracy" else (lambda value: f"{value:.4g}")
    down = axis(min(values), max(values), "accuracy" if metric == "accuracy" else "log loss", format_value)
    across = axis(rows[0].epoch, rows[-1].epoch, "epoch", lambda value: f"{value:g}", least_step=1)
    parts = []
    for column, kind in ((metric, "train"), (f"val_{metric}", "valid")):
        points = [(_x(across, row.epoch), _y(down, getattr(row, column))) for row in rows]
        parts.append(_line(points, kind))
        if len(rows) < _FEW_POINTS:
            parts += [_dot(x, y, kind, 3) for x, y in points]
    title = f"{down.title.capitalize()} by epoch"
    description = f"{len(rows)} epochs. Training: from {format_value(values[0])} to {format_value(values[-2])}. "
    description += f"Validation: from {format_value(values[1])} to {format_value(values[-1])}."
    if kept:
        value = getattr(kept, f"val_{metric}")
        parts.append(_dot(_x(across, kept.epoch), _y(down, value), "best", 7))
        description += f" Epoch {kept.epoch:g}, with {format_value(value)}, was kept."
    return _svg(name, title, description, [_frame(across, down), *parts])


def draw_reliability(bins: Sequence[ReliabilityBin], classes: int, name: str) -> Markup:
    """Draw accuracy by confidence, with intervals and the number of photos.

    Args:
        bins: The bins that hold photos.
        classes: The number of classes: no confidence is below its inverse.
        name: A prefix of the ids within the page.
    """
    least = 1 / classes
    low = min(least, *(b.accuracy.low for b in bins))
    across = axis(least, 1, "confidence", percent)
    down = axis(low, 1, "accuracy", percent)
    parts = [_line([(_x(across, v), _y(down, v)) for v in (max(across.low, down.low), 1)], "ideal")]
    most = max(b.count for b in bins)
    for b in bins:
        x = _x(across, b.confidence)
        parts.append(_line([(x, _y(down, b.accuracy.low)), (x, _y(down, b.accuracy.high))], "spread"))
        parts.append(_dot(x, _y(down, b.accuracy.value), "valid", 3 + 5 * math.sqrt(b.count / most)))
        parts.append(_text(x, _TOP - 8, f"{b.count:,}", "middle"))
    description = " ".join(
        f"{b.count:,} photos with a confidence of {b.confidence:.1%}: accuracy {b.accuracy.value:.1%}." for b in bins
    )
    return _svg(name, "Reliability diagram: accuracy by confidence", description, [_frame(across, down), *parts])


def draw_losses(marks: Sequence[tuple[float, str, bool]], name: str) -> Markup:
    """Draw the loss of a photo by the probability of its true class, with some photos marked.

    Args:
        marks: Probability of the true class, a label, and whether the photo is classified correctly.
        name: A prefix of the ids within the page.
    """
    least = min([0.01, *(p for p, _, _ in marks)])
    across = axis(0, 1, "probability of the true class", percent)
    down = axis(0, -math.log(max(least, 1e-7)), "loss", lambda value: f"{value:.4g}")
    shares = [math.exp(-down.high * (1 - i / 120)) for i in range(121)]
    parts = [_line([(_x(across, p), _y(down, -math.log(p))) for p in shares], "valid")]
    for number, (p, label, correct) in enumerate(marks):
        x, y = _x(across, p), _y(down, -math.log(max(p, 1e-7)))
        parts.append(_dot(x, y, "right" if correct else "wrong", 6))
        # Labels stay apart even if all three photos lie close together.
        if correct or p < 0.35:
            parts.append(_text(x + 10, y - 6, label, "start"))
        elif number == 2:
            parts.append(_text(x, y - 22, label, "middle"))
        else:
            parts.append(_text(x - 9, y + 6, label, "end"))
    description = " ".join(f"{label}: {-math.log(max(p, 1e-7)):.2f} at {p:.2%}." for p, label, _ in marks)
    title = "The loss of a photo by the probability of its true class"
    return _svg(name, title, description, [_frame(across, down), *parts])


def _x(across: Axis, value: float) -> float:
    return _LEFT + across.place(value) * (_WIDTH - _LEFT - _RIGHT)


def _y(down: Axis, value: float) -> float:
    return _TOP + (1 - down.place(value)) * (_HEIGHT - _TOP - _BOTTOM)


def _svg(name: str, title: str, description: str, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-labelledby="{}-title {}-text"><title id="{}-title">{}'
        '</title><desc id="{}-text">{}</desc>{}</svg>'
    ).format(_WIDTH, _HEIGHT, name, name, name, title, name, description, Markup("").join(parts))


def _frame(across: Axis, down: Axis) -> Markup:
    """Draw grid, ticks and the titles of the axes."""
    bottom = _HEIGHT - _BOTTOM
    parts = [_text(4, 12, down.title, "start")]
    for value in down.ticks:
        y = _y(down, value)
        parts.append(_line([(_LEFT, y), (_WIDTH - _RIGHT, y)], "grid"))
        parts.append(_text(_LEFT - 5, y + 4, down.format_value(value), "end"))
    for value in across.ticks:
        x = _x(across, value)
        parts.append(_line([(x, bottom), (x, bottom + 4)], "grid"))
        parts.append(_text(x, bottom + 16, across.format_value(value), "middle"))
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6, across.title, "middle"))
    return Markup("").join(parts)


def _line(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    return Markup('<polyline class="{}" points="{}"/>').format(kind, " ".join(f"{x:.1f},{y:.1f}" for x, y in points))


def _dot(x: float, y: float, kind: str, radius: float) -> Markup:
    return Markup('<circle class="{}" cx="{}" cy="{}" r="{}"/>').format(kind, f"{x:.1f}", f"{y:.1f}", f"{radius:.1f}")


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(f"{x:.1f}", f"{y:.1f}", anchor, escape(text))
