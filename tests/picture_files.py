"""Pictures, picture files and time limits for the tests of photos."""

import contextlib
import io
import signal
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photoclass.photos.decode import Pixels, Unreadable, decode_photo
from photoclass.photos.decode_settings import DecodeSettings

# Every format that photos come in, with options that lose nothing where the format can do that.
FORMATS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 90},
    "progressive JPEG": {"quality": 90, "progressive": True},
    "PNG": {},
    "WEBP": {"lossless": True},
    "GIF": {},
    "BMP": {},
    "TIFF": {},
    "PPM": {},
    "AVIF": {"quality": 90, "speed": 10},
    "MPO": {},
}


def noise_picture(seed: int, width: int = 96, height: int = 80) -> Image.Image:
    """Paint smooth colours of several sizes, as photos have them; another seed, a quite different picture."""
    generator = np.random.default_rng(seed)
    mixed = np.zeros((height, width, 3))
    for cells, weight in ((3, 1.0), (7, 0.6), (20, 0.25)):
        coarse = generator.uniform(-1, 1, (cells, cells, 3)) * weight
        mixed += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return Image.fromarray(np.clip(128 + 90 * mixed, 0, 255).astype(np.uint8))


def encode(picture: Image.Image, form: str, **options: Any) -> bytes:
    """Save a picture to bytes; `form` is a format of Pillow's, perhaps with words before it."""
    stream = io.BytesIO()
    picture.save(stream, form.split()[-1], **options)
    return stream.getvalue()


def put(path: Path, content: bytes) -> Path:
    """Write a file, and the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def decoded(data: bytes, settings: DecodeSettings | None = None) -> Pixels:
    """Decode what has to be readable."""
    pixels = decode_photo(data, settings or DecodeSettings(32))
    assert not isinstance(pixels, Unreadable), pixels.reason
    return pixels


def reason_of(data: bytes) -> str:
    """Decode what has to be unreadable, and return the reason given."""
    result = decode_photo(data, DecodeSettings(32))
    assert isinstance(result, Unreadable)
    return result.reason


def black_png(width: int, height: int) -> bytes:
    """Make a whole and sound 1-bit PNG without ever holding its pixels."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def exif_block(*entries: tuple[int, int, int, bytes], tail: bytes = b"") -> bytes:
    """Build an EXIF block of raw entries: (tag, type, count, four bytes of value or offset)."""
    table = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHI4s", *entry) for entry in entries)
    return b"Exif\0\0II*\0\x08\0\0\0" + table + struct.pack("<I", 0) + tail


def orientation_entry(orientation: int) -> tuple[int, int, int, bytes]:
    """Return the EXIF entry of an orientation."""
    return (0x0112, 3, 1, struct.pack("<HH", orientation, 0))


def as_stored(upright: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn an upright picture to how a camera of this EXIF orientation stores it (EXIF 2.32, tag 274)."""
    turned = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }
    return np.ascontiguousarray(turned[orientation])


@contextlib.contextmanager
def within_seconds(limit: int) -> Iterator[None]:
    """Fail, rather than hang, when the block takes longer."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"still busy after {limit} seconds")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(limit)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
