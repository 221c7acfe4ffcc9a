"""Recipes: what is trained, with all its numbers. `features` is the default, `small-cnn` the post's, to the letter."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

import torch
from torch import nn

from photoclass.errors import SettingsError
from photoclass.model.folder import MAX_IMAGE_SIZE
from photoclass.networks.small_cnn import SmallCNN, SmallCnnSettings
from photoclass.photos.decode import DecodeSettings, ResizeRule
from photoclass.training.augment import AugmentSettings
from photoclass.training.backbones import BACKBONES, image_size_of
from photoclass.training.settings import named_settings


@dataclass(frozen=True)
class LoopSettings:
    """How the loop goes.

    Attributes:
        batch_size: Photos in a step.
        epochs: Passes over the training photos, at most.
        patience: Epochs without a lower val_loss after which training stops.
        learning_rate: Adam's (Kingma and Ba, 2015) step size.
        adam_beta1: Decay of the mean of gradients.
        adam_beta2: Decay of the mean of their squares.
        adam_epsilon: Keras's value; torch's own is 1e-8.
    """

    batch_size: int = 16
    epochs: int = 50
    patience: int = 5
    learning_rate: float = 1e-3
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-7

    def __post_init__(self) -> None:
        if min(self.batch_size, self.epochs, self.patience) < 1:
            raise SettingsError("batch_size, epochs and patience must be at least 1")
        if not (self.learning_rate > 0 and self.adam_epsilon > 0):
            raise SettingsError("learning_rate and adam_epsilon must be above 0")
        if not (0 <= self.adam_beta1 < 1 and 0 <= self.adam_beta2 < 1):
            raise SettingsError("adam_beta1 and adam_beta2 must be at least 0 and less than 1")


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
        backbone: The network that sees: `lite0` is fast, `lite2` is good, `lite0+lite2` are both at once; or a file
            that ends in .onnx. The settings below are for such a file.
        backbone_size: Side of the square that it takes, in pixels; 0 where the file says it.
        backbone_mean: What is taken from pixels in [0, 1] that it takes as numbers: one value, or one for each colour.
        backbone_std: What they are then divided by.
        backbone_sha256: Of the file that it must be; empty for any.
        resize: How a photo becomes the backbone's square.
        balance: Let every class weigh the same, however many photos it has.
    """

    name: ClassVar[str] = "features"

    backbone: str = "lite2"
    backbone_size: int = 0
    backbone_mean: tuple[float, ...] = ()
    backbone_std: tuple[float, ...] = ()
    backbone_sha256: str = ""
    resize: ResizeRule = "squash"
    balance: bool = False

    def __post_init__(self) -> None:
        _check_resize(self.resize)
        if self.backbone_is_file:
            _check_scaling(self.backbone_mean, self.backbone_std)
            return
        if self.backbone not in BACKBONES:
            names = ", ".join(BACKBONES)
            raise SettingsError(
                f"there is no backbone {self.backbone!r}; there is: {names}, or a file that ends in .onnx"
            )
        if self.backbone_size or self.backbone_mean or self.backbone_std or self.backbone_sha256:
            raise SettingsError(
                f"the backbone {self.backbone} has its own size and scaling; those settings are for an ONNX file"
            )

    @property
    def backbone_is_file(self) -> bool:
        """Whether the backbone is a file of the user's."""
        return self.backbone.casefold().endswith(".onnx")

    @property
    def image_size(self) -> int:
        """Side of the backbone's square, in pixels; 0 for a file that has not been read yet."""
        return self.backbone_size if self.backbone_is_file else image_size_of(self.backbone)

    def decode_settings(self) -> DecodeSettings:
        """Return how photos are decoded for this recipe."""
        return DecodeSettings(self.image_size, self.resize)


def _check_resize(resize: str) -> None:
    if resize not in ("squash", "crop"):
        raise SettingsError(f"resize is {resize!r}; it must be squash or crop")


def _check_scaling(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    """Refuse what cannot scale pixels in [0, 1]; numbers for pixels up to 255 are taken for what they are."""
    if len(mean) not in (0, 1, 3) or len(std) not in (0, 1, 3) or bool(mean) != bool(std):
        raise SettingsError("backbone_mean and backbone_std go together, each one number or three")
    if not all(0 <= value <= 1 for value in mean) or not all(0 < value <= 1 for value in std):
        raise SettingsError(
            "backbone_mean and backbone_std are for pixels from 0 to 1, so within that themselves; divide those for "
            "pixels from 0 to 255, as 127/255"
        )


Recipe: TypeAlias = SmallCnnRecipe | FeaturesRecipe

RECIPES: dict[str, type[Recipe]] = {recipe.name: recipe for recipe in (FeaturesRecipe, SmallCnnRecipe)}
DEFAULT_RECIPE = FeaturesRecipe.name
# What the user may say instead of numbers.
QUALITIES = {"fast": {"backbone": "lite0"}, "good": {"backbone": "lite2"}}


def quality_settings(quality: str | None) -> dict[str, str]:
    """Return the settings of the recipe `features` that a quality stands for; none for None.

    Raises:
        SettingsError: There is no such quality.
    """
    if quality is None:
        return {}
    if quality not in QUALITIES:
        raise SettingsError(f"there is no quality {quality!r}; there is: {', '.join(QUALITIES)}")
    return dict(QUALITIES[quality])


def find_recipe(name: str) -> Recipe:
    """Return a recipe with its own numbers.

    Raises:
        SettingsError: There is no such recipe.
    """
    if name not in RECIPES:
        raise SettingsError(f"there is no recipe {name!r}; there is: {', '.join(RECIPES)}")
    return RECIPES[name]()


def refuse_settings_of_others(recipe: Recipe, names: Iterable[str]) -> None:
    """Say of a setting that this recipe lacks which recipe has it.

    Raises:
        SettingsError: One of the names is a setting of another recipe.
    """
    own = dict(named_settings(recipe))
    for name in names:
        others = [f"the recipe {other}" for other in RECIPES if name in dict(named_settings(RECIPES[other]()))]
        if name not in own and others:
            has = "has" if len(others) == 1 else "have"
            raise SettingsError(f"the recipe {recipe.name} has no setting {name!r}; {' and '.join(others)} {has} it")
