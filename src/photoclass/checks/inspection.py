"""Every photo of DATA decoded once: what can be read, what it is, and which ones are odd."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.checks.measures import MEASURES, MEASURES_VERSION, measures_and_fingerprint
from photoclass.photos.cache.decoding import decode_in_processes
from photoclass.photos.cache.names import measures_folder
from photoclass.photos.cache.photo_set import PhotoSet, hash_contents, keep_rows
from photoclass.photos.cache.pixels import open_fingerprints
from photoclass.photos.cache.store import RowStore
from photoclass.photos.table import PhotoTable
from photoclass.workspace import Workspace

# By eye among 20,000 photos of cats and dogs: below these, what is on the photo is hard to tell; there are some ten of
# each kind. Grey levels from 0 to 255, as explained at MEASURES.
_VERY_DARK, _VERY_BRIGHT = 32.0, 225.0
_BLANK_CONTRAST = 5.0
_BLURRED = 15.0
_EXTREME_SHAPE = 3.0  # long side over short side
_TINY_SIDE = 32


@dataclass(frozen=True)
class InspectedPhotos(PhotoSet):
    """Photos with what was measured of each.

    Attributes:
        measures: Shape (N,), of MEASURES.
    """

    measures: NDArray[np.void]

    def _select_fields(self, indices: NDArray[np.int64]) -> dict[str, Any]:
        return {"measures": self.measures[indices]}


@dataclass(frozen=True)
class OddPhoto:
    """A photo that stands out.

    Attributes:
        photo: Its index.
        kind: `blank`, `very dark`, `very bright`, `blurred`, `extreme shape` or `tiny`.
        measure: What was measured, in words.
    """

    photo: int
    kind: str
    measure: str


def inspect_photos(table: PhotoTable, workspace: Workspace) -> InspectedPhotos:
    """Read and decode every photo once, in several processes; what the cache knows of them is taken from there.

    Args:
        table: The photos.
        workspace: The cache folder, the number of workers, and who receives progress reports.

    Raises:
        OutputError: The cache folder cannot be written, or its disk is full.
    """
    table, contents = hash_contents(table, workspace.progress)
    measures_store = RowStore(measures_folder(workspace.cache, MEASURES_VERSION), (1,), MEASURES)
    stores = (measures_store, open_fingerprints(workspace.cache))
    produce = partial(decode_in_processes, make=measures_and_fingerprint, workspace=workspace)
    kept = keep_rows(table, contents, stores, produce)
    measures, prints = kept.rows
    return InspectedPhotos(kept.table, kept.contents, prints, measures.all().reshape(-1))


def find_odd(measures: NDArray[np.void]) -> tuple[OddPhoto, ...]:
    """Find photos that are blank, very dark or bright, blurred, of an extreme shape, or tiny; one photo may be several.

    Args:
        measures: Shape (N,), of MEASURES.

    Returns:
        By kind, the oddest of each first.
    """
    width, height = measures["width"].astype(np.float64), measures["height"].astype(np.float64)
    shorter = np.minimum(width, height)
    shape = np.maximum(width, height) / shorter
    light, contrast, sharpness = measures["light"], measures["contrast"], measures["sharpness"]
    seen = contrast >= _BLANK_CONTRAST  # of what is blank, nothing more is to be said
    kinds = (
        ("blank", ~seen, contrast, "grey levels differ by {:.1f}"),
        ("very dark", seen & (light < _VERY_DARK), light, "mean grey {:.0f} of 255"),
        ("very bright", seen & (light > _VERY_BRIGHT), -light, "mean grey {:.0f} of 255"),
        ("blurred", seen & (sharpness < _BLURRED), sharpness, "sharpest edges {:.0f}, usual 45 to 180"),
        ("extreme shape", shape >= _EXTREME_SHAPE, -shape, "sides 1 : {:.1f}"),
        ("tiny", shorter < _TINY_SIDE, shorter, "shorter side {:.0f} pixels"),
    )
    found = []
    for kind, which, measure, words in kinds:
        rows = np.flatnonzero(which)
        rows = rows[np.argsort(measure[rows], kind="stable")]
        found += [OddPhoto(int(row), kind, words.format(abs(measure[row]))) for row in rows]
    return tuple(found)
