"""The default way with the base dependencies alone: what the extras add is hidden from import, in every process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from photoclass.walkthrough.drawings.drawings import draw_photo_folders
from running import done

SMALL_DEMO = Path(__file__).parent / "walkthrough" / "small_demo.py"
# Packages of extras, and others that no base dependency needs.
HIDDEN = (
    *("torch", "onnxscript", "safetensors", "cv2"),
    *("matplotlib", "sklearn", "scipy", "pandas", "polars", "pyarrow", "onnxruntime"),
)
# Python imports this file at its start, if it is in PYTHONPATH; None in `sys.modules` stands for "not installed".
_HIDE = f"import sys\nsys.modules.update(dict.fromkeys({HIDDEN!r}))\n"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draw before anything is hidden: joblib keeps the processes that draw, and other tests work in them later."""
    folder = tmp_path_factory.mktemp("drawn") / "photos"
    draw_photo_folders(folder, 40)
    return folder


@pytest.fixture
def without_extras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the packages from every interpreter that this test starts, with a cache of its own."""
    folder = tmp_path / "hiding"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(_HIDE)
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    monkeypatch.setenv("PHOTOCLASS_CACHE", str(tmp_path / "cache"))


def _run(*words: object, script: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command in a new interpreter."""
    start = [str(script)] if script else ["-m", "photoclass"]
    command = [sys.executable, *start, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def _done(*words: object, script: Path | None = None) -> subprocess.CompletedProcess[str]:
    result = _run(*words, script=script)
    assert result.returncode == 0, result.stderr
    return result


def test_every_step_needs_the_base_dependencies_alone(
    photos: Path, tmp_path: Path, without_extras: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, test = tmp_path / "run", photos / "dog"
    checked = json.loads(_written("check", photos, "--json", tmp_path / "check.json"))
    assert checked["label_errors"] is not None, "labels are checked"
    _done("train", photos, "--quality", "fast", "--out", run)
    assert {"model.onnx", "README.md", "report.html"} <= {path.name for path in run.iterdir()}
    _written("evaluate", photos, "--model", run, "--json", tmp_path / "score.json")
    _written("predict", test, "--model", run, "--out", tmp_path / "predictions.csv")
    sample = tmp_path / "sample.csv"
    sample.write_text("id,label\n" + "".join(f"{path.stem},0.5\n" for path in sorted(test.iterdir())))
    _written("submit", test, "--model", run, "--sample", sample, "--out", tmp_path / "submission.csv")
    _written("gallery", test, "--model", run, "--count", 9, "--out", tmp_path / "gallery.png")
    _written("explain", test / "dog-0001.jpg", "--model", run, "--out", tmp_path / "heat.png")
    _done("report", run)

    monkeypatch.undo()  # the same with torch loaded
    done("train", photos, "--quality", "fast", "--out", tmp_path / "with-torch")
    assert (tmp_path / "with-torch" / "model.onnx").read_bytes() == (run / "model.onnx").read_bytes()


def _written(*words: object) -> str:
    """Run a command whose last word is a file that it writes; return the file's text, if it is text."""
    _done(*words)
    file = Path(str(words[-1]))
    assert file.stat().st_size > 100
    return "" if file.suffix == ".png" else file.read_text(encoding="utf-8")


def test_the_demo_trains_on_pretrained_features(tmp_path: Path, without_extras: None) -> None:
    out = tmp_path / "demo"
    result = _done(40, "demo", "--out", out, script=SMALL_DEMO)
    assert "the reference CNN needs torch: pip install 'photoclass[torch]'" in result.stderr
    assert json.loads((out / "model" / "model.json").read_text())["recipe"] == "features"
    assert "curves.png" not in result.stdout and not (out / "model" / "curves.png").exists()


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("train", "--recipe", "finetune"), "the recipe finetune"),
        (("train", "--quality", "best"), "the recipe finetune"),
        (("train", "--recipe", "small-cnn"), "the recipe small-cnn"),
        (("demo", "--epochs", "3"), "a demo with --epochs"),
        (("demo", "--minutes", "3"), "a demo with --minutes"),
    ],
    ids=["finetune", "best", "small-cnn", "epochs", "minutes"],
)
def test_what_needs_torch_says_so_in_one_line_with_the_command(
    words: tuple[str, ...], what: str, tmp_path: Path, without_extras: None
) -> None:
    data = [tmp_path / "no-photos"] if words[0] == "train" else []
    result = _run(words[0], *data, *words[1:], "--out", tmp_path / "out")
    line = f"photoclass: {what} needs torch; run: pip install 'photoclass[torch]'\n"
    assert (result.returncode, result.stderr) == (1, line)
    assert not (tmp_path / "out").exists()
