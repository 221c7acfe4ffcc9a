"""Zips and tars of photos: unpacked once into the cache, and only if they are safe."""

from pathlib import Path

from photoclass.photos.cache.unpacked import Unpacked
from photoclass.photos.sources.archives.kinds import is_tar
from photoclass.photos.sources.archives.unpack_tar import unpack_tar
from photoclass.photos.sources.archives.unpack_zip import unpack_zip
from photoclass.workspace import Workspace


def unpack(archive: Path, workspace: Workspace) -> Unpacked:
    """Unpack a zip or tar into the cache, unless it is there already.

    Raises:
        ArchiveError: It is neither or is damaged, a name or link in it leads outside, two members have the same name,
            or it is a bomb. Nothing of it is kept then.
        OutputError: The cache cannot be written.
    """
    return unpack_tar(archive, workspace) if is_tar(archive) else unpack_zip(archive, workspace)
