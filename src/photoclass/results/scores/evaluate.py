"""`evaluate`: score a model on labelled photos that neither trained nor selected it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import DataError
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.model.folder import load_fingerprints, load_info, load_novelty, load_photo_splits
from photoclass.model.novelty import NoveltyDetector
from photoclass.model.runtime import Runtime, predict_with_distances
from photoclass.paths import AnyPath
from photoclass.photos.cache.details import PhotoDetails
from photoclass.photos.cache.photo_set import hash_contents
from photoclass.photos.cache.pixels import CachedPhotos, cache_photos
from photoclass.photos.cache.store import Rows
from photoclass.photos.data_paths import Data, DataPaths
from photoclass.photos.decode import Pixels
from photoclass.photos.duplicates.fingerprint import doubled, halved
from photoclass.photos.duplicates.near_duplicates import group_near_duplicates
from photoclass.photos.groups import join_groups
from photoclass.photos.sources.options import AS_IT_IS, ReadOptions
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import (
    HELD_OUT,
    NO_SPLIT,
    SPLITS,
    TRAIN,
    VALID,
    PhotoTable,
)
from photoclass.progress import SILENT, Progress
from photoclass.results.scores.class_mapping import map_classes
from photoclass.results.scores.decisions import analyse_decisions
from photoclass.results.scores.evaluation import Evaluation
from photoclass.results.scores.prediction_sets import (
    SetRequest,
    calibrate_sets,
    measure_prediction_sets,
)
from photoclass.results.scores.score import score_predictions
from photoclass.results.scores.thresholds import Costs
from photoclass.workspace import Workspace


def evaluate(
    data: Data,
    model: AnyPath,
    *,
    include_known: bool = False,
    costs: Costs | None = None,
    coverage: float | None = None,
    coverage_by: str | None = None,
    fixes: AnyPath | None = None,
    reading: ReadOptions = AS_IT_IS,
    classes: Mapping[str, str] | None = None,
    workspace: Workspace | None = None,
) -> Evaluation:
    """Score a model on DATA: on all of it if it is unsplit, otherwise on its held-out (else validation) part.

    Photos whose content trained the model are left out. If DATA is unsplit, so are those that selected the model:
    `evaluate` on the DATA of the training itself gives the score of its held-out part.

    Args:
        data: Labelled photos: class folders, split folders, flat names (`cat.0.jpg`), a zip or tar of these, or a
            label table (CSV, JSON Lines, Parquet, Arrow). A list of several: the parts of one data set.
        model: A model folder.
        include_known: Score photos that trained or selected the model, too.
        costs: What mistakes cost; with them, the cheapest decision threshold is found.
        coverage: Measure the prediction sets for this coverage; for 0.9, 0.95 and 0.99 when None.
        coverage_by: `all`, or `class` for sets that keep the coverage in each class; `all` when None.
        fixes: A fixes file, whose labels replace DATA's own.
        reading: How DATA is read where its names leave a choice.
        classes: The model's class by DATA's class, where their names do not say it; `cats` and `Cat` are known for
            `cat`.
        workspace: Cache folder, number of workers and progress reports; `Workspace()` when None.

    Raises:
        DataError: DATA cannot be read, has classes that the model does not, or has no photo left to score.
        ModelError: The model folder cannot be used.
        SettingsError: The positive class of `costs` is ambiguous or unknown, or `coverage` is out of range or needs
            more validation photos than the model has.
    """
    model = Path(model)
    workspace, data = workspace or Workspace(), DataPaths.of(data)
    info = load_info(model)
    if costs:
        costs.positive_class(info.class_names)
    request = SetRequest.of(coverage, coverage_by)
    if request is not None:
        calibrate_sets(model, info, request)  # refused before any photo is read
    novelty = load_novelty(model, info.onnx_sha256)
    runtime = Runtime.load(model)
    table = read_data(data, workspace, fixes, reading, to_train=False)
    table = map_classes(table, info.class_names, str(data), classes)
    for note in table.notes:
        workspace.say(note)
    part = part_to_score(table)
    photos = cache_photos(table.select(part), info.decode_settings(), workspace)
    known = known_splits(photos, model)
    is_split = bool((table.splits != NO_SPLIT).any())
    trained, validated = known == TRAIN, known == VALID
    valid_selected = info.training.valid_selected_model
    left_out = np.zeros(len(photos), dtype=np.bool_)
    if not include_known:
        left_out = trained if is_split else trained | validated
    scored = photos.select(~left_out)
    if not len(scored):
        skipped = photos.table.skipped
        unread = f"; {len(skipped):,} cannot be read, {skipped[0].name}: {skipped[0].reason}" if skipped else ""
        raise DataError(
            f"{data}: no readable photo is left to score ({int(left_out.sum()):,} trained or selected the model"
            f"{unread}); give other photos, or --include-known"
        )
    probabilities, distances = _predict(runtime, scored, novelty, workspace.progress)
    groups = join_groups(
        group_near_duplicates(scored.fingerprints, workspace.progress, PhotoDetails.of(scored)), scored.table.groups
    )
    labels, by = scored.table.labels, reading.group_by
    predicted = LabelledProbabilities(probabilities, labels, info.class_names, groups, by)
    split = name_of_split(known[~left_out], scored.table.splits)
    selected_model = bool((trained | (validated & valid_selected))[~left_out].any())
    stored = info.metrics.get(SPLITS[VALID])
    optimism = stored.optimism if stored and valid_selected and validated[~left_out].all() else None
    leaked = duplicates_of_training(scored, known[~left_out], model, workspace.progress)
    if info.training.grouping and not by:
        given = f"the model was trained with --group-by {info.training.grouping.group_by}"
        workspace.say(f"{given}: without it here, intervals take the photos of a group as independent")
    of_trained_groups = None
    if by:
        names = trained_groups(table, model, workspace.progress)
        of_trained_groups = np.array([name in names for name in scored.table.groups]) & (known[~left_out] != TRAIN)
    both = np.zeros(len(scored), dtype=np.bool_)
    for mask in (leaked, of_trained_groups):
        both |= False if mask is None else mask
    without_leaked = None
    if both.any() and not both.all():
        without_leaked = score_predictions(predicted.select(~both), split, selected_model, optimism)
    return Evaluation(
        score_predictions(predicted, split, selected_model, optimism),
        left_out_trained=int((trained & left_out).sum()),
        left_out_selected_model=int((validated & left_out).sum()),
        skipped=photos.table.skipped,
        decisions=analyse_decisions(predicted, distances, costs),
        sets=measure_prediction_sets(model, info, predicted, (trained | validated)[~left_out], request),
        leaked_duplicates=None if leaked is None else int(leaked.sum()),
        leaked_groups=None if of_trained_groups is None else int(of_trained_groups.sum()),
        without_leaked=without_leaked,
        passed_over=photos.table.passed_over,
        notes=table.notes,
    )


def predict_cached(runtime: Runtime, photos: CachedPhotos, progress: Progress = SILENT) -> NDArray[np.float32]:
    """Compute probabilities, shape (N, C), of photos whose pixels are cached."""
    return _predict(runtime, photos, None, progress)[0]


def _predict(
    runtime: Runtime, photos: CachedPhotos, novelty: NoveltyDetector | None, progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.float64] | None]:
    """Compute probabilities and, with a novelty detector, distances."""
    with progress.task("Predicting", len(photos)) as task:

        def pixels_of() -> Any:
            for i in range(len(photos)):
                task.advance()
                yield photos.pixels[i]

        return predict_with_distances(runtime, pixels_of(), novelty)


def part_to_score(table: PhotoTable) -> NDArray[np.bool_]:
    """Return which photos of DATA are scored: the held-out, else the validation ones, or all if there is no split."""
    for split in (HELD_OUT, VALID):
        if (table.splits == split).any():
            return np.asarray(table.splits == split)
    return np.ones(len(table), dtype=np.bool_)


def known_splits(photos: CachedPhotos, model: Path) -> NDArray[np.int8]:
    """Return the split of the model's training that each photo was in, by content; NO_SPLIT if in none."""
    by_content = load_photo_splits(model)
    number = {name: i for i, name in enumerate(SPLITS)}
    return np.array([number.get(by_content.get(c, ""), NO_SPLIT) for c in photos.contents], dtype=np.int8)


def trained_groups(table: PhotoTable, model: Path, progress: Progress) -> set[str]:
    """Return the user's groups of which photos of DATA trained the model, by content."""
    readable, contents = hash_contents(table, progress)
    split_of = load_photo_splits(model)
    return {
        group
        for group, content in zip(readable.groups, contents, strict=True)
        if split_of.get(content) == SPLITS[TRAIN]
    }


@dataclass(frozen=True)
class _TrainedAndScored:
    """Fingerprints of training photos, then of scored ones, both at the resolution that the model folder stores."""

    trained: Pixels
    scored: Rows

    def __len__(self) -> int:
        return len(self.trained) + len(self.scored)

    def take(self, indices: NDArray[np.int64]) -> Pixels:
        """Return these, scaled up to 32x32 cells."""
        is_trained = indices < len(self.trained)
        halves = np.empty((len(indices), *self.trained.shape[1:]), dtype=np.uint8)
        halves[is_trained] = self.trained[indices[is_trained]]
        halves[~is_trained] = halved(self.scored.take(indices[~is_trained] - len(self.trained)))
        return doubled(halves)


def duplicates_of_training(
    photos: CachedPhotos, known: NDArray[np.int8], model: Path, progress: Progress
) -> NDArray[np.bool_] | None:
    """Return which photos, other than training photos themselves, are near-duplicates of a training photo.

    Returns:
        Shape (N,); None if the model folder has no fingerprints of the training photos.
    """
    trained = load_fingerprints(model)
    if trained is None:
        return None
    groups = group_near_duplicates(_TrainedAndScored(trained, photos.fingerprints), progress)
    return np.asarray(np.isin(groups[len(trained) :], groups[: len(trained)]) & (known != TRAIN))


def name_of_split(known: NDArray[np.int8], given: NDArray[np.int8]) -> str:
    """Name the scored photos by the split of the training if all were in one, otherwise by DATA's split, or `all`."""
    for splits in (known, given):
        first = int(splits[0])
        if first != NO_SPLIT and (splits == first).all():
            return SPLITS[first]
    return "all"
