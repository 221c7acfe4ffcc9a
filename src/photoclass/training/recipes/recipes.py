"""Recipes: what is trained, with all its numbers. `features` is the default, `small-cnn` the post's to the letter."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from photoclass.errors import SettingsError
from photoclass.model.folder import MAX_IMAGE_SIZE
from photoclass.networks.pretrained.efficientnet_lite import EFFICIENTNET_LITE
from photoclass.networks.small_cnn_architecture import SmallCnnArchitecture
from photoclass.photos.decode import DecodeSettings, ResizeRule, check_resize
from photoclass.training.augment import AugmentSettings
from photoclass.training.frozen.backbones import BACKBONES, image_size_of
from photoclass.training.recipes.loop_settings import LoopSettings
from photoclass.training.recipes.resnet import ResnetRecipe
from photoclass.training.recipes.settings import named_settings


@dataclass(frozen=True)
class SmallCnnRecipe:
    """The recipe of the post "Cat or Dog? Image Classification using Convolutional Neural Networks"."""

    name: ClassVar[str] = "small-cnn"

    image_size: int = 150
    resize: ResizeRule = "squash"
    network: SmallCnnArchitecture = field(default_factory=SmallCnnArchitecture)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def __post_init__(self) -> None:
        if not 8 <= self.image_size <= MAX_IMAGE_SIZE:
            raise SettingsError(f"image_size is {self.image_size}; it must be from 8 to {MAX_IMAGE_SIZE}")
        check_resize(self.resize)
        _refuse_to_choose(self.loop, self.augment)

    def decode_settings(self) -> DecodeSettings:
        """Return how photos are decoded for this recipe."""
        return DecodeSettings(self.image_size, self.resize)


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
        drop_label_errors: Leave out training photos whose label is surely wrong.
    """

    name: ClassVar[str] = "features"

    backbone: str = "lite2"
    backbone_size: int = 0
    backbone_mean: tuple[float, ...] = ()
    backbone_std: tuple[float, ...] = ()
    backbone_sha256: str = ""
    resize: ResizeRule = "squash"
    balance: bool = False
    drop_label_errors: bool = False

    def __post_init__(self) -> None:
        check_resize(self.resize)
        if self.backbone_is_file:
            _check_scaling(self.backbone_mean, self.backbone_std)
            return
        if self.backbone not in BACKBONES:
            names = ", ".join(BACKBONES)
            raise SettingsError(
                f"unknown backbone {self.backbone!r}; choose from {names}, or a file that ends in .onnx"
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


_FINETUNE_LOOP = LoopSettings(
    batch_size=64,
    epochs=3,
    patience=2,
    learning_rate=1e-4,
    schedule="one-cycle",
    weight_decay=0.01,
    ema_decay=0.998,
    initial_weights_share=0.25,
    adam_beta2=0.99,
    adam_epsilon=1e-8,  # gradients of a network that is nearly right already are small
    calibrate=True,
)
# Photos that a pretrained network knows how to see: milder than the post's.
_FINETUNE_AUGMENT = AugmentSettings(
    rotation_degrees=10, width_shift=0.1, height_shift=0.1, shear_degrees=0, zoom=0.25, colour=0.3
)


@dataclass(frozen=True)
class FinetuneRecipe:
    """The end of a pretrained network trained on, from the head of `features`.

    Attributes:
        backbone: The network.
        tail: How many of its last blocks learn; 0 for three on a processor and the whole network on a GPU.
        resize: How a photo becomes the network's square.
        balance: Let every class weigh the same in the head that it starts from.
        augment: How photos are varied.
        augmented_share: Share of the photos of an epoch that are varied where maps are what is learnt from: two variations
            of each training photo are computed for that. The others are shown as they are or mirrored. 0 for none;
            where the whole network learns, all are varied.
        loop: How the loop goes.
    """

    name: ClassVar[str] = "finetune"

    backbone: str = "lite2"
    tail: int = 0
    resize: ResizeRule = "squash"
    balance: bool = False
    augment: AugmentSettings = _FINETUNE_AUGMENT
    augmented_share: float = 0.7
    loop: LoopSettings = _FINETUNE_LOOP

    def __post_init__(self) -> None:
        _check_backbone(self.backbone)
        check_resize(self.resize)
        _refuse_to_choose(self.loop, self.augment)
        if not 0 <= self.augmented_share <= 1:
            raise SettingsError(f"augmented_share is {self.augmented_share}; it is a share, from 0 to 1")
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
        raise SettingsError(f"unknown backbone {backbone!r}; choose from {', '.join(EFFICIENTNET_LITE)}")


def _refuse_to_choose(loop: LoopSettings, augment: AugmentSettings) -> None:
    """Refuse zeros, which say that a recipe chooses, for recipes that do not."""
    for name, value in (("epochs", loop.epochs), ("batch_size", loop.batch_size), ("crop", augment.crop)):
        if not value:
            raise SettingsError(f"{name} is 0; it must be above 0")


def _check_scaling(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    """Refuse what cannot scale pixels in [0, 1]; numbers for pixels up to 255 are taken for what they are."""
    if len(mean) not in (0, 1, 3) or len(std) not in (0, 1, 3) or bool(mean) != bool(std):
        raise SettingsError("backbone_mean and backbone_std go together, each one number or three")
    if not all(0 <= value <= 1 for value in mean) or not all(0 < value <= 1 for value in std):
        raise SettingsError(
            "backbone_mean and backbone_std are for pixels from 0 to 1, so within that themselves; divide those for "
            "pixels from 0 to 255, as 127/255"
        )


Recipe: TypeAlias = SmallCnnRecipe | FeaturesRecipe | FinetuneRecipe | ResnetRecipe

RECIPES: dict[str, type[Recipe]] = {
    recipe.name: recipe for recipe in (FeaturesRecipe, FinetuneRecipe, ResnetRecipe, SmallCnnRecipe)
}
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
        raise SettingsError(f"unknown quality {quality!r}; choose from {', '.join(QUALITIES)}")
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
        raise SettingsError(f"unknown recipe {name!r}; choose from {', '.join(RECIPES)}")
    return RECIPES[name]()


def refuse_settings_of_others(recipe: Recipe, names: Iterable[str]) -> None:
    """Say of a setting that this recipe lacks which recipe has it.

    Raises:
        SettingsError: One of the names is a setting of another recipe.
    """
    own = dict(named_settings(recipe))
    for name in names:
        others = [other for other in RECIPES if name in dict(named_settings(RECIPES[other]()))]
        if name not in own and others:
            first, last = ", ".join(others[:-1]), others[-1]
            have_it = f"the recipes {first} and {last} have it" if first else f"the recipe {last} has it"
            raise SettingsError(f"the recipe {recipe.name} has no setting {name!r}; {have_it}")
