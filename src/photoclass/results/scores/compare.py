"""`evaluate` with two models: both on the same photos, and whether the difference between them is real."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import DataError, ModelError, SettingsError
from photoclass.metrics.figures import log_losses
from photoclass.metrics.paired import by_picture
from photoclass.model.runtime import Runtime
from photoclass.photos.cache.pixels import CachedPhotos, cache_photos
from photoclass.photos.duplicates.near_duplicates import group_near_duplicates
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import NO_SPLIT, TRAIN, VALID, SkippedPhoto
from photoclass.results.scores.difference import Difference, differences
from photoclass.results.scores.evaluate import (
    duplicates_of_training,
    known_splits,
    map_classes,
    name_of_split,
    part_to_score,
    predict_cached,
)
from photoclass.results.scores.score import Score, score_predictions
from photoclass.workspace import Workspace


@dataclass(frozen=True)
class Comparison:
    """Two models on the same photos.

    Attributes:
        models: The folders of A and B.
        scores: Of A and B.
        log_loss: How they differ; it tells finer differences than accuracy.
        accuracy: How they differ.
        a_alone_right: Pictures on which A alone is right (of near-duplicates: on more of which).
        b_alone_right: The same for B.
        left_out_trained: Photos left out because their content trained A or B.
        left_out_chose_model: Other photos left out because their content chose A or B.
        leaked_duplicates: Of each model, compared photos that are near-duplicates of photos that trained it; None where its
            folder does not say how those look.
        skipped: Photos that could not be read.
    """

    models: tuple[str, str]
    scores: tuple[Score, Score]
    log_loss: Difference
    accuracy: Difference
    a_alone_right: int
    b_alone_right: int
    left_out_trained: int
    left_out_chose_model: int
    leaked_duplicates: tuple[int | None, int | None]
    skipped: tuple[SkippedPhoto, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "n": self.scores[0].n,
            "pictures": self.scores[0].pictures,
            "models": {
                name: {"model": model, "leaked_duplicates": leaked, **score.as_json()}
                for name, model, leaked, score in zip(
                    "AB", self.models, self.leaked_duplicates, self.scores, strict=True
                )
            },
            "difference": {"log_loss": self.log_loss.as_json(), "accuracy": self.accuracy.as_json()},
            "a_alone_right": self.a_alone_right,
            "b_alone_right": self.b_alone_right,
            "verdict": self.verdict(),
            "left_out_trained": self.left_out_trained,
            "left_out_chose_model": self.left_out_chose_model,
            "skipped": [{"file": item.name, "reason": item.reason} for item in self.skipped],
        }

    def as_text(self) -> str:
        """Return a few lines for a person: the verdict first."""
        width = max(map(len, self.models))
        lines = [*self.verdict(), f"  the same {_photos(self.scores[0].n)} for both:"]
        for name, model, score, leaked in zip("AB", self.models, self.scores, self.leaked_duplicates, strict=True):
            notes = [f"{leaked:,} are near-duplicates of photos that trained it"] if leaked else []
            notes += ["these photos trained or chose it, too: flattering"] if score.split_chose_model else []
            lines.append(
                f"  {name}  {model:<{width}}  log loss {score.log_loss.value:.4f}  accuracy {score.accuracy.value:.2%}"
                + "".join(f"  ({note})" for note in notes)
            )
        if self.left_out_trained or self.left_out_chose_model:
            lines.append(
                f"  left out: {_photos(self.left_out_trained)} that trained A or B, {self.left_out_chose_model:,} that "
                "chose one (--include-known takes them, too)"
            )
        return "\n".join(lines)

    def verdict(self) -> list[str]:
        """Say in words whether the differences are real: a line for log loss and one for accuracy."""
        return [self._on_log_loss(), self._on_accuracy()]

    def _on_log_loss(self) -> str:
        difference = self.log_loss
        if difference.better is None:
            return f"log loss: {self._no_difference()}{_words_on_photos(difference)}"
        better, worse = self.models if difference.better == "A" else self.models[::-1]
        by = sorted(abs(end) for end in (difference.a_minus_b.low, difference.a_minus_b.high))
        return (
            f"{difference.better} is better: the log loss of {better} is lower than that of {worse} by "
            f"{abs(difference.a_minus_b.value):.4f} (95 % interval {by[0]:.4f} to {by[1]:.4f})"
        )

    def _on_accuracy(self) -> str:
        difference = self.accuracy
        counts = f"A alone is right on {self.a_alone_right:,}, B alone on {self.b_alone_right:,}"
        test = f"exact McNemar test, p {_p_words(difference.p)}"
        if difference.better is None:
            return f"accuracy: {self._no_difference()}; {counts} ({test}){_words_on_photos(difference)}"
        return (
            f"accuracy: {difference.better} is better by {100 * abs(difference.a_minus_b.value):.2f} percentage "
            f"points; {counts} ({test})"
        )

    def _no_difference(self) -> str:
        these = "this" if self.scores[0].n == 1 else "these"
        return f"no difference can be told from {these} {_photos(self.scores[0].n)}"


def compare(
    data: Path,
    models: Sequence[Path],
    *,
    include_known: bool = False,
    fixes: Path | None = None,
    workspace: Workspace | None = None,
) -> Comparison:
    """Compare two models on the same photos of DATA: those of the part that `evaluate` scores that neither knows.

    Args:
        data: Labelled photos in any of the forms of `photos.sources.read.read_data`.
        models: Two model folders, A and B, of the same classes. Each sees the photos at its own size.
        include_known: Take the photos that trained or chose a model, too.
        fixes: A fixes file, whose labels go before DATA's own.
        workspace: The cache folder, the number of workers, and who receives progress reports; the user's cache, all
            processors and nobody when None.

    Raises:
        DataError: DATA cannot be read, has other classes than the models, or nothing in it is left to compare on.
        ModelError: A model folder cannot be used, or the models know different classes.
        SettingsError: There are not two models.
    """
    if len(models) != 2:
        raise SettingsError(f"{len(models)} models: give two, to compare them; of more, two at a time")
    workspace = workspace or Workspace()
    runtimes = [Runtime.load(model) for model in models]
    class_names = runtimes[0].info.class_names
    _refuse_other_classes(models, runtimes)
    table = map_classes(read_data(data, workspace, fixes, to_train=False), class_names, str(data))
    is_split = bool((table.splits != NO_SPLIT).any())
    table = table.select(part_to_score(table))
    sees = _in_both([cache_photos(table, runtime.info.decode_settings(), workspace) for runtime in runtimes])
    known = np.stack([known_splits(sees[0], model) for model in models])
    decided = np.array([[bool(runtime.info.trained.get("valid_chose_model", True))] for runtime in runtimes])
    trained = (known == TRAIN).any(axis=0)
    # As in `evaluate`: of an unsplit DATA the validation photos are left out, whether or not they chose anything.
    chose = ((known == VALID) & (decided | (not is_split))).any(axis=0) & ~trained
    dropped = np.zeros(len(sees[0]), dtype=np.bool_) if include_known else trained | chose
    if dropped.all():
        raise DataError(
            f"{data}: no readable photo is left to compare on ({int(dropped.sum()):,} trained or chose one of the "
            "models); give other photos, or --include-known"
        )
    sees, known = [photos.select(~dropped) for photos in sees], known[:, ~dropped]
    labels, duplicates = sees[0].table.labels, group_near_duplicates(sees[0].fingerprints, workspace.progress)
    told = [predict_cached(runtime, photos, workspace.progress) for runtime, photos in zip(runtimes, sees, strict=True)]
    flattered = (known == TRAIN) | ((known == VALID) & decided)
    split = [name_of_split(known[i], table.splits) for i in range(2)]
    a, b = (
        score_predictions(told[i], labels, class_names, split[i], bool(flattered[i].any()), duplicates)
        for i in range(2)
    )
    leaked = [_count(duplicates_of_training(sees[i], known[i], models[i], workspace.progress)) for i in range(2)]
    in_right = (told[0].argmax(axis=1) == labels).astype(np.float64) - (told[1].argmax(axis=1) == labels)
    in_loss, in_accuracy = differences(log_losses(told[0], labels) - log_losses(told[1], labels), in_right, duplicates)
    alone = np.sign(by_picture(in_right, duplicates))
    return Comparison(
        models=(str(models[0]), str(models[1])),
        scores=(a, b),
        log_loss=in_loss,
        accuracy=in_accuracy,
        a_alone_right=int((alone > 0).sum()),
        b_alone_right=int((alone < 0).sum()),
        left_out_trained=int((trained & dropped).sum()),
        left_out_chose_model=int((chose & dropped).sum()),
        leaked_duplicates=(leaked[0], leaked[1]),
        skipped=sees[0].table.skipped,
    )


def _refuse_other_classes(models: Sequence[Path], runtimes: Sequence[Runtime]) -> None:
    a, b = (runtime.info.class_names for runtime in runtimes)
    if a != b:
        raise ModelError(
            f"{models[1]}: knows the classes {', '.join(map(repr, b))}, but {models[0]} knows "
            f"{', '.join(map(repr, a))}; compare models of the same classes"
        )


def _in_both(sees: list[CachedPhotos]) -> list[CachedPhotos]:
    """Return the photos that could be read at either size."""
    keys = [list(zip(photos.table.names, photos.contents, strict=True)) for photos in sees]
    common = set(keys[0]) & set(keys[1])
    return [
        photos.select(np.array([key in common for key in of_photos], dtype=np.bool_))
        for photos, of_photos in zip(sees, keys, strict=True)
    ]


def _count(found: NDArray[np.bool_] | None) -> int | None:
    return None if found is None else int(found.sum())


def _words_on_photos(difference: Difference) -> str:
    if difference.photos_needed is None:
        return ""
    return f"; it would take about {difference.photos_needed:,} photos to tell one of the size seen here"


def _photos(count: int) -> str:
    return f"{count:,} {'photo' if count == 1 else 'photos'}"


def _p_words(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
