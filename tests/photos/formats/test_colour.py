"""Colour profiles: other RGB than sRGB is converted, sRGB and what is no profile change nothing."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from photoclass.photos.formats.colour import to_srgb
from picture_files import decoded, encode, noise_picture

WHOLE = noise_picture(1)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# Primaries of Display P3, adapted to D50 (ICC, "Display P3").
P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _with_primaries(primaries: tuple[tuple[float, float, float], ...]) -> bytes:
    """Return the sRGB profile with other primaries."""
    profile = bytearray(SRGB)
    for i in range(struct.unpack_from(">I", profile, 128)[0]):
        name, place, _ = struct.unpack_from(">4sII", profile, 132 + 12 * i)
        if name in (b"rXYZ", b"gXYZ", b"bXYZ"):
            xyz = primaries["rgb".index(chr(name[0]))]
            profile[place + 8 : place + 20] = b"".join(_fixed(value) for value in xyz)
    return bytes(profile)


DISPLAY_P3 = _with_primaries(P3)


def _in_p3(picture: Image.Image) -> Image.Image:
    target = ImageCms.ImageCmsProfile(io.BytesIO(DISPLAY_P3))
    converted = ImageCms.profileToProfile(picture, ImageCms.createProfile("sRGB"), target)
    assert converted is not None
    return converted


@pytest.mark.parametrize(("form", "mode"), [("PNG", "RGB"), ("TIFF", "RGB"), ("WEBP", "RGB"), ("PNG", "RGBA")])
def test_photos_in_another_rgb_are_converted_to_srgb(form: str, mode: str) -> None:
    stored = _in_p3(WHOLE)
    assert np.abs(np.asarray(stored).astype(int) - np.asarray(WHOLE)).mean() > 2
    options = {"lossless": True} if form == "WEBP" else {}
    data = encode(stored.convert(mode), form, icc_profile=DISPLAY_P3, **options)
    assert np.abs(decoded(data).astype(int) - decoded(encode(WHOLE, "PNG"))).mean() < 1


def test_jpegs_in_another_rgb_are_converted_to_srgb() -> None:
    data = encode(_in_p3(WHOLE), "JPEG", quality=98, subsampling=0, icc_profile=DISPLAY_P3)
    assert np.abs(decoded(data).astype(int) - decoded(encode(WHOLE, "PNG"))).mean() < 2


@pytest.mark.parametrize("profile", [SRGB, b"", b"no profile", SRGB[:200], DISPLAY_P3[:300]])
def test_srgb_and_broken_profiles_change_nothing(profile: bytes) -> None:
    assert to_srgb(WHOLE, profile) is WHOLE


def test_the_profile_of_a_grey_photo_changes_nothing() -> None:
    data = encode(WHOLE.convert("L"), "PNG", icc_profile=DISPLAY_P3)
    np.testing.assert_array_equal(decoded(data), decoded(encode(WHOLE.convert("L"), "PNG")))
