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
from photoclass.errors import Interrupted, PhotoclassError
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.metrics.optimism import Optimism
from photoclass.model.card import write_card
from photoclass.model.folder import (
    ModelInfo,
    load_info,
    save_fingerprints,
    save_model,
    save_photos,
    save_predictions,
)
from photoclass.model.novelty import NoveltyDetector, save_novelty
from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.photos.fixes import Fix, write_fixes
from photoclass.photos.table import HELD_OUT, SPLITS, TRAIN, VALID, SkippedPhoto, count_by_class
from photoclass.progress import Progress
from photoclass.results.report.report import Report, report_of_training
from photoclass.results.scores.score import Score, score_predictions
from photoclass.training.frozen.features import FeaturedPhotos
from photoclass.training.recipes.recipes import Recipe, find_recipe
from photoclass.training.recipes.settings import named_settings
from photoclass.training.run import Run
from photoclass.training.stopping import EpochRow

LABEL_ERRORS_FILE = "label_errors.csv"


@dataclass(frozen=True)
class TrainResult:
    """What came of a training.

    Attributes:
        folder: The model folder.
        info: What its model.json says.
        scores: Of the validation split and, where there is one, of the held-out split.
        history: The epochs.
        photos: What it was trained, chosen and scored on.
        report: Its report, if one was written.
    """

    folder: Path
    info: ModelInfo
    scores: tuple[Score, ...]
    history: tuple[EpochRow, ...]
    photos: CachedPhotos | FeaturedPhotos
    report: Report | None = None

    @property
    def skipped(self) -> tuple[SkippedPhoto, ...]:
        """Photos that could not be read."""
        return self.photos.table.skipped


@dataclass(frozen=True)
class Outcome:
    """What a recipe hands over.

    Attributes:
        info: What is known of the model.
        onnx: The network, from pixels to probabilities.
        predicted: Its probabilities, shape (N, C), for the photos of the splits that are scored.
        difference: By how much the file differs from what was trained, on real photos.
        flatters: What the validation photos chose, and by how much their score flatters; None if they chose nothing.
        seen: What tells how far a photo lies from the training photos.
        history: The epochs, where there are any.
        doubtful: Training photos whose label is surely wrong, as fixes that a person may take over.
    """

    info: ModelInfo
    onnx: bytes
    predicted: dict[int, NDArray[np.float32]]
    difference: dict[str, float]
    optimism: Optimism | None
    seen: NoveltyDetector
    history: tuple[EpochRow, ...] = ()
    label_errors: tuple[Fix, ...] = ()


def finish(run: Run[Any, Any], outcome: Outcome) -> TrainResult:
    """Score what was trained and write the model folder.

    Raises:
        OutputError: The folder cannot be written.
    """
    table = run.photos.table
    scores, metrics = [], {}
    for split in (VALID, HELD_OUT):
        rows = table.splits == split
        part = table.select(rows)
        if len(part):
            probabilities = outcome.predicted[split]
            optimism = outcome.optimism if split == VALID else None
            predicted = LabelledProbabilities(probabilities, part.labels, run.class_names, run.duplicates[rows])
            score = score_predictions(predicted, SPLITS[split], optimism is not None, optimism)
            scores.append(score)
            metrics[SPLITS[split]] = score.as_json()
            save_predictions(run.out, SPLITS[split], part, probabilities)
    info = outcome.info
    trained = {**info.trained, **outcome.difference, "valid_chose_model": outcome.optimism is not None}
    info = dataclasses.replace(info, metrics=metrics, trained=trained)
    save_photos(run.out, run.photos.contents, table)
    save_fingerprints(run.out, run.part(TRAIN).fingerprints)
    save_novelty(run.out, outcome.seen, outcome.onnx)
    _write_skipped(run.out / "skipped.csv", table.skipped)
    if outcome.label_errors:
        write_fixes(run.out / LABEL_ERRORS_FILE, outcome.label_errors)
    write_card(run.out, info)
    save_model(run.out, info, outcome.onnx)
    run.request.records.end(run.about(), outcome.history, info, run.out)
    return TrainResult(run.out, load_info(run.out), tuple(scores), outcome.history, run.photos)


def with_report(trained: TrainResult, progress: Progress) -> TrainResult:
    """Write the report of what was trained; a model is none the worse for a report that cannot be written."""
    table = trained.photos.table
    try:
        report = report_of_training(trained.folder, dict(zip(table.names, table.paths, strict=True)), progress)
    except Interrupted:
        raise
    except PhotoclassError as error:
        progress.say(f"no report, though the model is saved: {error}")
        return trained
    return dataclasses.replace(trained, report=report)


def describe(run: Run[Any, Any], trained: dict[str, Any]) -> ModelInfo:
    """Return what is known of a model before it is scored; `trained` says how the training went."""
    table, fixes = run.photos.table, run.request.options.fixes
    sizes = np.unique(run.duplicates, return_counts=True)[1]
    parts_of_groups = np.unique(np.stack([run.duplicates, table.splits.astype(np.int64)]), axis=1)
    origin = {
        "data": str(run.request.data.absolute()),
        "fixes": str(fixes.absolute()) if fixes else None,
        "set": _settings_of_its_own(run.recipe),
        "photos_with_duplicates": int(sizes[sizes > 1].sum()),
        "duplicates_across_splits": parts_of_groups.shape[1] - len(sizes),
    }
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
        trained={"on": datetime.now(UTC).isoformat(timespec="seconds"), **origin, **trained},
    )


def _settings_of_its_own(recipe: Recipe) -> dict[str, str]:
    """Return the settings in which a run differs from its recipe, as words that `--set` takes."""
    usual = dict(named_settings(find_recipe(recipe.name)))
    own = {name: value for name, value in named_settings(recipe) if value != usual[name]}
    return {name: ",".join(map(str, v)) if isinstance(v, tuple) else str(v) for name, v in own.items()}


def _write_skipped(path: Path, skipped: tuple[SkippedPhoto, ...]) -> None:
    if not skipped:
        path.unlink(missing_ok=True)
        return
    with atomic_text(path) as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "reason"])
        writer.writerows([item.name, item.reason] for item in skipped)
