"""The recipe `features`, through the command: features are computed once, cached by content, and saved as one model."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

import photoclass
from card_client import assert_client_agrees
from photoclass.errors import SettingsError
from photoclass.model.runtime import Runtime
from photoclass.photos.cache.cache import cache as look_at_cache
from photoclass.photos.cache.pixels import cache_photos
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.photos.sources.read import read_data
from photoclass.training.frozen import backbones
from photoclass.training.frozen.backbones import choose_precision, open_backbone
from photoclass.training.frozen.export_head import add_head
from photoclass.training.frozen.features import compute_features
from photoclass.workspace import Workspace
from running import done, real_photos, run_command
from same_novelty import assert_novelty_is_what_the_saved_model_computes


@pytest.fixture(scope="module")
def run(drawn_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("features") / "run"
    done("train", drawn_photos, "--out", out, "--quality", "fast")
    return out


def test_it_is_the_default_and_separates_drawn_cats_from_dogs(run: Path, drawn_photos: Path) -> None:
    model = json.loads((run / "model.json").read_text())
    assert model["recipe"] == "features" and model["settings"]["backbone"] == "lite0"
    assert model["metrics"]["held_out"]["log_loss"] < 0.6  # that of a coin is 0.69
    assert model["metrics"]["valid"]["split_selected_model"] is False
    score = run / "score.json"
    done("evaluate", drawn_photos, "--model", run, "--json", score)
    assert json.loads(score.read_text())["log_loss"] == pytest.approx(
        model["metrics"]["held_out"]["log_loss"], abs=0.01
    )


def test_novelty_distances_use_the_features_of_the_saved_model(run: Path, drawn_photos: Path) -> None:
    assert_novelty_is_what_the_saved_model_computes(run, drawn_photos, apart=0.005)


def test_a_second_training_takes_all_features_from_the_cache(run: Path, drawn_photos: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(drawn_photos, moved)
    one = sorted((moved / "cat").iterdir())[0]
    one.rename(moved / "dog" / "renamed.jpg")  # another name, another label
    again = done("train", moved, "--out", tmp_path / "again", "--quality", "fast", "--no-report")
    assert "features: 120 of 120 from the cache" in again.stderr
    training = json.loads((tmp_path / "again" / "model.json").read_text())["training"]
    assert training["head"]["features_computed"] == 0
    assert "frozen pretrained backbone lite0" in training["description"] and not training["from_scratch"]
    assert "weights are EfficientNet-Lite's" in (tmp_path / "again" / "README.md").read_text()


def test_a_second_training_needs_no_torch(run: Path, drawn_photos: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from photoclass.training.train import train; "
        f"train(Path({str(drawn_photos)!r}), Path({str(tmp_path / 'again')!r}), settings={{'backbone': 'lite0'}}); "
        "print('torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
    assert (tmp_path / "again" / "model.onnx").read_bytes() == (run / "model.onnx").read_bytes()


def test_a_cached_network_equals_a_new_one_and_is_made_again_if_damaged(tmp_path: Path) -> None:
    made = open_backbone("lite0", cache=tmp_path).onnx
    assert made == open_backbone("lite0").onnx
    (kept,) = (tmp_path / "networks").rglob("*.onnx")
    before = kept.stat().st_mtime_ns
    assert open_backbone("lite0", cache=tmp_path).onnx == made and kept.stat().st_mtime_ns == before
    kept.write_bytes(made[:-1])
    assert open_backbone("lite0", cache=tmp_path).onnx == made == kept.read_bytes()
    (stored,) = look_at_cache(tmp_path).stored
    assert stored.what.startswith("backbone lite0, ") and stored.bytes == len(made)
    look_at_cache(tmp_path, empty=True)
    assert not (tmp_path / "networks").exists()


def test_a_cached_network_of_another_version_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_backbone("lite0", cache=tmp_path)
    monkeypatch.setattr(backbones, "BACKBONE_VERSION", backbones.BACKBONE_VERSION + 1)
    open_backbone("lite0", cache=tmp_path)
    assert len(list((tmp_path / "networks").rglob("*.onnx"))) == 2


def test_two_networks_share_an_input_and_have_their_own_store(
    few_drawn_photos: Path, own_cache: Path, tmp_path: Path
) -> None:
    result = done("train", few_drawn_photos, "--out", tmp_path / "run", "--backbone", "lite0+lite2", "--no-report")
    assert "features of lite0+lite2 at 260 px" in result.stderr
    assert "features: 0 of 48 from the cache" in result.stderr
    model = json.loads((tmp_path / "run" / "model.json").read_text())
    assert model["settings"]["backbone"] == "lite0+lite2" and model["image_size"] == 260
    (store,) = (own_cache / "features").glob("lite0+lite2-*")
    (shard,) = store.glob("*.rows")
    assert shard.stat().st_size == 48 * 2 * 1280 * 2  # two networks, float16
    score = tmp_path / "score.json"
    done("evaluate", few_drawn_photos, "--model", tmp_path / "run", "--json", score)
    wanted = model["metrics"]["held_out"]["log_loss"]
    assert json.loads(score.read_text())["log_loss"] == pytest.approx(wanted, abs=0.01)


def test_stored_features_are_those_of_the_decoded_photo(run: Path, drawn_photos: Path, own_cache: Path) -> None:
    backbone = open_backbone("lite0")
    settings = DecodeSettings(backbone.image_size)
    table = read_data(drawn_photos, Workspace(own_cache)).select(np.arange(5))
    stored = compute_features(table, settings, backbone, Workspace(own_cache))
    assert stored.computed == 0
    pixels = cache_photos(table, settings, Workspace(own_cache)).pixels.all()
    rows = np.stack(list(backbone.engine.rows(pixels)))
    assert np.abs(stored.features.all() - rows).max() <= 1e-3 * rows.max()


def test_a_broken_photo_is_skipped_and_named(drawn_photos: Path, tmp_path: Path) -> None:
    shutil.copytree(drawn_photos, tmp_path / "photos")
    (tmp_path / "photos" / "cat" / "broken.jpg").write_bytes(b"not a photo")
    done("train", drawn_photos, "--out", tmp_path / "first", "--quality", "fast", "--no-report")
    result = done("train", tmp_path / "photos", "--out", tmp_path / "run", "--quality", "fast", "--no-report")
    assert "broken.jpg: a text file, not a photo" in result.stderr
    assert "features: 120 of 120" in result.stderr


def test_three_classes_need_no_option(drawn_photos: Path, tmp_path: Path) -> None:
    shutil.copytree(drawn_photos, tmp_path / "photos")
    grey = np.random.default_rng(0)
    from PIL import Image

    (tmp_path / "photos" / "sand").mkdir()
    for i in range(20):
        noise = grey.integers(0, 256, (60, 60, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / "photos" / "sand" / f"{i}.png")
    done("train", tmp_path / "photos", "--out", tmp_path / "run", "--quality", "fast", "--no-report")
    model = json.loads((tmp_path / "run" / "model.json").read_text())
    assert model["class_names"] == ["cat", "dog", "sand"]
    sand = model["metrics"]["held_out"]["confusion"][2]
    assert sand[2] == sum(sand) > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--quality", "perfect"], "unknown quality 'perfect'; choose from fast, good"),
        (["--backbone", "resnet50"], "unknown backbone 'resnet50'; choose from lite0, lite2"),
        (["--minutes", "5"], "the recipe features takes no --minutes"),
        (["--device", "cuda"], "the recipe features runs on the cpu"),
        (["--precision", "int4"], "the recipe features computes in int8, fp32 or auto, not in 'int4'"),
        (
            ["--recipe", "small-cnn", "--balance"],
            "the recipe small-cnn has no setting 'balance'; the recipes features and finetune have it",
        ),
        (
            ["--epochs", "3"],
            "the recipe features has no setting 'epochs'; the recipes finetune, resnet and small-cnn have it",
        ),
        (["--backbone", "lite2+lite0"], "unknown backbone 'lite2+lite0'; choose from lite0, lite2, lite0+lite2"),
    ],
)
def test_options_without_effect_are_refused(words: list[str], message: str, drawn_photos: Path, tmp_path: Path) -> None:
    result = run_command("train", drawn_photos, "--out", tmp_path / "run", *words)
    assert result.returncode == 1
    assert message in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_class_with_one_photo_is_refused_by_name(drawn_photos: Path, tmp_path: Path) -> None:
    for name, count in (("cat", 30), ("dog", 1)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for photo in sorted((drawn_photos / name).iterdir())[:count]:
            shutil.copy(photo, tmp_path / "photos" / name)
    result = run_command("train", tmp_path / "photos", "--out", tmp_path / "run", "--quality", "fast")
    assert result.returncode == 1
    assert "class 'dog'" in result.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("gains", "chosen"),
    [({"INT8", "BF16"}, "int8"), ({"INT8"}, "int8"), ({"BF16"}, "fp32"), ({"FP32"}, "fp32")],
)
def test_the_precision_is_the_fastest_of_the_processor(gains: set[str], chosen: str) -> None:
    assert choose_precision("auto", frozenset(gains))[0] == chosen


def test_a_precision_that_saved_models_would_not_run_in_is_refused() -> None:
    with pytest.raises(SettingsError, match="computes in int8, fp32 or auto, not in 'bf16'"):
        choose_precision("bf16", frozenset({"INT8", "BF16"}))
    with pytest.raises(SettingsError, match="does not run models in int8; choose fp32"):
        choose_precision("int8", frozenset({"BF16"}))


def test_a_head_on_a_backbone_keeps_small_probabilities(run: Path) -> None:
    model = onnx.load_model_from_string((run / "model.onnx").read_bytes())
    assert [node.op_type for node in model.graph.node][-6:] == ["Sign", "Abs", "Sqrt", "Mul", "Gemm", "Softmax"]
    backbone = open_backbone("lite0")
    (width,) = backbone.row_shape
    sure = add_head(backbone.onnx, np.zeros((width, 1), np.float32), np.array([30.0], np.float32), 1.0)
    info = Runtime.load(run).info
    found = Runtime(info, sure, run).probabilities([np.zeros((224, 224, 3), np.uint8)])
    assert 0 < found[0, 0] < 1e-12


def test_real_cats_and_dogs_are_classified_after_a_few_photos(tmp_path: Path) -> None:
    photos = real_photos(tmp_path, per_class=150)
    done("train", photos, "--out", tmp_path / "run", "--quality", "fast", "--no-report")
    metrics = json.loads((tmp_path / "run" / "model.json").read_text())["metrics"]
    assert metrics["held_out"]["accuracy"] >= 0.9
    assert metrics["held_out"]["log_loss"] < 0.25


def test_likely_label_errors_are_written_as_fixes_and_can_be_left_out(tmp_path: Path) -> None:
    photos = real_photos(tmp_path, per_class=150)
    names = sorted(path.name for path in photos.iterdir())
    swapped = [names[i] for i in (5, 40, 200, 260)]
    for name in swapped:
        (photos / name).rename(photos / f"{'dog' if name.startswith('cat') else 'cat'}.9{name.split('.')[1]}.jpg")
    done("train", photos, "--out", tmp_path / "run", "--quality", "fast", "--no-report")
    rows = (tmp_path / "run" / "label_errors.csv").read_text().splitlines()
    assert rows[0] == "image,label,note"
    assert len(rows) > 1
    model = json.loads((tmp_path / "run" / "model.json").read_text())
    head = model["training"]["head"]
    assert head["label_errors"] == len(rows) - 1 and not head["label_errors_dropped"]
    result = done(
        "train", photos, "--out", tmp_path / "clean", "--quality", "fast", "--drop-label-errors", "--no-report"
    )
    assert f"dropped {len(rows) - 1} photos with likely label errors" in result.stderr
    # What was written is what --fixes takes.
    done(
        "train",
        photos,
        "--out",
        tmp_path / "f",
        "--quality",
        "fast",
        "--no-report",
        "--fixes",
        tmp_path / "run" / "label_errors.csv",
    )


def test_the_lines_of_its_card_agree_with_predict(run: Path, drawn_photos: Path, tmp_path: Path) -> None:
    assert_client_agrees(run, drawn_photos, tmp_path / "photos")


def test_a_quality_is_the_same_in_the_library(drawn_photos: Path, tmp_path: Path) -> None:
    photoclass.train(
        drawn_photos, tmp_path / "a", settings={"backbone": "lite0"}, options=photoclass.TrainOptions(report=False)
    )
    photoclass.train(drawn_photos, tmp_path / "b", quality="fast", options=photoclass.TrainOptions(report=False))
    assert (tmp_path / "a" / "model.onnx").read_bytes() == (tmp_path / "b" / "model.onnx").read_bytes()
    with pytest.raises(photoclass.SettingsError, match="quality 'best' means the recipe finetune, not features"):
        photoclass.train(drawn_photos, tmp_path / "c", "features", quality="best")
    assert not (tmp_path / "c").exists()
