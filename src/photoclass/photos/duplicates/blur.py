"""Gaussian blurs of pictures of one side, as products with a matrix: of many sizes, as fast as with few."""

import numpy as np
from numpy.typing import NDArray

# Products of blocks of so many rows stay on one thread of BLAS; spread over two, they take three times the time.
_ROWS = 8
_DEVIATIONS = 4  # on each side of a pixel


def blur_matrix(deviation: float, side: int) -> NDArray[np.float32]:
    """Return the matrix that blurs one side of a picture, shape (side, side); at its edges the picture is mirrored.

    Args:
        deviation: Standard deviation of the Gaussian, in pixels.
        side: Pixels of a side, a multiple of 8.
    """
    reach = round(_DEVIATIONS * deviation)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / deviation) ** 2)
    places = np.abs(np.arange(side)[:, None] + offsets)
    places = np.where(places >= side, 2 * (side - 1) - places, places)
    matrix = np.zeros((side, side))
    np.add.at(matrix, (np.arange(side)[:, None], places), weights / weights.sum())
    return matrix.astype(np.float32)


def blur(picture: NDArray[np.float32], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Blur a square picture along both sides.

    Args:
        picture: Shape (side, side).
        matrix: What `blur_matrix` returned for this side.
    """
    shape, blocks = picture.shape, (-1, _ROWS, len(matrix))
    along_rows = (picture.reshape(blocks) @ matrix.T).reshape(shape)
    return np.asarray((matrix.reshape(blocks) @ along_rows).reshape(shape), dtype=np.float32)
