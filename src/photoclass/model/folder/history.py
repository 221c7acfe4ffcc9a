"""`history.csv`: one row for each epoch."""

import csv
import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from photoclass.atomic import atomic_text
from photoclass.errors import ModelError
from photoclass.model.folder.files import HISTORY_FILE


@dataclass(frozen=True)
class Epoch:
    """One row of `history.csv`; the fields are its columns.

    Attributes:
        epoch: Its number, from 1. An epoch cut short by the time budget counts as the fraction that was done.
        loss: Mean training loss in nats, on augmented photos.
        accuracy: Training accuracy, on augmented photos.
        val_loss: Validation log loss in nats; NaN where the network gave NaN.
        val_accuracy: Validation accuracy.
        seconds: Duration.
        photos_per_second: Training speed.
    """

    epoch: float
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float
    photos_per_second: float

    def as_json(self) -> dict[str, float | None]:
        """Return the values under their names, None for NaN."""
        return {name: None if math.isnan(value) else value for name, value in dataclasses.asdict(self).items()}


_COLUMNS = tuple(field.name for field in dataclasses.fields(Epoch))


def save_history(folder: Path, history: Sequence[Epoch]) -> None:
    """Write `history.csv` atomically."""
    with atomic_text(folder / HISTORY_FILE) as stream:
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        for row in history:
            writer.writerow([f"{value:g}" if name == "epoch" else value for name, value in vars(row).items()])


def load_history(folder: Path) -> tuple[Epoch, ...]:
    """Read `history.csv`; empty where the recipe has no epochs.

    Raises:
        ModelError: It is damaged.
    """
    path = folder / HISTORY_FILE
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            return tuple(Epoch(*(float(row[name]) for name in _COLUMNS)) for row in csv.DictReader(stream))
    except FileNotFoundError:
        return ()
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise ModelError(f"{path}: cannot be read ({error}); copy the model folder again") from error
