"""Zips inside a zip: which of them are the data, and the folder that each becomes."""

import os
import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from photoclass.errors import ArchiveError
from photoclass.photos.sources.archives.members import Contents, Member, open_zip, read_contents
from photoclass.photos.sources.litter import has_photo_ending
from photoclass.photos.sources.names import split_of_name
from photoclass.photos.sources.rules import ARCHIVES, COPIES
from photoclass.photos.table import TRAIN, natural_key
from photoclass.text import listed, plural

# Of archives that can be read.
ENDING = re.compile(r"\.(zip|tar|tar\.gz|tgz)$", re.IGNORECASE)
# What the names of the parts differ by: pets-001.zip, pets-002.zip.
_NUMBER = re.compile(r"[\s_.(-]*(part)?[\s_-]*\d+\)?$", re.IGNORECASE)


@dataclass
class InnerZip:
    """A zip inside a zip.

    Attributes:
        member: The zip, as a member of the outer one.
        where: What messages call it.
        file: Where it is unpacked itself, for as long as its files are.
        contents: What it holds.
        members: Its files to unpack.
        into: The folder that it becomes, in the outer zip; empty for the outer zip itself.
    """

    member: Member
    where: str
    file: Path
    contents: Contents
    members: tuple[Member, ...]
    into: str = ""

    def name(self, inner: str) -> str:
        """Return the name of one of its files in the outer zip."""
        return f"{self.into}/{inner}" if self.into else inner


@dataclass
class InnerFiles:
    """What zips inside a zip hold together.

    Attributes:
        zips: The zips.
        sizes: Bytes of each file, by its name in the outer zip.
        litter: The kind of each file that stays packed.
        notes: What was assumed, one line each.
    """

    zips: tuple[InnerZip, ...]
    sizes: dict[str, int] = field(default_factory=dict)
    litter: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def zips_with_data(contents: Contents) -> tuple[Member, ...]:
    """Return the zips inside a zip that are the data: those of a zip without photos of its own."""
    if any(has_photo_ending(member.parts[-1]) for member in contents.members):
        return ()
    return tuple(member for member in contents.members if member.is_called_zip)


def read_inner_zips(archive: Path, zips: Sequence[Member], files: Path, beside: Collection[str]) -> InnerFiles:
    """Read which files zips inside a zip hold, and where each belongs.

    A zip becomes a folder of its name: `train.zip` becomes `train/`. Numbered zips that hold parts of one folder, as
    Google Drive makes them, are read as one.

    Args:
        archive: The outer zip.
        zips: Its members that are zips.
        files: The folder that these are unpacked in.
        beside: Names of the other files of the outer zip.

    Raises:
        ArchiveError: One is no zip, damaged or unsafe, holds zips in turn, or is beside a folder of its name; or two
            parts hold different files of one path.
    """
    read = []
    for member in zips:
        file, where = files.joinpath(*member.parts), f"{archive}/{member.name}"
        with open_zip(file, where) as opened:
            contents = read_contents(where, opened, file.stat().st_size)
        if deeper := zips_with_data(contents):
            raise ArchiveError(
                f"{archive}: {member.name!r} inside it holds zips in turn, such as {deeper[0].name!r}; "
                "unpack the outer zip yourself and give what holds the photos"
            )
        read.append(InnerZip(member, where, file, contents, contents.members))
    found = InnerFiles(tuple(read))
    verb = "is" if len(zips) == 1 else "are"
    if _are_parts(read):
        _merge(read, found)
        names = ", ".join(member.name for member in zips)
        found.notes.append(f"{plural(len(zips), 'zip')} inside the zip are read as one: {names}")
    else:
        _give_folders(archive, read, beside, found)
        folders = ", ".join(f"{zipped.member.name} as {zipped.into}/" for zipped in read)
        found.notes.append(f"{plural(len(zips), 'zip')} inside the zip {verb} read: {folders}")
    for zipped in read:
        found.litter |= {zipped.name(f"{name}"): kind for name, kind in zipped.contents.litter.items()}
        found.notes += [f"{zipped.member.name}: {note}" for note in zipped.contents.notes]
    return found


def archives_to_give(where: str, kinds: Mapping[str, str]) -> str:
    """Return what to give instead of a folder or zip without photos that holds archives; empty if it holds none.

    Args:
        where: Its path.
        kinds: The kind of each file in it that is no photo.
    """
    archives = sorted((file for file, kind in kinds.items() if kind.startswith(ARCHIVES)), key=natural_key)
    zips = [file for file in archives if ENDING.search(file)]
    if not archives:
        return ""
    if os.path.isfile(where) or not zips:
        outer = f"unpack {where} and that" if os.path.isfile(where) else "unpack it"
        return f"what is in {', '.join(zips or archives)}: {outer}, and give the folder"
    if len(zips) > 1 and len({_NUMBER.sub("", ENDING.sub("", name)).casefold() for name in zips}) == 1:
        return f"the parts together: {' '.join(shlex.quote(f'{where}/{name}') for name in zips)}"
    if len({name.rpartition("/")[0] for name in zips}) == len(zips) > 1:
        return f"what is in {listed(zips, 'archive')}: unpack each in its folder"
    best = next((name for name in zips if split_of_name(ENDING.sub("", PurePath(name).name)) == TRAIN), zips[-1])
    return f"{where}/{best}"


def _are_parts(zips: Sequence[InnerZip]) -> bool:
    """Return whether zips are parts of one folder: their names differ by a number, and all hold the same folder."""
    names = {zipped.member.name[: -len(".zip")].casefold() for zipped in zips}
    stems = {_NUMBER.sub("", name) for name in names}
    tops = {member.parts[0] if len(member.parts) > 1 else "" for zipped in zips for member in zipped.members}
    return len(names) == len(zips) > 1 and len(stems) == len(tops) == 1 and "" not in tops


def _merge(zips: Sequence[InnerZip], found: InnerFiles) -> None:
    """Put the files of parts together; the copies of a file that several of them hold stay packed.

    Raises:
        ArchiveError: Two parts hold different files of one path.
    """
    holders: dict[str, tuple[InnerZip, Member]] = {}
    for zipped in zips:
        kept = []
        for member in zipped.contents.members:
            first, same = holders.setdefault(member.name, (zipped, member))
            if first is zipped:
                kept.append(member)
                found.sizes[member.name] = member.info.file_size
            elif (same.info.file_size, same.info.CRC) == (member.info.file_size, member.info.CRC):
                found.litter[f"{member.name} ({zipped.member.name})"] = COPIES
            else:
                raise ArchiveError(
                    f"{first.where} and {zipped.where}: two different files of the path {member.name!r}; unpack the "
                    "outer zip yourself and give what holds the photos"
                )
        zipped.members = tuple(kept)


def _give_folders(archive: Path, zips: Sequence[InnerZip], beside: Collection[str], found: InnerFiles) -> None:
    """Give each zip the folder of its name.

    Raises:
        ArchiveError: There is something else of that name.
    """
    taken = {folder for name in beside for folder in _with_folders(name)}
    for zipped in zips:
        zipped.into = zipped.member.name[: -len(".zip")]
        if zipped.into in taken:
            raise ArchiveError(
                f"{archive}: holds {zipped.member.name!r} and another {zipped.into!r} beside it; "
                "unpack it yourself and give the one that is meant"
            )
        taken.update(_with_folders(zipped.into))
        found.sizes |= {zipped.name(member.name): member.info.file_size for member in zipped.members}


def _with_folders(name: str) -> list[str]:
    """Return a path and the folders that it is in."""
    parts = name.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
