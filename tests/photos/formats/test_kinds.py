"""Files of other kinds under a photo's name: each is called what it is."""

import base64
import gzip
import io
import struct
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from photoclass.photos.formats.kinds import recognise
from picture_files import encode, noise_picture, reason_of

WHOLE = noise_picture(1)
JPEG = encode(WHOLE, "JPEG")


def _zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("1.jpg", JPEG)
    return stream.getvalue()


def _tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("1.jpg"), io.BytesIO())
    return stream.getvalue()


def _ftyp(brand: bytes) -> bytes:
    return struct.pack(">I", 24) + b"ftyp" + brand + bytes(4) + b"isommp42" + bytes(400)


KINDS = {
    "JPEG 2000": (
        encode(WHOLE, "JPEG2000"),
        "a JPEG 2000 picture, which is not supported; save it as PNG, for example",
    ),
    "JPEG 2000 codestream": (b"\xff\x4f\xff\x51" + bytes(100), "a JPEG 2000 picture"),
    "JPEG XL": (b"\xff\x0a" + bytes(range(200)), "a JPEG XL picture, which is not supported; convert it: djxl"),
    "JPEG XL box": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(200), "a JPEG XL picture"),
    "PDF": (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", "a PDF document; export its pictures"),
    "video": (_ftyp(b"mp42"), "a video, not a photo"),
    "QuickTime": (struct.pack(">I", 8) + b"moov" + bytes(90), "a video, not a photo"),
    "AVI": (b"RIFF" + struct.pack("<I", 900) + b"AVI " + bytes(900), "a video, not a photo"),
    "Matroska": (b"\x1aE\xdf\xa3" + bytes(90), "a video, not a photo"),
    "gzip": (gzip.compress(JPEG), "an archive (gzip); unpack it"),
    "zip": (_zip(), "an archive (zip); unpack it"),
    "tar": (_tar(), "an archive (tar); unpack it"),
    "LFS": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0a0a\nsize 48213\n",
        "a Git LFS pointer instead of the photo; run: git lfs pull",
    ),
    "base64": (base64.b64encode(JPEG), "a photo as base64 text; decode it"),
    "data URI": (b"data:image/jpeg;base64," + base64.b64encode(JPEG), "a photo as base64 text"),
    "JSON": (b'{"message": "API rate limit exceeded"}', "a JSON or text file, not a photo"),
    "XML": (b'<?xml version="1.0"?>\n<annotation><x/></annotation>', "an XML file, not a photo"),
    "text": ("Notes: später mehr, çà et là\n".encode() * 5, "a text file, not a photo"),
    "text in Chinese": ("猫与狗的照片".encode() * 9, "a text file, not a photo"),
    "text in UTF-16": (("id,label\r\n1,cat\r\n" * 3).encode("utf-16"), "a text file, not a photo"),
    "zeros": (bytes(20_000), "nothing but zero bytes"),
    "Photoshop": (b"8BPS\0\1" + bytes(200), "a picture in the format PSD (Photoshop), which is not supported"),
    "icon": (encode(WHOLE, "ICO"), "a picture in the format ICO (icon)"),
    "OpenEXR": (b"\x76\x2f\x31\x01" + bytes(90), "a picture in the format OpenEXR"),
    "DICOM": (bytes(128) + b"DICM" + bytes(90), "a DICOM file; export it as PNG"),
    "Canon CR3": (_ftyp(b"crx "), "a raw photo (Canon CR3); develop it"),
    "Olympus": (b"IIRO" + bytes(90), "a raw photo (Olympus ORF); develop it"),
    "thumbnails": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + JPEG, "an Office document or a thumbnail database of Windows"),
    "AppleDouble": (b"\0\x05\x16\x07\0\2\0\0" + bytes(90), "metadata of macOS"),
    "program": (b"\x7fELF" + bytes(90), "a program, not a photo"),
    "broken JPEG": (b"\xff\xd8 no more", "JPEG with a damaged or truncated header"),
    "broken GIF": (b"GIF89a", "GIF with a damaged or truncated header"),
    "short WebP": (encode(WHOLE, "WEBP")[:40], "truncated: the file ends before the picture does"),
    "short AVIF": (encode(WHOLE, "AVIF")[:300], "truncated: the file ends before the picture does"),
    "short PNG": (encode(WHOLE, "PNG")[:30], "truncated: the file ends before the picture does"),
    "TIFF without tags": (b"II*\0\x08\0\0\0\0\0" + bytes(100), "TIFF or raw photo with a damaged or truncated header"),
    "unknown": (
        b"\x01\x02\x03\x04" * 50,
        "not an image in a known format (JPEG, PNG, WEBP",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_other_kinds_are_called_what_they_are(kind: str) -> None:
    data, reason = KINDS[kind]
    assert reason_of(data).startswith(reason)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"])
def test_photos_are_no_other_kind(form: str) -> None:
    assert recognise(encode(WHOLE, form)) is None
    assert Image.open(io.BytesIO(encode(WHOLE, form))).format == form


@given(st.binary(max_size=600))
def test_any_bytes_have_a_kind_or_none(data: bytes) -> None:
    kind = recognise(data)
    assert kind is None or kind.reason.startswith(kind.name)
