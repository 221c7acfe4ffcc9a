"""A backbone from an ONNX file, through the command: it works like a built-in one, and the file is not needed later."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from photoclass.errors import PhotoclassError, SettingsError
from photoclass.networks.pretrained.backbone_onnx import write_backbone
from photoclass.networks.pretrained.efficientnet_lite import fold
from photoclass.networks.pretrained.onnx_file.read import FileOptions
from photoclass.training.frozen.backbones import open_backbone_file
from photoclass.training.recipes.features import FeaturesSettings
from photoclass.training.recipes.settings import with_settings
from photoclass.training.train import train
from running import done, run_command
from tiny_networks import tiny_network

SCALING = ["--backbone-mean", "0.485,0.456,0.406", "--backbone-std", "0.229,0.224,0.225"]


def _write(path: Path, model: onnx.ModelProto) -> Path:
    path.write_bytes(model.SerializeToString())
    return path


def _model_json(run: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run / "model.json").read_text())
    return content


def _valid(run: Path) -> dict[str, float]:
    with open(run / "valid_predictions.csv", newline="") as stream:
        return {row["file"]: float(row["prob_dog"]) for row in csv.DictReader(stream)}


def _lite0_in_the_usual_form() -> onnx.ModelProto:
    """Return lite0 with a normalised, channels-first image as input, as exporters write it."""
    model = onnx.load_model_from_string(write_backbone(fold("lite0"), "fp32"))
    graph = model.graph
    before = list(graph.node)[:4]
    assert [node.op_type for node in before] == ["Transpose", "Cast", "Sub", "Mul"]
    for node in before:
        graph.node.remove(node)
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info(before[-1].output[0], TensorProto.FLOAT, ["n", 3, 224, 224]))
    return model


def test_lite0_from_a_file_equals_the_built_in_one(drawn_photos: Path, tmp_path: Path) -> None:
    done(
        "train",
        drawn_photos,
        "--out",
        tmp_path / "ours",
        "--backbone",
        "lite0",
        "--precision",
        "fp32",
        "--no-report",
    )
    path = _write(tmp_path / "lite0.onnx", _lite0_in_the_usual_form())
    words = ["--backbone", path, "--backbone-mean", "127/255", "--backbone-std", "128/255", "--no-report"]
    done("train", drawn_photos, "--out", tmp_path / "theirs", *words)
    ours, theirs = _model_json(tmp_path / "ours"), _model_json(tmp_path / "theirs")
    theirs_trained, ours_trained = theirs["training"], ours["training"]
    assert theirs_trained["precision"] == "fp32"
    assert theirs_trained["head"]["strength"] == ours_trained["head"]["strength"]
    assert theirs_trained["temperature"] == pytest.approx(ours_trained["temperature"], rel=0.02)
    loss = ours_trained["head"]["cross_validated_log_loss"]
    assert theirs_trained["head"]["cross_validated_log_loss"] == pytest.approx(loss, rel=0.02)
    wanted, found = _valid(tmp_path / "ours"), _valid(tmp_path / "theirs")
    assert found.keys() == wanted.keys()
    assert max(abs(found[name] - wanted[name]) for name in wanted) < 0.01


@pytest.fixture(scope="module")
def run(drawn_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model on a tiny network of any size, whose features lie on both sides of zero; its file is gone."""
    folder = tmp_path_factory.mktemp("file")
    path = _write(folder / "my net.onnx", tiny_network(shape=("n", 3, "h", "w"), ends_in="maps"))
    words = ["--backbone", path, "--backbone-size", 48, *SCALING]
    result = done("train", drawn_photos, "--out", folder / "run", *words)
    assert "features: 0 of 120 from the cache" in result.stderr
    again = done("train", drawn_photos, "--out", folder / "again", *words)
    assert "features: 120 of 120 from the cache" in again.stderr
    assert "at 48 px, fp32 (as every ONNX file is used)" in again.stderr  # whatever this processor has
    path.rename(folder / "gone")
    return folder / "run"


def test_the_model_is_complete_and_names_its_backbone(run: Path, drawn_photos: Path) -> None:
    settings = _model_json(run)["settings"]
    assert settings["backbone"] == "my net.onnx"
    assert settings["backbone_sha256"] == hashlib.sha256((run.parent / "gone").read_bytes()).hexdigest()
    assert settings["backbone_size"] == 48 == _model_json(run)["image_size"]
    assert settings["backbone_mean"] == [0.485, 0.456, 0.406] and settings["backbone_std"] == [0.229, 0.224, 0.225]
    here = str(run.parent).encode()
    assert not [path.name for path in run.iterdir() if path.is_file() and here in path.read_bytes()]
    assert "EfficientNet" not in (run / "README.md").read_text()
    score = run / "score.json"
    done("evaluate", drawn_photos, "--model", run, "--json", score)
    wanted = _model_json(run)["metrics"]["held_out"]["log_loss"]
    assert json.loads(score.read_text())["log_loss"] == pytest.approx(wanted, abs=0.02)


def test_other_scaling_has_its_own_store(run: Path, drawn_photos: Path, tmp_path: Path) -> None:
    words = ["--set", f"backbone={run.parent / 'net.onnx'}", "--set", "backbone_size=48", "--set", "backbone_mean=0"]
    (run.parent / "net.onnx").write_bytes((run.parent / "gone").read_bytes())
    result = done("train", drawn_photos, "--out", tmp_path / "run", *words, "--set", "backbone_std=1")
    assert "features: 0 of 120 from the cache" in result.stderr
    assert _model_json(tmp_path / "run")["settings"]["backbone_mean"] == [0.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backbone_sha256": "0" * 64}, "net.onnx: has SHA-256 "),
        ({"backbone_size": "64"}, "net.onnx: takes 32 px, not 64"),
        ({"backbone_std": "0"}, "lie in that range themselves; divide values for pixels from 0 to 255, as in 127/255"),
        ({"backbone_mean": "127"}, "lie in that range themselves"),
        ({"backbone_mean": "0.5,0.5"}, "backbone_mean and backbone_std together, each as one number or three"),
        ({"backbone_mean": "half"}, "backbone_mean=half: must be numbers or fractions separated by commas"),
        ({"backbone": "lite0"}, "the backbone lite0 has a fixed size, scaling and output"),
        ({"backbone": "absent.onnx"}, "absent.onnx: there is no such file"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_any_work(
    changes: dict[str, str], message: str, drawn_photos: Path, tmp_path: Path
) -> None:
    path = _write(tmp_path / "net.onnx", tiny_network())
    settings = {"backbone": path, "backbone_mean": "0.5", "backbone_std": "0.5", **changes}
    with pytest.raises(PhotoclassError) as refused:
        train(drawn_photos, tmp_path / "run", None, settings)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "run").exists()


def test_int8_is_refused_in_one_line(drawn_photos: Path, tmp_path: Path) -> None:
    path = _write(tmp_path / "net.onnx", tiny_network())
    words = ["--backbone", path, *SCALING, "--precision", "int8"]
    result = run_command("train", drawn_photos, "--out", tmp_path / "run", *words)
    assert result.returncode == 1
    assert result.stderr == f"photoclass: {path}: a backbone from a file cannot run in int8; leave out --precision\n"


def test_numbers_fractions_and_words_are_read_alike() -> None:
    word = with_settings(
        FeaturesSettings(), {"backbone": "x.onnx", "backbone_mean": "1/2,0.25, 1e-1", "backbone_std": 1}
    )
    assert word.backbone_mean == (0.5, 0.25, 0.1) and word.backbone_std == (1.0,)
    given = with_settings(word, {"backbone_mean": (0.5, np.float64(0.25), 0.1)})
    assert given == word
    with pytest.raises(SettingsError, match="backbone_mean=1/0: must be numbers or fractions"):
        with_settings(word, {"backbone_mean": "1/0"})


def test_a_file_never_runs_in_int8(tmp_path: Path) -> None:
    backbone, _ = open_backbone_file(_write(tmp_path / "net.onnx", tiny_network()), FileOptions(0, (0.0,), (1.0,)))
    assert backbone.precision == "fp32"
    assert backbone.engine.row_shape == backbone.row_shape == (5,)
