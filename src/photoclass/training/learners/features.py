"""The recipe `features`: a frozen backbone's features, from the store or computed, and a head fitted on them."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError, SettingsError, TrainingError
from photoclass.metrics.classification import log_loss
from photoclass.model.novelty import NoveltyDetector, fit_novelty, photos_to_keep
from photoclass.model.runtime import Runtime
from photoclass.photos.decode import Unreadable, decode_photo, read_file
from photoclass.photos.table import HELD_OUT, TRAIN, VALID
from photoclass.training.compute import Compute
from photoclass.training.finish import Outcome, TrainResult, describe, finish
from photoclass.training.frozen.backbones import Backbone, open_backbone, open_backbone_file
from photoclass.training.frozen.export_head import add_head
from photoclass.training.frozen.features import FeaturedPhotos
from photoclass.training.frozen.head import Head, check_pictures, fit_head, signed_roots
from photoclass.training.frozen.label_errors import find_label_errors, label_errors_as_fixes
from photoclass.training.prepare import divide_photos, featured_photos
from photoclass.training.recipes.recipes import FeaturesRecipe
from photoclass.training.run import Run, TrainOptions, TrainRequest

# What the saved model's probabilities may differ by from those of the stored features, which have three digits.
_TOLERANCE = 0.01
_CHECKED_PHOTOS = 32


def train_features(request: TrainRequest[FeaturesRecipe]) -> TrainResult:
    """Compute features, fit the head, and write the model folder. Called while the folder is held.

    Raises:
        DataError: DATA cannot be read or trained on.
        ModelError: The backbone cannot be used.
        OutputError: The cache or `out` cannot be written.
        TrainingError: The saved file does not do what was trained.
    """
    started_at = time.monotonic()
    data, out, seed, options, progress = request.data, request.out, request.seed, request.options, request.progress
    _refuse_what_does_nothing(options)
    backbone, recipe = _open_backbone(request.recipe, options.precision, request.workspace.cache)
    progress.say(f"features of {backbone.name} at {backbone.image_size} px, {backbone.precision} ({backbone.reason})")
    photos = featured_photos(data, backbone, recipe.decode_settings(), request.workspace, options.fixes)
    photos, duplicates = divide_photos(photos, data, seed, progress)
    run = Run(replace(request, recipe=recipe), photos, duplicates, Compute("cpu", backbone.precision, backbone.reason))
    train, valid = run.part(TRAIN), run.part(VALID)
    duplicates = duplicates[run.of_split(TRAIN)]
    head = _fit(train, duplicates, recipe, seed, data)
    losses = ", ".join(f"{strength:g}: {loss:.4f}" for strength, loss in head.candidates.items())
    progress.say(
        f"head: strength {head.strength:g} of cross-validated log losses {losses}; temperature {head.temperature:.3f}"
    )
    errors_found = find_label_errors(head.out_of_fold_probabilities, train.table.labels).surely()
    label_errors = label_errors_as_fixes(errors_found, train.table, str(data))
    if label_errors:
        progress.say(
            f"{len(label_errors):,} labels are surely wrong, the most confident {label_errors[0].image} ({label_errors[0].note})"
        )
    if label_errors and recipe.drop_label_errors:
        kept = np.setdiff1d(np.arange(len(train)), errors_found.rows)
        before, head = head, _fit(train.select(kept), duplicates[kept], recipe, seed, data)
        progress.say(_words_on_dropping(len(label_errors), before, head, valid))
    onnx = add_head(backbone.onnx, head.weights, head.bias, head.temperature)
    predicted = {}
    for split in (VALID, HELD_OUT):
        part = run.part(split)
        predicted[split] = head.probabilities(part.features.all()).astype(np.float32)
    info = describe(
        run,
        {
            "seconds": round(time.monotonic() - started_at, 1),
            "features_computed": photos.computed,
            "strength": head.strength,
            "temperature": head.temperature,
            "cross_validated_log_loss": head.candidates[head.strength],
            "doubtful_labels": len(label_errors),
            "doubtful_dropped": recipe.drop_label_errors,
            "stopped": "the head has converged",
            "device": "cpu",
            "precision": backbone.precision,
        },
    )
    difference = _check(Runtime(info, onnx, out), valid, predicted[VALID])
    seen = _novelty(train, valid, seed)
    return finish(run, Outcome(info, onnx, predicted, difference, None, seen, label_errors=label_errors))


def _novelty(train: FeaturedPhotos, valid: FeaturedPhotos, seed: int) -> NoveltyDetector:
    """Keep what tells distances: the roots of features, which are what enters the head."""
    kept = train.select(photos_to_keep(train.table.labels, seed))
    return fit_novelty(signed_roots(kept.features.all()), signed_roots(valid.features.all()))


def _words_on_dropping(count: int, before: Head, after: Head, valid: FeaturedPhotos) -> str:
    """Say what leaving out doubtful labels does to the validation photos, which chose nothing."""
    features, labels = valid.features.all(), valid.table.labels
    losses = [log_loss(head.probabilities(features), labels) for head in (before, after)]
    return (
        f"left out {count:,} photos whose label is surely wrong: log loss on the validation photos {losses[0]:.4f} to "
        f"{losses[1]:.4f}"
    )


def _refuse_what_does_nothing(options: TrainOptions) -> None:
    """Refuse options that other recipes have.

    Raises:
        SettingsError: Time was limited, or another device asked for.
    """
    if options.minutes is not None:
        raise SettingsError(
            "the recipe features takes no --minutes: whenever it is stopped, the features computed so far are kept "
            "for the next start; for less time take --quality fast"
        )
    if options.device not in ("auto", "cpu"):
        raise SettingsError(f"the recipe features runs on the cpu, not on {options.device!r}; leave out --device")


def _open_backbone(recipe: FeaturesRecipe, precision: str, cache: Path) -> tuple[Backbone, FeaturesRecipe]:
    """Open the recipe's backbone; of one from a file, the recipe is to say from here on which file it was.

    Raises:
        ModelError: It cannot be used, or is not the file that it must be.
        SettingsError: Its settings or the precision do not go with it.
    """
    if not recipe.backbone_is_file:
        return open_backbone(recipe.backbone, precision, cache), recipe
    path, wanted = Path(recipe.backbone), recipe.backbone_sha256
    backbone = open_backbone_file(path, recipe.backbone_size, recipe.backbone_mean, recipe.backbone_std, precision)
    if wanted not in ("", backbone.file_sha256):
        raise ModelError(f"{path}: has SHA-256 {backbone.file_sha256}, not {wanted}; give the file that was meant")
    size, sha256 = backbone.image_size, backbone.file_sha256
    return backbone, replace(recipe, backbone=backbone.name, backbone_size=size, backbone_sha256=sha256)


def _fit(photos: FeaturedPhotos, duplicates: NDArray[np.int64], recipe: FeaturesRecipe, seed: int, data: Path) -> Head:
    """Fit the head on the training photos.

    Raises:
        DataError: A class has too few photos.
    """
    labels, names = photos.table.labels, photos.table.class_names
    check_pictures(labels, duplicates, names, str(data))
    return fit_head(photos.features, labels, duplicates, len(names), balance=recipe.balance, seed=seed)


def _check(runtime: Runtime, photos: FeaturedPhotos, wanted: NDArray[np.float32]) -> dict[str, float]:
    """Compare the saved model, from the photo's file on, with the head on stored features.

    Raises:
        TrainingError: They do not agree.
    """
    pixels, rows = [], []
    for i, path in enumerate(photos.table.paths[:_CHECKED_PHOTOS]):
        content = read_file(path)
        decoded = content if isinstance(content, Unreadable) else decode_photo(content, photos.settings)
        if not isinstance(decoded, Unreadable):  # a file that vanished since then cannot be compared
            pixels.append(decoded)
            rows.append(i)
    if not rows:
        return {}
    difference = float(abs(runtime.probabilities(pixels) - wanted[rows]).max())
    if not difference <= _TOLERANCE:
        raise TrainingError(
            f"the saved model differs from the trained head by {difference:.5f}; it is not written. Please report this"
        )
    return {"onnx_differs_by": round(difference, 7)}
