"""What the report reads of a model folder, besides the model: epochs, and files that were skipped."""

import csv
import dataclasses
from dataclasses import dataclass
from pathlib import Path

from photoclass.errors import ModelError
from photoclass.photos.table import SkippedPhoto


@dataclass(frozen=True)
class Epoch:
    """What `history.csv` says of an epoch."""

    epoch: float
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float


def read_history(model: Path) -> tuple[Epoch, ...]:
    """Read `history.csv`; empty where the recipe has no epochs.

    Raises:
        ModelError: It is damaged.
    """
    path = model / "history.csv"
    names = [field.name for field in dataclasses.fields(Epoch)]
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            return tuple(Epoch(*(float(row[name]) for name in names)) for row in csv.DictReader(stream))
    except FileNotFoundError:
        return ()
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise ModelError(f"{path}: cannot be read ({error}); copy the model folder again") from error


def read_skipped(model: Path) -> tuple[SkippedPhoto, ...]:
    """Read `skipped.csv`; empty where every file could be used.

    Raises:
        ModelError: It is damaged.
    """
    path = model / "skipped.csv"
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
            return tuple(SkippedPhoto(row["file"], row["reason"]) for row in csv.DictReader(stream))
    except FileNotFoundError:
        return ()
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise ModelError(f"{path}: cannot be read ({error}); copy the model folder again") from error
