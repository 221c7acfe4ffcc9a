"""Where the photos of DATA are for a reader who has the files alone: below a folder, or in an archive or table."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photoclass.errors import DataError
from photoclass.photos.data_paths import DataPaths
from photoclass.photos.sources.archives.kinds import is_tar, is_zip
from photoclass.photos.sources.litter import has_photo_ending
from photoclass.photos.table import PhotoTable

_TABLES = {
    ".csv": "text/csv",
    ".tsv": "text/tsv",
    ".jsonl": "application/jsonlines",
    ".parquet": "application/x-parquet",
    ".arrow": "application/vnd.apache.arrow.file",
}
# Of endings whose media type is not their own name.
_IMAGES = {**dict.fromkeys(("jpg", "jpe", "jfif", "mpo"), "jpeg"), "tif": "tiff"}


@dataclass(frozen=True)
class PhotoPlace:
    """Where a photo is.

    Attributes:
        file: Its path below the folder, or below its container.
        container: The archive or table that holds it; None for a file of its own.
    """

    file: str
    container: Path | None = None


@dataclass(frozen=True)
class ContainerFile:
    """A file of DATA that is no photo: an archive or a table.

    Attributes:
        path: Where it is.
        id: What the metadata calls it.
        holds_files: Whether it is an archive.
    """

    path: Path
    id: str
    holds_files: bool

    def as_json(self, folder: Path) -> dict[str, Any]:
        """Return it as a Croissant FileObject, with its size and its hash.

        Raises:
            DataError: It cannot be read.
        """
        try:
            with open(self.path, "rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            size = self.path.stat().st_size
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read ({error.strerror})") from error
        return {
            "@type": "cr:FileObject",
            "@id": self.id,
            "name": self.id,
            "contentUrl": _below(str(self.path), folder),
            "contentSize": f"{size} B",
            "encodingFormat": _media_type(self.path),
            "sha256": digest,
        }


def common_folder(data: DataPaths, file: Path) -> Path:
    """Return the folder that paths are relative to: that of a file if DATA is below it, else one around DATA."""
    parts = [Path(os.path.realpath(part)) for part in data.parts]
    beside = Path(os.path.realpath(file)).parent
    if all(part.is_relative_to(beside) for part in parts):
        return beside
    return Path(os.path.commonpath([part if part.is_dir() else part.parent for part in parts]))


def find_places(table: PhotoTable, folder: Path) -> list[PhotoPlace]:
    """Return where each photo is.

    Args:
        table: The photos.
        folder: What paths are relative to.
    """
    known: dict[str, Path | None] = {}
    return [_place(name, path, folder, known) for name, path in zip(table.names, table.paths, strict=True)]


def container_files(data: DataPaths, places: Sequence[PhotoPlace]) -> list[ContainerFile]:
    """Return the files that hold photos, and the tables that say their labels, each once."""
    given = [part for part in data.parts if part.is_file()]
    paths = dict.fromkeys([*given, *(place.container for place in places if place.container)])
    names = [path.name for path in paths]
    ids = {path: path.name if names.count(path.name) == 1 else str(path) for path in paths}
    return [ContainerFile(path, ids[path], is_zip(path) or is_tar(path)) for path in paths]


def image_type(file: str) -> str:
    """Return the media type of a photo by its ending; a file without an ending of photos most likely is a JPEG."""
    ending = file.rpartition(".")[2].casefold() if has_photo_ending(file) else "jpeg"
    return f"image/{_IMAGES.get(ending, ending)}"


def _place(name: str, path: str, folder: Path, known: dict[str, Path | None]) -> PhotoPlace:
    """Return where a photo is; `known` has the container of folders in names that were looked at."""
    above = os.path.dirname(name)
    if above not in known:
        known[above] = next((parent for parent in (Path(above), *Path(above).parents) if parent.is_file()), None)
    container = known[above]
    if container:
        return PhotoPlace(Path(name).relative_to(container).as_posix(), container)
    return PhotoPlace(_below(path, folder))


def _below(path: str, folder: Path) -> str:
    return Path(os.path.relpath(os.path.realpath(path), folder)).as_posix()


def _media_type(path: Path) -> str:
    if is_zip(path):
        return "application/zip"
    return "application/x-tar" if is_tar(path) else _TABLES.get(path.suffix.casefold(), "application/octet-stream")
