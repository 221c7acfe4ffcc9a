"""The last step of every recipe: the model is scored and written as a model folder."""

import dataclasses
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import Interrupted, PhotoclassError
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.metrics.optimism import Optimism
from photoclass.model.card import write_card
from photoclass.model.folder import (
    Epoch,
    GroupingSummary,
    MixedGroups,
    ModelInfo,
    StoredScore,
    TrainingSummary,
    load_info,
    save_fingerprints,
    save_label_errors,
    save_model,
    save_novelty,
    save_photos,
    save_predictions,
    save_skipped,
)
from photoclass.model.novelty import NoveltyDetector
from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.photos.fixes import Fix
from photoclass.photos.split import USUAL_FRACTIONS
from photoclass.photos.table import (
    HELD_OUT,
    SPLITS,
    TRAIN,
    VALID,
    PassedOver,
    SkippedPhoto,
    count_by_class,
    unused_as_json,
)
from photoclass.progress import Progress
from photoclass.results.report.report import Report, report_of_training
from photoclass.results.scores.score import Score, score_predictions
from photoclass.training.frozen.features import FeaturedPhotos
from photoclass.training.notebook import trained_html
from photoclass.training.recipes.settings import changed_settings
from photoclass.training.run import Run

SCHEMA = "photoclass/train/1"


@dataclass(frozen=True)
class TrainResult:
    """A trained model and its scores.

    Attributes:
        folder: The model folder.
        info: The contents of its model.json.
        scores: On the validation split and, where there is one, on the held-out split.
        history: The epochs.
        photos: The photos that it was trained and scored on.
        report: Its report, if one was written.
    """

    folder: Path
    info: ModelInfo
    scores: tuple[Score, ...]
    history: tuple[Epoch, ...]
    photos: CachedPhotos | FeaturedPhotos
    report: Report | None = None

    def _repr_html_(self) -> str:
        table = self.photos.table
        return trained_html(self.folder, self.info, self.scores[-1], dict(zip(table.names, table.paths, strict=True)))

    @property
    def passed_over(self) -> tuple[PassedOver, ...]:
        """Files in DATA that are plainly no photos."""
        return self.photos.table.passed_over

    @property
    def skipped(self) -> tuple[SkippedPhoto, ...]:
        """Files that could not be read as photos."""
        return self.photos.table.skipped

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names; model.json in the folder has everything else."""
        training = self.info.training
        return {
            "schema": SCHEMA,
            "model": str(self.folder),
            "recipe": self.info.recipe,
            "class_names": list(self.info.class_names),
            "photos": self.info.photos,
            "seconds": training.seconds,
            "stop_reason": training.stop_reason,
            "device": training.device,
            "precision": training.precision,
            "best_epoch": training.loop.best_epoch if training.loop else None,
            "scores": {score.split: score.as_json() for score in self.scores},
            "history": [epoch.as_json() for epoch in self.history],
            "report": str(self.report.path) if self.report else None,
            **unused_as_json(self.skipped, self.passed_over),
            "notes": list(self.photos.table.notes),
        }


@dataclass(frozen=True)
class Outcome:
    """A trained model before it is scored: what a learner hands over.

    Attributes:
        info: What is known of the model.
        onnx: The network, from pixels to probabilities.
        predicted: Its probabilities, shape (N, C), for the photos of each split that is scored.
        difference: By how much the exported file differs from the trained network, on real photos.
        optimism: The optimism of the validation score, where the validation photos selected the model.
        novelty: Tells how far a photo lies from the training data.
        history: The epochs, where there are any.
        label_errors: Training photos with a likely label error, as fixes to review.
    """

    info: ModelInfo
    onnx: bytes
    predicted: dict[int, NDArray[np.float32]]
    difference: dict[str, float]
    optimism: Optimism | None
    novelty: NoveltyDetector
    history: tuple[Epoch, ...] = ()
    label_errors: tuple[Fix, ...] = ()


def finish(run: Run, outcome: Outcome) -> TrainResult:
    """Score the trained model and write its folder.

    Raises:
        OutputError: The folder cannot be written.
    """
    table, out = run.photos.table, run.request.out
    scores, metrics = [], {}
    for split in (VALID, HELD_OUT):
        rows = table.splits == split
        part = table.select(rows)
        if len(part):
            probabilities = outcome.predicted[split]
            optimism = outcome.optimism if split == VALID else None
            predicted = LabelledProbabilities(
                probabilities, part.labels, run.class_names, run.groups[rows], run.request.options.reading.group_by
            )
            score = score_predictions(predicted, SPLITS[split], optimism is not None, optimism)
            scores.append(score)
            metrics[SPLITS[split]] = StoredScore.from_json(score.as_json(), SPLITS[split])
            save_predictions(out, SPLITS[split], part, probabilities, run.groups[rows])
    training = dataclasses.replace(
        outcome.info.training,
        onnx_difference=outcome.difference,
        valid_selected_model=outcome.optimism is not None,
    )
    info = dataclasses.replace(outcome.info, metrics=metrics, training=training)
    save_photos(out, run.photos.contents, table)
    save_fingerprints(out, run.part(TRAIN).fingerprints)
    save_novelty(out, outcome.novelty, outcome.onnx)
    save_skipped(out, table.skipped)
    save_label_errors(out, outcome.label_errors)
    write_card(out, info)
    save_model(out, info, outcome.onnx)
    run.request.records.end(run.parameters(), outcome.history, info, out)
    return TrainResult(out, load_info(out), tuple(scores), outcome.history, run.photos)


def with_report(trained: TrainResult, progress: Progress) -> TrainResult:
    """Write the report; if it cannot be written, say so and keep the model, which is saved already."""
    table = trained.photos.table
    try:
        report = report_of_training(trained.folder, dict(zip(table.names, table.paths, strict=True)), progress)
    except Interrupted:
        raise
    except PhotoclassError as error:
        progress.say(f"no report, though the model is saved: {error}")
        return trained
    return dataclasses.replace(trained, report=report)


def model_info(run: Run, training: TrainingSummary, mixed: MixedGroups | None = None) -> ModelInfo:
    """Return what is known of a model before it is scored.

    Args:
        run: The run.
        training: How the training went; what is known from the run itself is added here.
        mixed: What the score would be if the user's groups were mixed, where the recipe measures it.
    """
    table, options, settings = run.photos.table, run.request.options, run.settings
    sizes = np.unique(run.duplicates, return_counts=True)[1]
    parts_of_groups = np.unique(np.stack([run.duplicates, table.splits.astype(np.int64)]), axis=1)
    training = dataclasses.replace(
        training,
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        data=run.request.data.absolute() if run.request.table is None else None,
        fixes=str(Path(options.fixes).absolute()) if options.fixes else None,
        reading=options.reading,
        split=str(run.request.fractions) if run.request.fractions != USUAL_FRACTIONS else None,
        grouping=_grouping(run, mixed),
        changed_settings=changed_settings(settings),
        photos_with_duplicates=int(sizes[sizes > 1].sum()),
        duplicates_across_splits=parts_of_groups.shape[1] - len(sizes),
    )
    trained_labels = table.labels[table.splits == TRAIN]
    rates = np.bincount(trained_labels, minlength=len(run.class_names)) / len(trained_labels)
    return ModelInfo(
        class_names=run.class_names,
        image_size=settings.image_size,
        resize=settings.resize,
        grey_bits=run.photos.settings.rules.grey_bits,
        resampling=run.photos.settings.resampling,
        recipe=run.request.recipe,
        settings=dataclasses.asdict(settings),
        seed=run.request.seed,
        base_rates=tuple(float(rate) for rate in rates),
        photos={
            name: count_by_class(table.labels[table.splits == i], run.class_names) for i, name in enumerate(SPLITS)
        },
        data_fingerprint=run.identity()["data"],
        photoclass_version=metadata.version("photoclass"),
        training=training,
    )


def _grouping(run: Run, mixed: MixedGroups | None) -> GroupingSummary | None:
    """Count the user's groups; None without any."""
    table = run.photos.table
    if not table.groups:
        return None
    splits_of: dict[str, set[int]] = {}
    for group, split in zip(table.groups, table.splits.tolist(), strict=True):
        splits_of.setdefault(group, set()).add(split)
    return GroupingSummary(
        group_by=run.request.options.reading.group_by,
        groups=len(splits_of),
        largest=max(Counter(table.groups).values()),
        across_splits=sum(len(splits) > 1 for splits in splits_of.values()),
        mixed=mixed,
    )
