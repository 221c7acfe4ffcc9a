"""The built-in model: packed from a RUN, used where no --model is given, without anything about the photos.

A stand-in that learnt from drawings is put into a copy of the package; what is in the package itself is looked at last.
"""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from photoclass.model.builtin import BUILTIN_MODEL
from photoclass.model.folder import load_info, load_photos
from running import real_photos, run_in_new_interpreter

ROOT = Path(__file__).parents[1]
PACK = ROOT / "tools" / "builtin_model.py"
FILES = {
    "model.onnx",
    "model.json",
    "README.md",
    "photos.bin",
    "valid_predictions.csv",
    "held_out_predictions.csv",
    "novelty.npz",
    "history.csv",
    "curves.png",
}
NOT_IN_BASE = ("torch", "onnx", "onnxscript", "safetensors", "sklearn", "scipy")


def _pack(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PACK), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def stand_in(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with a stand-in as its built-in model; that model's folder."""
    package = tmp_path_factory.mktemp("site") / "photoclass"
    shutil.copytree(ROOT / "src" / "photoclass", package, ignore=shutil.ignore_patterns("__pycache__", "cat-or-dog"))
    folder = package / "cat-or-dog"
    packed = _pack(model, "--out", folder)
    assert packed.returncode == 0, packed.stderr
    assert packed.stdout.count("held_out log loss") == 2 and "weights in fp16" in packed.stdout
    return folder


@pytest.fixture
def installed(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in's folder; commands of this test use its package."""
    monkeypatch.setenv("PYTHONPATH", str(stand_in.parents[1]))
    return stand_in


@pytest.fixture
def photo(drawn_photos: Path) -> Path:
    return drawn_photos / "cat" / "cat-0001.jpg"


def _done(*words: object) -> subprocess.CompletedProcess[str]:
    """Run a command in a new interpreter, which imports the package that PYTHONPATH names."""
    result = run_in_new_interpreter(*words)
    assert result.returncode == 0, result.stderr
    return result


def _refused(*words: object) -> str:
    result = run_in_new_interpreter(*words)
    assert result.returncode == 1 and "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("photoclass: ")]
    assert len(lines) == 1, result.stderr
    return lines[0]


# Used


def test_predict_without_a_model_uses_the_built_in_one(installed: Path, photo: Path, tmp_path: Path) -> None:
    without, given = (tmp_path / name for name in ("without.csv", "given.csv"))
    request = _done("predict", photo, "--out", without)
    assert request.stderr.count("using the built-in model") == 1 and "built-in" not in request.stdout
    named = _done("predict", photo, "--out", given, "--model", installed)
    assert "built-in" not in named.stderr
    assert without.read_bytes() == given.read_bytes()


def test_every_command_with_a_model_option_works_without_it(
    installed: Path, drawn_photos: Path, tmp_path: Path
) -> None:
    flat = tmp_path / "test"
    flat.mkdir()
    for number, file in enumerate(sorted(drawn_photos.rglob("*.jpg"))[:6], start=1):
        shutil.copy(file, flat / f"{number}.jpg")
    for words in (
        ["predict", flat, "--abstain", "0.9", "--out", tmp_path / "p.csv"],
        ["submit", flat, "--out", tmp_path / "s.csv"],
        ["gallery", flat, "--out", tmp_path / "g.png"],
        ["explain", flat, "--count", "1", "--out", tmp_path / "h.png"],
    ):
        assert "using the built-in model" in _done(*words).stderr
        assert words[-1].is_file()
    with open(tmp_path / "p.csv", newline="") as stream:
        assert all(row["distance"] for row in csv.DictReader(stream))


def test_evaluate_leaves_out_its_training_photos_and_gives_the_score_of_the_card(
    installed: Path, drawn_photos: Path, tmp_path: Path
) -> None:
    _done("evaluate", drawn_photos, "--json", tmp_path / "score.json")
    score = json.loads((tmp_path / "score.json").read_text())
    info = load_info(installed)
    assert score["left_out_trained"] == sum(info.photos["train"].values())
    assert score["split"] == "held_out" and score["leaked_duplicates"] is None
    assert score["log_loss"] == pytest.approx(info.metrics["held_out"].log_loss.value, abs=1e-9)
    assert score["log_loss_ci95"] == pytest.approx(info.metrics["held_out"].log_loss.bounds(), abs=1e-9)


def test_the_report_finds_its_photos_by_content_alone(installed: Path, drawn_photos: Path, tmp_path: Path) -> None:
    told = _done("report", installed, "--data", drawn_photos, "--out", tmp_path / "report.html")
    assert "missing" not in told.stdout and "no pictures" not in told.stdout
    assert (tmp_path / "report.html").read_text().count("data:image/") > 10


def test_it_works_with_the_base_installation(installed: Path, photo: Path) -> None:
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({NOT_IN_BASE})); from photoclass.cli import main; "
        f"main(['predict', {str(photo)!r}, '--abstain', '0.5'])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"{photo}: ")


# Damaged


def test_a_damaged_installation_gives_one_line(installed: Path, photo: Path, tmp_path: Path) -> None:
    network = (installed / "model.onnx").read_bytes()
    try:
        (installed / "model.onnx").write_bytes(network[:-1])
        line = _refused("predict", photo)
        assert "model.onnx: missing, damaged or replaced" in line and "install it again" in line
        other = shutil.copytree(installed, tmp_path / "other")
        assert "copy the folder again" in _refused("predict", photo, "--model", other)
        (installed / "model.onnx").unlink()
        assert "install it again" in _refused("predict", photo)
    finally:
        (installed / "model.onnx").write_bytes(network)
    away = installed.with_name("away")
    installed.rename(away)
    try:
        line = _refused("predict", photo)
        assert "the built-in model is missing" in line and "--model" in line
    finally:
        away.rename(installed)


# Packed


def test_the_folder_is_complete_and_contains_nothing_about_the_photos(
    installed: Path, model: Path, drawn_photos: Path
) -> None:
    assert {path.name for path in installed.iterdir()} == FILES
    _check_nameless(installed)
    named = {photo.name for photo in load_photos(model)}
    said = "".join(path.read_text() for path in installed.iterdir() if path.suffix in (".csv", ".json", ".md"))
    assert str(drawn_photos) not in said and not any(name in said for name in named)
    assert {(photo.content, photo.split, photo.label) for photo in load_photos(installed)} == {
        (photo.content[:8], photo.split, photo.label) for photo in load_photos(model)
    }


def test_weights_are_stored_in_fp16_at_nearly_the_same_score(installed: Path, model: Path) -> None:
    kinds = {tensor.data_type for tensor in onnx.load(installed / "model.onnx").graph.initializer}
    assert TensorProto.FLOAT16 in kinds
    assert (installed / "model.onnx").stat().st_size < 0.55 * (model / "model.onnx").stat().st_size
    info = load_info(installed)
    assert info.training.packing is not None and info.training.packing.weights == "fp16"
    before = load_info(model).metrics["held_out"].log_loss.value
    assert info.training.packing.log_loss_with_fp32_weights == pytest.approx(before, abs=1e-6)
    assert info.metrics["held_out"].log_loss.value == pytest.approx(before, abs=5e-4)


def test_the_card_has_the_score_and_how_to_reproduce_it(installed: Path) -> None:
    _check_card(installed)


def test_packing_again_replaces_the_folder(installed: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "folder"
    for _ in range(2):
        assert _pack(model, "--out", out).returncode == 0
    assert {path.name for path in out.iterdir()} == FILES and [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert (out / "model.onnx").read_bytes() == (installed / "model.onnx").read_bytes()


def test_rewriting_changes_nothing_that_is_used(installed: Path, tmp_path: Path) -> None:
    out = shutil.copytree(installed, tmp_path / "folder")
    assert _pack("--rewrite", "--out", out).returncode == 0
    assert {path.name for path in out.iterdir()} == FILES
    for name in ("model.onnx", "photos.bin", "valid_predictions.csv", "held_out_predictions.csv"):
        assert (out / name).read_bytes() == (installed / name).read_bytes(), name


def test_packing_needs_the_photos_of_the_training(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    some = tmp_path / "some"
    for name in ("cat", "dog"):
        (some / name).mkdir(parents=True)
        for file in sorted((drawn_photos / name).iterdir())[:5]:
            shutil.copy(file, some / name)
    result = _pack(model, "--data", some, "--out", tmp_path / "folder")
    assert result.returncode == 1 and "give what it was trained on" in result.stderr
    assert "Traceback" not in result.stderr and not (tmp_path / "folder").exists()


# What comes with the package


def test_the_built_in_model_is_small_and_good() -> None:
    assert {path.name for path in BUILTIN_MODEL.iterdir()} == FILES
    assert (BUILTIN_MODEL / "model.onnx").stat().st_size <= 4_000_000
    assert sum(path.stat().st_size for path in BUILTIN_MODEL.iterdir()) <= 5_500_000
    info = load_info(BUILTIN_MODEL)
    assert info.class_names == ("cat", "dog") and info.seed == 0
    assert info.metrics["held_out"].accuracy.value >= 0.965 and not info.metrics["held_out"].split_selected_model
    _check_nameless(BUILTIN_MODEL)
    _check_card(BUILTIN_MODEL)


def test_the_built_in_model_classifies_real_cats_and_dogs(tmp_path: Path) -> None:
    photos = real_photos(tmp_path, 25)
    _done("predict", photos, "--out", tmp_path / "p.csv")
    with open(tmp_path / "p.csv", newline="") as stream:
        right = [Path(row["file"]).name.startswith(row["label"]) for row in csv.DictReader(stream)]
    assert len(right) == 50 and np.mean(right) >= 0.9


def _check_nameless(folder: Path) -> None:
    """Check that a folder contains neither names of photos nor paths."""
    assert not (folder / "photos.csv").exists()
    names = {photo.name for photo in load_photos(folder)}
    training = load_info(folder).training
    assert training.data is None and training.fixes is None
    for path in folder.iterdir():
        if path.suffix in (".csv", ".json"):
            said = path.read_text()
            assert not re.search(r'(^|[",])/', said, re.MULTILINE) and ".jpg" not in said, path
    for line in (folder / "held_out_predictions.csv").read_text().splitlines()[1:]:
        assert line.partition(",")[0] in names


def _check_card(folder: Path) -> None:
    card, held_out = (folder / "README.md").read_text(), load_info(folder).metrics["held_out"]
    assert f"{held_out.accuracy.value:.2%}" in card and f"{held_out.log_loss.value:.4f}" in card
    assert "make builtin-model" in card and "## Limits" in card and "/work" not in card
