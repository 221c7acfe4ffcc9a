"""Paired tests: McNemar's test equals SciPy's binomial test, and the sign-flip test the exact enumeration."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from photoclass.metrics.paired import mcnemar_test, photos_needed, sign_flip_test, sum_by_group


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_equals_the_binomial_test(a: int, b: int) -> None:
    expected = stats.binomtest(a, a + b).pvalue if a + b else 1.0
    assert mcnemar_test(a, b) == pytest.approx(expected, abs=1e-9)


def test_mcnemar_works_with_many_photos() -> None:
    assert mcnemar_test(5000, 5000) == 1
    assert mcnemar_test(0, 30_000) == 0
    assert mcnemar_test(5200, 4800) == pytest.approx(stats.binomtest(5200, 10_000).pvalue, rel=1e-9)


def test_values_of_near_duplicates_are_added_up() -> None:
    np.testing.assert_array_equal(sum_by_group(np.array([1.0, 2.0, 4.0, 8.0]), np.array([7, 3, 7, 5])), [2, 8, 5])


def test_random_sign_flips_agree_with_all_possible_ones() -> None:
    sums = np.array([0.5, -0.1, 0.9, 0.4, 0.7, 0.2, -0.3, 0.8])
    signs = np.array([[1 - 2 * (i >> k & 1) for k in range(8)] for i in range(256)])
    exact = (np.abs(signs @ sums) >= sums.sum() - 1e-12).mean()
    assert sign_flip_test(sums) == pytest.approx(exact, abs=0.015)
    assert sign_flip_test(sums) == sign_flip_test(-sums) == sign_flip_test(sums)


def test_few_photos_are_never_significant() -> None:
    """Bootstrap means of two differences of the same sign exclude 0: the interval alone would be significant."""
    assert sign_flip_test(np.array([0.3])) == 1
    assert sign_flip_test(np.array([0.3, 0.4])) > 0.4
    assert sign_flip_test(np.zeros(5)) == 1


def test_the_sample_size_has_the_promised_power() -> None:
    """With the estimated number of photos, four in five samples detect the difference."""
    generator = np.random.default_rng(0)
    many = generator.normal(0.1, 1, 200_000)
    photos = photos_needed(many, np.arange(len(many)))
    assert photos == pytest.approx(785, rel=0.1)
    samples = generator.normal(0.1, 1, (2000, round(photos)))
    found = np.abs(samples.mean(axis=1)) > 1.96 * samples.std(axis=1) / math.sqrt(photos)
    assert found.mean() == pytest.approx(0.8, abs=0.04)


def test_near_duplicates_raise_the_sample_size() -> None:
    once = np.random.default_rng(1).normal(0.2, 1, 500)
    twice, groups = np.tile(once, 2), np.tile(np.arange(500), 2)
    assert photos_needed(twice, groups) == pytest.approx(2 * photos_needed(once, np.arange(500)), rel=1e-9)
    assert photos_needed(np.zeros(5), np.arange(5)) == math.inf
