"""The ranges of augmentation; `training/augment.py` applies them."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from photoclass.errors import SettingsError

FillMode = Literal["nearest", "constant", "reflect", "wrap"]
FILL_MODES: tuple[str, ...] = get_args(FillMode)


@dataclass(frozen=True)
class AugmentSettings:
    """The ranges of the random transforms; the defaults are those of *Cat or Dog?*.

    Attributes:
        rotation_degrees: Rotation, by up to this many degrees either way.
        width_shift: Shift to the side, by up to this share of the width either way.
        height_shift: Shift up or down, by up to this share of the height either way.
        shear_degrees: Shear angle, up to this many degrees either way (the post's 0.2 has hardly any effect).
        zoom: Each axis is scaled independently by a factor from 1 - zoom to 1 + zoom.
        crop: Random resized crop: smallest share of the picture's area in a crop, whose aspect ratio differs by up to
            4:3 (Szegedy et al., 2015, "Going Deeper with Convolutions", https://arxiv.org/abs/1409.4842). 1 for no
            cropping; 0 where a recipe chooses it.
        flip: Probability of a left-right mirror image.
        colour: Brightness, contrast and saturation are each scaled by a factor from 1 - colour to 1 + colour; 0 for
            unchanged colours, as in the post.
        fill_mode: How areas beyond the edges are filled: `nearest` pixel, `constant` colour, `reflect`, or `wrap`.
        fill_value: Grey level of `constant`.
    """

    rotation_degrees: float = 40.0
    width_shift: float = 0.2
    height_shift: float = 0.2
    shear_degrees: float = 0.2
    zoom: float = 0.2
    crop: float = 1.0
    flip: float = 0.5
    colour: float = 0.0
    fill_mode: FillMode = "nearest"
    fill_value: int = 0

    def __post_init__(self) -> None:
        if self.fill_mode not in FILL_MODES:
            raise SettingsError(f"unknown fill_mode {self.fill_mode!r}; choose from {', '.join(FILL_MODES)}")
        if not 0 <= self.flip <= 1:
            raise SettingsError(f"flip is {self.flip}; it is a probability, from 0 to 1")
        for name, share in (("zoom", self.zoom), ("colour", self.colour)):
            if not 0 <= share < 1:
                raise SettingsError(f"{name} is {share}; it must be at least 0 and less than 1")
        if not 0 <= self.crop <= 1:
            raise SettingsError(f"crop is {self.crop}; it is a share of the area, above 0 and at most 1")
        if not 0 <= self.fill_value <= 255:
            raise SettingsError(f"fill_value is {self.fill_value}; it is a grey level, from 0 to 255")
        for name in ("rotation_degrees", "width_shift", "height_shift", "shear_degrees"):
            limit = getattr(self, name)
            if not 0 <= limit < math.inf:
                raise SettingsError(f"{name} is {limit}; it is a range in both directions, so it must be 0 or more")
