"""The heads of the drawn cats and dogs. Cats and dogs differ in the head and the tail only.

The unit of length is the radius of the head, whose centre is the origin; y points down.
"""

from dataclasses import dataclass

import numpy as np

from photoclass.walkthrough.drawings.canvas import (
    Color,
    Pen,
    Points,
    box,
    darker,
    lens,
    mirrored,
    mix,
    oval,
    pick,
    rotation,
    smooth,
)
from photoclass.walkthrough.drawings.looks import Animal

_EAR_PINK: Color = (238, 168, 164)
_INK: Color = (46, 34, 40)
_WHITE: Color = (255, 252, 246)


def draw_head(pen: Pen, animal: Animal, generator: np.random.Generator, from_behind: bool = False) -> None:
    """Draw a head with its ears, from the front or from behind."""
    head = pen.stretched(float(generator.uniform(0.94, 1.1)), 1.0)
    extra = pick(generator, ("none",) * 16 + ("hood", "party hat", "sunglasses", "sunglasses"))
    # A hood hides the ears, sunglasses hide the eyes: no single feature is enough to classify every picture.
    ears = [] if extra == "hood" else _ears(animal, from_behind, generator)
    for ear in ears:
        if ear.is_behind:
            ear.draw(head, animal)
    skull = _CAT_SKULL if animal.is_cat else _DOG_SKULL
    head.fur(skull, animal.fur, animal.edge, lambda inner: _markings(inner, animal, from_behind, generator))
    for ear in ears:
        if not ear.is_behind:
            ear.draw(head, animal)
    if not from_behind:
        _face(head, animal, generator)
        if extra == "sunglasses":
            _sunglasses(head, animal, generator)
    if extra == "hood":
        _hood(head, generator)
    elif extra == "party hat":
        _party_hat(head, generator)


def _face(pen: Pen, animal: Animal, generator: np.random.Generator) -> None:
    mood = pick(generator, ("open",) * 8 + ("closed", "wink"))
    if generator.random() < 0.5:
        for side in (-1.0, 1.0):
            x = (0.66 if animal.is_cat else 0.56) * side + animal.turn * 0.7
            pen.tint(oval(x, 0.34, 0.16, 0.1), (244, 120, 120), 0.4)
    if animal.is_cat:
        _cat_eyes(pen, animal, mood, generator)
        _cat_muzzle(pen.at(0.0, 0.05), animal, generator)
    else:
        _dog_muzzle(pen, animal, generator)
        _dog_eyes(pen, animal, mood, generator)


_CAT_CHEEK = [(0.87, -0.43), (1.04, 0.06), (1.0, 0.36), (0.75, 0.68), (0.36, 0.86)]
_CAT_SKULL = mirrored([(0.0, -0.79), (0.45, -0.78), *_CAT_CHEEK, (0.0, 0.9)])
_DOG_CHEEK = [(0.76, -0.5), (0.84, 0.0), (0.76, 0.44), (0.62, 0.82), (0.34, 1.06)]
_DOG_SKULL = mirrored([(0.0, -0.86), (0.42, -0.82), *_DOG_CHEEK, (0.0, 1.1)])


def _markings(pen: Pen, animal: Animal, from_behind: bool, generator: np.random.Generator) -> None:
    """The fur pattern of the head, the same for both classes."""
    side = pick(generator, (-1.0, 1.0))
    if animal.pattern == "stripes":
        for x in (-0.26, 0.0, 0.26):
            pen.stroke([(x * 1.1, -1.0), (x, -0.7), (x * 0.8, -0.42)], animal.mark, 0.12)
        for y in (0.1, 0.36):
            pen.stroke([(-1.2, y - 0.08), (-0.95, y), (-0.72, y)], animal.mark, 0.11)
            pen.stroke([(1.2, y - 0.08), (0.95, y), (0.72, y)], animal.mark, 0.11)
    elif animal.pattern == "spots":
        for _ in range(9):
            x, y = generator.uniform(-0.95, 0.95), generator.uniform(-0.85, -0.2)
            radius = generator.uniform(0.05, 0.13)
            pen.fill(oval(x, y, radius, radius * 0.85), animal.mark)
    elif animal.pattern == "patches":
        patch = smooth([(0.12, -1.2), (1.3, -1.1), (1.2, 0.3), (0.5, 0.24)])
        pen.fill(patch * (side, 1.0), animal.mark)
        pen.fill(oval(-0.75 * side, 0.5, 0.34, 0.26), animal.pale)
    elif animal.pattern == "blaze" and not from_behind:
        pen.fill(mirrored([(0.0, -1.0), (0.16, -0.9), (0.11, -0.3), (0.24, 0.2), (0.0, 0.5)]), animal.pale)
        pen.fill(oval(0.0, 0.95, 0.75, 0.5), animal.pale)
    elif animal.pattern == "mask" and not from_behind:
        pen.fill(oval(animal.turn, 0.2, 0.66, 0.58), animal.mark)


@dataclass(frozen=True)
class _Ear:
    shape: Points
    inside: Points | None
    is_behind: bool

    def draw(self, pen: Pen, animal: Animal) -> None:
        plain = animal.pattern in ("plain", "spots", "stripes")
        color = darker(animal.fur, 0.1) if plain else animal.mark
        pen.fur(self.shape, color, animal.edge)
        if self.inside is not None:
            pen.fill(self.inside, mix(_EAR_PINK, color, 0.25))


def _ears(animal: Animal, from_behind: bool, generator: np.random.Generator) -> list[_Ear]:
    """Two ears; a cat's are pointed, rarely folded; a dog's hang, fold or stand, and sometimes differ."""
    if animal.is_cat:
        kind = pick(generator, ("pointed",) * 19 + ("small fold",))
    else:
        kind = pick(generator, ("hanging",) * 6 + ("folded",) * 3 + ("upright",) * 2 + ("pointed",))
    length = float(generator.uniform(0.25, 1.0))
    height = float(generator.uniform(1.22, 1.5))
    spread = float(generator.uniform(0.68, 0.94))
    ears = []
    for side in (-1.0, 1.0):
        if side > 0 and kind in ("folded", "upright") and generator.random() < 0.25:
            kind = "folded" if kind == "upright" else "upright"
        outer, inside = _ear_corners(kind, length, height, spread)
        lean = rotation(float(generator.uniform(-5.0, 5.0))) * (side, 1.0)
        pink = None if inside is None or from_behind else inside @ lean
        ears.append(_Ear(outer @ lean, pink, kind in ("upright", "pointed")))
    return ears


def _ear_corners(kind: str, length: float, height: float, spread: float) -> tuple[Points, Points | None]:
    """The outlines of a right ear and of the pink inside it, if that is visible.

    Args:
        kind: "pointed", "hanging", "folded", "small fold" or "upright".
        length: How far down a hanging ear reaches.
        height: How far up a pointed ear reaches.
        spread: How far aside the tip of a pointed ear is.
    """
    if kind == "pointed":
        corners = [(0.06, -0.7), (0.26, -0.88), (spread - 0.08, -height + 0.06), (spread + 0.04, -height)]
        corners += [(0.98, -0.7), (0.9, -0.2), (0.5, -0.4)]
        return np.array(corners), np.array([(0.38, -0.7), (spread - 0.03, -height + 0.24), (0.86, -0.42)])
    if kind == "upright":
        corners = [(0.2, -0.7), (0.34, -1.12), (0.6, -1.42), (0.86, -1.42), (1.02, -1.1), (0.94, -0.5)]
        pink = [(0.46, -0.78), (0.54, -1.1), (0.72, -1.27), (0.86, -1.1), (0.8, -0.6)]
        return smooth([*corners, (0.5, -0.4)]), smooth(pink)
    if kind == "hanging":
        corners = [(0.38, -0.8), (0.72, -0.92), (1.08, -0.6), (1.26, 0.0), (1.28, length - 0.2)]
        corners += [(1.08, length), (0.84, length - 0.25), (0.78, -0.1), (0.62, -0.5)]
    elif kind == "folded":
        corners = [(0.22, -0.76), (0.42, -1.1), (0.76, -1.22), (1.08, -0.98), (1.2, -0.52), (1.14, -0.3)]
        corners += [(0.92, -0.46), (0.62, -0.66)]
    else:
        corners = [(0.26, -0.7), (0.44, -0.96), (0.74, -1.02), (0.98, -0.8), (1.02, -0.5), (0.94, -0.36)]
        corners += [(0.64, -0.56)]
    return smooth(corners), None


def _cat_eyes(pen: Pen, animal: Animal, mood: str, generator: np.random.Generator) -> None:
    tall = float(generator.uniform(0.2, 0.28))
    pupil = float(generator.uniform(0.06, 0.17))
    tilt = float(generator.uniform(2.0, 11.0))
    is_round = generator.random() < 0.2
    for side in (-1.0, 1.0):
        x, y = 0.46 * side + animal.turn, 0.02
        if mood == "closed" or (mood == "wink" and side > 0):
            pen.stroke([(x - 0.2, y), (x, y + 0.12), (x + 0.2, y)], _INK, 0.07)
            continue
        eye = oval(x, y, tall, tall) if is_round else lens(x, y, 0.28, tall, -tilt * side)
        pen.fill(eye, animal.iris, _INK, 0.06)
        pen.fill(lens(x + animal.turn * 0.2, y, tall * 0.9, pupil, 90.0), _INK)
        pen.fill(oval(x - 0.08 * pen.light, y - 0.09, 0.07, 0.07), _WHITE)


def _cat_muzzle(pen: Pen, animal: Animal, generator: np.random.Generator) -> None:
    x = animal.turn * 1.15
    for side in (-1.0, 1.0):
        pen.fill(oval(x + 0.19 * side, 0.45, 0.25, 0.2), animal.pale)
    pen.fill(oval(x, 0.62, 0.19, 0.13), animal.pale)
    for side in (-1.0, 1.0):
        pen.stroke([(x, 0.42), (x + 0.09 * side, 0.53), (x + 0.26 * side, 0.47)], _INK, 0.045)
    if generator.random() < 0.8:
        _whiskers(pen.at(x, 0.44), animal, 1.0, generator)
    if generator.random() < 0.18:
        pen.fill(oval(x, 0.6, 0.09, 0.1), (238, 124, 132), _INK, 0.03)
    nose = [(x - 0.12, 0.24), (x, 0.22), (x + 0.12, 0.24), (x + 0.05, 0.34), (x, 0.38), (x - 0.05, 0.34)]
    pen.fill(smooth(nose), animal.nose, _INK, 0.03)


def _dog_eyes(pen: Pen, animal: Animal, mood: str, generator: np.random.Generator) -> None:
    size = float(generator.uniform(0.14, 0.18))
    has_brows = generator.random() < 0.4
    for side in (-1.0, 1.0):
        x, y = 0.4 * side + animal.turn, -0.2
        if has_brows:
            pen.fill(oval(x + 0.03 * side, y - 0.3, 0.13, 0.08, 18.0 * side), animal.pale)
        if mood == "closed" or (mood == "wink" and side > 0):
            pen.stroke([(x - 0.17, y + 0.06), (x, y - 0.06), (x + 0.17, y + 0.06)], _INK, 0.07)
            continue
        pen.fill(oval(x, y, size + 0.03, size + 0.04), animal.iris, _INK, 0.06)
        pen.fill(oval(x + animal.turn * 0.2, y, size * 0.72, size * 0.8), _INK)
        pen.fill(oval(x - 0.06 * pen.light, y - 0.07, 0.06, 0.06), _WHITE)


def _dog_muzzle(pen: Pen, animal: Animal, generator: np.random.Generator) -> None:
    x = animal.turn * 1.5
    size = float(generator.uniform(0.74, 1.04))
    snout = pen.at(x, float(generator.uniform(0.0, 0.12)) + (1.0 - size) * 0.45, size)
    if generator.random() < 0.12:
        _whiskers(snout.at(0.0, 0.5), animal, 0.6, generator)
    if generator.random() < 0.55:
        mouth = mirrored([(0.0, 0.6), (0.27, 0.66), (0.24, 0.98), (0.0, 1.1)])
        snout.fill(mouth, (120, 44, 54), _INK, 0.05)
        tongue = [(0.0, 0.82), (0.17, 0.84), (0.2, 1.12), (0.12, 1.28), (0.0, 1.31)]
        lean = snout.at(float(generator.uniform(-0.06, 0.06)), float(generator.uniform(-0.12, 0.1)))
        lean.fill(mirrored(tongue), (238, 124, 132), (150, 60, 72), 0.04)
        lean.stroke([(0.0, 0.9), (0.0, 1.12)], (206, 92, 104), 0.04)
    edge = mix(animal.pale, animal.edge, 0.45)
    bridge = [(0.0, -0.06), (0.24, 0.02), (0.42, 0.3), (0.53, 0.6)]
    snout.fur(mirrored([*bridge, (0.42, 0.84), (0.18, 0.84), (0.0, 0.76)]), animal.pale, edge)
    snout.stroke([(0.0, 0.36), (0.0, 0.6)], _INK, 0.05)
    for side in (-1.0, 1.0):
        snout.stroke([(0.0, 0.6), (0.16 * side, 0.7), (0.38 * side, 0.6)], _INK, 0.05)
        for dot_x, dot_y in ((0.22, 0.46), (0.32, 0.52), (0.24, 0.57)):
            snout.fill(oval(dot_x * side, dot_y, 0.022, 0.022), darker(animal.pale, 0.5))
    nose = mirrored([(0.0, 0.05), (0.2, 0.06), (0.26, 0.18), (0.14, 0.34), (0.0, 0.38)])
    snout.fill(nose, animal.nose, _INK, 0.04)
    snout.fill(oval(-0.08 * pen.light, 0.13, 0.07, 0.04), mix(animal.nose, _WHITE, 0.6))


def _whiskers(pen: Pen, animal: Animal, length: float, generator: np.random.Generator) -> None:
    color = _WHITE if sum(animal.fur) < 330 else darker(animal.pale, 0.5)
    for side in (-1.0, 1.0):
        droop = float(generator.uniform(-0.1, 0.14))
        for row in (-1.0, 0.0, 1.0):
            middle = (0.34 + 0.5 * length, -0.08 + 0.14 * row)
            end = (0.34 + length, -0.04 + 0.2 * row + droop)
            path = np.array([(0.34, 0.07 * row), middle, end])
            pen.stroke(path * (side, 1.0), color, 0.024)


def _sunglasses(pen: Pen, animal: Animal, generator: np.random.Generator) -> None:
    y = 0.0 if animal.is_cat else -0.2
    frame = pick(generator, ((40, 40, 48), (206, 72, 84), (84, 60, 48)))
    pen.stroke([(-0.95, y - 0.1), (animal.turn, y - 0.06), (0.95, y - 0.1)], frame, 0.07)
    glass = smooth([(0.1, -0.18), (0.7, -0.2), (0.68, 0.12), (0.42, 0.26), (0.14, 0.14)])
    nose = pen.at(animal.turn, y)
    for side in (-1.0, 1.0):
        nose.fill(glass * (side, 1.0), (52, 48, 62), frame, 0.08)
        nose.stroke([(0.42 * side - 0.1, 0.04), (0.42 * side + 0.04, -0.1)], (150, 160, 180), 0.06)


def _hood(pen: Pen, generator: np.random.Generator) -> None:
    """A knitted hood with a pompom, pulled over the ears."""
    wool = pick(generator, ((214, 84, 84), (84, 140, 196), (92, 160, 132), (236, 184, 92), (240, 234, 222)))
    ink = darker(wool, 0.5)
    dome = [(0.0, -1.2), (0.62, -1.08), (1.06, -0.6), (1.18, 0.1), (1.06, 0.62)]
    pen.fill(oval(0.0, -1.3, 0.24, 0.22), mix(wool, _WHITE, 0.6), ink)
    pen.fur(mirrored([*dome, (0.86, 0.3), (0.76, -0.3), (0.5, -0.54), (0.0, -0.58)]), wool, ink)
    for x, y in ((-0.56, -0.86), (-0.2, -0.98), (0.2, -0.98), (0.56, -0.86)):
        pen.fill(oval(x, y, 0.08, 0.08), mix(wool, _WHITE, 0.6))


def _party_hat(pen: Pen, generator: np.random.Generator) -> None:
    color = pick(generator, ((226, 88, 96), (92, 150, 214), (246, 196, 84)))
    hat = pen.at(0.0, 0.0, degrees=float(generator.uniform(-10.0, 10.0)))
    hat.fill(np.array([(-0.34, -0.74), (0.0, -1.62), (0.34, -0.74)]), color, darker(color, 0.5))
    for y in (-0.86, -1.12):
        half = (y + 1.62) * 0.34
        hat.fill(box(-half + 0.04, y - 0.06, half - 0.04, y + 0.03), _WHITE)
    hat.fill(oval(0.0, -1.62, 0.12, 0.12), _WHITE, darker(color, 0.5))
