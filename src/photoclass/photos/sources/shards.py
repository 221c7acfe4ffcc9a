"""Several files that are one DATA: label tables, or tars of samples; each perhaps a split by its name."""

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from photoclass.errors import DataError
from photoclass.photos.sources.data_parts import DataPart
from photoclass.photos.sources.grouping import group_rows
from photoclass.photos.sources.label_tables.inside_folders import LABEL_TABLES, UNLABELLED_SAMPLES, account_for
from photoclass.photos.sources.label_tables.label_file import label_table, label_table_file
from photoclass.photos.sources.label_tables.samples import sample_table
from photoclass.photos.sources.label_tables.splits import IGNORED, SPLIT_NAMES, TableSplits, finish_splits
from photoclass.photos.sources.labelled import LabelledFiles, LabelledRow, make_table
from photoclass.photos.sources.litter import has_photo_ending, holds_picture
from photoclass.photos.sources.names import meaning
from photoclass.photos.sources.options import ReadOptions
from photoclass.photos.table import NO_SPLIT, TRAIN, PassedOver, PhotoTable, SkippedPhoto, name_below
from photoclass.photos.tables.table_file import ARROW_ENDINGS
from photoclass.text import plural
from photoclass.workspace import Workspace

_MOST_NAMED = 3
_TARS = (".tar", ".tar.gz", ".tgz")
_ENDINGS = (*_TARS, *ARROW_ENDINGS)
# train-00000-of-00008, pets_train_0001, data-3: the same name before the number is the same series.
_NUMBER = re.compile(r"[\s_.\-]*\d+(?:[\s_.\-]*of[\s_.\-]*\d+)?$", re.IGNORECASE)


def shards_in(part: DataPart) -> list[Path]:
    """Return the tables or tars in a folder that holds no photos beside them, in natural order; none in others.

    Raises:
        DataError: There are both.
    """
    files = part.listing.files
    if not part.path.is_dir() or any(has_photo_ending(file) or holds_picture(part.path_of(file)) for file in files):
        return []
    names = [name for name in part.listing.beside if name.casefold().endswith(_ENDINGS)]
    names = [name for name in names if name.rpartition("/")[2].casefold() not in LABEL_TABLES]
    tars = [name for name in names if name.casefold().endswith(_TARS)]
    if tars and len(tars) < len(names):
        table = next(name for name in names if name not in tars)
        raise DataError(f"{part.path}: holds tars ({tars[0]}, …) and tables ({table}, …); give those that are the data")
    return [part.path / name for name in names]


def where_together(paths: Sequence[Path]) -> str:
    """Return what messages call several files; of many, the first."""
    more = f" and {len(paths) - _MOST_NAMED:,} more" if len(paths) > _MOST_NAMED else ""
    return f"{', '.join(map(str, paths[:_MOST_NAMED]))}{more}"


def read_tables(
    files: Sequence[Path], where: str, workspace: Workspace, reading: ReadOptions, to_train: bool = True
) -> PhotoTable:
    """Read several label tables as one.

    Args:
        files: The tables.
        where: What messages call them together.
        workspace: Whose cache takes the photos that tables hold.
        reading: The columns, and what files or words of a split column are.
        to_train: As in `read_data`.

    Raises:
        DataError: A table is wrong, two tables say different things of one photo, or it is unclear which splits the
            files are.
    """
    shards = _Shards(where, reading, files)
    for file, split in shards.splits_of_files().items():
        labelled, paths = label_table_file(file, workspace, reading, shards.splits, split)
        shards.add(file, labelled, {name: (_as_given(file, name), path) for name, path in paths.items()})
    return shards.table(to_train)


def read_samples(
    parts: Sequence[DataPart], where: str, reading: ReadOptions, to_train: bool = True
) -> PhotoTable | None:
    """Read several tars of samples as one; None if what they hold are no samples.

    Args:
        parts: The tars, unpacked.
        where: What messages call them together.
        reading: What the files are as splits.
        to_train: As in `read_data`.

    Raises:
        DataError: As `read_tables`; or only some hold samples.
    """
    tables = {part.path: sample_table(part.listing, part.root, part.path) for part in parts}
    if not any(tables.values()):
        return None
    if without := [file for file, table in tables.items() if table is None]:
        raise DataError(f"{without[0]}: holds no samples with labels (0001.jpg with 0001.cls), as the others do")
    shards = _Shards(where, reading, [part.path for part in parts])
    splits = shards.splits_of_files()
    for part in parts:
        table = tables[part.path]
        if table is None or part.path not in splits:
            continue
        labelled, paths = label_table(table, reading, shards.splits, part.root, splits[part.path])
        account_for(part.listing, labelled, UNLABELLED_SAMPLES)
        shards.add(part.path, labelled, {name: (part.name_of(name), path) for name, path in paths.items()})
    return shards.table(to_train)


@dataclass
class _Shards:
    """Files on their way to one table."""

    where: str
    reading: ReadOptions
    files: Sequence[Path]
    splits: TableSplits = field(init=False)
    _labelled: LabelledFiles = field(default_factory=LabelledFiles)
    _paths: dict[str, str] = field(default_factory=dict)
    _by_path: dict[str, tuple[Path, LabelledRow]] = field(default_factory=dict)
    _notes: dict[str, list[Path]] = field(default_factory=lambda: defaultdict(list))
    _skipped: list[SkippedPhoto] = field(default_factory=list)
    _passed_over: list[PassedOver] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.splits = TableSplits(self.reading)
        if len(self.files) > 1:
            self._labelled.notes.append(f"{self.where}: {len(self.files):,} files are read as one")

    def splits_of_files(self) -> dict[Path, int]:
        """Return the split of each file that is not to be ignored: by its name, or by the folder that it is in.

        Names count where there are several splits and one of them is train.

        Raises:
            DataError: Only some files have a split by their names, or it is unclear whether they have.
        """
        series = {file: _series(file) for file in self.files}
        found = {name: self.splits.of(name) for name in dict.fromkeys(series.values())}
        unclear = [name for name, split in found.items() if split is None and meaning(name).split is not None]
        if unclear and len({meaning(name).others for name in found}) > 1:
            raise self._unclear(unclear[0])
        found |= {name: meaning(name).split for name in unclear}
        meant = {file: found[series[file]] for file in self.files}
        if set(meant.values()) == {None}:
            meant = {file: self.splits.of(file.parent.name) for file in self.files}
            series = {file: file.parent.name for file in self.files}
        known = set(meant.values())
        if None in known and len(known) > 1:
            raise self._unclear(next(series[file] for file, split in meant.items() if split is None))
        kept = {file: NO_SPLIT if split is None else split for file, split in meant.items() if split != IGNORED}
        if TRAIN in known and len(known) > 1:
            said = {series[file]: SPLIT_NAMES[split] for file, split in meant.items() if split is not None}
            shown = ", ".join(f"{name} → {split}" for name, split in said.items())
            self._labelled.notes.append(f"{self.where}: splits: {shown}")
            return kept
        return dict.fromkeys(kept, NO_SPLIT)

    def add(self, file: Path, labelled: LabelledFiles, names: dict[str, tuple[str, str]]) -> None:
        """Add what a file holds.

        Args:
            file: The file.
            labelled: Its rows.
            names: By the name of a row: what messages call the photo, and its path.
        """
        for row in labelled.rows:
            name, path = names[row.file]
            row = row._replace(file=name)
            other, first = self._by_path.setdefault(os.path.abspath(path), (file, row))
            if first is row:
                self._labelled.rows.append(row)
                self._paths[name] = path
            elif first[1:] != row[1:]:
                raise DataError(
                    f"{self.where}: {other} and {file} both name {name}, with different labels or splits; keep one row"
                )
        columns = (*self._labelled.columns, *labelled.columns)
        self._labelled.columns = tuple(dict.fromkeys(columns))
        for note in labelled.notes:
            self._notes[note.removeprefix(f"{file}: ")].append(file)
        self._skipped += [SkippedPhoto(name_below(str(file), item.name), item.reason) for item in labelled.skipped]
        self._passed_over += [
            PassedOver(item.kind, item.count, name_below(str(file), item.example)) for item in labelled.passed_over
        ]

    def table(self, to_train: bool) -> PhotoTable:
        """Return all as one table."""
        self.splits.check_used(self.where)
        for note, files in self._notes.items():
            more = f" (and so in {plural(len(files) - 1, 'other file')})" if len(files) > 1 else ""
            self._labelled.notes.append(f"{files[0]}: {note}{more}")
        finish_splits(self._labelled, self.where)
        group_rows(self._labelled, self.reading.group_by, self.where)
        table = make_table(self._labelled, self.where, self._paths, self.where, to_train)
        return table.with_skipped(self._skipped).with_passed_over(self._passed_over)

    def _unclear(self, name: str) -> DataError:
        names = list(dict.fromkeys(map(_series, self.files)))
        example = ",".join(f"{series}={meaning(series).split_word or 'train'}" for series in names[:2])
        return DataError(
            f"{self.where}: is {name!r} a split? Say what the files are with --splits {example} (train, valid, test or "
            "ignore)"
        )


def _series(file: Path) -> str:
    """Return what a file's name begins with, before its number: `train` of `train-00000-of-00008.parquet`."""
    ending = next((ending for ending in _ENDINGS if file.name.casefold().endswith(ending)), file.suffix)
    return _NUMBER.sub("", file.name[: len(file.name) - len(ending)])


def _as_given(file: Path, name: str) -> str:
    """Return a photo's name as the user would write it: of one that a table names, its path."""
    is_whole = name.startswith(("/", name_below(str(file), "")))
    return name if is_whole else name_below(str(file.parent), name)
