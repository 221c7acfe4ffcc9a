"""What a pretrained backbone sees in each photo, computed once and kept by the photo's content.

Photos are decoded in threads while the network runs, and their pixels are kept nowhere: 20,000 photos at 260 px would
be 4 GB, their features are 50 MB. What a killed run had computed is there for the next one.
"""

import re
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
from photoclass.model.engine import usual_precision
from photoclass.photos.cache.pixels import decode_first, decode_key, hash_contents, open_fingerprints
from photoclass.photos.cache.store import Rows, RowStore, Shard, write_row
from photoclass.photos.decode import DecodeSettings, Pixels, Unreadable
from photoclass.photos.prefetch import prefetch
from photoclass.photos.table import PhotoTable, SkippedPhoto
from photoclass.training.frozen.backbones import Backbone
from photoclass.training.frozen.views import ALONE, WITH_MIRROR, Views
from photoclass.workspace import Workspace

_ENTER_EVERY = 512  # photos whose work a kill may cost
# Three digits are far finer than what an int8 or bf16 network means by its numbers, and halve disk and reading time.
FEATURE_DTYPE = np.float16
_FLOAT16_MAX = 65504.0
# In the name of a folder, the name of a backbone's file is there for people: its digest decides.
_UNSAFE, _NAME_LENGTH = re.compile(r"[^A-Za-z0-9+._-]"), 40


@dataclass(frozen=True)
class FeaturedPhotos:
    """Photos whose features are at hand.

    Attributes:
        table: The photos that could be read; the others stand in `table.skipped`.
        contents: SHA-256 of each photo file, 32 bytes.
        features: Row i is photo i: shape (width,), float16; where a backbone was shown several
            views of each photo, shape (views, ...).
        fingerprints: Row i is photo i: shape (32, 32), uint8, for finding near-duplicates.
        settings: How they were decoded.
        computed: How many of them the store did not hold.
    """

    table: PhotoTable
    contents: tuple[bytes, ...]
    features: Rows
    fingerprints: Rows
    settings: DecodeSettings
    computed: int = 0

    def __len__(self) -> int:
        return len(self.table)

    def select(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> "FeaturedPhotos":
        """Return these photos alone (indices or a mask)."""
        indices = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        return FeaturedPhotos(
            self.table.select(indices),
            tuple(self.contents[i] for i in indices),
            self.features.select(indices),
            self.fingerprints.select(indices),
            self.settings,
        )


def compute_features(
    table: PhotoTable,
    settings: DecodeSettings,
    backbone: Backbone,
    workspace: Workspace,
    views: Views | None = None,
) -> FeaturedPhotos:
    """Compute the features that the store does not hold yet, and return those of all photos that can be read.

    Args:
        table: The photos.
        settings: How to decode them.
        backbone: What computes the features.
        workspace: The cache folder, the number of workers, and who receives progress reports.
        views: What the backbone is shown of each photo; None for the photo alone, or, of one that gives maps, with its
            mirror image.

    Raises:
        OutputError: The cache folder cannot be written, or its disk is full; what it held stays readable.
        ModelError: The backbone cannot be used.
    """
    views = views or (WITH_MIRROR if backbone.gives_maps else ALONE)
    table, contents = hash_contents(table, workspace.progress)
    stores = _open_stores(settings, backbone, views, workspace.cache)
    features, prints = (store.find(contents) for store in stores)
    missing: dict[bytes, list[str]] = {}
    for i in np.flatnonzero(features.missing | prints.missing):
        missing.setdefault(contents[i], []).append(table.paths[i])
    if missing:
        failed = _compute_missing(missing, stores, settings, backbone, views, workspace)
        bad = [SkippedPhoto(table.names[i], failed[c]) for i, c in enumerate(contents) if c in failed]
        kept = np.array([c not in failed for c in contents], dtype=np.bool_)
        table = table.select(kept).with_skipped(bad)
        contents = tuple(c for c in contents if c not in failed)
        features, prints = (store.find(contents) for store in stores)
    computed = sum(content in missing for content in contents)
    return FeaturedPhotos(table, contents, features, prints, settings, computed)


def _open_stores(settings: DecodeSettings, backbone: Backbone, views: Views, cache: Path) -> tuple[RowStore, RowStore]:
    """Open the stores of features and fingerprints. The folder's name has all that decides a row, besides content."""
    name = "-".join(filter(None, (_UNSAFE.sub("_", backbone.name)[:_NAME_LENGTH], views.name)))
    computes_in = f"{backbone.precision}-{usual_precision()}"  # an int8 network's other layers differ, too
    name = f"{name}-{computes_in}-{backbone.digest[:16]}-{decode_key(settings)}"
    shape = backbone.row_shape if views.count is None else (views.count, *backbone.row_shape)
    kind, dtype = ("maps", np.uint8) if backbone.gives_maps else ("features", FEATURE_DTYPE)
    return RowStore(cache / kind / name, shape, dtype), open_fingerprints(cache)


def _compute_missing(
    missing: dict[bytes, list[str]],
    stores: tuple[RowStore, RowStore],
    settings: DecodeSettings,
    backbone: Backbone,
    views: Views,
    workspace: Workspace,
) -> dict[bytes, str]:
    """Take photos (content to the paths of its copies) through decoder and backbone into the stores.

    Returns:
        Why, of those that failed.
    """
    contents = list(missing)
    failed: dict[bytes, str] = {}
    inside: deque[tuple[bytes, Pixels]] = deque()  # content and fingerprint of photos on their way through the network
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
                    inside.append((content, result[1]))
                    yield from result[0]

        writer = _Writer(stores, features, prints)
        rows = backbone.engine.rows(pixels())
        for row in rows if views.count is None else _joined(rows, views.count):
            content, fingerprint = inside.popleft()
            writer.write(content, row, fingerprint)
            task.advance()
        writer.enter()
    return failed


def _joined(rows: Iterator[NDArray[Any]], count: int) -> Iterator[NDArray[Any]]:
    """Join what the network gives for the views of each photo, which follow each other."""
    while views := list(islice(rows, count)):
        yield np.stack(views)


class _Writer:
    """Writes rows into the shards of two stores, and enters them now and then."""

    def __init__(self, stores: tuple[RowStore, RowStore], features: Shard, prints: Shard) -> None:
        self._stores, self._shards = stores, (features, prints)
        self._row = 0
        self._written: list[tuple[bytes, int]] = []

    def write(self, content: bytes, values: NDArray[Any], fingerprint: Pixels) -> None:
        """Write one photo's rows."""
        if not np.isfinite(values).all():
            raise ModelError("the backbone gives values that are not numbers; give another --backbone")
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
        """Make what was written known to all."""
        for shard in self._shards:
            shard.enter(self._written)
        self._written = []


def _decode(
    content: bytes, missing: dict[bytes, list[str]], settings: DecodeSettings, views: Views
) -> tuple[Sequence[Pixels], Pixels] | Unreadable:
    """Decode a photo to its views and its fingerprint."""
    decoded = decode_first(missing[content], content, settings)
    return decoded if isinstance(decoded, Unreadable) else (views.make(content, decoded[0]), decoded[1])
