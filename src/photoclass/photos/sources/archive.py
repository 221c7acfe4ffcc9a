"""Zips of photos: unpacked once into the cache, and only if they are safe."""

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
from photoclass.photos.sources.litter import is_litter
from photoclass.workspace import Workspace

# Photos hardly compress. A zip that would grow by more than this factor, beyond an allowance, is a zip bomb.
_MAX_GROWTH = 20
_GROWTH_ALLOWANCE_BYTES = 256 << 20
_CHUNK_BYTES = 1 << 20


def unpack(archive: Path, workspace: Workspace) -> Path:
    """Unpack a zip into the cache, unless it is there already, and return the folder.

    The folder's name is a hash of the zip's list of members (names, sizes, checksums): a changed zip is unpacked again,
    and a moved or renamed one is found again. The folder appears complete, by a rename; if files were deleted from it
    since, it is unpacked again.

    Raises:
        ArchiveError: It is not a zip or is damaged, a name or link in it leads outside, it is encrypted, two members
            have the same name, or it is a zip bomb. Nothing of it is kept then.
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
    """Turn the errors of `zipfile` and its decoders on a damaged zip, which may be almost any, into an ArchiveError."""
    try:
        yield
    except Exception as error:
        raise ArchiveError(f"{archive}: not a readable zip ({error}); create it again") from error


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
    """Read one member, never more than the size that it declares; if that is wrong, its checksum does not match."""
    with _reading(archive), opened.open(member) as source:
        while chunk := source.read(_CHUNK_BYTES):
            yield chunk


def _members(archive: Path, opened: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the members to unpack; any unsafe member, even an ignored one, makes the zip refused."""
    members: dict[tuple[str, ...], zipfile.ZipInfo] = {}
    for member in opened.infolist():
        name = member.filename
        parts = _parts(member)
        if name.startswith(("/", "\\")) or name[1:2] == ":" or ".." in name.replace("\\", "/").split("/"):
            raise ArchiveError(f"{archive}: the name {name!r} leads outside the zip; the zip is refused")
        if name.endswith("/") or any(is_litter(part) for part in parts):
            continue
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise ArchiveError(f"{archive}: {name!r} is a link or special file; the zip is refused")
        if member.flag_bits & 0x1:
            raise ArchiveError(f"{archive}: {name!r} is encrypted; unpack it yourself and give the folder")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # Only for these two does `zipfile` bound memory: 1 MB of bzip2 may expand to gigabytes.
            raise ArchiveError(
                f"{archive}: {name!r} has an unsupported compression method; create the zip again with deflate"
            )
        if not parts or parts in members:
            raise ArchiveError(f"{archive}: the name {name!r} is empty or is in the zip twice; create it again")
        members[parts] = member
    if not members:
        raise ArchiveError(f"{archive}: the zip holds no files")
    for parts, member in members.items():
        if any(parts[:depth] in members for depth in range(1, len(parts))):
            raise ArchiveError(f"{archive}: {member.filename!r} is inside another file of the zip; create it again")
    _refuse_bomb(archive, list(members.values()))
    return list(members.values())


def _refuse_bomb(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    packed = sum(member.compress_size for member in members)
    unpacked = sum(member.file_size for member in members)
    if unpacked > _GROWTH_ALLOWANCE_BYTES + _MAX_GROWTH * packed or packed > archive.stat().st_size:
        raise ArchiveError(
            f"{archive}: would grow from {packed:,} to {unpacked:,} bytes, as a zip bomb does, so it is refused. "
            "If you trust it, unpack it yourself and give the folder"
        )


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    return PurePosixPath(member.filename).parts


def _digest(members: list[zipfile.ZipInfo]) -> str:
    digest = hashlib.sha256()
    for member in members:
        digest.update(f"{member.filename}\0{member.file_size}\0{member.CRC}\n".encode(errors="surrogatepass"))
    return digest.hexdigest()[:32]
