"""`convert`: write the photos and labels of DATA in another form, from which the same is read again."""

import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from photoclass.atomic import atomic_folder
from photoclass.errors import DataError, OutputError, SettingsError
from photoclass.paths import AnyPath
from photoclass.photos.convert.forms import FORMS, LABELS_FILE, Plan
from photoclass.photos.convert.plan import plan_photos
from photoclass.photos.data_paths import Data, DataPaths
from photoclass.photos.decode import Unreadable, read_file
from photoclass.photos.sources.options import AS_IT_IS, ReadOptions
from photoclass.photos.sources.read import read_data
from photoclass.photos.table import (
    NO_SPLIT,
    SPLITS,
    PassedOver,
    PhotoTable,
    SkippedPhoto,
    count_by_class,
    describe_passed_over,
    unused_as_json,
)
from photoclass.text import plural
from photoclass.workspace import Workspace

SCHEMA = "photoclass/convert/1"


@dataclass(frozen=True)
class Conversion:
    """What was written.

    Attributes:
        folder: The new folder.
        form: `imagefolder`, `csv` or `parquet`.
        photos: How many photos it holds.
        classes: Photos by class.
        splits: Photos by split; `none` are those that have none yet.
        has_groups: Whether it says groups, in the column `group`.
        skipped: Photos that could not be read, and are not in it.
        passed_over: Files of DATA that are plainly no photos.
        notes: What was assumed to read DATA, one line each.
    """

    folder: Path
    form: str
    photos: int
    classes: dict[str, int]
    splits: dict[str, int]
    has_groups: bool
    skipped: tuple[SkippedPhoto, ...]
    passed_over: tuple[PassedOver, ...]
    notes: tuple[str, ...]

    @property
    def data(self) -> Path:
        """What to give as DATA: the folder, or the table in it."""
        return self.folder / LABELS_FILE if self.form == "csv" else self.folder

    def as_text(self) -> str:
        """Return what was written, in a few lines."""
        of_classes = ", ".join(f"{name} {count:,}" for name, count in self.classes.items())
        of_splits = ", ".join(f"{count:,} {name}" for name, count in self.splits.items() if count and name != "none")
        lines = [*self.notes, f"{self.folder}: {plural(self.photos, 'photo')} as {self.form} ({of_classes})"]
        lines += [f"splits: {of_splits}"] if of_splits else []
        lines += [describe_passed_over(self.passed_over)] if self.passed_over else []
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return the same as values for JSON."""
        return {
            "schema": SCHEMA,
            "folder": str(self.folder),
            "form": self.form,
            "data": str(self.data),
            "photos": self.photos,
            "classes": self.classes,
            "splits": self.splits,
            "has_groups": self.has_groups,
            **unused_as_json(self.skipped, self.passed_over),
            "notes": list(self.notes),
        }


def convert(
    data: Data,
    to: str,
    out: AnyPath,
    *,
    fixes: AnyPath | None = None,
    reading: ReadOptions = AS_IT_IS,
    workspace: Workspace | None = None,
) -> Conversion:
    """Write DATA in another form: the same photos, byte by byte, with the same classes and splits.

    The photos are copied, never changed; DATA stays as it is. The new folder appears complete or not at all.

    Args:
        data: Labelled photos, in any form that can be read.
        to: `imagefolder` for class folders in split folders, `csv` for `labels.csv` with the photos beside it, or
            `parquet` for Parquet files that hold the photos, as Hugging Face's hub has them.
        out: The folder to create.
        fixes: A fixes file, whose labels replace DATA's own, and which may exclude photos.
        reading: How DATA is read where its names leave a choice; groups become a column.
        workspace: Cache folder and progress reports; `Workspace()` when None.

    Raises:
        SettingsError: The form is unknown.
        DataError: DATA cannot be read, or the form cannot say what it says.
        OutputError: The folder is there already, is inside DATA, or cannot be written.
        MissingPackageError: Parquet needs pyarrow, which is not installed.
    """
    workspace, out = workspace or Workspace(), Path(out)
    if to not in FORMS:
        raise SettingsError(f"--to {to}: unknown form; choose from {', '.join(FORMS)}")
    paths = DataPaths.of(data)
    _refuse_inside(out, paths)
    table = read_data(paths, workspace, fixes, reading, to_train=False)
    with atomic_folder(out) as folder:
        written = _write(table, to, folder, workspace)
        if to != "parquet":  # whose columns say classes and splits as they are
            _check_same(written, to, folder, out, workspace)
    return Conversion(
        out,
        to,
        len(written.table),
        count_by_class(written.table.labels, table.class_names),
        _count_splits(written.table),
        bool(table.groups),
        (*table.skipped, *written.skipped),
        table.passed_over,
        table.notes,
    )


@dataclass(frozen=True)
class _Written:
    """What was written.

    Attributes:
        table: The photos.
        files: Where each is below the new folder.
        skipped: Photos that could not be read.
    """

    table: PhotoTable
    files: tuple[str, ...]
    skipped: tuple[SkippedPhoto, ...]


def _write(table: PhotoTable, to: str, folder: Path, workspace: Workspace) -> _Written:
    """Write all photos that can be read; what they hold is not looked at."""
    has_splits = bool((table.splits != NO_SPLIT).any())
    plan = Plan(folder, len(table), table.class_names, has_splits, bool(table.groups))
    files, skipped, rows = [], [], []
    with closing(FORMS[to](plan)) as writer, workspace.task(f"Writing {to}", len(table)) as task:
        for row, photo in enumerate(plan_photos(table, one_folder=to != "imagefolder")):
            content = read_file(photo.path)
            if isinstance(content, Unreadable):
                skipped.append(SkippedPhoto(photo.shown, content.reason))
            else:
                files.append(writer.write(photo, content))
                rows.append(row)
            task.advance()
        writer.finish()
    if not rows:
        raise DataError(f"{skipped[0].name}: {skipped[0].reason}; so is every photo, and nothing is written")
    return _Written(table.select(np.array(rows, dtype=np.int64)), tuple(files), tuple(skipped))


def _check_same(written: _Written, to: str, folder: Path, out: Path, workspace: Workspace) -> None:
    """Read what was written, and refuse it if a class or split is another, as names of folders and words mean much.

    Raises:
        DataError: One is.
    """
    try:
        again = read_data(folder / LABELS_FILE if to == "csv" else folder, workspace, to_train=False)
    except DataError as error:
        said = str(error).replace(str(folder), str(out))
        raise DataError(
            f"--to {to} cannot say what DATA says; use --to parquet. It would be refused: {said}"
        ) from error
    found = dict(zip((os.path.relpath(path, folder) for path in again.paths), _meanings(again), strict=True))
    for file, shown, meant in zip(written.files, written.table.names, _meanings(written.table), strict=True):
        if found.get(file) != meant:
            read = " in ".join(filter(None, found[file])) if file in found else "no photo"
            raise DataError(
                f"{shown}: would be read again from {out}/{file} as {read}, not as {' in '.join(filter(None, meant))}; "
                "use --to parquet"
            )


def _meanings(table: PhotoTable) -> list[tuple[str, str]]:
    """Return the class and the split of each photo."""
    splits = ("" if split == NO_SPLIT else SPLITS[split] for split in table.splits.tolist())
    return [(table.class_names[label], split) for label, split in zip(table.labels.tolist(), splits, strict=True)]


def _count_splits(table: PhotoTable) -> dict[str, int]:
    counts = {name: int((table.splits == split).sum()) for split, name in enumerate(SPLITS)}
    return {**counts, "none": int((table.splits == NO_SPLIT).sum())}


def _refuse_inside(out: Path, data: DataPaths) -> None:
    for part in data.parts:
        folder = os.path.realpath(part)
        if part.is_dir() and os.path.commonpath([os.path.realpath(out), folder]) == folder:
            raise OutputError(f"{out}: is inside DATA ({part}); give a folder outside of it")
