"""Listing a folder: each file is a photo to try, skipped with a reason, or passed over by kind; none vanishes."""

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from photoclass.errors import DataError
from photoclass.photos.decode import kind_of_special_file
from photoclass.photos.sources import rules
from photoclass.photos.sources.litter import (
    has_photo_ending,
    holds_picture,
    is_plainly_a_photo,
    kind_by_ending,
    litter_kind,
)
from photoclass.photos.table import PassedOver, SkippedPhoto, merge_passed_over, natural_key

_MOST_LINKS_NAMED = 3

# Device and inode of a folder: the same for all paths that lead to it.
_Identity: TypeAlias = tuple[int, int]


@dataclass
class Listing:
    """The content of a folder, as paths relative to it with `/` as the separator.

    Attributes:
        files: Files that may be photos, in natural order.
        folders: Folders, including empty ones and those behind links; without what is passed over.
        skipped: Broken links, pipes, devices, folders that cannot be read.
        kinds: What each file is that is plainly no photo, by its path.
        notes: Links that are not followed, and why.
    """

    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    skipped: list[SkippedPhoto] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def passed_over(self) -> tuple[PassedOver, ...]:
        """Files that are plainly no photos, counted by kind."""
        return count_kinds(self.kinds)

    @property
    def beside(self) -> list[str]:
        """Those of them that people put there (tables, archives, texts), in natural order."""
        of_systems = (rules.HIDDEN, rules.SYSTEM, rules.RESULTS, rules.KNOWN_FOLDERS)
        return sorted((file for file, kind in self.kinds.items() if kind not in of_systems), key=natural_key)


def count_kinds(kinds: Mapping[str, str]) -> tuple[PassedOver, ...]:
    """Count files by kind, the largest kind first.

    Args:
        kinds: The kind of each file, by its name.
    """
    files: dict[str, list[str]] = {}
    for file, kind in kinds.items():
        files.setdefault(kind, []).append(file)
    return merge_passed_over([PassedOver(kind, len(names), min(names)) for kind, names in files.items()])


def list_files(root: str, leave_out: Sequence[str] = ()) -> Listing:
    """List everything below `root`.

    Links are followed, to files and to folders, inside and outside of `root`. Each folder is listed once, whatever
    leads to it: under its own path if that is below `root`, otherwise under the first link. A link to a folder that is
    listed already, or to one that contains `root`, is passed over with a note.

    Args:
        root: The folder.
        leave_out: Folders that results are being written to; what is in them does not count.

    Raises:
        DataError: `root` cannot be read.
    """
    walk = _Walk(root, leave_out)
    walk.list_folder("")
    walk.follow_links()
    walk.count_litter()
    return walk.listing_in_order()


class _Walk:
    """Lists what is really below the root, then what links lead to, and last the content of litter folders.

    In this order, so that no link takes a folder away from its own place, and a link into a litter folder works.
    """

    def __init__(self, root: str, leave_out: Sequence[str]) -> None:
        self._root = root
        self._listing = Listing()
        self._left_out = {identity for path in leave_out if (identity := _identity(path))}
        self._above = set(_folders_above(root))
        self._listed: dict[_Identity, str] = {}
        self._links: list[str] = []
        self._litter: list[tuple[str, str]] = []
        self._not_followed: list[str] = []
        self._left: list[str] = []

    def listing_in_order(self) -> Listing:
        """Return what was found, in natural order."""
        found = self._listing
        self._drop_folders_of_models()
        found.files.sort(key=natural_key)
        found.folders.sort(key=natural_key)
        found.notes += self._not_followed[:_MOST_LINKS_NAMED]
        if len(self._not_followed) > _MOST_LINKS_NAMED:
            found.notes.append(f"and {len(self._not_followed) - _MOST_LINKS_NAMED:,} more links to folders")
        return found

    def list_folder(self, top: str) -> None:
        """List a folder and the folders that are really in it; links to folders wait."""
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            path = self._path(folder)
            identity = _identity(path)
            if identity in self._listed:  # below a link, and another link led here before
                continue
            try:
                with os.scandir(path) as entries:
                    found = list(entries)
            except OSError as error:
                reason = f"folder cannot be read ({error.strerror})"
                if not folder:
                    raise DataError(f"{self._root}: {reason}") from error
                self._listing.skipped.append(SkippedPhoto(folder, reason))
                continue
            if folder and (identity in self._left_out or _holds_results(path, found)):
                self._left.append(folder)
                if identity not in self._left_out:
                    self._litter.append((folder, rules.RESULTS))
                continue
            if identity:
                self._listed[identity] = folder
            if folder:
                self._listing.folders.append(folder)
            waiting += self._take_entries(folder, found)

    def follow_links(self) -> None:
        """List the folders that links lead to; links in these wait for their turn behind the others."""
        while self._links:
            waiting, self._links = sorted(self._links, key=natural_key), []
            for link in waiting:
                identity = _identity(self._path(link))
                if identity in self._above:
                    self._leave_link(link, "a folder that contains this one")
                elif identity in self._listed:
                    self._leave_link(link, f"{self._listed[identity] or self._root}, which is listed already")
                else:
                    self.list_folder(link)

    def count_litter(self) -> None:
        """Count the files in folders that are passed over, but for folders that are listed through a link."""
        waiting = self._litter
        while waiting:
            folder, kind = waiting.pop()
            path = self._path(folder)
            if _identity(path) in self._listed:
                continue
            try:
                with os.scandir(path) as entries:
                    found = list(entries)
            except OSError as error:
                self._listing.skipped.append(SkippedPhoto(folder, f"folder cannot be read ({error.strerror})"))
                continue
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((f"{folder}/{entry.name}", kind))
                else:
                    self._listing.kinds[f"{folder}/{entry.name}"] = kind

    def _drop_folders_of_models(self) -> None:
        """Forget folders that hold nothing but model folders, such as `models/` of `models/my-model`."""
        found = self._listing
        others = [*found.files, *(item.name for item in found.skipped)]
        others += [file for file, kind in found.kinds.items() if kind != rules.RESULTS]
        holders = {parent for folder in self._left for parent in _parents(folder)}
        for holder in sorted(holders, key=len, reverse=True):
            if not any(name.startswith(f"{holder}/") for name in (*others, *found.folders)):
                found.folders.remove(holder)

    def _take_entries(self, folder: str, entries: list[os.DirEntry[str]]) -> list[str]:
        """Sort the entries of a folder into the listing and return the folders among them."""
        folders = []
        hub = {entry.name for entry in entries if entry.name in rules.HUB_FOLDERS}
        named_elsewhere = rules.HUB_FOLDERS[0] if len(hub) == len(rules.HUB_FOLDERS) else ""
        for entry in entries:
            relative = f"{folder}/{entry.name}" if folder else entry.name
            if is_plainly_a_photo(entry.name) and entry.is_file(follow_symlinks=False):
                self._listing.files.append(relative)
                continue
            is_folder = entry.is_dir(follow_symlinks=False)
            if kind := rules.SYSTEM if entry.name == named_elsewhere else litter_kind(entry.name):
                if is_folder:
                    self._litter.append((relative, kind))
                else:
                    self._listing.kinds[relative] = kind
            elif is_folder:
                folders.append(relative)
            elif entry.is_file(follow_symlinks=False):
                self._take_file(relative, entry)
            else:
                self._take_link_or_special_file(relative, entry)
        return folders

    def _take_file(self, relative: str, entry: os.DirEntry[str]) -> None:
        kind = "" if has_photo_ending(entry.name) else kind_by_ending(entry.name)
        is_photo = not kind or (not entry.name.casefold().endswith(rules.NEVER_PHOTOS) and holds_picture(entry.path))
        if is_photo:
            self._listing.files.append(relative)
        else:
            self._listing.kinds[relative] = kind

    def _take_link_or_special_file(self, relative: str, entry: os.DirEntry[str]) -> None:
        try:
            mode = os.stat(entry.path).st_mode
        except OSError:
            if kind := kind_by_ending(entry.name):
                self._listing.kinds[relative] = kind
            else:
                self._listing.skipped.append(SkippedPhoto(relative, why_broken(entry.path)))
            return
        if stat.S_ISDIR(mode):
            self._links.append(relative)
        elif stat.S_ISREG(mode):
            self._take_file(relative, entry)
        else:
            self._listing.skipped.append(SkippedPhoto(relative, kind_of_special_file(mode)))

    def _leave_link(self, link: str, where: str) -> None:
        self._listing.kinds[link] = rules.KNOWN_FOLDERS
        self._not_followed.append(f"{link}: a link to {where}; it is not followed")

    def _path(self, folder: str) -> str:
        return os.path.join(self._root, folder)


def why_broken(path: str) -> str:
    """Say why a link leads to no file or folder, and what brings that back; empty if it leads to one."""
    try:
        os.stat(path)
    except FileNotFoundError:
        target = os.readlink(path) if os.path.islink(path) else ""
        if "annex/objects" in target:
            return "a broken link: its content is not here; run: git annex get"
        return f"a broken link: {target} does not exist" if target else "file has vanished"
    except OSError as error:
        return f"a broken link ({error.strerror})" if os.path.islink(path) else f"cannot be read ({error.strerror})"
    return ""


def _parents(folder: str) -> list[str]:
    parents = []
    while "/" in folder:
        folder = folder.rpartition("/")[0]
        parents.append(folder)
    return parents


def _holds_results(path: str, entries: list[os.DirEntry[str]]) -> bool:
    names = {entry.name for entry in entries}
    return (
        names >= rules.MODEL_FILES
        or rules.DEMO_MARKER in names
        or ("resume" in names and any(os.path.isfile(os.path.join(path, file)) for file in rules.UNFINISHED_RUN_FILES))
    )


def _identity(path: str) -> _Identity | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _folders_above(root: str) -> list[_Identity]:
    """Return the identities of the folders that contain a folder."""
    above, path = [], os.path.realpath(root)
    while (parent := os.path.dirname(path)) != path:
        if identity := _identity(parent):
            above.append(identity)
        path = parent
    return above
