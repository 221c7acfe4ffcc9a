"""Before the loop: DATA is read, decoded or turned into features, and split."""

import dataclasses
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import DataError
from photoclass.photos.cache.pixels import CachedPhotos, cache_photos
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.photos.duplicates.near_duplicates import group_near_duplicates
from photoclass.photos.sources.read import read_data
from photoclass.photos.split import assign_splits, check_splits
from photoclass.photos.table import SPLITS, PhotoTable, count_by_class
from photoclass.text import plural
from photoclass.training.frozen.backbones import Backbone
from photoclass.training.frozen.features import FeaturedPhotos, compute_features
from photoclass.training.frozen.views import augmented_views
from photoclass.training.recipes.augment_settings import AugmentSettings
from photoclass.training.recipes.settings import RecipeSettings
from photoclass.training.run import TrainRequest

Photos = TypeVar("Photos", CachedPhotos, FeaturedPhotos)


def read_table(request: TrainRequest) -> PhotoTable:
    """List the photos of DATA with their labels, and report what was noticed.

    Raises:
        DataError: It cannot be read.
    """
    table = read_data(request.data, request.workspace, request.options.fixes, request.options.reading)
    for note in table.notes:
        request.say(note)
    return table


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
    photos = cache_photos(table, decode_settings(settings), request.workspace)
    _refuse_none(request, photos, table)
    return photos


def extract_features(
    request: TrainRequest, table: PhotoTable, settings: RecipeSettings, backbone: Backbone
) -> FeaturedPhotos:
    """Extract the features, or feature maps, that a backbone gives of photos, or find them in the store.

    Raises:
        DataError: None of the photos can be read.
    """
    photos = compute_features(table, decode_settings(settings), backbone, request.workspace)
    _refuse_none(request, photos, table)
    what = "feature maps" if backbone.gives_maps else "features"
    request.say(f"{what}: {len(photos) - photos.computed:,} of {len(photos):,} from the cache")
    return photos


def extract_augmented(
    request: TrainRequest, photos: FeaturedPhotos, augment: AugmentSettings, backbone: Backbone
) -> FeaturedPhotos:
    """Extract the feature maps of augmented photos, or find them in the store."""
    views = augmented_views(augment)
    augmented = compute_features(photos.table, photos.settings, backbone, request.workspace, views)
    cached = len(augmented) - augmented.computed
    request.say(f"feature maps of augmented photos: {cached:,} of {len(augmented):,} from the cache")
    return augmented


def decode_settings(settings: RecipeSettings) -> DecodeSettings:
    """Return how photos are decoded for a recipe."""
    return DecodeSettings(settings.image_size, settings.resize)


def _refuse_none(request: TrainRequest, photos: CachedPhotos | FeaturedPhotos, table: PhotoTable) -> None:
    if not len(photos):
        raise DataError(f"{request.data}: none of its {len(table):,} files is a readable photo")


def divide_photos(request: TrainRequest, photos: Photos) -> tuple[Photos, NDArray[np.int64]]:
    """Assign every photo to a split; near-duplicates stay together.

    Returns:
        The photos, and the number of each one's group of near-duplicates, shape (N,).

    Raises:
        DataError: A class has too few photos.
    """
    duplicates: NDArray[np.int64] = group_near_duplicates(photos.fingerprints, request.workspace.progress)
    table = photos.table
    splits = assign_splits(photos.contents, duplicates, table.labels, table.splits, request.seed)
    check_splits(splits, table.labels, table.class_names, str(request.data))
    photos = dataclasses.replace(photos, table=dataclasses.replace(table, splits=splits))
    for describe in (_describe_counts, _describe_skipped):
        for line in describe(photos.table):
            request.say(line)
    for line in _describe_duplicates(photos.table, duplicates):
        request.say(line)
    return photos, duplicates


def _describe_counts(table: PhotoTable) -> Iterator[str]:
    classes = ", ".join(f"{count:,} {name}" for name, count in count_by_class(table.labels, table.class_names).items())
    parts = ", ".join(f"{int((table.splits == i).sum()):,} {name}" for i, name in enumerate(SPLITS))
    yield f"{len(table):,} photos ({classes}): {parts}"


def _describe_skipped(table: PhotoTable) -> Iterator[str]:
    if table.skipped:
        example = f"{table.skipped[0].name}: {table.skipped[0].reason}"
        count = plural(len(table.skipped), "file")
        yield f"{count} cannot be used and {'is' if len(table.skipped) == 1 else 'are'} skipped (for example {example})"


def _describe_duplicates(table: PhotoTable, duplicates: NDArray[np.int64]) -> Iterator[str]:
    """Report near-duplicates with different labels, or on both sides of a split that the user made."""
    for values, what, why in (
        (table.labels, "classes", "one of the labels must be wrong"),
        (table.splits, "splits", "this data leakage makes a score too good"),
    ):
        pairs = np.unique(np.stack([duplicates, values.astype(np.int64)]), axis=1)
        groups, counts = np.unique(pairs[0], return_counts=True)
        count = int((counts > 1).sum())
        if count:
            example = table.names[groups[counts > 1][0]]
            are = "is" if count == 1 else "are"
            yield f"{plural(count, 'picture')} {are} in two {what} (for example {example}): {why}"
