"""Novelty: the distance to the fifth nearest training photo, its file, and features beside probabilities."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from handmade import SIDE, brightness_onnx, constant_onnx, make_info
from photoclass.errors import ModelError
from photoclass.model import novelty as novelty_module
from photoclass.model import runtime as runtime_module
from photoclass.model.folder import NOVELTY_FILE, load_novelty, save_novelty
from photoclass.model.novelty import KEPT_PHOTOS, NoveltyDetector, fit_novelty, photos_to_keep
from photoclass.model.runtime import Runtime, predict_with_distances

ONNX = b"some network"
SHA256 = hashlib.sha256(ONNX).hexdigest()


def _features(count: int, seed: int, width: int = 32) -> NDArray[np.float32]:
    """Return vectors of random length, with directions around one axis."""
    generator = np.random.default_rng(seed)
    rows = generator.normal(0, 0.2, (count, width))
    rows[:, 0] += 1
    return (rows * generator.uniform(0.5, 50, (count, 1))).astype(np.float32)


@pytest.fixture(scope="module")
def detector() -> NoveltyDetector:
    return fit_novelty(_features(300, 0), _features(200, 1))


def test_distances_of_photos_in_distribution_are_uniform_and_others_have_the_largest(detector: NoveltyDetector) -> None:
    inside = detector.distances(_features(2000, 2))
    for share in (0.25, 0.5, 0.9):
        assert (inside <= share).mean() == pytest.approx(share, abs=0.08)
    outside = -_features(50, 3)
    assert (detector.distances(outside) == 1).all()


def test_the_distance_is_the_cosine_distance_to_the_fifth_nearest(detector: NoveltyDetector) -> None:
    features = _features(20, 4)
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (features, detector.rows.astype(float))]
    far = np.sort(1 - unit[0] @ unit[1].T, axis=1)[:, 4]
    expected = [(detector.calibration < value).mean() for value in far]
    np.testing.assert_allclose(detector.distances(features), expected, atol=0.006)
    np.testing.assert_array_equal(detector.distances(features * 1000), detector.distances(features))


def test_int8_keeps_directions() -> None:
    exact = _features(300, 0)
    rows = fit_novelty(exact, exact[:5]).rows.astype(float)
    cosines = (rows * exact).sum(axis=1) / np.linalg.norm(rows, axis=1) / np.linalg.norm(exact, axis=1)
    assert cosines.min() > 0.9995


def test_few_photos_and_zero_features_have_a_distance() -> None:
    few = fit_novelty(_features(2, 0), _features(1, 1))
    assert set(few.distances(_features(5, 2))) <= {0.0, 1.0}
    assert few.distances(np.zeros((1, 32), dtype=np.float32)) == 1
    assert few.distances(np.empty((0, 0), dtype=np.float32)).shape == (0,)
    assert np.isfinite(fit_novelty(np.zeros((3, 4)), np.zeros((2, 4))).calibration).all()


def test_classes_are_sampled_as_evenly_as_their_sizes_allow() -> None:
    labels = np.repeat([0, 1, 2], [10_000, 50, 1500])
    kept = photos_to_keep(labels, 0)
    assert len(np.unique(kept)) == len(kept) == KEPT_PHOTOS and (np.diff(kept) > 0).all()
    assert np.bincount(labels[kept]).tolist() == [975, 50, 975]
    assert photos_to_keep(labels, 0).tolist() == kept.tolist() != photos_to_keep(labels, 1).tolist()
    assert photos_to_keep(labels[:7], 0).tolist() == list(range(7))


def test_what_was_saved_is_what_is_loaded(detector: NoveltyDetector, tmp_path: Path) -> None:
    assert load_novelty(tmp_path, SHA256) is None
    save_novelty(tmp_path, detector, ONNX)
    loaded = load_novelty(tmp_path, SHA256)
    assert loaded is not None
    np.testing.assert_array_equal(loaded.rows, detector.rows)
    np.testing.assert_array_equal(loaded.calibration, detector.calibration)


def test_many_validation_photos_are_summarised_by_quantiles(
    detector: NoveltyDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(novelty_module, "MOST_QUANTILES", 50)
    short = fit_novelty(_features(300, 0), _features(200, 1))
    assert len(short.calibration) == 50
    features = _features(100, 5)
    np.testing.assert_allclose(short.distances(features), detector.distances(features), atol=0.03)


@pytest.mark.parametrize(
    "damage",
    [
        {"rows": np.zeros((3, 4), dtype=np.float32)},
        {"rows": np.zeros(3, dtype=np.int8)},
        {"rows": np.zeros((0, 4), dtype=np.int8)},
        {"rows": np.zeros((KEPT_PHOTOS + 1, 4), dtype=np.int8)},
        {"calibration": np.array([0.1, np.nan], dtype=np.float32)},
        {"calibration": np.array([0.2, 0.1], dtype=np.float32)},
        {"calibration": np.empty(0, dtype=np.float32)},
        {"calibration": None},
        {"onnx_sha256": np.zeros(32, dtype=np.uint8)},
        {"rows": np.array([["pickled", None]], dtype=object)},
        {"rows": np.zeros((KEPT_PHOTOS, 40_000), dtype=np.int8)},
    ],
    ids=["floats", "flat", "empty", "many", "nan", "falling", "no valid", "missing", "other network", "pickle", "bomb"],
)
def test_invalid_content_is_refused(damage: dict[str, object], detector: NoveltyDetector, tmp_path: Path) -> None:
    digest = np.frombuffer(bytes.fromhex(SHA256), dtype=np.uint8)
    arrays = {"rows": detector.rows, "calibration": detector.calibration, "onnx_sha256": digest, **damage}
    with open(tmp_path / NOVELTY_FILE, "wb") as stream:
        np.savez_compressed(stream, **{name: values for name, values in arrays.items() if values is not None})
    with pytest.raises(ModelError, match=r"novelty\.npz: .*(copy the model folder again, or delete this file)"):
        load_novelty(tmp_path, SHA256)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + b"\0" * 40])
def test_a_file_that_is_not_an_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / NOVELTY_FILE).write_bytes(content)
    with pytest.raises(ModelError, match=r"novelty\.npz: cannot be read"):
        load_novelty(tmp_path, SHA256)


def test_a_truncated_archive_is_refused(detector: NoveltyDetector, tmp_path: Path) -> None:
    save_novelty(tmp_path, detector, ONNX)
    whole = (tmp_path / NOVELTY_FILE).read_bytes()
    for length in (len(whole) // 3, len(whole) - 30):
        (tmp_path / NOVELTY_FILE).write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"novelty\.npz: cannot be read"):
            load_novelty(tmp_path, SHA256)


def test_another_number_of_features_is_refused(detector: NoveltyDetector) -> None:
    with pytest.raises(ModelError, match="fitted on 32 features, but the network has 31"):
        detector.distances(np.zeros((1, 31), dtype=np.float32))


class TestOnePass:
    """Features and probabilities from one forward pass."""

    def test_features_are_the_inputs_of_the_last_linear_layer(self, pixels: NDArray[np.uint8]) -> None:
        runtime = Runtime(make_info(), brightness_onnx(), Path("run"), "f32")
        probabilities, features = runtime.predict(pixels)
        np.testing.assert_allclose(features, pixels.mean(axis=(1, 2)), rtol=1e-4)
        np.testing.assert_array_equal(runtime.probabilities(pixels), probabilities)

    def test_each_photo_is_read_once_and_blocks_change_nothing(
        self, pixels: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runtime = Runtime(make_info(), brightness_onnx(), Path("run"), "f32")
        detector = fit_novelty(runtime.predict(pixels[:20])[1], runtime.predict(pixels[20:])[1])
        read = 0

        def coming() -> Iterator[NDArray[np.uint8]]:
            nonlocal read
            for photo in pixels:
                read += 1
                yield photo

        whole = predict_with_distances(runtime, pixels, detector)
        monkeypatch.setattr(runtime_module, "_BLOCK", 8)
        blocks = predict_with_distances(runtime, coming(), detector)
        assert read == len(pixels) and blocks[1] is not None and whole[1] is not None
        np.testing.assert_array_equal(blocks[0], whole[0])
        np.testing.assert_array_equal(blocks[1], whole[1])

    def test_no_photos_have_no_rows(self) -> None:
        runtime = Runtime(make_info(), brightness_onnx(), Path("run"))
        detector = fit_novelty(np.ones((2, 3)), np.ones((2, 3)))
        probabilities, distances = predict_with_distances(runtime, [], detector)
        assert probabilities.shape == (0, 2) and distances is not None and distances.shape == (0,)

    def test_a_network_without_a_linear_layer_is_refused(self) -> None:
        with pytest.raises(ModelError, match=r"model\.onnx: has no linear layer"):
            Runtime(make_info(), constant_onnx([0.4, 0.6], SIDE), Path("run")).predict(
                np.zeros((1, SIDE, SIDE, 3), np.uint8)
            )
