"""Blurring by a product with a matrix is a Gaussian blur."""

import cv2
import numpy as np
import pytest

from photoclass.photos.duplicates.blur import blur, blur_matrix


@pytest.mark.parametrize("deviation", [1.0, 3.0, 8.0])
def test_a_blur_is_that_of_opencv(deviation: float) -> None:
    picture = np.random.default_rng(0).uniform(0, 255, (128, 128)).astype(np.float32)
    blurred = blur(picture, blur_matrix(deviation, 128))
    np.testing.assert_allclose(blurred, cv2.GaussianBlur(picture, (0, 0), deviation), atol=2e-3)
