"""The reference CNN in Keras: network and input pipeline, shared by the scripts here; needs TensorFlow.

Both are those of the blog post *Cat or Dog? Image Classification using Convolutional Neural Networks*.
"""

import os
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
from keras import layers
from keras.src.legacy.preprocessing.image import ImageDataGenerator

IMAGE_SIZE = 150
BATCH_SIZE = 16


def reference_cnn() -> Any:
    """Return the reference CNN for two classes, compiled as in the post."""
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
    """Return batches of 16 photos from class folders, augmented as in the post."""
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
    """Return the photos of class folders in order, not augmented; without labels, of any folder."""
    return ImageDataGenerator(rescale=1 / 255).flow_from_directory(
        str(folder),
        target_size=(IMAGE_SIZE, IMAGE_SIZE),
        batch_size=batch_size,
        class_mode="binary" if labelled else None,
        shuffle=False,
    )
