"""`PhotoClassifier`: training and prediction as a classifier of scikit-learn."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.estimator.base import BaseEstimator, ClassifierMixin, validation
from photoclass.estimator.errors import value_errors
from photoclass.estimator.fit import FitPlan, fit_model
from photoclass.estimator.labels import Labels, checked_labels, group_names
from photoclass.estimator.model_files import ModelFiles, keep_label_type
from photoclass.estimator.photo_files import photo_table
from photoclass.estimator.photo_input import PhotoInput
from photoclass.estimator.trained_model import model_of_files
from photoclass.paths import AnyPath
from photoclass.photos.sources.options import AS_IT_IS, ReadOptions
from photoclass.photos.split import SplitFractions
from photoclass.training.run import TrainOptions
from photoclass.training.run_folder import own_folder
from photoclass.workspace import Workspace


class PhotoClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Train a classifier of photos, with scikit-learn's interface.

    X is a list, an array or a column (pandas, polars, pyarrow) of photos: paths, bytes of photo files, PIL images, or
    uint8 RGB arrays of shape (height, width, 3); or one array of shape (N, height, width, 3). Every photo must be
    readable: a row cannot be skipped.

    All photos of `fit` train the model but for a validation part, which calibrates the novelty detector and prediction
    sets and, for recipes with epochs, chooses the epoch. Near-duplicates and groups stay on one side of that division.
    What the model scores is for you to measure, on photos that `fit` was not given: `score`, `cross_val_score`.

    The features of a photo are kept in the cache by its content, so that cross-validation and grid search compute them
    once.

    Args:
        recipe: What to train: `features`, `finetune`, `resnet` or `small-cnn`; None for that of the quality.
        quality: A name for a recipe and its settings: `fast`, `good` or `best`; None for `good`, unless there is a
            recipe.
        settings: Hyperparameters to change, by name, such as `{"backbone": "lite0"}`.
        validation_fraction: The share of the photos that validates, above 0 and below 1.
        minutes: Time budget, for recipes with epochs; None for none.
        device: `auto`, `cpu`, `cuda` or `mps`.
        precision: `auto`, `bf16` or `fp32`; for `features`, `auto`, `int8` or `fp32`.
        random_state: An integer is the seed of all randomness; as elsewhere in scikit-learn, a generator or None draws
            a seed.
        workspace: The cache folder, the number of workers, and who receives progress reports; None for `Workspace()`.

    Attributes:
        classes_: Shape (C,), the labels, sorted.
        model_: What predicts.
    """

    def __init__(
        self,
        recipe: str | None = None,
        quality: str | None = None,
        *,
        settings: Mapping[str, Any] | None = None,
        validation_fraction: float = 0.1,
        minutes: float | None = None,
        device: str = "auto",
        precision: str = "auto",
        random_state: Any = 0,
        workspace: Workspace | None = None,
    ) -> None:
        self.recipe = recipe
        self.quality = quality
        self.settings = settings
        self.validation_fraction = validation_fraction
        self.minutes = minutes
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.workspace = workspace

    def fit(self, X: Any, y: Any, groups: Any = None) -> "PhotoClassifier":
        """Train on labelled photos.

        Args:
            X: N photos.
            y: Shape (N,), their labels: text, integers or booleans.
            groups: Shape (N,), the animal, patient or site that each photo is of: photos of one group are never on both
                sides of a division. None for near-duplicates alone.

        Raises:
            ValueError: X, y or groups cannot be trained on, or a parameter is out of range.
            OutputError: The cache or the temporary folder cannot be written.
        """
        given = PhotoInput.of(X)
        values = checked_labels(y, type(self).__name__)
        validation.check_consistent_length(given.photos, values, groups)
        labels, numbers = Labels.fit(values)
        with value_errors():
            names = group_names(groups)
            plan = self._plan(grouped=bool(names))
            with photo_table(given, numbers, labels.class_names, names) as table:
                model = fit_model(table, plan)
        self.classes_, self.model_, self._labels = labels.classes, model, labels
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each photo, shape (N,).

        Raises:
            NotFittedError: `fit` was not called.
            ValueError: X cannot be used, or one of its photos cannot be read.
        """
        best = self._log_probabilities(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return calibrated probabilities, shape (N, C), in the order of `classes_`.

        Raises:
            NotFittedError: `fit` was not called.
            ValueError: X cannot be used, or one of its photos cannot be read.
        """
        return np.exp(self._log_probabilities(X))

    def predict_log_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the logarithms of the probabilities, shape (N, C), in the order of `classes_`.

        Raises:
            NotFittedError: `fit` was not called.
            ValueError: X cannot be used, or one of its photos cannot be read.
        """
        return self._log_probabilities(X)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the log odds of the second of two classes, shape (N,), or log probabilities of more, shape (N, C).

        Raises:
            NotFittedError: `fit` was not called.
            ValueError: X cannot be used, or one of its photos cannot be read.
        """
        logs = self._log_probabilities(X)
        return np.asarray(logs[:, 1] - logs[:, 0]) if logs.shape[1] == 2 else logs

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy on labelled photos.

        Raises:
            NotFittedError: `fit` was not called.
            ValueError: X and y differ in length, y has labels that are no class of the model, or a photo cannot be
                read.
        """
        validation.check_is_fitted(self)
        given = PhotoInput.of(X)
        values = checked_labels(y, type(self).__name__)
        validation.check_consistent_length(given.photos, values)
        self._labels.check_known(values)
        return float(super().score(X, values, sample_weight))

    def save(self, folder: AnyPath) -> None:
        """Save the model folder, which every command of photoclass takes as `--model`.

        Args:
            folder: A new or empty folder.

        Raises:
            NotFittedError: `fit` was not called.
            OutputError: The folder is not empty or cannot be written, or the cache was emptied since `fit`.
            TrainingError: The saved network disagrees with the fitted model on real photos.
        """
        validation.check_is_fitted(self)
        folder = Path(folder)
        with own_folder(folder, resume=False):
            self.model_.write(folder)
            keep_label_type(folder, self._labels.type)

    @classmethod
    def load(cls, folder: AnyPath, workspace: Workspace | None = None) -> "PhotoClassifier":
        """Return the classifier of a model folder, whether `save` or the command `train` has written it.

        Its parameters are those that train the same recipe with the same settings again.

        Args:
            folder: A model folder.
            workspace: As the parameter of the same name.

        Raises:
            ValueError: It is not a model folder, or is damaged.
        """
        with value_errors():
            files = ModelFiles.read(Path(folder))
            model = model_of_files(files)
        info = files.info
        split = SplitFractions.parse(info.training.split) if info.training.split else SplitFractions()
        found = cls(
            info.recipe,
            settings=dict(info.training.changed_settings) or None,
            validation_fraction=split.valid,
            random_state=info.seed,
            workspace=workspace,
        )
        found._labels = Labels.of_model(info.class_names, info.training.label_type)
        found.classes_, found.model_ = found._labels.classes, model
        return found

    def _log_probabilities(self, X: Any) -> NDArray[np.float64]:
        validation.check_is_fitted(self)
        with value_errors():
            logs = self.model_.log_probabilities(PhotoInput.of(X), self.workspace or Workspace())
        return np.asarray(logs[:, self._labels.places])

    def _plan(self, *, grouped: bool) -> FitPlan:
        fraction, settings = self.validation_fraction, self.settings or {}
        if not isinstance(fraction, int | float | np.number) or not 0 < fraction < 1:
            raise ValueError(f"validation_fraction is {fraction!r}; it must be a number above 0 and below 1")
        if not isinstance(settings, Mapping):
            raise ValueError(f"settings is {settings!r}; give a mapping, such as {{'backbone': 'lite0'}}")
        state = self.random_state
        seed = state if isinstance(state, int | np.integer) else validation.check_random_state(state).randint(2**31)
        options = TrainOptions(
            seed=int(seed),
            minutes=self.minutes,
            device=self.device,
            precision=self.precision,
            reading=ReadOptions(group_by="groups") if grouped else AS_IT_IS,
            split=SplitFractions(float(fraction), 0),
            report=False,
        )
        return FitPlan(self.recipe, self.quality, settings, int(seed), options, self.workspace or Workspace())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags
