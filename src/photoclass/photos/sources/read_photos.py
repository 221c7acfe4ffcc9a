"""Reading PHOTOS to predict: files, folders, zips, tars, and tables that hold or name photos."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from photoclass.errors import DataError
from photoclass.photos.decode import kind_of_special_file
from photoclass.photos.sources.archives.kinds import is_archive
from photoclass.photos.sources.data_parts import DataPart
from photoclass.photos.sources.label_tables.named_photos import photos_of_table
from photoclass.photos.sources.layout import label_of_name
from photoclass.photos.sources.list_part import list_archive
from photoclass.photos.sources.listing import count_kinds, list_files, why_broken
from photoclass.photos.sources.rules import RESULTS
from photoclass.photos.sources.shards import shards_in
from photoclass.photos.table import (
    NO_LABEL,
    NO_SPLIT,
    PhotoTable,
    SkippedPhoto,
    describe_passed_over,
    natural_key,
)
from photoclass.photos.tables.table_file import is_arrow_table
from photoclass.workspace import Workspace


def read_photos(
    photos: Sequence[Path], workspace: Workspace, class_names: Sequence[str] = (), leave_out: Sequence[Path] = ()
) -> PhotoTable:
    """Read photos to predict: files, folders (recursively), zips, tars and tables, in natural order, each photo once.

    A photo whose folder or flat name is a class of `class_names` has that label; others have none. Files in folders and
    archives that are plainly no photos are passed over; a file that is given by name is always a photo, or skipped.
    A table is one of Parquet or Arrow that holds its photos or names them, or a folder of such tables or of tars. Those
    files of `leave_out`, which results will be written to, are passed over, too.

    Raises:
        DataError: One of `photos` does not exist, or none of them contains a file; or a table is wrong.
    """
    found = _Found(workspace, class_names, {file.name: os.path.realpath(file) for file in leave_out})
    for item in photos:
        found.take(item)
    counted = count_kinds({name: kind for name, kind in found.passed_over.items() if name not in found.photos})
    if not found.photos and not found.skipped:
        what = f" ({describe_passed_over(counted)})" if counted else ""
        raise DataError(f"{', '.join(map(str, photos))}: no photos found{what}")
    # What is below one folder is in natural order already.
    names = list(found.photos) if len(photos) == 1 else sorted(found.photos, key=natural_key)
    index = {name: i for i, name in enumerate(class_names)}
    return PhotoTable(
        paths=tuple(found.photos[name][0] for name in names),
        names=tuple(names),
        labels=np.array([index.get(found.photos[name][1] or "", NO_LABEL) for name in names], dtype=np.int64),
        splits=np.full(len(names), NO_SPLIT, dtype=np.int8),
        class_names=tuple(class_names),
        notes=tuple(found.notes),
        passed_over=counted,
    ).with_skipped(found.skipped)


@dataclass
class _Found:
    """What was found so far: the path and the class of each photo, by its name.

    Attributes:
        results: By name, the files that results will be written to.
    """

    workspace: Workspace
    class_names: Sequence[str]
    results: dict[str, str]
    photos: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    skipped: list[SkippedPhoto] = field(default_factory=list)
    passed_over: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def take(self, item: Path) -> None:
        """Find the photos of a file, folder, archive or table."""
        where = str(item)
        if not os.path.lexists(item):
            raise DataError(f"{where}: there is no such photo, folder, zip or tar")
        mode = os.stat(item).st_mode if os.path.exists(item) else os.lstat(item).st_mode
        if stat.S_ISDIR(mode):
            self._take_folder(DataPart(item, where, list_files(where)))
        elif not stat.S_ISREG(mode):
            self.skipped.append(SkippedPhoto(where, why_broken(where) or kind_of_special_file(mode)))
        elif is_archive(item):
            self._take_listing(DataPart(item, *list_archive(item, self.workspace)))
        elif is_arrow_table(item):
            named, notes = photos_of_table(item, self.workspace)
            self.notes += notes
            self.photos |= {name: (path, label_of_name(name, self.class_names)) for name, path in named.items()}
        else:
            self.photos[where] = (where, label_of_name("/".join(item.parts[-2:]), self.class_names))

    def _take_folder(self, part: DataPart) -> None:
        shards = shards_in(part)
        for file in shards:
            self.take(file)
        if not shards:
            self._take_listing(part)

    def _take_listing(self, part: DataPart) -> None:
        self.notes += part.listing.notes
        for file in part.listing.files:
            name, path = part.name_of(file), part.path_of(file)
            if file.rpartition("/")[2] in self.results and os.path.realpath(path) in self.results.values():
                self.passed_over[name] = RESULTS
            else:
                self.photos[name] = path, label_of_name(f"{part.path.name}/{file}", self.class_names)
        self.skipped += [SkippedPhoto(part.name_of(entry.name), entry.reason) for entry in part.listing.skipped]
        self.passed_over |= {part.name_of(file): kind for file, kind in part.listing.kinds.items()}
