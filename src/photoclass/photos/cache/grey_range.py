"""The range of wide greys in a set of photos: the number of bits that the brightest of them reaches."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from photoclass.photos.cache.decoding import decode_in_processes
from photoclass.photos.cache.names import levels_folder
from photoclass.photos.cache.photo_set import keep_rows
from photoclass.photos.cache.store import RowStore
from photoclass.photos.decode import Unreadable, decode_with_origin
from photoclass.photos.formats.wide_grey import bits_of, describe_greys, is_wide, may_be_wide
from photoclass.photos.table import PhotoTable
from photoclass.workspace import Workspace

_HEAD = 32


def fit_grey_bits(table: PhotoTable, contents: tuple[bytes, ...], workspace: Workspace) -> tuple[int | None, str]:
    """Return the bits that the wide greys of a set reach, if their files do not say it.

    Only a set can tell a dark picture from one of fewer bits. The highest value of each photo is cached by content.

    Args:
        table: The photos, all of which can be read as files.
        contents: SHA-256 of each photo file.
        workspace: The cache folder, the number of processes, and who receives progress reports.

    Returns:
        The bits, None if there is no such photo; and a line that says how they are read, empty if all as 16 bits.

    Raises:
        OutputError: The cache folder cannot be written, or its disk is full.
    """
    rows = np.array([i for i, path in enumerate(table.paths) if may_be_wide(_read_head(path))], dtype=np.int64)
    if not len(rows):
        return None, ""
    store = RowStore(levels_folder(workspace.cache), (1,), np.uint32)
    produce = partial(decode_in_processes, make=_highest, workspace=workspace)
    kept = keep_rows(table.select(rows), tuple(contents[i] for i in rows), (store,), produce)
    highest = kept.rows[0].all().reshape(-1)
    values = [value for value in highest.tolist() if value]
    if not values:
        return None, ""
    bits = bits_of(max(values))
    return bits, describe_greys(values, bits)


def _read_head(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read(_HEAD)
    except OSError:  # it has vanished since, which is reported where it is read as a whole
        return b""


def _highest(data: bytes) -> tuple[NDArray[np.uint32]] | Unreadable:
    if not is_wide(data):
        return (np.zeros(1, dtype=np.uint32),)
    decoded = decode_with_origin(data, 1)
    return decoded if isinstance(decoded, Unreadable) else (np.array([decoded[1].highest], dtype=np.uint32),)
