"""Candidates for near-duplicates: no near-duplicate is missing, and a photo has as few of them among many photos as among few."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from photoclass.photos.duplicates.candidates import Candidates, find_candidates
from photoclass.photos.duplicates.fingerprint import MIRRORED, signs, waves_of_whole, waves_of_windows


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


def test_a_mirror_image_has_the_signs_turned_over_in_odd_columns() -> None:
    prints = _pictures(50)
    turned = waves_of_whole(prints[:, :, ::-1])
    np.testing.assert_allclose(turned, np.where(MIRRORED[:, None], -1, 1) * waves_of_whole(prints), atol=1)


def test_the_first_window_is_the_whole() -> None:
    prints = _pictures(50)
    np.testing.assert_allclose(waves_of_windows(prints)[:, :, 0], waves_of_whole(prints), atol=0.1)
    assert (np.bitwise_count(signs(waves_of_whole(prints))) > 10).all()


def test_pictures_with_some_noise_and_mirrored_ones_are_candidates_both_ways() -> None:
    prints = _pictures(300)
    noisy = np.clip(prints + np.random.default_rng(1).normal(0, 3, prints.shape), 0, 255).astype(np.uint8)
    found = _pairs(_found(np.concatenate([prints, noisy, prints[:, :, ::-1]])))
    for i in range(300):
        assert (i, i + 300, False) in found and (i + 300, i, False) in found
        assert (i, i + 600, True) in found and (i + 600, i, True) in found


@pytest.mark.parametrize("count", [500, 5000])
def test_different_pictures_have_as_few_candidates_however_many_there_are(count: int) -> None:
    found = _found(_pictures(count))
    assert sum(part.looked_up for part in found) == count
    assert sum(len(part.first) for part in found) < count


def test_no_photo_is_its_own_candidate_even_if_it_is_its_own_mirror_image() -> None:
    half = _pictures(40)[:, :, :16]
    found = _found(np.concatenate([half, half[:, :, ::-1]], axis=2))
    assert all((part.first != part.second).all() for part in found)
