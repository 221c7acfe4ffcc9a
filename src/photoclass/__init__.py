"""photoclass: folders of labelled photos in, an image classifier that its owner can trust out.

>>> import photoclass
>>> result = photoclass.train("photos", "run")             # doctest: +SKIP
>>> predictions = photoclass.predict(["new.jpg"], "run")   # doctest: +SKIP

The names in `__all__` are the public interface; modules may move, these stay. Each is loaded when it is first used, so
importing photoclass is nearly free, and only the recipes `finetune`, `resnet` and `small-cnn` need torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from photoclass.errors import (
    ArchiveError,
    DataError,
    Interrupted,
    MissingPackageError,
    ModelError,
    OutputError,
    PhotoclassError,
    SettingsError,
    TrainingError,
)

if TYPE_CHECKING:
    from photoclass.checks.check import check
    from photoclass.checks.croissant import write_croissant
    from photoclass.checks.description import describe_findings
    from photoclass.checks.findings import Findings
    from photoclass.checks.page import write_page as write_check_page
    from photoclass.estimator.classifier import PhotoClassifier
    from photoclass.estimator.features import PhotoFeatures
    from photoclass.estimator.near_duplicates import near_duplicate_groups
    from photoclass.hub.access import HubAccess
    from photoclass.hub.download_model import download_model
    from photoclass.hub.push import Pushed, push
    from photoclass.metrics.conformal import ConformalThresholds, MeasuredSets, conformal_thresholds, measure_sets
    from photoclass.metrics.intervals import Interval
    from photoclass.metrics.labelled import LabelledProbabilities
    from photoclass.model.builtin import builtin_model
    from photoclass.model.folder import ModelInfo, load_info
    from photoclass.model.runtime import Runtime
    from photoclass.photos.cache.cache import cache
    from photoclass.photos.convert.convert import Conversion, convert
    from photoclass.photos.decode import Unreadable
    from photoclass.photos.fixes import Fix, write_fixes
    from photoclass.photos.sources.options import ReadOptions
    from photoclass.photos.split import SplitFractions
    from photoclass.progress import Progress
    from photoclass.results.diagram.draw import draw_network
    from photoclass.results.diagram.layers import Layer, describe_network
    from photoclass.results.explain.explain import Explanation, explain, explain_photos
    from photoclass.results.explain.saliency import SaliencyModel
    from photoclass.results.pictures.gallery import gallery
    from photoclass.results.predict import predict
    from photoclass.results.prediction_files.csv_file import read_predictions
    from photoclass.results.prediction_files.write import write_predictions
    from photoclass.results.predictions import Predictions
    from photoclass.results.report.report import report
    from photoclass.results.scores.compare import Comparison, compare
    from photoclass.results.scores.coverage import coverage_table
    from photoclass.results.scores.evaluate import evaluate
    from photoclass.results.scores.evaluation import Evaluation
    from photoclass.results.scores.prediction_sets import PredictionSets
    from photoclass.results.scores.score import Score, score_predictions
    from photoclass.results.scores.thresholds import Costs, cheapest_threshold
    from photoclass.results.submit.sample import SampleOptions
    from photoclass.results.submit.submit import submit
    from photoclass.schemas.load import schema
    from photoclass.training.finish import TrainResult
    from photoclass.training.run import TrainOptions
    from photoclass.training.run_settings import RunSettings, run_settings
    from photoclass.training.train import train
    from photoclass.walkthrough.demo import demo
    from photoclass.workspace import Workspace

# Where each public name is defined: a module, or `module:name` where it has another name there.
_HOMES = {
    "demo": "photoclass.walkthrough.demo",
    "check": "photoclass.checks.check",
    "Findings": "photoclass.checks.findings",
    "describe_findings": "photoclass.checks.description",
    "write_check_page": "photoclass.checks.page:write_page",
    "write_croissant": "photoclass.checks.croissant",
    "convert": "photoclass.photos.convert.convert",
    "Conversion": "photoclass.photos.convert.convert",
    "Fix": "photoclass.photos.fixes",
    "ReadOptions": "photoclass.photos.sources.options",
    "SplitFractions": "photoclass.photos.split",
    "write_fixes": "photoclass.photos.fixes",
    "train": "photoclass.training.train",
    "TrainOptions": "photoclass.training.run",
    "TrainResult": "photoclass.training.finish",
    "run_settings": "photoclass.training.run_settings",
    "RunSettings": "photoclass.training.run_settings",
    "PhotoClassifier": "photoclass.estimator.classifier",
    "PhotoFeatures": "photoclass.estimator.features",
    "near_duplicate_groups": "photoclass.estimator.near_duplicates",
    "evaluate": "photoclass.results.scores.evaluate",
    "Evaluation": "photoclass.results.scores.evaluation",
    "compare": "photoclass.results.scores.compare",
    "Comparison": "photoclass.results.scores.compare",
    "score_predictions": "photoclass.results.scores.score",
    "Score": "photoclass.results.scores.score",
    "LabelledProbabilities": "photoclass.metrics.labelled",
    "Interval": "photoclass.metrics.intervals",
    "Costs": "photoclass.results.scores.thresholds",
    "cheapest_threshold": "photoclass.results.scores.thresholds",
    "coverage_table": "photoclass.results.scores.coverage",
    "conformal_thresholds": "photoclass.metrics.conformal",
    "ConformalThresholds": "photoclass.metrics.conformal",
    "measure_sets": "photoclass.metrics.conformal",
    "MeasuredSets": "photoclass.metrics.conformal",
    "PredictionSets": "photoclass.results.scores.prediction_sets",
    "predict": "photoclass.results.predict",
    "Predictions": "photoclass.results.predictions",
    "write_predictions": "photoclass.results.prediction_files.write",
    "read_predictions": "photoclass.results.prediction_files.csv_file",
    "submit": "photoclass.results.submit.submit",
    "SampleOptions": "photoclass.results.submit.sample",
    "gallery": "photoclass.results.pictures.gallery",
    "explain": "photoclass.results.explain.explain",
    "explain_photos": "photoclass.results.explain.explain",
    "Explanation": "photoclass.results.explain.explain",
    "SaliencyModel": "photoclass.results.explain.saliency",
    "report": "photoclass.results.report.report",
    "describe_network": "photoclass.results.diagram.layers",
    "Layer": "photoclass.results.diagram.layers",
    "draw_network": "photoclass.results.diagram.draw",
    "push": "photoclass.hub.push",
    "Pushed": "photoclass.hub.push",
    "download_model": "photoclass.hub.download_model",
    "HubAccess": "photoclass.hub.access",
    "builtin_model": "photoclass.model.builtin",
    "load_info": "photoclass.model.folder",
    "ModelInfo": "photoclass.model.folder",
    "Runtime": "photoclass.model.runtime",
    "Unreadable": "photoclass.photos.decode",
    "cache": "photoclass.photos.cache.cache",
    "schema": "photoclass.schemas.load",
    "Workspace": "photoclass.workspace",
    "Progress": "photoclass.progress",
}

__all__ = [
    "demo",
    "check",
    "Findings",
    "describe_findings",
    "write_check_page",
    "write_croissant",
    "convert",
    "Conversion",
    "Fix",
    "ReadOptions",
    "SplitFractions",
    "write_fixes",
    "train",
    "TrainOptions",
    "TrainResult",
    "run_settings",
    "RunSettings",
    "PhotoClassifier",
    "PhotoFeatures",
    "near_duplicate_groups",
    "evaluate",
    "Evaluation",
    "compare",
    "Comparison",
    "score_predictions",
    "Score",
    "LabelledProbabilities",
    "Interval",
    "Costs",
    "cheapest_threshold",
    "coverage_table",
    "conformal_thresholds",
    "ConformalThresholds",
    "measure_sets",
    "MeasuredSets",
    "PredictionSets",
    "predict",
    "Predictions",
    "write_predictions",
    "read_predictions",
    "submit",
    "SampleOptions",
    "gallery",
    "explain",
    "explain_photos",
    "Explanation",
    "SaliencyModel",
    "report",
    "describe_network",
    "Layer",
    "draw_network",
    "push",
    "Pushed",
    "download_model",
    "HubAccess",
    "builtin_model",
    "load_info",
    "ModelInfo",
    "Runtime",
    "Unreadable",
    "cache",
    "schema",
    "Workspace",
    "Progress",
    "PhotoclassError",
    "DataError",
    "ArchiveError",
    "SettingsError",
    "ModelError",
    "TrainingError",
    "OutputError",
    "MissingPackageError",
    "Interrupted",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'photoclass' has no attribute {name!r}")
    module, _, name_there = _HOMES[name].partition(":")
    return getattr(import_module(module), name_there or name)


def __dir__() -> list[str]:
    return sorted(__all__)
