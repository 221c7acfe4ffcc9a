"""Registration: a part is found where it was cut out, and other pictures leave much variance unexplained."""

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from photoclass.photos.duplicates.fingerprint import doubled, fingerprint, halved
from photoclass.photos.duplicates.registration import register
from picture_files import noise_picture


def _cells(seed: int, window: tuple[float, float, float, float] = (0, 0, 1, 1)) -> np.ndarray:
    top, left, height, width = (round(400 * share) for share in window)
    return fingerprint(noise_picture(seed, 400, 400).crop((left, top, left + width, top + height)))


@given(st.integers(0, 1000), st.floats(0, 0.1), st.floats(0, 0.1), st.floats(-0.0125, 0.0125))
def test_a_part_is_found_where_it_was_cut_out(seed: int, top: float, left: float, off: float) -> None:
    window = np.array([[top, left, 0.9, 0.9]])
    begin = np.clip(window + np.array([off, -off, 0, 0]), 0, 1)
    unexplained, found = register(_cells(seed)[None], _cells(seed, (top, left, 0.9, 0.9))[None], begin)
    assert unexplained[0] < 0.01
    np.testing.assert_allclose(found, window, atol=0.01)


@given(st.integers(0, 1000))
def test_another_picture_leaves_much_unexplained(seed: int) -> None:
    unexplained, _ = register(_cells(seed)[None], _cells(seed + 5000)[None], np.array([[0, 0, 1, 1]]))
    assert unexplained[0] > 0.3


def test_no_pairs_are_no_special_case() -> None:
    nothing = np.zeros((0, 32, 32), dtype=np.uint8)
    unexplained, found = register(nothing, nothing, np.zeros((0, 4)))
    assert unexplained.shape == (0,) and found.shape == (0, 4)


def test_pairs_do_not_depend_on_others_in_the_batch() -> None:
    whole = np.stack([_cells(seed) for seed in range(44)] * 25)
    part = np.stack([_cells(seed, (0.02, 0.05, 0.9, 0.9)) for seed in range(44)] * 25)
    windows = np.tile([0.025, 0.05, 0.9, 0.9], (1100, 1))
    together, _ = register(whole, part, windows)
    alone = [register(whole[i : i + 1], part[i : i + 1], windows[i : i + 1])[0][0] for i in (0, 1023, 1024, 1099)]
    np.testing.assert_allclose(together[[0, 1023, 1024, 1099]], alone, atol=1e-4)


def test_halved_fingerprints_come_back_nearly_the_same() -> None:
    cells = np.stack([_cells(seed) for seed in range(20)])
    assert halved(cells).shape == (20, 16, 16)
    assert abs(doubled(halved(cells)).astype(int) - cells).mean() < 3
    assert doubled(halved(cells[:0])).shape == (0, 32, 32)


def test_doubling_is_cubic_interpolation_as_opencv_has_it() -> None:
    halves = np.random.default_rng(0).integers(0, 256, (50, 16, 16), dtype=np.uint8)
    expected = np.stack([cv2.resize(half, (32, 32), interpolation=cv2.INTER_CUBIC) for half in halves]).astype(int)
    assert np.abs(doubled(halves) - expected).max() <= 1
