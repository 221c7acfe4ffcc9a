"""Out-of-distribution pictures: drawn by code, or cut from the sample images of scikit-learn.

Each function takes a generator and returns pixels of shape (SIDE, SIDE, 3), uint8 RGB.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from photoclass.walkthrough.drawings.backgrounds import draw_background, draw_prop
from photoclass.walkthrough.drawings.canvas import Pen
from photoclass.walkthrough.drawings.drawings import draw_animal

SIDE = 260
Pixels = NDArray[np.uint8]


def noise(generator: np.random.Generator) -> Pixels:
    """White noise, coarse or fine, coloured or grey."""
    cells = int(generator.choice([13, 26, 65, 130, 260]))
    values = generator.normal(generator.uniform(60, 190), generator.uniform(20, 80), (cells, cells, 3))
    if generator.random() < 0.5:
        values = values.mean(axis=2, keepdims=True).repeat(3, axis=2)
    return _sized(values)


def plasma(generator: np.random.Generator) -> Pixels:
    """Noise whose spectrum falls off like that of photos."""
    frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.rfftfreq(SIDE), indexing="ij"))
    frequencies[0, 0] = 1
    planes = []
    for _ in range(3):
        phases = np.exp(2j * np.pi * generator.random(frequencies.shape))
        plane = np.fft.irfft2(phases / frequencies ** generator.uniform(1, 2), (SIDE, SIDE))
        planes.append(plane / plane.std())
    mixed = np.stack(planes, axis=2) @ (np.eye(3) + generator.uniform(0, 2) * np.ones((3, 3)) / 3)
    return _sized(generator.uniform(80, 170) + 50 * mixed)


def stripes(generator: np.random.Generator) -> Pixels:
    """Rotated stripes or checkers in two colours."""
    angle = generator.uniform(0, np.pi)
    y, x = np.mgrid[:SIDE, :SIDE]
    period = generator.uniform(8, 90)
    first = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period)
    second = np.sin(2 * np.pi * (y * np.cos(angle) - x * np.sin(angle)) / period)
    wave = first * second if generator.random() < 0.5 else first
    wave = np.sign(wave) if generator.random() < 0.5 else wave
    return _between(wave / 2 + 0.5, generator)


def gradient(generator: np.random.Generator) -> Pixels:
    """One colour fading into another, or one colour alone."""
    angle = generator.uniform(0, 2 * np.pi)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    ramp = x * np.cos(angle) + y * np.sin(angle) if generator.random() < 0.6 else np.hypot(x, y) - 0.5
    return _between(np.clip(ramp + 0.5, 0, 1) * (generator.random() < 0.8), generator)


def blobs(generator: np.random.Generator) -> Pixels:
    """Soft spots on a plain background."""
    pixels = np.full((SIDE, SIDE, 3), generator.integers(0, 256, 3), dtype=np.uint8)
    for _ in range(int(generator.integers(2, 25))):
        centre = tuple(int(v) for v in generator.integers(0, SIDE, 2))
        axes = tuple(int(v) for v in generator.integers(6, 70, 2))
        colour = tuple(int(v) for v in generator.integers(0, 256, 3))
        cv2.ellipse(pixels, centre, axes, generator.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), generator.uniform(0.3, 12)), dtype=np.uint8)


def shapes(generator: np.random.Generator) -> Pixels:
    """Polygons and lines with hard edges."""
    pixels = np.full((SIDE, SIDE, 3), generator.integers(0, 256, 3), dtype=np.uint8)
    for _ in range(int(generator.integers(2, 15))):
        corners = generator.integers(-30, SIDE + 30, (int(generator.integers(2, 7)), 2)).astype(np.int32)
        colour = tuple(int(v) for v in generator.integers(0, 256, 3))
        if generator.random() < 0.6:
            cv2.fillPoly(pixels, [corners], colour, cv2.LINE_AA)
        else:
            cv2.polylines(pixels, [corners], True, colour, int(generator.integers(1, 9)), cv2.LINE_AA)
    return pixels


def text(generator: np.random.Generator) -> Pixels:
    """Lines of letters, like a page or a screen."""
    paper, ink = int(generator.integers(200, 256)), int(generator.integers(0, 90))
    if generator.random() < 0.3:
        paper, ink = ink, paper
    pixels = np.full((SIDE, SIDE, 3), paper, dtype=np.uint8)
    height = int(generator.integers(12, 46))
    for y in range(height, SIDE, int(height * 1.5)):
        letters = "".join(chr(c) if c != 64 else " " for c in generator.integers(64, 123, 40))
        cv2.putText(
            pixels,
            letters,
            (8, y),
            int(generator.integers(0, 8)),
            height / 28,
            (ink,) * 3,
            1 + height // 20,
            cv2.LINE_AA,
        )
    return pixels


def drawn_scenery(generator: np.random.Generator) -> Pixels:
    """The demo's drawn backgrounds and props, without an animal."""
    pixels = np.zeros((2 * SIDE, 2 * SIDE, 3), dtype=np.uint8)
    pen = Pen(pixels, np.array([(2.0 * SIDE, 0, 0), (0, 2.0 * SIDE, 0)]), float(generator.choice([-1.0, 1.0])))
    draw_background(pen, generator)
    draw_prop(pen, generator)
    return np.asarray(cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def drawn_animals(generator: np.random.Generator) -> Pixels:
    """The demo's drawn cats and dogs: the right classes, but not photos."""
    return draw_animal(str(generator.choice(["cat", "dog"])), generator, SIDE)


def digits(generator: np.random.Generator) -> Pixels:
    """Enlarged 8x8 handwritten digits of scikit-learn."""
    from sklearn.datasets import load_digits

    images = load_digits().images
    digit = 255 - 15.9 * images[int(generator.integers(len(images)))]
    return _sized(np.repeat(digit[:, :, None], 3, axis=2))


def china(generator: np.random.Generator) -> Pixels:
    """Crops of scikit-learn's photo of a palace."""
    return _crop("china.jpg", generator)


def flower(generator: np.random.Generator) -> Pixels:
    """Crops of scikit-learn's photo of a flower."""
    return _crop("flower.jpg", generator)


KINDS: dict[str, Callable[[np.random.Generator], Pixels]] = {
    "noise": noise,
    "plasma": plasma,
    "stripes, checkers": stripes,
    "gradients": gradient,
    "blobs": blobs,
    "shapes": shapes,
    "text": text,
    "digits": digits,
    "drawn scenery": drawn_scenery,
    "photo: palace": china,
    "photo: flower": flower,
    "drawn cats and dogs": drawn_animals,
}


def _crop(name: str, generator: np.random.Generator) -> Pixels:
    from sklearn.datasets import load_sample_image

    photo = load_sample_image(name)
    side = int(generator.integers(130, min(photo.shape[:2]) + 1))
    top, left = (int(generator.integers(0, length - side + 1)) for length in photo.shape[:2])
    return _sized(photo[top : top + side, left : left + side])


def _between(shares: NDArray[np.floating], generator: np.random.Generator) -> Pixels:
    first, second = generator.uniform(0, 255, (2, 3))
    return _sized(first + shares[:, :, None] * (second - first))


def _sized(values: NDArray[np.generic]) -> Pixels:
    within = np.clip(values, 0, 255).astype(np.uint8)
    smooth = cv2.INTER_AREA if len(within) > SIDE else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(within, (SIDE, SIDE), interpolation=smooth), dtype=np.uint8)
