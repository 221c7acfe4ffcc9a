"""`valid_predictions.csv` and `held_out_predictions.csv`: predictions for the photos that the model was scored on."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photoclass.atomic import atomic_text
from photoclass.errors import ModelError
from photoclass.model.folder.info import ModelInfo
from photoclass.model.folder.photos import KnownPhoto
from photoclass.photos.table import PhotoTable

_GROUP = "group"


@dataclass(frozen=True)
class SplitPredictions:
    """Predictions for the photos of a split.

    Attributes:
        names: As in `photos.csv`.
        labels: Shape (N,), the true classes.
        probabilities: Shape (N, C).
        groups: Shape (N,), the number of each photo's group, as in `metrics.labelled.LabelledProbabilities`; None where
            an older version did not keep them.
    """

    names: tuple[str, ...]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    groups: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.names)


def save_predictions(
    folder: Path,
    split: str,
    table: PhotoTable,
    probabilities: NDArray[np.float32],
    groups: NDArray[np.int64] | None = None,
) -> None:
    """Write the predictions for a split, shape (N, C), atomically; with the groups of its photos, shape (N,)."""
    numbers = None if groups is None else np.unique(groups, return_inverse=True)[1]
    predictions = SplitPredictions(table.names, table.labels, probabilities.astype(np.float64), numbers)
    _write(_path(folder, split), table.class_names, predictions)


def save_nameless_predictions(
    folder: Path, split: str, info: ModelInfo, predictions: SplitPredictions, photos: Sequence[KnownPhoto]
) -> None:
    """Write the predictions for a split with the SHA-256 of each photo as its name, for a model that is given away.

    Args:
        folder: Where the file is written.
        split: `valid` or `held_out`.
        info: The model.json of the predictions.
        predictions: As loaded; rows whose photo is unknown are left out.
        photos: As in `photos.csv`.
    """
    content = {photo.name: photo.content.hex() for photo in photos}
    rows = [i for i, name in enumerate(predictions.names) if name in content]
    nameless = SplitPredictions(
        tuple(content[predictions.names[i]] for i in rows),
        predictions.labels[rows],
        predictions.probabilities[rows],
        None if predictions.groups is None else predictions.groups[rows],
    )
    _write(_path(folder, split), info.class_names, nameless)


def _write(path: Path, class_names: Sequence[str], predictions: SplitPredictions) -> None:
    numbers = predictions.groups
    with atomic_text(path) as stream:
        writer = csv.writer(stream)
        header = ["file", "truth", *(f"prob_{name}" for name in class_names)]
        writer.writerow(header if numbers is None else [*header, _GROUP])
        rows = zip(predictions.names, predictions.labels, predictions.probabilities, strict=True)
        for i, (name, label, row) in enumerate(rows):
            cells = [name, class_names[label], *(f"{p:.7f}" for p in row)]
            writer.writerow(cells if numbers is None else [*cells, numbers[i]])


def load_predictions(folder: Path, info: ModelInfo, split: str) -> SplitPredictions | None:
    """Read the predictions for a split; None where an older version did not keep them.

    Raises:
        ModelError: The file is damaged.
    """
    path = _path(folder, split)
    index = {name: i for i, name in enumerate(info.class_names)}
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
            rows = list(csv.DictReader(stream))
        probabilities = np.array([[float(row[f"prob_{n}"]) for n in info.class_names] for row in rows])
        labels = np.array([index[row["truth"]] for row in rows], dtype=np.int64)
        has_groups = bool(rows) and _GROUP in rows[0]
        groups = np.array([int(row[_GROUP]) for row in rows], dtype=np.int64) if has_groups else None
        return SplitPredictions(tuple(row["file"] for row in rows), labels, probabilities, groups)
    except FileNotFoundError:
        return None
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise ModelError(f"{path}: cannot be read ({error}); copy the model folder again") from error


def load_valid_predictions(folder: Path, info: ModelInfo) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read probabilities, shape (N, C), and labels, shape (N,), of the validation split.

    Raises:
        ModelError: The file is missing or damaged.
    """
    loaded = load_predictions(folder, info, "valid")
    if loaded is None:
        raise ModelError(f"{_path(folder, 'valid')}: cannot be read (missing); copy the model folder again")
    return loaded.probabilities, loaded.labels


def _path(folder: Path, split: str) -> Path:
    return folder / f"{split}_predictions.csv"
