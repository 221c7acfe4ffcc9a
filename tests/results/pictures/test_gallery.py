"""The gallery: any number of photos on pages of 25, mistakes marked."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoclass.errors import DataError, OutputError, SettingsError
from photoclass.results.pictures.gallery import gallery, worst_rows
from photoclass.results.predict import predict
from photoclass.results.predictions import Predictions


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (2, 1), (24, 1), (25, 1), (26, 2), (51, 3)])
def test_any_number_of_photos_on_pages_of_25(
    count: int, pages: int, model: Path, drawn_photos: Path, tmp_path: Path
) -> None:
    made = gallery([drawn_photos], model, tmp_path / "g.jpg", count=count)  # written much faster than a PNG
    assert len(made.pages) == pages and made.shown == count and made.found == 120
    names = ["g.jpg"] if pages == 1 else [f"g-{i}.jpg" for i in range(1, pages + 1)]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for path in made.pages:
        with Image.open(path) as page:
            assert page.size[0] >= 900


def test_photos_are_shown_whole_and_in_full_resolution(model: Path, tmp_path: Path) -> None:
    """A tall photo is neither squashed nor scaled up from the network's input."""
    stripes = np.zeros((600, 300, 3), dtype=np.uint8)
    stripes[:, ::4] = 255
    Image.fromarray(stripes).save(tmp_path / "tall.png")
    gallery([tmp_path / "tall.png"], model, tmp_path / "g.png")
    with Image.open(tmp_path / "g.png") as page:
        tile = np.asarray(page.convert("L"))[36 + 92 : 36 + 92 + 300, 36 : 36 + 300]
    assert (tile[:, 75:225].std(axis=1) > 20).all(), "stripes two pixels wide are still visible"
    assert tile[:, :70].std() == 0, "the tile beside a tall photo is plain"


def test_worst_shows_mistakes_by_falling_confidence(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    predictions = predict([drawn_photos], model)
    rows = worst_rows(predictions)
    assert len(rows)
    assert (predictions.probabilities[rows].argmax(axis=1) != predictions.truth[rows]).all()
    confidence = predictions.probabilities[rows].max(axis=1)
    assert (np.diff(confidence) <= 0).all()
    made = gallery([drawn_photos], model, tmp_path / "worst.png", worst=True)
    assert made.shown == min(25, len(rows))


def test_worst_without_known_classes_or_mistakes_is_rejected(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    shutil.copy(drawn_photos / "cat" / "cat-0001.jpg", tmp_path / "1.jpg")
    with pytest.raises(DataError, match="no photo has a known class"):
        gallery([tmp_path / "1.jpg"], model, tmp_path / "g.png", worst=True)
    right = Predictions(("a",), ("ok",), np.array([[0.9, 0.1]], np.float32), ("x", "y"), np.array([0]), ("a",))
    with pytest.raises(DataError, match="classified correctly"):
        worst_rows(right)


def test_a_photo_that_cannot_be_read_has_a_tile_with_the_reason(model: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    made = gallery([tmp_path / "broken.jpg"], model, tmp_path / "g.png")
    assert [item.name for item in made.skipped] == [str(tmp_path / "broken.jpg")]
    with Image.open(tmp_path / "g.png") as page:
        tile = np.asarray(page.convert("L"))[128:428, 36:336]
    assert tile.std() > 5, "the reason is written on it"


def test_invalid_arguments_are_rejected_before_any_work(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.png, \.jpg or \.webp"):
        gallery([drawn_photos], model, tmp_path / "g.pdf")
    with pytest.raises(SettingsError, match="count is 0"):
        gallery([drawn_photos], model, tmp_path / "g.png", count=0)
    with pytest.raises(OutputError, match="is a folder"):
        (tmp_path / "h.png").mkdir()
        gallery([drawn_photos], model, tmp_path / "h.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_pages_inside_the_photos_are_left_out_and_photos_never_written_over(
    suffix: str, model: Path, drawn_photos: Path, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in (1, 2):
        shutil.copy(drawn_photos / "cat" / "cat-0001.jpg", photos / f"photo-{number}.jpg")
    original = (photos / "photo-1.jpg").read_bytes()
    for _ in range(2):
        assert gallery(photos, model, photos / f"pages{suffix}").found == 2
    with pytest.raises(OutputError, match=r"photo-1\.jpg: exists already, and is no page of photos"):
        gallery(photos, model, photos / "photo-1.jpg")
    with pytest.raises(OutputError, match="exists already"):
        gallery(photos, model, photos / "photo.jpg")  # whose pages could be called photo-1.jpg
    assert (photos / "photo-1.jpg").read_bytes() == original
