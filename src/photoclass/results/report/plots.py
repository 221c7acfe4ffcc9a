"""Plots as SVG that stands inside a page, takes its colours, and says in words what it shows."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from photoclass.results.pictures.curves import EpochFigures
from photoclass.results.report.reliability import Bin

# On a phone a unit is about a pixel, so letters of 12 units can be read there.
_WIDTH, _HEIGHT = 360, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 22, 38, 40
_FEW_POINTS = 25


@dataclass(frozen=True)
class Axis:
    """One axis of a plot.

    Attributes:
        low, high: Its ends, in values.
        words: What it measures.
        name_value: Writes a tick.
        ticks: Where they stand.
    """

    low: float
    high: float
    words: str
    name_value: Callable[[float], str]
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Return where a value lies, from 0 to 1."""
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)


def axis(low: float, high: float, words: str, name_value: Callable[[float], str], least_step: float = 0.0) -> Axis:
    """Return an axis over these values with three to six round ticks."""
    if not high > low:
        low, high = low - 0.5 * (abs(low) or 1), high + 0.5 * (abs(high) or 1)
    rough = (high - low) / 5
    unit = 10.0 ** math.floor(math.log10(rough))
    step = max(next(unit * k for k in (1, 2, 5, 10) if unit * k >= rough), least_step)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(i * step for i in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], words, name_value, ticks)


def percent(value: float) -> str:
    """Write a share as whole percent, or finer where that says nothing."""
    return f"{100 * value:.6g} %"


def bar(share: float) -> Markup:
    """Return a bar as long as a share of 1; what it shows stands beside it in figures."""
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="8"/><rect class="fill" width="{}" height="8"/></svg>'
    ).format(f"{100 * min(max(share, 0), 1):.2f}")


def draw_curve(history: Sequence[EpochFigures], best: EpochFigures | None, what: str, name: str) -> Markup:
    """Draw `loss` or `accuracy` of training and validation photos, epoch by epoch, the best one marked.

    Args:
        history: The epochs.
        best: The one that was kept.
        what: `loss` or `accuracy`.
        name: For the ids within the page.
    """
    rows = [row for row in history if math.isfinite(getattr(row, what)) and math.isfinite(getattr(row, f"val_{what}"))]
    values = [getattr(row, column) for row in rows for column in (what, f"val_{what}")]
    name_value = percent if what == "accuracy" else (lambda value: f"{value:.4g}")
    down = axis(min(values), max(values), "accuracy" if what == "accuracy" else "log loss", name_value)
    across = axis(rows[0].epoch, rows[-1].epoch, "epoch", lambda value: f"{value:g}", least_step=1)
    parts = []
    for column, kind in ((what, "train"), (f"val_{what}", "valid")):
        points = [(_x(across, row.epoch), _y(down, getattr(row, column))) for row in rows]
        parts.append(_line(points, kind))
        if len(rows) < _FEW_POINTS:
            parts += [_dot(x, y, kind, 3) for x, y in points]
    title = f"{down.words.capitalize()}, epoch by epoch"
    words = f"{len(rows)} epochs. Training: from {name_value(values[0])} to {name_value(values[-2])}. "
    words += f"Validation: from {name_value(values[1])} to {name_value(values[-1])}."
    if best:
        value = getattr(best, f"val_{what}")
        parts.append(_dot(_x(across, best.epoch), _y(down, value), "best", 7))
        words += f" Epoch {best.epoch:g}, with {name_value(value)}, was kept."
    return _svg(name, title, words, [_frame(across, down), *parts])


def draw_reliability(bins: Sequence[Bin], classes: int, name: str) -> Markup:
    """Draw the share classified correctly against the probability that was said, with intervals and the number of photos."""
    least = 1 / classes
    low = min(least, *(b.right.low for b in bins))
    across = axis(least, 1, "probability that it gave", percent)
    down = axis(low, 1, "share classified correctly", percent)
    parts = [_line([(_x(across, v), _y(down, v)) for v in (max(across.low, down.low), 1)], "ideal")]
    most = max(b.count for b in bins)
    for b in bins:
        x = _x(across, b.confidence)
        parts.append(_line([(x, _y(down, b.right.low)), (x, _y(down, b.right.high))], "spread"))
        parts.append(_dot(x, _y(down, b.right.value), "valid", 3 + 5 * math.sqrt(b.count / most)))
        parts.append(_text(x, _TOP - 8, f"{b.count:,}", "middle"))
    words = " ".join(
        f"{b.count:,} photos at {b.confidence:.1%}: {b.right.value:.1%} classified correctly." for b in bins
    )
    return _svg(name, "Share classified correctly against the probability given", words, [_frame(across, down), *parts])


def draw_losses(marks: Sequence[tuple[float, str, bool]], name: str) -> Markup:
    """Draw what a photo costs against the probability that its true class got, with some photos marked.

    Args:
        marks: Probability of the true class, a short word, and whether the photo was classified correctly.
        name: For the ids within the page.
    """
    least = min([0.01, *(p for p, _, _ in marks)])
    across = axis(0, 1, "probability that its true class got", percent)
    down = axis(0, -math.log(max(least, 1e-7)), "loss", lambda value: f"{value:.4g}")
    shares = [math.exp(-down.high * (1 - i / 120)) for i in range(121)]
    parts = [_line([(_x(across, p), _y(down, -math.log(p))) for p in shares], "valid")]
    for p, word, right in marks:
        x, y = _x(across, p), _y(down, -math.log(max(p, 1e-7)))
        parts.append(_dot(x, y, "right" if right else "wrong", 6))
        # Apart from each other even where all three lie close together.
        if right or p < 0.2:
            parts.append(_text(x + 10, y - 6, word, "start"))
        elif word == marks[-1][1] and len(marks) > 2:
            parts.append(_text(x, y - 22, word, "middle"))
        else:
            parts.append(_text(x - 9, y + 6, word, "end"))
    words = " ".join(f"{word}: {-math.log(max(p, 1e-7)):.2f} at {p:.2%}." for p, word, _ in marks)
    return _svg(name, "The loss of a photo by the probability of its true class", words, [_frame(across, down), *parts])


def _x(across: Axis, value: float) -> float:
    return _LEFT + across.place(value) * (_WIDTH - _LEFT - _RIGHT)


def _y(down: Axis, value: float) -> float:
    return _TOP + (1 - down.place(value)) * (_HEIGHT - _TOP - _BOTTOM)


def _svg(name: str, title: str, words: str, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-labelledby="{}-title {}-words"><title id="{}-title">{}'
        '</title><desc id="{}-words">{}</desc>{}</svg>'
    ).format(_WIDTH, _HEIGHT, name, name, name, title, name, words, Markup("").join(parts))


def _frame(across: Axis, down: Axis) -> Markup:
    """Draw grid, ticks and the axes' words."""
    bottom = _HEIGHT - _BOTTOM
    parts = [_text(4, 12, down.words, "start")]
    for value in down.ticks:
        y = _y(down, value)
        parts.append(_line([(_LEFT, y), (_WIDTH - _RIGHT, y)], "grid"))
        parts.append(_text(_LEFT - 5, y + 4, down.name_value(value), "end"))
    for value in across.ticks:
        x = _x(across, value)
        parts.append(_line([(x, bottom), (x, bottom + 4)], "grid"))
        parts.append(_text(x, bottom + 16, across.name_value(value), "middle"))
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6, across.words, "middle"))
    return Markup("").join(parts)


def _line(points: Sequence[tuple[float, float]], kind: str) -> Markup:
    return Markup('<polyline class="{}" points="{}"/>').format(kind, " ".join(f"{x:.1f},{y:.1f}" for x, y in points))


def _dot(x: float, y: float, kind: str, radius: float) -> Markup:
    return Markup('<circle class="{}" cx="{}" cy="{}" r="{}"/>').format(kind, f"{x:.1f}", f"{y:.1f}", f"{radius:.1f}")


def _text(x: float, y: float, words: str, anchor: str) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(
        f"{x:.1f}", f"{y:.1f}", anchor, escape(words)
    )
