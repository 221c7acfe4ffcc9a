"""Before the loop: DATA is read, decoded or turned into features, and split."""

import dataclasses
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import DataError
from photoclass.photos.cache.details import PhotoDetails
from photoclass.photos.cache.pixels import CachedPhotos, cache_photos, fingerprint_photos
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.photos.duplicates.near_duplicates import group_near_duplicates
from photoclass.photos.groups import groups_of_names, join_groups
from photoclass.photos.sources.read import read_data
from photoclass.photos.split import assign_splits
from photoclass.photos.table import NO_SPLIT, SPLITS, PhotoTable, count_by_class
from photoclass.photos.trainable import sample_of_classes, why_too_few, without_two_pictures
from photoclass.progress import SILENT
from photoclass.text import LINE_WIDTH, listed, plural
from photoclass.training.frozen.backbones import Backbone
from photoclass.training.frozen.features import FeaturedPhotos, compute_features
from photoclass.training.frozen.views import Views
from photoclass.training.recipes.settings import RecipeSettings
from photoclass.training.run import TrainRequest

Photos = TypeVar("Photos", CachedPhotos, FeaturedPhotos)


def read_table(request: TrainRequest) -> PhotoTable:
    """List the photos of DATA with their labels, and report what was noticed.

    What is bound to be refused later is refused here, before anything is computed.

    Raises:
        DataError: It cannot be read, a class has too few different photos, or it has splits and others were requested.
    """
    table = (
        request.table
        if request.table is not None
        else read_data(
            request.data, request.workspace, request.options.fixes, request.options.reading, leave_out=[request.out]
        )
    )
    for note in table.notes:
        request.say(note)
    if request.options.split and (table.splits != NO_SPLIT).any():
        given = ", ".join(f"{int((table.splits == i).sum()):,} {name}" for i, name in enumerate(SPLITS))
        raise DataError(
            f"{request.data}: --split {request.options.split} divides DATA that gives no splits, but this gives some "
            f"({given}); leave --split out, or give DATA without its splits"
        )
    _refuse_too_few(request, table)
    return table


def _refuse_too_few(request: TrainRequest, table: PhotoTable) -> None:
    """Refuse classes of too few photos, or of one picture over and over, by a look at a few photos of each class.

    Raises:
        DataError: They are too few.
    """
    by, where = request.options.reading.group_by, str(request.data)
    _raise_if(why_too_few(table, groups_of_names(table.groups, len(table)), by), where)
    unseen = dataclasses.replace(request.workspace, progress=SILENT)
    sample = fingerprint_photos(table.select(sample_of_classes(table)), unseen)
    suspects = without_two_pictures(
        sample.table, group_near_duplicates(sample.fingerprints, details=PhotoDetails.of(sample))
    )
    if suspects:
        photos = fingerprint_photos(table.select(np.isin(table.labels, suspects)), request.workspace)
        duplicates = group_near_duplicates(photos.fingerprints, details=PhotoDetails.of(photos))
        groups = join_groups(duplicates, photos.table.groups)
        _raise_if(why_too_few(photos.table, groups, by, suspects), where)


def _raise_if(reason: str, where: str) -> None:
    if reason:
        raise DataError(f"{where}: {reason}")


def split_photos(request: TrainRequest, settings: RecipeSettings) -> tuple[CachedPhotos, NDArray[np.int64]]:
    """Read DATA, decode its photos into the cache, and split them, as `divide_photos` does.

    Raises:
        DataError: DATA cannot be read or trained on.
    """
    return divide_photos(request, decode_photos(request, read_table(request), settings))


def decode_photos(request: TrainRequest, table: PhotoTable, settings: RecipeSettings) -> CachedPhotos:
    """Decode photos into the cache.

    Raises:
        DataError: None of them can be read.
    """
    photos = cache_photos(table, decode_settings(settings), request.workspace, fit_greys=True)
    _refuse_none(request, photos, table)
    return photos


def extract_features(
    request: TrainRequest, table: PhotoTable, settings: RecipeSettings, backbone: Backbone
) -> FeaturedPhotos:
    """Extract the features, or feature maps, that a backbone gives of photos, or find them in the store.

    Raises:
        DataError: None of the photos can be read.
    """
    photos = compute_features(table, decode_settings(settings), backbone, request.workspace, fit_greys=True)
    _refuse_none(request, photos, table)
    what = "feature maps" if backbone.gives_maps else "features"
    request.say(f"{what}: {len(photos) - photos.computed:,} of {len(photos):,} from the cache")
    return photos


def extract_augmented(
    request: TrainRequest, photos: FeaturedPhotos, views: Views, backbone: Backbone
) -> FeaturedPhotos:
    """Extract the feature maps of augmented photos, or find them in the store."""
    augmented = compute_features(photos.table, photos.settings, backbone, request.workspace, views)
    cached = len(augmented) - augmented.computed
    request.say(f"feature maps of augmented photos: {cached:,} of {len(augmented):,} from the cache")
    return augmented


def decode_settings(settings: RecipeSettings) -> DecodeSettings:
    """Return how photos are decoded for a recipe."""
    return DecodeSettings(settings.image_size, settings.resize)


def _refuse_none(request: TrainRequest, photos: CachedPhotos | FeaturedPhotos, table: PhotoTable) -> None:
    if not len(photos):
        skipped = photos.table.skipped
        example = f" (for example {skipped[0].name}: {skipped[0].reason})" if skipped else ""
        raise DataError(f"{request.data}: none of its {len(table):,} files is a readable photo{example}")


def divide_photos(request: TrainRequest, photos: Photos) -> tuple[Photos, NDArray[np.int64]]:
    """Assign every photo to a split; near-duplicates stay together, and so do the user's groups.

    Returns:
        The photos, and the number of each one's group of near-duplicates, shape (N,).

    Raises:
        DataError: A class has too few photos.
    """
    progress, details = request.workspace.progress, PhotoDetails.of(photos)
    duplicates: NDArray[np.int64] = group_near_duplicates(photos.fingerprints, progress, details)
    table = photos.table
    groups = join_groups(duplicates, table.groups)
    _raise_if(why_too_few(table, groups, request.options.reading.group_by), str(request.data))
    splits = assign_splits(
        photos.contents,
        groups,
        table.labels,
        table.splits,
        request.seed,
        request.fractions,
        grouped=bool(table.groups),
    )
    photos = dataclasses.replace(photos, table=dataclasses.replace(table, splits=splits))
    for describe in (_describe_counts, _describe_skipped):
        for line in describe(photos.table):
            request.say(line)
    for line in _describe_duplicates(photos.table, duplicates):
        request.say(line)
    return photos, duplicates


def _describe_counts(table: PhotoTable) -> Iterator[str]:
    by_class = count_by_class(table.labels, table.class_names).items()
    parts = ", ".join(f"{int((table.splits == i).sum()):,} {name}" for i, name in enumerate(SPLITS))
    before, after = f"{len(table):,} photos (", f"): {parts}"
    room = LINE_WIDTH - len(before) - len(after)
    yield before + listed([f"{count:,} {name}" for name, count in by_class], "class", "classes", room) + after
    if table.groups:
        yield _describe_groups(table)


def _describe_groups(table: PhotoTable) -> str:
    """Report how the user's groups lie in the splits, and those on two sides of a split that the user made."""
    splits_of: dict[str, set[int]] = {}
    for group, split in zip(table.groups, table.splits.tolist(), strict=True):
        splits_of.setdefault(group, set()).add(split)
    parts = ", ".join(f"{sum(i in splits for splits in splits_of.values()):,} {name}" for i, name in enumerate(SPLITS))
    text = f"{plural(len(splits_of), 'group')}: {parts}"
    torn = [group for group, splits in splits_of.items() if len(splits) > 1]
    if torn:
        are = "is" if len(torn) == 1 else "are"
        text += f"; {len(torn):,} {are} in two splits (for example {torn[0]}): this data leakage makes a score too good"
    return text


def _describe_skipped(table: PhotoTable) -> Iterator[str]:
    if table.skipped:
        count = plural(len(table.skipped), "file")
        yield f"{count} cannot be used and {'is' if len(table.skipped) == 1 else 'are'} skipped: named at the end"


def _describe_duplicates(table: PhotoTable, duplicates: NDArray[np.int64]) -> Iterator[str]:
    """Report near-duplicates with different labels, or on both sides of a split that the user made."""
    for values, what, why in (
        (table.labels, "classes", "one of the labels is probably wrong"),
        (table.splits, "splits", "this data leakage makes a score too good"),
    ):
        pairs = np.unique(np.stack([duplicates, values.astype(np.int64)]), axis=1)
        groups, counts = np.unique(pairs[0], return_counts=True)
        count = int((counts > 1).sum())
        if count:
            example = table.names[groups[counts > 1][0]]
            are = "is" if count == 1 else "are"
            yield f"{plural(count, 'picture')} {are} in two {what} (for example {example}): {why}"
