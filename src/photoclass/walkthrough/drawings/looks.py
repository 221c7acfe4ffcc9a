"""Colors and fur pattern of a drawn animal, with the same distribution for cats and dogs."""

from dataclasses import dataclass

import numpy as np

from photoclass.walkthrough.drawings.canvas import Color, darker, mix, pick

_FURS: tuple[Color, ...] = (
    (234, 152, 76),
    (243, 214, 170),
    (152, 152, 164),
    (110, 120, 138),
    (158, 110, 76),
    (112, 76, 60),
    (74, 70, 80),
    (246, 240, 230),
    (226, 184, 116),
    (204, 108, 68),
    (196, 198, 206),
    (208, 170, 130),
)
PATTERNS = ("plain", "stripes", "spots", "patches", "blaze", "mask")
_IRISES: tuple[Color, ...] = ((122, 176, 92), (232, 178, 60), (96, 164, 206), (150, 96, 56), (206, 122, 60))
_NOSES: tuple[Color, ...] = ((226, 132, 138), (70, 52, 54), (50, 44, 52), (128, 78, 70))


@dataclass(frozen=True)
class Animal:
    """The looks that an animal's head, body and tail share.

    Attributes:
        is_cat: Whether it is a cat; otherwise it is a dog.
        fur: The main color.
        mark: The color of stripes, spots and patches.
        pale: The color of muzzle, bib and socks.
        pattern: One of PATTERNS.
        turn: How far the face is turned aside, in head radii; positive is right.
    """

    is_cat: bool
    fur: Color
    mark: Color
    pale: Color
    pattern: str
    has_bib: bool
    has_socks: bool
    iris: Color
    nose: Color
    turn: float

    @property
    def edge(self) -> Color:
        """The color of the outline."""
        return darker(self.fur, 0.62)

    @property
    def paw(self) -> Color:
        """The color of the paws; a dark mask comes with dark paws."""
        if self.has_socks:
            return self.pale
        return self.mark if self.pattern == "mask" else self.fur


def choose_animal(is_cat: bool, generator: np.random.Generator) -> Animal:
    """Draw looks at random, with the same distribution for cats and dogs, so that no color reveals the class."""
    fur = pick(generator, _FURS)
    other = pick(generator, _FURS)
    is_pale = sum(fur) > 630
    contrast = sum(abs(a - b) for a, b in zip(fur, other, strict=True))
    shade = mix(fur, (150, 96, 64), 0.62) if is_pale else darker(fur, 0.4)
    return Animal(
        is_cat=is_cat,
        fur=fur,
        mark=other if contrast > 150 and generator.random() < 0.4 else shade,
        pale=mix(fur, (255, 248, 238), float(generator.uniform(0.55, 0.95))),
        pattern=pick(generator, PATTERNS),
        has_bib=bool(generator.random() < 0.6),
        has_socks=bool(generator.random() < 0.45),
        iris=pick(generator, _IRISES),
        nose=pick(generator, _NOSES),
        turn=float(generator.uniform(-0.2, 0.2)),
    )
