"""The registry of recipes: each with its name, its help line, its settings and its learner."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from photoclass.errors import SettingsError
from photoclass.extras import require_torch
from photoclass.training.recipes.features import FeaturesSettings
from photoclass.training.recipes.finetune import FinetuneSettings
from photoclass.training.recipes.resnet import ResnetSettings
from photoclass.training.recipes.settings import RecipeSettings, named_settings
from photoclass.training.recipes.small_cnn import SmallCnnSettings

if TYPE_CHECKING:
    from photoclass.training.finish import TrainResult
    from photoclass.training.run import TrainRequest

Settings = TypeVar("Settings", bound=RecipeSettings)


@dataclass(frozen=True)
class Recipe(Generic[Settings]):
    """One way to train a model.

    Attributes:
        name: What `--recipe` calls it.
        help: What it trains, in a few words, for `train --help`.
        settings: The frozen dataclass of its hyperparameters; the defaults are the recipe's.
        train: Trains and writes the model folder, which the caller holds. It imports its learner when it is called:
            torch takes two seconds to load, and naming a recipe must not cost them.
        needs_torch: Whether it needs the packages of the extra `torch`.
    """

    name: str
    help: str
    settings: type[Settings]
    train: "Callable[[TrainRequest, Settings], TrainResult]"
    needs_torch: bool = True

    def require_packages(self) -> None:
        """Refuse to train where a package that the recipe needs is not installed.

        Raises:
            MissingPackageError: One is not; the message has the command that installs it.
        """
        if self.needs_torch:
            require_torch(f"the recipe {self.name}")


def _train_features(request: "TrainRequest", settings: FeaturesSettings) -> "TrainResult":
    from photoclass.training.learners.features import train_features

    return train_features(request, settings)


def _train_finetune(request: "TrainRequest", settings: FinetuneSettings) -> "TrainResult":
    from photoclass.training.learners.finetune import train_finetune

    return train_finetune(request, settings)


def _train_resnet(request: "TrainRequest", settings: ResnetSettings) -> "TrainResult":
    from photoclass.training.learners.resnet import train_resnet

    return train_resnet(request, settings)


def _train_small_cnn(request: "TrainRequest", settings: SmallCnnSettings) -> "TrainResult":
    from photoclass.training.learners.small_cnn import train_small_cnn

    return train_small_cnn(request, settings)


RECIPES: dict[str, Recipe[Any]] = {
    recipe.name: recipe
    for recipe in (
        Recipe("features", "a linear head on a frozen pretrained backbone", FeaturesSettings, _train_features, False),
        Recipe("finetune", "that head and the backbone's last blocks", FinetuneSettings, _train_finetune),
        Recipe("resnet", "a residual network from scratch", ResnetSettings, _train_resnet),
        Recipe("small-cnn", 'the reference CNN of "Cat or Dog?"', SmallCnnSettings, _train_small_cnn),
    )
}
DEFAULT_RECIPE = "features"
# Names for a recipe together with settings of it.
QUALITIES: dict[str, tuple[str, dict[str, str]]] = {
    "fast": ("features", {"backbone": "lite0"}),
    "good": ("features", {"backbone": "lite2"}),
    "best": ("finetune", {"backbone": "lite2"}),
}


def find_recipe(name: str) -> Recipe[Any]:
    """Return the recipe of that name.

    Raises:
        SettingsError: The name is unknown.
    """
    if name not in RECIPES:
        raise SettingsError(f"unknown recipe {name!r}; choose from {', '.join(RECIPES)}")
    return RECIPES[name]


def describe_recipes() -> str:
    """Return the help of `--recipe`: every recipe with its help line."""
    *first, last = (f"{recipe.name} ({recipe.help})" for recipe in RECIPES.values())
    return f"What to train: {', '.join(first)} or {last}.  [default: {DEFAULT_RECIPE}]"


def describe_qualities() -> str:
    """Return the help of `--quality`: what every quality stands for."""
    *first, last = (f"{name} ({recipe}, {', '.join(s.values())})" for name, (recipe, s) in QUALITIES.items())
    return f"Instead of --recipe: {', '.join(first)} or {last}.  [default: good]"


def recipe_of_quality(quality: str, recipe: str | None) -> tuple[str, dict[str, str]]:
    """Return the recipe that a quality stands for, and the settings to change in it.

    Args:
        quality: `fast`, `good` or `best`.
        recipe: The recipe that was requested beside it, if any.

    Raises:
        SettingsError: The quality is unknown, or stands for another recipe.
    """
    if quality not in QUALITIES:
        raise SettingsError(f"unknown quality {quality!r}; choose from {', '.join(QUALITIES)}")
    name, settings = QUALITIES[quality]
    if recipe not in (None, name):
        raise SettingsError(f"quality {quality!r} means the recipe {name}, not {recipe}; give one of the two")
    return name, dict(settings)


def refuse_settings_of_others(recipe: Recipe[Any], names: Iterable[str]) -> None:
    """Refuse a setting that this recipe lacks and another has, naming the recipes that have it.

    Raises:
        SettingsError: One of the names is a setting of another recipe.
    """
    own = dict(named_settings(recipe.settings()))
    for name in names:
        others = [other.name for other in RECIPES.values() if name in dict(named_settings(other.settings()))]
        if name not in own and others:
            first, last = ", ".join(others[:-1]), others[-1]
            have_it = f"the recipes {first} and {last} have it" if first else f"the recipe {last} has it"
            raise SettingsError(f"the recipe {recipe.name} has no setting {name!r}; {have_it}")
