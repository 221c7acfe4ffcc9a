"""`evaluate` with two models: both on the same photos, and whether their difference is statistically significant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass import notebook
from photoclass.errors import DataError, ModelError, SettingsError
from photoclass.metrics.classification import log_losses
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.metrics.paired import sum_by_group
from photoclass.model.runtime import Runtime
from photoclass.paths import AnyPath, paths_of
from photoclass.photos.cache.details import PhotoDetails
from photoclass.photos.cache.pixels import CachedPhotos, cache_photos
from photoclass.photos.data_paths import Data, DataPaths
from photoclass.photos.duplicates.near_duplicates import group_near_duplicates
from photoclass.photos.groups import join_groups
from photoclass.photos.sources.options import AS_IT_IS, ReadOptions
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import NO_SPLIT, TRAIN, VALID, PassedOver, SkippedPhoto, unused_as_json
from photoclass.results.scores.class_mapping import map_classes
from photoclass.results.scores.difference import Difference, compare_paired
from photoclass.results.scores.evaluate import (
    duplicates_of_training,
    known_splits,
    name_of_split,
    part_to_score,
    predict_cached,
)
from photoclass.results.scores.score import Score, score_predictions
from photoclass.text import list_classes, plural
from photoclass.workspace import Workspace

SCHEMA = "photoclass/compare/1"


@dataclass(frozen=True)
class Comparison:
    """Two models on the same photos.

    Attributes:
        models: The folders of A and B.
        scores: Of A and B.
        log_loss: Their difference in log loss, which is more sensitive than accuracy.
        accuracy: Their difference in accuracy.
        only_a_correct: Distinct photos that only A classifies correctly (of near-duplicates or a group, more of them
            than B).
        only_b_correct: The same for B.
        left_out_trained: Photos left out because their content trained A or B.
        left_out_selected_model: Other photos left out because their content selected A or B.
        leaked_duplicates: For each model, compared photos that are near-duplicates of photos that trained it; None if
            its folder has no fingerprints of these.
        skipped: Photos that could not be read.
        passed_over: Files in DATA that are plainly no photos.
        notes: What was assumed of DATA, one line each.
    """

    models: tuple[str, str]
    scores: tuple[Score, Score]
    log_loss: Difference
    accuracy: Difference
    only_a_correct: int
    only_b_correct: int
    left_out_trained: int
    left_out_selected_model: int
    leaked_duplicates: tuple[int | None, int | None]
    skipped: tuple[SkippedPhoto, ...]
    passed_over: tuple[PassedOver, ...] = ()
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "schema": SCHEMA,
            "n": self.scores[0].n,
            "distinct_photos": self.scores[0].distinct_photos,
            "grouped_by": self.scores[0].grouped_by or None,
            "models": {
                name: {"model": model, "leaked_duplicates": leaked, **score.as_json()}
                for name, model, leaked, score in zip(
                    "AB", self.models, self.leaked_duplicates, self.scores, strict=True
                )
            },
            "difference": {"log_loss": self.log_loss.as_json(), "accuracy": self.accuracy.as_json()},
            "only_a_correct": self.only_a_correct,
            "only_b_correct": self.only_b_correct,
            "verdict": self.verdict(),
            "left_out_trained": self.left_out_trained,
            "left_out_selected_model": self.left_out_selected_model,
            **unused_as_json(self.skipped, self.passed_over),
            "notes": list(self.notes),
        }

    def as_text(self) -> str:
        """Return some lines of text, the verdict first."""
        width = max(map(len, self.models))
        lines = [*self.verdict(), f"  the same {plural(self.scores[0].n, 'photo')} for both:"]
        for name, model, score, leaked in zip("AB", self.models, self.scores, self.leaked_duplicates, strict=True):
            notes = [f"data leakage: {leaked:,} near-duplicates of photos that trained it"] if leaked else []
            notes += ["optimistic: some of these photos trained or selected it"] if score.split_selected_model else []
            lines.append(
                f"  {name}  {model:<{width}}  log loss {score.log_loss.value:.4f}  accuracy {score.accuracy.value:.2%}"
                + "".join(f"  ({note})" for note in notes)
            )
        if self.left_out_trained or self.left_out_selected_model:
            lines.append(
                f"  left out: {plural(self.left_out_trained, 'photo')} that trained A or B, "
                f"{self.left_out_selected_model:,} that selected one (--include-known takes them)"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = [
            (name, model, f"{score.log_loss.value:.4f}", f"{score.accuracy.value:.2%}")
            for name, model, score in zip("AB", self.models, self.scores, strict=True)
        ]
        a_minus_b = [
            (name, f"{difference.a_minus_b.value:+{form}}", _describe_range(difference, form), f"{difference.p:.3g}")
            for name, difference, form in (("log loss", self.log_loss, ".4f"), ("accuracy", self.accuracy, ".2%"))
        ]
        return notebook.card(
            f"Two models on the same {plural(self.scores[0].n, 'photo')}",
            *(notebook.paragraph(line) for line in self.verdict()),
            notebook.table("Scores", ("", "model", "log loss", "accuracy"), rows, texts=2),
            notebook.table("A minus B", ("metric", "difference", "95 % interval", "p"), a_minus_b),
            notebook.skipped_table([(item.name, item.reason) for item in self.skipped]),
        )

    def verdict(self) -> list[str]:
        """Return whether the differences are significant, in a line for log loss and one for accuracy."""
        return [self._verdict_on_log_loss(), self._verdict_on_accuracy()]

    def _verdict_on_log_loss(self) -> str:
        difference = self.log_loss
        if difference.better is None:
            return f"log loss: {self._no_difference()}{_describe_photos_needed(difference)}"
        better, worse = self.models if difference.better == "A" else self.models[::-1]
        by = sorted(abs(bound) for bound in (difference.a_minus_b.low, difference.a_minus_b.high))
        return (
            f"{difference.better} is better: the log loss of {better} is lower than that of {worse} by "
            f"{abs(difference.a_minus_b.value):.4f} (95 % confidence interval {by[0]:.4f} to {by[1]:.4f})"
        )

    def _verdict_on_accuracy(self) -> str:
        difference = self.accuracy
        counts = f"{plural(self.only_a_correct, 'photo')} correct with A only, {self.only_b_correct:,} with B only"
        test = f"exact McNemar test, p {_describe_p(difference.p)}"
        if difference.better is None:
            return f"accuracy: {self._no_difference()}; {counts} ({test}){_describe_photos_needed(difference)}"
        return (
            f"accuracy: {difference.better} is better by {100 * abs(difference.a_minus_b.value):.2f} percentage "
            f"points; {counts} ({test})"
        )

    def _no_difference(self) -> str:
        these = "this" if self.scores[0].n == 1 else "these"
        return f"no significant difference on {these} {plural(self.scores[0].n, 'photo')}"


def compare(
    data: Data,
    models: Sequence[AnyPath],
    *,
    include_known: bool = False,
    fixes: AnyPath | None = None,
    reading: ReadOptions = AS_IT_IS,
    classes: Mapping[str, str] | None = None,
    workspace: Workspace | None = None,
) -> Comparison:
    """Compare two models on the same photos: of those that `evaluate` would score, the ones that neither model knows.

    Args:
        data: Labelled photos: class folders, split folders, flat names (`cat.0.jpg`), a zip or tar of these, or a
            label table (CSV, JSON Lines, Parquet, Arrow). A list of several: the parts of one data set.
        models: Two model folders, A and B, with the same classes; their image sizes may differ.
        include_known: Include photos that trained or selected a model.
        fixes: A fixes file, whose labels replace DATA's own.
        reading: How DATA is read where its names leave a choice.
        classes: The models' class by DATA's class, where their names do not say it.
        workspace: Cache folder, number of workers and progress reports; `Workspace()` when None.

    Raises:
        DataError: DATA cannot be read, has classes that the models do not, or has no photo left to compare on.
        ModelError: A model folder cannot be used, or the models have different classes.
        SettingsError: There are not exactly two models.
    """
    models = paths_of(models)
    if len(models) != 2:
        raise SettingsError(f"{len(models)} models: give two to compare them; compare more of them in pairs")
    workspace, data = workspace or Workspace(), DataPaths.of(data)
    runtimes = [Runtime.load(model) for model in models]
    class_names = runtimes[0].info.class_names
    _check_same_classes(models, runtimes)
    table = read_data(data, workspace, fixes, reading, to_train=False)
    table = map_classes(table, class_names, str(data), classes)
    for note in table.notes:
        workspace.say(note)
    is_split = bool((table.splits != NO_SPLIT).any())
    table = table.select(part_to_score(table))
    inputs = _readable_in_both([cache_photos(table, runtime.info.decode_settings(), workspace) for runtime in runtimes])
    known = np.stack([known_splits(inputs[0], model) for model in models])
    valid_selected = np.array([[runtime.info.training.valid_selected_model] for runtime in runtimes])
    trained = (known == TRAIN).any(axis=0)
    # As in `evaluate`: if DATA is unsplit, validation photos are left out whether or not they selected anything.
    validated = ((known == VALID) & (valid_selected | (not is_split))).any(axis=0) & ~trained
    left_out = np.zeros(len(inputs[0]), dtype=np.bool_) if include_known else trained | validated
    if left_out.all():
        raise DataError(
            f"{data}: no readable photo is left to compare on ({int(left_out.sum()):,} trained or selected one of the "
            "models); give other photos, or --include-known"
        )
    inputs, known = [photos.select(~left_out) for photos in inputs], known[:, ~left_out]
    photos = inputs[0]
    labels = photos.table.labels
    duplicates = group_near_duplicates(photos.fingerprints, workspace.progress, PhotoDetails.of(photos))
    groups, by = join_groups(duplicates, inputs[0].table.groups), reading.group_by
    a, b = (
        LabelledProbabilities(_predict(runtime, photos, class_names, workspace), labels, class_names, groups, by)
        for runtime, photos in zip(runtimes, inputs, strict=True)
    )
    is_optimistic = ((known == TRAIN) | ((known == VALID) & valid_selected)).any(axis=1)
    scores = [
        score_predictions(predicted, name_of_split(known[i], table.splits), bool(is_optimistic[i]))
        for i, predicted in enumerate((a, b))
    ]
    leaked = [_count(duplicates_of_training(inputs[i], known[i], models[i], workspace.progress)) for i in range(2)]
    losses = [log_losses(predicted.probabilities, labels) for predicted in (a, b)]
    correct = a.correct.astype(np.float64) - b.correct
    in_loss, in_accuracy = compare_paired(losses[0] - losses[1], correct, groups)
    winner = np.sign(sum_by_group(correct, groups))
    return Comparison(
        models=(str(models[0]), str(models[1])),
        scores=(scores[0], scores[1]),
        log_loss=in_loss,
        accuracy=in_accuracy,
        only_a_correct=int((winner > 0).sum()),
        only_b_correct=int((winner < 0).sum()),
        left_out_trained=int((trained & left_out).sum()),
        left_out_selected_model=int((validated & left_out).sum()),
        leaked_duplicates=(leaked[0], leaked[1]),
        skipped=inputs[0].table.skipped,
        passed_over=table.passed_over,
        notes=table.notes,
    )


def _check_same_classes(models: Sequence[Path], runtimes: Sequence[Runtime]) -> None:
    a, b = (runtime.info.class_names for runtime in runtimes)
    if set(a) != set(b):
        raise ModelError(
            f"{models[1]}: has the classes {list_classes(b)}, but {models[0]} has "
            f"{list_classes(a)}; compare models with the same classes"
        )


def _predict(
    runtime: Runtime, photos: CachedPhotos, class_names: tuple[str, ...], workspace: Workspace
) -> NDArray[np.float32]:
    """Compute probabilities, shape (N, C), in the order of `class_names`; a model may have another."""
    order = [runtime.info.class_names.index(name) for name in class_names]
    return predict_cached(runtime, photos, workspace.progress)[:, order]


def _readable_in_both(inputs: list[CachedPhotos]) -> list[CachedPhotos]:
    """Return the photos that could be read for both models."""
    keys = [list(zip(photos.table.names, photos.contents, strict=True)) for photos in inputs]
    common = set(keys[0]) & set(keys[1])
    return [
        photos.select(np.array([key in common for key in of_photos], dtype=np.bool_))
        for photos, of_photos in zip(inputs, keys, strict=True)
    ]


def _count(found: NDArray[np.bool_] | None) -> int | None:
    return None if found is None else int(found.sum())


def _describe_range(difference: Difference, form: str) -> str:
    interval = difference.a_minus_b
    return f"{interval.low:+{form}} to {interval.high:+{form}}" if interval.is_known else "–"


def _describe_photos_needed(difference: Difference) -> str:
    if difference.photos_needed is None:
        return ""
    return f"; detecting a difference of this size would take about {difference.photos_needed:,} photos"


def _describe_p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
