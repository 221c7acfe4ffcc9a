"""Zips of photos: unpacked once into the cache, and only if nothing in them can do harm."""

import contextlib
import hashlib
import os
import shutil
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from filelock import FileLock

from photoclass.errors import ArchiveError, OutputError
from photoclass.photos.cache.names import unpacked_folder
from photoclass.photos.sources.listing import is_litter
from photoclass.workspace import Workspace

# Photos hardly compress. A zip that would grow more than this, beyond a first allowance, is a bomb.
_MAX_GROWTH = 20
_GROWTH_ALLOWANCE_BYTES = 256 << 20
_CHUNK_BYTES = 1 << 20


def unpack(archive: Path, workspace: Workspace) -> Path:
    """Unpack a zip into the cache, or find it unpacked there, and return the folder.

    The folder's name comes from the zip's own list of members (names, sizes, checksums), so a changed zip
    is unpacked again and a moved or renamed one is found again. It appears whole by a rename; one from which
    files were deleted since is made again.

    Raises:
        ArchiveError: It is no zip or is damaged, a name or a link in it leads outside, it is encrypted, two
            members share a name, or it would grow without limit. Nothing of it is kept then.
        OutputError: The cache cannot be written.
    """
    with _reading(archive):
        opened = zipfile.ZipFile(archive)
    with opened:
        members = _members(archive, opened)
        folder = unpacked_folder(workspace.cache, _digest(members))
        if _is_whole(folder, members):
            return folder
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_suffix(".lock")):
                if not _is_whole(folder, members):
                    _unpack_members(archive, opened, members, folder, workspace)
        except OSError as error:
            raise OutputError(
                f"{workspace.cache}: the zip cannot be unpacked there ({error.strerror or error})"
            ) from error
    return folder


@contextlib.contextmanager
def _reading(archive: Path) -> Iterator[None]:
    """Say of whatever a damaged zip makes `zipfile` and its decoders raise, which is nearly anything, what it means."""
    try:
        yield
    except Exception as error:
        raise ArchiveError(f"{archive}: not a zip that can be read ({error}); pack it again") from error


def _is_whole(folder: Path, members: list[zipfile.ZipInfo]) -> bool:
    try:
        return all(os.stat(folder.joinpath(*_parts(member))).st_size == member.file_size for member in members)
    except OSError:
        return False


def _unpack_members(
    archive: Path, opened: zipfile.ZipFile, members: list[zipfile.ZipInfo], folder: Path, workspace: Workspace
) -> None:
    growing = folder.with_suffix(".part")
    shutil.rmtree(growing, ignore_errors=True)
    try:
        with workspace.task(f"Unpacking {archive.name}", len(members), "files") as task:
            for member in members:
                target = growing.joinpath(*_parts(member))
                target.parent.mkdir(parents=True, exist_ok=True)
                with open(target, "xb") as out:
                    for chunk in _chunks(archive, opened, member):
                        out.write(chunk)
                task.advance()
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(growing, folder)
    finally:
        shutil.rmtree(growing, ignore_errors=True)


def _chunks(archive: Path, opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """Read one member, never more than the size it declares; if that is a lie, its checksum fails."""
    with _reading(archive), opened.open(member) as source:
        while chunk := source.read(_CHUNK_BYTES):
            yield chunk


def _members(archive: Path, opened: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the members to unpack, or refuse the zip for any harmful one, passed over or not."""
    members: dict[tuple[str, ...], zipfile.ZipInfo] = {}
    for member in opened.infolist():
        name = member.filename
        parts = _parts(member)
        if name.startswith(("/", "\\")) or name[1:2] == ":" or ".." in name.replace("\\", "/").split("/"):
            raise ArchiveError(f"{archive}: the name {name!r} leads outside the zip; refused whole")
        if name.endswith("/") or any(is_litter(part) for part in parts):
            continue
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise ArchiveError(f"{archive}: {name!r} is a link or special file; refused whole")
        if member.flag_bits & 0x1:
            raise ArchiveError(f"{archive}: {name!r} is encrypted; unpack it yourself and give the folder")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # `zipfile` bounds the memory of these two alone: 1 MB of bzip2 may stand for gigabytes.
            raise ArchiveError(f"{archive}: {name!r} is packed in a rare way; pack it again with plain zip (deflate)")
        if not parts or parts in members:
            raise ArchiveError(f"{archive}: the name {name!r} is empty or stands in it twice; pack it again")
        members[parts] = member
    if not members:
        raise ArchiveError(f"{archive}: the zip holds no files")
    for parts, member in members.items():
        if any(parts[:depth] in members for depth in range(1, len(parts))):
            raise ArchiveError(f"{archive}: {member.filename!r} lies in what is a file too; pack it again")
    _refuse_bomb(archive, list(members.values()))
    return list(members.values())


def _refuse_bomb(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    packed = sum(member.compress_size for member in members)
    unpacked = sum(member.file_size for member in members)
    if unpacked > _GROWTH_ALLOWANCE_BYTES + _MAX_GROWTH * packed or packed > archive.stat().st_size:
        raise ArchiveError(
            f"{archive}: would grow from {packed:,} to {unpacked:,} bytes; photos do not, so it is refused. "
            "If it is sound, unpack it yourself and give the folder"
        )


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    return PurePosixPath(member.filename).parts


def _digest(members: list[zipfile.ZipInfo]) -> str:
    digest = hashlib.sha256()
    for member in members:
        digest.update(f"{member.filename}\0{member.file_size}\0{member.CRC}\n".encode(errors="surrogatepass"))
    return digest.hexdigest()[:32]
