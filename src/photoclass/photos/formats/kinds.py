"""What a file is that is no photo which can be decoded, told from its content: the name of its kind, and what to do."""

import re
from dataclasses import dataclass

# Enough for every signature below, and to tell text from other bytes.
_LOOKED_AT = 4096
_TAR_AT, _TAR = 257, b"ustar"
_MOSTLY_TEXT = 0.97

_CONVERT = "save it as JPEG or PNG"
_DEVELOP = "develop it to JPEG or TIFF first, for example with rawpy"


@dataclass(frozen=True)
class FileKind:
    """The kind of a file.

    Attributes:
        name: With its article: `a video`.
        advice: The one thing to do about it; empty where nothing would help.
    """

    name: str
    advice: str = ""

    @property
    def reason(self) -> str:
        """Why it is skipped."""
        return f"{self.name}, not a photo" if not self.advice else f"{self.name}; {self.advice}"


HEIC = FileKind("HEIC photo, and no HEIC decoder is installed", "run: pip install pillow-heif")
_VIDEO = FileKind("a video")
_JPEG_2000 = FileKind("a JPEG 2000 picture, which is not supported", "save it as PNG, for example with Pillow")
_JPEG_XL = FileKind("a JPEG XL picture, which is not supported", "convert it: djxl FILE photo.jpg")
_WEB_PAGE = FileKind("a web page or SVG")
_GIT_LFS = FileKind("a Git LFS pointer instead of the photo", "run: git lfs pull")
_BASE64 = FileKind("a photo as base64 text", "decode it: base64 --decode")


def raw_photo(name: str) -> FileKind:
    """Return the kind of a camera's raw photo."""
    return FileKind(f"a raw photo ({name})", _DEVELOP)


def _archive(name: str) -> FileKind:
    return FileKind(f"an archive ({name})", "unpack it")


def _picture(name: str) -> FileKind:
    return FileKind(f"a picture in the format {name}, which is not supported", _CONVERT)


# Signatures at the start of a file; the longer ones of a common start come first.
_SIGNATURES: tuple[tuple[bytes, FileKind], ...] = (
    (b"%PDF-", FileKind("a PDF document", "export its pictures as JPEG or PNG")),
    (b"\x1f\x8b", _archive("gzip")),
    (b"PK\x03\x04", _archive("zip")),
    (b"PK\x05\x06", _archive("zip")),
    (b"Rar!\x1a\x07", _archive("RAR")),
    (b"7z\xbc\xaf\x27\x1c", _archive("7-Zip")),
    (b"\xfd7zXZ\0", _archive("xz")),
    (b"BZh", _archive("bzip2")),
    (b"\x28\xb5\x2f\xfd", _archive("zstd")),
    (b"\xff\x0a", _JPEG_XL),
    (b"\0\0\0\x0cJXL \r\n\x87\n", _JPEG_XL),
    (b"\0\0\0\x0cjP  \r\n\x87\n", _JPEG_2000),
    (b"\xff\x4f\xff\x51", _JPEG_2000),
    (b"II\xbc\x01", _picture("JPEG XR")),
    (b"8BPS", _picture("PSD (Photoshop)")),
    (b"gimp xcf", _picture("XCF (GIMP)")),
    (b"\0\0\1\0", _picture("ICO (icon)")),
    (b"icns", _picture("ICNS (icon)")),
    (b"DDS ", _picture("DDS")),
    (b"qoif", _picture("QOI")),
    (b"\x0a\x05\x01\x08", _picture("PCX")),
    (b"FLIF", _picture("FLIF")),
    (b"BPG\xfb", _picture("BPG")),
    (b"%!PS", _picture("PostScript or EPS")),
    (b"\xc5\xd0\xd3\xc6", _picture("EPS")),
    (b"\xd7\xcd\xc6\x9a", _picture("WMF")),
    (b"\x76\x2f\x31\x01", _picture("OpenEXR")),
    (b"#?RADIANCE", _picture("Radiance HDR")),
    (b"#?RGBE", _picture("Radiance HDR")),
    (b"SIMPLE  =", _picture("FITS")),
    (b"AT&TFORM", _picture("DjVu")),
    (b"Pf\n", _picture("PFM (floating point)")),
    (b"PF\n", _picture("PFM (floating point)")),
    (b"II\x1a\0\0\0HEAPCCDR", raw_photo("Canon CRW")),
    (b"IIRO", raw_photo("Olympus ORF")),
    (b"IIRS", raw_photo("Olympus ORF")),
    (b"MMOR", raw_photo("Olympus ORF")),
    (b"IIU\0", raw_photo("Panasonic RW2")),
    (b"FUJIFILMCCD-RAW", raw_photo("Fujifilm RAF")),
    (b"FOVb", raw_photo("Sigma X3F")),
    (b"\0MRM", raw_photo("Minolta MRW")),
    (b"\x1aE\xdf\xa3", _VIDEO),
    (b"FLV\x01", _VIDEO),
    (b"\0\0\1\xba", _VIDEO),
    (b"\0\0\1\xb3", _VIDEO),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _VIDEO),
    (b"ID3", FileKind("a sound file")),
    (b"OggS", FileKind("a sound file or video")),
    (b"fLaC", FileKind("a sound file")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileKind("an Office document or a thumbnail database of Windows")),
    (b"\x89HDF\r\n\x1a\n", FileKind("an HDF5 file", "export its pictures as PNG, for example with h5py")),
    (b"\x93NUMPY", FileKind("a NumPy array", "export it as PNG, for example with Pillow")),
    (b"SQLite format 3\0", FileKind("an SQLite database")),
    (b"\x7fELF", FileKind("a program")),
    (b"MZ", FileKind("a program")),
    (b"bplist00", FileKind("a property list of macOS")),
    (b"\0\x05\x16\x07", FileKind("metadata of macOS (AppleDouble)")),
)
_RIFF_KINDS = {b"AVI ": _VIDEO, b"WAVE": FileKind("a sound file")}
# Brands of ISO base media files, of which any that is not named here is a video.
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_BOXES_OF_VIDEOS = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"skip", b"free"})

_TEXTS: tuple[tuple[re.Pattern[bytes], FileKind], ...] = (
    (re.compile(rb"version https://git-lfs\.github\.com/"), _GIT_LFS),
    (re.compile(rb"<!doctype html|<html|<head|<body", re.IGNORECASE), _WEB_PAGE),
    (
        re.compile(rb"(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!doctype svg[^>]*>\s*)?<svg", re.IGNORECASE | re.DOTALL),
        _WEB_PAGE,
    ),
    (re.compile(rb"<\?xml|<!doctype|<[a-z]+[\s>]", re.IGNORECASE), FileKind("an XML file")),
    (re.compile(rb"data:image/[a-z+.-]+;base64,", re.IGNORECASE), _BASE64),
    (re.compile(rb"(/9j/|iVBORw0KGgo|R0lGOD|UklGR)[A-Za-z0-9+/=\s]{20}"), _BASE64),
    (re.compile(rb"HTTP/\d"), FileKind("an answer of a web server without a photo")),
    (re.compile(rb"[\[{]"), FileKind("a JSON or text file")),
)
_TEXT = FileKind("a text file")
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_TEXT_BYTES = bytes({7, 8, 9, 10, 12, 13, 27} | set(range(0x20, 0x100)) - {0x7F})


def recognise(data: bytes) -> FileKind | None:
    """Return what kind of file this is, if it is known and not a photo in a supported format."""
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[4:8] in _BOXES_OF_VIDEOS:
        return _iso_kind(data)
    if data.startswith(b"RIFF") and data[8:12] in _RIFF_KINDS:
        return _RIFF_KINDS[data[8:12]]
    if data[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return _archive("tar")
    if data[128:132] == b"DICM":
        return FileKind("a DICOM file", "export it as PNG, for example with pydicom")
    return _text_kind(data)


def is_avif(data: bytes) -> bool:
    """Return whether this is an AVIF photo."""
    return data[4:8] == b"ftyp" and data[8:12] in _AVIF_BRANDS


def is_heif(data: bytes) -> bool:
    """Return whether this is a HEIC or HEIF photo."""
    return data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS


def _iso_kind(data: bytes) -> FileKind | None:
    brand = data[8:12]
    if data[4:8] != b"ftyp":
        return _VIDEO
    if brand in _HEIF_BRANDS:
        return HEIC
    if brand in _AVIF_BRANDS:
        return None
    if brand == b"crx ":
        return raw_photo("Canon CR3")
    return _JPEG_2000 if brand in (b"jp2 ", b"jpx ") else _VIDEO


def _text_kind(data: bytes) -> FileKind | None:
    start = data[:_LOOKED_AT]
    is_utf_16 = start.startswith(_BYTE_ORDER_MARKS[1:])
    for mark in _BYTE_ORDER_MARKS:
        start = start.removeprefix(mark)
    if is_utf_16:
        start = start.replace(b"\0", b"")
    start = start.lstrip()
    for pattern, kind in _TEXTS:
        if pattern.match(start) and _is_text(start):
            return kind
    return _TEXT if start and _is_text(start) else None


def _is_text(start: bytes) -> bool:
    """Whether nearly all bytes are those of a text, in UTF-8 or a code page."""
    printable = len(start) - len(start.translate(None, _TEXT_BYTES))
    if printable < _MOSTLY_TEXT * len(start):
        return False
    high = len(start) - len(start.translate(None, bytes(range(0x80, 0x100))))
    return high < len(start) / 2 or len(start.decode("utf-8", "ignore").encode()) >= len(start) - 3
