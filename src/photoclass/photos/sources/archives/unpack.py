"""Zips of photos: unpacked once into the cache, and only if they are safe; also zips inside a zip, one level deep."""

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from filelock import FileLock

from photoclass.errors import ArchiveError
from photoclass.photos.cache.names import unpacked_folder
from photoclass.photos.cache.store import cache_error
from photoclass.photos.sources.archives.inner import read_inner_zips, zips_with_data
from photoclass.photos.sources.archives.members import Contents, Member, open_zip, read_contents, refuse_bomb
from photoclass.workspace import Workspace

_CHUNK_BYTES = 1 << 20
# In the folder of an unpacked zip.
_FILES, _INNER_ZIPS, _RECORD = "files", "zips", "unpacked.json"


@dataclass(frozen=True)
class UnpackedZip:
    """A zip in the cache.

    Attributes:
        folder: The folder that holds its files.
        litter: Hidden and system files, which were left in the zip: the kind of each, by its name.
        notes: What was assumed to read it, one line each.
    """

    folder: Path
    litter: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Record:
    """What an unpacked zip holds, kept beside its files where only unpacking tells it: for zips inside the zip.

    Attributes:
        sizes: Bytes of each file, by its path.
        litter: As in UnpackedZip.
        notes: As in UnpackedZip.
    """

    sizes: dict[str, int]
    litter: dict[str, str]
    notes: tuple[str, ...]


def unpack(archive: Path, workspace: Workspace) -> UnpackedZip:
    """Unpack a zip into the cache, unless it is there already.

    The folder's name is a hash of the zip's list of members (names, sizes, checksums): a changed zip is unpacked again,
    and a moved or renamed one is found again. The folder appears complete, by a rename; if files were deleted from it
    since, it is unpacked again.

    If the zip holds zips and no photos beside them, as those of Kaggle's competitions do, these are unpacked too, one
    level deep (`inner`).

    Raises:
        ArchiveError: It is not a zip or is damaged, a name or link in it leads outside, it is encrypted, two members
            have the same name, or it is a zip bomb. Nothing of it is kept then.
        OutputError: The cache cannot be written.
    """
    with open_zip(archive, str(archive)) as opened:
        contents = read_contents(str(archive), opened, archive.stat().st_size)
        folder = unpacked_folder(workspace.cache, _digest(contents.members))
        if found := _find(folder, contents):
            return found
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_suffix(".lock")):
                if not (found := _find(folder, contents)):
                    found = _Unpacking(archive, opened, contents, folder, workspace).run()
        except OSError as error:
            raise cache_error(workspace.cache, error) from error
    return found


def _find(folder: Path, contents: Contents) -> UnpackedZip | None:
    """Return what is unpacked there, if all of its files are."""
    if zips_with_data(contents):
        record = _read_record(folder / _RECORD)
    else:
        record = _Record({m.name: m.info.file_size for m in contents.members}, contents.litter, contents.notes)
    if record is None or not _is_whole(folder / _FILES, record.sizes):
        return None
    return UnpackedZip(folder / _FILES, record.litter, record.notes)


def _is_whole(files: Path, sizes: dict[str, int]) -> bool:
    try:
        return all(os.stat(f"{files}/{name}").st_size == size for name, size in sizes.items())
    except OSError:
        return False


@dataclass
class _Unpacking:
    """One zip on its way into the cache."""

    archive: Path
    opened: zipfile.ZipFile
    contents: Contents
    folder: Path
    workspace: Workspace

    def run(self) -> UnpackedZip:
        """Unpack all files, and those of zips inside; the folder appears when it is complete."""
        growing = self.folder.with_suffix(".part")
        shutil.rmtree(growing, ignore_errors=True)
        try:
            inner = zips_with_data(self.contents)
            plain = [member for member in self.contents.members if not (inner and member.is_called_zip)]
            self._extract(str(self.archive), self.opened, plain, growing / _FILES)
            sizes = {member.name: member.info.file_size for member in plain}
            record = _Record(sizes, self.contents.litter, self.contents.notes)
            if inner:
                record = self._unpack_inner(inner, record, growing)
                (growing / _RECORD).write_text(json.dumps(asdict(record)))
            shutil.rmtree(self.folder, ignore_errors=True)
            os.replace(growing, self.folder)
        finally:
            shutil.rmtree(growing, ignore_errors=True)
        return UnpackedZip(self.folder / _FILES, record.litter, record.notes)

    def _unpack_inner(self, zips: Sequence[Member], outer: _Record, growing: Path) -> _Record:
        """Unpack zips inside the zip, and return the record of all files."""
        files = growing / _INNER_ZIPS
        self._extract(str(self.archive), self.opened, zips, files)
        inner = read_inner_zips(self.archive, zips, files, outer.sizes)
        sizes = outer.sizes | inner.sizes
        refuse_bomb(str(self.archive), self.contents.packed, sum(sizes.values()))
        for zipped in inner.zips:
            with open_zip(zipped.file, zipped.where) as opened:
                self._extract(zipped.where, opened, zipped.members, growing / _FILES / zipped.into)
        shutil.rmtree(files)
        return _Record(sizes, outer.litter | inner.litter, (*outer.notes, *inner.notes))

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


def _read_record(file: Path) -> _Record | None:
    try:
        values = json.loads(file.read_text())
        return _Record(dict(values["sizes"]), dict(values["litter"]), tuple(values["notes"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _digest(members: Sequence[Member]) -> str:
    digest = hashlib.sha256()
    for member in members:
        name = member.name.encode(errors="surrogatepass")
        digest.update(name + f"\0{member.info.file_size}\0{member.info.CRC}\n".encode())
    return digest.hexdigest()[:32]
