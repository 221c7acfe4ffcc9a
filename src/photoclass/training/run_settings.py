"""What a finished run was made with, so that the same run can be done again."""

from dataclasses import dataclass
from pathlib import Path

from photoclass.errors import ModelError, SettingsError
from photoclass.model.folder import INFO_FILE, ModelInfo, load_info
from photoclass.paths import AnyPath
from photoclass.photos.data_paths import DataPaths
from photoclass.photos.split import SplitFractions
from photoclass.training.recipes.registry import find_recipe
from photoclass.training.recipes.settings import changed_settings, from_saved
from photoclass.training.run import TrainOptions


@dataclass(frozen=True)
class RunSettings:
    """The arguments of `train` that do a run again, all but the folder to write.

    Attributes:
        data: Where the photos were; None where the model folder does not keep it.
        recipe: Name of the recipe.
        settings: The settings of the run that differ from the defaults of this version, as `--set` takes them.
        options: Seed, fixes, how DATA was read and divided. Device and precision are those of this machine.
    """

    data: DataPaths | None
    recipe: str
    settings: dict[str, str]
    options: TrainOptions

    @classmethod
    def of(cls, info: ModelInfo) -> "RunSettings":
        """Return what a model was trained with.

        Raises:
            SettingsError: This version has no such recipe, or its settings are others.
        """
        training = info.training
        settings = from_saved(find_recipe(info.recipe).settings(), info.settings, by_older_version=True)
        options = TrainOptions(
            seed=info.seed,
            fixes=training.fixes,
            reading=training.reading,
            split=SplitFractions.parse(training.split) if training.split else None,
        )
        return cls(training.data, info.recipe, changed_settings(settings), options)


def run_settings(run: AnyPath) -> RunSettings:
    """Return what a model was trained with, to train it again.

    >>> again = photoclass.run_settings("run")                                                   # doctest: +SKIP
    >>> photoclass.train(again.data, "run-2", again.recipe, again.settings, again.options)       # doctest: +SKIP

    Args:
        run: A model folder, or its model.json.

    Raises:
        ModelError: It is not a model folder, or was trained by a recipe that this version lacks.
    """
    path = Path(run)
    folder = path.parent if path.name == INFO_FILE else path
    info = load_info(folder)
    try:
        return RunSettings.of(info)
    except SettingsError as error:
        raise ModelError(f"{folder / INFO_FILE}: its run cannot be done again by this version: {error}") from error
