"""Wide greys: grey of more than 8 bits, whose true range the file may not say.

Cameras, scanners and X-ray devices store 10, 12 or 14 bits in 16, and most of their files do not say how many. Read as
16 bits they are nearly black. The range is the one that the file declares; else that of the photos that a model was
trained on, so that a dark X-ray among others stays as dark as it is. A photo that goes beyond that range, or leaves
four of its bits unused, was stored in another way: its range is the smallest of 8, 10, 12, 14 and 16 bits that holds
its own brightest value.
"""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photoclass.photos.formats import png, tiff
from photoclass.photos.formats.tiff import TiffPage
from photoclass.text import plural

_PGM = (b"P5", b"P2")
STEPS = (8, 10, 12, 14, 16)
_FULL = 16
_ROUNDING = 1e-5  # of floating-point pixels from 0 to 1
# A photo that leaves this many bits unused would be nearly black.
_BITS_TOO_FEW = 4
# 32-bit values count as filling their range if they reach this many bits.
_FILLS_32 = 28


class UnknownRangeError(ValueError):
    """The values of a photo do not say which of them is black and which is white."""


@dataclass(frozen=True)
class GreyRange:
    """How a wide grey is scaled.

    Attributes:
        low: The value that is black.
        high: The value that is white.
        is_declared: Whether the file says so.
    """

    low: float
    high: float
    is_declared: bool


def bits_of(highest: int) -> int:
    """Return the smallest usual number of bits that holds a value; 16 at most."""
    return next((bits for bits in STEPS if highest < 1 << bits), _FULL)


def may_be_wide(head: bytes) -> bool:
    """Whether the first 32 bytes of a file allow for more than 8 bits a channel."""
    return png.is_wide_grey(head) or png.is_wide_colour(head) or head.startswith((*tiff.MAGIC, *_PGM))


def is_wide(data: bytes) -> bool:
    """Whether a file that may have more than 8 bits a channel has them."""
    page = tiff.photo_page(tiff.read_pages(data))
    return page.is_wide_grey or page.is_wide_colour if page else may_be_wide(data)


def bits_to_read(highest: int, grey_bits: int | None) -> int:
    """Return how many bits a wide grey is read as whose file does not say it.

    Args:
        highest: Its highest value.
        grey_bits: The bits of a model's training photos; None if it was trained on none.
    """
    own = bits_of(highest)
    return own if grey_bits is None or own > grey_bits or own <= grey_bits - _BITS_TOO_FEW else grey_bits


def describe_greys(highest: Sequence[int], grey_bits: int | None) -> str:
    """Return a line that says how wide greys are read, empty if all are read as 16 bits.

    Args:
        highest: The highest value of each.
        grey_bits: As in `bits_to_read`.
    """
    read: dict[int, int] = {}
    for value in highest:
        bits = bits_to_read(value, grey_bits)
        read[bits] = max(value, read.get(bits, 0))
    if not read.keys() - {_FULL}:
        return ""
    counts = Counter(bits_to_read(value, grey_bits) for value in highest)
    verbs = {bits: ("reaches", "is") if count == 1 else ("reach", "are") for bits, count in counts.items()}
    parts = [
        f"{counts[bits]:,} {verbs[bits][0]} {read[bits]:,} of 65,535 and {verbs[bits][1]} read as {bits}-bit"
        for bits in sorted(read)
    ]
    photos = plural(len(highest), "photo")
    return f"{photos} of 16 bits without a declared range, scaled by what their values reach: {', '.join(parts)}"


def to_grey(picture: Image.Image, data: bytes, page: TiffPage | None, grey_bits: int | None) -> tuple[Image.Image, int]:
    """Scale a wide grey to 8 bits.

    Args:
        picture: Of Pillow's mode `I`, `I;16` or `F`, loaded.
        data: The file's content.
        page: Its tags, if it is a TIFF.
        grey_bits: As in `bits_to_read`.

    Returns:
        Grey of 8 bits, and the highest value if the file does not say its range, else 0.

    Raises:
        UnknownRangeError: No range fits the values.
    """
    values = _values(picture, page)
    span = _range(values, data, picture, page, grey_bits)
    scaled = _scaled(values, span)
    if page and page.is_white_zero:
        scaled = 255 - scaled
    grey = Image.fromarray(scaled)
    transparent = picture.info.get("transparency")
    if isinstance(transparent, int):  # of a PNG: the one value that is clear
        grey.paste(255, mask=Image.fromarray(values == transparent))
    return grey, 0 if span.is_declared else int(values.max())


def _scaled(values: NDArray[np.generic], span: GreyRange) -> NDArray[np.uint8]:
    """Scale values to 0 to 255, rounded."""
    if values.dtype == np.uint16:  # by a table: a large X-ray would take eight times its size as floating point
        table = _scaled(np.arange(1 << _FULL, dtype=np.float32), span)
        return np.asarray(table[values], dtype=np.uint8)
    share = (np.clip(values.astype(np.float32), span.low, span.high) - span.low) / (span.high - span.low)
    return np.asarray(np.rint(share * 255), dtype=np.uint8)


def _values(picture: Image.Image, page: TiffPage | None) -> NDArray[np.generic]:
    values = np.asarray(picture)
    if values.dtype.kind == "u":
        return values.astype(np.uint16, copy=False)  # in the order of this machine
    if page and values.dtype == np.int32 and not page.is_signed and page.bits == 32:
        values = values.view(np.uint32)  # Pillow has no mode for it
    if values.dtype.kind in "iu" and values.min() >= 0 and values.max() < 1 << _FULL:
        return values.astype(np.uint16)
    return values


def _range(
    values: NDArray[np.generic], data: bytes, picture: Image.Image, page: TiffPage | None, grey_bits: int | None
) -> GreyRange:
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(low + high):
        raise UnknownRangeError("floating-point pixels with NaN or infinity, whose range is unknown")
    if page and page.declared_range and page.declared_range[0] <= low and high <= page.declared_range[1]:
        return GreyRange(*page.declared_range, is_declared=True)
    if picture.mode == "F":
        if low >= 0 and high <= 1 + _ROUNDING:
            return GreyRange(0, 1, is_declared=True)
        raise UnknownRangeError(f"floating-point pixels from {low:g} to {high:g}, whose range is unknown")
    if low < 0:
        raise UnknownRangeError(f"signed pixels from {low:,.0f} to {high:,.0f}, whose range is unknown")
    if high >= 1 << _FULL:
        if high < 1 << _FILLS_32:
            raise UnknownRangeError(f"32-bit pixels up to {high:,.0f}, whose range is unknown")
        return GreyRange(0, (1 << 32) - 1, is_declared=True)
    declared = _declared_bits(data, picture, page)
    if declared and high < 1 << declared:
        return GreyRange(0, (1 << declared) - 1, is_declared=True)
    bits = bits_to_read(int(high), grey_bits)
    return GreyRange(0, (1 << bits) - 1, is_declared=False)


def _declared_bits(data: bytes, picture: Image.Image, page: TiffPage | None) -> int | None:
    if page:
        return page.declared_bits
    if picture.format == "PNG":
        return png.significant_bits(data)
    if picture.format == "PPM":
        return _FULL if ppm_highest(data) != (1 << _FULL) - 1 else None
    return None


def ppm_highest(data: bytes) -> int:
    """Return the highest value that a PGM or PPM declares, by which Pillow scales."""
    fields = io.BytesIO(data[:4096])
    numbers: list[int] = []
    for line in fields:
        text = line.split(b"#")[0].split()
        numbers += [int(word) for word in text if word.isdigit()]
        if len(numbers) >= 3:
            return numbers[2]
    return 0
