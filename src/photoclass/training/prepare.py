"""Before the loop: DATA read, decoded into the cache, and divided."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import DataError
from photoclass.photos.cache.pixels import CachedPhotos, cache_photos
from photoclass.photos.decode import DecodeSettings
from photoclass.photos.duplicates.near_duplicates import group_near_duplicates
from photoclass.photos.sources.read import read_data
from photoclass.photos.split import assign_splits, check_splits
from photoclass.photos.table import SPLITS, PhotoTable, count_by_class
from photoclass.progress import Progress
from photoclass.training.augment import AugmentSettings
from photoclass.training.frozen.backbones import Backbone
from photoclass.training.frozen.features import FeaturedPhotos, compute_features
from photoclass.training.frozen.views import augmentations
from photoclass.training.recipes.recipes import FinetuneRecipe, SmallCnnRecipe
from photoclass.training.run import Photos
from photoclass.workspace import Workspace


def split_photos(
    data: Path,
    recipe: SmallCnnRecipe | FinetuneRecipe,
    seed: int,
    workspace: Workspace,
    fixes: Path | None = None,
) -> tuple[CachedPhotos, NDArray[np.int64]]:
    """Read DATA, decode it into the cache, and give every photo its split, as `divide_photos` does.

    Raises:
        DataError: DATA cannot be read or trained on.
    """
    table = read_table(data, workspace, fixes)
    return split_table(table, data, recipe.decode_settings(), seed, workspace)


def split_table(
    table: PhotoTable, data: Path, settings: DecodeSettings, seed: int, workspace: Workspace
) -> tuple[CachedPhotos, NDArray[np.int64]]:
    """Decode the photos of DATA's table into the cache, and give each its split, as `divide_photos` does.

    Raises:
        DataError: None can be read, or a class has too few.
    """
    photos = cache_photos(table, settings, workspace)
    _refuse_none(photos, table, data)
    return divide_photos(photos, data, seed, workspace.progress)


def featured_photos(
    data: Path, backbone: Backbone, settings: DecodeSettings, workspace: Workspace, fixes: Path | None = None
) -> FeaturedPhotos:
    """Read DATA and take it through a pretrained network, or find it in the store.

    Raises:
        DataError: DATA cannot be read or trained on.
    """
    table = read_table(data, workspace, fixes)
    photos = compute_features(table, settings, backbone, workspace)
    _refuse_none(photos, table, data)
    what = "maps" if backbone.gives_maps else "features"
    workspace.say(f"{what}: {len(photos) - photos.computed:,} of {len(photos):,} from the store")
    return photos


def augmented_photos(
    photos: FeaturedPhotos, backbone: Backbone, augment: AugmentSettings, workspace: Workspace
) -> FeaturedPhotos:
    """Take variations of photos through a pretrained network, or find them in the store."""
    augmented = compute_features(photos.table, photos.settings, backbone, workspace, augmentations(augment))
    workspace.say(f"maps of variations: {len(augmented) - augmented.computed:,} of {len(augmented):,} from the store")
    return augmented


def read_table(data: Path, workspace: Workspace, fixes: Path | None = None) -> PhotoTable:
    """Read which photos DATA has, and say what was noticed.

    Raises:
        DataError: It cannot be read.
    """
    table = read_data(data, workspace, fixes)
    for note in table.notes:
        workspace.say(note)
    return table


def _refuse_none(photos: CachedPhotos | FeaturedPhotos, table: PhotoTable, data: Path) -> None:
    if not len(photos):
        raise DataError(f"{data}: none of its {len(table):,} files is a photo that can be read")


def divide_photos(photos: Photos, data: Path, seed: int, progress: Progress) -> tuple[Photos, NDArray[np.int64]]:
    """Give every photo its split; return them with the numbers of their groups of near-duplicates, shape (N,).

    Raises:
        DataError: A class has too few photos.
    """
    duplicates: NDArray[np.int64] = group_near_duplicates(photos.fingerprints, progress)
    given = photos.table.splits
    splits = assign_splits(photos.contents, duplicates, photos.table.labels, given, seed)
    check_splits(splits, photos.table.labels, photos.table.class_names, str(data))
    photos = dataclasses.replace(photos, table=dataclasses.replace(photos.table, splits=splits))
    for line in (*_words_on_photos(photos), *_words_on_unreadable(photos), *_describe_duplicates(photos, duplicates)):
        progress.say(line)
    return photos, duplicates


def _words_on_photos(photos: CachedPhotos | FeaturedPhotos) -> Iterator[str]:
    table = photos.table
    classes = ", ".join(f"{count:,} {name}" for name, count in count_by_class(table.labels, table.class_names).items())
    parts = ", ".join(f"{int((table.splits == i).sum()):,} {name}" for i, name in enumerate(SPLITS))
    yield f"{len(photos):,} photos ({classes}): {parts}"


def _words_on_unreadable(photos: CachedPhotos | FeaturedPhotos) -> Iterator[str]:
    unreadable = photos.table.skipped
    if unreadable:
        example = f"{unreadable[0].name}: {unreadable[0].reason}"
        yield f"{len(unreadable):,} files cannot be used and are skipped (as {example})"


def _describe_duplicates(photos: CachedPhotos | FeaturedPhotos, duplicates: NDArray[np.int64]) -> Iterator[str]:
    """Say where the same picture stands in two classes or on both sides of a split that the user made."""
    table = photos.table
    for values, what, why in (
        (table.labels, "classes", "one of the labels must be wrong"),
        (table.splits, "splits", "a score on them is flattered"),
    ):
        pairs = np.unique(np.stack([duplicates, values.astype(np.int64)]), axis=1)
        groups, counts = np.unique(pairs[0], return_counts=True)
        if (counts > 1).any():
            example = table.names[groups[counts > 1][0]]
            yield f"{int((counts > 1).sum()):,} pictures stand in two {what} (as {example}): {why}"
