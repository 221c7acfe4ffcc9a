"""The recipe `finetune` on drawings, through the real command: trained from the head of `features`, saved whole."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from card_client import assert_client_agrees
from photoclass.errors import Interrupted, SettingsError
from photoclass.model.runtime import Runtime
from photoclass.networks.pretrained.efficientnet_lite import fold
from photoclass.photos.decode import decode_photo
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.progress import SILENT
from photoclass.training.compute import Compute
from photoclass.training.frozen.export_head import add_head
from photoclass.training.learners.finetune import _first_block
from photoclass.training.loop.examples import Augmentations, MapExamples
from photoclass.training.recipes.finetune import FinetuneSettings
from photoclass.training.recipes.registry import find_recipe, recipe_of_quality
from photoclass.training.recipes.settings import with_settings
from photoclass.training.run import TrainOptions
from photoclass.training.train import train
from photoclass.workspace import Workspace
from running import done, run_command
from same_novelty import assert_novelty_is_what_the_saved_model_computes
from tiny_runs import assert_same_training, read_checkpoint, stop_after

SMALL = {"backbone": "lite0", "epochs": 2, "batch_size": 16, "tail": 2, "learning_rate": 3e-4}
WORDS = [word for name, value in SMALL.items() for word in ("--set", f"{name}={value}")]


@pytest.fixture(scope="module")
def run(drawn_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finetune") / "run"
    done("train", drawn_photos, "--out", out, "--recipe", "finetune", *WORDS)
    return out


def test_it_classifies_drawings_and_describes_its_training(run: Path) -> None:
    model = json.loads((run / "model.json").read_text())
    assert (model["recipe"], model["settings"]["tail"], model["image_size"]) == ("finetune", 2, 224)
    assert model["metrics"]["held_out"]["log_loss"] < 0.69, "better than a coin, on 14 drawings"
    assert model["metrics"]["valid"]["split_selected_model"] is True
    assert model["metrics"]["held_out"]["split_selected_model"] is False
    assert 0.2 < model["training"]["temperature"] < 5
    assert (run / "history.csv").read_text().count("\n") == 3
    assert "The last 2 blocks" in (run / "README.md").read_text()


def test_the_saved_model_has_the_scores_of_the_trained_one(run: Path, drawn_photos: Path, tmp_path: Path) -> None:
    model = json.loads((run / "model.json").read_text())
    done("evaluate", drawn_photos, "--model", run, "--json", tmp_path / "score.json")
    score = json.loads((tmp_path / "score.json").read_text())
    assert score["n"] == model["metrics"]["held_out"]["n"]
    assert score["log_loss"] == pytest.approx(model["metrics"]["held_out"]["log_loss"], abs=0.02)


def test_a_photo_and_its_mirror_image_have_the_same_prediction(run: Path, drawn_photos: Path) -> None:
    content = next((drawn_photos / "cat").iterdir()).read_bytes()
    pixels = decode_photo(content, DecodeSettings(224))
    assert isinstance(pixels, np.ndarray)
    one, other = Runtime.load(run).probabilities([pixels, pixels[:, ::-1]])
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_novelty_is_measured_on_the_features_of_the_saved_model(run: Path, drawn_photos: Path) -> None:
    assert_novelty_is_what_the_saved_model_computes(run, drawn_photos, apart=0.02)


def test_a_second_training_takes_all_feature_maps_from_the_cache(run: Path, drawn_photos: Path, tmp_path: Path) -> None:
    again = done(
        "train",
        drawn_photos,
        "--out",
        tmp_path / "again",
        "--recipe",
        "finetune",
        *WORDS,
        "--set",
        "epochs=1",
        "--no-report",
    )
    assert "feature maps: 120 of 120 from the cache" in again.stderr


def test_a_resumed_run_equals_the_run_that_never_stopped(
    few_drawn_photos: Path, own_cache: Path, tmp_path: Path
) -> None:
    def begin(out: Path, **options: object) -> None:
        stop, watch = stop_after(4) if options.pop("stopped", False) else (None, SILENT)
        train(
            few_drawn_photos,
            out,
            "finetune",
            {} if options.get("resume") else SMALL,
            TrainOptions(precision="fp32", report=False, **options),  # type: ignore[arg-type]
            stop,
            Workspace(own_cache, progress=watch),
        )

    with pytest.raises(Interrupted):
        begin(tmp_path / "stopped", stopped=True)
    begin(tmp_path / "stopped", resume=True)
    begin(tmp_path / "whole")
    assert_same_training(read_checkpoint(tmp_path / "stopped"), read_checkpoint(tmp_path / "whole"))


def test_the_number_of_epochs_is_part_of_the_schedule(run: Path, drawn_photos: Path) -> None:
    refused = run_command("train", drawn_photos, "--out", run, "--resume", "--set", "epochs=9")
    assert refused.returncode == 1
    assert "started with different settings" in refused.stderr


def test_without_a_tail_the_device_decides_how_many_blocks_are_trained() -> None:
    network = fold("lite0")
    recipe = FinetuneSettings(backbone="lite0")
    assert _first_block(network, recipe, Compute("cpu", "fp32", "")) == 13
    assert _first_block(network, recipe, Compute("cuda", "bf16", "")) is None
    assert _first_block(network, dataclasses.replace(recipe, tail=16), Compute("cpu", "fp32", "")) is None
    with pytest.raises(SettingsError, match="tail is 17; lite0 has 16 blocks"):
        _first_block(network, dataclasses.replace(recipe, tail=17), Compute("cpu", "fp32", ""))
    with pytest.raises(SettingsError, match="tail is -1"):
        with_settings(recipe, {"tail": -1})


def test_the_whole_network_is_trained_on_augmented_pixels(drawn_photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = [
        "--recipe",
        "finetune",
        *WORDS,
        "--tail",
        "16",
        "--set",
        "epochs=1",
        "--set",
        "learning_rate=3e-5",
        "--precision",
        "fp32",
    ]
    told = done("train", drawn_photos, "--out", out, *words, "--no-report")
    assert "all blocks of the pretrained backbone lite0" in told.stderr
    model = json.loads((out / "model.json").read_text())
    assert model["metrics"]["held_out"]["log_loss"] < 0.69
    assert model["training"]["onnx_difference"]["f32"] < 0.001


def test_examples_of_feature_maps_are_of_the_photo_or_its_mirror_image() -> None:
    class Photos:
        features = np.stack([np.zeros((6, 2, 2, 3), np.uint8), np.ones((6, 2, 2, 3), np.uint8)], axis=1)

        def __len__(self) -> int:
            return 6

    rows = np.arange(6)
    photos: object = Photos()
    assert MapExamples(photos).plain(rows).max() == 0  # type: ignore[arg-type]
    assert MapExamples(photos, mirrored=True).plain(rows).min() == 1  # type: ignore[arg-type]
    augmented = MapExamples(photos).augmented(np.random.default_rng(0))  # type: ignore[arg-type]
    shown = augmented(rows)[:, 0, 0, 0]
    assert set(shown.tolist()) == {0, 1}
    assert augmented(rows[::-1])[:, 0, 0, 0].tolist() == shown[::-1].tolist(), "an epoch shows one view of each"
    augmentations = Augmentations(Photos.features + 2, np.array([5, 4, 3, 2, 1, -1]), share=1.0)  # type: ignore[arg-type]
    shown = MapExamples(photos, augmentations=augmentations).augmented(np.random.default_rng(0))(rows)[:, 0, 0, 0]  # type: ignore[arg-type]
    assert set(shown[:5].tolist()) == {2, 3} and shown[5] < 2, "the last has no variations"


def test_the_best_quality_is_this_recipe() -> None:
    assert recipe_of_quality("best", None)[0] == "finetune"
    assert recipe_of_quality("good", "features") == ("features", {"backbone": "lite2"})
    with pytest.raises(SettingsError, match="quality 'best' means the recipe finetune, not features"):
        recipe_of_quality("best", "features")
    with pytest.raises(SettingsError, match="fast, good, best"):
        recipe_of_quality("better", None)
    assert find_recipe("finetune").settings().image_size == 260


def test_the_mean_of_both_views_is_that_of_their_logits() -> None:
    from onnx import TensorProto, helper

    # A backbone whose features are the red of the leftmost pixel and of the rightmost one.
    nodes = [
        helper.make_node("Cast", ["pixels"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["numbers", "ends"], ["columns"], axis=2),
        helper.make_node("Gather", ["columns", "first"], ["reds"], axis=3),
        helper.make_node("ReduceMean", ["reds"], ["features"], axes=[1], keepdims=0),
    ]
    constants = [
        helper.make_tensor("ends", TensorProto.INT64, [2], [0, 7]),
        helper.make_tensor("first", TensorProto.INT64, [], [0]),
    ]
    graph = helper.make_graph(
        nodes,
        "ends",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["photos", 8, 8, 3])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["photos", 2])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    weights = np.array([[1.0], [0.5]], dtype=np.float32)
    onnx = add_head(model.SerializeToString(), weights, np.array([-3.0], np.float32), 2.0, mirror=True)
    pixels = np.zeros((3, 8, 8, 3), np.uint8)
    pixels[:, :, 0, 0], pixels[:, :, 7, 0] = np.array([[4], [9], [0]]), np.array([[1], [16], [0]])
    from photoclass.model.engine import Engine

    found = np.stack(list(Engine(onnx, "the test's network", 8, "f32").rows(pixels)))
    logits = [np.sqrt(a) + 0.5 * np.sqrt(b) - 3 for a, b in ((4, 1), (1, 4), (9, 16), (16, 9), (0, 0), (0, 0))]
    means = torch.tensor(logits).reshape(3, 2).mean(dim=1) / 2
    np.testing.assert_allclose(found[:, 1], torch.sigmoid(means).numpy(), atol=1e-5)


def test_three_classes_need_no_option_and_a_class_of_one_photo_is_refused(drawn_photos: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for i, path in enumerate(sorted(drawn_photos.glob("*/*"))[::3]):
        target = photos / ("none" if i % 3 == 0 else path.parent.name) / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    words = ["--recipe", "finetune", *WORDS, "--set", "epochs=1"]
    done("train", photos, "--out", tmp_path / "run", *words, "--no-report")
    told = done("predict", photos / "cat", "--model", tmp_path / "run", "--out", tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text().startswith("file,status,label,probability,prob_cat,prob_dog,prob_none")
    assert told.returncode == 0
    for path in sorted((photos / "none").iterdir())[1:]:
        path.unlink()
    refused = run_command("train", photos, "--out", tmp_path / "few", *words)
    assert refused.returncode == 1
    assert "class 'none' has 1 photo; at least 2 different photos of each class are needed" in refused.stderr


def test_the_lines_of_its_card_agree_with_predict(run: Path, drawn_photos: Path, tmp_path: Path) -> None:
    assert_client_agrees(run, drawn_photos, tmp_path / "photos")
