"""Listing the files of a folder: special files never make it hang, and links never lead it out of the folder."""

import os
import stat
from dataclasses import dataclass, field

from photoclass.photos.decode import kind_of_special_file
from photoclass.photos.sources.rules import LITTER
from photoclass.photos.table import PassedOver, SkippedPhoto, natural_key


@dataclass
class Listing:
    """The content of a folder, as paths relative to it with `/` as the separator.

    Attributes:
        files: Regular files in natural order.
        folders: Folders, including empty ones.
        skipped: Links out of the folder, pipes, devices, folders that cannot be read.
        passed_over: Files that are plainly no photos, counted by kind.
    """

    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    skipped: list[SkippedPhoto] = field(default_factory=list)
    passed_over: list[PassedOver] = field(default_factory=list)


def is_litter(name: str) -> bool:
    """Return whether a file or folder with this name is hidden or a system file, and so never a photo."""
    return name.startswith(".") or name.casefold() in LITTER


def list_files(root: str) -> Listing:
    """List everything below `root`, without following links to folders.

    Symbolic links to files inside the folder count as files. A link to a folder could be a loop, and a link out of the
    folder could be anything, so both are skipped with a reason.
    """
    listing = Listing()
    real_root = os.path.realpath(root)
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(os.path.join(root, folder)) as entries:
                found = list(entries)
        except OSError as error:
            listing.skipped.append(SkippedPhoto(folder or root, f"folder cannot be read ({error.strerror})"))
            continue
        for entry in found:
            if is_litter(entry.name):
                continue
            relative = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                listing.folders.append(relative)
                waiting.append(relative)
            elif reason := _reason_to_skip(entry, real_root):
                listing.skipped.append(SkippedPhoto(relative, reason))
            else:
                listing.files.append(relative)
    listing.files.sort(key=natural_key)
    listing.folders.sort(key=natural_key)
    return listing


def _reason_to_skip(entry: os.DirEntry[str], real_root: str) -> str:
    """Return why this entry cannot be read as a file; empty if it can."""
    if entry.is_file(follow_symlinks=False):
        return ""
    if not entry.is_symlink():
        return kind_of_special_file(entry.stat(follow_symlinks=False).st_mode)
    try:
        mode = entry.stat().st_mode
    except OSError:
        return "a broken link"
    if stat.S_ISDIR(mode):
        return "a link to a folder; give that folder itself"
    if not stat.S_ISREG(mode):
        return kind_of_special_file(mode)
    target = os.path.realpath(entry.path)
    if os.path.commonpath([target, real_root]) != real_root:
        return "a link to a file outside this folder; copy the file instead"
    return ""
