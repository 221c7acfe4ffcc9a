"""Decoding: the only way from a photo file to pixels, the same in training, prediction and serving.

If anything is wrong with a file, the result is `Unreadable` with the reason: never an exception, a hang or another
photo's pixels.
"""

import os
import stat
from dataclasses import dataclass

from PIL import Image

from photoclass.photos.decode_settings import DEFAULT_RULES, DecodeSettings, PictureRules
from photoclass.photos.formats.opening import RefusedError, load_picture
from photoclass.photos.formats.reasons import why_unreadable
from photoclass.photos.formats.repair import repair
from photoclass.photos.formats.rgb import to_rgb
from photoclass.photos.resize import Pixels as Pixels
from photoclass.photos.resize import to_square

DECODE_VERSION = 2
MAX_FILE_BYTES = 512 << 20
_ANIMATED = frozenset({"GIF", "WEBP", "PNG", "AVIF"})
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


@dataclass(frozen=True)
class SourceInfo:
    """Properties of a photo file, before it becomes an upright RGB picture.

    Attributes:
        format: As Pillow names it, such as `JPEG`.
        mode: The colour mode, as Pillow names it: `RGB`, `L` (grey), `CMYK`, `P` (palette).
        width: In pixels, as stored.
        height: In pixels, as stored.
        orientation: The EXIF orientation: 2 to 8 if the picture had to be rotated or mirrored, otherwise 1.
        highest: The highest value of a grey of more than 8 bits whose file does not say its range; otherwise 0.
        is_animated: Whether frames follow, which are not looked at.
    """

    format: str
    mode: str
    width: int
    height: int
    orientation: int
    highest: int = 0
    is_animated: bool = False


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
    decoded = decode_pixels(data, settings)
    return decoded if isinstance(decoded, Unreadable) else decoded[0]


def decode_pixels(data: bytes, settings: DecodeSettings) -> tuple[Pixels, SourceInfo] | Unreadable:
    """Decode a photo as `decode_photo` does, and return the properties of the file too."""
    decoded = decode_with_origin(data, settings.least_side, settings.rules)
    return decoded if isinstance(decoded, Unreadable) else (to_square(decoded[0], settings), decoded[1])


def decode_picture(data: bytes, least_side: int, rules: PictureRules = DEFAULT_RULES) -> Image.Image | Unreadable:
    """Decode a photo file's bytes to an upright RGB picture of any size.

    EXIF rotation is applied, grey of more than 8 bits is scaled to 8, transparency is put over white, CMYK, grey and
    other colour profiles are converted to sRGB, and the first frame of an animation is taken.

    Args:
        data: The file's content.
        least_side: Large JPEGs may be decoded at a fraction of their size whose shorter side is at least this.
        rules: The limit of pixels, and the bits of wide greys.
    """
    decoded = decode_with_origin(data, least_side, rules)
    return decoded if isinstance(decoded, Unreadable) else decoded[0]


def decode_with_origin(
    data: bytes, least_side: int, rules: PictureRules = DEFAULT_RULES
) -> tuple[Image.Image, SourceInfo] | Unreadable:
    """Decode a photo as `decode_picture` does, and return the properties of the file too."""
    if not data:
        return Unreadable("file is empty (0 bytes)")
    try:
        return _decode(data, least_side, rules)
    except RefusedError as refused:
        return Unreadable(str(refused))
    except Exception as error:  # Pillow's parsers raise almost anything on broken files
        failure = error
    repaired = repair(data)
    if repaired is None:
        return Unreadable(why_unreadable(data, failure))
    try:
        return _decode(repaired.data, least_side, rules, ends_early=repaired.ends_early)
    except RefusedError as refused:
        return Unreadable(str(refused))
    except Exception as error:  # as above
        return Unreadable(why_unreadable(repaired.original, error))


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


def _decode(
    data: bytes, least_side: int, rules: PictureRules, *, ends_early: bool = False
) -> tuple[Image.Image, SourceInfo]:
    loaded = load_picture(data, least_side, rules, ends_early=ends_early)
    picture, (width, height) = loaded.picture, loaded.size
    orientation = _orientation(picture)
    rgb, highest = to_rgb(picture, data, loaded.page, rules.grey_bits)
    upright = rgb.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else rgb
    form = picture.format or ""
    is_animated = form in _ANIMATED and bool(getattr(picture, "is_animated", False))
    return upright, SourceInfo(form, loaded.mode, width, height, orientation, highest, is_animated)


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
