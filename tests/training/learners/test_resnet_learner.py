"""The recipe `resnet` from folders of photos to a model folder, through the real commands."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from card_client import assert_client_agrees
from photoclass.errors import Interrupted, SettingsError
from photoclass.model.runtime import Runtime
from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.photos.decode import Pixels, decode_photo, read_file
from photoclass.progress import SILENT
from photoclass.training.finish import TrainResult
from photoclass.training.run import TrainOptions
from photoclass.training.train import train
from photoclass.workspace import Workspace
from running import done, run_command
from tiny_runs import Tiny, assert_same_training, read_checkpoint, stop_after

TINY_RESNET: dict[str, Any] = {
    "image_size": 32,
    "sides": (16, 24),
    "widths": (6, 8),
    "blocks": (1, 1),
    "batch_size": 8,
    "epochs": 4,
    "learning_rate": 0.01,
    "ema_decay": 0.9,
    "crop": 0.5,
}


def _train(tiny: Tiny, out: Path, settings: dict[str, Any] | None = None, **options: Any) -> TrainResult:
    words = TINY_RESNET | (settings or {})
    stop, workspace = options.pop("stop", None), Workspace(tiny.cache, 1, options.pop("progress", SILENT))
    given = {"precision": "fp32", "report": False, **options}
    return train(tiny.data, out, "resnet", words, TrainOptions(**given), stop, workspace)


@pytest.fixture(scope="module")
def whole(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return _train(tiny, tmp_path_factory.mktemp("whole") / "run")


def _pixels(photos: CachedPhotos) -> list[Pixels]:
    return [np.asarray(photos.pixels[i], dtype=np.uint8) for i in range(len(photos))]


def test_all_other_commands_take_its_model(tiny: Tiny, tmp_path: Path) -> None:
    sets = [word for name, value in TINY_RESNET.items() for word in ("--set", f"{name}={_as_words(value)}")]
    environment = ["train", tiny.data, "--recipe", "resnet", "--out", tmp_path / "run", *sets]
    done(*environment)
    told = json.loads((tmp_path / "run" / "model.json").read_text())
    assert told["recipe"] == "resnet"
    assert told["image_size"] == 32
    assert (tmp_path / "run" / "report.html").is_file()
    with open(tmp_path / "run" / "history.csv", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 4
    done("predict", tiny.data, "--model", tmp_path / "run", "--out", tmp_path / "p.csv", "--abstain", "0.9")
    done("explain", tiny.data, "--model", tmp_path / "run", "--out", tmp_path / "heat.png", "--count", "4")
    done("evaluate", tiny.data, "--model", tmp_path / "run")
    assert_client_agrees(tmp_path / "run", tiny.data, tmp_path / "photos")


def _as_words(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def test_the_saved_model_averages_both_views(whole: TrainResult) -> None:
    """In logits, so that a more confident view does not outweigh the other."""
    runtime = Runtime.load(whole.folder, "f32")
    alone = _without_mirror(whole)
    pixels = _pixels(whole.photos)[:12]
    views = [alone.probabilities(view).astype(np.float64) for view in (pixels, [p[:, ::-1] for p in pixels])]
    logits = np.mean([np.log(view[:, 1] / view[:, 0]) for view in views], axis=0)
    np.testing.assert_allclose(runtime.probabilities(pixels)[:, 1], 1 / (1 + np.exp(-logits)), atol=1e-5)
    np.testing.assert_allclose(
        runtime.probabilities([p[:, ::-1] for p in pixels]), runtime.probabilities(pixels), atol=1e-5
    )


def _without_mirror(trained: TrainResult) -> Runtime:
    """Return the same model without the mean over views: with one view, the mean is that view."""
    import onnx

    model = onnx.load_model(trained.folder / "model.onnx")
    nodes = {node.name or node.output[0]: node for node in model.graph.node}
    (concat,) = [node for node in nodes.values() if node.output[0] == "views.pixels"]
    concat.input[1] = concat.input[0]
    return Runtime(trained.info, model.SerializeToString(), trained.folder, "f32")


def test_without_mirror_images_the_model_has_one_view(tiny: Tiny, tmp_path: Path) -> None:
    once = _train(tiny, tmp_path / "run", {"mirror": False, "epochs": 1})
    pixels = _pixels(once.photos)[:12]
    runtime = Runtime.load(once.folder, "f32")
    assert abs(runtime.probabilities(pixels) - runtime.probabilities([p[:, ::-1] for p in pixels])).max() > 1e-4


def test_a_run_stopped_and_resumed_equals_the_run_that_never_stopped(
    tiny: Tiny, whole: TrainResult, tmp_path: Path
) -> None:
    for steps, resume in ((3, False), (1, True), (9, True)):
        stop, watch = stop_after(steps)
        with pytest.raises(Interrupted):
            _train(tiny, tmp_path / "run", stop=stop, progress=watch, resume=resume)
    resumed = train(
        tiny.data,
        tmp_path / "run",
        options=TrainOptions(precision="fp32", report=False, resume=True),
        workspace=Workspace(tiny.cache, 1),
    )
    assert_same_training(read_checkpoint(tmp_path / "run"), read_checkpoint(whole.folder))
    assert resumed.info.onnx_sha256 == whole.info.onnx_sha256


def test_more_than_two_classes_give_as_many_probabilities(tiny: Tiny, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(12):
            pixels = generator.integers(0, 256, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{i}.png")
    options, workspace = TrainOptions(precision="fp32", report=False), Workspace(tiny.cache, 1)
    settings = TINY_RESNET | {"epochs": 1}
    trained = train(tmp_path / "data", tmp_path / "run", "resnet", settings, options, workspace=workspace)
    photo = decode_photo(read_file(str(tmp_path / "data" / "a" / "0.png")), trained.info.decode_settings())  # type: ignore[arg-type]
    probabilities = Runtime.load(tmp_path / "run").probabilities([photo])  # type: ignore[list-item]
    assert probabilities.shape == (1, 3)


def test_probabilities_are_calibrated_on_validation_photos(whole: TrainResult) -> None:
    assert whole.info.training.temperature != 1
    assert whole.info.training.onnx_difference["f32"] <= 1e-3


def test_photos_too_small_for_the_network_are_refused_before_any_work(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="images of 8 pixels are too small"):
        _train(tiny, tmp_path / "run", {"sides": (8, 16), "widths": (4, 4, 4), "blocks": (1, 1, 1)})
    assert not (tmp_path / "run").exists()
    refused = run_command("train", tiny.data, "--recipe", "resnet", "--set", "sides=4", "--out", tmp_path / "run")
    assert refused.returncode == 1
    assert "sides" in refused.stderr
    assert not (tmp_path / "run").exists()
