"""The registry of recipes, and the hyperparameters that they have or choose."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoclass.errors import SettingsError
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.training.prepare import decode_settings
from photoclass.training.recipes.augment_settings import AugmentSettings
from photoclass.training.recipes.finetune import FinetuneSettings
from photoclass.training.recipes.loop_settings import LoopSettings
from photoclass.training.recipes.registry import find_recipe
from photoclass.training.recipes.resnet import ResnetSettings
from photoclass.training.recipes.small_cnn import SmallCnnSettings


def test_small_cnn_has_the_hyperparameters_of_its_post() -> None:
    settings = find_recipe("small-cnn").settings()
    assert (settings.image_size, settings.resize) == (150, "squash")
    assert settings.network.filters == (32, 32, 64)
    assert (settings.network.dense_units, settings.network.dropout) == (64, 0.3)
    assert (settings.augment.rotation_degrees, settings.augment.zoom, settings.augment.flip) == (40, 0.2, 0.5)
    assert (settings.loop.batch_size, settings.loop.epochs, settings.loop.patience) == (16, 50, 5)
    assert (settings.loop.learning_rate, settings.loop.adam_epsilon) == (1e-3, 1e-7)


def test_an_unknown_recipe_is_refused_naming_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"unknown recipe 'smal-cnn'.*small-cnn"):
        find_recipe("smal-cnn")


def test_photos_are_decoded_by_the_settings_of_the_recipe() -> None:
    assert decode_settings(SmallCnnSettings(image_size=64, resize="crop")) == DecodeSettings(64, "crop")


@pytest.mark.parametrize("values", [{"image_size": 7}, {"image_size": 2049}, {"resize": "stretch"}])
def test_an_invalid_size_or_resize_rule_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(values))):
        SmallCnnSettings(**values)


@pytest.mark.parametrize(
    "values",
    [
        {"batch_size": -1},
        {"epochs": -1},
        {"patience": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"adam_epsilon": 0.0},
        {"adam_beta1": 1.0},
        {"adam_beta2": -0.1},
    ],
    ids=str,
)
def test_loop_settings_out_of_range_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(values))):
        LoopSettings(**values)


@pytest.mark.parametrize("recipe", [SmallCnnSettings, FinetuneSettings])
def test_only_resnet_chooses_settings_itself(recipe: type[SmallCnnSettings] | type[FinetuneSettings]) -> None:
    with pytest.raises(SettingsError, match="batch_size is 0"):
        recipe(loop=LoopSettings(batch_size=0))
    with pytest.raises(SettingsError, match="epochs is 0"):
        recipe(loop=LoopSettings(epochs=0))
    with pytest.raises(SettingsError, match="crop is 0"):
        recipe(augment=AugmentSettings(crop=0))


@given(fewer=st.floats(0, 200), more=st.floats(0, 200))
def test_with_more_time_resnet_trains_on_larger_pictures_and_smaller_crops(fewer: float, more: float) -> None:
    short, long = (ResnetSettings().with_pictures_for(epochs) for epochs in sorted((fewer, more)))
    assert short.image_size <= long.image_size
    assert short.sides <= long.sides
    assert short.augment.crop >= long.augment.crop
    for recipe in (short, long):
        assert recipe.sides == tuple(sorted(recipe.sides)), "the largest come last"
        assert recipe.image_size > max(recipe.sides), "and the input of the model is larger"
        assert min(recipe.sides) >= recipe.network.reduction


def test_a_time_budget_raises_the_number_of_epochs_to_the_maximum() -> None:
    usual, timed = (ResnetSettings().with_epochs_for(timed).loop.epochs for timed in (False, True))
    assert usual == 44
    assert timed > 200
    assert ResnetSettings(loop=LoopSettings(epochs=7)).with_epochs_for(timed=True).loop.epochs == 7


def test_settings_of_pictures_that_are_given_stay() -> None:
    recipe = ResnetSettings(image_size=50, sides=(40,), augment=AugmentSettings(crop=0.9))
    assert recipe.with_pictures_for(100) == recipe


@pytest.mark.parametrize(
    ("photos", "device", "batch_size"),
    [
        (1, "cpu", 16),
        (600, "cpu", 16),
        (1_100, "cpu", 32),
        (2_500, "cpu", 64),
        (16_000, "cpu", 128),
        (10**6, "cpu", 128),
        (10**6, "cuda", 256),
    ],
)
def test_resnet_uses_small_batches_for_few_photos_and_large_ones_on_a_gpu(
    photos: int, device: str, batch_size: int
) -> None:
    recipe = ResnetSettings()
    loop = recipe.with_steps_for(photos, 44, device).loop
    assert loop.batch_size == batch_size
    assert loop.learning_rate == pytest.approx((batch_size / 128) ** 0.5 * recipe.loop.learning_rate)


@given(photos=st.integers(1, 10**6), epochs=st.floats(0, 300))
def test_long_and_short_trainings_rotate_kernels_equally_far(photos: int, epochs: float) -> None:
    loop = ResnetSettings().with_steps_for(photos, epochs, "cpu").loop
    steps = epochs * photos / loop.batch_size
    reach = loop.muon_rate * steps**0.5
    if steps >= 250:
        assert reach == pytest.approx(1.2, abs=0.01)
    else:
        assert reach < 1.21
        assert loop.muon_rate < 0.08, "the steps of short ones are no larger than what was tried"


def test_a_batch_size_that_is_given_is_used_with_the_given_rates() -> None:
    recipe = ResnetSettings(loop=LoopSettings(batch_size=24))
    assert recipe.with_steps_for(10**6, 44, "cuda") == recipe


@pytest.mark.parametrize("values", [{"image_size": 7}, {"sides": (64, 4)}, {"resize": "stretch"}])
def test_invalid_sizes_of_resnet_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(values))):
        ResnetSettings(**values)
