"""The photos of a model folder, found again where they lie now: by name, and surely by content."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from photoclass.machine import processors
from photoclass.model.folder import KnownPhoto
from photoclass.photos.cache.pixels import hash_contents
from photoclass.photos.decode import Unreadable, read_file
from photoclass.photos.fixes import name_in_data
from photoclass.photos.table import PhotoTable
from photoclass.progress import SILENT, Progress


def find_photos(
    wanted: Sequence[KnownPhoto], table: PhotoTable, data: str, progress: Progress = SILENT
) -> dict[str, str]:
    """Return name to path of the wanted photos that DATA still holds, each with the very content that it had.

    They are looked for by name first, which reads no other photo. Where that fails for most, DATA has been
    arranged again, and all of it is read to find them by content.

    Args:
        wanted: What to find.
        table: DATA as it lies now.
        data: What DATA is called.
        progress: Hears of the reading.
    """
    paths = {name_in_data(name, data): path for name, path in zip(table.names, table.paths, strict=True)}
    prefix = _prefix(wanted, paths)
    candidates = [(photo, paths.get(photo.name.removeprefix(prefix), "")) for photo in wanted]
    with ThreadPoolExecutor(processors()) as pool:
        same = pool.map(lambda pair: bool(pair[1]) and _has_content(pair[1], pair[0].content), candidates)
        found = {photo.name: path for (photo, path), is_same in zip(candidates, same, strict=True) if is_same}
    if 2 * len(found) >= len(wanted):
        return found
    readable, contents = hash_contents(table, progress)
    by_content = dict(zip(contents, readable.paths, strict=True))
    return {photo.name: by_content[photo.content] for photo in wanted if photo.content in by_content}


def _prefix(wanted: Sequence[KnownPhoto], paths: dict[str, str]) -> str:
    """Return what stood before the names within DATA, as `photos.zip/`."""
    for photo in wanted:
        for rest in _endings(photo.name):
            if rest in paths:
                return photo.name.removesuffix(rest)
    return ""


def _endings(name: str) -> Iterator[str]:
    """Give the endings of a path, the longest first: `a/b/c.jpg`, `b/c.jpg`, `c.jpg`."""
    rest = name
    while rest:
        yield rest
        _, _, rest = rest.partition("/")


def _has_content(path: str, content: bytes) -> bool:
    data = read_file(path)
    return not isinstance(data, Unreadable) and hashlib.sha256(data).digest() == content
