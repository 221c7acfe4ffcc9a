"""The members of a zip: which files it holds, and the refusal of a zip that is unsafe or cannot be unpacked."""

import contextlib
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from photoclass.errors import ArchiveError
from photoclass.photos.sources.archives.kinds import begins_unlisted, is_last_part, why_no_archive
from photoclass.photos.sources.archives.names import read_names
from photoclass.photos.sources.archives.safety import bomb, refuse_bomb, safe_parts, unpack_it
from photoclass.photos.sources.litter import litter_kind
from photoclass.text import plural

_ENCRYPTED = 0x1
# For these two `zipfile` bounds memory: 1 MB of bzip2 may expand to gigabytes.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DEFLATE64 = 9
_OTHER_METHODS = {
    1: "Shrink",
    6: "Implode",
    12: "bzip2",
    14: "LZMA",
    20: "Zstandard",
    93: "Zstandard",
    95: "xz",
    98: "PPMd",
}


@dataclass(frozen=True)
class Member:
    """A file of a zip.

    Attributes:
        parts: Its path within the zip: folders and name.
        info: How `zipfile` finds it.
    """

    parts: tuple[str, ...]
    info: zipfile.ZipInfo

    @property
    def name(self) -> str:
        """The path within the zip."""
        return "/".join(self.parts)

    @property
    def is_called_zip(self) -> bool:
        """Whether its name says that it is a zip."""
        return self.parts[-1].casefold().endswith(".zip")


@dataclass(frozen=True)
class Contents:
    """What a zip holds.

    Attributes:
        members: The files to unpack, in the zip's order.
        litter: Hidden and system files, which stay in the zip: the kind of each, by its name.
        notes: What was assumed to read the names, one line each.
        packed: Bytes of the members as they are in the zip.
    """

    members: tuple[Member, ...]
    litter: dict[str, str]
    notes: tuple[str, ...]
    packed: int


@contextlib.contextmanager
def open_zip(file: Path, where: str) -> Iterator[zipfile.ZipFile]:
    """Open a zip for reading.

    Args:
        file: The zip.
        where: What messages call it.

    Raises:
        ArchiveError: It is no zip, or no whole one; the message says what it is and what to do.
    """
    try:
        opened = zipfile.ZipFile(file)
    except UnicodeDecodeError as error:
        raise ArchiveError(f"{where}: a name in it is marked as UTF-8 and is not; create it again") from error
    except Exception as error:  # `zipfile` raises almost anything on a damaged zip
        raise ArchiveError(f"{where}: {why_no_archive(file, str(error))}") from error
    with opened:
        if is_last_part(file):
            raise ArchiveError(f"{where}: {why_no_archive(file)}")
        if begins_unlisted(file, min((info.header_offset for info in opened.infolist()), default=0)):
            raise ArchiveError(
                f"{where}: cut short or damaged: its list of files leaves out what it begins with; download or create "
                "it again"
            )
        yield opened


def read_contents(where: str, opened: zipfile.ZipFile, file_bytes: int) -> Contents:
    """Return the files of a zip; an unsafe name refuses the zip, even that of a file that is not unpacked.

    Args:
        where: The path of the zip, for messages.
        opened: The zip.
        file_bytes: Its size.

    Raises:
        ArchiveError: A name or link leads outside, a member is encrypted or compressed in another way, two members have
            one name, or it is a zip bomb.
    """
    infos = opened.infolist()
    read = read_names(infos)
    members: dict[tuple[str, ...], Member] = {}
    litter: dict[str, str] = {}
    for info, name in zip(infos, read.names, strict=True):
        if name.strip("/") in ("", ".") and name.endswith("/"):  # the entry of the root, as Dropbox writes it
            continue
        parts = safe_parts(where, name, "zip")
        if name.endswith("/") or (stat.S_ISDIR(info.external_attr >> 16) and not info.file_size):
            continue
        if kind := next((kind for part in parts if (kind := litter_kind(part))), ""):
            litter["/".join(parts)] = kind
            continue
        _refuse_unreadable(where, name, info)
        if not parts:
            raise ArchiveError(f"{where}: the name {name!r} is empty; create the zip again")
        if parts in members:
            raise ArchiveError(f"{where}: {name!r} is in the zip twice; create it again")
        members[parts] = Member(parts, info)
    if not members:
        raise ArchiveError(f"{where}: the zip holds no files{_besides(litter)}")
    for parts in members:
        if any(parts[:depth] in members for depth in range(1, len(parts))):
            raise ArchiveError(f"{where}: {'/'.join(parts)!r} is inside another file of the zip; create it again")
    packed = sum(member.info.compress_size for member in members.values())
    unpacked = sum(member.info.file_size for member in members.values())
    refuse_bomb(where, packed, unpacked, "zip")
    if packed > file_bytes:
        raise ArchiveError(bomb(where, file_bytes, unpacked, "zip"))
    return Contents(tuple(members.values()), litter, read.notes, packed)


def _refuse_unreadable(where: str, name: str, info: zipfile.ZipInfo) -> None:
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        raise ArchiveError(f"{where}: {name!r} is a link or special file; {unpack_it('zip')}")
    if info.flag_bits & _ENCRYPTED:
        raise ArchiveError(
            f"{where}: encrypted with a password (for example {name!r}); unpack it yourself and give the folder"
        )
    if info.compress_type == _DEFLATE64:
        raise ArchiveError(
            f"{where}: packed with Deflate64, as Windows Explorer does above 2 GB (for example {name!r}); "
            "unpack it with Explorer or 7-Zip and give the folder"
        )
    if info.compress_type not in _METHODS:
        method = _OTHER_METHODS.get(info.compress_type, f"method {info.compress_type}")
        raise ArchiveError(
            f"{where}: packed with {method}, an unsupported compression method (for example {name!r}); "
            "unpack it yourself, for instance with 7-Zip, and give the folder"
        )


def _besides(litter: dict[str, str]) -> str:
    return f" but {plural(len(litter), 'hidden or system file')}, such as {next(iter(litter))!r}" if litter else ""
