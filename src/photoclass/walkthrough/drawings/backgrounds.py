"""Backgrounds for the drawn animals, and objects in front of them.

The unit of length is the side of the canvas, whose upper left corner is the origin; y points down.
"""

import numpy as np

from photoclass.walkthrough.drawings.canvas import Color, Pen, box, darker, mix, oval, pick, smooth

_WALLS: tuple[Color, ...] = (
    (246, 222, 196),
    (190, 214, 206),
    (236, 196, 188),
    (176, 198, 220),
    (214, 206, 230),
    (238, 226, 164),
    (128, 160, 158),
    (196, 132, 112),
)
_BRIGHT: tuple[Color, ...] = (
    (230, 92, 92),
    (92, 146, 208),
    (246, 190, 80),
    (90, 176, 140),
    (176, 120, 190),
    (240, 140, 96),
)
_FLOORS: tuple[Color, ...] = ((198, 150, 108), (168, 118, 84), (222, 194, 160), (150, 140, 146))
_CREAM: Color = (255, 250, 238)


def draw_background(pen: Pen, generator: np.random.Generator) -> None:
    """Cover the whole canvas with a background."""
    place = pick(generator, (_meadow, _room, _sofa, _night, _studio, _beach, _woods, _kitchen))
    place(pen, float(generator.uniform(0.5, 0.74)), generator)


def draw_prop(pen: Pen, generator: np.random.Generator) -> None:
    """Draw an object at the lower edge, in front of the animal, where it may hide a part of it."""
    side = pick(generator, (-1.0, 1.0))
    x = 0.5 + side * float(generator.uniform(0.2, 0.44))
    thing = pen.at(x, float(generator.uniform(0.88, 1.0)), float(generator.uniform(0.8, 1.25)))
    pick(generator, (_flower_pot, _ball, _present, _yarn, _grass))(thing, generator)


def _hills(pen: Pen, y: float, height: float, color: Color, generator: np.random.Generator) -> None:
    heights = generator.uniform(-height, height, 5) + y
    ridge = smooth(np.column_stack([np.linspace(-0.1, 1.1, 5), heights]), closed=False)
    pen.fill(np.concatenate([ridge, [(1.1, 1.1), (-0.1, 1.1)]]), color)


def _cloud(pen: Pen, x: float, y: float, size: float) -> None:
    for dx, dy, radius in ((-1.0, 0.1, 0.6), (0.0, -0.2, 0.85), (1.0, 0.1, 0.6), (0.0, 0.25, 0.7)):
        pen.fill(oval(x + dx * size, y + dy * size, radius * size * 1.2, radius * size * 0.8), _CREAM)


def _meadow(pen: Pen, horizon: float, generator: np.random.Generator) -> None:
    sky = pick(generator, ((138, 196, 230), (172, 214, 236), (250, 206, 160), (190, 220, 214)))
    grass = pick(generator, ((132, 182, 92), (104, 164, 104), (170, 190, 96)))
    pen.wash(sky, mix(sky, _CREAM, 0.6), 0.0, horizon)
    pen.fill(oval(generator.uniform(0.1, 0.9), 0.16, 0.07, 0.07), (255, 238, 170))
    for _ in range(2):
        x, y, size = generator.uniform((0.0, 0.06, 0.05), (1.0, 0.3, 0.08))
        _cloud(pen, x, y, size)
    _hills(pen, horizon - 0.04, 0.05, mix(grass, sky, 0.45), generator)
    pen.wash(mix(grass, _CREAM, 0.15), darker(grass, 0.12), horizon, 1.0)
    for _ in range(12):
        x, y = generator.uniform(0.0, 1.0), generator.uniform(horizon + 0.02, 1.0)
        pen.stroke([(x, y), (x + 0.012, y - 0.05)], darker(grass, 0.22), 0.012)
    for _ in range(9):
        x, y = generator.uniform(0.0, 1.0), generator.uniform(horizon + 0.02, 1.0)
        pen.fill(oval(x, y, 0.018, 0.015), pick(generator, (*_BRIGHT, _CREAM)))
        pen.fill(oval(x, y, 0.007, 0.007), (255, 236, 150))


def _papered_wall(pen: Pen, horizon: float, generator: np.random.Generator) -> None:
    wall = pick(generator, _WALLS)
    figure = mix(wall, pick(generator, (_CREAM, darker(wall, 0.4))), 0.4)
    pen.wash(wall, mix(wall, _CREAM, 0.12), 0.0, horizon)
    kind = pick(generator, ("plain", "stripes", "dots", "sprigs"))
    step = float(generator.uniform(0.1, 0.16))
    for x in np.arange(generator.uniform(0.0, step), 1.0 + step, step):
        if kind == "stripes":
            pen.fill(box(x, 0.0, x + step * 0.4, horizon), figure)
        for row, y in enumerate(np.arange(0.05, horizon, step) if kind in ("dots", "sprigs") else ()):
            place = x + step * 0.5 * (row % 2)
            if kind == "dots":
                pen.fill(oval(place, y, 0.014, 0.014), figure)
            else:
                pen.fill(oval(place, y, 0.01, 0.026, 30.0), figure)
    floor = pick(generator, _FLOORS)
    pen.wash(floor, darker(floor, 0.15), horizon, 1.0)
    pen.fill(box(0.0, horizon - 0.035, 1.0, horizon), _CREAM)
    for x in np.linspace(-0.6, 1.6, 9):
        pen.stroke([(0.5 + (x - 0.5) * 0.6, horizon), (x, 1.0)], darker(floor, 0.2), 0.006)


def _frame(pen: Pen, generator: np.random.Generator) -> None:
    """A picture or a window on the wall."""
    x, y = generator.uniform(0.08, 0.72), generator.uniform(0.05, 0.16)
    wide, tall = generator.uniform(0.16, 0.26), generator.uniform(0.16, 0.26)
    view = pick(generator, ((158, 206, 232), (250, 214, 172), (84, 96, 140), (206, 226, 196)))
    pen.fill(box(x, y, x + wide, y + tall), view, pick(generator, (_CREAM, (132, 90, 66))), 0.022)
    if generator.random() < 0.5:
        pen.stroke([(x + wide / 2, y), (x + wide / 2, y + tall)], _CREAM, 0.014)
        pen.stroke([(x, y + tall / 2), (x + wide, y + tall / 2)], _CREAM, 0.014)
    else:
        pen.fill(oval(x + wide * 0.5, y + tall * 0.55, wide * 0.22, tall * 0.25), pick(generator, _BRIGHT))


def _room(pen: Pen, horizon: float, generator: np.random.Generator) -> None:
    _papered_wall(pen, horizon, generator)
    _frame(pen, generator)
    rug = pick(generator, _BRIGHT)
    pen.fill(oval(0.5, 0.9, 0.46, 0.1), mix(rug, _CREAM, 0.25), mix(rug, _CREAM, 0.6), 0.02)
    if generator.random() < 0.6:
        x = pick(generator, (0.1, 0.9))
        for lean in (-34.0, -12.0, 12.0, 34.0):
            leaf = pen.at(x, horizon - 0.06, 1.0, lean)
            leaf.fill(oval(0.0, -0.14, 0.032, 0.13), (92, 150, 104), (66, 116, 82), 0.008)
        pen.fill(box(x - 0.06, horizon - 0.08, x + 0.06, horizon + 0.05), (206, 122, 88))


def _sofa(pen: Pen, horizon: float, generator: np.random.Generator) -> None:
    _papered_wall(pen, horizon, generator)
    _frame(pen, generator)
    cloth = pick(generator, (*_BRIGHT, (120, 134, 150), (110, 150, 130)))
    cloth = mix(cloth, (190, 180, 170), 0.35)
    ink = darker(cloth, 0.45)
    rest = [(0.04, 0.5), (0.14, 0.42), (0.5, 0.4), (0.86, 0.42), (0.96, 0.5), (0.96, 0.8), (0.04, 0.8)]
    pen.fill(smooth(rest), cloth, ink, 0.01)
    cushion = smooth([(-0.1, -0.1), (0.1, -0.1), (0.1, 0.1), (-0.1, 0.1)])
    for side in (-1.0, 1.0):
        corner = pen.at(0.5 + side * 0.28, 0.62, 1.0, float(generator.uniform(-16.0, 16.0)))
        color = pick(generator, (*_BRIGHT, _CREAM))
        corner.fill(cushion, color, darker(color, 0.4), 0.01)
    pen.fill(box(0.03, 0.72, 0.97, 1.02), mix(cloth, _CREAM, 0.16), ink, 0.01)
    for x in (0.03, 0.97):
        arm = smooth([(x - 0.09, 0.6), (x, 0.55), (x + 0.09, 0.6), (x + 0.08, 1.05), (x - 0.08, 1.05)])
        pen.fill(arm, cloth, ink, 0.01)


def _night(pen: Pen, horizon: float, generator: np.random.Generator) -> None:
    sky = pick(generator, ((38, 48, 92), (58, 48, 98), (30, 62, 92)))
    pen.wash(sky, mix(sky, (222, 150, 160), 0.45), 0.0, horizon)
    for x, y in generator.uniform((0.0, 0.0), (1.0, horizon), (26, 2)):
        pen.fill(box(x, y, x + 0.007, y + 0.007), (255, 246, 214))
    x, y = generator.uniform(0.12, 0.88), generator.uniform(0.1, 0.24)
    pen.tint(oval(x, y, 0.14, 0.14), (255, 240, 200), 0.2)
    pen.fill(oval(x, y, 0.085, 0.085), (255, 240, 204))
    pen.fill(oval(x + 0.02, y - 0.02, 0.018, 0.018), (240, 216, 174))
    _hills(pen, horizon - 0.06, 0.05, mix(sky, (90, 110, 150), 0.5), generator)
    _hills(pen, horizon, 0.03, (62, 92, 104), generator)
    pen.wash((72, 106, 108), (44, 70, 84), horizon + 0.04, 1.0)
    for _ in range(7):
        x, y = generator.uniform(0.0, 1.0), generator.uniform(0.4, 1.0)
        pen.tint(oval(x, y, 0.022, 0.022), (250, 240, 140), 0.4)
        pen.fill(oval(x, y, 0.008, 0.008), (255, 250, 190))


def _studio(pen: Pen, horizon: float, generator: np.random.Generator) -> None:
    color = pick(generator, (*_WALLS, *_BRIGHT))
    pen.wash(mix(color, _CREAM, 0.5), color, 0.0, 1.0)
    for _ in range(9):
        x, y, radius = generator.uniform((0.0, 0.0, 0.03), (1.0, 1.0, 0.13))
        pen.tint(oval(x, y, radius, radius), _CREAM, float(generator.uniform(0.1, 0.35)))
    if generator.random() < 0.5:
        pen.wash(mix(color, _CREAM, 0.25), darker(color, 0.15), horizon + 0.1, 1.0)


def _beach(pen: Pen, horizon: float, generator: np.random.Generator) -> None:
    sky = pick(generator, ((150, 206, 234), (252, 196, 150), (180, 216, 226)))
    sea = pick(generator, ((74, 158, 184), (96, 180, 186), (66, 126, 172)))
    shore = horizon - 0.04
    pen.wash(sky, mix(sky, _CREAM, 0.65), 0.0, shore - 0.14)
    pen.wash(sea, mix(sea, _CREAM, 0.3), shore - 0.14, shore + 0.06)
    for _ in range(7):
        x, y = generator.uniform(0.0, 1.0), generator.uniform(shore - 0.12, shore - 0.02)
        pen.stroke([(x, y), (x + 0.03, y - 0.008), (x + 0.07, y)], mix(sea, _CREAM, 0.6), 0.008)
    _hills(pen, shore, 0.025, _CREAM, generator)
    _hills(pen, shore + 0.03, 0.02, (240, 214, 166), generator)
    pen.wash((240, 214, 166), (222, 186, 136), shore + 0.08, 1.0)
    color = pick(generator, _BRIGHT)
    x = float(generator.uniform(0.12, 0.88))
    if generator.random() < 0.5:
        shade = pen.at(x, horizon, 1.0, float(generator.uniform(-14.0, 14.0)))
        shade.stroke([(0.0, 0.1), (0.0, -0.4)], (250, 240, 224), 0.016)
        for share, tone in ((1.0, color), (0.55, _CREAM), (0.2, color)):
            dome = [(0.26 * share * c, -0.26 - 0.17 * s) for c, s in _HALF_CIRCLE]
            shade.fill(np.array(dome), tone)
    else:
        boat = pen.at(x, shore - 0.13)
        boat.fill(np.array([(0.0, 0.0), (0.0, -0.2), (0.12, -0.02)]), _CREAM)
        boat.fill(np.array([(-0.09, 0.0), (0.13, 0.0), (0.08, 0.045), (-0.05, 0.045)]), color)


_HALF_CIRCLE = [(float(np.cos(angle)), float(np.sin(angle))) for angle in np.linspace(0.0, np.pi, 14)]


def _woods(pen: Pen, horizon: float, generator: np.random.Generator) -> None:
    is_winter = generator.random() < 0.5
    sky: Color = (186, 206, 224) if is_winter else (250, 226, 190)
    ground: Color = (236, 240, 246) if is_winter else (196, 138, 84)
    leaves: tuple[Color, ...] = ((222, 120, 66), (236, 168, 72), (192, 86, 62), (206, 148, 92))
    firs: tuple[Color, ...] = ((92, 132, 120), (112, 150, 138), (132, 164, 160))
    pen.wash(sky, mix(sky, _CREAM, 0.5), 0.0, horizon)
    for x in np.arange(generator.uniform(-0.1, 0.1), 1.1, 0.17):
        color = pick(generator, firs if is_winter else leaves)
        top = float(generator.uniform(0.05, 0.25))
        pen.fill(box(x - 0.014, top + 0.1, x + 0.014, horizon + 0.02), (118, 84, 66))
        if is_winter:
            for share in (0.0, 0.12, 0.24):
                half = 0.05 + share * 0.3
                pen.at(x, top + share).fill(np.array([(0.0, -0.02), (-half, 0.17), (half, 0.17)]), color)
        else:
            pen.fill(oval(x, top + 0.1, 0.1, 0.15), color)
    pen.wash(ground, darker(ground, 0.14), horizon, 1.0)
    for _ in range(22):
        x, y = generator.uniform(0.0, 1.0, 2)
        if is_winter:
            pen.fill(oval(x, y, 0.011, 0.011), (252, 252, 255))
        else:
            pen.fill(oval(x, y, 0.022, 0.012, float(generator.uniform(0.0, 180.0))), pick(generator, leaves))


def _kitchen(pen: Pen, horizon: float, generator: np.random.Generator) -> None:
    tile = pick(generator, _WALLS)
    pen.wash(mix(tile, _CREAM, 0.4), mix(tile, _CREAM, 0.25), 0.0, horizon)
    for place in np.arange(float(generator.uniform(0.0, 0.12)), 1.0, 0.12):
        pen.stroke([(place, 0.0), (place, horizon)], _CREAM, 0.01)
        if place < horizon:
            pen.stroke([(0.0, place), (1.0, place)], _CREAM, 0.01)
    _frame(pen, generator)
    dark = mix(pick(generator, _BRIGHT), (120, 110, 110), 0.3)
    pen.wash((244, 236, 224), (226, 214, 200), horizon, 1.0)
    for row in range(4):
        top, bottom = (horizon + (1.0 - horizon) * (share / 4.0) ** 1.4 for share in (row, row + 1))
        for column in range(-4, 5, 2):
            corners = []
            for edge, y in ((0, top), (1, top), (1, bottom), (0, bottom)):
                corners.append((0.5 + (column + row % 2 + edge) * 0.2 * (0.7 + y - horizon), y))
            pen.fill(np.array(corners), dark)


def _flower_pot(pen: Pen, generator: np.random.Generator) -> None:
    clay = pick(generator, ((206, 118, 84), (120, 150, 176), (236, 220, 196)))
    for lean in (-26.0, 0.0, 24.0):
        stem = pen.at(0.0, -0.12, 1.0, lean + float(generator.uniform(-6.0, 6.0)))
        stem.stroke([(0.0, 0.0), (0.0, -0.14)], (86, 146, 96), 0.014)
        petal = pick(generator, _BRIGHT)
        for angle in range(0, 360, 72):
            stem.at(0.0, -0.15, 1.0, float(angle)).fill(oval(0.0, -0.024, 0.018, 0.022), petal)
        stem.fill(oval(0.0, -0.15, 0.015, 0.015), (255, 226, 130))
    ink = darker(clay, 0.4)
    pen.fill(np.array([(-0.09, -0.12), (0.09, -0.12), (0.065, 0.06), (-0.065, 0.06)]), clay, ink, 0.008)
    pen.fill(box(-0.1, -0.15, 0.1, -0.1), mix(clay, _CREAM, 0.2), ink, 0.008)


def _ball(pen: Pen, generator: np.random.Generator) -> None:
    color = pick(generator, _BRIGHT)
    stripe = pick(generator, (_CREAM, *_BRIGHT))
    roll = float(generator.uniform(0.0, 180.0))
    band = oval(0.0, -0.06, 0.035, 0.13, roll)
    rim = darker(color, 0.5)
    pen.fur(oval(0.0, -0.06, 0.11, 0.11), color, rim, lambda inner: inner.fill(band, stripe), 0.008)


def _present(pen: Pen, generator: np.random.Generator) -> None:
    paper = pick(generator, _BRIGHT)
    ribbon = pick(generator, (_CREAM, (250, 214, 120)))
    pen.fill(box(-0.12, -0.14, 0.12, 0.06), paper, darker(paper, 0.5), 0.008)
    pen.fill(box(-0.02, -0.14, 0.02, 0.06), ribbon)
    for side in (-1.0, 1.0):
        pen.fill(oval(0.045 * side, -0.165, 0.05, 0.026, 24.0 * side), ribbon, darker(ribbon, 0.4), 0.008)


def _yarn(pen: Pen, generator: np.random.Generator) -> None:
    wool = pick(generator, _BRIGHT)
    ink = darker(wool, 0.35)
    pen.stroke([(0.0, 0.03), (0.14, 0.04), (0.2, 0.0), (0.3, 0.04)], wool, 0.014)

    def threads(inner: Pen) -> None:
        for bend in (-0.06, -0.02, 0.02, 0.06):
            inner.stroke([(-0.12, -0.05 + bend), (bend, -0.09 + bend), (0.12, -0.02 + bend)], ink, 0.008)
            inner.stroke([(bend, -0.18), (bend + 0.03, -0.05), (bend - 0.02, 0.07)], ink, 0.008)

    pen.fur(oval(0.0, -0.055, 0.1, 0.1), wool, darker(wool, 0.5), threads, 0.008)


def _grass(pen: Pen, generator: np.random.Generator) -> None:
    for _ in range(14):
        x, height, lean = generator.uniform((-0.2, 0.1, -0.06), (0.2, 0.24, 0.06))
        color = mix((96, 158, 92), (172, 194, 104), float(generator.random()))
        pen.fill(np.array([(x - 0.014, 0.12), (x + lean, -height + 0.06), (x + 0.014, 0.12)]), color)
