"""Recipes: what is trained, with all its numbers. `features` is the default, `small-cnn` the post's to the letter."""

from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

import torch
from torch import nn

from photoclass.errors import SettingsError
from photoclass.model.folder import MAX_IMAGE_SIZE
from photoclass.networks.efficientnet_lite import EFFICIENTNET_LITE
from photoclass.networks.small_cnn import SmallCNN, SmallCnnSettings
from photoclass.photos.decode import DecodeSettings, ResizeRule
from photoclass.training.augment import AugmentSettings
from photoclass.training.optimizer import LoopSettings


@dataclass(frozen=True)
class SmallCnnRecipe:
    """The recipe of the post "Cat or Dog? Image Classification using Convolutional Neural Networks"."""

    name: ClassVar[str] = "small-cnn"

    image_size: int = 150
    resize: ResizeRule = "squash"
    network: SmallCnnSettings = field(default_factory=SmallCnnSettings)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def __post_init__(self) -> None:
        if not 8 <= self.image_size <= MAX_IMAGE_SIZE:
            raise SettingsError(f"image_size is {self.image_size}; it must be from 8 to {MAX_IMAGE_SIZE}")
        _check_resize(self.resize)

    def decode_settings(self) -> DecodeSettings:
        """Return how photos are decoded for this recipe."""
        return DecodeSettings(self.image_size, self.resize)

    def build_network(self, classes: int, generator: torch.Generator) -> nn.Module:
        """Build the network with fresh weights."""
        return SmallCNN(self.network, self.image_size, classes, generator)


@dataclass(frozen=True)
class FeaturesRecipe:
    """The features of a frozen pretrained network and a regularised linear head: minutes, not hours.

    Attributes:
        backbone: The network that sees: `lite0` is fast, `lite2` is good.
        resize: How a photo becomes the backbone's square.
        balance: Let every class weigh the same, however many photos it has.
    """

    name: ClassVar[str] = "features"

    backbone: str = "lite2"
    resize: ResizeRule = "squash"
    balance: bool = False

    def __post_init__(self) -> None:
        _check_backbone(self.backbone)
        _check_resize(self.resize)

    @property
    def image_size(self) -> int:
        """Side of the backbone's square, in pixels."""
        return EFFICIENTNET_LITE[self.backbone].image_size

    def decode_settings(self) -> DecodeSettings:
        """Return how photos are decoded for this recipe."""
        return DecodeSettings(self.image_size, self.resize)


_FINETUNE_LOOP = LoopSettings(
    batch_size=64,
    epochs=3,
    patience=2,
    learning_rate=1e-4,
    schedule="one-cycle",
    weight_decay=0.01,
    average=0.998,
    adam_beta2=0.99,
    calibrate=True,
)
# Photos that a pretrained network knows how to see: milder than the post's.
_FINETUNE_AUGMENT = AugmentSettings(rotation_degrees=10, width_shift=0.1, height_shift=0.1, shear_degrees=0)


@dataclass(frozen=True)
class FinetuneRecipe:
    """The end of a pretrained network trained on, from the head of `features`.

    Attributes:
        backbone: The network.
        tail: How many of its last blocks learn; 0 for three on a processor and the whole network on a GPU.
        resize: How a photo becomes the network's square.
        balance: Let every class weigh the same in the head that it starts from.
        augment: How photos are varied where the whole network learns.
        loop: How the loop goes.
    """

    name: ClassVar[str] = "finetune"

    backbone: str = "lite2"
    tail: int = 0
    resize: ResizeRule = "squash"
    balance: bool = False
    augment: AugmentSettings = _FINETUNE_AUGMENT
    loop: LoopSettings = _FINETUNE_LOOP

    def __post_init__(self) -> None:
        _check_backbone(self.backbone)
        _check_resize(self.resize)
        if self.tail < 0:
            raise SettingsError(f"tail is {self.tail}; it is a number of blocks, or 0 to let the device decide")

    @property
    def image_size(self) -> int:
        """Side of the network's square, in pixels."""
        return EFFICIENTNET_LITE[self.backbone].image_size

    def decode_settings(self) -> DecodeSettings:
        """Return how photos are decoded for this recipe."""
        return DecodeSettings(self.image_size, self.resize)


def _check_backbone(backbone: str) -> None:
    if backbone not in EFFICIENTNET_LITE:
        raise SettingsError(f"there is no backbone {backbone!r}; there is: {', '.join(EFFICIENTNET_LITE)}")


def _check_resize(resize: str) -> None:
    if resize not in ("squash", "crop"):
        raise SettingsError(f"resize is {resize!r}; it must be squash or crop")


Recipe: TypeAlias = SmallCnnRecipe | FeaturesRecipe | FinetuneRecipe

RECIPES: dict[str, type[Recipe]] = {recipe.name: recipe for recipe in (FeaturesRecipe, FinetuneRecipe, SmallCnnRecipe)}
DEFAULT_RECIPE = FeaturesRecipe.name
# What the user may say instead of a recipe and its numbers.
QUALITIES: dict[str, tuple[str, dict[str, str]]] = {
    "fast": (FeaturesRecipe.name, {"backbone": "lite0"}),
    "good": (FeaturesRecipe.name, {"backbone": "lite2"}),
    "best": (FinetuneRecipe.name, {"backbone": "lite2"}),
}


def of_quality(quality: str, recipe: str | None) -> tuple[str, dict[str, str]]:
    """Return the recipe that a quality stands for, and the settings to change in it.

    Args:
        quality: `fast`, `good` or `best`.
        recipe: The recipe asked for beside it, if any.

    Raises:
        SettingsError: There is no such quality, or it stands for another recipe.
    """
    if quality not in QUALITIES:
        raise SettingsError(f"there is no quality {quality!r}; there is: {', '.join(QUALITIES)}")
    name, settings = QUALITIES[quality]
    if recipe not in (None, name):
        raise SettingsError(f"the quality {quality!r} is the recipe {name}, not {recipe}; give one of the two")
    return name, dict(settings)


def find_recipe(name: str) -> Recipe:
    """Return a recipe with its own numbers.

    Raises:
        SettingsError: There is no such recipe.
    """
    if name not in RECIPES:
        raise SettingsError(f"there is no recipe {name!r}; there is: {', '.join(RECIPES)}")
    return RECIPES[name]()
