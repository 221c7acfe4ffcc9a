"""Zips of photos, unpacked into the cache; also zips inside a zip, one level deep."""

import hashlib
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from photoclass.errors import ArchiveError
from photoclass.photos.cache.unpacked import Unpacked, UnpackedRecord, unpack_once
from photoclass.photos.sources.archives.inner import read_inner_zips, zips_with_data
from photoclass.photos.sources.archives.members import Contents, Member, open_zip, read_contents
from photoclass.photos.sources.archives.safety import refuse_bomb
from photoclass.workspace import Workspace

_CHUNK_BYTES = 1 << 20


def unpack_zip(archive: Path, workspace: Workspace) -> Unpacked:
    """Unpack a zip into the cache, unless it is there already.

    The folder's name is a hash of the zip's list of members (names, sizes, checksums): a changed zip is unpacked again,
    and a moved or renamed one is found again.

    If the zip holds zips and no photos beside them, as those of Kaggle's competitions do, these are unpacked too, one
    level deep (`inner`).

    Raises:
        ArchiveError: It is not a zip or is damaged, a name or link in it leads outside, it is encrypted, two members
            have the same name, or it is a zip bomb. Nothing of it is kept then.
        OutputError: The cache cannot be written.
    """
    with open_zip(archive, str(archive)) as opened:
        contents = read_contents(str(archive), opened, archive.stat().st_size)
        known = None
        if not zips_with_data(contents):  # what inner zips hold is known when they are unpacked
            sizes = {member.name: member.info.file_size for member in contents.members}
            known = UnpackedRecord(sizes, contents.litter, contents.notes)
        filling = _Unpacking(archive, opened, contents, workspace)
        return unpack_once(workspace.cache, _digest(contents.members), filling.fill, known)


@dataclass
class _Unpacking:
    """One zip on its way into the cache."""

    archive: Path
    opened: zipfile.ZipFile
    contents: Contents
    workspace: Workspace

    def fill(self, files: Path, own: Path) -> UnpackedRecord:
        """Unpack all files, and those of zips inside."""
        inner = zips_with_data(self.contents)
        plain = [member for member in self.contents.members if not (inner and member.is_called_zip)]
        self._extract(str(self.archive), self.opened, plain, files)
        sizes = {member.name: member.info.file_size for member in plain}
        record = UnpackedRecord(sizes, self.contents.litter, self.contents.notes)
        return self._unpack_inner(inner, record, files, own) if inner else record

    def _unpack_inner(self, zips: Sequence[Member], outer: UnpackedRecord, files: Path, own: Path) -> UnpackedRecord:
        """Unpack zips inside the zip, and return the record of all files."""
        self._extract(str(self.archive), self.opened, zips, own)
        inner = read_inner_zips(self.archive, zips, own, outer.sizes)
        sizes = outer.sizes | inner.sizes
        refuse_bomb(str(self.archive), self.contents.packed, sum(sizes.values()), "zip")
        for zipped in inner.zips:
            with open_zip(zipped.file, zipped.where) as opened:
                self._extract(zipped.where, opened, zipped.members, files / zipped.into)
        return UnpackedRecord(sizes, outer.litter | inner.litter, (*outer.notes, *inner.notes))

    def _extract(self, where: str, opened: zipfile.ZipFile, members: Sequence[Member], into: Path) -> None:
        with self.workspace.task(f"Unpacking {Path(where).name}", len(members), "files") as task:
            for member in members:
                target = into.joinpath(*member.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with open(target, "xb") as out:
                    for chunk in _chunks(where, opened, member):
                        out.write(chunk)
                task.advance()


def _chunks(where: str, opened: zipfile.ZipFile, member: Member) -> Iterator[bytes]:
    """Read one member, never more than the size that it declares; if that is wrong, its checksum does not match."""
    try:
        with opened.open(member.info) as source:
            while chunk := source.read(_CHUNK_BYTES):
                yield chunk
    except Exception as error:  # the decoders raise almost anything on damaged data
        raise ArchiveError(
            f"{where}: damaged at {member.name!r} ({error}); download or create the zip again"
        ) from error


def _digest(members: Sequence[Member]) -> str:
    digest = hashlib.sha256()
    for member in members:
        name = member.name.encode(errors="surrogatepass")
        digest.update(name + f"\0{member.info.file_size}\0{member.info.CRC}\n".encode())
    return digest.hexdigest()[:32]
