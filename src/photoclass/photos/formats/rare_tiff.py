"""Grey TIFFs that Pillow has no mode for: 64-bit floating point, and 32-bit integers in big-endian order."""

import numpy as np
from PIL import Image

from photoclass.photos.formats.raw_values import read_values
from photoclass.photos.formats.tiff import TiffPage

# None, LZW, Deflate under both of its codes, PackBits.
_LOSSLESS = frozenset({1, 5, 8, 32946, 32773})


def open_rare_grey(data: bytes, page: TiffPage) -> Image.Image | None:
    """Return a grey TIFF's first page as a picture of Pillow's mode `I` or `F`; None if it is of another kind.

    Unsigned 32-bit values come as the signed ones of the same bits, as Pillow loads them in little-endian order.
    """
    is_rare = page.bits == 64 if page.is_float else page.bits == 32
    if page.number or not (is_rare and page.is_wide_grey and page.compression in _LOSSLESS):
        return None
    values = read_values(data)
    if values is None or values.shape != page.size[::-1]:
        return None
    if page.is_float:
        with np.errstate(over="ignore"):  # infinity is refused later, as a range that is unknown
            return Image.fromarray(values.astype(np.float32))
    return Image.fromarray(values.view(np.int32)) if values.dtype.itemsize == 4 else None
