"""Candidates for near-duplicates: none is missed, and their number per photo does not grow with the photos."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from photoclass.photos.duplicates.candidates import Candidates, find_candidates
from photoclass.photos.duplicates.fingerprint import FLIPPED, dct_of_whole, dct_of_windows, sign_hash


def _pictures(count: int, seed: int = 0) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).uniform(0, 255, (count, 9, 9)).astype(np.float32)
    return np.stack([cv2.resize(cells, (32, 32), interpolation=cv2.INTER_LINEAR) for cells in coarse]).astype(np.uint8)


def _found(prints: NDArray[np.uint8]) -> list[Candidates]:
    return list(find_candidates(lambda rows: prints[rows], len(prints)))


def _pairs(found: list[Candidates]) -> set[tuple[int, int, bool]]:
    return {
        pair
        for part in found
        for pair in zip(part.first.tolist(), part.second.tolist(), part.mirrored.tolist(), strict=True)
    }


def test_in_a_mirror_image_the_signs_of_odd_columns_flip() -> None:
    prints = _pictures(50)
    mirrored = dct_of_whole(prints[:, :, ::-1])
    np.testing.assert_allclose(mirrored, np.where(FLIPPED[:, None], -1, 1) * dct_of_whole(prints), atol=1)


def test_the_first_window_is_the_whole_picture() -> None:
    prints = _pictures(50)
    np.testing.assert_allclose(dct_of_windows(prints)[:, :, 0], dct_of_whole(prints), atol=0.1)
    assert (np.bitwise_count(sign_hash(dct_of_whole(prints))) > 10).all()


def test_noisy_and_mirrored_copies_are_candidates_in_both_orders() -> None:
    prints = _pictures(300)
    noisy = np.clip(prints + np.random.default_rng(1).normal(0, 3, prints.shape), 0, 255).astype(np.uint8)
    found = _pairs(_found(np.concatenate([prints, noisy, prints[:, :, ::-1]])))
    for i in range(300):
        assert (i, i + 300, False) in found and (i + 300, i, False) in found
        assert (i, i + 600, True) in found and (i + 600, i, True) in found


@pytest.mark.parametrize("count", [500, 5000])
def test_the_number_of_false_candidates_does_not_grow_with_the_photos(count: int) -> None:
    found = _found(_pictures(count))
    assert sum(part.looked_up for part in found) == count
    assert sum(len(part.first) for part in found) < count


def test_no_photo_is_its_own_candidate_even_if_it_is_its_own_mirror_image() -> None:
    half = _pictures(40)[:, :, :16]
    found = _found(np.concatenate([half, half[:, :, ::-1]], axis=2))
    assert all((part.first != part.second).all() for part in found)
