"""Tars, plain or compressed with gzip: read once from front to back, in bounded memory, and never in part.

Python's `tarfile` ends in silence at a damaged header in the middle, where photos would be lost unseen, keeps an object
for each member, and reads an extended header of any size into memory. Here each of these is bounded or refused. Source
of the format: POSIX, pax interchange format (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html),
and GNU tar's manual, "Basic Tar Format".
"""

import gzip
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from photoclass.errors import ArchiveError
from photoclass.photos.sources.archives.safety import refuse_bomb, unpack_it

_BLOCK = 512
_CHUNK_BYTES = 1 << 20
_LONGEST_HEADER_BYTES = 1 << 16  # of a long name, or of what pax says of a member
_FILES, _FOLDER = (b"0", b"\0", b"7"), b"5"
_PAX, _PAX_OF_ALL, _LONG_NAME, _LONG_LINK = (b"x", b"X"), b"g", b"L", b"K"
_OTHERS = {
    b"1": "a link",
    b"2": "a link",
    b"3": "a device",
    b"4": "a device",
    b"6": "a pipe",
    b"S": "a sparse file",
}
_GZIP_START = b"\x1f\x8b"


@dataclass(frozen=True)
class TarMember:
    """A file of a tar.

    Attributes:
        name: As it is written, in Unicode NFC; bytes that are not UTF-8 stand as surrogates, as in file names.
        size: Bytes of its content.
    """

    name: str
    size: int


class TarReader:
    """Reads the files of a tar in their order.

    Args:
        stream: The tar, from its first byte; of a compressed one, the file itself.
        where: What messages call it.
    """

    def __init__(self, stream: BinaryIO, where: str) -> None:
        self._where = where
        compressed = stream.read(2) == _GZIP_START
        self._packed = stream.seek(0, 2)
        stream.seek(0)
        self._stream: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=stream) if compressed else stream
        self._left = 0
        self._done = 0

    def __iter__(self) -> Iterator[TarMember]:
        """Yield each file; what of its content is not read until the next one is skipped.

        Raises:
            ArchiveError: The tar is damaged, cut short, or holds a link or special file.
        """
        long_name: str | None = None
        said: dict[str, str] = {}
        while (header := self._header()) is not None:
            kind = header[156:157]
            size = self._number(header[124:136])
            if kind in (*_PAX, _PAX_OF_ALL, _LONG_NAME, _LONG_LINK):
                text = self._extended(size)
                if kind in _PAX:
                    said = self._parse_pax(text)
                elif kind == _LONG_NAME:
                    long_name = _text(text.partition(b"\0")[0])
                continue
            name = said.get("path") or long_name or _name_in(header)
            if any(key.startswith("GNU.sparse") for key in said):
                kind = b"S"
            if "size" in said:
                size = self._decimal(said["size"])
            long_name, said = None, {}
            if kind == _FOLDER or (kind in _FILES and name.endswith("/")):
                continue  # its size, if any, is that of what is in the folder
            if kind not in _FILES:
                what = _OTHERS.get(kind, f"of an unknown kind ({kind!r})")
                raise ArchiveError(f"{self._where}: {name!r} is {what}; {unpack_it('tar')}")
            self._refuse_bomb(size)
            self._left = size
            yield TarMember(unicodedata.normalize("NFC", name), size)
            for _ in self.chunks():
                pass
            self._take(-size % _BLOCK)

    def chunks(self) -> Iterator[bytes]:
        """Yield the content of the file that the iteration is at, once."""
        while self._left:
            chunk = self._take(min(self._left, _CHUNK_BYTES))
            self._left -= len(chunk)
            yield chunk

    def _header(self) -> bytes | None:
        """Return the next header; None at the end of the archive."""
        header = self._take(_BLOCK)
        if any(header):
            if not checksum_fits(header):
                raise self._damaged("a header's checksum is wrong")
            return header
        while rest := self._read(_CHUNK_BYTES):
            if rest.strip(b"\0"):
                raise ArchiveError(
                    f"{self._where}: goes on after its end, as tars do that were joined; unpack it yourself "
                    "(tar --ignore-zeros -xf FILE) and give the folder"
                )
        return None

    def _extended(self, size: int) -> bytes:
        if size > _LONGEST_HEADER_BYTES:
            raise self._damaged(f"an extended header of {size:,} bytes")
        return self._take(size + -size % _BLOCK)[:size]

    def _parse_pax(self, text: bytes) -> dict[str, str]:
        """Return the records of a pax header, each `LENGTH KEY=VALUE` and a line end."""
        found: dict[str, str] = {}
        while text.strip(b"\0"):
            length_text, space, _ = text.partition(b" ")
            length = int(length_text) if length_text.isdigit() and len(length_text) < 7 else 0
            record = text[len(length_text) + 1 : length]
            key, equals, value = record.partition(b"=")
            if not (space and equals and record.endswith(b"\n") and length <= len(text)):
                raise self._damaged("a pax header cannot be read")
            found[_text(key)] = _text(value[:-1])
            text = text[length:]
        return found

    def _number(self, field: bytes) -> int:
        """Return a number of a header: octal digits, or GNU's base 256 where they do not suffice."""
        if field[0] == 0x80:
            return int.from_bytes(field[1:], "big")
        digits = field.strip(b" \0")
        if digits.strip(b"01234567"):
            raise self._damaged("a size cannot be read")
        return int(digits or b"0", 8)

    def _decimal(self, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            raise self._damaged("a size cannot be read")
        return int(text)

    def _take(self, count: int) -> bytes:
        """Return exactly so many bytes."""
        data = self._read(count)
        while len(data) < count:
            more = self._read(count - len(data))
            if not more:
                raise ArchiveError(f"{self._where}: cut short; download or copy it again")
            data += more
        return data

    def _read(self, count: int) -> bytes:
        try:
            data = self._stream.read(count)
        except EOFError as error:
            raise ArchiveError(f"{self._where}: cut short; download or copy it again") from error
        except (zlib.error, gzip.BadGzipFile) as error:
            raise self._damaged(str(error)) from error
        except OSError as error:
            raise ArchiveError(f"{self._where}: cannot be read ({error.strerror or error})") from error
        self._done += len(data)
        self._refuse_bomb()
        return data

    def _refuse_bomb(self, more: int = 0) -> None:
        """Refuse what grows too far, headers and all: a tar of countless empty files is a bomb, too."""
        refuse_bomb(self._where, self._packed, self._done + more, "tar")

    def _damaged(self, why: str) -> ArchiveError:
        return ArchiveError(f"{self._where}: damaged after {self._done:,} bytes ({why}); download or create it again")


def checksum_fits(header: bytes) -> bool:
    """Return whether a block is the header of a tar: its bytes add up to what it says, whatever its format."""
    digits = header[148:156].strip(b" \0")
    if len(header) < _BLOCK or not digits or digits.strip(b"01234567"):
        return False
    said, others = int(digits, 8), header[:148] + b" " * 8 + header[156:_BLOCK]
    if said == sum(others):
        return True
    return said == sum(byte - 256 if byte > 127 else byte for byte in others)  # as some old systems added them


def _name_in(header: bytes) -> str:
    name = header[:100].partition(b"\0")[0]
    prefix = header[345:500].partition(b"\0")[0] if header[257:263] == b"ustar\0" else b""
    return _text(prefix + b"/" + name if prefix else name)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
