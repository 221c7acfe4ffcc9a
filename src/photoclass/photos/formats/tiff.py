"""TIFF: which page is the photo, what a raw photo's container gives away, and ranges that the file declares.

Tags are read here, and not by Pillow, because they are needed of files that Pillow cannot open and of pages that it has
not reached. The specification is TIFF 6.0, Adobe 1992; the tags of raw photos are those of DNG 1.7.
"""

import contextlib
import math
import struct
from dataclasses import dataclass

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MOST_PAGES, _MOST_TAGS, _MOST_VALUES = 32, 512, 64

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_ORIENTATION, _SAMPLES, _MAX_SAMPLE, _PLANAR, _SUB_IFDS, _FORMAT, _S_MIN, _S_MAX = (
    274,
    277,
    281,
    284,
    330,
    339,
    340,
    341,
)
_MAKE, _DNG_VERSION, _CR2_SLICES = 271, 50706, 50752
_WANTED = frozenset(
    {
        *(_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _MAX_SAMPLE, _SUB_IFDS),
        *(_ORIENTATION, _PLANAR, _FORMAT, _S_MIN, _S_MAX, _MAKE, _DNG_VERSION, _CR2_SLICES),
    }
)
_REDUCED, _MASK = 1, 4
_WHITE_IS_ZERO = 0
_COLOUR_FILTER, _LINEAR_RAW = 32803, 34892
_FLOAT, _SIGNED = 3, 2
_SEPARATE = 2
# Format of a tag's values: code of `struct`, by the type in the file.
_TYPES = {1: "B", 2: "s", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I", 16: "Q", 18: "Q"}
_RAW_MAKERS = {b"NIKON": "Nikon NEF", b"SONY": "Sony ARW", b"PENTAX": "Pentax PEF", b"SAMSUNG": "Samsung SRW"}
# A first page is the thumbnail of a later one if it has its shape and at most this share of its pixels.
_THUMBNAIL_SHARE, _SAME_SHAPE = 0.25, 0.03


@dataclass(frozen=True)
class TiffPage:
    """Tags of one page.

    Attributes:
        tags: Values by tag; text as bytes.
        number: Its place in the chain of pages; -1 if it is a sub-image, which Pillow does not open.
        place: Where its tags begin in the file.
    """

    tags: dict[int, tuple[float, ...] | bytes]
    number: int
    place: int = 0

    def value(self, tag: int, default: float = 0) -> float:
        """Return the first value of a numeric tag, if it is finite."""
        values = self.tags.get(tag)
        is_number = isinstance(values, tuple) and bool(values) and math.isfinite(values[0])
        return float(values[0]) if is_number and values else default

    @property
    def is_reduced(self) -> bool:
        """Whether the page says that it is a thumbnail or a mask."""
        return bool(int(self.value(_SUBFILE)) & (_REDUCED | _MASK))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return int(self.value(_WIDTH)), int(self.value(_HEIGHT))

    @property
    def bits(self) -> int:
        """Bits of a sample."""
        return int(self.value(_BITS, 1))

    @property
    def compression(self) -> int:
        """The code of its compression; 1 for none."""
        return int(self.value(_COMPRESSION, 1))

    @property
    def orientation(self) -> int:
        """The EXIF orientation; 1 for upright."""
        return int(self.value(_ORIENTATION, 1))

    @property
    def is_planar(self) -> bool:
        """Whether each channel is stored as a plane of its own."""
        return self.value(_PLANAR, 1) == _SEPARATE

    @property
    def is_white_zero(self) -> bool:
        """Whether 0 stands for white."""
        return self.value(_PHOTOMETRIC, 1) == _WHITE_IS_ZERO

    @property
    def is_raw(self) -> bool:
        """Whether the page holds what a sensor measured."""
        return self.value(_PHOTOMETRIC) in (_COLOUR_FILTER, _LINEAR_RAW) or _CR2_SLICES in self.tags

    @property
    def declared_bits(self) -> int | None:
        """The bits of a grey sample that the file declares: packed ones, or a maximum of 2^n - 1."""
        bits = self.bits
        if bits not in (16, 32):
            return bits
        highest = max(self.value(_MAX_SAMPLE), self.value(_S_MAX) if not self.is_float else 0)
        power = math.log2(highest + 1) if highest > 0 else 0
        return int(power) if 8 <= power < bits and power == int(power) else None

    @property
    def declared_range(self) -> tuple[float, float] | None:
        """The lowest and highest value that the file declares; None if it does not."""
        if _S_MIN not in self.tags or _S_MAX not in self.tags:
            return None
        low, high = self.value(_S_MIN), self.value(_S_MAX)
        return (low, high) if math.isfinite(low) and math.isfinite(high) and low < high else None

    @property
    def is_wide_grey(self) -> bool:
        """Whether it is grey of more than 8 bits."""
        return self.value(_PHOTOMETRIC, 1) in (0, 1) and self.bits > 8

    @property
    def is_wide_colour(self) -> bool:
        """Whether it has several channels of 16 bits."""
        return self.bits == 16 and self.value(_SAMPLES, 1) > 1

    @property
    def has_signed_bytes(self) -> bool:
        """Whether its samples are bytes with a sign, which Pillow takes for bytes without."""
        return self.is_signed and self.bits == 8

    def describe(self) -> str:
        """Name what a decoder has to know of it."""
        kinds = {_SIGNED: "signed ", _FLOAT: "floating-point "}
        kind = kinds.get(int(self.value(_FORMAT, 1)), "")
        return f"{self.bits} {kind}bits a sample, compression {self.compression}"

    @property
    def is_float(self) -> bool:
        """Whether its samples are floating-point numbers."""
        return self.value(_FORMAT, 1) == _FLOAT

    @property
    def is_signed(self) -> bool:
        """Whether its samples are integers with a sign."""
        return self.value(_FORMAT, 1) == _SIGNED


def read_pages(data: bytes) -> tuple[TiffPage, ...]:
    """Read the tags of the pages and their sub-images; a damaged part is left out."""
    if not data.startswith(MAGIC):
        return ()
    pages: list[TiffPage] = []
    with contextlib.suppress(struct.error, ValueError, OverflowError):
        reader = _Reader(data)
        place, seen = reader.first, set[int]()
        while place and place not in seen and len(pages) < _MOST_PAGES:
            seen.add(place)
            tags, following = reader.directory(place)
            pages.append(TiffPage(tags, len(seen) - 1, place))
            sub_places = tags.get(_SUB_IFDS, ())
            for sub_place in sub_places if isinstance(sub_places, tuple) else ():
                with contextlib.suppress(struct.error, ValueError, OverflowError):
                    pages.append(TiffPage(reader.directory(int(sub_place))[0], -1, int(sub_place)))
            place = following
    return tuple(pages)


def has_lost_tags(data: bytes) -> bool:
    """Whether a TIFF is too short to hold its first tags, which many programs write last."""
    try:
        return _Reader(data).first > len(data)
    except struct.error:
        return True


def raw_photo(pages: tuple[TiffPage, ...], data: bytes) -> str:
    """Return which kind of raw photo this is; empty if it is none."""
    if not pages:
        return ""
    first = pages[0]
    if _DNG_VERSION in first.tags:
        return "DNG"
    if data[8:10] == b"CR":
        return "Canon CR2"
    make = first.tags.get(_MAKE, b"")
    has_sub_image = any(page.number < 0 and not page.is_reduced for page in pages)
    if any(page.is_raw for page in pages) or (first.is_reduced and has_sub_image):
        text = make.upper() if isinstance(make, bytes) else b""
        return next((kind for name, kind in _RAW_MAKERS.items() if name in text), "sensor data in a TIFF")
    return ""


def photo_page(pages: tuple[TiffPage, ...]) -> TiffPage | None:
    """Return the page that is the photo: the first that is no thumbnail of another."""
    chain = [page for page in pages if page.number >= 0 and min(page.size) > 0]
    full = [page for page in chain if not page.is_reduced] or chain
    if not full:
        return None
    first, largest = full[0], max(full, key=lambda page: page.size[0] * page.size[1])
    (width, height), (large_width, large_height) = first.size, largest.size
    same_shape = abs(width * large_height / (height * large_width) - 1) < _SAME_SHAPE
    is_thumbnail = same_shape and width * height <= _THUMBNAIL_SHARE * large_width * large_height
    return largest if is_thumbnail else first


class _Reader:
    """Reads tags from classic TIFF and BigTIFF in both byte orders."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = "<" if data[:2] == b"II" else ">"
        self._is_big = 43 in (data[2], data[3])
        (self.first,) = self._unpack("Q" if self._is_big else "I", 8 if self._is_big else 4)

    def directory(self, place: int) -> tuple[dict[int, tuple[float, ...] | bytes], int]:
        """Return the wanted tags of the directory at a place, and where the next one is."""
        (count,) = self._unpack("Q" if self._is_big else "H", place)
        if count > _MOST_TAGS:
            raise ValueError(f"{count} tags")
        at = place + (8 if self._is_big else 2)
        size = 20 if self._is_big else 12
        tags: dict[int, tuple[float, ...] | bytes] = {}
        for entry in range(at, at + count * size, size):
            tag, kind = self._unpack("HH", entry)
            if tag in _WANTED and kind in _TYPES:
                with contextlib.suppress(struct.error):
                    tags[tag] = self._values(entry + 4, _TYPES[kind])
        (following,) = self._unpack("Q" if self._is_big else "I", at + count * size)
        return tags, following

    def _values(self, place: int, code: str) -> tuple[float, ...] | bytes:
        word = "Q" if self._is_big else "I"
        (count,) = self._unpack(word, place)
        at = place + struct.calcsize(word)
        length = count * struct.calcsize(code)
        if length > struct.calcsize(word):
            (at,) = self._unpack(word, at)
        if code == "s":
            return self._data[at : at + min(count, _MOST_VALUES)]
        return self._unpack(f"{min(count, _MOST_VALUES)}{code}", at)

    def _unpack(self, code: str, place: int) -> tuple[int, ...]:
        return struct.unpack_from(self._order + code, self._data, place)
