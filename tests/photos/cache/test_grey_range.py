"""The range of wide greys: chosen by what a set of photos reaches, said, kept in the model, and used from there on."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoclass.checks.check import check
from photoclass.photos.cache.pixels import cache_photos
from photoclass.photos.decode import decode_photo
from photoclass.photos.decode_settings import DecodeSettings, PictureRules
from photoclass.photos.sources.read import read_data
from photoclass.workspace import Workspace
from picture_files import encode, noise_picture, put

SETTINGS = DecodeSettings(24)


def _wide(seed: int, highest: int) -> bytes:
    grey = np.asarray(noise_picture(seed).convert("L")).astype(np.float64)
    return encode(Image.fromarray((grey / grey.max() * highest).astype(np.uint16)), "PNG")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three classes: two of 12 bits in 16 of which one photo is dark, and one of ordinary photos."""
    for i in range(4):
        put(tmp_path / "photos" / "ill" / f"{i}.png", _wide(i, 4095 if i else 900))
        put(tmp_path / "photos" / "well" / f"{i}.png", _wide(10 + i, 3000))
        put(tmp_path / "photos" / "other" / f"{i}.jpg", encode(noise_picture(20 + i), "JPEG"))
    return tmp_path / "photos"


def _workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "cache", 1)


@pytest.mark.parametrize("runs", [1, 2])
def test_fault_67_all_photos_are_read_by_the_range_that_the_set_reaches(
    photos: Path, tmp_path: Path, runs: int
) -> None:
    for _ in range(runs):
        cached = cache_photos(read_data(photos, _workspace(tmp_path)), SETTINGS, _workspace(tmp_path), fit_greys=True)
    assert cached.settings.rules == PictureRules(12)
    for path, pixels in zip(cached.table.paths, cached.pixels.all(), strict=True):
        np.testing.assert_array_equal(pixels, decode_photo(Path(path).read_bytes(), cached.settings))
    dark = cached.table.paths.index(str(photos / "ill" / "0.png"))
    assert cached.pixels.all()[dark].max() <= 900 / 4095 * 255 + 1


def test_photos_of_8_bits_need_no_range(tmp_path: Path) -> None:
    for name in ("cat/1.jpg", "dog/1.jpg"):
        put(tmp_path / "photos" / name, encode(noise_picture(len(name)), "JPEG"))
    table = read_data(tmp_path / "photos", _workspace(tmp_path))
    cached = cache_photos(table, SETTINGS, _workspace(tmp_path), fit_greys=True)
    assert cached.settings == SETTINGS
    assert not (tmp_path / "cache" / "levels").exists()


def test_check_says_which_range_it_assumed(photos: Path, tmp_path: Path) -> None:
    findings = check(photos, labels=False, workspace=_workspace(tmp_path))
    assert findings.photos.rules.grey_bits == 12
    (note,) = [note for note in findings.photos.table.notes if "bits" in note]
    assert note == (
        "8 photos of 16 bits without a declared range, scaled by what their values reach: "
        "8 reach 4,095 of 65,535 and are read as 12-bit"
    )


def test_check_says_what_a_dark_photo_reaches(tmp_path: Path) -> None:
    put(tmp_path / "photos" / "a" / "1.png", _wide(1, 65535))
    put(tmp_path / "photos" / "b" / "1.png", _wide(2, 12_000))
    findings = check(tmp_path / "photos", labels=False, workspace=_workspace(tmp_path))
    (odd,) = [odd for odd in findings.odd if odd.kind == "very dark"]
    assert odd.measure.endswith("of 255; values reach 12,000 of 65,535")
    assert not [note for note in findings.photos.table.notes if "bits" in note]


def test_a_lower_limit_of_pixels_skips_photos(photos: Path, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "cache", 1, max_pixels=5000)
    cached = cache_photos(read_data(photos, workspace), SETTINGS, workspace, fit_greys=True)
    assert len(cached.table.skipped) == 12
    assert {item.reason for item in cached.table.skipped} == {
        "declares 96 x 80 pixels; the limit is 5,000 (see --max-megapixels)"
    }
