"""Settings by name: text is parsed, mistakes are named, saved settings are restored."""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoclass.errors import SettingsError
from photoclass.training.recipes.settings import from_saved, named_settings, with_settings
from photoclass.training.recipes.small_cnn import SmallCnnSettings

RECIPE = SmallCnnSettings()


def test_the_names_of_a_recipes_settings_are_unique() -> None:
    names = [name for name, _ in named_settings(RECIPE)]
    assert len(names) == len(set(names))
    assert {"image_size", "dropout", "zoom", "learning_rate"} <= set(names)


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("epochs", "7", 7),
        ("epochs", 7, 7),
        ("dropout", "0.5", 0.5),
        ("dropout", 0, 0.0),
        ("learning_rate", "1e-4", 1e-4),
        ("filters", "8,16", (8, 16)),
        ("filters", "8", (8,)),
        ("filters", (8, 16), (8, 16)),
        ("filters", [8, 16], (8, 16)),
        ("fill_mode", "wrap", "wrap"),
        ("resize", "crop", "crop"),
        ("image_size", "64", 64),
    ],
)
def test_a_setting_is_found_by_name_at_any_depth_and_text_is_parsed(name: str, given: Any, value: Any) -> None:
    changed = with_settings(RECIPE, {name: given})
    before, after = dict(named_settings(RECIPE)), dict(named_settings(changed))
    assert after.pop(name) == value
    assert type(dict(named_settings(changed))[name]) is type(before.pop(name))
    assert after == before, "nothing else moves"


def test_several_settings_are_set_at_once() -> None:
    changed = with_settings(RECIPE, {"dropout": "0.1", "zoom": "0", "image_size": 99})
    assert (changed.network.dropout, changed.augment.zoom, changed.image_size) == (0.1, 0.0, 99)
    assert with_settings(RECIPE, {}) == RECIPE


def test_an_unknown_setting_is_refused_naming_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"unknown setting 'dropuot'; choose from .*dropout.*epochs"):
        with_settings(RECIPE, {"dropuot": "0.5"})


def test_a_group_of_settings_is_not_a_setting() -> None:
    with pytest.raises(SettingsError, match="unknown setting 'network'"):
        with_settings(RECIPE, {"network": "x"})


@pytest.mark.parametrize(
    ("name", "given", "kind"),
    [
        ("epochs", "many", "an integer"),
        ("epochs", "1.5", "an integer"),
        ("epochs", "", "an integer"),
        ("dropout", "half", "a number"),
        ("filters", "8,,16", "integers separated by commas"),
        ("filters", "8;16", "integers separated by commas"),
        ("epochs", None, "an integer"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_naming_the_right_one(name: str, given: Any, kind: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}={given}: must be {kind}, for example "):
        with_settings(RECIPE, {name: given})


@pytest.mark.parametrize(
    ("name", "given"), [("epochs", "0"), ("dropout", "1"), ("image_size", "7"), ("flip", "nan"), ("zoom", "2")]
)
def test_a_value_out_of_range_is_refused(name: str, given: str) -> None:
    with pytest.raises(SettingsError):
        with_settings(RECIPE, {name: given})


@given(
    values=st.fixed_dictionaries(
        {},
        optional={
            "image_size": st.integers(8, 2048),
            "resize": st.sampled_from(["squash", "crop"]),
            "filters": st.lists(st.integers(1, 512), min_size=1, max_size=5),
            "dropout": st.floats(0, 0.99),
            "rotation_degrees": st.floats(0, 180),
            "fill_mode": st.sampled_from(["nearest", "constant", "reflect", "wrap"]),
            "learning_rate": st.floats(1e-9, 1e9),
            "adam_epsilon": st.floats(1e-12, 1),
            "patience": st.integers(1, 1000),
        },
    )
)
def test_any_settings_are_restored_from_json(values: dict[str, Any]) -> None:
    settings = with_settings(RECIPE, values)
    saved = json.loads(json.dumps(dataclasses.asdict(settings)))
    assert from_saved(RECIPE, saved) == settings


def test_saved_settings_that_lack_one_are_refused() -> None:
    saved = dataclasses.asdict(RECIPE)
    del saved["loop"]["patience"]
    with pytest.raises(SettingsError, match="lack 'patience'"):
        from_saved(RECIPE, saved)
    assert from_saved(RECIPE, saved, by_older_version=True) == RECIPE
