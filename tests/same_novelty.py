"""Checking what a training keeps to tell distances by against what its saved model computes from the photos' files."""

import csv
import hashlib
from pathlib import Path

import numpy as np

from photoclass.model.folder import load_novelty
from photoclass.model.novelty import fit_novelty
from photoclass.model.runtime import Runtime
from photoclass.photos.decode import decode_photo


def assert_novelty_is_what_the_saved_model_computes(run: Path, photos: Path, apart: float) -> None:
    """Compare `novelty.npz` with features out of `model.onnx`; cosines and distances may be so far apart."""
    runtime = Runtime.load(run)
    settings = runtime.info.decode_settings()
    by_content = {
        hashlib.sha256(content).hexdigest(): content for content in map(Path.read_bytes, photos.rglob("*.jpg"))
    }
    with open(run / "photos.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    features = {
        split: runtime.predict(
            decode_photo(by_content[row["sha256"]], settings)  # type: ignore[misc]
            for row in rows
            if row["split"] == split
        )[1]
        for split in ("train", "valid")
    }
    kept = load_novelty(run, runtime.info.onnx_sha256)
    assert kept is not None
    computed = fit_novelty(features["train"], features["valid"])
    one, other = (seen.rows.astype(float) for seen in (kept, computed))
    assert one.shape == other.shape
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    cosines = (one * other).sum(axis=1)[lengths > 0] / lengths[lengths > 0]
    assert cosines.min() > 1 - apart
    np.testing.assert_allclose(kept.calibration, computed.calibration, atol=apart)
