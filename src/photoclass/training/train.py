"""`train`: from DATA to a model folder."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from photoclass.extras import require_torch
from photoclass.paths import AnyPath
from photoclass.photos.data_paths import Data, DataPaths
from photoclass.training.finish import TrainResult, with_report
from photoclass.training.recipes.registry import (
    DEFAULT_RECIPE,
    Recipe,
    find_recipe,
    recipe_of_quality,
    refuse_settings_of_others,
)
from photoclass.training.recipes.settings import RecipeSettings, from_saved, with_settings
from photoclass.training.run import DEFAULT_OPTIONS, TrainOptions, TrainRequest
from photoclass.training.run_folder import own_folder
from photoclass.training.stopping import StopRequest
from photoclass.training.tracking.open import open_records
from photoclass.workspace import Workspace


def train(
    data: Data,
    out: AnyPath,
    recipe: str | None = None,
    settings: Mapping[str, Any] | None = None,
    options: TrainOptions = DEFAULT_OPTIONS,
    stop: StopRequest | None = None,
    workspace: Workspace | None = None,
    *,
    quality: str | None = None,
) -> TrainResult:
    """Train a model on DATA and write its folder.

    Args:
        data: Labelled photos: class folders, split folders, flat names (`cat.0.jpg`), a zip or tar of these, or a
            label table (CSV, JSON Lines, Parquet, Arrow). A list of several: the parts of one data set.
        out: The model folder; new or empty, unless resumed.
        recipe: Name of the recipe; None for `features`, or that of the resumed run.
        settings: Hyperparameters to change, by name; text is parsed. The others are the recipe's, or the resumed
            run's.
        options: How to train.
        stop: Lets the caller end the training early.
        workspace: The cache folder, the number of workers, and who receives progress reports; `Workspace()` when None.
        quality: Instead of a recipe: `fast`, `good` or `best`; `settings` change what it stands for.

    Raises:
        DataError: DATA cannot be read or trained on.
        OutputError: `out` is in use, not empty, or cannot be written; or the user's MLflow does not answer.
        SettingsError: A setting is unknown or out of range, or an experiment tracker's package is not installed.
        MissingPackageError: The recipe needs torch, which is not installed.
        TrainingError: The run cannot be resumed, or is finished and has no checkpoint; or the loss became NaN or
            infinite before the first epoch was done.
        Interrupted: A signal arrived; the checkpoint is kept.
    """
    out = Path(out)
    settings = settings or {}
    if quality is not None:
        recipe, of_quality = recipe_of_quality(quality, recipe)
        settings = of_quality | dict(settings)
    stop, workspace = stop or StopRequest(), workspace or Workspace()
    if options.minutes is not None and stop.deadline is None:
        stop.deadline = time.monotonic() + 60 * options.minutes
    with own_folder(out, options.resume) as resumes:
        if options.resume and not resumes:
            workspace.say(f"{out}: nothing to resume; training starts from the beginning")
        if resumes:
            require_torch("a checkpoint")
        saved = _saved_identity(out) if resumes else None
        chosen = find_recipe(recipe or (saved["recipe"] if saved else DEFAULT_RECIPE))
        chosen.require_packages()
        all_settings = _all_settings(chosen, settings, saved)
        seed = options.seed if options.seed is not None else saved["seed"] if saved else 0
        with open_records(options.log, out, workspace.progress) as records:
            request = TrainRequest(DataPaths.of(data), out, chosen.name, seed, options, saved, stop, workspace, records)
            trained: TrainResult = chosen.train(request, all_settings)
        return with_report(trained, workspace.progress) if options.report else trained


def _saved_identity(out: Path) -> dict[str, Any]:
    from photoclass.training.loop.checkpoint import read_identity

    return read_identity(out)


def _all_settings(recipe: Recipe[Any], changes: Mapping[str, Any], saved: dict[str, Any] | None) -> RecipeSettings:
    """Return the changes on top of the recipe's settings, or of those of the run that is resumed."""
    refuse_settings_of_others(recipe, changes)
    settings: RecipeSettings = recipe.settings()
    if saved and saved["recipe"] == recipe.name:
        settings = from_saved(settings, saved["settings"])
    return with_settings(settings, changes)
