"""What is measured of each photo: format, size, rotation, brightness, sharpness, and a digest of its pixels."""

import hashlib

import cv2
import numpy as np
from numpy.typing import NDArray

from photoclass.photos.decode import Pixels, SourceInfo, Unreadable, decode_with_origin
from photoclass.photos.decode_settings import PictureRules
from photoclass.photos.duplicates.fingerprint import fingerprint

MEASURES_VERSION = 2
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


def measures_and_fingerprint(data: bytes, rules: PictureRules) -> tuple[NDArray[np.void], Pixels] | Unreadable:
    """Decode a photo file's bytes once, into a row of MEASURES and a fingerprint."""
    decoded = decode_with_origin(data, _MEASURED_SIDE, rules)
    if isinstance(decoded, Unreadable):
        return decoded
    upright = np.asarray(decoded[0])
    return measure_photo(upright, decoded[1]), fingerprint(upright)


def measure_photo(picture: Pixels, origin: SourceInfo) -> NDArray[np.void]:
    """Measure an upright picture.

    Args:
        picture: Shape (height, width, 3), uint8 RGB.
        origin: Format, mode, size and orientation of its file.

    Returns:
        Shape (1,), dtype MEASURES.
    """
    grey = cv2.cvtColor(_measurable(picture), cv2.COLOR_RGB2GRAY)
    edges = cv2.convertScaleAbs(cv2.Laplacian(grey, cv2.CV_16S))
    row = np.zeros(1, dtype=MEASURES)
    row["format"], row["mode"] = origin.format.encode(), origin.mode.encode()
    row["width"], row["height"], row["orientation"] = origin.width, origin.height, origin.orientation
    row["highest"], row["is_animated"] = origin.highest, origin.is_animated
    row["brightness"], row["contrast"] = grey.mean(), grey.std()
    # Counting levels takes a tenth of the time of np.percentile, which sorts.
    reached = np.cumsum(np.bincount(edges.reshape(-1), minlength=256)) / edges.size
    row["sharpness"] = np.argmax(reached >= 1 - _SHARPEST_SHARE)
    digest = hashlib.blake2b(repr(picture.shape).encode(), digest_size=MEASURES["pixels"].itemsize)
    digest.update(np.ascontiguousarray(picture).data)
    row["pixels"] = np.void(digest.digest())
    return row


def _measurable(picture: Pixels) -> Pixels:
    height, width = picture.shape[:2]
    scale = _MEASURED_SIDE / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(scale * width)), max(1, round(scale * height)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
