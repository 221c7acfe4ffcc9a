"""Listing a part of DATA or of PHOTOS: a folder, or a zip or tar that is unpacked first."""

from collections.abc import Sequence
from pathlib import Path

from photoclass.errors import DataError
from photoclass.photos.sources.archives.kinds import is_archive, why_no_archive
from photoclass.photos.sources.archives.unpack import unpack
from photoclass.photos.sources.data_parts import DataPart
from photoclass.photos.sources.listing import Listing, list_files
from photoclass.workspace import Workspace


def list_part(path: Path, workspace: Workspace, leave_out: Sequence[Path]) -> DataPart:
    """List a folder, zip or tar."""
    if path.is_dir():
        return DataPart(path, str(path), list_files(str(path), [str(folder) for folder in leave_out]))
    if path.is_file() and is_archive(path):
        return DataPart(path, *list_archive(path, workspace))
    kind = why_no_archive(path) if path.is_file() else "not a folder, a zip, a tar or a table; give one of these"
    raise DataError(f"{path}: {kind}")


def list_archive(archive: Path, workspace: Workspace) -> tuple[str, Listing]:
    """Return the folder that a zip or tar is unpacked in, and what it holds."""
    unpacked = unpack(archive, workspace)
    listing = list_files(str(unpacked.folder))
    listing.kinds |= unpacked.litter
    listing.notes[:0] = [f"{archive}: {note}" for note in unpacked.notes]
    return str(unpacked.folder), listing
