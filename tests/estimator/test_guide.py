"""The guide "With pandas and scikit-learn": its code runs, and does what the text says."""

import shutil
from pathlib import Path

import pytest

from guides import run_guide


def test_the_guide_runs(
    drawn_photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, file in enumerate(sorted(drawn_photos.rglob("*.jpg"))):
        if number % 3:
            (tmp_path / "photos" / file.parent.name).mkdir(parents=True, exist_ok=True)
            shutil.copy(file, tmp_path / "photos" / file.parent.name)
    monkeypatch.chdir(tmp_path)
    names = run_guide("scikit-learn.md")
    assert len(names["scores"]) == 5
    assert names["scores"].mean() > 0.8
    assert names["pipeline"].score(names["test"]["image"], names["test"]["label"]) > 0.7
    assert names["search"].best_params_["quality"] == "fast"
    assert (tmp_path / "my-model" / "model.onnx").is_file()
    assert "accuracy" in capsys.readouterr().out
