"""The photos that a table names: as written, or below the table's folder where only one file can be meant."""

import filecmp
import os
import re
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import unquote

from photoclass.photos.sources.listing import list_files
from photoclass.photos.sources.litter import has_photo_ending
from photoclass.photos.sources.names import split_of_name
from photoclass.photos.tables.encoding import CP1252
from photoclass.photos.tables.row_faults import RowFaults
from photoclass.text import plural

_DRIVE = re.compile(r"/?[A-Za-z]:(?=[\\/])")
_WEB_ADDRESS = re.compile(r"(?!file:)[A-Za-z][A-Za-z0-9+.-]+://", re.IGNORECASE)
# Label Studio writes `/data/upload/1/<8 digits>-name.jpg`, or `/data/local-files/?d=cats/0.jpg`.
_LABEL_STUDIO_PREFIX = re.compile(r"[0-9a-f]{8}-(?=.)")
NO_SUCH_FILE = "no such file"
_MOST_NAMED = 3
# So many files of one name are narrowed by their folder before they are compared one by one.
_MANY = 8


class FoundPhoto(NamedTuple):
    """A file that a table names.

    Attributes:
        path: Where it is.
        name: The same relative to the table's folder if it is below it, however the table writes it.
        certain: Whether the table gives its whole path below the table's folder, but for case, separators or a missing
            ending. Otherwise it is the only file there that can be meant.
    """

    path: str
    name: str
    certain: bool = True


class Missing(NamedTuple):
    """Why a photo that a table names is not found: the cause, what stands there, and what to do."""

    cause: str
    example: str
    advice: str


class PhotoFinder:
    """Finds photos by what a table says of them.

    Files are listed once, and only if a photo is not where the table says.

    Args:
        folder: The table's folder.
        encoding: The table's encoding.
        shown: What messages call the folder, if that is not its path.
        split: The split that the table's name says. Of several files that can be meant, that in its folder is: of
            `train/0.jpg` and `test/0.jpg`, the first is meant by a table `train.csv`.
    """

    def __init__(self, folder: str, encoding: str = "utf-8", shown: str = "", split: int | None = None) -> None:
        self._folder = folder
        self._shown = shown or folder or "."
        self._encoding = encoding
        self._split = split
        self.by_table: tuple[str, str] | None = None
        self._below: FileIndex | None = None
        self._explained = False

    def as_written(self, cell: str) -> FoundPhoto | None:
        """Return the file that a cell names, but for spaces around it, separators and the encoding of its name."""
        for name in self._spellings(cell):
            path = os.path.join(self._folder, name)
            if _is_file(path):
                return FoundPhoto(path, self._name_of(name))
        return None

    def below(self, cell: str) -> FoundPhoto | Missing:
        """Return the only file below the table's folder that a cell can mean, or why there is none."""
        written = cell.strip()
        if "\n" in written or "\r" in written:
            advice = 'perhaps a quote (") is missing at the end of its first line'
            return Missing("a file name has a line break", repr(written), advice)
        if _WEB_ADDRESS.match(written):
            return Missing("a web address, not a file", written, "download the photos, and name their files")
        files = self._files_below()
        matches, certain = files.matches(path_parts(written))
        if not matches and "%" in written:
            matches, certain = files.matches(path_parts(unquote(written)))
        if len(matches) > 1 and len(in_split := [match for match in matches if self._is_in_split(match)]) == 1:
            self.by_table = self.by_table or (cell, in_split[0])
            matches, certain = in_split, False
        if len(matches) == 1 or self._are_copies(matches):
            return FoundPhoto(os.path.join(self._folder, matches[0]), matches[0], certain and len(matches) == 1)
        if matches:
            more = f" or {len(matches) - _MOST_NAMED:,} more" if len(matches) > _MOST_NAMED else ""
            shown = f"{written!r} is {' or '.join(matches[:_MOST_NAMED])}{more}"
            return Missing(
                "more than one file can be meant", shown, "write the folder before the name, or put the table there"
            )
        if self._explained:  # the first of a cause is shown, and this takes time
            return Missing(NO_SUCH_FILE, "", "")
        self._explained = True
        return Missing(NO_SUCH_FILE, repr(written), f"{self._what_is_here(written)}; correct the path")

    def _is_in_split(self, file: str) -> bool:
        folders = file.split("/")[:-1]
        return self._split is not None and any(split_of_name(folder) == self._split for folder in folders)

    def _are_copies(self, matches: Sequence[str]) -> bool:
        """Return whether a few files hold the same bytes, so that it does not matter which is meant."""
        if not 1 < len(matches) <= _MANY:
            return False
        first, *others = (os.path.join(self._folder, match) for match in matches)
        return all(filecmp.cmp(first, other, shallow=False) for other in others)

    def _what_is_here(self, written: str) -> str:
        files = self._files_below()
        alike = files.alike(path_parts(written))
        if alike:
            return f"{alike} is here"
        if (self._encoding == CP1252 and not written.isascii()) or any("\ud800" <= c <= "\udfff" for c in written):
            return "the table is not UTF-8: save it as UTF-8"
        if not files.photos:
            return f"there are no photos below {self._shown}"
        verb = "is" if len(files.photos) == 1 else "are"
        return f"there {verb} {plural(len(files.photos), 'photo')} below {self._shown}, such as {files.photos[0]}"

    def _files_below(self) -> "FileIndex":
        if self._below is None:
            listing = list_files(self._folder or ".")
            self._below = FileIndex(listing.files, listing.folders)
        return self._below

    def _name_of(self, name: str) -> str:
        """Return one name for a file, whatever its path."""
        plain = os.path.normpath(name)
        if plain == name and not name.startswith(("/", "..")):
            return name
        shortest = os.path.relpath(os.path.join(self._folder, plain), self._folder or ".")
        if not shortest.startswith(".."):
            plain = shortest
        # Behind a link, `a/../b` is not `b`.
        return plain if plain == name or _is_file(os.path.join(self._folder, plain)) else name

    def _spellings(self, cell: str) -> Iterator[str]:
        trimmed = cell.strip()
        names = [cell, trimmed] if trimmed != cell else [cell]
        if "\\" in trimmed and "/" not in trimmed:
            names.append(trimmed.replace("\\", "/"))
        if trimmed.startswith("file://"):
            names.append(trimmed.removeprefix("file://"))
        yield from names
        if self._encoding == CP1252:
            # The table may have been made on a system whose file names have that encoding.
            yield from (os.fsdecode(name.encode(CP1252)) for name in names)


class FileIndex:
    """Files by name and by name without ending, compared in NFC without case.

    Args:
        files: Paths below one folder.
        folders: All folders, if some hold none of the files.
    """

    def __init__(self, files: Sequence[str], folders: Sequence[str] = ()) -> None:
        self.photos: list[str] = []
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        self._by_folder: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._folder_names = {_key(folder.rpartition("/")[2]) for folder in folders}
        for file in files:
            folder, _, name = _key(file).rpartition("/")
            self._by_name[name].append(file)
            self._by_folder[folder.rpartition("/")[2], name].append(file)
            self._folder_names.update(folder.split("/"))
            if has_photo_ending(name):
                stem = name.rpartition(".")[0]
                self._by_stem[stem].append(file)
                self._by_folder[folder.rpartition("/")[2], stem].append(file)
                self.photos.append(file)

    def matches(self, parts: Sequence[str]) -> tuple[list[str], bool]:
        """Return the files that a path's parts may mean, those alone that share the most folders with it.

        Returns:
            The files, and whether each is what is written, from the table's folder to the name.
        """
        if not parts:
            return [], False
        folders, name = [_key(part) for part in parts[:-1]], _key(parts[-1])
        found = self._by_name.get(name) or self._by_stem.get(name)
        if not found and _LABEL_STUDIO_PREFIX.match(name):
            name = _LABEL_STUDIO_PREFIX.sub("", name)
            found = self._by_name.get(name)
        if not found:
            return [], False
        if len(found) > _MANY:
            in_folder = self._by_folder.get((folders[-1] if folders else "", name))
            if not in_folder:
                return found, False
            found = in_folder
        shared = {file: _shared_folders(_key(file).split("/")[:-1], folders) for file in found}
        most = max(shared.values())
        best = [file for file in found if shared[file] == most]
        # A folder that is written and is here, but does not hold the file: the file is missing from it.
        if most < len(folders) and folders[-most - 1] in self._folder_names:
            best = [file for file in best if _in_order(folders, _key(file).split("/")[:-1])]
        whole = [file for file in best if file.count("/") == most]
        if len(whole) > 1:  # names that differ only by case
            same_case = [file for file in whole if file.endswith("/".join(parts[-most - 1 :]))]
            whole = same_case if len(same_case) == 1 else whole
        return whole or best, bool(whole) and most == len(folders)

    def alike(self, parts: Sequence[str]) -> str:
        """Return a photo that has another ending, or the same number with zeros before it; empty without."""
        name = _key(parts[-1]) if parts else ""
        stem = name.rpartition(".")[0] if has_photo_ending(name) else name
        same = self._by_stem.get(stem, [])
        if not same and stem.isdecimal():
            zeros = (known for known in self._by_stem if known.isdecimal() and int(known) == int(stem))
            same = self._by_stem.get(next(zeros, ""), [])
        return same[0] if same else ""


def check_uncertain(found: dict[str, tuple[int, FoundPhoto]], faults: RowFaults) -> None:
    """Refuse that two names lead to one file of which neither names the whole.

    Args:
        found: The line and the file of each name in the table.
        faults: Takes the rows that are wrong.
    """
    if all(photo.certain for _, photo in found.values()):
        return
    by_name: dict[str, list[str]] = defaultdict(list)
    for cell, (_, photo) in found.items():
        by_name[photo.name].append(cell)
    for cells in by_name.values():
        if len({cell.strip() for cell in cells}) > 1 and not all(found[cell][1].certain for cell in cells):
            line, photo = next(found[cell] for cell in cells if not found[cell][1].certain)
            shown = f"{' and '.join(map(repr, cells[:2]))} could both be {photo.name}"
            faults.add(line, "no such file, and another row has the only file of that name", shown)


def _shared_folders(file: Sequence[str], written: Sequence[str]) -> int:
    """Return how many of the last folders are the same."""
    count = 0
    for left, right in zip(reversed(file), reversed(written), strict=False):
        if left != right:
            break
        count += 1
    return count


def _in_order(some: Sequence[str], among: Sequence[str]) -> bool:
    rest = iter(among)
    return all(part in rest for part in some)


def path_parts(cell: str) -> list[str]:
    """Return the folders and the name of a path, as people, Windows and Label Studio write it."""
    text = cell.strip()
    if _WEB_ADDRESS.match(text):
        return []
    text = text.rpartition("?d=")[2]
    text = text.removeprefix("file://")
    if drive := _DRIVE.match(text):
        text = text[drive.end() :]
    if "/" not in text or "\\" in text:
        text = text.replace("\\", "/")
    return [part for part in os.path.normpath(text).split("/") if part not in ("", ".", "..")]


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _is_file(path: str) -> bool:
    """Return whether there is something that is no folder; a broken link is there, and is named when it is read."""
    try:
        return not stat.S_ISDIR(os.stat(path).st_mode)
    except FileNotFoundError:
        return os.path.islink(path)
    except (OSError, ValueError):  # ValueError: a NUL, or a letter that file names cannot have
        return False
