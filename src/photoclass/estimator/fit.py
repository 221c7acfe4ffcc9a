"""Fitting the model of an estimator: any recipe, on a table of photos."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photoclass.errors import DataError
from photoclass.estimator.model_files import ModelFiles
from photoclass.estimator.photo_files import refuse_unreadable, temporary_folder
from photoclass.estimator.trained_model import FeatureModel, NetworkModel, TrainedModel
from photoclass.photos.cache.pixels import fingerprint_photos
from photoclass.photos.data_paths import DataPaths
from photoclass.photos.table import PhotoTable
from photoclass.training.learners.features import fit_features
from photoclass.training.recipes.features import FeaturesSettings
from photoclass.training.recipes.registry import (
    DEFAULT_RECIPE,
    find_recipe,
    recipe_of_quality,
    refuse_settings_of_others,
)
from photoclass.training.recipes.settings import with_settings
from photoclass.training.run import TrainOptions, TrainRequest
from photoclass.training.run_folder import own_folder
from photoclass.training.stopping import StopRequest
from photoclass.workspace import Workspace

_NOT_SAVED = Path("model")


@dataclass(frozen=True)
class FitPlan:
    """How to fit a model.

    Attributes:
        recipe: The name of the recipe; None for that of the quality, or the default.
        quality: A name for a recipe and settings of it; None for none.
        settings: Hyperparameters to change, by name.
        seed: Decides all randomness.
        options: How to train.
        workspace: The cache folder, the number of workers, and who receives progress reports.
    """

    recipe: str | None
    quality: str | None
    settings: Mapping[str, Any]
    seed: int
    options: TrainOptions
    workspace: Workspace


def fit_model(table: PhotoTable, plan: FitPlan) -> TrainedModel:
    """Train on the photos of a table.

    Args:
        table: Labelled photos; their files must be there.
        plan: How to train.

    Raises:
        DataError: The photos cannot be trained on.
        MissingPackageError: The recipe needs torch, which is not installed.
        SettingsError: A setting is unknown or out of range.
        ValueError: A photo cannot be read.
    """
    name, settings = plan.recipe or DEFAULT_RECIPE, dict(plan.settings)
    if plan.quality is not None:
        name, chosen = recipe_of_quality(plan.quality, plan.recipe)
        settings = {**chosen, **settings}
    recipe = find_recipe(name)
    recipe.require_packages()
    refuse_settings_of_others(recipe, settings)
    recipe_settings = with_settings(recipe.settings(), settings)
    if isinstance(recipe_settings, FeaturesSettings):
        try:
            fitted = fit_features(_request(table, _NOT_SAVED, name, plan), recipe_settings)
        except DataError:
            refuse_unreadable(fingerprint_photos(table, plan.workspace).table)  # if any, they are why
            raise
        refuse_unreadable(fitted.photos.table)
        return FeatureModel.of_fitted(fitted)
    # Looked at beforehand: training may take hours.
    refuse_unreadable(fingerprint_photos(table, plan.workspace).table)
    with temporary_folder() as folder:
        out = folder / "run"
        with own_folder(out, resume=False):
            recipe.train(_request(table, out, name, plan), recipe_settings)
        return NetworkModel(ModelFiles.read(out))


def _request(table: PhotoTable, out: Path, recipe: str, plan: FitPlan) -> TrainRequest:
    minutes = plan.options.minutes
    stop = StopRequest() if minutes is None else StopRequest(deadline=time.monotonic() + 60 * minutes)
    return TrainRequest(
        DataPaths.of("X"), out, recipe, plan.seed, plan.options, None, stop, plan.workspace, table=table
    )
