"""What an estimator predicts with: a head on stored features, or the network of a model folder."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from photoclass.estimator.feature_rows import feature_blocks
from photoclass.estimator.model_files import ModelFiles
from photoclass.estimator.photo_files import photo_table, refuse_unreadable
from photoclass.estimator.photo_input import PhotoInput
from photoclass.model.runtime import Runtime
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.results.predict import predict_table
from photoclass.training.frozen.backbones import PRECISIONS, Backbone
from photoclass.training.frozen.export_head import ExportedHead, cut_head
from photoclass.training.frozen.head import signed_roots
from photoclass.training.learners.features import FittedFeatures, save_features
from photoclass.workspace import Workspace

_LEAST = np.finfo(np.float32).tiny  # a probability of 0 has no logarithm


class TrainedModel(Protocol):
    """A model that predicts photos and can be saved."""

    def log_probabilities(self, given: PhotoInput, workspace: Workspace) -> NDArray[np.float64]:
        """Return the logarithms of the probabilities, shape (N, C), in the order of the model's class names."""

    def write(self, folder: Path) -> None:
        """Write the model folder, which the caller has locked."""


@dataclass(frozen=True)
class FeatureModel:
    """A head on the features of a frozen backbone. Features that are in the store need not be computed.

    Attributes:
        backbone: What computes the features.
        settings: How photos are decoded.
        head: The head, as `model.onnx` has it.
        origin: What the model folder is written from.
    """

    backbone: Backbone
    settings: DecodeSettings
    head: ExportedHead
    origin: FittedFeatures | ModelFiles

    @classmethod
    def of_fitted(cls, fitted: FittedFeatures) -> "FeatureModel":
        """Return the model that was fitted."""
        head = ExportedHead.of(fitted.head.weights, fitted.head.bias, fitted.head.temperature)
        return cls(fitted.backbone, fitted.photos.settings, head, fitted)

    @classmethod
    def of_files(cls, files: ModelFiles) -> "FeatureModel | None":
        """Return the model of a model folder; None if its network does not consist of a backbone and a head."""
        info = files.info
        precision = info.training.precision
        if info.recipe != "features" or precision not in PRECISIONS:
            return None
        try:
            onnx, head = cut_head(files.onnx)
        except ValueError:  # the built-in model, for instance, is packed
            return None
        backbone = Backbone(str(info.settings["backbone"]), info.image_size, onnx, precision, "as it was trained")
        return cls(backbone, info.decode_settings(), head, files)

    def log_probabilities(self, given: PhotoInput, workspace: Workspace) -> NDArray[np.float64]:
        """Return the logarithms of the probabilities, shape (N, C), in the order of the model's class names.

        Raises:
            ValueError: A photo cannot be read.
        """
        blocks = feature_blocks(given, self.settings, self.backbone, workspace)
        logits = np.concatenate([self.head.logits(signed_roots(block)) for block in blocks])
        logits -= logits.max(axis=1, keepdims=True)
        return np.asarray(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))

    def write(self, folder: Path) -> None:
        """Write the model folder, which the caller has locked.

        Raises:
            OutputError: It cannot be written, or the cache no longer holds the features of this fit.
            TrainingError: The saved model disagrees with the fitted one.
        """
        if isinstance(self.origin, ModelFiles):
            self.origin.write(folder)
            return
        run = self.origin.run
        save_features(replace(self.origin, run=replace(run, request=replace(run.request, out=folder))))


@dataclass(frozen=True)
class NetworkModel:
    """The network of a model folder.

    Attributes:
        files: The model folder.
    """

    files: ModelFiles

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs, which compiles the network itself."""
        return {"files": self.files}

    @cached_property
    def runtime(self) -> Runtime:
        """The network, compiled for this processor."""
        return Runtime(self.files.info, self.files.onnx, Path("model"))

    def log_probabilities(self, given: PhotoInput, workspace: Workspace) -> NDArray[np.float64]:
        """Return the logarithms of the probabilities, shape (N, C), in the order of the model's class names.

        Raises:
            ValueError: A photo cannot be read.
        """
        rows = []
        for block in given.blocks():
            with photo_table(block) as table:
                # Predictions are in natural order of the names: these keep the order of X.
                numbered = replace(table, names=tuple(map(str, range(len(table)))))
                predictions = predict_table(self.runtime, numbered, workspace)
                named = [replace(item, name=block.name(int(item.name))) for item in predictions.skipped]
                refuse_unreadable(table.select(predictions.is_ok).with_skipped(named))
                rows.append(predictions.probabilities)
        return np.log(np.maximum(np.concatenate(rows), _LEAST), dtype=np.float64)

    def write(self, folder: Path) -> None:
        """Write the model folder, which the caller has locked.

        Raises:
            OutputError: It cannot be written.
        """
        self.files.write(folder)


def model_of_files(files: ModelFiles) -> TrainedModel:
    """Return the model of a model folder."""
    return FeatureModel.of_files(files) or NetworkModel(files)
