"""The guide "Predictions as files, data frames and pipes": its code runs, and does what the text says."""

import shutil
from pathlib import Path

import pytest

from guides import run_guide


def test_the_guide_runs(
    model: Path,
    few_drawn_photos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(few_drawn_photos / "cat", tmp_path / "new-photos")
    (tmp_path / "new-photos" / "empty.jpg").touch()
    (tmp_path / "run").symlink_to(model)
    monkeypatch.chdir(tmp_path)
    names = run_guide("predictions.md")
    frame = names["frame"]
    assert frame["label"].isna().sum() == 1 and len(names["unsure"]) == (frame["label"] == "unsure").sum()
    assert names["table"].num_rows == len(frame) == 25
    printed = capsys.readouterr().out
    assert "empty.jpg" in printed and "b'photoclass/predict/1'" in printed
