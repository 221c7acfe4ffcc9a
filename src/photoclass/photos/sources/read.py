"""Reading DATA (folders, zips, tars, tables) into a table of photos."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from photoclass.errors import DataError
from photoclass.paths import AnyPath
from photoclass.photos.data_paths import Data, DataPaths
from photoclass.photos.fixes import apply_fixes
from photoclass.photos.sources.archives.inner import archives_to_give
from photoclass.photos.sources.data_parts import merge_parts, note_other_parts, what_holds
from photoclass.photos.sources.grouping import group_rows
from photoclass.photos.sources.label_tables.inside_folders import (
    label_folder,
    label_table_beside,
    refuse_column_options,
    refuse_label_tables,
)
from photoclass.photos.sources.label_tables.label_file import read_label_file
from photoclass.photos.sources.labelled import make_table
from photoclass.photos.sources.layout import label_listing
from photoclass.photos.sources.list_part import list_part
from photoclass.photos.sources.masks import pass_over_masks
from photoclass.photos.sources.options import AS_IT_IS, ReadOptions
from photoclass.photos.sources.shards import read_samples, read_tables, shards_in, where_together
from photoclass.photos.table import PhotoTable, name_below
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
    """Read labelled photos: a folder, a zip, a tar or a table.

    Args:
        data: Class folders, with or without train/ and valid/ around them; flat names (`cat.0.jpg`); a zip or tar of
            any of these, or of WebDataset's samples; or a table of images, labels and perhaps splits (CSV, TSV, JSON
            Lines, Parquet or Arrow), which may hold the photos themselves, alone or inside the folder as
            `metadata.csv`, `.jsonl` or `.parquet`, or `_classes.csv`. Several folders and archives, or several tables,
            are the parts of one.
        workspace: Zips, tars and the photos in tables are unpacked into its cache folder.
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
        labelled, paths = read_label_file(path, workspace, reading)
        group_rows(labelled, reading.group_by, where)
        return make_table(labelled, where, paths, where, to_train)
    part = list_part(path, workspace, leave_out)
    shards = shards_in(part)
    if shards and (read := _read_shards(shards, where, workspace, reading, to_train)) is not None:
        return read
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
        meant = name_below(where, table) if part.root == where else f"{table}: unpack {where}, and give that table"
        raise DataError(f"{error}; perhaps you mean {meant}") from error


def _read_shards(
    files: Sequence[Path], where: str, workspace: Workspace, reading: ReadOptions, to_train: bool
) -> PhotoTable | None:
    """Read a folder of tables, or of tars of samples; None if it holds tars of something else."""
    if is_table(files[0]):
        return read_tables(files, where, workspace, reading, to_train)
    return read_samples([list_part(file, workspace, ()) for file in files], where, reading, to_train)


def _read_parts(
    data: DataPaths, workspace: Workspace, reading: ReadOptions, to_train: bool, leave_out: Sequence[Path]
) -> PhotoTable:
    where = str(data)
    tables = [path for path in data.parts if is_table(path) and path.is_file()]
    if len(tables) == len(data.parts):
        return read_tables(tables, where_together(data.parts), workspace, reading, to_train)
    if tables:
        raise DataError(f"{tables[0]}: a table is read alone or with other tables; give these, or the folders and zips")
    parts = [list_part(path, workspace, leave_out) for path in data.parts]
    if (read := read_samples(parts, where_together(data.parts), reading, to_train)) is not None:
        return read
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
