"""The learner of the recipe `features`: a linear head on the features of a frozen backbone."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError, SettingsError, TrainingError
from photoclass.hub.backbone import fetch_backbone
from photoclass.hub.reference import parse_reference
from photoclass.metrics.classification import log_loss
from photoclass.model.folder import HeadSummary, MixedGroups, TrainingSummary
from photoclass.model.novelty import NoveltyDetector, fit_novelty, photos_to_keep
from photoclass.model.runtime import Runtime
from photoclass.networks.pretrained.onnx_file.read import MAX_FILE_BYTES, FileNetwork, FileOptions
from photoclass.photos.decode import Unreadable, decode_photo, read_file
from photoclass.photos.fixes import Fix
from photoclass.photos.table import HELD_OUT, TRAIN, VALID
from photoclass.text import plural
from photoclass.training.compute import Compute
from photoclass.training.finish import Outcome, TrainResult, finish, model_info
from photoclass.training.frozen.backbones import Backbone, open_backbone, open_backbone_file
from photoclass.training.frozen.export_head import add_head
from photoclass.training.frozen.features import FeaturedPhotos
from photoclass.training.frozen.head import Head, check_pictures, fit_head, signed_roots
from photoclass.training.frozen.label_errors import find_label_errors, label_errors_as_fixes
from photoclass.training.frozen.mixed_groups import score_with_mixed_groups
from photoclass.training.prepare import divide_photos, extract_features, read_table
from photoclass.training.recipes.features import FeaturesSettings
from photoclass.training.run import Run, TrainOptions, TrainRequest
from photoclass.workspace import Workspace

# The saved model's probabilities may differ by this from those of the stored features, which have three digits.
_TOLERANCE = 0.01
_SAMPLES, _MOST_SAMPLE_BYTES = 32, 64 << 20


@dataclass(frozen=True)
class FittedFeatures:
    """A fitted head, with all that is needed to save it as a model folder.

    Attributes:
        run: The run.
        photos: Its photos, with their features.
        settings: Its settings.
        backbone: What computed the features.
        head: The head.
        label_errors: Training photos with a likely label error, as fixes to review.
        mixed: What the score would be if the user's groups were mixed; None without groups.
        seconds: Duration.
        samples: The files of the first validation photos, on which the saved model is compared with the head.
    """

    run: Run
    photos: FeaturedPhotos
    settings: FeaturesSettings
    backbone: Backbone
    head: Head
    label_errors: tuple[Fix, ...]
    mixed: MixedGroups | None
    seconds: float
    samples: tuple[bytes | Unreadable, ...]


def train_features(request: TrainRequest, settings: FeaturesSettings) -> TrainResult:
    """Compute features, fit the head, and write the model folder, which the caller has locked.

    Raises:
        DataError: DATA cannot be read or trained on.
        ModelError: The backbone cannot be used.
        OutputError: The cache or `out` cannot be written.
        TrainingError: The saved model disagrees with the trained head.
    """
    return save_features(fit_features(request, settings))


def fit_features(request: TrainRequest, settings: FeaturesSettings) -> FittedFeatures:
    """Compute features and fit the head; nothing is written but the cache.

    Raises:
        DataError: DATA cannot be read or trained on.
        ModelError: The backbone cannot be used.
        OutputError: The cache cannot be written.
    """
    started_at = time.monotonic()
    seed = request.seed
    _refuse_unsupported(request.options)
    backbone, settings = open_recipe_backbone(settings, request.options.precision, request.workspace)
    request.say(f"features of {backbone.name} at {backbone.image_size} px, {backbone.precision} ({backbone.reason})")
    photos = extract_features(request, read_table(request), settings, backbone)
    photos, duplicates = divide_photos(request, photos)
    compute = Compute("cpu", backbone.precision, backbone.reason)
    run = Run(request, settings, photos, duplicates, compute)
    train, valid = photos.select(run.in_split(TRAIN)), photos.select(run.in_split(VALID))
    groups = run.groups[run.in_split(TRAIN)]
    head = _fit(request, settings, train, groups)
    losses = ", ".join(f"{strength:g}: {loss:.4f}" for strength, loss in head.candidates.items())
    request.say(
        f"head: strength {head.strength:g}, chosen by cross-validated log loss ({losses}); "
        f"temperature {head.temperature:.3f}"
    )
    mixed = None
    if run.photos.table.groups:
        duplicates = run.duplicates[run.in_split(TRAIN)]
        labels, balance = train.table.labels, settings.balance
        mixed = score_with_mixed_groups(head, train.features, labels, duplicates, groups, balance=balance, seed=seed)
    found = find_label_errors(head.out_of_fold_probabilities, train.table.labels).only_likely()
    label_errors = label_errors_as_fixes(found, train.table, request.data)
    if label_errors:
        first = label_errors[0]
        request.say(f"{plural(len(label_errors), 'likely label error')}, first {first.image} ({first.note})")
    if label_errors and settings.drop_label_errors:
        kept = np.setdiff1d(np.arange(len(train)), found.rows)
        before, head = head, _fit(request, settings, train.select(kept), groups[kept])
        request.say(_describe_dropping(len(label_errors), before, head, valid))
    samples = _read_samples(valid.table.paths)
    seconds = time.monotonic() - started_at
    return FittedFeatures(run, photos, settings, backbone, head, label_errors, mixed, seconds, samples)


def save_features(fitted: FittedFeatures) -> TrainResult:
    """Export the network, compare it with the head, score it, and write the model folder, which the caller has locked.

    Raises:
        OutputError: The folder cannot be written.
        TrainingError: The saved model disagrees with the trained head.
    """
    run, backbone, head = fitted.run, fitted.backbone, fitted.head
    request, photos, settings = run.request, fitted.photos, fitted.settings
    parts = {split: photos.select(run.in_split(split)) for split in (TRAIN, VALID, HELD_OUT)}
    onnx = add_head(backbone.onnx, head.weights, head.bias, head.temperature)
    predicted = {
        split: head.probabilities(parts[split].features.all()).astype(np.float32) for split in (VALID, HELD_OUT)
    }
    info = model_info(
        run,
        TrainingSummary(
            description=_describe_training(run, backbone, head),
            seconds=round(fitted.seconds, 1),
            device="cpu",
            precision=backbone.precision,
            stop_reason="the head has converged",
            temperature=head.temperature,
            head=HeadSummary(
                strength=head.strength,
                cross_validated_log_loss=head.candidates[head.strength],
                features_computed=photos.computed,
                label_errors=len(fitted.label_errors),
                label_errors_dropped=settings.drop_label_errors,
            ),
        ),
        fitted.mixed,
    )
    difference = _check(Runtime(info, onnx, request.out), fitted, predicted[VALID])
    novelty = _novelty(parts[TRAIN], parts[VALID], request.seed)
    return finish(run, Outcome(info, onnx, predicted, difference, None, novelty, label_errors=fitted.label_errors))


def _read_samples(paths: Sequence[str]) -> tuple[bytes | Unreadable, ...]:
    """Read the first few files, fewer if they are large: pixels that an estimator is given may be 100 MB a photo."""
    samples: list[bytes | Unreadable] = []
    size = 0
    for path in paths[:_SAMPLES]:
        content = read_file(path)
        size += 0 if isinstance(content, Unreadable) else len(content)
        if samples and size > _MOST_SAMPLE_BYTES:
            break
        samples.append(content)
    return tuple(samples)


def _describe_training(run: Run, backbone: Backbone, head: Head) -> str:
    """Describe the training for the model card and the report, in plain text."""
    text = (
        f"A linear head on the features of the frozen pretrained backbone {backbone.name}, fitted "
        f"on cpu in {run.compute.precision}, seed {run.request.seed}. Its regularisation "
        f"strength ({head.strength:g}) and temperature ({head.temperature:.3f}) were chosen by cross-validation on the "
        f"training photos, with a log loss of {head.candidates[head.strength]:.4f}."
    )
    return f"{text} {backbone.credit}".strip()


def _novelty(train: FeaturedPhotos, valid: FeaturedPhotos, seed: int) -> NoveltyDetector:
    """Fit the novelty detector on the inputs of the head: the signed roots of features."""
    kept = train.select(photos_to_keep(train.table.labels, seed))
    return fit_novelty(signed_roots(kept.features.all()), signed_roots(valid.features.all()))


def _describe_dropping(count: int, before: Head, after: Head, valid: FeaturedPhotos) -> str:
    """Report the effect of dropping label errors on the validation photos, which selected nothing."""
    features, labels = valid.features.all(), valid.table.labels
    losses = [log_loss(head.probabilities(features), labels) for head in (before, after)]
    photos = plural(count, "photo with a likely label error", "photos with likely label errors")
    return f"dropped {photos}: validation log loss {losses[0]:.4f} before, {losses[1]:.4f} after"


def _refuse_unsupported(options: TrainOptions) -> None:
    """Refuse options that only other recipes support.

    Raises:
        SettingsError: A time budget or another device was requested.
    """
    if options.minutes is not None:
        raise SettingsError(
            "the recipe features takes no --minutes: it can be stopped at any time, and the next start continues from "
            "the features computed so far; to save time, use --quality fast"
        )
    if options.device not in ("auto", "cpu"):
        raise SettingsError(f"the recipe features runs on the cpu only, not on {options.device!r}; leave out --device")


def open_recipe_backbone(
    settings: FeaturesSettings, precision: str, workspace: Workspace
) -> tuple[Backbone, FeaturesSettings]:
    """Open the backbone of a recipe's settings.

    Args:
        settings: The settings.
        precision: `auto`, `int8` or `fp32`.
        workspace: The cache folder, and who is told what to know of a file.

    Returns:
        The backbone, and the settings with all that repeats it: name, size, scaling and checksum of one from a file.

    Raises:
        ModelError: It cannot be used, or its checksum is not the required one.
        SettingsError: Its settings or the precision do not fit it.
    """
    if not settings.backbone_is_file:
        return open_backbone(settings.backbone, precision, workspace.cache), settings
    options = FileOptions(
        settings.backbone_size, settings.backbone_mean, settings.backbone_std, settings.backbone_output
    )
    if settings.backbone_is_on_hub:
        backbone, file = _open_hub_backbone(settings.backbone, options, precision, workspace)
    else:
        backbone, file = open_backbone_file(Path(settings.backbone), options, precision)
    if file.note:
        workspace.say(file.note)
    required = settings.backbone_sha256
    if required not in ("", file.sha256):
        raise ModelError(f"{settings.backbone}: has SHA-256 {file.sha256}, not {required}; give the file that has it")
    return backbone, replace(
        settings,
        backbone=backbone.name,
        backbone_size=file.options.size,
        backbone_mean=file.options.mean,
        backbone_std=file.options.std,
        backbone_sha256=file.sha256,
    )


def _open_hub_backbone(
    name: str, options: FileOptions, precision: str, workspace: Workspace
) -> tuple[Backbone, FileNetwork]:
    """Open a backbone from the hub, with the size and scaling that its repository names, unless `options` do.

    Raises:
        ModelError: It cannot be downloaded or used.
        SettingsError: The options or the precision do not fit it.
    """
    fetched = fetch_backbone(
        parse_reference(name, takes_file=True),
        workspace.progress,
        most_bytes=MAX_FILE_BYTES,
        with_preprocessing=not (options.size and options.mean),
    )
    usual = FileOptions(fetched.preprocessing.size, fetched.preprocessing.mean, fetched.preprocessing.std)
    backbone, file = open_backbone_file(fetched.path, options, precision, str(fetched.reference), usual)
    if fetched.licence:
        credit = f"Its backbone is {fetched.reference.repository} on the hub, {fetched.licence}."
        backbone = replace(backbone, credit=credit)
    return backbone, file


def _fit(request: TrainRequest, settings: FeaturesSettings, photos: FeaturedPhotos, groups: NDArray[np.int64]) -> Head:
    """Fit the head on training photos.

    Raises:
        DataError: A class has too few photos.
    """
    labels, names = photos.table.labels, photos.table.class_names
    check_pictures(labels, groups, names, str(request.data))
    return fit_head(photos.features, labels, groups, len(names), balance=settings.balance, seed=request.seed)


def _check(runtime: Runtime, fitted: FittedFeatures, wanted: NDArray[np.float32]) -> dict[str, float]:
    """Compare the saved model, on pixels decoded from photo files, with the head on stored features.

    Raises:
        TrainingError: They disagree.
    """
    pixels, rows = [], []
    for i, content in enumerate(fitted.samples):
        decoded = content if isinstance(content, Unreadable) else decode_photo(content, fitted.photos.settings)
        if not isinstance(decoded, Unreadable):  # a file that has vanished since cannot be compared
            pixels.append(decoded)
            rows.append(i)
    if not rows:
        return {}
    difference = float(abs(runtime.probabilities(pixels) - wanted[rows]).max())
    if not difference <= _TOLERANCE:
        raise TrainingError(
            f"the saved model differs from the trained head by {difference:.5f}; it was not saved. Please report this"
        )
    return {runtime.precision: round(difference, 7)}
