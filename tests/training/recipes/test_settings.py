"""Settings by name: words are parsed, mistakes are named, what was saved comes back the same."""

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


def test_no_name_stands_twice_in_a_recipe() -> None:
    names = [name for name, _ in named_settings(RECIPE)]
    assert len(names) == len(set(names))
    assert {"image_size", "dropout", "zoom", "learning_rate"} <= set(names)


@pytest.mark.parametrize(
    ("name", "word", "value"),
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
def test_a_setting_is_found_by_name_wherever_it_lies_and_words_are_parsed(name: str, word: Any, value: Any) -> None:
    changed = with_settings(RECIPE, {name: word})
    before, after = dict(named_settings(RECIPE)), dict(named_settings(changed))
    assert after.pop(name) == value
    assert type(dict(named_settings(changed))[name]) is type(before.pop(name))
    assert after == before, "nothing else moves"


def test_several_settings_are_set_at_once() -> None:
    changed = with_settings(RECIPE, {"dropout": "0.1", "zoom": "0", "image_size": 99})
    assert (changed.network.dropout, changed.augment.zoom, changed.image_size) == (0.1, 0.0, 99)
    assert with_settings(RECIPE, {}) == RECIPE


def test_an_unknown_setting_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(SettingsError, match=r"no setting 'dropuot'; there are: .*dropout.*epochs"):
        with_settings(RECIPE, {"dropuot": "0.5"})


def test_a_nested_group_is_no_setting() -> None:
    with pytest.raises(SettingsError, match="no setting 'network'"):
        with_settings(RECIPE, {"network": "x"})


@pytest.mark.parametrize(
    ("name", "word", "kind"),
    [
        ("epochs", "many", "a whole number"),
        ("epochs", "1.5", "a whole number"),
        ("epochs", "", "a whole number"),
        ("dropout", "half", "a number"),
        ("filters", "8,,16", "whole numbers with commas between"),
        ("filters", "8;16", "whole numbers with commas between"),
        ("epochs", None, "a whole number"),
    ],
)
def test_a_word_of_another_kind_is_refused_saying_which_kind_is_meant(name: str, word: Any, kind: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}={word}: must be {kind}, like "):
        with_settings(RECIPE, {name: word})


@pytest.mark.parametrize(
    ("name", "word"), [("epochs", "0"), ("dropout", "1"), ("image_size", "7"), ("flip", "nan"), ("zoom", "2")]
)
def test_a_value_out_of_range_is_refused(name: str, word: str) -> None:
    with pytest.raises(SettingsError):
        with_settings(RECIPE, {name: word})


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
def test_saved_as_json_any_settings_come_back_the_same(values: dict[str, Any]) -> None:
    settings = with_settings(RECIPE, values)
    saved = json.loads(json.dumps(dataclasses.asdict(settings)))
    assert from_saved(RECIPE, saved) == settings


def test_saved_settings_that_lack_one_are_refused() -> None:
    saved = dataclasses.asdict(RECIPE)
    del saved["loop"]["patience"]
    with pytest.raises(SettingsError, match="lack 'patience'"):
        from_saved(RECIPE, saved)
