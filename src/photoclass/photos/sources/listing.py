"""Walk a folder and list its files, without ever hanging on, or leaving by, what is no plain file."""

import os
import stat
from dataclasses import dataclass, field

from photoclass.photos.decode import kind_of_special_file
from photoclass.photos.table import SkippedPhoto, natural_key

# What operating systems and tools leave behind; nobody means these as photos.
_PASSED_OVER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})


@dataclass
class Listing:
    """What a folder holds, as paths relative to it with `/` between the parts.

    Attributes:
        files: Plain files in natural order.
        folders: Folders, the empty ones too.
        skipped: Links out of the tree, pipes, devices, folders that may not be read.
    """

    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    skipped: list[SkippedPhoto] = field(default_factory=list)


def is_litter(name: str) -> bool:
    """Tell whether a file or folder of this name is a hidden or system one, which nobody means."""
    return name.startswith(".") or name.casefold() in _PASSED_OVER


def list_files(root: str) -> Listing:
    """List all below `root`, depth first, without following links to folders.

    Symbolic links to files inside the tree count as files; a link to a folder could be a loop and one out
    of the tree could be anything, so both are skipped with their reason.
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
            elif reason := _why_no_plain_file(entry, real_root):
                listing.skipped.append(SkippedPhoto(relative, reason))
            else:
                listing.files.append(relative)
    listing.files.sort(key=natural_key)
    listing.folders.sort(key=natural_key)
    return listing


def _why_no_plain_file(entry: os.DirEntry[str], real_root: str) -> str:
    """Return the reason why this entry cannot be read as a file, or an empty string."""
    if entry.is_file(follow_symlinks=False):
        return ""
    if not entry.is_symlink():
        return kind_of_special_file(entry.stat(follow_symlinks=False).st_mode)
    try:
        mode = entry.stat().st_mode
    except OSError:
        return "a link that leads nowhere"
    if stat.S_ISDIR(mode):
        return "a link to a folder; name that folder itself"
    if not stat.S_ISREG(mode):
        return kind_of_special_file(mode)
    target = os.path.realpath(entry.path)
    if os.path.commonpath([target, real_root]) != real_root:
        return "a link to a file outside this folder; copy the file instead"
    return ""
