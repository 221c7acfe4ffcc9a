"""Smooth filled shapes on an RGB pixel array: the pen that draws animals and backgrounds.

A shape is an array of its corners, shape (N, 2): x to the right and y down, in the units of the pen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]
Color = tuple[int, int, int]
Item = TypeVar("Item")

# OpenCV takes fixed-point corners; four fractional bits place an edge to a sixteenth of a pixel.
_FRACTION_BITS = 4
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
        pixels: The canvas, shape (H, W, 3), uint8 RGB; every pen made by `at` draws on the same one.
        matrix: Shape (2, 3); takes (x, y, 1) in the units of this pen to pixels.
        light: -1 when the light comes from the left of the canvas, +1 from the right.
    """

    pixels: NDArray[np.uint8]
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
        cv2.fillPoly(self.pixels, [corners], color, cv2.LINE_AA, _FRACTION_BITS)
        if edge is not None:
            self._outline(corners, True, edge, width)

    def stroke(self, path: ArrayLike, color: Color, width: float) -> None:
        """Draw a smooth open line through the points of the path."""
        self._outline(self._corners(smooth(path, closed=False)), False, color, width)

    def wash(self, upper: Color, lower: Color, top: float, bottom: float) -> None:
        """Fill a band over the whole width, from one color at the top to another at the bottom."""
        first, last = (round(y * self.unit + self.matrix[1, 2]) for y in (top, bottom))
        blend = np.linspace(upper, lower, max(1, last - first))
        self.pixels[first:last] = cv2.repeat(blend[:, None, :].astype(np.uint8), 1, self.pixels.shape[1])

    def tint(self, shape: Points, color: Color, opacity: float) -> None:
        """Blend a translucent color over a shape: shadows, glows and blushes."""
        view, corners = self._window(shape)
        if view.size:
            mask = np.zeros(view.shape[:2], np.uint8)
            cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, _FRACTION_BITS)
            sheet = np.empty_like(view)
            sheet[:] = color
            cv2.copyTo(cv2.addWeighted(view, 1.0 - opacity, sheet, opacity, 0.0), mask, view)

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
        view, corners = self._window(shape)
        if not view.size:
            return
        mask = np.zeros(view.shape[:2], np.uint8)
        cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, _FRACTION_BITS)
        layer = np.empty_like(view)
        layer[:] = color
        if markings is not None:
            left, top = self._origin(shape)
            shifted = self.matrix - np.array([(0.0, 0.0, left), (0.0, 0.0, top)])
            markings(replace(self, pixels=layer, matrix=shifted))
        # The shape moved towards the light leaves a crescent uncovered; that crescent is in shadow.
        extent = np.ptp(corners, axis=0)
        towards_light = (extent * (self.light * 0.09, -0.07)).astype(np.int32)
        lit = np.zeros_like(mask)
        cv2.fillPoly(lit, [corners + towards_light], 255, cv2.LINE_AA, _FRACTION_BITS)
        shadow = cv2.subtract(mask, lit)
        cv2.copyTo(cv2.addWeighted(layer, 0.84, layer, 0.0, 0.0), shadow, layer)
        cv2.copyTo(layer, mask, view)
        self._outline(self._corners(shape), True, edge, width)

    def _corners(self, shape: Points) -> NDArray[np.int32]:
        pixels = shape @ self.matrix[:, :2].T + self.matrix[:, 2]
        return np.rint(pixels * (1 << _FRACTION_BITS)).astype(np.int32).reshape(-1, 1, 2)

    def _outline(self, corners: NDArray[np.int32], closed: bool, color: Color, width: float) -> None:
        thickness = max(1, round(width * self.unit))
        cv2.polylines(self.pixels, [corners], closed, color, thickness, cv2.LINE_AA, _FRACTION_BITS)

    def _origin(self, shape: Points) -> tuple[int, int]:
        left, top = (self._corners(shape).min(axis=(0, 1)) >> _FRACTION_BITS).tolist()
        return max(0, left), max(0, top)

    def _window(self, shape: Points) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """The part of the canvas that the shape touches (a view), and the corners relative to it."""
        corners = self._corners(shape)
        left, top = self._origin(shape)
        right, bottom = ((corners.max(axis=(0, 1)) >> _FRACTION_BITS) + 2).tolist()
        view = self.pixels[top : max(top, bottom), left : max(left, right)]
        return view, corners - np.array([(left, top)], np.int32) * (1 << _FRACTION_BITS)
