"""`train`: from DATA to a model folder."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from photoclass.training.finish import TrainResult, with_report
from photoclass.training.recipes.recipes import (
    DEFAULT_RECIPE,
    FeaturesRecipe,
    FinetuneRecipe,
    Recipe,
    find_recipe,
    refuse_settings_of_others,
)
from photoclass.training.recipes.resnet import ResnetRecipe
from photoclass.training.recipes.settings import from_saved, with_settings
from photoclass.training.run import DEFAULT_OPTIONS, TrainOptions, TrainRequest, own_folder
from photoclass.training.stopping import StopRequest
from photoclass.training.tracking.open import open_records
from photoclass.workspace import Workspace


def train(
    data: Path,
    out: Path,
    recipe: str | None = None,
    settings: Mapping[str, Any] | None = None,
    options: TrainOptions = DEFAULT_OPTIONS,
    stop: StopRequest | None = None,
    workspace: Workspace | None = None,
) -> TrainResult:
    """Train a model on DATA and write its folder.

    Args:
        data: Labelled photos in any of the forms of `photos.sources.read.read_data`.
        out: The model folder; new or empty, unless resumed.
        recipe: The name of what to train; None for `features`, or that of the resumed run.
        settings: Numbers of the recipe to set, by name; words are parsed. The rest is the recipe's, or the resumed
            run's.
        options: How.
        stop: Lets the caller end the training early, in good order.
        workspace: The cache folder, the number of workers, and who receives progress reports; the user's cache, all
            processors and nobody when None.

    Raises:
        DataError: DATA cannot be read or trained on.
        OutputError: `out` is in use, not empty, or cannot be written; or the user's MLflow does not answer.
        SettingsError: A package that a log needs is not installed.
        TrainingError: It cannot be resumed, or the loss became no number before any epoch was done.
        Interrupted: A signal came; the checkpoint is kept.
    """
    stop, workspace = stop or StopRequest(), workspace or Workspace()
    if options.minutes is not None and stop.deadline is None:
        stop.deadline = time.monotonic() + 60 * options.minutes
    with own_folder(out, options.resume):
        saved = _saved(out) if options.resume else None
        chosen, seed = _chosen(recipe, settings or {}, options.seed, saved)
        with open_records(options.log, out, workspace.progress) as records:
            trained = _train(TrainRequest(data, out, chosen, seed, options, saved, stop, workspace, records))
        return with_report(trained, workspace.progress) if options.report else trained


def _train(request: TrainRequest[Any]) -> TrainResult:
    """Train what is asked for.

    Each recipe is imported when it is wanted: torch takes two seconds to load, and `features` needs it only where its
    backbone is not in the cache yet.
    """
    if isinstance(request.recipe, FeaturesRecipe):
        from photoclass.training.learners.features import train_features

        return train_features(request)
    if isinstance(request.recipe, FinetuneRecipe):
        from photoclass.training.learners.finetune import train_finetune

        return train_finetune(request)
    if isinstance(request.recipe, ResnetRecipe):
        from photoclass.training.learners.resnet import train_resnet

        return train_resnet(request)
    from photoclass.training.learners.small_cnn import train_small_cnn

    return train_small_cnn(request)


def _saved(out: Path) -> dict[str, Any]:
    from photoclass.training.loop.checkpoint import read_identity

    return read_identity(out)


def _chosen(
    name: str | None, settings: Mapping[str, Any], seed: int | None, saved: dict[str, Any] | None
) -> tuple[Recipe, int]:
    """Return the recipe and seed asked for; where nothing is asked for, those of the run that is resumed."""
    recipe = find_recipe(name or (saved["recipe"] if saved else DEFAULT_RECIPE))
    refuse_settings_of_others(recipe, settings)
    if saved is None:
        return with_settings(recipe, settings), seed or 0
    if recipe.name == saved["recipe"]:
        recipe = from_saved(recipe, saved["settings"])
    return with_settings(recipe, settings), saved["seed"] if seed is None else seed
