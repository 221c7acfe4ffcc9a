"""Pictures as a square of grey cells, each the mean of the area that it covers."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photoclass.photos.decode import Pixels

_PIXELS_OF_A_CELL = 8  # along each side, at the least, of what a large picture is first reduced to by a whole factor


def grey_cells(picture: Image.Image, side: int) -> Pixels:
    """Average an RGB picture of any shape over `side` x `side` cells; one that is smaller is enlarged linearly.

    With the filters of Pillow that are as fast, more of what is particular to look-alikes is lost, and their cropped
    copies with it (docs/decisions/near-duplicates.md).

    Returns:
        Shape (side, side), uint8.
    """
    if min(picture.size) < side:
        return np.asarray(picture.convert("L").resize((side, side), Image.Resampling.BILINEAR))
    across, down = (max(1, length // (_PIXELS_OF_A_CELL * side)) for length in picture.size)
    reduced = picture if across == down == 1 else picture.reduce((across, down))
    rows = _averaged(np.asarray(reduced.convert("L")), picture.height / down, side)
    return np.asarray(np.rint(_averaged(rows.T, picture.width / across, side).T), dtype=np.uint8)


def _averaged(values: NDArray[np.uint8] | NDArray[np.float32], length: float, count: int) -> NDArray[np.float32]:
    """Average over equal parts along the first axis, by differences of sums up to their borders.

    Args:
        values: Shape (rows, columns).
        length: How many rows they stand for: a reduced picture's last one may be a part of a row.
        count: How many parts.
    """
    # Sums of 16 bits wrap around, but those of a part do not: it has 17 rows at the most. They stay below the size from
    # which memory is mapped again for each photo, which takes longer than all the rest.
    kind = np.uint16 if values.dtype == np.uint8 else np.float32
    sums = np.zeros((len(values) + 1, values.shape[1]), dtype=kind)
    np.cumsum(values, axis=0, dtype=kind, out=sums[1:])
    borders = np.linspace(0, length, count + 1)
    whole = np.minimum(borders.astype(np.int64), len(values) - 1)
    beyond = (borders - whole)[:, None].astype(np.float32) * values[whole]
    inside = np.diff(sums[whole], axis=0).astype(np.float32) + np.diff(beyond, axis=0)
    return np.asarray(inside * (count / length), dtype=np.float32)
