"""The drawn animals from tail to paws: poses that cats and dogs share, and what they wear.

The unit of length is the radius of the head, whose centre is the origin; y points down.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from photoclass.walkthrough.drawings.canvas import (
    Color,
    Pen,
    Points,
    box,
    darker,
    mirrored,
    mix,
    oval,
    pick,
    smooth,
    tube,
)
from photoclass.walkthrough.drawings.heads import draw_head
from photoclass.walkthrough.drawings.looks import Animal, choose_animal

_WEAR: tuple[Color, ...] = ((214, 72, 78), (70, 130, 196), (64, 158, 128), (244, 186, 72), (148, 104, 176))


def draw_pose(pen: Pen, is_cat: bool, generator: np.random.Generator) -> None:
    """Draw one animal, in a pose and at a place drawn at random, standing on the lower part of the canvas.

    Args:
        pen: Its unit is the side of the canvas, and its origin the upper left corner.
        is_cat: Whether to draw a cat; otherwise a dog.
        generator: Source of every choice.
    """
    animal = choose_animal(is_cat, generator)
    pose = pick(generator, _POSES)
    scale = float(generator.uniform(*pose.scale))
    if generator.random() < 0.1:  # Some stand farther away.
        scale *= float(generator.uniform(0.55, 0.9))
    mirror = bool(generator.random() < 0.5)
    aside = 0.1 if generator.random() < 0.85 else 0.36  # Some are cut off by the edge of the picture.
    x = 0.5 - pose.middle * scale * (-1.0 if mirror else 1.0) + float(generator.uniform(-aside, aside))
    y = float(generator.uniform(*pose.floor)) - pose.depth * scale
    figure = pen.at(x, y, scale, float(generator.uniform(-4.0, 4.0)), mirror)
    if pose.has_shadow:
        figure.tint(oval(pose.middle, pose.depth, pose.depth * 0.62, 0.22), (40, 26, 48), 0.3)
    pose.draw(figure, animal, generator)


def _sitting(pen: Pen, animal: Animal, generator: np.random.Generator) -> None:
    _tail(pen.at(0.6, 2.45, 1.0, float(generator.uniform(-15.0, 10.0))), animal, generator)
    for side in (-1.0, 1.0):
        pen.fur(oval(0.62 * side, 2.15, 0.46, 0.52, -12.0 * side), animal.fur, animal.edge)
        pen.fur(oval(0.76 * side, 2.6, 0.34, 0.17), animal.paw, animal.edge)
    torso = mirrored([(0.0, 0.5), (0.5, 0.62), (0.68, 1.2), (0.8, 1.9), (0.6, 2.5), (0.0, 2.6)])
    pen.fur(torso, animal.fur, animal.edge, lambda inner: _coat(inner, animal, torso, False, generator))
    if animal.has_bib:
        pen.fill(mirrored([(0.0, 0.7), (0.36, 0.8), (0.4, 1.25), (0.22, 1.75), (0.0, 1.9)]), animal.pale)
    for side in (-1.0, 1.0):
        leg = tube([(0.3 * side, 1.5), (0.3 * side, 2.1), (0.28 * side, 2.55)], 0.21, 0.17)
        pen.fill(leg, animal.fur)
        pen.stroke([(0.07 * side, 1.9), (0.1 * side, 2.45)], animal.edge, 0.045)
        pen.stroke([(0.52 * side, 1.7), (0.47 * side, 2.1), (0.46 * side, 2.5)], animal.edge, 0.045)
        _paw(pen, 0.3 * side, 2.62, animal)
    _wear(pen, generator)
    _tilted_head(pen, animal, generator)


def _from_behind(pen: Pen, animal: Animal, generator: np.random.Generator) -> None:
    """Sitting with its back to the viewer: only ears, outline and tail are visible."""
    for side in (-1.0, 1.0):
        pen.fur(oval(0.72 * side, 2.58, 0.36, 0.17), animal.paw, animal.edge)
    torso = mirrored([(0.0, 0.5), (0.52, 0.62), (0.72, 1.2), (0.98, 1.95), (0.84, 2.52), (0.0, 2.68)])
    pen.fur(torso, animal.fur, animal.edge, lambda inner: _coat(inner, animal, torso, False, generator))
    _tail(pen.at(0.3, 2.4, 1.0, float(generator.uniform(-20.0, 25.0))), animal, generator)
    for side in (-1.0, 1.0):
        pen.stroke([(0.9 * side, 1.75), (0.62 * side, 1.9), (0.56 * side, 2.4)], animal.edge, 0.045)
    collar = pick(generator, _WEAR)
    if generator.random() < 0.5:
        pen.stroke([(-0.6, 0.82), (0.0, 1.1), (0.6, 0.82)], collar, 0.2)
    tilt = float(generator.uniform(-13.0, 13.0))
    draw_head(pen.at(0.0, 0.0, 1.0, tilt), animal, generator, from_behind=True)


def _standing(pen: Pen, animal: Animal, generator: np.random.Generator) -> None:
    _tail(pen.at(3.0, 0.95, 1.0, float(generator.uniform(-20.0, 25.0))), animal, generator)
    step = float(generator.uniform(-0.18, 0.18))
    for x in (0.7 + step, 2.5 + step):
        far = tube([(x, 1.3), (x + 0.02, 2.0), (x - 0.03, 2.55)], 0.27, 0.17)
        pen.fur(far, darker(animal.fur, 0.22), animal.edge)
    right = [(-0.42, 0.6), (0.6, 0.5), (1.6, 0.66), (2.6, 0.58), (3.1, 0.9), (3.14, 1.5), (2.7, 1.84)]
    torso = smooth([*right, (1.6, 1.72), (0.6, 1.86), (-0.2, 1.6), (-0.5, 1.1)])
    pen.fur(torso, animal.fur, animal.edge, lambda inner: _coat(inner, animal, torso, True, generator))
    for x in (0.16 - step, 2.86 - step):
        near = tube([(x, 1.45), (x, 2.0), (x - 0.03, 2.6)], 0.3, 0.18)
        pen.fill(near, animal.fur)
        pen.stroke([(x - 0.29, 1.6), (x - 0.23, 2.1), (x - 0.2, 2.6)], animal.edge, 0.05)
        pen.stroke([(x + 0.29, 1.6), (x + 0.23, 2.1), (x + 0.15, 2.6)], animal.edge, 0.05)
        _paw(pen, x - 0.07, 2.66, animal)
    if animal.has_bib:
        pen.fill(smooth([(-0.4, 0.8), (0.3, 0.9), (0.2, 1.5), (-0.2, 1.56), (-0.42, 1.2)]), animal.pale)
    _wear(pen, generator)
    _tilted_head(pen, animal, generator)


def _lying(pen: Pen, animal: Animal, generator: np.random.Generator) -> None:
    _tail(pen.at(2.5, 1.25, 1.0, float(generator.uniform(-5.0, 40.0))), animal, generator)
    back = [(-0.75, 0.9), (-0.2, 0.4), (0.8, 0.28), (1.9, 0.3), (2.6, 0.75), (2.75, 1.35)]
    torso = smooth([(-0.7, 1.5), *back, (2.2, 1.6), (0.5, 1.62)])
    pen.fur(torso, animal.fur, animal.edge, lambda inner: _coat(inner, animal, torso, True, generator))
    pen.stroke([(1.35, 1.35), (1.5, 0.85), (2.0, 0.72), (2.4, 0.95)], animal.edge, 0.05)
    pen.fur(oval(1.55, 1.58, 0.45, 0.17), animal.paw, animal.edge)
    if animal.has_bib:
        pen.fill(mirrored([(0.0, 0.6), (0.45, 0.8), (0.4, 1.3), (0.0, 1.5)]), animal.pale)
    for side in (-1.0, 1.0):
        arm = tube([(0.55 * side, 1.2), (0.5 * side, 1.45), (0.36 * side, 1.62)], 0.24, 0.2)
        pen.fur(arm, animal.fur, animal.edge)
        _paw(pen, 0.34 * side, 1.68, animal)
    _wear(pen, generator)
    _tilted_head(pen, animal, generator)


def _portrait(pen: Pen, animal: Animal, generator: np.random.Generator) -> None:
    chest = mirrored([(0.0, 0.4), (0.56, 0.6), (0.95, 1.3), (1.15, 2.2), (1.2, 3.4), (0.0, 3.5)])
    pen.fur(chest, animal.fur, animal.edge, lambda inner: _coat(inner, animal, chest, False, generator))
    if animal.has_bib:
        pen.fill(mirrored([(0.0, 0.6), (0.46, 0.8), (0.56, 1.6), (0.36, 2.6), (0.0, 3.4)]), animal.pale)
    _wear(pen, generator)
    _tilted_head(pen, animal, generator)


def _peeking(pen: Pen, animal: Animal, generator: np.random.Generator) -> None:
    """Head and paws over the rim of a cardboard box or a gift."""
    chest = mirrored([(0.0, 0.4), (0.56, 0.6), (0.8, 1.1), (0.85, 1.8), (0.0, 1.9)])
    pen.fur(chest, animal.fur, animal.edge, lambda inner: _coat(inner, animal, chest, False, generator))
    _wear(pen, generator)
    _tilted_head(pen, animal, generator)
    card = pick(generator, ((206, 160, 110), (188, 142, 98), *_WEAR))
    ink = darker(card, 0.5)
    pen.fill(box(-1.5, 1.2, 1.5, 2.7), card, ink)
    pen.tint(box(-1.5, 1.2, 1.5, 1.42), (50, 30, 40), 0.18)
    pen.fill(box(-0.16, 1.2, 0.16, 2.7), mix(card, (255, 244, 220), 0.45))
    for side in (-1.0, 1.0):
        flap = np.array([(1.5, 1.2), (2.05, 1.45), (1.95, 1.85), (1.5, 1.6)]) * (side, 1.0)
        pen.fill(flap, mix(card, (255, 240, 220), 0.2), ink)
        pen.fur(oval(0.62 * side, 1.28, 0.25, 0.28), animal.paw, animal.edge)
        for toe in (-0.08, 0.08):
            x = 0.62 * side + toe
            pen.stroke([(x, 1.38), (x, 1.52)], animal.edge, 0.045)


@dataclass(frozen=True)
class _Pose:
    """A pose and its place: `scale` and `floor` are ranges in canvas sides, all else is in head radii."""

    draw: Callable[[Pen, Animal, np.random.Generator], None]
    scale: tuple[float, float]
    floor: tuple[float, float]
    depth: float
    middle: float = 0.0
    has_shadow: bool = True


_SITTING = _Pose(_sitting, (0.175, 0.235), (0.86, 0.97), 2.7)
_STANDING = _Pose(_standing, (0.15, 0.185), (0.82, 0.95), 2.7, middle=1.2)
_LYING = _Pose(_lying, (0.185, 0.24), (0.8, 0.95), 1.75, middle=0.9)
_PORTRAIT = _Pose(_portrait, (0.25, 0.33), (0.98, 1.12), 1.75, has_shadow=False)
_PEEKING = _Pose(_peeking, (0.19, 0.24), (0.86, 0.98), 2.7)
_BEHIND = _Pose(_from_behind, (0.175, 0.235), (0.86, 0.97), 2.7)
# A pose that is listed twice is drawn twice as often. A small network learns from large heads first.
_POSES = (*(_PORTRAIT,) * 8, *(_SITTING,) * 4, *(_PEEKING,) * 3, _STANDING, _STANDING, _LYING, _LYING, _BEHIND)


def _tilted_head(pen: Pen, animal: Animal, generator: np.random.Generator) -> None:
    draw_head(pen.at(0.0, 0.0, 1.0, float(generator.uniform(-13.0, 13.0))), animal, generator)


def _tail(pen: Pen, animal: Animal, generator: np.random.Generator) -> None:
    """A tail from the origin outwards to the right: a cat's thin and curved, a dog's short and thick."""
    curl = float(generator.uniform(-0.3, 0.3))
    if animal.is_cat:
        path = [(-0.3, 0.1), (0.5, 0.05), (0.95, -0.45), (0.8 + curl, -1.1), (1.1 + curl * 2, -1.5)]
        shape = tube(path, 0.15, 0.12)
    else:
        path = [(-0.3, 0.1), (0.3, -0.1), (0.62, -0.5), (0.6 + curl, -0.95)]
        shape = tube(path, 0.3, 0.14)
    tip = animal.pale if animal.has_socks else animal.mark

    def rings(inner: Pen) -> None:
        if animal.pattern == "stripes":
            for x, y in smooth(path, closed=False)[4::4]:
                inner.fill(oval(x, y, 0.09, 0.3, 35.0), animal.mark)
        elif animal.pattern != "plain":
            inner.fill(oval(*path[-1], 0.36, 0.36), tip)

    pen.fur(shape, animal.fur, animal.edge, rings)


def _coat(pen: Pen, animal: Animal, torso: Points, lengthwise: bool, generator: np.random.Generator) -> None:
    """The fur pattern of a torso; stripes run down a long body and around an upright one."""
    left, top = torso.min(axis=0)
    right, bottom = torso.max(axis=0)
    width, height = right - left, bottom - top
    if animal.pattern == "stripes" and lengthwise:
        for x in np.arange(left + 0.9, right, 0.36):
            pen.stroke([(x, top - 0.1), (x + 0.08, top + 0.3), (x, top + height * 0.6)], animal.mark, 0.14)
    elif animal.pattern == "stripes":
        for y in np.arange(top + 0.6, bottom, 0.36):
            for edge, inward in ((left, 0.32), (right, -0.32)):
                pen.stroke([(edge, y - 0.1), (edge + inward * width, y)], animal.mark, 0.14)
    elif animal.pattern == "spots":
        for _ in range(16):
            x, y = generator.uniform(left, right), generator.uniform(top, bottom)
            radius = generator.uniform(0.07, 0.17)
            pen.fill(oval(x, y, radius, radius * 0.85), animal.mark)
    elif animal.pattern == "patches":
        for share in (0.25, 0.8):
            x, y = left + width * share, generator.uniform(top, bottom)
            blot = oval(x, y, 0.5, 0.42, float(generator.uniform(0.0, 90.0)))
            pen.fill(blot, animal.mark)


def _paw(pen: Pen, x: float, y: float, animal: Animal) -> None:
    pen.fur(oval(x, y, 0.27, 0.17), animal.paw, animal.edge)
    for toe in (-0.08, 0.08):
        pen.stroke([(x + toe, y), (x + toe, y + 0.12)], animal.edge, 0.04)


def _wear(pen: Pen, generator: np.random.Generator) -> None:
    """A collar with a tag, a scarf, a bow tie, or nothing."""
    kind = pick(generator, ("nothing", "nothing", "collar", "collar", "scarf", "bow"))
    color = pick(generator, _WEAR)
    ink = darker(color, 0.5)
    if kind == "collar":
        pen.stroke([(-0.6, 0.78), (0.0, 1.08), (0.6, 0.78)], color, 0.2)
        pen.fill(oval(0.0, 1.24, 0.15, 0.15), (250, 208, 92), (150, 104, 40))
    elif kind == "scarf":
        cloth = [(-0.7, 0.7), (0.0, 0.9), (0.7, 0.7), (0.4, 1.15), (0.05, 1.6), (-0.35, 1.15)]
        pen.fill(smooth(cloth), color, ink)
        for x, y in ((-0.22, 1.08), (0.06, 1.3), (0.26, 1.06)):
            pen.fill(oval(x, y, 0.06, 0.06), (255, 246, 230))
    elif kind == "bow":
        for side in (-1.0, 1.0):
            wing = np.array([(0.0, 1.12), (0.42, 0.9), (0.46, 1.36)]) * (side, 1.0)
            pen.fill(wing, color, ink)
        pen.fill(oval(0.0, 1.13, 0.12, 0.13), mix(color, (255, 255, 255), 0.25), ink)
