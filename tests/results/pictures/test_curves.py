"""The learning curves: drawn from any history, without a display."""

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoclass.model.folder import Epoch
from photoclass.results.pictures.curves import draw_curves

TRAIN, VALID = (138, 148, 166), (217, 72, 15)


def _epochs(*losses: float) -> list[Epoch]:
    return [Epoch(i, loss + 0.1, 0.5, loss, 0.6, 1, 1) for i, loss in enumerate(losses, start=1)]


def _has(file: Path, colour: tuple[int, int, int]) -> bool:
    with Image.open(file) as opened:
        assert opened.size == (1320, 528)
        return bool((np.asarray(opened.convert("RGB")) == colour).all(axis=-1).any())


@pytest.mark.parametrize(
    "history",
    [
        _epochs(0.7),
        _epochs(0.7, 0.5, 0.6),
        _epochs(*np.linspace(1, 0, 60)),
        _epochs(0.5, 0.5),
        _epochs(0.7, math.nan, 0.5),
        _epochs(1e-9, 1e9),
    ],
    ids=["one", "three", "sixty", "flat", "nan", "extreme"],
)
def test_both_curves_are_drawn(history: list[Epoch], tmp_path: Path) -> None:
    draw_curves(history, tmp_path / "curves.png", "small-cnn · run")
    assert _has(tmp_path / "curves.png", TRAIN) and _has(tmp_path / "curves.png", VALID)


def test_a_history_without_a_number_has_empty_axes(tmp_path: Path) -> None:
    draw_curves(_epochs(math.nan, math.nan), tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000


@pytest.mark.parametrize(
    "title", ["", "small-cnn · 猫", "small-cnn · $x$", "a" * 500], ids=["none", "cat", "tex", "long"]
)
def test_any_title_can_be_written(title: str, tmp_path: Path) -> None:
    draw_curves(_epochs(0.7, 0.5), tmp_path / "curves.png", title)
    assert _has(tmp_path / "curves.png", VALID)
