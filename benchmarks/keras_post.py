"""The post's recipe in Keras; prints the training photos/s of a second epoch. For training_speed.py.

The environment variable KERAS_BACKEND says on what Keras runs: tensorflow, which is the default, or torch.
"""

import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
from keras import layers
from keras.src.legacy.preprocessing.image import ImageDataGenerator


class EpochTimes(keras.callbacks.Callback):
    """Notes how long each epoch takes."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self.started_at = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        self.seconds.append(time.perf_counter() - self.started_at)


def main() -> None:
    network = keras.Sequential(
        [
            layers.Input((150, 150, 3)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    network.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    augment = ImageDataGenerator(
        rescale=1 / 255,
        rotation_range=40,
        width_shift_range=0.2,
        height_shift_range=0.2,
        shear_range=0.2,
        zoom_range=0.2,
        horizontal_flip=True,
        fill_mode="nearest",
    )
    photos = augment.flow_from_directory(sys.argv[1], target_size=(150, 150), batch_size=16, class_mode="binary")
    times = EpochTimes()
    network.fit(photos, epochs=2, verbose=0, callbacks=[times])
    print(photos.samples / times.seconds[1])


if __name__ == "__main__":
    main()
