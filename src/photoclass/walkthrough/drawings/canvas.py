"""Smooth filled shapes on an RGB picture: the pen that draws animals and backgrounds.

A shape is an array of its corners, shape (N, 2): x to the right and y down, in the units of the pen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageChops, ImageDraw

Points = NDArray[np.float64]
Pixels = NDArray[np.int64]
Color = tuple[int, int, int]
Item = TypeVar("Item")

_IN_SHADOW = [round(0.84 * value) for value in range(256)] * 3  # of red, green and blue
_ANGLES = np.linspace(0.0, 2.0 * np.pi, 32, endpoint=False)
_CIRCLE = np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)])
_T = np.arange(5)[:, None] / 5.0
_CATMULL_ROM = 0.5 * np.hstack(
    [-_T + 2 * _T**2 - _T**3, 2 - 5 * _T**2 + 3 * _T**3, _T + 4 * _T**2 - 3 * _T**3, -(_T**2) + _T**3]
)


def pick(generator: np.random.Generator, items: Sequence[Item]) -> Item:
    """One of the items, each equally likely."""
    return items[int(generator.integers(len(items)))]


def mix(first: Color, second: Color, amount: float) -> Color:
    """The color that lies `amount` (0 to 1) of the way from the first to the second."""
    red, green, blue = (round(a + (b - a) * amount) for a, b in zip(first, second, strict=True))
    return red, green, blue


def darker(color: Color, amount: float) -> Color:
    """The color mixed with a warm near-black, which looks softer than plain black."""
    return mix(color, (40, 28, 34), amount)


def oval(x: float, y: float, radius_x: float, radius_y: float, degrees: float = 0.0) -> Points:
    """An ellipse around (x, y), rotated clockwise by `degrees`."""
    return (_CIRCLE * (radius_x, radius_y)) @ rotation(degrees).T + (x, y)


def lens(x: float, y: float, radius_x: float, radius_y: float, degrees: float = 0.0) -> Points:
    """An almond around (x, y) with pointed ends on its long axis, rotated clockwise by `degrees`."""
    along = np.linspace(-1.0, 1.0, 13)
    across = (1.0 - along**2) ** 0.8
    upper = np.stack([along * radius_x, -across * radius_y], axis=1)
    lower = np.stack([along[-2:0:-1] * radius_x, across[-2:0:-1] * radius_y], axis=1)
    return np.concatenate([upper, lower]) @ rotation(degrees).T + (x, y)


def box(left: float, top: float, right: float, bottom: float) -> Points:
    """An upright rectangle."""
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=np.float64)


def smooth(corners: ArrayLike, closed: bool = True) -> Points:
    """A Catmull-Rom curve through the corners, five points to a corner.

    Args:
        corners: Shape (N, 2).
        closed: The curve returns to its first corner; otherwise it ends at the last.
    """
    knots = np.asarray(corners, dtype=np.float64)
    if closed:
        padded = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        padded = np.concatenate([knots[:1], knots, knots[-1:]])
    windows = np.stack([padded[:-3], padded[1:-2], padded[2:-1], padded[3:]], axis=1)
    curve: Points = (_CATMULL_ROM @ windows).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, knots[-1:]])


def mirrored(right_half: Sequence[tuple[float, float]]) -> Points:
    """A smooth closed shape, symmetric about x = 0, from the corners of its right half, top to bottom."""
    half = np.array(right_half, dtype=np.float64)
    left = half[::-1][half[::-1, 0] > 0] * (-1.0, 1.0)
    return smooth(np.concatenate([half, left]))


def tube(path: ArrayLike, start_radius: float, end_radius: float) -> Points:
    """The outline of a limb with round ends: a smooth path whose radius goes from one value to the other."""
    middle = smooth(path, closed=False)
    radius = np.linspace(start_radius, end_radius, len(middle))[:, None]
    along = np.gradient(middle, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    aside = along[:, ::-1] * (-1.0, 1.0) * radius
    turn = np.linspace(-1.0, 1.0, 7)[1:-1, None] * (np.pi / 2)
    start = middle[0] - np.cos(turn) * radius[0] * along[0] + np.sin(turn) * aside[0]
    tip = middle[-1] + np.cos(turn) * radius[-1] * along[-1] - np.sin(turn) * aside[-1]
    return np.concatenate([start, middle + aside, tip, (middle - aside)[::-1]])


def rotation(degrees: float) -> Points:
    """The matrix, shape (2, 2), that rotates column vectors clockwise (y points down)."""
    angle = np.deg2rad(degrees)
    return np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])


@dataclass(frozen=True)
class Pen:
    """A place, size and tilt on a canvas; shapes are drawn in its units.

    Attributes:
        canvas: An RGB picture; every pen made by `at` draws on the same one.
        matrix: Shape (2, 3); takes (x, y, 1) in the units of this pen to pixels.
        light: -1 when the light comes from the left of the canvas, +1 from the right.
    """

    canvas: Image.Image
    matrix: Points
    light: float = -1.0

    @property
    def unit(self) -> float:
        """Pixels to one unit."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    def at(self, x: float, y: float, scale: float = 1.0, degrees: float = 0.0, mirror: bool = False) -> "Pen":
        """A pen whose origin is at (x, y) of this one, with its own scale, tilt and handedness."""
        turn = rotation(degrees) * scale
        if mirror:
            turn = turn * (-1.0, 1.0)
        inner = np.vstack([np.column_stack([turn, (x, y)]), (0.0, 0.0, 1.0)])
        return replace(self, matrix=self.matrix @ inner)

    def stretched(self, across: float, down: float) -> "Pen":
        """A pen with the same origin whose units are wider or taller."""
        return replace(self, matrix=self.matrix * (across, down, 1.0))

    def fill(self, shape: Points, color: Color, edge: Color | None = None, width: float = 0.05) -> None:
        """Fill a shape with one color, and draw its edge if given one."""
        corners = self._corners(shape)
        ImageDraw.Draw(self.canvas).polygon(_flat(corners), fill=color)
        if edge is not None:
            self._outline(np.concatenate([corners, corners[:1]]), edge, width)

    def stroke(self, path: ArrayLike, color: Color, width: float) -> None:
        """Draw a smooth open line through the points of the path."""
        self._outline(self._corners(smooth(path, closed=False)), color, width)

    def wash(self, upper: Color, lower: Color, top: float, bottom: float) -> None:
        """Fill a band over the whole width, from one color at the top to another at the bottom."""
        first, last = (round(y * self.unit + self.matrix[1, 2]) for y in (top, bottom))
        blend = np.linspace(upper, lower, max(1, last - first)).astype(np.uint8)
        band = Image.fromarray(blend[:, None, :]).resize((self.canvas.width, len(blend)), Image.Resampling.NEAREST)
        self.canvas.paste(band, (0, first))

    def tint(self, shape: Points, color: Color, opacity: float) -> None:
        """Blend a translucent color over a shape: shadows, glows and blushes."""
        window = self._window(shape)
        if window is not None:
            self.canvas.paste(color, window.box, window.mask(round(255 * opacity)))

    def fur(
        self,
        shape: Points,
        color: Color,
        edge: Color,
        markings: Callable[["Pen"], None] | None = None,
        width: float = 0.05,
    ) -> None:
        """Fill a shape, draw markings that stay within it, and shade the side away from the light.

        Args:
            shape: Corners, shape (N, 2).
            color: Color of the fur.
            edge: Color of the outline.
            markings: Draws with a pen of the same units that is clipped to the shape.
            width: Width of the outline.
        """
        window = self._window(shape)
        if window is None:
            return
        left, top = window.box[:2]
        layer = Image.new("RGB", window.size, color)
        if markings is not None:
            shifted = self.matrix - np.array([(0.0, 0.0, left), (0.0, 0.0, top)])
            markings(replace(self, canvas=layer, matrix=shifted))
        # The shape moved towards the light leaves a crescent uncovered; that crescent is in shadow.
        mask = window.mask()
        extent = np.ptp(window.corners, axis=0)
        lit = window.mask(moved=np.rint(extent * (self.light * 0.09, -0.07)).astype(np.int64))
        shaded = layer.point(_IN_SHADOW)
        layer.paste(shaded, (0, 0), ImageChops.subtract(mask, lit))
        self.canvas.paste(layer, (left, top), mask)
        corners = self._corners(shape)
        self._outline(np.concatenate([corners, corners[:1]]), edge, width)

    def _corners(self, shape: Points) -> Pixels:
        return np.rint(shape @ self.matrix[:, :2].T + self.matrix[:, 2]).astype(np.int64)

    def _outline(self, corners: Pixels, color: Color, width: float) -> None:
        thickness = max(2, round(width * self.unit))
        draw = ImageDraw.Draw(self.canvas)
        draw.line(_flat(corners), fill=color, width=thickness)
        # Pillow's wide lines have square ends, and gaps where they turn.
        for x, y in corners.tolist():
            draw.circle((x, y), thickness / 2, fill=color)

    def _window(self, shape: Points) -> "_Window | None":
        """Return the part of the canvas that a shape touches; None if it is outside."""
        corners = self._corners(shape)
        left, top = np.maximum(corners.min(axis=0), 0).tolist()
        right, bottom = np.minimum(corners.max(axis=0) + 1, self.canvas.size).tolist()
        if left >= right or top >= bottom:
            return None
        return _Window((left, top, right, bottom), corners - (left, top))


@dataclass(frozen=True)
class _Window:
    """The part of a canvas that a shape touches.

    Attributes:
        box: Its left, top, right and bottom on the canvas, in pixels.
        corners: Of the shape, from the window's upper left corner, shape (N, 2).
    """

    box: tuple[int, int, int, int]
    corners: Pixels

    @property
    def size(self) -> tuple[int, int]:
        """Its width and height in pixels."""
        left, top, right, bottom = self.box
        return right - left, bottom - top

    def mask(self, opacity: int = 255, moved: Pixels | None = None) -> Image.Image:
        """Return a mask of the shape, moved by some pixels if given."""
        mask = Image.new("L", self.size)
        corners = self.corners if moved is None else self.corners + moved
        ImageDraw.Draw(mask).polygon(_flat(corners), fill=opacity)
        return mask


def _flat(corners: Pixels) -> list[int]:
    flat: list[int] = corners.ravel().tolist()
    return flat
