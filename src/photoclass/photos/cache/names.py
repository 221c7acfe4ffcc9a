"""Names of the folders in the cache: made here and parsed here, and nowhere else.

A name holds all that decides a folder's content, besides the photos' own content: versions, settings, digests. What was
made under other conditions has another name and is never read by mistake. The layers above pass plain values.

CACHE/pixels/<decoder>-<resampling>-<resize>-<size>                       pixels, by photo
CACHE/fingerprints/v<version>-<decoder>                                   fingerprints, by photo
CACHE/measures/v<version>-<decoder>                                       what `check` measures, by photo
CACHE/levels/<decoder>                                                    the highest value of wide greys, by photo
CACHE/features/<backbone>[-<views>]-<precision>-<digest>-<pixels>         features of a pretrained backbone, by photo
CACHE/maps/…                                                              feature maps of its first blocks, as above
CACHE/networks/<backbone>-<precision>-v<version>-<digest>                 a backbone as an ONNX file
CACHE/unpacked/<digest>                                                   the files of an archive, the photos of a table
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import PIL

from photoclass.photos.decode import DECODE_VERSION
from photoclass.photos.decode_settings import RESAMPLING, RESAMPLINGS, DecodeSettings, ResizeRule

PIXELS, FINGERPRINTS, MEASURES, LEVELS = "pixels", "fingerprints", "measures", "levels"
FEATURES, MAPS = "features", "maps"
NETWORKS, UNPACKED = "networks", "unpacked"

_STORES = (PIXELS, FINGERPRINTS, MEASURES, LEVELS, FEATURES, MAPS)
_DIGEST_LENGTH = 16
# A backbone's file name is in the folder's name only for people: its digest decides.
_UNSAFE, _NAME_LENGTH = re.compile(r"[^A-Za-z0-9+._-]"), 40

_PIXELS_PATTERN = r"(?P<key>.+?(?:-(?P<resampling>bicubic|bilinear|area))?-(?P<resize>squash|crop)-(?P<size>\d+))"
_BACKBONE_PATTERN = r"(?P<name>.+)-(?P<precision>int8|bf16|fp32)"
_DIGEST_PATTERN = rf"[0-9a-f]{{{_DIGEST_LENGTH}}}"
_GREYS = re.compile(r"-grey(\d+)-")
_PIXELS_NAME = re.compile(_PIXELS_PATTERN)
_FEATURES_NAME = re.compile(rf"{_BACKBONE_PATTERN}-(?:bf16-|f32-)?{_DIGEST_PATTERN}-{_PIXELS_PATTERN}")
_NETWORK_NAME = re.compile(rf"{_BACKBONE_PATTERN}-(v\d+-)?{_DIGEST_PATTERN}")  # older ones have no version
_UNPACKED_NAME = re.compile(r"(?P<digest>[0-9a-f]{32})(?P<unfinished>\.part)?")


@dataclass(frozen=True)
class CacheName:
    """What the name of a folder in the cache says.

    Attributes:
        kind: A store of rows, a backbone, or an unpacked archive or table.
        text: A description.
        is_ours: Whether the name alone proves that photoclass made it; otherwise it does if it holds a readable index.
    """

    kind: Literal["store", "network", "unpacked"]
    text: str
    is_ours: bool = True


def pixels_folder(cache: Path, settings: DecodeSettings) -> Path:
    """Return where pixels are kept that were decoded in this way."""
    return cache / PIXELS / _pixels_key(settings)


def fingerprints_folder(cache: Path, version: int, grey_bits: int | None = None) -> Path:
    """Return where fingerprints are kept, in this version of them."""
    return cache / FINGERPRINTS / f"v{version}-{_decoder(grey_bits)}"


def measures_folder(cache: Path, version: int, grey_bits: int | None = None) -> Path:
    """Return where what `check` measures is kept, in this version of it."""
    return cache / MEASURES / f"v{version}-{_decoder(grey_bits)}"


def levels_folder(cache: Path) -> Path:
    """Return where the highest values of wide greys are kept."""
    return cache / LEVELS / _decoder()


def features_folder(
    cache: Path,
    backbone: str,
    digest: str,
    settings: DecodeSettings,
    *,
    precision: str,
    views: str = "",
    maps: bool = False,
) -> Path:
    """Return where the features or feature maps of a backbone are kept.

    Args:
        cache: The cache folder.
        backbone: Its name.
        digest: SHA-256 of its ONNX file, as hexadecimal digits.
        settings: How photos are decoded.
        precision: `int8` or `fp32`.
        views: The name of what the backbone is shown of each photo, where it is not the photo alone.
        maps: Whether they are feature maps.
    """
    name = _UNSAFE.sub("_", backbone)[:_NAME_LENGTH]
    shown = f"{name}-{views}" if views else name
    key = f"{shown}-{precision}-{digest[:_DIGEST_LENGTH]}-{_pixels_key(settings)}"
    return cache / (MAPS if maps else FEATURES) / key


def network_folder(cache: Path, backbone: str, precision: str, version: int, weights_digest: str) -> Path:
    """Return where a backbone is kept as an ONNX file.

    Args:
        cache: The cache folder.
        backbone: Its name.
        precision: `int8`, `bf16` or `fp32`.
        version: Of the code that makes the file from the weights.
        weights_digest: SHA-256 of the pretrained weights, as hexadecimal digits.
    """
    return cache / NETWORKS / f"{backbone}-{precision}-v{version}-{weights_digest[:_DIGEST_LENGTH]}"


def unpacked_folder(cache: Path, digest: str) -> Path:
    """Return where what is unpacked is kept; `digest` is 32 hexadecimal digits of a zip's list, a file's content."""
    return cache / UNPACKED / digest


def is_unpacked(name: str) -> bool:
    """Return whether this is the name of an unpacked archive or table."""
    return _UNPACKED_NAME.fullmatch(name) is not None


def parse(kind: str, name: str) -> CacheName:
    """Return what CACHE/kind/name is, if photoclass made it."""
    if kind == UNPACKED and (match := _UNPACKED_NAME.fullmatch(name)):
        state = "partly unpacked" if match["unfinished"] else "unpacked"
        return CacheName("unpacked", f"{state} files ({match['digest'][:8]})")
    if kind == NETWORKS and (match := _NETWORK_NAME.fullmatch(name)):
        return CacheName("network", f"backbone {match['name']}, {match['precision']}")
    return CacheName("store", _describe_store(kind, name), kind in _STORES)


def _describe_store(kind: str, name: str) -> str:
    if kind == PIXELS and (match := _PIXELS_NAME.fullmatch(name)):
        return f"pixels {_describe_decoding(match)}"
    if kind in (FEATURES, MAPS) and (match := _FEATURES_NAME.fullmatch(name)):
        return f"{kind} of {match['name']}, {match['precision']}, {_describe_decoding(match)}"
    return f"{kind} ({name})"


def _describe_decoding(match: re.Match[str]) -> str:
    resampling = next((known for known in RESAMPLINGS if known == match["resampling"]), RESAMPLING)
    resize: ResizeRule = "crop" if match["resize"] == "crop" else "squash"
    settings = DecodeSettings(int(match["size"]), resize, resampling=resampling)
    greys = _GREYS.search(match["key"])
    settings = settings.with_grey_bits(int(greys[1]) if greys else None)
    old = "" if match["key"] == _pixels_key(settings) else ", by another version of the decoder"
    read = f", greys read as {greys[1]}-bit" if greys else ""
    by = f", {resampling}" if resampling != RESAMPLING else ""
    return f"at {settings.image_size} px, {settings.resize}{by}{read}{old}"


def _pixels_key(settings: DecodeSettings) -> str:
    """Return all that decides a photo's pixels, besides its content."""
    return f"{_decoder(settings.rules.grey_bits)}-{settings.resampling}-{settings.resize}-{settings.image_size}"


def _decoder(grey_bits: int | None = None) -> str:
    """Return all that decides a photo's pixels at full size, besides its content."""
    greys = f"-grey{grey_bits}" if grey_bits else ""
    return f"v{DECODE_VERSION}-pillow{PIL.__version__}{greys}"
