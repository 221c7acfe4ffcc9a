"""Trains the reference CNN in Keras and writes a history.csv, row by row. For time_to_loss.py.

python benchmarks/peers/time_to_loss_keras.py FOLDER HISTORY LEVEL MINUTES EPOCHS

FOLDER holds train/CLASS and valid/CLASS. Training ends when the validation log loss is at LEVEL or lower, at
the end of the epoch in which MINUTES run out, or after EPOCHS.
"""

import csv
import sys
import time
from pathlib import Path

import keras
from reference_cnn_keras import plain_photos, reference_cnn, training_photos


class History(keras.callbacks.Callback):
    """Writes validation log loss and seconds (with validation) of each epoch, and ends the training in time."""

    def __init__(self, path: Path, level: float, minutes: float) -> None:
        super().__init__()
        self.path, self.level = path, level
        self.deadline = time.monotonic() + 60 * minutes
        self.write(["epoch", "val_loss", "val_accuracy", "seconds"])

    def write(self, row: list[object]) -> None:
        with self.path.open("a", newline="") as stream:
            csv.writer(stream).writerow(row)

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self.started_at = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        seconds = time.perf_counter() - self.started_at
        self.write([epoch + 1, logs["val_loss"], logs["val_accuracy"], seconds])
        if logs["val_loss"] <= self.level or time.monotonic() > self.deadline:
            self.model.stop_training = True


def main() -> None:
    folder, history = Path(sys.argv[1]), Path(sys.argv[2])
    level, minutes, epochs = float(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])
    keras.utils.set_random_seed(0)
    reference_cnn().fit(
        training_photos(folder / "train"),
        validation_data=plain_photos(folder / "valid"),
        epochs=epochs,
        verbose=0,
        callbacks=[History(history, level, minutes)],
    )


if __name__ == "__main__":
    main()
