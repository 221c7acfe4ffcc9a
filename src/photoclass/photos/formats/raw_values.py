"""The values of colours of 16 bits as their file has them: Pillow keeps the upper byte of each, and is asked for both.

A decoder of Pillow's takes one byte of two where it is told the order of bytes, so that the other order gives the lower
byte.
"""

import io
import sys

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, PpmImagePlugin, TiffImagePlugin

from photoclass.photos.formats import png
from photoclass.photos.formats.libtiff import decode_with_libtiff, load_tiff
from photoclass.photos.formats.tiff import TiffPage

_COLOUR_CHANNELS = 3
_FULL = (1 << 16) - 1  # alpha of an opaque pixel
_OTHER_ORDER = "B" if sys.byteorder == "little" else "L"
# Of four bytes a pixel: grey and alpha, both of 16 bits, come as four channels of 8.
_GREY_AND_ALPHA, _FOUR_BYTES = "LA;16B", "RGBA"


def read_colours(data: bytes, page: TiffPage | None) -> NDArray[np.uint16] | None:
    """Return the colours of a file's picture, shape (height, width, 3), RGB; None where they cannot be read.

    Args:
        data: The content of a PNG, TIFF or binary PPM of 16 bits a channel, which Pillow has loaded before.
        page: The tags of the page, if it is a TIFF.
    """
    if page:
        return _of_tiff(data, page)
    return _of_png(data) if data.startswith(png.SIGNATURE) else _of_ppm(data)


def _of_png(data: bytes) -> NDArray[np.uint16]:
    rawmode = str(_open_png(data).tile[0].args)
    if rawmode == _GREY_AND_ALPHA:
        upper, lower, _, _ = _png_as(data, _FOUR_BYTES).split()
        grey = _joined(upper, lower)
        return np.stack([grey] * _COLOUR_CHANNELS, axis=-1)
    colours = _joined(_png_as(data, rawmode), _png_as(data, rawmode.replace(";16B", ";16L")))
    return colours[..., :_COLOUR_CHANNELS]


def _png_as(data: bytes, rawmode: str) -> Image.Image:
    opened = _open_png(data)
    opened.tile = [tile._replace(args=rawmode) for tile in opened.tile]
    opened.load()
    return opened


def _open_png(data: bytes) -> PngImagePlugin.PngImageFile:
    return PngImagePlugin.PngImageFile(io.BytesIO(data))


def _of_tiff(data: bytes, page: TiffPage) -> NDArray[np.uint16] | None:
    """Return the colours of a page, turned as Pillow turns it; None if they are damaged, or compressed as planes."""
    if page.is_planar:
        return _of_planes(data, page)
    halves = []
    for order in ("N", _OTHER_ORDER):  # libtiff gives values in the order of this machine
        opened = _open_tiff(data, page)
        form, _, _ = str(opened.tile[0].args[0]).partition(";")  # type: ignore[index]
        decode_with_libtiff(opened, f"{form.upper()};16{order}", page)
        if load_tiff(opened, page):
            return None
        halves.append(opened)
    values = _joined(*halves)
    colours = values[..., :_COLOUR_CHANNELS]
    if form == "RGBa":  # multiplied with alpha
        alpha = np.maximum(values[..., _COLOUR_CHANNELS:], 1).astype(np.uint32)
        return np.asarray(np.minimum(colours.astype(np.uint32) * _FULL // alpha, _FULL), dtype=np.uint16)
    return colours


def _of_planes(data: bytes, page: TiffPage) -> NDArray[np.uint16] | None:
    """Return the colours of a page that stores each as a plane of its own; None if the planes are compressed."""
    halves = []
    for order in "LB" if data.startswith(b"II") else "BL":
        opened = _open_tiff(data, page)
        if any(tile.codec_name != "raw" for tile in opened.tile):
            return None
        args = [tuple(tile.args or ()) for tile in opened.tile]  # the plane, such as `R`, and how its rows lie
        opened.tile = [
            tile._replace(args=(f"{plane};16{order}", *rows))
            for tile, (plane, *rows) in zip(opened.tile, args, strict=True)
        ]
        opened.load()
        halves.append(opened)
    return _joined(*halves)[..., :_COLOUR_CHANNELS]


def _open_tiff(data: bytes, page: TiffPage) -> TiffImagePlugin.TiffImageFile:
    opened = TiffImagePlugin.TiffImageFile(io.BytesIO(data))
    opened.seek(page.number)
    return opened


def _of_ppm(data: bytes) -> NDArray[np.uint16]:
    opened = PpmImagePlugin.PpmImageFile(io.BytesIO(data))
    shape = (opened.height, opened.width, _COLOUR_CHANNELS)
    values = np.frombuffer(data, ">u2", count=int(np.prod(shape)), offset=opened.tile[0].offset)
    return values.reshape(shape).astype(np.uint16)


def _joined(upper: Image.Image, lower: Image.Image) -> NDArray[np.uint16]:
    values = np.asarray(upper).astype(np.uint16)
    values <<= 8
    values |= np.asarray(lower)
    return values
