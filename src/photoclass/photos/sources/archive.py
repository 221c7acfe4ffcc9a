"""Zips of photos: unpacked once into the cache, and only if they are safe; also zips inside a zip, one level deep."""

import contextlib
import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from filelock import FileLock

from photoclass.errors import ArchiveError, OutputError
from photoclass.photos.cache.names import unpacked_folder
from photoclass.photos.sources.archive_kinds import is_last_part, why_no_zip
from photoclass.photos.sources.archive_members import Contents, Member, read_contents, refuse_bomb
from photoclass.photos.sources.litter import has_photo_ending
from photoclass.text import plural
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

    If the zip holds zips and no photos beside them, as those of Kaggle's competitions do, each of them is unpacked into
    a folder of its name: `train.zip` becomes `train/`.

    Raises:
        ArchiveError: It is not a zip or is damaged, a name or link in it leads outside, it is encrypted, two members
            have the same name, or it is a zip bomb. Nothing of it is kept then.
        OutputError: The cache cannot be written.
    """
    with _opened(archive, str(archive)) as opened:
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
            raise OutputError(
                f"{workspace.cache}: the zip cannot be unpacked there ({error.strerror or error})"
            ) from error
    return found


@contextlib.contextmanager
def _opened(file: Path, where: str) -> Iterator[zipfile.ZipFile]:
    """Open a zip; `where` is what messages call it."""
    try:
        opened = zipfile.ZipFile(file)
    except UnicodeDecodeError as error:
        raise ArchiveError(f"{where}: a name in it is marked as UTF-8 and is not; create it again") from error
    except Exception as error:  # `zipfile` raises almost anything on a damaged zip
        raise ArchiveError(f"{where}: {why_no_zip(file, str(error))}") from error
    with opened:
        if is_last_part(file):
            raise ArchiveError(f"{where}: {why_no_zip(file)}")
        yield opened


def _inner_zips(contents: Contents) -> tuple[Member, ...]:
    """Return the zips inside a zip that are the data: those of a zip without photos of its own."""
    zips = tuple(member for member in contents.members if member.is_called_zip)
    return () if any(has_photo_ending(member.parts[-1]) for member in contents.members) else zips


def _find(folder: Path, contents: Contents) -> UnpackedZip | None:
    """Return what is unpacked there, if all of its files are."""
    if _inner_zips(contents):
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
            inner = _inner_zips(self.contents)
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
        """Unpack zips inside the zip, each into a folder of its name, and return the record of all."""
        files = growing / _INNER_ZIPS
        self._extract(str(self.archive), self.opened, zips, files)
        read: list[tuple[str, Path, Contents, str]] = []
        for member in zips:
            file, where = files.joinpath(*member.parts), f"{self.archive}/{member.name}"
            with _opened(file, where) as opened:
                contents = read_contents(where, opened, file.stat().st_size)
            self._refuse_deeper(member, contents)
            into = self._folder_of(member, [*outer.sizes, *(f"{folder}/" for *_, folder in read)])
            read.append((where, file, contents, into))
        sizes, litter, notes = dict(outer.sizes), dict(outer.litter), list(outer.notes)
        for _, _, contents, into in read:
            sizes |= {f"{into}/{m.name}": m.info.file_size for m in contents.members}
            litter |= {f"{into}/{name}": kind for name, kind in contents.litter.items()}
            notes += [f"{into}.zip: {note}" for note in contents.notes]
        refuse_bomb(str(self.archive), self.contents.packed, sum(sizes.values()))
        for where, file, contents, into in read:
            with _opened(file, where) as opened:
                self._extract(where, opened, contents.members, growing / _FILES / into)
        shutil.rmtree(files)
        folders = ", ".join(f"{member.name} as {into}/" for member, (_, _, _, into) in zip(zips, read, strict=True))
        notes.append(f"{plural(len(zips), 'zip')} inside the zip {'is' if len(zips) == 1 else 'are'} read: {folders}")
        return _Record(sizes, litter, tuple(notes))

    def _refuse_deeper(self, member: Member, contents: Contents) -> None:
        deeper = _inner_zips(contents)
        if deeper:
            raise ArchiveError(
                f"{self.archive}: {member.name!r} inside it holds zips in turn, such as {deeper[0].name!r}; "
                "unpack the outer zip yourself and give what holds the photos"
            )

    def _folder_of(self, member: Member, beside: Sequence[str]) -> str:
        """Return the folder that a zip inside the zip becomes."""
        folder = member.name[: -len(".zip")]
        if any(name == folder or name.startswith(f"{folder}/") for name in beside):
            raise ArchiveError(
                f"{self.archive}: holds {member.name!r} and another {folder!r} beside it; "
                "unpack it yourself and give the one that is meant"
            )
        return folder

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
