"""Decoding: the only way from a photo file to pixels, the same in training, prediction and serving.

If anything is wrong with a file, the result is `Unreadable` with the reason: never an exception, a hang or another
photo's pixels.
"""

import io
import os
import re
import stat
import warnings
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photoclass.photos.decode_settings import DecodeSettings

Pixels: TypeAlias = NDArray[np.uint8]

DECODE_VERSION = 1
MAX_FILE_BYTES = 512 << 20
# Allows for 108-megapixel phone photos; a larger image is more often a decompression bomb than a photo.
MAX_PIXELS = 1 << 27
# Real progressive JPEGs have about ten scans. Each scan takes a pass over the whole picture, so a small file with
# thousands of scans can keep a decoder busy for minutes.
MAX_JPEG_SCANS = 100
# Large JPEGs are decoded at 1/2, 1/4 or 1/8 of their size, but never below this: the fingerprint for finding
# near-duplicates is then taken from the same pixels whatever the image size of the network.
_DRAFT_SIDE = 512

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# In a JPEG, 0xFF begins a marker unless it is stuffed (00), a restart (D0 to D7) or a filler (FF).
_JPEG_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)
_SCAN, _END_OF_PICTURE = b"\xda", b"\xd9"
_MARKERS_WITHOUT_LENGTH = frozenset({b"\x01", b"\xd8"})
_OF_PILLOW = ("ignore", None, Warning, re.compile(r"PIL\."), 0)


@dataclass(frozen=True)
class SourceInfo:
    """Properties of a photo file, before it becomes an upright RGB picture.

    Attributes:
        format: As Pillow names it, such as `JPEG`.
        mode: The colour mode, as Pillow names it: `RGB`, `L` (grey), `CMYK`, `P` (palette).
        width: In pixels, as stored.
        height: In pixels, as stored.
        orientation: The EXIF orientation: 2 to 8 if the picture had to be rotated or mirrored, otherwise 1.
    """

    format: str
    mode: str
    width: int
    height: int
    orientation: int


@dataclass(frozen=True)
class Unreadable:
    """A photo that cannot be read, and why."""

    reason: str


def read_file(path: str) -> bytes | Unreadable:
    """Read a photo file's bytes; never waits for a pipe or device."""
    try:
        # O_NONBLOCK: the file may have become a pipe since it was listed.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                return Unreadable(kind_of_special_file(status.st_mode))
            if status.st_size > MAX_FILE_BYTES:
                return Unreadable(f"file of {status.st_size:,} bytes; the limit is {MAX_FILE_BYTES:,}")
            with open(descriptor, "rb", closefd=False) as stream:
                return stream.read()
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return Unreadable("file has vanished")
    except OSError as error:
        return Unreadable(f"file cannot be opened ({error.strerror})")


def decode_photo(data: bytes, settings: DecodeSettings) -> Pixels | Unreadable:
    """Decode a photo file's bytes to the input pixels of a network.

    Returns:
        Shape (image_size, image_size, 3), uint8 RGB; or why the photo cannot be read.
    """
    picture = decode_picture(data, 2 * settings.image_size)
    return picture if isinstance(picture, Unreadable) else resize_pixels(np.asarray(picture), settings)


def decode_picture(data: bytes, least_side: int) -> Image.Image | Unreadable:
    """Decode a photo file's bytes to an upright RGB picture of any size.

    EXIF rotation is applied, 16-bit grey is scaled to 8 bits, transparency is put over white, CMYK and grey are
    converted to RGB, and the first frame of an animation is taken.

    Args:
        data: The file's content.
        least_side: Large JPEGs may be decoded at a fraction of their size whose shorter side is at least this.
    """
    decoded = decode_with_origin(data, least_side)
    return decoded if isinstance(decoded, Unreadable) else decoded[0]


def decode_with_origin(data: bytes, least_side: int) -> tuple[Image.Image, SourceInfo] | Unreadable:
    """Decode a photo as `decode_picture` does, and return the properties of the file too."""
    if not data:
        return Unreadable("file is empty (0 bytes)")
    _silence_pillow()
    try:
        opened = Image.open(io.BytesIO(data), formats=_formats(data))
    except Image.DecompressionBombError:
        return Unreadable(f"declares more than {MAX_PIXELS:,} pixels")
    except Exception:  # Pillow's parsers raise almost anything on broken headers
        return Unreadable(_why_unknown(data))
    width, height = opened.size
    if width * height > MAX_PIXELS:
        return Unreadable(f"declares {width:,} x {height:,} pixels; the limit is {MAX_PIXELS:,}")
    if opened.format in ("JPEG", "MPO"):
        if _has_too_many_scans(data):
            return Unreadable(
                f"progressive JPEG of more than {MAX_JPEG_SCANS} scans, which would take minutes to decode"
            )
        side = max(least_side, _DRAFT_SIDE)
        scale = min(width, height) / side
        if scale >= 2:
            opened.draft(None, (int(width // scale) + 1, int(height // scale) + 1))
    try:
        mode = opened.mode
        opened.load()
        orientation = _orientation(opened)
        upright = opened.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else opened
        return _to_rgb(upright), SourceInfo(opened.format or "", mode, width, height, orientation)
    except Exception as error:  # as above, on broken image data
        return Unreadable(f"damaged or truncated ({error})")


def resize_pixels(picture: Pixels, settings: DecodeSettings) -> Pixels:
    """Resize a picture of any shape to the network's square, by area averaging to avoid aliasing."""
    side = settings.image_size
    height, width = picture.shape[:2]
    if settings.resize == "crop":
        shorter = min(height, width)
        top, left = (height - shorter) // 2, (width - shorter) // 2
        picture = picture[top : top + shorter, left : left + shorter]
        height = width = shorter
    if (height, width) == (side, side):
        return np.ascontiguousarray(picture)
    # Area averaging is for shrinking; a picture smaller than the square is enlarged by linear interpolation.
    how = cv2.INTER_AREA if height >= side and width >= side else cv2.INTER_LINEAR_EXACT
    return np.asarray(cv2.resize(picture, (side, side), interpolation=how), dtype=np.uint8)


def _orientation(picture: Image.Image) -> int:
    """Return the EXIF orientation; 1, for upright, if there is none."""
    if "exif" not in picture.info and picture.format != "TIFF":
        return 1
    try:
        orientation = picture.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # malformed EXIF tells nothing about rotation, but the pixels are fine
        return 1
    # Not ImageOps.exif_transpose: it rewrites the EXIF block, which fails if any other entry is malformed.
    return orientation if orientation in _UPRIGHT else 1


def _to_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode == "RGB" and "transparency" not in picture.info:
        return picture
    if picture.mode.startswith("I"):
        return _from_wide_grey(np.asarray(picture))
    if picture.mode == "F":
        raise ValueError("floating-point pixels, whose range is unknown")
    if picture.has_transparency_data:
        coloured = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, coloured).convert("RGB")
    return picture.convert("RGB")


def _from_wide_grey(grey: NDArray[np.int32] | NDArray[np.uint16]) -> Image.Image:
    """Scale 16-bit grey to 8 bits; Pillow's own conversion clips at 255, so everything turns white."""
    if grey.min() < 0 or grey.max() > 0xFFFF:
        raise ValueError("grey values beyond 16 bits")
    return Image.fromarray((grey.astype(np.uint32) * 255 // 0xFFFF).astype(np.uint8)).convert("RGB")


def _has_too_many_scans(data: bytes) -> bool:
    """Count the scans of a JPEG's first picture only; appended data, such as a video, may look like more scans."""
    if data.count(b"\xff" + _SCAN) <= MAX_JPEG_SCANS:
        return False
    scans = 0
    found = _JPEG_MARKER.search(data)
    while found and found[1] != _END_OF_PICTURE and scans <= MAX_JPEG_SCANS:
        scans += found[1] == _SCAN
        end = found.end()
        if found[1] not in _MARKERS_WITHOUT_LENGTH:
            end += int.from_bytes(data[end : end + 2], "big")
        found = _JPEG_MARKER.search(data, end)
    return scans > MAX_JPEG_SCANS


def _silence_pillow() -> None:
    """Keep Pillow's warnings (broken EXIF, 90 million pixels) off the screen, and from becoming errors.

    This module decides what can be read. The filter stays in place: removing it would not be thread-safe.
    """
    if _OF_PILLOW not in warnings.filters[:1]:
        warnings.filterwarnings("ignore", module=r"PIL\.")


def _formats(data: bytes) -> tuple[str, ...]:
    if not _is_heif(data):
        return _FORMATS
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return _FORMATS
    register_heif_opener()
    return (*_FORMATS, "HEIF")


def _is_heif(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS


def _why_unknown(data: bytes) -> str:
    if _is_heif(data):
        return "HEIC photo, and no HEIC decoder is installed; run: pip install pillow-heif"
    start = data[:512].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<svg")):
        return "a web page or SVG, not a photo"
    if data.startswith(b"\xff\xd8"):
        return "JPEG with a damaged or truncated header"
    return f"not an image in a known format ({', '.join(_FORMATS)})"


def kind_of_special_file(mode: int) -> str:
    """Describe a file that is not a regular file."""
    kinds = {
        stat.S_ISFIFO: "a pipe (FIFO)",
        stat.S_ISSOCK: "a socket",
        stat.S_ISCHR: "a device",
        stat.S_ISBLK: "a device",
        stat.S_ISDIR: "a folder",
    }
    kind = next((kind for test, kind in kinds.items() if test(mode)), "a special file")
    return f"{kind}, not a photo file"
