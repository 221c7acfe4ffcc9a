"""Reading DATA and PHOTOS (folders, zips, tables, files) into a table of photos."""

import os
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from photoclass.errors import DataError
from photoclass.paths import AnyPath
from photoclass.photos.data_paths import Data, DataPaths
from photoclass.photos.decode import kind_of_special_file
from photoclass.photos.fixes import apply_fixes
from photoclass.photos.sources.archives.inner import archives_to_give
from photoclass.photos.sources.archives.kinds import is_archive, why_no_archive
from photoclass.photos.sources.archives.unpack import unpack
from photoclass.photos.sources.data_parts import DataPart, merge_parts, note_other_parts, what_holds
from photoclass.photos.sources.grouping import group_rows
from photoclass.photos.sources.label_tables.inside_folders import (
    label_folder,
    label_table_beside,
    refuse_column_options,
    refuse_label_tables,
)
from photoclass.photos.sources.label_tables.label_file import read_label_file
from photoclass.photos.sources.labelled import make_table
from photoclass.photos.sources.layout import label_listing, label_of_name
from photoclass.photos.sources.listing import Listing, count_kinds, list_files, why_broken
from photoclass.photos.sources.masks import pass_over_masks
from photoclass.photos.sources.options import AS_IT_IS, ReadOptions
from photoclass.photos.sources.rules import RESULTS
from photoclass.photos.table import (
    NO_LABEL,
    NO_SPLIT,
    PhotoTable,
    SkippedPhoto,
    describe_passed_over,
    name_below,
    natural_key,
)
from photoclass.photos.tables.table_file import is_table
from photoclass.workspace import Workspace


def read_data(
    data: Data,
    workspace: Workspace,
    fixes: AnyPath | None = None,
    reading: ReadOptions = AS_IT_IS,
    *,
    to_train: bool = True,
    leave_out: Sequence[Path] = (),
) -> PhotoTable:
    """Read labelled photos: a folder, a zip or a table.

    Args:
        data: Class folders, with or without train/ and valid/ around them; flat names (`cat.0.jpg`); a zip of
            any of these; or a table of images, labels and perhaps splits (CSV, TSV or JSON Lines), alone or inside
            the folder as `metadata.csv`, `metadata.jsonl` or `_classes.csv`. Several folders or zips are the parts of
            one.
        workspace: A zip is unpacked into its cache folder.
        fixes: A fixes file, whose labels replace DATA's own.
        reading: How DATA is read where its names leave a choice.
        to_train: Whether these photos are for training; if not, a class may have none.
        leave_out: Folders that results are being written to; what is in them does not belong to DATA.

    Raises:
        DataError: DATA does not exist, is in none of these forms, or its classes cannot be trained on; or the fixes do
            not fit it.
        ArchiveError: The zip is damaged or unsafe.
    """
    paths = DataPaths.of(data)
    for part in paths.parts:
        if not os.path.lexists(part):
            raise DataError(f"{part}: there is no such file or folder")
    read = _read_one if len(paths.parts) == 1 else _read_parts
    note = note_other_parts(paths.parts)
    try:
        table = read(paths, workspace, reading, to_train, leave_out)
    except DataError as error:
        if not note:
            raise
        raise type(error)(f"{error}. Note: {note}") from error
    if note:
        table = replace(table, notes=(note, *table.notes))
    return apply_fixes(table, Path(fixes), paths, to_train) if fixes else table


def _read_one(
    data: DataPaths, workspace: Workspace, reading: ReadOptions, to_train: bool, leave_out: Sequence[Path]
) -> PhotoTable:
    (path,) = data.parts
    where = str(path)
    if is_table(path) and path.is_file():
        labelled, paths = read_label_file(path, reading)
        group_rows(labelled, reading.group_by, where)
        return make_table(labelled, where, paths, where, to_train)
    part = _list_part(path, workspace, leave_out)
    try:
        labelled = label_folder(part.listing, part.root, where, reading)
        group_rows(labelled, reading.group_by, where)
        return pass_over_masks(make_table(labelled, where, None, part.root, to_train))
    except DataError as error:
        table = label_table_beside(part.listing, part.root)
        if not table or archives_to_give(where, part.listing.kinds):
            if not part.listing.notes:
                raise
            # A link that was not followed, for instance, may be why a class is missing.
            raise DataError(f"{error}. Note: {'; '.join(part.listing.notes)}") from error
        meant = name_below(where, table) if part.root == where else f"{table}: unpack the zip, and give that table"
        raise DataError(f"{error}; perhaps you mean {meant}") from error


def _read_parts(
    data: DataPaths, workspace: Workspace, reading: ReadOptions, to_train: bool, leave_out: Sequence[Path]
) -> PhotoTable:
    where = str(data)
    for path in data.parts:
        if is_table(path) and path.is_file():
            raise DataError(f"{path}: a table is read alone; several parts of DATA are folders or zips")
    parts = [_list_part(path, workspace, leave_out) for path in data.parts]
    for part in parts:
        refuse_label_tables(part.listing, part.root, str(part.path), reading)
    refuse_column_options(where, reading)
    merged = merge_parts(parts)
    try:
        labelled = label_listing(merged.listing, where, reading, merged.path_of)
    except DataError as error:
        if merged.listing.folders:
            raise
        raise DataError(f"{error}. If each of these is a class, {what_holds(parts)}") from error
    group_rows(labelled, reading.group_by, where)
    return pass_over_masks(merged.place(make_table(labelled, where, None, where, to_train), where))


def _list_part(path: Path, workspace: Workspace, leave_out: Sequence[Path]) -> DataPart:
    """List a folder, zip or tar."""
    if path.is_dir():
        return DataPart(path, str(path), list_files(str(path), [str(folder) for folder in leave_out]))
    if path.is_file() and is_archive(path):
        return DataPart(path, *_list_archive(path, workspace))
    kind = why_no_archive(path) if path.is_file() else "not a folder, a zip, a tar or a table; give one of these"
    raise DataError(f"{path}: {kind}")


def _list_archive(archive: Path, workspace: Workspace) -> tuple[str, Listing]:
    """Return the folder that a zip or tar is unpacked in, and what it holds."""
    unpacked = unpack(archive, workspace)
    listing = list_files(str(unpacked.folder))
    listing.kinds |= unpacked.litter
    listing.notes[:0] = [f"{archive}: {note}" for note in unpacked.notes]
    return str(unpacked.folder), listing


def read_photos(
    photos: Sequence[Path], workspace: Workspace, class_names: Sequence[str] = (), leave_out: Sequence[Path] = ()
) -> PhotoTable:
    """Read photos to predict: files, folders (recursively) and zips, in natural order, each photo once.

    A photo whose folder or flat name is a class of `class_names` has that label; others have none. Files in folders and
    zips that are plainly no photos are passed over; a file that is given by name is always a photo, or skipped.
    Those of `leave_out`, which results will be written to, are passed over, too.

    Raises:
        DataError: One of `photos` does not exist, or none of them contains a file.
    """
    found: dict[str, tuple[str, str | None]] = {}
    skipped: list[SkippedPhoto] = []
    passed_over: dict[str, str] = {}
    notes: list[str] = []
    results = {file.name: os.path.realpath(file) for file in leave_out}
    for item in photos:
        where = str(item)
        if not os.path.lexists(item):
            raise DataError(f"{where}: there is no such photo, folder or zip")
        mode = os.stat(item).st_mode if os.path.exists(item) else os.lstat(item).st_mode
        packed = stat.S_ISREG(mode) and is_archive(item)
        if stat.S_ISDIR(mode) or packed:
            root, listing = _list_archive(item, workspace) if packed else (where, list_files(where))
            notes += listing.notes
            parent = item.name
            for file in listing.files:
                if file.rpartition("/")[2] in results and os.path.realpath(f"{root}/{file}") in results.values():
                    passed_over[name_below(where, file)] = RESULTS
                    continue
                found[name_below(where, file)] = f"{root}/{file}", label_of_name(f"{parent}/{file}", class_names)
            skipped += [SkippedPhoto(name_below(where, entry.name), entry.reason) for entry in listing.skipped]
            passed_over |= {name_below(where, file): kind for file, kind in listing.kinds.items()}
        elif stat.S_ISREG(mode):
            found[where] = (where, label_of_name("/".join(item.parts[-2:]), class_names))
        else:
            skipped.append(SkippedPhoto(where, why_broken(where) or kind_of_special_file(mode)))
    counted = count_kinds({name: kind for name, kind in passed_over.items() if name not in found})
    if not found and not skipped:
        what = f" ({describe_passed_over(counted)})" if counted else ""
        raise DataError(f"{', '.join(map(str, photos))}: no photos found{what}")
    # What is below one folder is in natural order already.
    names = list(found) if len(photos) == 1 else sorted(found, key=natural_key)
    index = {name: i for i, name in enumerate(class_names)}
    return PhotoTable(
        paths=tuple(found[name][0] for name in names),
        names=tuple(names),
        labels=np.array([index.get(found[name][1] or "", NO_LABEL) for name in names], dtype=np.int64),
        splits=np.full(len(names), NO_SPLIT, dtype=np.int8),
        class_names=tuple(class_names),
        notes=tuple(notes),
        passed_over=counted,
    ).with_skipped(skipped)
