"""`curves.png`: loss and accuracy, epoch by epoch."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from photoclass.atomic import write_bytes
from photoclass.model.folder import Epoch
from photoclass.results.axes import Axis, axis, percent
from photoclass.results.pictures.lettering import Lettering

_TRAIN_COLOUR, _VALID_COLOUR, _GRID, _INK, _PAPER = "#8a94a6", "#d9480f", "#e6e6e6", "#222222", "#ffffff"
_WIDTH, _HEIGHT, _SMALL, _LARGE = 1320, 528, 15, 19  # of the picture and of letters, in pixels
_PANEL, _LEFT, _RIGHT, _TOP, _BOTTOM = _WIDTH // 2, 78, 30, 118, 62  # of a panel, and the room around its curves
_SUPERSAMPLING = 3  # Pillow's lines have hard edges; drawn larger and reduced, they are smooth
_FEW_POINTS = 25


def draw_curves(history: Sequence[Epoch], path: Path, title: str = "") -> None:
    """Draw training and validation loss and accuracy, with the best epoch marked.

    Raises:
        OutputError: The file cannot be written.
    """
    rows = [row for row in history if math.isfinite(row.loss) and math.isfinite(row.val_loss)]
    best = min(rows or history, key=lambda row: row.val_loss)
    across = axis(history[0].epoch, history[-1].epoch, "epoch", lambda value: f"{value:g}", least_step=1)
    panels = []
    for number, (metric, heading, format_value) in enumerate(
        (
            ("loss", f"Loss in nats: lowest {best.val_loss:.4f}, in epoch {best.epoch:g} (kept)", "{:.4g}".format),
            ("accuracy", f"Accuracy: {best.val_accuracy:.1%} in epoch {best.epoch:g}", percent),
        )
    ):
        curves = tuple([(row.epoch, getattr(row, column)) for row in rows] for column in (metric, f"val_{metric}"))
        values = [value for curve in curves for _, value in curve] or [0.0]
        down = axis(min(values), max(values), metric, format_value)
        at = (best.epoch, getattr(best, f"val_{metric}"))
        panels.append(_Panel(number * _PANEL, heading, across, down, curves, at))
    large = Image.new("RGB", (_WIDTH * _SUPERSAMPLING, _HEIGHT * _SUPERSAMPLING), _PAPER)
    for panel in panels:
        panel.draw_curves(ImageDraw.Draw(large))
    picture = large.reduce(_SUPERSAMPLING)
    pen, lettering = ImageDraw.Draw(picture), Lettering.of((), [title])
    lettering.draw(pen, (16, 12), lettering.shorten(title, _LARGE, _WIDTH - 32), _LARGE, _INK, bold=True)
    for panel in panels:
        panel.draw_texts(pen, lettering)
    buffer = io.BytesIO()
    picture.save(buffer, format="png")
    write_bytes(path, buffer.getvalue())


@dataclass(frozen=True)
class _Panel:
    """One plot of the picture.

    Attributes:
        left: Where it begins, in pixels.
        heading: Above it.
        across, down: Its axes.
        curves: Points of the training and of the validation curve.
        best: The point that is marked.
    """

    left: int
    heading: str
    across: Axis
    down: Axis
    curves: tuple[list[tuple[float, float]], ...]
    best: tuple[float, float]

    def draw_curves(self, pen: ImageDraw.ImageDraw) -> None:
        """Draw grid and curves, on a picture that is larger by `_SUPERSAMPLING`."""
        low, high = (self.across.low, self.down.low), (self.across.high, self.down.high)
        for y in self.down.ticks:
            _line(pen, [self._place((low[0], y)), self._place((high[0], y))], _GRID, 1)
        for x in self.across.ticks:
            _line(pen, [self._place((x, low[1])), self._place((x, high[1]))], _GRID, 1)
        _line(pen, [self._place((low[0], high[1])), self._place(low), self._place((high[0], low[1]))], _INK, 1)
        (x, top), (_, bottom) = self._place((self.best[0], high[1])), self._place((self.best[0], low[1]))
        for y in range(int(top), int(bottom), 6):
            _line(pen, [(x, y), (x, y + 2)], _VALID_COLOUR, 1)
        for curve, colour in zip(self.curves, (_TRAIN_COLOUR, _VALID_COLOUR), strict=True):
            points = [self._place(point) for point in curve]
            _line(pen, points, colour, 2)
            for x, y in points if len(points) < _FEW_POINTS else ():
                _circle(pen, x, y, 3.5, colour)
        if all(map(math.isfinite, self.best)):
            x, y = self._place(self.best)
            _circle(pen, x, y, 8, None, _VALID_COLOUR)
        for x, colour in ((_LEFT, _TRAIN_COLOUR), (_LEFT + 210, _VALID_COLOUR)):
            _line(pen, [(self.left + x, _TOP - 23), (self.left + x + 26, _TOP - 23)], colour, 3)

    def draw_texts(self, pen: ImageDraw.ImageDraw, lettering: Lettering) -> None:
        """Write the heading, what the curves are, and the ticks."""
        left = self.left + _LEFT
        lettering.draw(pen, (left, _TOP - 66), self.heading, _LARGE, _INK)
        lettering.draw(pen, (left + 34, _TOP - 32), "training (augmented)", _SMALL, _INK)
        lettering.draw(pen, (left + 244, _TOP - 32), "validation", _SMALL, _INK)
        for value in self.down.ticks:
            _, y = self._place((self.across.low, value))
            text = self.down.format_value(value)
            lettering.draw(pen, (left - 10, y - 9), text, _SMALL, _INK, right=True)
        for value in self.across.ticks:
            x, y = self._place((value, self.down.low))
            text = self.across.format_value(value)
            lettering.draw(pen, (x - lettering.length(text, _SMALL) / 2, y + 8), text, _SMALL, _INK)
        middle = left + (_PANEL - _LEFT - _RIGHT) / 2 - lettering.length(self.across.title, _SMALL) / 2
        lettering.draw(pen, (middle, _HEIGHT - 30), self.across.title, _SMALL, _INK)

    def _place(self, point: tuple[float, float]) -> tuple[float, float]:
        x = self.left + _LEFT + self.across.place(point[0]) * (_PANEL - _LEFT - _RIGHT)
        return x, _TOP + (1 - self.down.place(point[1])) * (_HEIGHT - _TOP - _BOTTOM)


def _line(pen: ImageDraw.ImageDraw, points: Sequence[tuple[float, float]], colour: str, width: int) -> None:
    larger = [(x * _SUPERSAMPLING, y * _SUPERSAMPLING) for x, y in points]
    if larger:
        pen.line(larger, fill=colour, width=width * _SUPERSAMPLING, joint="curve")


def _circle(
    pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, fill: str | None, outline: str | None = None
) -> None:
    at = x * _SUPERSAMPLING, y * _SUPERSAMPLING
    pen.circle(at, radius * _SUPERSAMPLING, fill=fill, outline=outline, width=2 * _SUPERSAMPLING)
