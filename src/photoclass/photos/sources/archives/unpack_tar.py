"""Tars of photos, unpacked into the cache."""

import hashlib
from pathlib import Path

from photoclass.errors import ArchiveError
from photoclass.photos.cache.unpacked import Unpacked, UnpackedRecord, unpack_once
from photoclass.photos.sources.archives.safety import safe_parts
from photoclass.photos.sources.archives.tar import TarMember, TarReader
from photoclass.photos.sources.litter import litter_kind
from photoclass.text import plural
from photoclass.workspace import Workspace


def unpack_tar(archive: Path, workspace: Workspace) -> Unpacked:
    """Unpack a tar, plain or compressed with gzip, into the cache, unless it is there already.

    The folder's name is a hash of the tar's content, as a tar has no list of what it holds.

    Raises:
        ArchiveError: It is damaged or cut short, a name leads outside, it holds a link or special file, two members
            have the same name, or it is a bomb. Nothing of it is kept then.
        OutputError: The cache cannot be written.
    """
    try:
        with open(archive, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()[:32]
    except OSError as error:
        raise ArchiveError(f"{archive}: cannot be read ({error.strerror})") from error
    filling = _Unpacking(archive, workspace)
    return unpack_once(workspace.cache, digest, lambda files, _: filling.fill(files))


class _Unpacking:
    """One tar on its way into the cache."""

    def __init__(self, archive: Path, workspace: Workspace) -> None:
        self._where = str(archive)
        self._archive = archive
        self._packed = archive.stat().st_size
        self._workspace = workspace
        self._sizes: dict[str, int] = {}
        self._litter: dict[str, str] = {}
        self._folders: set[str] = set()
        self._made = {""}

    def fill(self, files: Path) -> UnpackedRecord:
        """Write all files of the tar."""
        title = f"Unpacking {self._archive.name}"
        with open(self._archive, "rb") as stream, self._workspace.task(title, self._packed >> 20, "MB") as task:
            reader = TarReader(stream, self._where)
            done = 0
            for member in reader:
                self._take(member, reader, files)
                task.advance((stream.tell() >> 20) - done)
                done = stream.tell() >> 20
        if not self._sizes:
            hidden = plural(len(self._litter), "hidden or system file")
            raise ArchiveError(f"{self._where}: the tar holds no files{f' but {hidden}' if self._litter else ''}")
        return UnpackedRecord(self._sizes, self._litter)

    def _take(self, member: TarMember, reader: TarReader, files: Path) -> None:
        parts = safe_parts(self._where, member.name, "tar")
        name = "/".join(parts)
        if not name:
            raise ArchiveError(f"{self._where}: the name {member.name!r} is empty; create the tar again")
        if kind := next((kind for part in parts if (kind := litter_kind(part))), ""):
            self._litter[name] = kind
            return
        self._refuse_second(name, parts)
        if (folder := "/".join(parts[:-1])) not in self._made:
            (files / folder).mkdir(parents=True, exist_ok=True)
            self._made.add(folder)
        with open(f"{files}/{name}", "xb") as out:
            for chunk in reader.chunks():
                out.write(chunk)
        self._sizes[name] = member.size

    def _refuse_second(self, name: str, parts: tuple[str, ...]) -> None:
        """Refuse a file where there is a file or folder of that name already."""
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        if name in self._sizes:
            raise ArchiveError(f"{self._where}: {name!r} is in the tar twice; create it again")
        if name in self._folders or any(folder in self._sizes for folder in above):
            raise ArchiveError(f"{self._where}: {name!r} is both a file and a folder of the tar; create it again")
        self._folders.update(above)
