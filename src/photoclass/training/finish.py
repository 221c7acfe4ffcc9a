"""What every training ends with: its model scored and written as a model folder."""

import csv
import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.atomic import atomic_text
from photoclass.model.card import write_card
from photoclass.model.folder import (
    ModelInfo,
    load_info,
    save_fingerprints,
    save_model,
    save_photos,
    save_valid_predictions,
)
from photoclass.model.seen import Seen, save_seen
from photoclass.photos.cache import CachedPhotos
from photoclass.photos.fixes import Fix, write_fixes
from photoclass.photos.table import HELD_OUT, SPLITS, TRAIN, VALID, SetAside, count_by_class
from photoclass.results.score import Score, score_predictions
from photoclass.training.features import FeaturedPhotos
from photoclass.training.run import Run
from photoclass.training.stopping import EpochRow

DOUBTFUL_FILE = "doubtful_labels.csv"


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Attributes:
        folder: The model folder.
        info: What its model.json says.
        scores: Of the validation split and, where there is one, of the held-out split.
        history: The epochs.
        photos: What it was trained, chosen and scored on.
    """

    folder: Path
    info: ModelInfo
    scores: tuple[Score, ...]
    history: tuple[EpochRow, ...]
    photos: CachedPhotos | FeaturedPhotos

    @property
    def set_aside(self) -> tuple[SetAside, ...]:
        """Photos that could not be read."""
        return self.photos.table.set_aside


@dataclass(frozen=True)
class Outcome:
    """What a recipe hands over.

    Attributes:
        info: What is known of the model.
        onnx: The network, from pixels to probabilities.
        predicted: Its probabilities, shape (N, C), for the photos of the splits that are scored.
        difference: By how much the file differs from what was trained, on real photos.
        seen: What tells how far a photo lies from the training photos.
        valid_chose: Whether the validation split chose anything.
        history: The epochs, where there are any.
        doubtful: Training photos whose label is surely wrong, as fixes that a person may take over.
    """

    info: ModelInfo
    onnx: bytes
    predicted: dict[int, NDArray[np.float32]]
    difference: dict[str, float]
    seen: Seen
    valid_chose: bool = True
    history: tuple[EpochRow, ...] = ()
    doubtful: tuple[Fix, ...] = ()


def finish(run: Run[Any, Any], outcome: Outcome) -> Trained:
    """Score what was trained and write the model folder.

    Raises:
        OutputError: The folder cannot be written.
    """
    table = run.photos.table
    scores, metrics = [], {}
    for split in (VALID, HELD_OUT):
        part = table.select(table.splits == split)
        if len(part):
            probabilities = outcome.predicted[split]
            chose = outcome.valid_chose and split == VALID
            score = score_predictions(probabilities, part.labels, run.class_names, SPLITS[split], chose)
            scores.append(score)
            metrics[SPLITS[split]] = score.as_json()
            if split == VALID:
                save_valid_predictions(run.out, part, probabilities)
    info = outcome.info
    trained = {**info.trained, **outcome.difference, "valid_chose_model": outcome.valid_chose}
    info = dataclasses.replace(info, metrics=metrics, trained=trained)
    save_photos(run.out, run.photos.contents, table)
    save_fingerprints(run.out, run.part(TRAIN).fingerprints)
    save_seen(run.out, outcome.seen, outcome.onnx)
    _write_set_aside(run.out / "set_aside.csv", table.set_aside)
    if outcome.doubtful:
        write_fixes(run.out / DOUBTFUL_FILE, outcome.doubtful)
    write_card(run.out, info)
    save_model(run.out, info, outcome.onnx)
    return Trained(run.out, load_info(run.out), tuple(scores), outcome.history, run.photos)


def describe(run: Run[Any, Any], trained: dict[str, Any]) -> ModelInfo:
    """Return what is known of a model before it is scored; `trained` says how the training went."""
    table = run.photos.table
    trained_labels = table.labels[table.splits == TRAIN]
    rates = np.bincount(trained_labels, minlength=len(run.class_names)) / len(trained_labels)
    return ModelInfo(
        class_names=run.class_names,
        image_size=run.recipe.image_size,
        resize=run.recipe.resize,
        recipe=run.recipe.name,
        settings=dataclasses.asdict(run.recipe),
        seed=run.seed,
        base_rates=tuple(float(rate) for rate in rates),
        photos={
            name: count_by_class(table.labels[table.splits == i], run.class_names) for i, name in enumerate(SPLITS)
        },
        data_fingerprint=run.identity()["data"],
        photoclass_version=metadata.version("photoclass"),
        trained={"on": datetime.now(UTC).isoformat(timespec="seconds"), **trained},
    )


def _write_set_aside(path: Path, set_aside: tuple[SetAside, ...]) -> None:
    if not set_aside:
        path.unlink(missing_ok=True)
        return
    with atomic_text(path) as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "reason"])
        writer.writerows([item.name, item.reason] for item in set_aside)
