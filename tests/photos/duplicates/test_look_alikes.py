"""Photos of one scene under one lamp: other marks are another photo, and copies are found all the same."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from photoclass.checks.check import check
from photoclass.photos.decode import Pixels, decode_picture
from photoclass.photos.duplicates.confirmation import NearDuplicates
from photoclass.photos.duplicates.detail import in_detail
from photoclass.photos.duplicates.fingerprint import doubled, fingerprint, halved
from photoclass.photos.duplicates.look_alikes import find_look_alikes
from photoclass.photos.duplicates.near_duplicates import find_near_duplicates
from photoclass.photos.duplicates.particular import Likely, without
from photoclass.workspace import Workspace
from picture_files import encode, noise_picture, put

COUNT, COPIED = 60, 12
FINE_STRIPES = (11.0, 3.0)  # half-waves hardly wider than a fingerprint's cell mislead where a cropped photo lies
ALTERED: dict[str, Callable[[Image.Image], bytes]] = {
    "at quality 40": lambda picture: encode(picture, "JPEG", quality=40),
    "at a third of its size": lambda picture: encode(_resized(picture, 0.3), "JPEG", quality=85),
    "larger": lambda picture: encode(_resized(picture, 2), "JPEG", quality=85),
    "mirrored": lambda picture: encode(ImageOps.mirror(picture), "JPEG", quality=85),
    "cropped to 0.98": lambda picture: encode(_cropped(picture, 0.98), "JPEG", quality=85),
    "cropped to 0.9": lambda picture: encode(_cropped(picture, 0.9), "JPEG", quality=85),
    "mirrored and cropped to 0.9": lambda picture: encode(_cropped(ImageOps.mirror(picture), 0.9), "JPEG", quality=85),
}


class InMemory:
    """Photos in detail, or none of them."""

    def __init__(self, files: list[bytes], readable: bool = True) -> None:
        self.files, self.readable = files, readable

    def take(self, index: int) -> Pixels | None:
        return in_detail(_decoded(self.files[index])) if self.readable else None


def _resized(picture: Image.Image, scale: float) -> Image.Image:
    return picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC)


def _cropped(picture: Image.Image, share: float) -> Image.Image:
    width, height = round(share * picture.width), round(share * picture.height)
    left, top = (picture.width - width) // 3, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def _under_one_lamp(number: int, scene: int = 0, waves: tuple[float, float] | None = None) -> Image.Image:
    """Draw a gradient, stripes and noise in common, and four marks of a few pixels that differ."""
    common = np.random.default_rng(scene)
    y, x = np.mgrid[:180, :240] / (180.0, 240.0)[0]
    drawn = common.uniform(4, 9, 2)
    waves = waves or (float(drawn[0]), float(drawn[1]))
    slope = 50 * (y - 0.5 if scene else x - 0.6)
    grey = 120 + slope + 25 * np.sin(2 * np.pi * (waves[0] * x + waves[1] * y)) + common.normal(0, 6, x.shape)
    own = np.random.default_rng((scene, number))
    for _ in range(4):
        centre = tuple(int(place) for place in own.uniform(0.1, 0.9, 2) * (240, 180))
        mark = cv2.circle(np.zeros(x.shape), centre, int(own.integers(3, 7)), float(own.choice([-50, 50])), -1)
        grey += cv2.GaussianBlur(mark, (0, 0), 1)
    grey += own.normal(0, 2, x.shape)
    return Image.fromarray(np.clip(np.rint(grey), 0, 255).astype(np.uint8)).convert("RGB")


def _decoded(data: bytes) -> Image.Image:
    picture = decode_picture(data, 256)
    assert isinstance(picture, Image.Image)
    return picture


def _find(files: list[bytes], readable: bool = True) -> NearDuplicates:
    prints = np.stack([fingerprint(_decoded(file)) for file in files])
    return find_near_duplicates(prints, details=InMemory(files, readable))


@pytest.fixture(scope="module")
def photos() -> list[bytes]:
    return [encode(_under_one_lamp(number), "JPEG", quality=92) for number in range(COUNT)]


def test_different_marks_under_one_lamp_are_different_photos(photos: list[bytes]) -> None:
    assert len(_find(photos)) == 0
    assert len(_find(photos, readable=False)) == 0
    prints = np.stack([fingerprint(_decoded(photo)) for photo in photos])
    assert len(find_near_duplicates(doubled(halved(prints)))) == 0


@pytest.mark.parametrize("how", ALTERED)
def test_copies_under_one_lamp_are_found_and_their_kind_is_right(how: str, photos: list[bytes]) -> None:
    copies = [ALTERED[how](_under_one_lamp(number)) for number in range(COPIED)]
    found = _find([*photos, *copies])
    low, high = np.minimum(found.first, found.second), np.maximum(found.first, found.second)
    assert sorted(zip(low.tolist(), high.tolist(), strict=True)) == [(i, COUNT + i) for i in range(COPIED)]
    assert (found.mirrored == ("mirrored" in how)).all()
    if "0.9" in how and "0.98" not in how:
        assert found.cropped.all() and (found.first < COUNT).all()


def test_small_photos_are_enlarged_by_linear_interpolation() -> None:
    """A filter that leaves steps would look like texture of a photo's own."""
    picture = noise_picture(3, 96, 72)
    expected = cv2.resize(np.asarray(picture.convert("L")), (128, 128), interpolation=cv2.INTER_LINEAR).astype(int)
    assert np.abs(in_detail(picture) - expected).max() <= 1


def test_cropped_copies_under_fine_stripes_are_found() -> None:
    pictures = [_under_one_lamp(number, waves=FINE_STRIPES) for number in range(COUNT)]
    files = [encode(picture, "JPEG", quality=92) for picture in pictures]
    found = _find([*files, *(ALTERED["cropped to 0.9"](picture) for picture in pictures[:COPIED])])
    pairs = sorted(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert pairs == [(i, COUNT + i) for i in range(COPIED)]


def test_copies_of_several_kinds_of_one_photo_are_one_group(photos: list[bytes]) -> None:
    copies = [change(_under_one_lamp(7)) for change in ALTERED.values()]
    found = _find([*photos, *copies])
    assert set(found.first.tolist()) | set(found.second.tolist()) == {7, *range(COUNT, COUNT + len(copies))}


def test_two_scenes_are_two_sets_and_other_photos_are_in_none(photos: list[bytes]) -> None:
    others = [encode(_under_one_lamp(number, scene=4), "JPEG", quality=92) for number in range(30)]
    different = [encode(noise_picture(seed, 200, 150), "JPEG", quality=92) for seed in range(30)]
    prints = np.stack([fingerprint(_decoded(photo)) for photo in (*photos, *others, *different)])
    sets = [look_alikes.photos.tolist() for look_alikes in find_look_alikes(lambda rows: prints[rows], len(prints))]
    assert sets == [list(range(COUNT)), list(range(COUNT, COUNT + 30))]
    copies = [ALTERED["at quality 40"](_under_one_lamp(3, scene=4)), ALTERED["mirrored"](noise_picture(4, 200, 150))]
    found = _find([*photos, *others, *different, *copies])
    assert sorted(zip(found.first.tolist(), found.second.tolist(), strict=True)) == [
        (COUNT + 3, COUNT + 60),
        (COUNT + 34, COUNT + 61),
    ]


def test_many_copies_of_one_picture_are_copies() -> None:
    picture = noise_picture(1, 200, 150)
    files = [encode(picture, "JPEG", quality=quality) for quality in range(50, 96, 3)]
    found = _find([*files, *(encode(noise_picture(seed, 200, 150), "JPEG") for seed in range(2, 20))])
    assert set(found.first.tolist()) | set(found.second.tolist()) == set(range(len(files)))


def test_check_reports_no_label_as_wrong_where_photos_only_look_alike(tmp_path: Path, photos: list[bytes]) -> None:
    for number, photo in enumerate(photos):
        put(tmp_path / "tiles" / ("whole", "cracked")[number % 2] / f"{number}.jpg", photo)
    put(tmp_path / "tiles" / "whole" / "again.jpg", ALTERED["cropped to 0.9"](_under_one_lamp(1)))
    findings = check(tmp_path / "tiles", labels=False, workspace=Workspace(tmp_path / "cache"))
    (group,) = findings.duplicates
    assert {findings.photos.table.names[photo].rpartition("/")[2] for photo in group.photos} == {"1.jpg", "again.jpg"}
    assert group.across_classes


def test_candidates_of_two_placements_are_all_kept_and_each_window_once() -> None:
    first, second = np.array([0, 2]), np.array([1, 3])
    mirrored, window = np.array([False, True]), np.tile([0.0, 0.0, 1.0, 1.0], (2, 1))
    one = Likely(first, second, mirrored, window, window, np.array([0.9, 0.8], dtype=np.float32))
    elsewhere = window.copy()
    elsewhere[1] = [0.1, 0.0, 0.9, 0.9]
    other = Likely(first, second, mirrored, window, elsewhere, np.array([0.9, 0.7], dtype=np.float32))
    either = Likely.any_of([one, other])
    assert sorted(zip(either.first.tolist(), either.in_scene[:, 0].tolist(), strict=True)) == [
        (0, 0.0),
        (2, 0.0),
        (2, 0.1),
    ]
    assert set(either.second.tolist()) == {1, 3} and either.mirrored.sum() == 2


def test_what_common_rows_explain_is_taken_out() -> None:
    generator = np.random.default_rng(0)
    common = generator.normal(0, 10, (3, 200)).astype(np.float32)
    rest = generator.normal(0, 1, (2, 200)).astype(np.float32)
    rest = without(rest, common)
    np.testing.assert_allclose(rest @ common.T, 0, atol=1e-2)
    np.testing.assert_allclose(without(rest + 5 * common[:2], common), rest, atol=1e-2)
