"""Predicts photos with the reference CNN in Keras, at batch 1 as in *Cat or Dog?*, to a CSV. For prediction_speed.py.

python benchmarks/peers/prediction_speed_keras.py --save MODEL      write the network with its initial weights
python benchmarks/peers/prediction_speed_keras.py FOLDER MODEL CSV  predict, and print the photos/s after a warm-up
"""

import csv
import sys
import time
from pathlib import Path

import keras
import numpy as np
from reference_cnn_keras import IMAGE_SIZE, plain_photos, reference_cnn


def main() -> None:
    if sys.argv[1] == "--save":
        keras.utils.set_random_seed(0)
        reference_cnn().save(sys.argv[2])
        return
    network = keras.models.load_model(sys.argv[2])
    # The first call of `predict` traces its function, which belongs to start-up.
    network.predict(np.zeros((1, IMAGE_SIZE, IMAGE_SIZE, 3), np.float32), verbose=0)
    started_at = time.perf_counter()
    photos = plain_photos(Path(sys.argv[1]), batch_size=1, labelled=False)
    probabilities = network.predict(photos, verbose=0).ravel()
    with open(sys.argv[3], "w", newline="") as stream:
        rows = zip(photos.filenames, probabilities.tolist(), strict=True)
        csv.writer(stream).writerows([name, "dog" if value > 0.5 else "cat", value] for name, value in rows)
    print(len(probabilities) / (time.perf_counter() - started_at))


if __name__ == "__main__":
    main()
