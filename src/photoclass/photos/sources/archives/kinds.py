"""Which files are archives, by their content, and why one that should be a zip or tar cannot be read."""

import lzma
import re
import zlib
from pathlib import Path

from photoclass.photos.formats.kinds import recognise
from photoclass.photos.sources.archives.tar import checksum_fits
from photoclass.photos.sources.litter import holds_picture

_HEAD_BYTES = 1024
_ZIP, _EMPTY_ZIP, _SPLIT_ZIP = b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"
_SHORTEST_END, _LONGEST_END = 22, 22 + 0xFFFF  # the end record itself, and with a comment
_IN_ZIP64 = 0xFFFF  # a number that is in another record
# Zips that are documents: their first member has this name.
_DOCUMENTS = (b"[Content_Types].xml", b"_rels/", b"docProps/", b"mimetype", b"META-INF/", b"AndroidManifest.xml")

_ARCHIVE_ENDING = re.compile(r"\.(zip|7z|rar|tar|tgz|tbz2?|txz|tzst|gz|bz2|xz|zst)$", re.IGNORECASE)
_TAR_ENDING = re.compile(r"\.(tar\.\w+|t[gbx]z2?|tzst)$", re.IGNORECASE)
_PART_ENDING = re.compile(r"\.(z\d\d|(zip|7z|rar|tar|tgz|gz)\.\d{3}|part\d+\.rar)$", re.IGNORECASE)

_ARCHIVES = (
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it with 7-Zip and give the folder"),
    (b"Rar!\x1a\x07", "a RAR archive", "unpack it with 7-Zip or unrar and give the folder"),
)
_COMPRESSED = (
    (b"\x1f\x8b", "gzip", "gunzip"),
    (b"BZh", "bzip2", "bunzip2"),
    (b"\xfd7zXZ\0", "xz", "unxz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard", "zstd -d"),
)
_OTHERS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the archive itself", "fetch it with: git lfs pull"),
    (b"%PDF", "a PDF document", "give a folder, a zip or a table"),
    (b"MZ", "a Windows program, perhaps a self-extracting archive", "run it and give the unpacked folder"),
)


def is_zip(file: Path) -> bool:
    """Return whether a file is a zip, whatever its name; documents that are zips inside (.docx, .xlsx) are not."""
    head = _head(file)
    return head.startswith((_ZIP, _EMPTY_ZIP)) and not head[30:].startswith(_DOCUMENTS)


def is_tar(file: Path) -> bool:
    """Return whether a file is a tar, plain or compressed with gzip, whatever its name."""
    head = _head(file)
    return checksum_fits(_decompressed(head, "gzip") if head.startswith(_COMPRESSED[0][0]) else head)


def is_archive(file: Path) -> bool:
    """Return whether a file is a zip or tar, or has an archive's name and is no picture: then it is to be unpacked."""
    named = _ARCHIVE_ENDING.search(file.name) or _PART_ENDING.search(file.name)
    return (named is not None and not holds_picture(str(file))) or is_zip(file) or is_tar(file)


def why_no_archive(file: Path, error: str = "") -> str:
    """Return what a file is that is no zip or tar, and what to do: `a RAR archive, not a zip or tar; unpack it …`.

    Args:
        file: The file.
        error: What the reader of zips said, for one that begins as a zip.
    """
    head = _head(file)
    if not head:
        return "an empty file (0 bytes), not a zip or tar; download or copy it again"
    if head.startswith(_SPLIT_ZIP) or _PART_ENDING.search(file.name):
        return _split("one part of a split archive")
    if is_last_part(file):
        return _split("the last part of a split zip")
    if head.startswith((_ZIP, _EMPTY_ZIP)):
        return _why_unreadable(file, head, error)
    if holds_picture(str(file)):
        return "a photo, not a zip or tar; give the folder that it is in"
    for start, kind, advice in (*_ARCHIVES, *_OTHERS):
        if head.startswith(start):
            return f"{kind}, not a zip or tar; {advice}" if "zip" not in kind else f"{kind}; {advice}"
    for start, kind, command in _COMPRESSED:
        if head.startswith(start):
            if kind != "gzip" and (_has_mark(_decompressed(head, kind)) or _TAR_ENDING.search(file.name)):
                return f"a tar compressed with {kind}, which is not read; unpack it (tar -xf FILE) and give the folder"
            return f"compressed with {kind}, not a zip or tar; unpack it ({command} FILE) and give what it holds"
    if _has_mark(head):
        return "a damaged tar (its first header's checksum is wrong); download or create it again"
    if why := _why_text(head):
        return why
    known = recognise(head)
    return f"{known.name if known else 'of an unknown kind'}, not a zip or tar; give a folder, a zip or a table"


def is_last_part(file: Path) -> bool:
    """Return whether a zip is the last part of a split one: `zipfile` may open it, without the other parts."""
    disk = _disk_number(file)
    return disk is not None and disk not in (0, _IN_ZIP64)


def begins_unlisted(file: Path, first_offset: int) -> bool:
    """Return whether a zip begins with a file that its list leaves out, as one that is cut short inside a zip in it.

    Args:
        file: The zip.
        first_offset: Where the first file is that the list names.
    """
    return first_offset > 0 and _head(file).startswith(_ZIP)


def _why_unreadable(file: Path, head: bytes, error: str) -> str:
    if head[30:].startswith(_DOCUMENTS):
        return "a document (such as .docx or .xlsx), not a zip of photos; give a folder, a zip or a table"
    if _disk_number(file) is None:
        size = file.stat().st_size
        return f"cut short at {size:,} bytes: a zip's list of files, at its end, is missing; download or copy it again"
    return f"a damaged zip ({error}); download or create it again"


def _disk_number(file: Path) -> int | None:
    """Return the number of the part that ends a zip, 0 for a whole one, from its end record; None without one."""
    with open(file, "rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - _LONGEST_END))
        tail = stream.read()
    start = tail.rfind(_EMPTY_ZIP)
    is_whole = 0 <= start <= len(tail) - _SHORTEST_END
    return int.from_bytes(tail[start + 4 : start + 6], "little") if is_whole else None


def _split(what: str) -> str:
    return f"{what}; put all its parts into one folder, unpack them with 7-Zip, and give the unpacked folder"


def _why_text(head: bytes) -> str | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:15].lower().startswith((b"<!doctype html", b"<html", b"<head", b"<script")):
        return (
            "a web page, not a zip or tar: the download needs a login or a confirmation; download it again in the "
            "browser"
        )
    if re.search(rb"[\x00-\x08\x0e-\x1f\x7f]", text):
        return None
    line = " ".join(text.decode("utf-8", errors="replace").split())[:80]
    return f"a text file, not a zip or tar; it begins: {line!r}; give a folder, a zip or a table (or load it again)"


def _has_mark(head: bytes) -> bool:
    return head[257:262] == b"ustar"


def _decompressed(head: bytes, kind: str) -> bytes:
    """Return the first bytes of what is compressed in a file that begins in this way, as far as they can be had."""
    try:
        if kind == "gzip":
            return zlib.decompressobj(31).decompress(head, 512)
        return lzma.LZMADecompressor().decompress(head, 512) if kind == "xz" else b""
    except (zlib.error, lzma.LZMAError, EOFError):
        return b""


def _head(file: Path) -> bytes:
    try:
        with open(file, "rb") as stream:
            return stream.read(_HEAD_BYTES)
    except OSError:
        return b""
