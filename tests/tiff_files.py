"""TIFF files by hand: any tags, several pages, sub-images, both byte orders."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_CODES = {1: "B", 2: "B", 3: "H", 4: "I", 11: "f", 12: "d"}
SHORT, LONG, FLOAT = 3, 4, 11


@dataclass(frozen=True)
class Page:
    """One page, uncompressed.

    Attributes:
        pixels: Its bytes as they stand in the file, or an array.
        size: Width and height.
        bits: Of a sample.
        photometric: 0 white is zero, 1 black is zero, 2 RGB.
        samples: Of a pixel.
        more: Other tags: number to type and values.
        sub_images: Pages that only this one knows.
    """

    pixels: bytes | NDArray[np.generic]
    size: tuple[int, int]
    bits: int = 16
    photometric: int = 1
    samples: int = 1
    more: dict[int, tuple[int, Sequence[float]]] = field(default_factory=dict)
    sub_images: "tuple[Page, ...]" = ()


def grey_page(values: NDArray[np.generic], **options: object) -> Page:
    """Return a page of grey values, of as many bits as the array has."""
    return Page(values, (values.shape[1], values.shape[0]), values.dtype.itemsize * 8, **options)  # type: ignore[arg-type]


def tiff_file(*pages: Page, order: str = "<") -> bytes:
    """Write a TIFF."""
    body = bytearray((b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 0))
    link = 4
    for page in pages:
        place = _put(body, page, order)
        struct.pack_into(f"{order}I", body, link, place)
        link = place + 2 + 12 * struct.unpack_from(f"{order}H", body, place)[0]
    return bytes(body)


def _put(body: bytearray, page: Page, order: str) -> int:
    subs = [_put(body, sub, order) for sub in page.sub_images]
    data = page.pixels
    if not isinstance(data, bytes):
        data = data.astype(data.dtype.newbyteorder(order)).tobytes()
    strip = len(body)
    body += data + bytes(len(data) % 2)
    width, height = page.size
    tags: dict[int, tuple[int, Sequence[float]]] = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [page.bits] * page.samples),
        259: (SHORT, [1]),
        262: (SHORT, [page.photometric]),
        273: (LONG, [strip]),
        277: (SHORT, [page.samples]),
        278: (LONG, [height]),
        279: (LONG, [len(data)]),
        **page.more,
    }
    if subs:
        tags[330] = (LONG, subs)
    entries = b""
    for tag, (kind, values) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}{_CODES[kind]}", *values)
        if len(packed) > 4:
            place = len(body)
            body += packed + bytes(len(packed) % 2)
            packed = struct.pack(f"{order}I", place)
        entries += struct.pack(f"{order}HHI", tag, kind, len(values)) + packed.ljust(4, b"\0")
    place = len(body)
    body += struct.pack(f"{order}H", len(tags)) + entries + bytes(4)
    return place
