"""Training on a backbone from the hub: pinned in the model folder, repeated from it, and offline."""

import json
from pathlib import Path
from typing import Any

import pytest

from fake_hub import FakeHub
from photoclass.errors import PhotoclassError
from photoclass.training.recipes.features import FeaturesSettings
from photoclass.training.recipes.settings import with_settings
from running import done, run_command
from tiny_networks import tiny_network

NAME = "onnx-community/tiny"
CONFIG = {
    "do_center_crop": True,
    "crop_size": {"height": 32, "width": 32},
    "size": {"shortest_edge": 40},
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "rescale_factor": 0.00392156862745098,
}


def _files(**config: Any) -> dict[str, bytes]:
    network = tiny_network(shape=("n", 3, "height", "width"), ends_in="maps").SerializeToString()
    return {"onnx/model.onnx": network, "preprocessor_config.json": json.dumps(CONFIG | config).encode()}


def _json(run: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((run / "model.json").read_text())
    return content


def test_a_training_pins_the_backbone_and_is_repeated_from_what_it_kept(
    hub: FakeHub, few_drawn_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = hub.add(NAME, _files())
    first = done("train", few_drawn_photos, "--out", tmp_path / "a", "--backbone", f"hf:{NAME}", "--no-report")
    said = f"hf:{NAME}@{commit}: onnx/model.onnx, 1.2 KB, licence apache-2.0, downloading"
    assert said in first.stderr
    info = _json(tmp_path / "a")
    settings = info["settings"]
    assert settings["backbone"] == f"hf:{NAME}@{commit}:onnx/model.onnx"
    assert settings["backbone_size"] == info["image_size"] == 32
    assert settings["backbone_mean"] == CONFIG["image_mean"] and settings["backbone_std"] == CONFIG["image_std"]
    assert len(settings["backbone_sha256"]) == 64
    card = (tmp_path / "a" / "README.md").read_text()
    assert f'base_model: "{NAME}"' in card
    assert f"Its backbone is {NAME} on the hub, licence apache-2.0." in info["training"]["description"]

    # The repository moves on, then the hub is gone: what model.json keeps gives the same network, byte for byte.
    hub.repositories[NAME].commit(_files(image_mean=[0.1] * 3))
    changed = [
        word for name, value in info["training"]["changed_settings"].items() for word in ("--set", f"{name}={value}")
    ]
    again = done("train", few_drawn_photos, "--out", tmp_path / "b", *changed, "--no-report")
    assert (tmp_path / "b" / "model.onnx").read_bytes() == (tmp_path / "a" / "model.onnx").read_bytes()
    assert "features: 48 of 48 from the cache" in again.stderr
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    done("train", few_drawn_photos, "--out", tmp_path / "c", "--backbone", f"hf:{NAME}@{commit}", "--no-report")
    assert (tmp_path / "c" / "model.onnx").read_bytes() == (tmp_path / "a" / "model.onnx").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", f"backbone_sha256={'0' * 64}"], "has SHA-256 "),
        (["--precision", "int8"], ": a backbone from a file cannot run in int8; leave out --precision"),
        (["--backbone-output", "class"], "which are no tokens; leave out --backbone-output class"),
        (["--recipe", "finetune"], f"unknown backbone 'hf:{NAME}'; choose from lite0, lite2"),
    ],
    ids=["checksum", "precision", "output", "recipe"],
)
def test_what_does_not_fit_is_one_line_that_names_the_repository(
    words: list[str], message: str, hub: FakeHub, few_drawn_photos: Path, tmp_path: Path
) -> None:
    hub.add(NAME, _files())
    result = run_command("train", few_drawn_photos, "--out", tmp_path / "run", "--backbone", f"hf:{NAME}", *words)
    assert result.returncode == 1 and not (tmp_path / "run").exists()
    line = result.stderr.splitlines()[-1]
    assert line.startswith("photoclass: ") and f"hf:{NAME}" in line and message in line


def test_a_network_that_asks_for_bgr_is_refused(hub: FakeHub, few_drawn_photos: Path, tmp_path: Path) -> None:
    hub.add(NAME, _files(do_flip_channel_order=True))
    result = run_command("train", few_drawn_photos, "--out", tmp_path / "run", "--backbone", f"hf:{NAME}")
    assert f"hf:{NAME}: preprocessor_config.json: the network takes BGR photos" in result.stderr


@pytest.mark.parametrize(
    "name", ["hf:", "hf:tiny", "HF:a/b", "hf:a/b@", "hf:a/b:", "hf:a/b@x y", "hf:a/b:x:y", "hf:../b"]
)
def test_a_name_that_is_none_is_refused_before_any_request(name: str) -> None:
    with pytest.raises(PhotoclassError, match=r"give hf:OWNER/REPO\[@REVISION\]\[:FILE.onnx\]"):
        with_settings(FeaturesSettings(), {"backbone": name})
