"""The guides whose code is run as it stands."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from guides import run_cells
from pages import check_fragment


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
