"""Zips written byte by byte, as other programs write them, for the tests of reading zips."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from picture_files import put

UNIX, WINDOWS = 3, 0
UTF8_FLAG = 0x800


def unicode_path(name: bytes, told: str, checksum: int | None = None) -> bytes:
    """Return the Info-ZIP Unicode path extra field: what the name of these bytes is as text."""
    content = struct.pack("<BI", 1, zlib.crc32(name) if checksum is None else checksum) + told.encode()
    return struct.pack("<HH", 0x7075, len(content)) + content


def raw_zip(
    path: Path,
    members: Mapping[bytes, bytes],
    *,
    flags: int = 0,
    method: int = 0,
    system: int = UNIX,
    extras: Mapping[bytes, bytes] | None = None,
    disk: int = 0,
) -> Path:
    """Write a zip of stored members whose names are these very bytes.

    Args:
        path: The file.
        members: Content by name.
        flags: The general purpose bits of every member.
        method: The compression method that every member declares.
        system: The system that the zip was "made by".
        extras: Extra fields by name.
        disk: The number of this disk, in the end record.
    """
    body, central = b"", b""
    for name, content in members.items():
        extra = (extras or {}).get(name, b"")
        sizes = struct.pack("<IIIHH", zlib.crc32(content), len(content), len(content), len(name), len(extra))
        when = b"\0\0\x21\x5a"
        central += struct.pack("<4s2B3H", b"PK\x01\x02", 20, system, 20, flags, method) + when + sizes
        central += struct.pack("<3H2I", 0, 0, 0, 0, len(body)) + name + extra
        body += struct.pack("<4s3H", b"PK\x03\x04", 20, flags, method) + when + sizes + name + extra + content
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", disk, disk, len(members), len(members), len(central), len(body), 0)
    return put(path, body + central + end)


def zip_bytes(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an ordinary zip."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()
