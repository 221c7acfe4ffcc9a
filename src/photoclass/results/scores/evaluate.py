"""`evaluate`: an honest score of a model on labelled photos."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import DataError
from photoclass.model.folder import ModelInfo, load_fingerprints, load_info, load_photo_splits
from photoclass.model.novelty import NoveltyDetector, load_novelty, predict_and_measure
from photoclass.model.runtime import Runtime
from photoclass.photos.cache.pixels import CachedPhotos, cache_photos
from photoclass.photos.cache.store import Rows
from photoclass.photos.decode import Pixels
from photoclass.photos.duplicates.fingerprint import doubled, halved
from photoclass.photos.duplicates.near_duplicates import group_near_duplicates
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import (
    HELD_OUT,
    NO_LABEL,
    NO_SPLIT,
    SPLITS,
    TRAIN,
    VALID,
    PhotoTable,
    SkippedPhoto,
    count_by_class,
)
from photoclass.progress import SILENT, Progress
from photoclass.results.scores.decisions import Decisions, decide
from photoclass.results.scores.optimism import Optimism
from photoclass.results.scores.score import Score, score_predictions
from photoclass.results.scores.thresholds import Costs
from photoclass.workspace import Workspace


@dataclass(frozen=True)
class Evaluation:
    """A score, and which photos it leaves out.

    Attributes:
        score: The figures.
        left_out_trained: Photos left out because their content trained the model.
        left_out_chose_model: Photos left out because their content chose it.
        skipped: Photos that could not be read.
        leaked_duplicates: Scored photos that are near-duplicates of photos that trained the model; None where the model folder
            does not say how those look.
        without_leaked: The score without them; None where there are none, or nothing else.
        decisions: What comes of answering only when sure, and of a threshold by costs.
    """

    score: Score
    left_out_trained: int
    left_out_chose_model: int
    skipped: tuple[SkippedPhoto, ...]
    decisions: Decisions
    leaked_duplicates: int | None = None
    without_leaked: Score | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            **self.score.as_json(),
            **self.decisions.as_json(),
            "left_out_trained": self.left_out_trained,
            "left_out_chose_model": self.left_out_chose_model,
            "leaked_duplicates": self.leaked_duplicates,
            "without_leaked_duplicates": self.without_leaked.as_json() if self.without_leaked else None,
            "skipped": [{"file": item.name, "reason": item.reason} for item in self.skipped],
        }

    def as_text(self) -> str:
        """Return a few lines for a person."""
        lines = [self.score.as_text()]
        if self.left_out_trained or self.left_out_chose_model:
            lines.append(
                f"  left out: {self.left_out_trained:,} photos that trained the model, "
                f"{self.left_out_chose_model:,} that chose it (--include-known scores them too)"
            )
        if self.leaked_duplicates:
            without = self.without_leaked
            rest = (
                f"without them, on {without.n:,}: log loss {without.log_loss.value:.4f}, "
                f"accuracy {without.accuracy.value:.2%}"
                if without
                else "there are no others"
            )
            lines.append(f"  {self.leaked_duplicates:,} are near-duplicates of photos that trained the model; {rest}")
        return "\n".join([*lines, self.decisions.as_text()])


def evaluate(
    data: Path,
    model: Path,
    *,
    include_known: bool = False,
    costs: Costs | None = None,
    fixes: Path | None = None,
    workspace: Workspace | None = None,
) -> Evaluation:
    """Score a model on DATA: all of an unsplit one, the held-out (else valid) part of a split one.

    Photos whose content trained the model are left out, and, of an unsplit DATA, those that chose it as well, so
    that `evaluate` on the very DATA of the training gives the score of its held-out part.

    Args:
        data: Labelled photos in any of the forms of `photos.sources.read.read_data`.
        model: A model folder.
        include_known: Score photos that the model knows, too.
        costs: What mistakes cost; finds the cheapest threshold.
        fixes: A fixes file, whose labels go before DATA's own.
        workspace: The cache folder, the number of workers, and who receives progress reports; the user's cache, all
            processors and nobody when None.

    Raises:
        DataError: DATA cannot be read, has other classes than the model, or nothing in it is left to score.
        ModelError: The model folder cannot be used.
        SettingsError: The positive class of `costs` is not clear.
    """
    workspace = workspace or Workspace()
    info = load_info(model)
    if costs:
        costs.positive_class(info.class_names)
    seen = load_novelty(model, info.onnx_sha256)
    runtime = Runtime.load(model)
    table = map_classes(read_data(data, workspace, fixes, to_train=False), info.class_names, str(data))
    part = part_to_score(table)
    photos = cache_photos(table.select(part), info.decode_settings(), workspace)
    known = known_splits(photos, model)
    split_given = bool((table.splits != NO_SPLIT).any())
    trained, chose = known == TRAIN, known == VALID
    valid_chose = bool(info.trained.get("valid_chose_model", True))
    dropped = np.zeros(len(photos), dtype=np.bool_)
    if not include_known:
        dropped = trained if split_given else trained | chose
    scored = photos.select(~dropped)
    if not len(scored):
        raise DataError(
            f"{data}: no readable photo is left to score ({int(dropped.sum()):,} trained or chose the model); "
            "give other photos, or --include-known"
        )
    probabilities, distances = _predict(runtime, scored, seen, workspace.progress)
    split = name_of_split(known[~dropped], scored.table.splits)
    chose_model = bool((trained | (chose & valid_chose))[~dropped].any())
    optimism = _optimism(info, model) if valid_chose and chose[~dropped].all() else None

    duplicates = group_near_duplicates(scored.fingerprints, workspace.progress)

    def score_of(rows: NDArray[np.bool_]) -> Score:
        labels = scored.table.labels[rows]
        return score_predictions(
            probabilities[rows], labels, info.class_names, split, chose_model, duplicates[rows], optimism
        )

    everything = np.ones(len(scored), dtype=np.bool_)
    leaked = duplicates_of_training(scored, known[~dropped], model, workspace.progress)
    left_out = Counter(known[dropped].tolist())
    return Evaluation(
        score_of(everything),
        left_out[TRAIN],
        left_out[VALID],
        photos.table.skipped,
        decide(probabilities, scored.table.labels, distances, info.class_names, costs, duplicates),
        leaked_duplicates=None if leaked is None else int(leaked.sum()),
        without_leaked=None if leaked is None or leaked.all() or not leaked.any() else score_of(~leaked),
    )


def predict_cached(runtime: Runtime, photos: CachedPhotos, progress: Progress = SILENT) -> NDArray[np.float32]:
    """Compute probabilities, shape (N, C), of photos whose pixels are at hand."""
    return _predict(runtime, photos, None, progress)[0]


def _predict(
    runtime: Runtime, photos: CachedPhotos, seen: NoveltyDetector | None, progress: Progress
) -> tuple[NDArray[np.float32], NDArray[np.float64] | None]:
    """Compute probabilities and, where there is `seen`, distances."""
    with progress.task("Predicting", len(photos)) as task:

        def pixels_of() -> Any:
            for i in range(len(photos)):
                task.advance()
                yield photos.pixels[i]

        return predict_and_measure(runtime, pixels_of(), seen)


def map_classes(table: PhotoTable, class_names: tuple[str, ...], where: str) -> PhotoTable:
    """Give labels the model's order, by class name.

    Raises:
        DataError: Photos are of a class that the model does not know.
    """
    photos = count_by_class(table.labels, table.class_names)
    unknown = [
        f"{name!r} ({count:,} {'photo' if count == 1 else 'photos'})"
        for name, count in photos.items()
        if count and name not in class_names
    ]
    if unknown:
        raise DataError(
            f"{where}: the model does not know the class {', '.join(unknown)}; it knows "
            f"{', '.join(map(repr, class_names))}. Rename the class if it is one of these, leave its photos out with "
            "--fixes (label -), or train a model with it"
        )
    order = np.array(
        [class_names.index(n) if n in class_names else NO_LABEL for n in table.class_names], dtype=np.int64
    )
    return replace(table, labels=order[table.labels], class_names=class_names)


def part_to_score(table: PhotoTable) -> NDArray[np.bool_]:
    """Tell which photos of DATA are scored: the held-out, else the valid ones, or all where there is no split."""
    for split in (HELD_OUT, VALID):
        if (table.splits == split).any():
            return np.asarray(table.splits == split)
    return np.ones(len(table), dtype=np.bool_)


def known_splits(photos: CachedPhotos, model: Path) -> NDArray[np.int8]:
    """Return in which split of the model's training each photo was, by content; NO_SPLIT where it was in none."""
    by_content = load_photo_splits(model)
    number = {name: i for i, name in enumerate(SPLITS)}
    return np.array([number.get(by_content.get(c, ""), NO_SPLIT) for c in photos.contents], dtype=np.int8)


def _optimism(info: ModelInfo, model: Path) -> Optimism | None:
    """Return by how much a score of the photos that chose the model flatters, as its training found.

    Raises:
        ModelError: What `model.json` says of it cannot be right.
    """
    figures = info.metrics.get("valid", {})
    return Optimism.from_json(figures.get("optimism"), f"{model / 'model.json'}") if isinstance(figures, dict) else None


@dataclass(frozen=True)
class _TrainedAndScored:
    """Fingerprints of training photos, then of scored ones, both at the resolution that the model folder keeps."""

    trained: Pixels
    scored: Rows

    def __len__(self) -> int:
        return len(self.trained) + len(self.scored)

    def take(self, indices: NDArray[np.int64]) -> Pixels:
        """Return these at 32x32 cells."""
        is_trained = indices < len(self.trained)
        halves = np.empty((len(indices), *self.trained.shape[1:]), dtype=np.uint8)
        halves[is_trained] = self.trained[indices[is_trained]]
        halves[~is_trained] = halved(self.scored.take(indices[~is_trained] - len(self.trained)))
        return doubled(halves)


def duplicates_of_training(
    photos: CachedPhotos, known: NDArray[np.int8], model: Path, progress: Progress
) -> NDArray[np.bool_] | None:
    """Tell which photos, other than those that trained the model, are near-duplicates of one that did.

    None where the model folder does not say how those look.
    """
    trained = load_fingerprints(model)
    if trained is None:
        return None
    groups = group_near_duplicates(_TrainedAndScored(trained, photos.fingerprints), progress)
    return np.asarray(np.isin(groups[len(trained) :], groups[: len(trained)]) & (known != TRAIN))


def name_of_split(known: NDArray[np.int8], given: NDArray[np.int8]) -> str:
    """Name the scored photos: by the model's own split where it knew them all, by DATA's where one is given."""
    for splits in (known, given):
        first = int(splits[0])
        if first != NO_SPLIT and (splits == first).all():
            return SPLITS[first]
    return "all"
