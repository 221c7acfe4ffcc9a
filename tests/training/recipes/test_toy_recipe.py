"""A new recipe takes settings, a learner and one registration: this one shows that nothing else needs to change."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from photoclass.errors import SettingsError
from photoclass.metrics.logits import logit_count
from photoclass.photos.decode_settings import ResizeRule
from photoclass.training.compute import choose_compute
from photoclass.training.export import export_onnx
from photoclass.training.finish import TrainResult
from photoclass.training.learners.network import PixelLearner, train_network
from photoclass.training.prepare import split_photos
from photoclass.training.recipes.augment_settings import AugmentSettings
from photoclass.training.recipes.loop_settings import LoopSettings
from photoclass.training.recipes.registry import RECIPES, Recipe, describe_recipes
from photoclass.training.run import Run, TrainOptions, TrainRequest
from photoclass.training.train import train
from photoclass.workspace import Workspace
from tiny_runs import Tiny

# Step 1, the settings: training/recipes/mean_colour.py.
AUGMENT = AugmentSettings()
LOOP = LoopSettings(batch_size=8, epochs=2, learning_rate=0.05)


@dataclass(frozen=True)
class MeanColourSettings:
    image_size: int = 16
    resize: ResizeRule = "squash"
    gain: float = 1.0
    augment: AugmentSettings = AUGMENT
    loop: LoopSettings = LOOP


# Step 2, the learner: training/learners/mean_colour.py.
class MeanColour(nn.Module):
    def __init__(self, gain: float, classes: int) -> None:
        super().__init__()
        self.gain = gain
        self.output = nn.Linear(3, logit_count(classes))

    def features(self, images: Tensor) -> Tensor:
        return self.gain * images.mean(dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.output(self.features(images))
        return logits


@dataclass(frozen=True)
class MeanColourLearner(PixelLearner):
    settings: MeanColourSettings
    network: MeanColour
    name: ClassVar[str] = "a linear classifier on the mean colour, from scratch"

    def export(self, temperature: float) -> bytes:
        return export_onnx(self.network, self.settings.image_size)


def train_mean_colour(request: TrainRequest, settings: MeanColourSettings) -> TrainResult:
    compute = choose_compute(request.options.device, request.options.precision)
    photos, duplicates = split_photos(request, settings)
    torch.manual_seed(request.seed)
    network = MeanColour(settings.gain, len(photos.table.class_names))
    run = Run(request, settings, photos, duplicates, compute)
    return train_network(run, MeanColourLearner(settings, network))


# Step 3, one registration: training/recipes/registry.py.
RECIPE = Recipe("mean-colour", "a linear classifier on the mean colour", MeanColourSettings, train_mean_colour)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES, RECIPE.name, RECIPE)


def _train(tiny: Tiny, out: Path, **settings: object) -> TrainResult:
    options = TrainOptions(precision="fp32", report=True)
    return train(tiny.data, out, "mean-colour", settings, options, workspace=Workspace(tiny.cache, 1))


def test_a_new_recipe_trains_and_describes_itself_in_card_and_report(tiny: Tiny, tmp_path: Path) -> None:
    trained = _train(tiny, tmp_path / "run", epochs="3", gain="2")
    assert trained.info.recipe == "mean-colour"
    assert trained.info.settings["gain"] == 2.0
    assert len(trained.history) == 3 and [score.split for score in trained.scores] == ["valid", "held_out"]
    card = (tmp_path / "run" / "README.md").read_text()
    assert "A linear classifier on the mean colour, from scratch: 3 epochs on cpu" in card
    assert "--recipe mean-colour --seed 0 --set gain=2.0 --set epochs=3" in card
    report = (tmp_path / "run" / "report.html").read_text()
    assert "Train with --recipe features" in report, "a pretrained backbone is recommended to a network from scratch"


def test_a_new_recipe_is_in_the_help_and_its_settings_are_known(tiny: Tiny, tmp_path: Path) -> None:
    assert "mean-colour (a linear classifier on the mean colour)" in describe_recipes()
    with pytest.raises(
        SettingsError, match="the recipe mean-colour has no setting 'dropout'; the recipe small-cnn has"
    ):
        _train(tiny, tmp_path / "run", dropout="0.5")
    assert {field.name for field in dataclasses.fields(RECIPE.settings)} >= {"image_size", "gain", "loop"}
