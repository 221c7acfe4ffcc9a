"""JPEG: what its header says, how many scans it has, and whether its data reaches to the end of the picture.

Pillow swallows libjpeg's warnings: where data is missing but an end marker stands, it returns a picture that is grey
from there on. libjpeg gives every such block the value 128 in all channels, so a sound picture is cleared by its last
pixel alone; any other is decoded once more with surplus data before the end marker, which changes no whole picture.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Real progressive JPEGs have about ten scans. Each scan takes a pass over the whole picture, so a small file with
# thousands of scans can keep a decoder busy for minutes.
MAX_JPEG_SCANS = 100
START, END = b"\xff\xd8", b"\xff\xd9"
# From a file's content to its pixels; raises what Pillow raises.
Decoder: TypeAlias = Callable[[bytes], Image.Image]

# In a JPEG, 0xFF begins a marker unless it is stuffed (00), a restart (D0 to D7) or a filler (FF).
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)
# Without a restart interval, a restart marker ends the data, too.
_MARKER_OR_RESTART = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)
_SCAN, _END_OF_PICTURE = 0xDA, 0xD9
_SCAN_MARKER = b"\xff\xda"
_MARKERS_WITHOUT_LENGTH = frozenset({0x01, 0xD8})
_RESTART_INTERVAL = 0xDD
_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
_TO_SKIP = frozenset(range(0xC0, 0x100)) - _FRAMES - {_SCAN, _RESTART_INTERVAL, 0xFF, *range(0xD0, 0xDA)}
_ORDINARY = frozenset({0xC0, 0xC1, 0xC2})
_PROGRESSIVE = 0xC2
_PROCESSES = {
    0xC3: "a lossless JPEG",
    0xC5: "a hierarchical JPEG",
    0xC6: "a hierarchical JPEG",
    0xC7: "a hierarchical JPEG",
    0xC9: "an arithmetic-coded JPEG",
    0xCA: "an arithmetic-coded JPEG",
    0xCB: "a lossless JPEG",
    0xF7: "a JPEG-LS picture",
}
WHOLE = -1.0
# So many in a row by chance: once in 4 billion photos.
_LINE_FEEDS = 4
_COEFFICIENTS = 64
_MOST_ZEROS = 16
# What libjpeg leaves where data is missing, after conversion to RGB, grey or CMYK.
_MISSING = (
    128,
    (128, 128, 128),
    (127, 127, 127, 127),
    (128, 128, 128, 128),
    (128, 128, 128, 127),
    (127, 127, 127, 128),
)
# Surplus data: any bits that decode to something else than no change.
_SURPLUS = bytes((0x5A, 0xC3, 0x96, 0x3C, 0xE1, 0x78, 0xD2, 0x4B)) * 16


class JpegHeader(NamedTuple):
    """What stands before the data of the first scan.

    Attributes:
        process: The code of the frame marker: 0xC0 baseline, 0xC2 progressive, others are rare.
        bits: Bits of a sample.
        has_restarts: Whether a restart interval is declared.
        scan: Where the marker of the first scan stands.
        has_all: Whether the first scan holds all components.
    """

    process: int
    bits: int
    has_restarts: bool
    scan: int
    has_all: bool

    @property
    def is_progressive(self) -> bool:
        """Whether the picture comes in scans of growing detail, so that the decoder holds all coefficients."""
        return self.process == _PROGRESSIVE

    @property
    def unsupported(self) -> str:
        """Name what cannot be decoded rightly; empty for ordinary JPEGs."""
        if self.process not in _ORDINARY:
            return _PROCESSES.get(self.process, "a JPEG of an unusual kind")
        return "" if self.bits == 8 else f"a {self.bits}-bit JPEG"


def read_header(data: bytes) -> JpegHeader | None:
    """Read the markers before the first scan; None if there is no frame or no scan.

    It is read of every photo, so it takes 4 of the 400 microseconds that a small one takes.
    """
    at, end = len(START), len(data) - 10
    process = bits = components = 0
    has_restarts = False
    while 0 <= at < end:
        code = data[at + 1]
        if data[at] != 0xFF:  # bytes that belong to no segment; decoders skip them
            at = data.find(b"\xff", at)
        elif code in _TO_SKIP:
            at += 2 + (data[at + 2] << 8 | data[at + 3])
        elif code in _FRAMES:
            process, bits, components = code, data[at + 4], data[at + 9]
            at += 2 + (data[at + 2] << 8 | data[at + 3])
        elif code == _SCAN:
            return JpegHeader(process, bits, has_restarts, at, data[at + 4] == components) if process else None
        elif code == _RESTART_INTERVAL:
            has_restarts = data[at + 4 : at + 6] != b"\0\0"
            at += 6
        else:
            at += 1  # a filler, or a marker that stands alone
    return None


def was_sent_as_text(data: bytes, header: JpegHeader) -> bool:
    """Whether a transfer in text mode put a carriage return before every line feed, which spoils all pixels.

    In sound data one in 256 line feeds has one before it, so the first line feed clears nearly every photo. Metadata
    before the data may be text.
    """
    at = header.scan
    for _ in range(_LINE_FEEDS):
        at = data.find(b"\n", at + 1)
        if at < 0 or data[at - 1] != 0x0D:
            return False
    return True


def has_end(data: bytes, header: JpegHeader) -> bool:
    """Whether an end marker follows the data."""
    return data.startswith(END, _end_of_data(data, header))


def find_scans(data: bytes, header: JpegHeader | None) -> tuple[int, ...]:
    """Return where the markers of scans may stand, if there can be several: up to one more than the limit.

    Appended data, such as a video, may look like more scans.
    """
    if header and header.has_all and not header.is_progressive:
        return ()  # no decoder looks for a second scan
    found: list[int] = []
    at = header.scan if header else data.find(_SCAN_MARKER)
    while at >= 0 and len(found) <= MAX_JPEG_SCANS:
        found.append(at)
        at = data.find(_SCAN_MARKER, at + 2)
    return tuple(found)


def has_too_many_scans(data: bytes, scans: tuple[int, ...]) -> bool:
    """Whether a JPEG's first picture has more scans than the limit.

    Args:
        data: The file's content.
        scans: What `find_scans` finds.
    """
    if len(scans) <= MAX_JPEG_SCANS:
        return False
    count = 0
    found = _MARKER.search(data)
    while found and found[1][0] != _END_OF_PICTURE and count <= MAX_JPEG_SCANS:
        count += found[1][0] == _SCAN
        found = _MARKER.search(data, _after(data, found))
    return count > MAX_JPEG_SCANS


def ends_in_grey(picture: Image.Image) -> bool:
    """Whether the last pixel is the grey of missing data. It takes a microsecond, and clears nearly every photo."""
    width, height = picture.size
    return picture.im.getpixel((width - 1, height - 1)) in _MISSING


def lacks_detail(data: bytes, scans: tuple[int, ...]) -> bool:
    """Whether a progressive JPEG lacks scans: a coefficient was begun with fewer bits and never refined.

    Args:
        data: The file's content.
        scans: What `find_scans` finds.
    """
    if not _is_unfinished(data, scans):
        return False
    end = data.find(END, scans[0])  # it is unfinished with what only looks like a scan, and perhaps without
    return _is_unfinished(data, [scan for scan in scans if scan < end])


def _is_unfinished(data: bytes, scans: Sequence[int]) -> bool:
    left: dict[int, list[int]] = {}  # by component, the bits of each coefficient that are still to come; -1 for all
    for scan in scans:
        count = data[scan + 4] if scan + 4 < len(data) else 0
        components = data[scan + 5 : scan + 5 + 2 * count : 2]
        tail = data[scan + 5 + 2 * count : scan + 8 + 2 * count]
        if len(tail) < 3:
            break
        first, last, shift = tail[0], min(tail[1], _COEFFICIENTS - 1), tail[2] & 15
        for component in components:
            bits = left.setdefault(component, [-1] * _COEFFICIENTS)
            bits[first : last + 1] = [shift] * (last + 1 - first)
    return any(bit > 0 for bits in left.values() for bit in bits)


def missing_share(data: bytes, header: JpegHeader, decode: Decoder) -> float:
    """Return the share of a picture's rows that lack all data; -1 if the data reaches to its end.

    Args:
        data: The file's content, with an end marker.
        header: What `read_header` says of it.
        decode: Decodes a file's content.
    """
    end = _end_of_data(data, header)
    picture = decode(data)
    surplus = decode(data[:end] + _SURPLUS + data[end:])
    if picture.tobytes() == surplus.tobytes():
        return WHOLE
    rows = np.asarray(picture).reshape(picture.height, -1)
    is_grey: NDArray[np.bool_] = ((rows == 127) | (rows == 128)).all(axis=1)
    missing = int(np.argmin(is_grey[::-1])) if not is_grey.all() else len(is_grey)
    return missing / picture.height


def closed(data: bytes) -> bytes:
    """Return a JPEG that lost its end marker, with one.

    Data may end in a few zeros. More of them are no data, but what a damaged disk or an unfinished download leaves.
    """
    body = data.rstrip(b"\0")
    zeros = min(len(data) - len(body), _MOST_ZEROS)
    return (body + bytes(zeros) if zeros else body.removesuffix(b"\xff")) + END


def _end_of_data(data: bytes, header: JpegHeader) -> int:
    """Return where the data of the last scan ends: at the first marker that no decoder passes."""
    pattern = _MARKER if header.has_restarts else _MARKER_OR_RESTART
    end = header.scan
    found = pattern.search(data, header.scan)
    while found:
        if found[1][0] != _SCAN and not _is_table(found[1][0]):
            return found.start()
        end = len(data)
        found = pattern.search(data, _after(data, found))
    return end


def _is_table(code: int) -> bool:
    """Whether a marker may stand between scans: tables, restart intervals, application data, comments."""
    return code in (0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xFE) or 0xE0 <= code <= 0xEF


def _after(data: bytes, found: re.Match[bytes]) -> int:
    """Return where the segment of a marker ends."""
    end = found.end()
    if found[1][0] not in _MARKERS_WITHOUT_LENGTH:
        end += int.from_bytes(data[end : end + 2], "big")
    return end
