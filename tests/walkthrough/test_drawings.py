"""The drawn pictures: reproducible, well formed, and different between classes in the animal alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoclass.walkthrough.drawings.drawings import CLASS_NAMES, draw_animal, draw_photo_folders
from photoclass.walkthrough.drawings.looks import choose_animal


def _photo_bytes(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.jpg"))}


@pytest.mark.parametrize("class_name", CLASS_NAMES)
@pytest.mark.parametrize("side", [32, 151, 200])
def test_a_drawing_has_the_requested_size_and_type(class_name: str, side: int) -> None:
    pixels = draw_animal(class_name, np.random.default_rng(0), side)
    assert pixels.shape == (side, side, 3)
    assert pixels.dtype == np.uint8
    assert pixels.std() > 10


def test_the_same_generator_state_draws_the_same_picture() -> None:
    first, again, other = (draw_animal("cat", np.random.default_rng(seed), 64) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_cats_and_dogs_have_the_same_distribution_of_colors_and_patterns() -> None:
    for seed in range(50):
        cat, dog = (choose_animal(is_cat, np.random.default_rng(seed)) for is_cat in (True, False))
        assert replace(cat, is_cat=False) == dog


def test_two_hundred_scenes_are_drawn_without_errors() -> None:
    generator = np.random.default_rng(11)
    for number in range(200):
        draw_animal(CLASS_NAMES[number % 2], generator, 32)


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for folder, seed in (("first", 5), ("again", 5), ("other", 6)):
        draw_photo_folders(tmp_path / folder, 2, seed)
    first, again, other = (_photo_bytes(tmp_path / folder) for folder in ("first", "again", "other"))
    assert first == again
    assert first.keys() == other.keys()
    assert len({*first.values(), *other.values()}) == 8, "every picture differs from every other"


def test_a_larger_count_adds_pictures_and_changes_none(tmp_path: Path) -> None:
    draw_photo_folders(tmp_path / "few", 3)
    draw_photo_folders(tmp_path / "many", 5)
    few, many = _photo_bytes(tmp_path / "few"), _photo_bytes(tmp_path / "many")
    assert sorted(few) == [f"{name}/{name}-{number:04d}.jpg" for name in CLASS_NAMES for number in (1, 2, 3)]
    assert len(many) == 10
    assert few == {path: many[path] for path in few}


def test_the_files_are_rgb_jpegs_and_progress_counts_them(tmp_path: Path) -> None:
    counts: list[int] = []
    draw_photo_folders(tmp_path, 2, progress=counts.append)
    assert sum(counts) == 4
    with Image.open(tmp_path / "dog" / "dog-0002.jpg") as photo:
        assert (photo.format, photo.mode, photo.size) == ("JPEG", "RGB", (200, 200))


def test_the_mean_color_does_not_predict_the_class() -> None:
    photos_per_class = 120
    sources = (np.random.default_rng([1, number]) for number in range(photos_per_class))
    pairs = [[draw_animal(name, source, 40) for name in CLASS_NAMES] for source in sources]
    means = np.array(pairs).mean(axis=(2, 3))
    half = photos_per_class // 2
    centers = means[:half].mean(axis=0)
    distances = np.linalg.norm(means[half:, :, None, :] - centers, axis=-1)
    accuracy = (distances.argmin(axis=-1) == np.arange(2)).mean()
    # 120 random guesses stay within 0.5 +- 0.14 in all but one of 500 draws.
    assert abs(accuracy - 0.5) < 0.14


def test_bad_input_is_named() -> None:
    generator = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"unknown class 'bird'.*cat, dog"):
        draw_animal("bird", generator)
    with pytest.raises(ValueError, match="side is 31"):
        draw_animal("cat", generator, 31)


def test_bad_counts_and_seeds_write_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="photos_per_class is 0"):
        draw_photo_folders(tmp_path / "new", 0)
    with pytest.raises(ValueError, match="seed is -1"):
        draw_photo_folders(tmp_path / "new", 1, seed=-1)
    assert not (tmp_path / "new").exists()
