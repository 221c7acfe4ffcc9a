"""Colour profiles: pictures in another RGB than sRGB, such as Display P3 and Adobe RGB, are converted to it."""

import functools
import io

import numpy as np
from PIL import Image, ImageCms

# Levels of 255: a profile that moves no colour by more is sRGB, whatever its name.
_SAME = 4
_LEVELS = (0, 36, 73, 109, 146, 182, 219, 255)
_KEPT_TRANSFORMS = 64


def to_srgb(picture: Image.Image, profile: object) -> Image.Image:
    """Convert a picture to sRGB.

    Args:
        picture: Of mode RGB.
        profile: The ICC profile of its file; what is no profile, or one that cannot be read, changes nothing.
    """
    if not isinstance(profile, bytes) or not profile:
        return picture
    transform = _transform(profile)
    return picture if transform is None else ImageCms.applyTransform(picture, transform) or picture


@functools.lru_cache(_KEPT_TRANSFORMS)
def _transform(profile: bytes) -> ImageCms.ImageCmsTransform | None:
    """Return the way from a profile's RGB to sRGB; None if there is none, or it would change next to nothing."""
    levels = np.array(np.meshgrid(_LEVELS, _LEVELS, _LEVELS), dtype=np.uint8).reshape(3, -1)
    colours = Image.fromarray(np.ascontiguousarray(levels.T[np.newaxis]))
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != "RGB":
            return None
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), "RGB", "RGB")
        converted = ImageCms.applyTransform(colours, transform)
    except Exception:  # a malformed profile tells nothing about colours, but the pixels are fine
        return None
    moved = np.abs(np.asarray(converted).astype(int) - np.asarray(colours)).max()
    return transform if moved > _SAME else None
