"""Zips of photos: unpacked once into the cache, and only if nothing in them can do harm."""

import hashlib
import os
import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath

from filelock import FileLock

from photoclass.errors import ArchiveError, OutputError
from photoclass.photos.walk import is_passed_over
from photoclass.progress import SILENT, Progress

# Photos hardly compress. A zip that would grow more than this, beyond a first allowance, is a bomb.
_MAX_GROWTH = 20
_GROWTH_ALLOWANCE_BYTES = 256 << 20
_CHUNK_BYTES = 1 << 20


def unpack(archive: Path, cache: Path, progress: Progress = SILENT) -> Path:
    """Unpack a zip into the cache, or find it unpacked there, and return the folder.

    The folder's name comes from the zip's own list of members (names, sizes, checksums), so a changed zip
    is unpacked anew and a moved or renamed one is found again. It appears whole by a rename.

    Raises:
        ArchiveError: It is no zip or is damaged, a name or a link in it leads outside, it is encrypted, two
            members share a name, or it would grow without limit. Nothing of it is kept then.
        OutputError: The cache cannot be written.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [m for m in opened.infolist() if not m.is_dir() and not _is_passed_over(m.filename)]
            _refuse_harmful(archive, members)
            folder = cache / "unpacked" / _key(members)
            if folder.is_dir():
                return folder
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_suffix(".lock")):
                if not folder.is_dir():
                    _unpack_members(archive, opened, members, folder, progress)
            return folder
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, UnicodeError) as error:
        raise ArchiveError(f"{archive}: not a zip that can be read ({error}); pack it again") from error
    except OSError as error:
        raise OutputError(f"{cache}: the zip cannot be unpacked there ({error.strerror or error})") from error


def _unpack_members(
    archive: Path, opened: zipfile.ZipFile, members: list[zipfile.ZipInfo], folder: Path, progress: Progress
) -> None:
    growing = folder.with_suffix(".part")
    shutil.rmtree(growing, ignore_errors=True)
    try:
        with progress.task(f"Unpacking {archive.name}", len(members), "files") as task:
            for member in members:
                _unpack_member(archive, opened, member, growing.joinpath(*_parts(member)))
                task.advance()
        os.replace(growing, folder)
    finally:
        shutil.rmtree(growing, ignore_errors=True)


def _unpack_member(archive: Path, opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path) -> None:
    """Write one member, counting the bytes that come out: the declared size may be a lie."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left = member.file_size
    with opened.open(member) as source, open(target, "xb") as out:
        while chunk := source.read(_CHUNK_BYTES):
            left -= len(chunk)
            if left < 0:
                raise ArchiveError(f"{archive}: {member.filename!r} is larger than it declares; refused")
            out.write(chunk)


def _refuse_harmful(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    if not members:
        raise ArchiveError(f"{archive}: the zip holds no files")
    seen = set()
    for member in members:
        name = member.filename
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
            raise ArchiveError(f"{archive}: the name {name!r} leads outside the zip; refused whole")
        mode = member.external_attr >> 16
        if mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode) != 0:
            raise ArchiveError(f"{archive}: {name!r} is a link or special file; refused whole")
        if member.flag_bits & 0x1:
            raise ArchiveError(f"{archive}: {name!r} is encrypted; unpack it yourself and give the folder")
        if name in seen:
            raise ArchiveError(f"{archive}: the name {name!r} stands in it twice; pack it again")
        seen.add(name)
    packed = sum(member.compress_size for member in members)
    unpacked = sum(member.file_size for member in members)
    if unpacked > _GROWTH_ALLOWANCE_BYTES + _MAX_GROWTH * packed or packed > archive.stat().st_size:
        raise ArchiveError(
            f"{archive}: would grow from {packed:,} to {unpacked:,} bytes; photos do not, so it is refused. "
            "If it is sound, unpack it yourself and give the folder"
        )


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    return PurePosixPath(member.filename).parts


def _is_passed_over(name: str) -> bool:
    return any(is_passed_over(part) for part in PurePosixPath(name).parts)


def _key(members: list[zipfile.ZipInfo]) -> str:
    digest = hashlib.sha256()
    for member in members:
        digest.update(f"{member.filename}\0{member.file_size}\0{member.CRC}\n".encode(errors="surrogatepass"))
    return digest.hexdigest()[:32]
