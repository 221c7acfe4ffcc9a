"""Predicts photos with the post's network in Keras, at batch 1 as in the post, to a CSV. For prediction_speed.py.

python benchmarks/keras_predict.py --save MODEL           write the network, with the weights that it begins with
python benchmarks/keras_predict.py FOLDER MODEL CSV       predict; prints photos/s of `predict`, after one to warm up
"""

import csv
import sys
import time
from pathlib import Path

import keras
import numpy as np
from keras_recipe import IMAGE_SIZE, plain_photos, post_network


def main() -> None:
    if sys.argv[1] == "--save":
        keras.utils.set_random_seed(0)
        post_network().save(sys.argv[2])
        return
    network = keras.models.load_model(sys.argv[2])
    # The function that `predict` runs is traced at its first call: start-up, not speed.
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
