"""The photos of a training: `photos.csv`, `fingerprints.bin`, `skipped.csv` and `label_errors.csv`."""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from photoclass.atomic import atomic_path, atomic_text
from photoclass.errors import ModelError
from photoclass.model.folder.files import (
    FINGERPRINTS_FILE,
    HASHES_FILE,
    LABEL_ERRORS_FILE,
    PHOTOS_FILE,
    SKIPPED_FILE,
    existing_file,
)
from photoclass.model.folder.hashes import PhotoSplits, load_hashes, save_hashes
from photoclass.photos.cache.store import Rows
from photoclass.photos.decode import Pixels
from photoclass.photos.duplicates.fingerprint import FINGERPRINT_SIDE, halved
from photoclass.photos.fixes import Fix, write_fixes
from photoclass.photos.table import SPLITS, PhotoTable, SkippedPhoto

_FINGERPRINTS_AT_ONCE = 65_536


@dataclass(frozen=True)
class KnownPhoto:
    """One row of `photos.csv`: SHA-256 of a photo's file, its split, its class, and its name at the time.

    A model that is given away omits names; the name is then the SHA-256. The built-in one has `photos.bin` instead: the
    content is the start of the SHA-256, and the name is the same in hexadecimal digits.
    """

    content: bytes
    split: str
    label: str
    name: str


def data_fingerprint(contents: tuple[bytes, ...], table: PhotoTable) -> str:
    """Return the SHA-256 over content, class and split of all photos, regardless of their names and order."""
    rows = sorted(
        content + table.class_names[label].encode(errors="surrogateescape") + SPLITS[split].encode()
        for content, label, split in zip(contents, table.labels, table.splits, strict=True)
    )
    return hashlib.sha256(b"\n".join(rows)).hexdigest()


def save_photos(folder: Path, contents: tuple[bytes, ...], table: PhotoTable) -> None:
    """Write `photos.csv`: every photo that was used, by content, with its class and split."""
    with atomic_text(folder / PHOTOS_FILE) as stream:
        writer = csv.writer(stream)
        writer.writerow(["sha256", "split", "label", "file"])
        for i, content in enumerate(contents):
            split, label = SPLITS[table.splits[i]], table.class_names[table.labels[i]]
            writer.writerow([content.hex(), split, label, table.names[i]])


def save_nameless_photos(folder: Path, photos: Sequence[KnownPhoto]) -> None:
    """Write `photos.csv` without the names of the files, for a model that is given away."""
    with atomic_text(folder / PHOTOS_FILE) as stream:
        writer = csv.writer(stream)
        writer.writerow(["sha256", "split", "label"])
        writer.writerows([photo.content.hex(), photo.split, photo.label] for photo in photos)


def save_photo_hashes(folder: Path, photos: Sequence[KnownPhoto]) -> None:
    """Write `photos.bin`, a shorter `photos.csv` without names, for the built-in model."""
    save_hashes(folder, [(photo.content, photo.split, photo.label) for photo in photos])


def load_photos(folder: Path) -> list[KnownPhoto]:
    """Read `photos.csv`, or else `photos.bin`: every photo that trained, selected or scored the model.

    Raises:
        ModelError: It is missing or damaged.
    """
    path = folder / PHOTOS_FILE
    if not path.exists() and (folder / HASHES_FILE).exists():
        return [KnownPhoto(digest, split, label, digest.hex()) for digest, split, label in load_hashes(folder)]
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
            return [
                KnownPhoto(bytes.fromhex(row["sha256"]), row["split"], row["label"], row.get("file", row["sha256"]))
                for row in csv.DictReader(stream)
            ]
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise ModelError(f"{path}: cannot be read ({error}); copy the model folder again") from error


def load_photo_splits(folder: Path) -> PhotoSplits:
    """Read which split of the training each photo was in, by content.

    A photo that the user put into several splits counts for the one that influenced the model most: train, then valid.

    Raises:
        ModelError: `photos.csv` is missing or damaged.
    """
    splits: dict[bytes, str] = {}
    try:
        for photo in load_photos(folder):
            splits[photo.content] = min(photo.split, splits.get(photo.content, photo.split), key=SPLITS.index)
    except ValueError as error:
        raise ModelError(f"{folder / PHOTOS_FILE}: cannot be read ({error}); copy the model folder again") from error
    return PhotoSplits(splits)


def save_fingerprints(folder: Path, fingerprints: Rows) -> None:
    """Write `fingerprints.bin`: 16 x 16 grey cells of each photo, a byte each, and nothing else."""
    with atomic_path(folder / FINGERPRINTS_FILE) as part, open(part, "wb") as stream:
        for start in range(0, len(fingerprints), _FINGERPRINTS_AT_ONCE):
            rows = np.arange(start, min(start + _FINGERPRINTS_AT_ONCE, len(fingerprints)))
            stream.write(halved(fingerprints.take(rows)).tobytes())


def load_fingerprints(folder: Path) -> Pixels | None:
    """Read the fingerprints of the training photos, shape (N, 16, 16); None where the folder has none.

    Raises:
        ModelError: The file is damaged.
    """
    path = folder / FINGERPRINTS_FILE
    half = FINGERPRINT_SIDE // 2
    try:
        return np.frombuffer(path.read_bytes(), dtype=np.uint8).reshape(-1, half, half)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); copy the model folder again") from error


def save_skipped(folder: Path, skipped: Sequence[SkippedPhoto]) -> None:
    """Write `skipped.csv`, or remove it where no photo was skipped."""
    path = folder / SKIPPED_FILE
    if not skipped:
        path.unlink(missing_ok=True)
        return
    with atomic_text(path) as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "reason"])
        writer.writerows([item.name, item.reason] for item in skipped)


def load_skipped(folder: Path) -> tuple[SkippedPhoto, ...]:
    """Read `skipped.csv`; empty where every file could be used.

    Raises:
        ModelError: It is damaged.
    """
    path = existing_file(folder, SKIPPED_FILE)
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
            return tuple(SkippedPhoto(row["file"], row["reason"]) for row in csv.DictReader(stream))
    except FileNotFoundError:
        return ()
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise ModelError(f"{path}: cannot be read ({error}); copy the model folder again") from error


def save_label_errors(folder: Path, label_errors: Sequence[Fix]) -> None:
    """Write `label_errors.csv`, a fixes file; nothing where there are none."""
    if label_errors:
        write_fixes(folder / LABEL_ERRORS_FILE, label_errors)
