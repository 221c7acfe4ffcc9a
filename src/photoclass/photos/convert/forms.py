"""The forms that DATA can be converted to: each writes photos one by one into a new folder."""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from photoclass.errors import DataError
from photoclass.extras import load_extra
from photoclass.photos.convert.plan import PlannedPhoto
from photoclass.photos.tables.cells import safe_label

PHOTOS_FOLDER, LABELS_FILE = "photos", "labels.csv"
# Large folders are slow in file managers and on network storage.
_MOST_IN_FOLDER = 10_000
_SHARD_BYTES = 500 << 20
_ROW_GROUP_BYTES = 32 << 20
_MOST_IN_ROW_GROUP = 100


class Writer(Protocol):
    """Writes photos in a form."""

    def write(self, photo: PlannedPhoto, content: bytes) -> str:
        """Write a photo, and return where it is below the folder; empty if it is in a table."""

    def finish(self) -> None:
        """Write what comes after the last photo."""

    def close(self) -> None:
        """Close all files, whether or not all photos were written."""


@dataclass(frozen=True)
class Plan:
    """What a writer knows before the first photo.

    Attributes:
        folder: The new folder, empty.
        photos: How many photos there are.
        class_names: All classes, in their order.
        has_splits: Whether photos have splits.
        has_groups: Whether photos have groups.
    """

    folder: Path
    photos: int
    class_names: Sequence[str]
    has_splits: bool
    has_groups: bool


@dataclass
class ImageFolder:
    """Class folders, in split folders where there are splits: the `imagefolder` of Hugging Face's `datasets`."""

    plan: Plan

    def __post_init__(self) -> None:
        if self.plan.has_groups:
            raise DataError("--group-by: class folders cannot say groups; use --to csv or --to parquet")
        for name in self.plan.class_names:
            if "/" in name or "\0" in name or name in (".", "..") or len(name.encode()) > 255:
                raise DataError(f"the class {name!r} cannot be a folder's name; use --to csv or --to parquet")

    def write(self, photo: PlannedPhoto, content: bytes) -> str:
        """Write a photo into the folder of its class."""
        folder = f"{photo.split}/{photo.label}" if photo.split else photo.label
        return _write_new(self.plan.folder, f"{folder}/{photo.name}", content)

    def finish(self) -> None:
        """Do nothing: folders and names say all."""

    def close(self) -> None:
        """Do nothing: no file stays open."""


@dataclass
class LabelTable:
    """`labels.csv`, with the columns image, label, and split and group where there are any; photos in `photos/`."""

    plan: Plan
    _stream: IO[str] = field(init=False)
    _written: int = 0

    def __post_init__(self) -> None:
        self._columns = ["image", "label", *["split"] * self.plan.has_splits, *["group"] * self.plan.has_groups]
        self._stream = open(self.plan.folder / LABELS_FILE, "w", encoding="utf-8", newline="")  # noqa: SIM115
        self._rows = csv.writer(self._stream, lineterminator="\n")
        self._rows.writerow(self._columns)

    def write(self, photo: PlannedPhoto, content: bytes) -> str:
        """Write a photo and its row."""
        many = self.plan.photos > _MOST_IN_FOLDER
        inside = f"{PHOTOS_FOLDER}/{self._written // _MOST_IN_FOLDER:03}" if many else PHOTOS_FOLDER
        name = _write_new(self.plan.folder, f"{inside}/{photo.name}", content)
        cells = {"split": photo.split, "group": safe_label(photo.group)}
        self._rows.writerow([name, safe_label(photo.label), *(cells[column] for column in self._columns[2:])])
        self._written += 1
        return name

    def finish(self) -> None:
        """Write the last rows."""
        self._stream.flush()

    def close(self) -> None:
        """Close the table."""
        self._stream.close()


@dataclass
class ParquetShards:
    """`data/train-00000-of-00002.parquet` …, as Hugging Face's hub has them: an image of bytes and path, and a label.

    The labels are numbers, whose names are in the schema: with `datasets`, they are a `ClassLabel` and an `Image`.
    """

    plan: Plan
    _open: dict[str, "_Shard"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._index = {name: number for number, name in enumerate(self.plan.class_names)}

    def write(self, photo: PlannedPhoto, content: bytes) -> str:
        """Add a photo to the shard that is open for its split."""
        split = photo.split or "train"
        shard = self._open.get(split)
        if shard is None or shard.is_full():
            number = 0 if shard is None else shard.number + 1
            if shard is not None:
                shard.close()
            shard = self._open[split] = _Shard(self._file(split, number), number, self.plan)
        row = {"image": {"bytes": content, "path": photo.name}, "label": self._index[photo.label], "group": photo.group}
        shard.add(row, len(content))
        return ""

    def finish(self) -> None:
        """Write the last rows, and name each file after the number of its split's files."""
        for split, shard in self._open.items():
            shard.close()
            for number in range(shard.number + 1):
                file = self._file(split, number)
                file.rename(file.with_name(f"{split}-{number:05}-of-{shard.number + 1:05}.parquet"))

    def close(self) -> None:
        """Close the files that are open."""
        for shard in self._open.values():
            shard.close()

    def _file(self, split: str, number: int) -> Path:
        folder = self.plan.folder / "data"
        folder.mkdir(exist_ok=True)
        return folder / f"{split}-{number:05}"


class _Shard:
    """A Parquet file that grows by row groups of about 100 photos, so that readers need little memory."""

    def __init__(self, file: Path, number: int, plan: Plan) -> None:
        pa = load_extra("pyarrow", "parquet", "Parquet")
        parquet = load_extra("pyarrow.parquet", "parquet", "Parquet")
        image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        fields = [("image", image), ("label", pa.int64()), *[("group", pa.string())] * plan.has_groups]
        features: dict[str, Any] = {
            "image": {"_type": "Image"},
            "label": {"names": list(plan.class_names), "_type": "ClassLabel"},
            **({"group": {"dtype": "string", "_type": "Value"}} if plan.has_groups else {}),
        }
        metadata = {"huggingface": json.dumps({"info": {"features": features}})}
        self.number = number
        self._make: Callable[..., Any] = pa.Table.from_pylist
        self._schema = pa.schema(fields, metadata=metadata)
        self._columns = [name for name, _ in fields]
        self._writer = parquet.ParquetWriter(str(file), self._schema, use_dictionary=False)
        self._rows: list[dict[str, Any]] = []
        self._waiting = self._written = 0

    def is_full(self) -> bool:
        """Return whether the next photo belongs into another file."""
        return self._written + self._waiting >= _SHARD_BYTES

    def add(self, row: dict[str, Any], size: int) -> None:
        """Add a row, whose photo has so many bytes."""
        self._rows.append({name: row[name] for name in self._columns})
        self._waiting += size
        if self._waiting >= _ROW_GROUP_BYTES or len(self._rows) >= _MOST_IN_ROW_GROUP:
            self._flush()

    def close(self) -> None:
        """Write what waits, and the footer."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(self._make(self._rows, schema=self._schema))
        self._written += self._waiting
        self._rows, self._waiting = [], 0


FORMS: dict[str, Callable[[Plan], Writer]] = {"imagefolder": ImageFolder, "csv": LabelTable, "parquet": ParquetShards}


def _write_new(folder: Path, name: str, content: bytes) -> str:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "xb") as out:
        out.write(content)
    return name
