"""Features of photos from a pretrained backbone, computed once and cached by the photo's content.

Photos are decoded in threads while the network runs, and their pixels are not stored: 20,000 photos at 260 px would
take 4 GB, their features take 50 MB. After a kill, the next run continues with the features computed so far.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError
from photoclass.photos.cache.names import features_folder
from photoclass.photos.cache.photo_set import Missing, PhotoSet, hash_contents, keep_rows
from photoclass.photos.cache.pixels import decode_first, fit_settings, open_fingerprints
from photoclass.photos.cache.store import Rows, RowStore, Shard, write_row
from photoclass.photos.decode import Pixels, Unreadable
from photoclass.photos.decode_settings import DecodeSettings, PictureRules
from photoclass.photos.prefetch import prefetch
from photoclass.photos.table import PhotoTable
from photoclass.training.frozen.backbones import Backbone
from photoclass.training.frozen.views import ALONE, WITH_MIRROR, Views
from photoclass.workspace import Workspace

_ENTER_EVERY = 512  # the number of photos whose features a kill may cost
# Three significant digits are far more than an int8 or bf16 network's precision, and halve disk space and reading time.
FEATURE_DTYPE = np.float16
_FLOAT16_MAX = 65504.0


@dataclass(frozen=True)
class FeaturedPhotos(PhotoSet):
    """Photos with their features.

    Attributes:
        features: Row i belongs to photo i: shape (width,), float16; with several views per photo, shape (views, ...).
        settings: How they were decoded.
        computed: How many were not in the cache before; 0 for a selection.
    """

    features: Rows
    settings: DecodeSettings
    computed: int = 0

    def picture_rules(self) -> PictureRules:
        """Return how the photos were decoded."""
        return self.settings.rules

    def _select_fields(self, indices: NDArray[np.int64]) -> dict[str, Any]:
        return {"features": self.features.select(indices), "computed": 0}


def compute_features(
    table: PhotoTable,
    settings: DecodeSettings,
    backbone: Backbone,
    workspace: Workspace,
    views: Views | None = None,
    *,
    fit_greys: bool = False,
) -> FeaturedPhotos:
    """Return the features of all photos that can be read; those not in the cache yet are computed.

    Args:
        table: The photos.
        settings: How to decode them.
        backbone: What computes the features.
        workspace: The cache folder, the number of workers, and who receives progress reports.
        views: Views of each photo to run the backbone on; None for the photo alone, or, if the backbone returns feature
            maps, for the photo and its mirror image.
        fit_greys: Choose the range of wide greys by what these photos reach, and report it.

    Raises:
        OutputError: The cache folder cannot be written, or the disk is full; what it held before stays readable.
        ModelError: The backbone cannot be used.
    """
    views = views or (WITH_MIRROR if backbone.gives_maps else ALONE)
    table, contents = hash_contents(table, workspace.progress)
    settings = fit_settings(settings, table, contents, workspace, fit_greys=fit_greys)
    prints_store = open_fingerprints(workspace.cache, settings.rules)
    stores = (_open_features(settings, backbone, views, workspace.cache), prints_store)
    produce = partial(_compute_missing, settings=settings, backbone=backbone, views=views, workspace=workspace)
    kept = keep_rows(table, contents, stores, produce)
    features, prints = kept.rows
    return FeaturedPhotos(kept.table, kept.contents, prints, features, settings, kept.made)


def _open_features(settings: DecodeSettings, backbone: Backbone, views: Views, cache: Path) -> RowStore:
    """Open the store of features or feature maps."""
    folder = features_folder(
        cache,
        backbone.name,
        backbone.digest,
        settings,
        precision=backbone.precision,
        views=views.name,
        maps=backbone.gives_maps,
    )
    shape = backbone.row_shape if views.count is None else (views.count, *backbone.row_shape)
    return RowStore(folder, shape, np.uint8 if backbone.gives_maps else FEATURE_DTYPE)


def _compute_missing(
    missing: Missing,
    stores: Sequence[RowStore],
    settings: DecodeSettings,
    backbone: Backbone,
    views: Views,
    workspace: Workspace,
) -> dict[bytes, str]:
    """Decode photos (content to the paths of its copies), run the backbone, and write the results to the stores.

    Returns:
        The reason for each photo that failed, by content.
    """
    contents = list(missing)
    failed: dict[bytes, str] = {}
    in_flight: deque[tuple[bytes, Pixels]] = deque()  # content and fingerprint of photos that the network has
    with (
        stores[0].new_shard() as features,
        stores[1].new_shard() as prints,
        workspace.task("Computing features", len(contents)) as task,
        ThreadPoolExecutor(workspace.worker_count) as pool,
    ):

        def pixels() -> Iterator[Pixels]:
            decode = partial(_decode, missing=missing, settings=settings, views=views)
            for content, result in zip(contents, prefetch(pool, decode, contents), strict=True):
                if isinstance(result, Unreadable):
                    failed[content] = result.reason
                    task.advance()
                else:
                    in_flight.append((content, result[1]))
                    yield from result[0]

        writer = _Writer(stores, features, prints)
        rows = backbone.engine.rows(pixels())
        for row in rows if views.count is None else _stack_views(rows, views.count):
            content, fingerprint = in_flight.popleft()
            writer.write(content, row, fingerprint)
            task.advance()
        writer.enter()
    return failed


def _stack_views(rows: Iterator[NDArray[Any]], count: int) -> Iterator[NDArray[Any]]:
    """Stack the network's consecutive outputs for the views of each photo."""
    while views := list(islice(rows, count)):
        yield np.stack(views)


class _Writer:
    """Writes rows into the shards of two stores, and enters them into the index from time to time."""

    def __init__(self, stores: Sequence[RowStore], features: Shard, prints: Shard) -> None:
        self._stores, self._shards = stores, (features, prints)
        self._row = 0
        self._written: list[tuple[bytes, int]] = []

    def write(self, content: bytes, values: NDArray[Any], fingerprint: Pixels) -> None:
        """Write one photo's rows."""
        if not np.isfinite(values).all():
            raise ModelError("the backbone returns NaN or infinity; choose another --backbone")
        if values.dtype != np.uint8:
            values = np.clip(values, -_FLOAT16_MAX, _FLOAT16_MAX).astype(FEATURE_DTYPE)
        with self._stores[0].using():
            write_row(self._shards[0].descriptor, self._row, values)
            write_row(self._shards[1].descriptor, self._row, fingerprint)
        self._written.append((content, self._row))
        self._row += 1
        if len(self._written) >= _ENTER_EVERY:
            self.enter()

    def enter(self) -> None:
        """Enter the written rows into the index, where other processes find them."""
        for shard in self._shards:
            shard.enter(self._written)
        self._written = []


def _decode(
    content: bytes, missing: Missing, settings: DecodeSettings, views: Views
) -> tuple[Sequence[Pixels], Pixels] | Unreadable:
    """Decode a photo to its views and its fingerprint."""
    decoded = decode_first(missing[content], content, settings)
    return decoded if isinstance(decoded, Unreadable) else (views.make(content, decoded[0]), decoded[1])
