"""What the tests of the training share: drawn photos and runs that are trained once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from photoclass.networks.scaling import UNIT_PIXELS
from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.photos.table import TRAIN, VALID
from photoclass.training.compute import Compute
from photoclass.training.finish import TrainResult
from photoclass.training.loop.examples import PhotoExamples
from photoclass.training.loop.loop import LoopJob
from tiny_runs import Tiny, tiny_recipe


@pytest.fixture(scope="session")
def tiny(few_drawn_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return Tiny(few_drawn_photos, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def tiny_photos(tiny: Tiny) -> CachedPhotos:
    return tiny.photos()


@pytest.fixture(scope="session")
def make_job(tiny_photos: CachedPhotos) -> Callable[..., LoopJob]:
    splits = tiny_photos.table.splits
    train_part, valid_part = (tiny_photos.select(splits == split) for split in (TRAIN, VALID))

    def make(precision: str = "fp32", seed: int = 0, finish_seconds: float = 0.0, **changes: Any) -> LoopJob:
        recipe = tiny_recipe(**changes)
        compute = Compute("cpu", precision, "for the test")
        train, valid = (PhotoExamples(part, recipe.augment) for part in (train_part, valid_part))
        rows = np.arange(len(valid))
        return LoopJob(train, valid, recipe.loop, UNIT_PIXELS, compute, seed, rows, finish_seconds)

    return make


@pytest.fixture(scope="session")
def whole_run(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], TrainResult]:
    """Train once from start to end in a precision; the run is shared and must not be changed."""
    done: dict[str, TrainResult] = {}

    def whole(precision: str = "fp32") -> TrainResult:
        if precision not in done:
            out = tmp_path_factory.mktemp("whole") / precision
            done[precision] = tiny.train(out, precision=precision)
        return done[precision]

    return whole
