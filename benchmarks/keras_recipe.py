"""The post's recipe in Keras: its network and its photos. For the scripts that stand beside Keras; needs TensorFlow."""

import os
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
from keras import layers
from keras.src.legacy.preprocessing.image import ImageDataGenerator

IMAGE_SIZE = 150
BATCH_SIZE = 16


def post_network() -> Any:
    """Return the network of the post for two classes, compiled as there."""
    network = keras.Sequential(
        [
            layers.Input((IMAGE_SIZE, IMAGE_SIZE, 3)),
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
    return network


def training_photos(folder: Path) -> Any:
    """Return the photos of class folders, augmented as in the post, 16 at a time."""
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
    return augment.flow_from_directory(
        str(folder), target_size=(IMAGE_SIZE, IMAGE_SIZE), batch_size=BATCH_SIZE, class_mode="binary"
    )


def plain_photos(folder: Path, batch_size: int = BATCH_SIZE, labelled: bool = True) -> Any:
    """Return the photos of class folders as they are, in order; without labels, of any folders."""
    return ImageDataGenerator(rescale=1 / 255).flow_from_directory(
        str(folder),
        target_size=(IMAGE_SIZE, IMAGE_SIZE),
        batch_size=batch_size,
        class_mode="binary" if labelled else None,
        shuffle=False,
    )
