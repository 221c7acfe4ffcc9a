"""The text of a table from its bytes: the encoding is found, and a file that is no text is refused as what it is."""

import codecs
import re
from dataclasses import dataclass

from photoclass.errors import DataError

CP1252 = "cp1252"
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like UTF-16's, so it comes first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAVE_AS_CSV = 'save it as "CSV UTF-8" (in Excel: File, Save As) and give that file'
# What a file that is no table begins with, what it is, and what to do.
_OTHER_FILES = (
    (b"PK\x03\x04", "a workbook or a zip, not text", _SAVE_AS_CSV),
    (b"PK\x05\x06", "an empty zip, not text", "give a CSV"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (.xls)", _SAVE_AS_CSV),
    (b"<?xml", "an XML file", _SAVE_AS_CSV),
    (b"\x1f\x8b", "compressed with gzip", "unpack it (gunzip) and give the table inside"),
    (b"%PDF", "a PDF", "give a CSV"),
    (b"SQLite format 3\0", "an SQLite database", "export the table as a CSV"),
    (b"version https://git-lfs.github.com/", "a Git LFS pointer, not the file itself", "run git lfs pull"),
    (b"\xff\xd8\xff", "a photo (JPEG), not a table", "give the folder that holds the photos, or a CSV"),
    (b"\x89PNG\r\n", "a photo (PNG), not a table", "give the folder that holds the photos, or a CSV"),
)
_WORKBOOKS = (
    (b"xl/workbook.xml", "an Excel workbook (.xlsx)"),
    (b"opendocument.spreadsheet", "a LibreOffice workbook (.ods)"),
)
_WEB_PAGE = re.compile(rb"\s*<(!doctype html|html|head)", re.IGNORECASE)


@dataclass(frozen=True)
class DecodedText:
    """The text of a file, without its byte-order mark.

    Attributes:
        text: A byte of a name that is not UTF-8 in a file that otherwise is stands as a surrogate, as in file names.
        encoding: `utf-8`, `utf-16-le`, …, or `cp1252` where the file is not UTF-8.
    """

    text: str
    encoding: str


def decode_table(content: bytes, where: str) -> DecodedText:
    """Find the encoding of a table and decode it: a byte-order mark decides, then UTF-16 without one, then UTF-8.

    What is not UTF-8 is read as Windows-1252 (cp1252) if no part of it is UTF-8 beyond ASCII: Excel writes that for
    "CSV". If parts are UTF-8, the others are names of files that are not, and keep their bytes.

    Raises:
        DataError: It is empty or no text.
    """
    found = _decode(content, where)
    # A second mark, as where a file was saved twice, and the end-of-file sign of DOS.
    return DecodedText(found.text.lstrip("\ufeff").rstrip("\x1a"), found.encoding)


def _decode(content: bytes, where: str) -> DecodedText:
    if not content.strip():
        raise DataError(f"{where}: is empty; its first line must name the columns")
    _refuse_other_files(content, where)
    for mark, encoding in _BYTE_ORDER_MARKS:
        if content.startswith(mark):
            try:
                return _without_nul(content[len(mark) :].decode(encoding), encoding, where)
            except UnicodeDecodeError as error:
                if encoding == "utf-8":
                    break
                raise DataError(f"{where}: begins as {encoding.upper()} and is not; {_SAVE_AS_CSV}") from error
    if b"\0" in content and (encoding := _utf16_without_mark(content)):
        return DecodedText(content.decode(encoding), encoding)
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return _without_nul(content.decode("utf-8"), "utf-8", where)
    except UnicodeDecodeError:
        text = content.decode("utf-8", "surrogateescape")
    if all(letter < "\x80" or "\udc80" <= letter <= "\udcff" for letter in text):
        try:
            return _without_nul(content.decode(CP1252), CP1252, where)
        except UnicodeDecodeError:
            pass  # one of the five bytes that cp1252 lacks
    return _without_nul(text, "utf-8", where)


def _without_nul(text: str, encoding: str, where: str) -> DecodedText:
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"{where}: line {line} contains a NUL byte, so it is not a text file; {_SAVE_AS_CSV}")
    return DecodedText(text, encoding)


def _utf16_without_mark(content: bytes) -> str:
    """Return the byte order of UTF-16 without a mark; empty if the content is not UTF-16.

    Only the right order turns line ends into line ends; without a NUL inside, nor an odd length.
    """
    scores = {}
    for encoding in ("utf-16-le", "utf-16-be"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text and ("\n" in text or "\r" in text):
            scores[encoding] = sum(letter < "\x80" for letter in text)
    return max(scores, key=lambda encoding: scores[encoding], default="")


def _refuse_other_files(content: bytes, where: str) -> None:
    for start, kind, advice in _OTHER_FILES:
        if content.startswith(start):
            workbook = next((name for part, name in _WORKBOOKS if part in content), kind)
            raise DataError(f"{where}: is {workbook}; {advice}")
    if _WEB_PAGE.match(content):
        raise DataError(f"{where}: is a web page, not a table; download the file itself")
