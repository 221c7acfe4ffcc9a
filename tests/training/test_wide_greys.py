"""A training on photos of 12 bits in 16: the range is kept in the model, and prediction reads photos by it."""

from pathlib import Path

import numpy as np
from PIL import Image

from photoclass.model.folder import load_info
from photoclass.model.runtime import Runtime
from photoclass.results.predict import predict
from photoclass.training.run import TrainOptions
from photoclass.training.train import train
from photoclass.workspace import Workspace
from picture_files import encode, noise_picture, put
from tiny_runs import TINY, Watch


def _twelve_bits(seed: int) -> bytes:
    grey = np.asarray(noise_picture(seed, 40, 40).convert("L")).astype(np.float64)
    highest = 4095 if seed % 3 else 700  # a third of them dark
    return encode(Image.fromarray((grey / grey.max() * highest).astype(np.uint16)), "PNG")


def test_fault_67_the_range_of_the_training_photos_is_kept_and_used(tmp_path: Path) -> None:
    for i in range(24):
        put(tmp_path / "photos" / ("ill", "well")[i % 2] / f"{i}.png", _twelve_bits(i))
    watch, settings = Watch(), {**TINY, "epochs": 1}
    options = TrainOptions(precision="fp32", report=False)
    workspace = Workspace(tmp_path / "cache", 1, watch)
    trained = train(tmp_path / "photos", tmp_path / "run", "small-cnn", settings, options, workspace=workspace)
    assert [line for line in watch.lines if "are read as 12-bit" in line]
    assert trained.info.grey_bits == load_info(tmp_path / "run").grey_bits == 12
    predictions = predict([tmp_path / "photos"], tmp_path / "run")
    row_of = {path: row for row, path in enumerate(predictions.paths)}
    pixels = trained.photos.pixels.all()
    given = Runtime.load(tmp_path / "run").probabilities(list(pixels))
    for path, probabilities in zip(trained.photos.table.paths, given, strict=True):
        np.testing.assert_allclose(predictions.probabilities[row_of[path]], probabilities, atol=1e-6)
