"""Find the photos of a model folder where they are now: by name, and verified by content."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from photoclass.machine import processors
from photoclass.model.folder import KnownPhoto
from photoclass.photos.cache.photo_set import hash_contents
from photoclass.photos.data_paths import DataPaths
from photoclass.photos.decode import Unreadable, read_file
from photoclass.photos.table import PhotoTable, name_in_data
from photoclass.progress import SILENT, Progress


def find_photos(
    wanted: Sequence[KnownPhoto], table: PhotoTable, data: DataPaths, progress: Progress = SILENT
) -> dict[str, str]:
    """Return name to path of the wanted photos that DATA still has with unchanged content.

    Photos are looked up by name first, which reads no other files. If that fails for most of them, DATA has been
    rearranged, and all of it is read to find them by content.

    Args:
        wanted: The photos to find.
        table: DATA as it is now.
        data: Where DATA is.
        progress: Receives progress reports.
    """
    paths = {name_in_data(name, data): path for name, path in zip(table.names, table.paths, strict=True)}
    candidates = [(photo, _path_of(photo.name, paths)) for photo in wanted]
    with ThreadPoolExecutor(processors()) as pool:
        unchanged = pool.map(lambda pair: bool(pair[1]) and _has_content(pair[1], pair[0].content), candidates)
        found = {photo.name: path for (photo, path), is_same in zip(candidates, unchanged, strict=True) if is_same}
    if 2 * len(found) >= len(wanted):
        return found
    readable, contents = hash_contents(table, progress)
    length = max((len(photo.content) for photo in wanted), default=0)  # the built-in model has short digests
    by_content = {content[:length]: path for content, path in zip(contents, readable.paths, strict=True)}
    return {photo.name: by_content[photo.content] for photo in wanted if photo.content in by_content}


def _path_of(name: str, paths: dict[str, str]) -> str:
    """Return the path of the photo whose name within DATA ends a name with what DATA was called; empty if none does."""
    return next((paths[ending] for ending in _endings(name) if ending in paths), "")


def _endings(name: str) -> Iterator[str]:
    """Give the endings of a path, the longest first: `a/b/c.jpg`, `b/c.jpg`, `c.jpg`."""
    ending = name
    while ending:
        yield ending
        _, _, ending = ending.partition("/")


def _has_content(path: str, content: bytes) -> bool:
    data = read_file(path)
    return not isinstance(data, Unreadable) and hashlib.sha256(data).digest().startswith(content)
