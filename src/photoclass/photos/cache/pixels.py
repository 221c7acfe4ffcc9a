"""The pixel cache: every photo is decoded once, found again by its content, and read through memory mapping."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.cache import names
from photoclass.photos.cache.decoding import decode_in_processes
from photoclass.photos.cache.grey_range import fit_grey_bits
from photoclass.photos.cache.photo_set import PhotoSet, hash_contents, keep_rows, read_first
from photoclass.photos.cache.store import Rows, RowStore
from photoclass.photos.decode import Pixels, Unreadable, decode_picture
from photoclass.photos.decode_settings import DEFAULT_RULES, DecodeSettings, PictureRules
from photoclass.photos.duplicates.fingerprint import FINGERPRINT_SIDE, FINGERPRINT_VERSION, fingerprint
from photoclass.photos.resize import to_square
from photoclass.photos.table import PhotoTable
from photoclass.workspace import Workspace

_FINGERPRINTED_SIDE = 8 * FINGERPRINT_SIDE  # a JPEG is decoded no larger than this asks for


@dataclass(frozen=True)
class CachedPhotos(PhotoSet):
    """Photos with their pixels.

    Attributes:
        pixels: Row i is photo i: shape (image_size, image_size, 3), uint8 RGB.
        settings: How they were decoded.
    """

    pixels: Rows
    settings: DecodeSettings

    def picture_rules(self) -> PictureRules:
        """Return how the photos were decoded."""
        return self.settings.rules

    def _select_fields(self, indices: NDArray[np.int64]) -> dict[str, Any]:
        return {"pixels": self.pixels.select(indices)}


def cache_photos(
    table: PhotoTable, settings: DecodeSettings, workspace: Workspace, *, fit_greys: bool = False
) -> CachedPhotos:
    """Decode the photos that the cache does not hold yet, in several processes, and return them all.

    Args:
        table: The photos.
        settings: How to decode them.
        fit_greys: Choose the range of wide greys by what these photos reach, and report it.
        workspace: The cache folder, the number of processes, and who receives progress reports.

    Raises:
        OutputError: The cache folder cannot be written, or its disk is full.
    """
    table, contents = hash_contents(table, workspace.progress)
    settings = fit_settings(settings, table, contents, workspace, fit_greys=fit_greys)
    side = settings.image_size
    pixels = RowStore(names.pixels_folder(workspace.cache, settings), (side, side, 3), np.uint8)
    make = partial(_pixels_and_fingerprint, settings=settings)
    produce = partial(decode_in_processes, make=make, workspace=workspace)
    prints_store = open_fingerprints(workspace.cache, settings.rules)
    kept = keep_rows(table, contents, (pixels, prints_store), produce)
    rows, prints = kept.rows
    return CachedPhotos(kept.table, kept.contents, prints, rows, settings)


def fingerprint_photos(table: PhotoTable, workspace: Workspace) -> PhotoSet:
    """Return photos with their fingerprints alone, for a look at a few of them before anything else is computed.

    Args:
        table: The photos.
        workspace: The cache folder, the number of processes, and who receives progress reports.

    Raises:
        OutputError: The cache folder cannot be written, or its disk is full.
    """
    table, contents = hash_contents(table, workspace.progress)
    rules = DEFAULT_RULES.limited(workspace.max_pixels)
    produce = partial(decode_in_processes, make=partial(_fingerprint_alone, rules=rules), workspace=workspace)
    kept = keep_rows(table, contents, (open_fingerprints(workspace.cache, rules),), produce)
    return PhotoSet(kept.table, kept.contents, kept.rows[0])


def fit_settings(
    settings: DecodeSettings,
    table: PhotoTable,
    contents: tuple[bytes, ...],
    workspace: Workspace,
    *,
    fit_greys: bool,
) -> DecodeSettings:
    """Return the settings with the workspace's limit of pixels, and the range that the wide greys of photos reach.

    Args:
        settings: How photos are decoded.
        table: The photos.
        contents: SHA-256 of each photo file.
        workspace: The limit, the cache folder, and who is told which range was chosen.
        fit_greys: Whether to choose the range.
    """
    settings = settings.limited(workspace.max_pixels)
    if not fit_greys:
        return settings
    bits, note = fit_grey_bits(table, contents, workspace)
    if note:
        workspace.say(note)
    return settings.with_grey_bits(bits)


def open_fingerprints(cache: Path, rules: PictureRules) -> RowStore:
    """Open the store of fingerprints, which are the same for every image size."""
    side = FINGERPRINT_SIDE
    return RowStore(names.fingerprints_folder(cache, FINGERPRINT_VERSION, rules.grey_bits), (side, side), np.uint8)


def decode_first(paths: list[str], content: bytes, settings: DecodeSettings) -> tuple[Pixels, Pixels] | Unreadable:
    """Decode the first copy of a photo that still has this content.

    Returns:
        The network's input pixels, and the fingerprint for finding near-duplicates; or why the photo cannot be read.
    """
    data = read_first(paths, content)
    return data if isinstance(data, Unreadable) else _pixels_and_fingerprint(data, settings)


def _fingerprint_alone(data: bytes, rules: PictureRules) -> tuple[Pixels] | Unreadable:
    picture = decode_picture(data, _FINGERPRINTED_SIDE, rules)
    return picture if isinstance(picture, Unreadable) else (fingerprint(picture),)


def _pixels_and_fingerprint(data: bytes, settings: DecodeSettings) -> tuple[Pixels, Pixels] | Unreadable:
    picture = decode_picture(data, settings.least_side, settings.rules)
    if isinstance(picture, Unreadable):
        return picture
    return to_square(picture, settings), fingerprint(picture)
