"""What a recipe needs is asked for before it trains, wherever training is started."""

from pathlib import Path

import numpy as np
import pytest

from photoclass import PhotoClassifier, extras
from photoclass.errors import MissingPackageError
from photoclass.training.recipes.registry import RECIPES
from photoclass.training.run import TrainOptions
from photoclass.training.train import train

NEED_TORCH = sorted(name for name, recipe in RECIPES.items() if recipe.needs_torch)


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda module: None if module == "torch" else object())


def test_the_default_recipe_needs_the_base_alone(no_torch: None) -> None:
    RECIPES["features"].require_packages()
    assert NEED_TORCH == ["finetune", "resnet", "small-cnn"]


@pytest.mark.parametrize("name", NEED_TORCH)
def test_training_is_refused_before_anything_is_read(name: str, no_torch: None, tmp_path: Path) -> None:
    message = rf"the recipe {name} needs torch; run: pip install 'photoclass\[torch\]'"
    with pytest.raises(MissingPackageError, match=message):
        train(tmp_path / "no-photos", tmp_path / "run", name)
    assert not (tmp_path / "run").exists()
    with pytest.raises(MissingPackageError, match=message):
        PhotoClassifier(recipe=name).fit(np.zeros((4, 8, 8, 3), np.uint8), ["a", "b"] * 2)


def test_a_checkpoint_is_not_read_without_torch(no_torch: None, tmp_path: Path) -> None:
    checkpoint = tmp_path / "run" / "resume" / "checkpoint.safetensors"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"")
    with pytest.raises(MissingPackageError, match="a checkpoint needs torch"):
        train(tmp_path / "no-photos", tmp_path / "run", options=TrainOptions(resume=True))
    assert checkpoint.exists()
