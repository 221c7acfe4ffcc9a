"""Labelled pictures of cats and dogs, drawn by code, for a demo that needs no photos.

A cat differs from a dog in its shape alone: ears, face, eyes, muzzle, tail. Colors, fur patterns, backgrounds, poses,
sizes and lighting have the same distribution for both, so that a network must learn the animal.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from photoclass.machine import processors
from photoclass.walkthrough.drawings.animals import draw_pose
from photoclass.walkthrough.drawings.backgrounds import draw_background, draw_prop
from photoclass.walkthrough.drawings.canvas import Pen

CLASS_NAMES = ("cat", "dog")
SMALLEST_SIDE = 32
JPEG_QUALITY = 90
_CHUNK = 25  # pictures of each class that a worker draws at once

# Pillow's shapes have hard edges; drawn at four times the size and reduced, they are smooth.
_SUPERSAMPLING = 4


def draw_animal(class_name: str, generator: np.random.Generator, side: int = 200) -> NDArray[np.uint8]:
    """Draw a cat or dog in a random scene.

    Args:
        class_name: One of CLASS_NAMES.
        generator: Source of every choice; the same state draws the same picture.
        side: Width and height in pixels, at least SMALLEST_SIDE.

    Returns:
        Shape (side, side, 3), uint8 RGB.

    Raises:
        ValueError: The class is unknown, or the side too small.
    """
    if class_name not in CLASS_NAMES:
        raise ValueError(f"unknown class {class_name!r}; choose from {', '.join(CLASS_NAMES)}")
    if side < SMALLEST_SIDE:
        raise ValueError(f"side is {side}; a drawing needs at least {SMALLEST_SIDE} pixels")
    light = -1.0 if generator.random() < 0.5 else 1.0
    # Depth of field: the background is slightly out of focus, so half the resolution is enough for it.
    half = side * _SUPERSAMPLING // 2
    background = _pen(half, light)
    draw_background(background, generator)
    blur = ImageFilter.BoxBlur(half * float(generator.uniform(0.0017, 0.012)))
    pen = _pen(side * _SUPERSAMPLING, light)
    pen.canvas.paste(background.canvas.filter(blur).resize(pen.canvas.size, Image.Resampling.NEAREST))
    draw_pose(pen, class_name == "cat", generator)
    if generator.random() < 0.35:
        draw_prop(pen, generator)
    return _develop(pen.canvas.reduce(_SUPERSAMPLING), light, generator)


def _pen(side: int, light: float) -> Pen:
    """Return a pen on a canvas of its own, whose side is the unit and whose upper left corner the origin."""
    return Pen(Image.new("RGB", (side, side)), np.array([(side, 0.0, 0.0), (0.0, side, 0.0)], dtype=np.float64), light)


def _develop(scene: Image.Image, light: float, generator: np.random.Generator) -> NDArray[np.uint8]:
    """Simulate light, lens and sensor: exposure, tint, vignetting, blur and noise.

    Args:
        scene: RGB, square.
        light: -1 when the light comes from the left, +1 from the right.
        generator: Source of every choice.

    Returns:
        Shape (N, N, 3), uint8.
    """
    side = scene.width
    blur = float(generator.uniform(-0.6, 0.9))
    if blur > 0.3:
        scene = scene.filter(ImageFilter.GaussianBlur(blur))
    place = np.linspace(-1.0, 1.0, side, dtype=np.float32)
    vignette = float(generator.uniform(0.0, 0.16))
    sideways = float(generator.uniform(0.0, 0.12))
    falloff = 1.0 - vignette * (place[:, None] ** 2 + place[None, :] ** 2) + sideways * light * place[None, :]
    gain = generator.uniform(0.9, 1.12) * generator.uniform(0.95, 1.05, 3)
    contrast = float(generator.uniform(0.92, 1.08))
    image = (np.asarray(scene, dtype=np.float32) - np.float32(128.0)) * np.float32(contrast) + np.float32(128.0)
    image *= falloff[:, :, None] * gain.astype(np.float32)
    grain = generator.standard_normal((side, side, 3), dtype=np.float32)
    image += grain * np.float32(generator.uniform(1.0, 6.0))
    developed: NDArray[np.uint8] = np.clip(image, 0.0, 255.0).astype(np.uint8)
    return developed


def draw_photo_folders(
    folder: Path, photos_per_class: int, seed: int = 0, progress: Callable[[int], None] | None = None
) -> None:
    """Write `folder/cat/cat-0001.jpg` ... and `folder/dog/dog-0001.jpg` ...

    A picture depends on the seed, its class and its number alone: a larger count adds pictures and changes none.

    Args:
        folder: Made if absent; files of the same names are replaced.
        photos_per_class: At least 1.
        seed: Not negative.
        progress: Called from time to time with the number of pictures written since the last call.

    Raises:
        ValueError: The count or the seed is out of range.
    """
    if photos_per_class < 1:
        raise ValueError(f"photos_per_class is {photos_per_class}; at least 1 is needed")
    if seed < 0:
        raise ValueError(f"seed is {seed}; it cannot be negative")
    for class_name in CLASS_NAMES:
        (folder / class_name).mkdir(parents=True, exist_ok=True)
    starts = range(1, photos_per_class + 1, _CHUNK)
    chunks = [range(start, min(start + _CHUNK, photos_per_class + 1)) for start in starts]
    drawing = Parallel(n_jobs=processors() if len(chunks) > 1 else 1, return_as="generator_unordered")
    written = 0
    for count in drawing(delayed(_draw_chunk)(folder, seed, numbers) for numbers in chunks):
        written += count
        if progress is not None:
            progress(count)


def _draw_chunk(folder: Path, seed: int, numbers: range) -> int:
    """Draw and write these pictures of each class; return the number of pictures."""
    for number in numbers:
        for label, class_name in enumerate(CLASS_NAMES):
            pixels = draw_animal(class_name, np.random.default_rng([seed, label, number]))
            path = folder / class_name / f"{class_name}-{number:04d}.jpg"
            Image.fromarray(pixels).save(path, quality=JPEG_QUALITY)
    return len(numbers) * len(CLASS_NAMES)
