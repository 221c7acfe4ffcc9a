"""`explain`: heat maps that depend on the decision, over the right photo, twelve to a page."""

import dataclasses
import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoclass.errors import OutputError, SettingsError
from photoclass.photos.decode import Unreadable, decode_photo
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.results.explain.explain import Explanation, explain, explain_photos
from photoclass.results.predict import predict
from running import done, run_command

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def features(drawn_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the drawings on the smallest pretrained network."""
    out = tmp_path_factory.mktemp("features") / "run"
    done("train", drawn_photos, "--out", out, "--backbone", "lite0", "--no-report")
    return out


@pytest.fixture
def mixed(drawn_photos: Path, tmp_path: Path) -> Path:
    """Three drawings, one that is wide and one that is broken, in natural order 1 to 5."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    drawings = sorted((drawn_photos / "cat").iterdir())
    for number, drawing in ((1, drawings[0]), (3, drawings[1]), (10, drawings[2])):
        shutil.copy(drawing, folder / f"{number}.jpg")
    (folder / "2.jpg").write_bytes(b"\xff\xd8\xff")
    with Image.open(drawings[3]) as opened:
        opened.resize((900, 300)).save(folder / "9.jpg")
    return folder


def _paths(folder: Path, *names: str) -> list[str]:
    return [str(folder / name) for name in names]


def test_each_photo_has_its_picture_its_heat_map_and_the_prediction_of_predict(model: Path, mixed: Path) -> None:
    names = ("1.jpg", "2.jpg", "3.jpg", "9.jpg", "10.jpg")
    found = explain_photos(model, _paths(mixed, *names))
    predictions = predict([mixed], model)
    assert [Path(file).name for file in predictions.files] == list(names)
    assert isinstance(found[1], Unreadable) and found[1].reason == predictions.statuses[1]
    for row, shown in enumerate(found):
        if isinstance(shown, Unreadable):
            continue
        assert (shown.label, shown.target) == (predictions.label(row),) * 2
        assert shown.probability == shown.target_probability == pytest.approx(predictions.probability(row), abs=0.005)
        assert max(shown.picture.size) <= 320 and shown.picture.mode == "RGB"
        assert shown.heat.shape == (shown.picture.height, shown.picture.width)
        assert shown.heat.dtype == np.float32 and 0.9 < shown.heat.max() <= 1 and shown.heat.min() >= 0
        assert shown.overlay().size == shown.picture.size
        assert max(shown.overlay(500).size) == 500
    wide = found[3]
    assert isinstance(wide, Explanation) and wide.picture.size == (320, 107)


def test_an_explanation_does_not_depend_on_the_other_photos(model: Path, mixed: Path) -> None:
    together = explain_photos(model, _paths(mixed, "2.jpg", "2.jpg", "1.jpg", "2.jpg", "3.jpg", "2.jpg"))
    assert [isinstance(shown, Unreadable) for shown in together] == [True, True, False, True, False, True]
    (alone,) = explain_photos(model, _paths(mixed, "3.jpg"))
    beside = together[4]
    assert isinstance(alone, Explanation) and isinstance(beside, Explanation)
    np.testing.assert_allclose(alone.heat, beside.heat, atol=1e-5)
    assert np.array_equal(np.asarray(alone.picture), np.asarray(beside.picture))
    assert explain_photos(model, []) == []


def test_another_class_has_another_map(features: Path, mixed: Path) -> None:
    (predicted,) = explain_photos(features, _paths(mixed, "1.jpg"))
    (cat,) = explain_photos(features, _paths(mixed, "1.jpg"), "cat")
    (dog,) = explain_photos(features, _paths(mixed, "1.jpg"), "dog")
    assert isinstance(predicted, Explanation) and isinstance(cat, Explanation) and isinstance(dog, Explanation)
    assert predicted.label == cat.label == dog.label == "cat"
    assert (cat.target, dog.target) == ("cat", "dog")
    np.testing.assert_array_equal(predicted.heat, cat.heat)
    assert dog.target_probability == pytest.approx(1 - cat.target_probability, abs=1e-4)
    # Of two classes, no place speaks for both; between places one map fades into the other.
    assert np.minimum(cat.heat, dog.heat).mean() < 0.05 < cat.heat.mean()


def test_a_cropped_photo_has_no_heat_outside_the_crop(model: Path, mixed: Path, tmp_path: Path) -> None:
    crop = tmp_path / "crop"
    shutil.copytree(model, crop)
    settings = json.loads((crop / "model.json").read_text())
    (crop / "model.json").write_text(json.dumps({**settings, "resize": "crop"}))
    (shown,) = explain_photos(crop, _paths(mixed, "9.jpg"))
    assert isinstance(shown, Explanation)
    window = shown.window
    assert dataclasses.astuple(window) == (106, 0, 107, 107)
    inside = shown.heat[:, window.left : window.left + window.width]
    assert shown.heat.sum() == pytest.approx(inside.sum()) and inside.max() > 0.9


def test_maps_depend_on_the_decision(features: Path, drawn_photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another head gives other maps, and covering hot regions costs more than covering cold ones.

    Maps that ignore the head show that the first check can fail: they do not change.
    """
    monkeypatch.syspath_prepend(BENCHMARKS)
    from heat_maps import check_maps

    files = [file for name in ("cat", "dog") for file in sorted((drawn_photos / name).iterdir())[:20]]
    pixels = [decode_photo(file.read_bytes(), DecodeSettings(224)) for file in files]
    found = check_maps(features, [p for p in pixels if not isinstance(p, Unreadable)])
    ours = found["ours"]
    assert len(ours.correlation) == 40
    assert ours.correlation.mean() < 0.5
    assert ours.drop_hot.mean() > ours.drop_cold.mean() + 0.1
    assert (ours.drop_hot > ours.drop_cold).mean() > 0.75
    assert found["activations alone"].correlation.mean() > 0.95
    assert ours.drop_hot.mean() > found["activations alone"].drop_hot.mean()


@pytest.mark.parametrize(("count", "names"), [(1, ["h.png"]), (12, ["h.png"]), (13, ["h-1.png", "h-2.png"])])
def test_twelve_photos_a_page(count: int, names: list[str], model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    made = explain([drawn_photos], model, tmp_path / "h.png", count=count)
    assert (made.shown, made.found, made.skipped) == (count, 120, ())
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for path in made.pages:
        with Image.open(path) as page:
            assert page.width in (678, 1926)


def test_the_same_seed_samples_the_same_photos(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        explain([drawn_photos], model, tmp_path / f"{name}.png", count=3, seed=seed)
    a, b, c = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert a == b != c


def test_the_command(model: Path, mixed: Path, tmp_path: Path) -> None:
    result = done("explain", mixed, "--model", model, "--out", tmp_path / "h.jpg", "--class", "dog")
    assert result.stdout == f"{tmp_path}/h.jpg: 5 of 5 photos\n"
    assert "1 skipped" in result.stderr and "2.jpg: JPEG with a damaged or truncated header" in result.stderr
    with Image.open(tmp_path / "h.jpg") as page:
        reason = np.asarray(page.convert("L"))[128:428, 36 + 606 + 18 : 36 + 606 + 18 + 300]
    assert page.format == "JPEG"
    assert 5 < reason.std() < 40, "the broken photo has a tile with the reason"
    strict = run_command("explain", mixed, "--model", model, "--out", tmp_path / "h.webp", "--count", 5, "--strict")
    assert strict.returncode == 3 and (tmp_path / "h.webp").exists()
    unknown = run_command("explain", mixed, "--model", model, "--out", tmp_path / "no.png", "--class", "bird")
    assert unknown.returncode == 1
    assert unknown.stderr == "photoclass: unknown class 'bird': choose from cat, dog\n"
    assert not (tmp_path / "no.png").exists()


def test_invalid_options_are_rejected_before_any_work(model: Path, mixed: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"heat maps is written as \.png, \.jpg or \.webp"):
        explain([mixed], model, tmp_path / "h.pdf")
    with pytest.raises(SettingsError, match="count is 0"):
        explain([mixed], model, tmp_path / "h.png", count=0)


def test_ten_photos_a_second(features: Path, drawn_photos: Path) -> None:
    """In processor time, since the machine may be shared, and without loading the model, which happens once."""
    paths = [str(path) for path in sorted(drawn_photos.rglob("*.jpg"))[:61]]

    def seconds(count: int) -> float:
        started_at = time.process_time()
        explain_photos(features, paths[:count])
        return time.process_time() - started_at

    assert 60 / (seconds(61) - seconds(1)) > 10
