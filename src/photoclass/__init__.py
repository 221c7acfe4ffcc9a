"""photoclass: folders of labelled photos in, an image classifier that its owner can trust out.

>>> import photoclass
>>> trained = photoclass.train("photos", "run")            # doctest: +SKIP
>>> predictions = photoclass.predict(["new.jpg"], "run")   # doctest: +SKIP

The names below are loaded when they are first used: importing photoclass costs next to nothing, and no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from photoclass.errors import (
    ArchiveError,
    DataError,
    Interrupted,
    ModelError,
    OutputError,
    PhotoclassError,
    SettingsError,
    TrainingError,
)

if TYPE_CHECKING:
    from photoclass.checks.check import check
    from photoclass.model.runtime import Runtime
    from photoclass.photos.cache.cache import cache
    from photoclass.results.explain.explain import explain
    from photoclass.results.pictures.gallery import gallery
    from photoclass.results.predict import predict, read_predictions, write_predictions
    from photoclass.results.report.report import report
    from photoclass.results.scores.compare import compare
    from photoclass.results.scores.evaluate import evaluate
    from photoclass.results.submit import submit
    from photoclass.training.run import TrainOptions
    from photoclass.training.train import train
    from photoclass.walkthrough.demo import demo

_HOMES = {
    "check": "photoclass.checks.check",
    "train": "photoclass.training.train",
    "TrainOptions": "photoclass.training.run",
    "evaluate": "photoclass.results.scores.evaluate",
    "compare": "photoclass.results.scores.compare",
    "predict": "photoclass.results.predict",
    "write_predictions": "photoclass.results.predict",
    "read_predictions": "photoclass.results.predict",
    "submit": "photoclass.results.submit",
    "gallery": "photoclass.results.pictures.gallery",
    "explain": "photoclass.results.explain.explain",
    "report": "photoclass.results.report.report",
    "cache": "photoclass.photos.cache.cache",
    "demo": "photoclass.walkthrough.demo",
    "Runtime": "photoclass.model.runtime",
}

__all__ = [
    "check",
    "train",
    "TrainOptions",
    "evaluate",
    "compare",
    "predict",
    "write_predictions",
    "read_predictions",
    "submit",
    "gallery",
    "explain",
    "report",
    "cache",
    "demo",
    "Runtime",
    "PhotoclassError",
    "DataError",
    "ArchiveError",
    "SettingsError",
    "ModelError",
    "TrainingError",
    "OutputError",
    "Interrupted",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'photoclass' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
