"""What is measured of each photo: format, size, rotation, brightness, sharpness, and a digest of its pixels."""

import hashlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from photoclass.photos.decode import Pixels, SourceInfo, Unreadable, decode_with_origin
from photoclass.photos.decode_settings import PictureRules
from photoclass.photos.duplicates.fingerprint import fingerprint

MEASURES_VERSION = 3
# One row of the store of measures. Brightness and contrast are the mean and the standard deviation of grey levels;
# sharpness is the absolute Laplacian that the sharpest 1 % of pixels reach, at most 255. All are taken at no more than
# 256 pixels a side: a large photo counts as sharp if it is sharp at the size that a network sees. `highest` is the
# highest value of a wide grey whose file does not say its range.
MEASURES = np.dtype(
    [
        ("format", "S8"),
        ("mode", "S8"),
        ("width", np.uint32),
        ("height", np.uint32),
        ("orientation", np.uint8),
        ("brightness", np.float32),
        ("contrast", np.float32),
        ("sharpness", np.float32),
        ("pixels", "V16"),
        ("highest", np.uint32),
        ("is_animated", np.bool_),
    ]
)
_MEASURED_SIDE = 256
_SHARPEST_SHARE = 0.01
_LEVELS = np.arange(256)
_REDUCING_GAP = 2  # a large picture is first reduced by a whole factor, to no less than twice the size


def measures_and_fingerprint(data: bytes, rules: PictureRules) -> tuple[NDArray[np.void], Pixels] | Unreadable:
    """Decode a photo file's bytes once, into a row of MEASURES and a fingerprint."""
    decoded = decode_with_origin(data, _MEASURED_SIDE, rules)
    if isinstance(decoded, Unreadable):
        return decoded
    return measure_photo(*decoded), fingerprint(decoded[0])


def measure_photo(picture: Image.Image, origin: SourceInfo) -> NDArray[np.void]:
    """Measure an upright RGB picture.

    Args:
        picture: Loaded.
        origin: Format, mode, size and orientation of its file.

    Returns:
        Shape (1,), dtype MEASURES.
    """
    grey = _measurable(picture).convert("L")
    levels = np.array(grey.histogram()) / (grey.width * grey.height)
    edges = Image.fromarray(_absolute_laplacian(np.asarray(grey))).histogram()
    row = np.zeros(1, dtype=MEASURES)
    row["format"], row["mode"] = origin.format.encode(), origin.mode.encode()
    row["width"], row["height"], row["orientation"] = origin.width, origin.height, origin.orientation
    row["highest"], row["is_animated"] = origin.highest, origin.is_animated
    brightness = levels @ _LEVELS
    row["brightness"], row["contrast"] = brightness, np.sqrt(levels @ (_LEVELS - brightness) ** 2)
    row["sharpness"] = np.argmax(np.cumsum(edges) >= (1 - _SHARPEST_SHARE) * sum(edges))
    digest = hashlib.blake2b(repr(picture.size).encode(), digest_size=MEASURES["pixels"].itemsize)
    digest.update(picture.tobytes())
    row["pixels"] = np.void(digest.digest())
    return row


def _measurable(picture: Image.Image) -> Image.Image:
    scale = _MEASURED_SIDE / max(picture.size)
    if scale >= 1:
        return picture
    size = (max(1, round(scale * picture.width)), max(1, round(scale * picture.height)))
    return picture.resize(size, Image.Resampling.HAMMING, reducing_gap=_REDUCING_GAP)


def _absolute_laplacian(grey: Pixels) -> Pixels:
    """Return by how much each pixel differs from its four neighbours together, at most 255; mirrored at the edges."""
    values = grey.astype(np.int16)
    laplacian = _second_differences(values) + _second_differences(values.T).T
    return np.asarray(np.minimum(np.abs(laplacian), 255), dtype=np.uint8)


def _second_differences(values: NDArray[np.int16]) -> NDArray[np.int16]:
    steps = values[1:] - values[:-1]
    differences = np.zeros_like(values)
    differences[:-1] = steps
    differences[1:] -= steps
    differences[[0, -1]] *= 2
    return differences
