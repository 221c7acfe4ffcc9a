"""The names of a zip's members: which text their bytes are, and where their folders begin."""

import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075
# Other encodings that zips without a mark are in: of Windows in Japan, China, Taiwan, Korea, Russia and Western Europe.
_OTHER_ENCODINGS = ("cp932", "gbk", "big5", "cp949", "cp866", "cp1252")
# Of these, the two-byte ones in which short words can be valid UTF-8 by chance, as their strict forms.
_DOUBLE_BYTE = {"gbk": "gb2312", "big5": "big5", "cp949": "euc_kr"}
_LONE_LETTERS = re.compile(rb"(?<![A-Za-z\x80-\xff])[\x80-\xff]+(?![A-Za-z\x80-\xff])")

# The systems of "version made by" on which a file name cannot hold a backslash: FAT, NTFS and VFAT.
_WINDOWS = frozenset({0, 10, 14})


@dataclass(frozen=True)
class MemberNames:
    """The names of all members, in their order.

    Attributes:
        names: In Unicode NFC, with `/` between folders; a folder's name ends in `/`.
        notes: What was assumed to read them, one line each.
    """

    names: tuple[str, ...]
    notes: tuple[str, ...]


def read_names(members: Sequence[zipfile.ZipInfo]) -> MemberNames:
    """Return the names of a zip's members.

    The encoding of a name is told by the Unicode path field or by the UTF-8 flag. Without either, the names are UTF-8
    if all of them can be: macOS and many libraries write that and do not say so. Otherwise they are CP437, the default
    of the format. A note says what was assumed, and how the names read in other encodings, unless they can only be
    UTF-8.

    Backslashes separate folders if no name has a `/`, as .NET and PowerShell once wrote them, and in a name that
    was written on Windows, where no file name can hold one.
    """
    raw = [_bytes_of_name(member) for member in members]
    told = [_told_name(member, name) for member, name in zip(members, raw, strict=True)]
    untold = [name for name, text in zip(raw, told, strict=True) if text is None]
    is_utf8 = all(_is_utf8(name) for name in untold)
    encoding = "utf-8" if is_utf8 else "cp437"
    texts = [name.decode(encoding) if text is None else text for name, text in zip(raw, told, strict=True)]
    doubtful = [name for name in untold if not name.isascii()]
    notes = [note for note in [_note_on_encoding(doubtful, is_utf8)] if note]
    texts, backslashes = _with_slashes(members, texts, is_utf8)
    if backslashes:
        notes.append(f"the zip was packed with backslashes: '{backslashes}' is read as a path")
    return MemberNames(tuple(unicodedata.normalize("NFC", text) for text in texts), tuple(notes))


def _note_on_encoding(names: Sequence[bytes], is_utf8: bool) -> str:
    """Return what is to be said of names whose encoding the zip does not tell; empty if there is no doubt."""
    if is_utf8:
        example = next((name for name in names if _LONE_LETTERS.search(name)), None)
        others = [shown for shown, strict in _DOUBLE_BYTE.items() if all(_decodes(name, strict) for name in names)]
        if example is None or not others:
            return ""
        read_as = "UTF-8"
    else:
        others = [encoding for encoding in _OTHER_ENCODINGS if all(_decodes(name, encoding) for name in names)]
        example, read_as = names[0], "CP437"
    part = next(part for part in re.split(rb"[/\\]", example) if not part.isascii())
    readings = ", ".join(f"{part.decode(other)!r} in {other}" for other in others if _decodes(part, other))
    return (
        f"the zip does not say how its file names are encoded; {part.decode(read_as, errors='replace')!r} is read as "
        f"{read_as}{f', and would be {readings}' if readings else ''}. If that is wrong, unpack the zip yourself "
        "(unzip -O ENCODING FILE, or on the computer that it is from) and give the folder"
    )


def _with_slashes(
    members: Sequence[zipfile.ZipInfo], texts: Sequence[str], is_certain: bool
) -> tuple[list[str], str | None]:
    """Return the names with backslashes turned into slashes where they separate folders, and one that had any."""
    everywhere = not any("/" in text for text in texts)
    # In CP932, GBK and Big5, a backslash may be the second half of a character.
    separator = re.compile(r"\\" if is_certain else r"(?<![^\x00-\x7f])\\")
    result, example = [], None
    for member, text in zip(members, texts, strict=True):
        if everywhere or (is_certain and member.create_system in _WINDOWS):
            separated = separator.sub("/", text)
            example = example or (text if separated != text else None)
            text = separated
        result.append(text)
    return result, example


def _bytes_of_name(member: zipfile.ZipInfo) -> bytes:
    """Return the name as it is in the zip, up to a zero byte."""
    # `filename` may have been changed by `zipfile`; `orig_filename` is only decoded.
    encoding = "utf-8" if member.flag_bits & _UTF8_FLAG else "cp437"
    return member.orig_filename.encode(encoding).partition(b"\0")[0]


def _told_name(member: zipfile.ZipInfo, name: bytes) -> str | None:
    """Return the name as the Unicode path field or the UTF-8 flag tells it; None if neither is there."""
    if (path := _unicode_path(member.extra, name)) is not None:
        return path
    return name.decode("utf-8", errors="surrogatepass") if member.flag_bits & _UTF8_FLAG else None


def _unicode_path(extra: bytes, name: bytes) -> str | None:
    """Return the name from the Info-ZIP Unicode path extra field, unless the member was renamed after it was made.

    Source: APPNOTE.TXT, 4.6.9: version 1, the CRC-32 of the name in the header, then the name in UTF-8.
    """
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        content, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and len(content) > 5 and content[0] == 1:
            (checksum,) = struct.unpack_from("<I", content, 1)
            path = content[5:].partition(b"\0")[0]
            if checksum == zlib.crc32(name) and path and _is_utf8(path):
                return path.decode("utf-8")
    return None


def _is_utf8(text: bytes) -> bool:
    return _decodes(text, "utf-8")


def _decodes(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
