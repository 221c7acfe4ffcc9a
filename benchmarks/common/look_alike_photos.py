"""Drawn photos that all look alike but are different pictures: one lamp, tiles, X-rays, microscope slides, a camera."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from photoclass.photos.decode import Pixels

Picture = NDArray[np.float32]
Draw = Callable[[np.random.Generator], Picture]


@dataclass(frozen=True)
class Scene:
    """What the photos of a set have in common, and how one of them is drawn.

    Attributes:
        draw: Draws one photo, grey levels, shape (height, width), from its own generator.
        seed: The photos' generators follow from it.
    """

    draw: Draw
    seed: int

    def photo(self, number: int) -> Pixels:
        """Return photo `number` of the set, shape (height, width, 3), uint8."""
        picture = self.draw(np.random.default_rng((self.seed, number)))
        grey = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)


def scenes(seed: int = 0) -> dict[str, Scene]:
    """Return the sets by name; another seed, other lamps, stripes and backgrounds."""
    makers = {
        "one lamp, stripes": _one_lamp,
        "magnetic tiles": _tiles,
        "X-rays": _x_rays,
        "microscope slides": _slides,
        "night camera": _night_camera,
        "parts on a fixture": _parts,
    }
    return {
        name: Scene(make(np.random.default_rng((seed, number))), 1000 * seed + number)
        for number, (name, make) in enumerate(makers.items())
    }


def _one_lamp(common: np.random.Generator) -> Draw:
    """Draw one gradient, stripes and noise in common; three to six marks of a few pixels that differ."""
    y, x = _grid(240, 320)
    base = 130 + 60 * (x - 0.5) + 25 * np.sin(2 * np.pi * (14 * x + 3 * y)) + common.normal(0, 6, x.shape)

    def draw(own: np.random.Generator) -> Picture:
        picture = base.copy()
        for _ in range(own.integers(3, 7)):
            _add_spot(picture, own, own.uniform(3, 7), own.choice([-1, 1]) * own.uniform(25, 60))
        return _noisy(picture, own, 2)

    return draw


def _tiles(common: np.random.Generator) -> Draw:
    """Draw a bright lamp that wanders a little, brushed texture of its own, and now and then a crack or a hole."""
    y, x = _grid(300, 260)
    brushed = cv2.GaussianBlur(common.normal(0, 1, x.shape).astype(np.float32), (0, 0), 0.8, sigmaY=12)

    def draw(own: np.random.Generator) -> Picture:
        cx, cy = own.normal([0.5, 0.45], 0.05)
        lamp = np.exp(-((x - cx) ** 2 / 0.18 + (y - cy) ** 2 / 0.3))
        picture = own.normal(50, 4) + own.normal(110, 6) * lamp + 60 * brushed
        picture += 25 * cv2.GaussianBlur(own.normal(0, 1, x.shape).astype(np.float32), (0, 0), 1, sigmaY=6)
        kind = own.integers(4)
        if kind == 1:
            _add_spot(picture, own, own.uniform(3, 6), -60)
        elif kind == 2:
            _add_line(picture, own, own.uniform(40, 120), -45)
        return _noisy(picture, own, 4)

    return draw


def _x_rays(common: np.random.Generator) -> Draw:
    """Draw a chest: two lungs, ribs and a heart, a little wider or higher each time, a shadow in one of two."""
    y, x = _grid(320, 320)
    film = common.normal(0, 2, x.shape)

    def draw(own: np.random.Generator) -> Picture:
        wide, high, shift = own.normal(1, 0.015), own.normal(1, 0.015), own.normal(0, 0.006, 2)
        u, v = (x - 0.5 - shift[0]) * wide, (y - 0.5 - shift[1]) * high
        picture = 170 - 40 * (u**2 + v**2) + film
        for side in (-1, 1):
            picture -= 90 / (1 + np.exp(14 * (np.hypot((u - side * 0.2) / 0.15, v / 0.33) - 1)))
        picture += 40 * np.exp(-((u - 0.06) ** 2 / 0.012 + (v - 0.1) ** 2 / 0.03))
        picture += 12 * np.cos(2 * np.pi * (9 * v + 6 * u**2)) * (np.abs(u) < 0.37)
        picture += 5 * _cloud(own, x.shape, 24)
        if own.random() < 0.5:
            _add_spot(picture, own, own.uniform(8, 18), own.uniform(15, 35))
        return _noisy(picture, own, 4)

    return draw


def _slides(common: np.random.Generator) -> Draw:
    """Draw a bright field with vignetting and fixed dirt; twenty to forty stained cells at places of their own."""
    y, x = _grid(256, 256)
    base = 225 - 190 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    for _ in range(6):
        _add_spot(base, common, common.uniform(3, 8), -50)

    def draw(own: np.random.Generator) -> Picture:
        picture = base.copy()
        for _ in range(own.integers(20, 41)):
            _add_spot(picture, own, own.uniform(3, 5), own.uniform(-35, -15))
        return _noisy(picture, own, 2)

    return draw


def _night_camera(common: np.random.Generator) -> Draw:
    """Draw trees before an infra-red lamp and a clock in the corner; an animal in one of two, small and somewhere."""
    y, x = _grid(288, 384)
    background = 30 + 90 * np.exp(-((x - 0.5) ** 2 + (y - 0.6) ** 2) / 0.15) + 14 * _cloud(common, x.shape, 6)
    for _ in range(9):
        trunk = np.abs(x - common.uniform(0, 1)) < common.uniform(0.01, 0.03)
        background += trunk * common.uniform(-45, 45)
    background += 8 * _cloud(common, x.shape, 60)

    def draw(own: np.random.Generator) -> Picture:
        picture = own.normal(1, 0.01) * background
        clock = np.zeros(x.shape, dtype=np.uint8)
        cv2.putText(clock, f"{own.integers(10**6):06d}", (6, 282), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 230, 1)
        picture = np.maximum(picture, clock)
        if own.random() < 0.5:
            _add_spot(picture, own, own.uniform(6, 20), own.uniform(30, 70))
        return _noisy(picture, own, 7)

    return draw


def _parts(common: np.random.Generator) -> Draw:
    """Draw a machined disc with holes, in the same place up to a pixel, with one or two scratches or dents."""
    y, x = _grid(400, 400)
    grain = 4 * _cloud(common, x.shape, 130)

    def draw(own: np.random.Generator) -> Picture:
        dx, dy = own.normal(0, 0.0015, 2)
        u, v = x - 0.5 - dx, y - 0.5 - dy
        radius = np.hypot(u, v)
        picture = 60 + 100 * (radius < 0.42) - 70 * (radius < 0.12) + 20 * u * (radius < 0.42)
        picture += 6 * np.cos(2 * np.pi * 30 * radius) * (radius < 0.42)
        for angle in np.arange(6) * np.pi / 3:
            picture -= 80 * (np.hypot(u - 0.27 * np.cos(angle), v - 0.27 * np.sin(angle)) < 0.035)
        picture = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 1) + grain
        for _ in range(own.integers(1, 3)):
            _add_line(picture, own, own.uniform(20, 60), own.choice([-1, 1]) * own.uniform(30, 60))
        return _noisy(picture, own, 3)

    return draw


def _grid(height: int, width: int) -> tuple[Picture, Picture]:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return (y + 0.5) / height, (x + 0.5) / width


def _cloud(generator: np.random.Generator, shape: tuple[int, ...], cells: int) -> Picture:
    coarse = generator.normal(0, 1, (cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC))


def _noisy(picture: Picture, generator: np.random.Generator, sigma: float) -> Picture:
    return picture + generator.normal(0, sigma, picture.shape).astype(np.float32)


def _add_spot(picture: Picture, generator: np.random.Generator, radius: float, level: float) -> None:
    """Add a soft ellipse of about this radius, in pixels, somewhere in the picture."""
    height, width = picture.shape
    centre = generator.uniform(0.1, 0.9, 2) * (width, height)
    angle, stretch = generator.uniform(0, np.pi), generator.uniform(0.6, 1)
    left, top = np.maximum(centre - 2 * radius, 0).astype(int)
    right, bottom = np.ceil(centre + 2 * radius).astype(int)
    part = picture[top:bottom, left:right]
    y, x = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]].astype(np.float32)
    x, y = x - centre[0], y - centre[1]
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    part += np.float32(level) * np.clip(1.5 - np.hypot(u / radius, v / (stretch * radius)), 0, 1)


def _add_line(picture: Picture, generator: np.random.Generator, length: float, level: float) -> None:
    """Add a thin line of this length, in pixels."""
    height, width = picture.shape
    start = generator.uniform(0.15, 0.85, 2) * (width, height)
    angle = generator.uniform(0, 2 * np.pi)
    end = start + length * np.array([np.cos(angle), np.sin(angle)])
    mask = np.zeros(picture.shape, dtype=np.float32)
    cv2.line(mask, tuple(map(int, start)), tuple(map(int, end)), 1, 2)
    picture += np.float32(level) * cv2.GaussianBlur(mask, (0, 0), 0.8)
