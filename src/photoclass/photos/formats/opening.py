"""From a file's content to a loaded picture, format by format: limits before decoding, damage after it."""

import io
import logging
import re
import warnings
from dataclasses import dataclass
from functools import partial

from PIL import Image, ImageFile, UnidentifiedImageError

from photoclass.photos.decode_settings import DRAFT_SIDE, PictureRules
from photoclass.photos.formats import jpeg, png, tiff
from photoclass.photos.formats.jpeg import JpegHeader
from photoclass.photos.formats.kinds import is_heif, raw_photo
from photoclass.photos.formats.libtiff import load_tiff
from photoclass.photos.formats.rare_tiff import open_rare_grey
from photoclass.photos.formats.tiff import TiffPage

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")
# An ordinary JPEG of 200 megapixels that is decoded at an eighth takes half a second and 30 MB; one that is decoded
# whole takes 600 MB. So JPEGs may have as many times the pixels that others may have.
JPEG_FACTOR = 8
_NO_LOG = logging.NullHandler()
_OF_PILLOW = ("ignore", None, Warning, re.compile(r"PIL\."), 0)


class RefusedError(Exception):
    """A file is not used, for a reason that is final; the message is that reason."""


@dataclass(frozen=True)
class LoadedPicture:
    """A picture as stored in its file.

    Attributes:
        picture: Its pixels are loaded; of a large JPEG, at a fraction of the size.
        mode: The colour mode before loading.
        size: Width and height as stored.
        page: The tags of the page, if it is a TIFF.
    """

    picture: Image.Image
    mode: str
    size: tuple[int, int]
    page: TiffPage | None = None


def load_picture(data: bytes, least_side: int, rules: PictureRules, *, ends_early: bool = False) -> LoadedPicture:
    """Load a file's first picture; of a TIFF, the first page that is no thumbnail.

    Args:
        data: The file's content.
        least_side: Large JPEGs may be decoded at a fraction of their size whose shorter side is at least this.
        rules: Limits.
        ends_early: The file is a JPEG that had no end marker, so its data may not reach to the end.

    Raises:
        RefusedError: It is too large, of a kind that cannot be decoded rightly, or damaged.
        Exception: Whatever Pillow raises on a broken file.
    """
    _silence_pillow()
    page = _page_of_tiff(data) if data.startswith(tiff.MAGIC) else None
    try:
        opened = _open(data)
    except UnidentifiedImageError:
        if page and (rare := _load_rare_tiff(data, page, rules.max_pixels)):
            return rare
        raise
    if opened.format in ("JPEG", "MPO"):
        return _load_jpeg(data, opened, max(least_side, DRAFT_SIDE), rules.max_pixels, ends_early=ends_early)
    if page:
        opened.seek(page.number)
    width, height = opened.size
    if width * height > rules.max_pixels:
        raise _too_large(opened.size, rules.max_pixels)
    loaded = LoadedPicture(opened, opened.mode, opened.size, page)
    if page:
        complaint = load_tiff(opened, page)
        if complaint:
            raise RefusedError(f"damaged: its compressed data is wrong ({complaint})")
    else:
        opened.load()
    if opened.format == "PNG" and png.has_damaged_pixels(data):
        raise RefusedError("damaged: the checksum of its pixels is wrong")
    return loaded


def _page_of_tiff(data: bytes) -> TiffPage | None:
    """Return the page of a TIFF that is the photo; refuse what Pillow would decode to other pixels."""
    pages = tiff.read_pages(data)
    if kind := tiff.raw_photo(pages, data):
        raise RefusedError(raw_photo(kind).reason)
    page = tiff.photo_page(pages)
    if page and page.has_signed_bytes:
        raise RefusedError("signed 8-bit pixels, which are not supported; save it as unsigned 8-bit or 16-bit")
    return page


def _load_rare_tiff(data: bytes, page: TiffPage, max_pixels: int) -> LoadedPicture | None:
    width, height = page.size
    if width * height > max_pixels:
        raise _too_large(page.size, max_pixels)
    picture = open_rare_grey(data, page)
    if picture is None:
        return None
    picture.format = "TIFF"
    return LoadedPicture(picture, picture.mode, picture.size, page)


def _load_jpeg(
    data: bytes, opened: ImageFile.ImageFile, side: int, max_pixels: int, *, ends_early: bool
) -> LoadedPicture:
    header = jpeg.read_header(data)
    if header and header.unsupported:
        raise RefusedError(f"{header.unsupported}, which is not supported; save it as an ordinary JPEG")
    if header and jpeg.was_sent_as_text(data, header):
        raise RefusedError("damaged: it was copied as text, which changed its line ends; copy it again in binary mode")
    size, mode = opened.size, opened.mode
    # A progressive JPEG holds all its coefficients in memory, whatever the size that it is decoded to.
    factor = 1 if header and header.is_progressive else JPEG_FACTOR
    if size[0] * size[1] > factor * max_pixels:
        raise _too_large(size, factor * max_pixels)
    scans = jpeg.find_scans(data, header)
    if jpeg.has_too_many_scans(data, scans):
        raise RefusedError(
            f"progressive JPEG of more than {jpeg.MAX_JPEG_SCANS} scans, which would take minutes to decode"
        )
    _draft(opened, side)
    if opened.size[0] * opened.size[1] > max_pixels:
        raise _too_large(size, max_pixels)
    opened.load()
    if header:
        if ends_early or jpeg.ends_in_grey(opened):
            missing = jpeg.missing_share(data, header, partial(_decode_jpeg, side=side))
            if missing != jpeg.WHOLE:
                cause = "truncated: the file ends too early" if ends_early else "damaged: its data ends too early"
                raise RefusedError(f"{cause}; {_describe_missing(missing, header)}")
        if header.is_progressive and jpeg.lacks_detail(data, scans):
            raise RefusedError("damaged: a progressive JPEG without its last scans")
    return LoadedPicture(opened, mode, size)


def _describe_missing(share: float, header: JpegHeader) -> str:
    if share > 0.99:
        return "all of the picture is missing"
    if share >= 0.01:
        return f"the lower {share:.0%} of the picture is missing"
    return "its finer details are missing" if header.is_progressive else "the end of the picture is missing"


def _decode_jpeg(data: bytes, side: int) -> Image.Image:
    opened = _open(data)
    _draft(opened, side)
    opened.load()
    return opened


def _draft(opened: ImageFile.ImageFile, side: int) -> None:
    """Let a large JPEG be decoded at a fraction of its size, with a shorter side of at least `side`.

    The model card has the same call. It asks for one pixel more, as models of format 2 and older were trained.
    """
    opened.draft(None, (side + 1, side + 1))


def _too_large(size: tuple[int, int], limit: int) -> RefusedError:
    width, height = size
    return RefusedError(f"declares {width:,} x {height:,} pixels; the limit is {limit:,} (see --max-megapixels)")


def _open(data: bytes) -> ImageFile.ImageFile:
    formats = _formats(data)
    try:
        return Image.open(io.BytesIO(data), formats=formats)
    except Image.DecompressionBombError:
        # Pillow's limit is for the whole process and knows nothing of JPEGs that are decoded at a fraction of their
        # size. The limits of this module are checked before anything is decoded.
        for name in formats:
            opener, accepts = Image.OPEN[name]
            if accepts is None or accepts(data[:16]):
                return opener(io.BytesIO(data), "")
        raise


def _formats(data: bytes) -> tuple[str, ...]:
    if not is_heif(data):
        return FORMATS
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return FORMATS
    register_heif_opener()
    return (*FORMATS, "HEIF")


def _silence_pillow() -> None:
    """Keep Pillow's warnings and log (broken EXIF, 90 million pixels) off the screen, and from becoming errors.

    This package decides what can be read. The filter stays in place: removing it would not be thread-safe.
    """
    if _OF_PILLOW not in warnings.filters[:1]:
        warnings.filterwarnings("ignore", module=r"PIL\.")
        # What Pillow logs is printed where no program asks for it, unless a handler is there.
        logging.getLogger("PIL").addHandler(_NO_LOG)
