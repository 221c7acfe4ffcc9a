"""The guides whose code is run as it stands."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

import photoclass
from fake_hub import FakeHub
from guides import commands_of, run_cells, run_guide
from pages import check_fragment
from running import done
from tiny_networks import tiny_transformer


def test_in_a_notebook(drawn_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(drawn_photos, tmp_path / "photos")
    shutil.copytree(drawn_photos / "dog", tmp_path / "new-photos")
    monkeypatch.chdir(tmp_path)
    shown = list(run_cells("notebook.md", {"__name__": "guide"}))
    *results, picture = shown
    assert [type(result).__name__ for result in results] == [
        "Findings",
        "TrainResult",
        "Evaluation",
        "Comparison",
        "Predictions",
    ]
    for result in results:
        assert check_fragment(result._repr_html_()).text()
    assert isinstance(picture, Image.Image)
    assert (tmp_path / "my-model" / "report.html").is_file()


def test_from_the_hub(few_drawn_photos: Path, hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a small network of the same kind under the name that the guide has."""
    config = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "size": {"shortest_edge": 36}}
    files = {
        "onnx/model.onnx": tiny_transformer().SerializeToString(),
        "onnx/model_quantized.onnx": b"another one",
        "preprocessor_config.json": json.dumps(config).encode(),
    }
    hub.add("onnx-community/dinov2-small", files, licence="")
    shutil.copytree(few_drawn_photos, tmp_path / "PHOTOS")
    names = {"PHOTOS": "PHOTOS", "RUN": "RUN", "predictions.csv": "predictions.csv"}
    commands = commands_of("hub.md", {word: tmp_path / name for word, name in names.items()})
    assert [words[0] for words in commands] == ["train", "push", "predict"]
    for words in commands:
        done(*words)
    monkeypatch.chdir(tmp_path)
    found = run_guide("hub.md")
    photoclass.write_predictions(found["predictions"], tmp_path / "again.csv")
    there, again = (photoclass.read_predictions(tmp_path / f"{name}.csv") for name in ("predictions", "again"))
    assert [row["prob_cat"] for row in again] == [row["prob_cat"] for row in there] and len(there) == 48
    assert len(hub.repositories["me/cats-and-dogs"].commits) == 3  # an empty one, and two pushes
