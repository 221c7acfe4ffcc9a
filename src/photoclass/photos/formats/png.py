"""PNG: the chunks that decide the pixels, without those that only stand beside them."""

import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\0\0\0\0IEND\xaeB`\x82"
_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT"})
_MEANING = frozenset({b"IHDR", b"PLTE"})
# Read only where it is whole, and small enough for Pillow.
_KEPT_IF_SOUND = frozenset({b"eXIf", b"iCCP", b"sBIT"})
_LARGEST_KEPT = 1 << 16
_END_CHUNK = b"IEND"
_AT_ONCE = 1 << 20


def is_wide_grey(data: bytes) -> bool:
    """Whether this is a PNG of 16-bit grey without alpha."""
    return data[24:26] == b"\x10\0" and data.startswith(SIGNATURE)


def is_wide_colour(data: bytes) -> bool:
    """Whether this is a PNG of 16 bits a channel with several channels."""
    return data[24:26] in (b"\x10\2", b"\x10\4", b"\x10\6") and data.startswith(SIGNATURE)


def significant_bits(data: bytes) -> int | None:
    """Return the bits of grey that a PNG says its samples had before they were stored; None if it does not say."""
    for kind, body, _ in _chunks(data):
        if kind == b"sBIT":
            return body[0] if len(body) == 1 else None
        if kind == b"IDAT":
            break
    return None


def essential_chunks(data: bytes) -> bytes | None:
    """Return a PNG with the same pixels, and without chunks beside them that a decoder may stumble over.

    None if the chunks that say what the pixels mean are damaged themselves.
    """
    kept = [SIGNATURE]
    for kind, body, is_sound in _chunks(data):
        if kind in _MEANING and not is_sound:
            return None
        if kind in _KEPT or (kind in _KEPT_IF_SOUND and is_sound and _is_small(kind, bytes(body))):
            checksum = zlib.crc32(body, zlib.crc32(kind))
            kept += [len(body).to_bytes(4, "big"), kind, bytes(body), checksum.to_bytes(4, "big")]
    return b"".join([*kept, _END])


def has_end(data: bytes) -> bool:
    """Whether a PNG has all its chunks, up to the one that ends it."""
    return any(kind == _END_CHUNK for kind, _, _ in _chunks(data))


def has_damaged_pixels(data: bytes) -> bool:
    """Whether a checksum of the pixels is wrong, and the pixels are not proven sound by the checksum inside them."""
    bodies, all_sound = [], True
    for kind, body, is_sound in _chunks(data):
        if kind == b"IDAT":
            bodies.append(body)
            all_sound = all_sound and is_sound
    return not all_sound and not _is_sound_stream(b"".join(bodies), _most_bytes(data))


def _is_sound_stream(compressed: bytes, limit: int) -> bool:
    """Whether compressed data has the checksum that stands at its end, within a number of bytes."""
    stream, done = zlib.decompressobj(), 0
    try:
        while not stream.eof and compressed and done <= limit:
            done += len(stream.decompress(compressed, _AT_ONCE))
            compressed = stream.unconsumed_tail
    except zlib.error:
        return False
    return stream.eof


def _most_bytes(data: bytes) -> int:
    """Return how many bytes the pixels of a PNG have at most: four channels of 16 bits, in rows of seven passes."""
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    return 8 * width * height + 8 * (height + 8)


def _is_small(kind: bytes, body: bytes) -> bool:
    if kind == b"iCCP":
        try:
            body = zlib.decompressobj().decompress(body[body.find(b"\0") + 2 :], _LARGEST_KEPT + 1)
        except zlib.error:
            return False
    return len(body) <= _LARGEST_KEPT


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, bool]]:
    """Yield the kind and content of each whole chunk, and whether its checksum is right."""
    view, at = memoryview(data), len(SIGNATURE)
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(view[at : at + 4], "big")
        if end + 4 > len(data):
            return
        kind = data[at + 4 : at + 8]
        yield kind, view[at + 8 : end], zlib.crc32(view[at + 4 : end]) == int.from_bytes(view[end : end + 4], "big")
        if kind == _END_CHUNK:
            return
        at = end + 4
