"""The values of a picture as its file has them, where Pillow would keep fewer bits: read by OpenCV."""

import functools
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


def read_values(data: bytes) -> NDArray[Any] | None:
    """Return the values of a file's first picture, channels in the order blue, green, red, alpha; None if it cannot.

    Args:
        data: The file's content, whose size in pixels is known to be within the limit.
    """
    _silence_opencv()
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None


@functools.cache
def _silence_opencv() -> None:
    """Keep OpenCV's log off the screen: what it cannot read, it returns as nothing, and other errors are exceptions."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
