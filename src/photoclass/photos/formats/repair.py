"""Files whose picture is sound but whose wrapping is not: what viewers show all the same is decoded all the same."""

import re
from dataclasses import dataclass

from photoclass.photos.formats import jpeg, png
from photoclass.photos.formats.kinds import recognise

# A line break, a byte order mark, the header of an answer of a web server.
_MOST_BEFORE = 4096
_STARTS = re.compile(rb"\xff\xd8\xff[\xc0-\xfe]|\x89PNG\r\n\x1a\n|RIFF....WEBP|GIF8[79]a", re.DOTALL)


@dataclass(frozen=True)
class Repaired:
    """A file's content, changed beside the pixels alone.

    Attributes:
        data: The content.
        original: The content as it was, from where the picture begins.
        ends_early: It is a JPEG that had no end marker: whether anything is missing is still to be seen.
    """

    data: bytes
    original: bytes
    ends_early: bool = False


def repair(data: bytes) -> Repaired | None:
    """Return what may be decoded in place of a file that could not be decoded; None if nothing can be done.

    Bytes before the picture are cut off; of a PNG, all chunks beside the pixels; a JPEG gets an end marker.
    """
    start = _start(data)
    if start is None:
        return None
    data = data[start:]
    if data.startswith(png.SIGNATURE):
        essential = png.essential_chunks(data)
        return None if essential is None else Repaired(essential, data)
    if data.startswith(jpeg.START):
        header = jpeg.read_header(data)
        if header is None or header.unsupported:
            return None
        if start and jpeg.has_end(data, header):  # bytes before it may be all that was wrong
            return Repaired(data, data)
        return Repaired(jpeg.closed(data), data, ends_early=True)
    return Repaired(data, data) if start else None


def _start(data: bytes) -> int | None:
    """Return where the picture begins; None if the file is something else, which may well contain a picture."""
    found = _STARTS.search(data, 0, _MOST_BEFORE)
    if found is None or (found.start() and recognise(data) is not None):
        return None
    return found.start()
