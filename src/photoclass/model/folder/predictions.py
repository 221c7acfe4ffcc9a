"""`valid_predictions.csv` and `held_out_predictions.csv`: predictions for the photos that the model was scored on."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photoclass.atomic import atomic_text
from photoclass.errors import ModelError
from photoclass.model.folder.info import ModelInfo
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
    with atomic_text(_path(folder, split)) as stream:
        writer = csv.writer(stream)
        header = ["file", "truth", *(f"prob_{name}" for name in table.class_names)]
        writer.writerow(header if numbers is None else [*header, _GROUP])
        for i, (name, label, row) in enumerate(zip(table.names, table.labels, probabilities, strict=True)):
            cells = [name, table.class_names[label], *(f"{p:.7f}" for p in row)]
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
