"""Every photo of DATA decoded once: which files can be read, what they are, and which photos are outliers."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.checks.measures import MEASURES, MEASURES_VERSION, measures_and_fingerprint
from photoclass.photos.cache.decoding import decode_in_processes
from photoclass.photos.cache.grey_range import fit_grey_bits
from photoclass.photos.cache.names import measures_folder
from photoclass.photos.cache.photo_set import PhotoSet, hash_contents, keep_rows
from photoclass.photos.cache.pixels import open_fingerprints
from photoclass.photos.cache.store import RowStore
from photoclass.photos.decode_settings import DEFAULT_RULES, PictureRules
from photoclass.photos.formats.wide_grey import bits_to_read
from photoclass.photos.table import PhotoTable
from photoclass.workspace import Workspace

# Chosen by eye among 20,000 photos of cats and dogs: beyond these, it is hard to see what is in the photo; about ten
# photos of each kind are. Grey levels from 0 to 255, as explained at MEASURES.
_VERY_DARK, _VERY_BRIGHT = 32.0, 225.0
_BLANK_CONTRAST = 5.0
_BLURRED = 15.0
_ODD_ASPECT_RATIO = 3.0  # longer side to shorter side
_TINY_SIDE = 32


@dataclass(frozen=True)
class InspectedPhotos(PhotoSet):
    """Photos with the measures of each.

    Attributes:
        measures: Shape (N,), dtype MEASURES.
        rules: How their files were read.
    """

    measures: NDArray[np.void]
    rules: PictureRules = DEFAULT_RULES

    def picture_rules(self) -> PictureRules:
        """Return how the photos were decoded."""
        return self.rules

    def _select_fields(self, indices: NDArray[np.int64]) -> dict[str, Any]:
        return {"measures": self.measures[indices]}


@dataclass(frozen=True)
class OddPhoto:
    """An outlier.

    Attributes:
        photo: Its index.
        kind: `blank`, `very dark`, `very bright`, `blurred`, `odd aspect ratio` or `tiny`.
        measure: What was measured, as text.
    """

    photo: int
    kind: str
    measure: str


def inspect_photos(table: PhotoTable, workspace: Workspace) -> InspectedPhotos:
    """Read and decode every photo once, in several processes; what the cache holds is not decoded again.

    Args:
        table: The photos.
        workspace: The cache folder, the number of processes, and who receives progress reports.

    Raises:
        OutputError: The cache folder cannot be written, or its disk is full.
    """
    table, contents = hash_contents(table, workspace.progress)
    bits, note = fit_grey_bits(table, contents, workspace)
    rules = PictureRules(bits).limited(workspace.max_pixels)
    measures_store = RowStore(measures_folder(workspace.cache, MEASURES_VERSION, bits), (1,), MEASURES)
    stores = (measures_store, open_fingerprints(workspace.cache, rules))
    produce = partial(decode_in_processes, make=partial(measures_and_fingerprint, rules=rules), workspace=workspace)
    kept = keep_rows(table, contents, stores, produce)
    measures, prints = kept.rows
    table = replace(kept.table, notes=(*kept.table.notes, note)) if note else kept.table
    return InspectedPhotos(table, kept.contents, prints, measures.all().reshape(-1), rules)


def find_odd(measures: NDArray[np.void], grey_bits: int | None = None) -> tuple[OddPhoto, ...]:
    """Find photos that are blank, very dark or bright, blurred, tiny, or of an odd aspect ratio.

    A photo may be of several of these kinds.

    Args:
        measures: Shape (N,), dtype MEASURES.
        grey_bits: The bits that wide greys were read as, see `wide_grey.bits_to_read`.

    Returns:
        By kind, the most extreme of each kind first.
    """
    width, height = measures["width"].astype(np.float64), measures["height"].astype(np.float64)
    shorter = np.minimum(width, height)
    aspect_ratio = np.maximum(width, height) / shorter
    brightness, contrast, sharpness = measures["brightness"], measures["contrast"], measures["sharpness"]
    visible = contrast >= _BLANK_CONTRAST  # a blank photo is reported as nothing but blank
    kinds = (
        ("blank", ~visible, contrast, "standard deviation of grey levels {:.1f}"),
        ("very dark", visible & (brightness < _VERY_DARK), brightness, "mean grey level {:.0f} of 255"),
        ("very bright", visible & (brightness > _VERY_BRIGHT), -brightness, "mean grey level {:.0f} of 255"),
        ("blurred", visible & (sharpness < _BLURRED), sharpness, "sharpest edges {:.0f}, usually 45 to 180"),
        ("odd aspect ratio", aspect_ratio >= _ODD_ASPECT_RATIO, -aspect_ratio, "aspect ratio {:.1f} : 1"),
        ("tiny", shorter < _TINY_SIDE, shorter, "shorter side {:.0f} pixels"),
    )
    found = []
    for kind, which, measure, text in kinds:
        rows = np.flatnonzero(which)
        rows = rows[np.argsort(measure[rows], kind="stable")]
        found += [
            OddPhoto(int(row), kind, text.format(abs(measure[row])) + _cause(kind, measures[row], grey_bits))
            for row in rows
        ]
    return tuple(found)


def _cause(kind: str, measures: np.void, grey_bits: int | None) -> str:
    """Return what may have made a photo odd, if its file shows it."""
    if kind in ("blank", "very bright") and measures["is_animated"]:
        return "; an animation, of which the first frame is used"
    if kind in ("blank", "very dark") and measures["highest"]:
        highest = int(measures["highest"])
        return f"; values reach {highest:,} of {(1 << bits_to_read(highest, grey_bits)) - 1:,}"
    return ""
