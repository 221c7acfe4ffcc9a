"""Trains the reference CNN in Keras and prints the photos/s of its second epoch. For training_speed.py.

The environment variable KERAS_BACKEND chooses the backend: tensorflow (the default) or torch.
"""

import sys
import time
from pathlib import Path

import keras
from reference_cnn_keras import reference_cnn, training_photos


class EpochTimes(keras.callbacks.Callback):
    """Records how long each epoch takes."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self.started_at = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        self.seconds.append(time.perf_counter() - self.started_at)


def main() -> None:
    photos, times = training_photos(Path(sys.argv[1])), EpochTimes()
    reference_cnn().fit(photos, epochs=2, verbose=0, callbacks=[times])
    print(photos.samples / times.seconds[1])


if __name__ == "__main__":
    main()
