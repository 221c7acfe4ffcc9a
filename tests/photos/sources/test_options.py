"""Options of how DATA is read, as the user writes them and as messages propose them."""

import shlex

import pytest

from photoclass.errors import SettingsError
from photoclass.photos.sources.options import ReadOptions, parse_assignments, write_option


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("a=train", {"a": "train"}),
        ("a=train, Test Set =test", {"a": "train", "Test Set": "test"}),
        ("*=class", {"*": "class"}),
        ("cats, big=train,x=y=test", {"cats, big": "train", "x=y": "test"}),
    ],
)
def test_assignments_are_read_and_names_may_hold_commas_and_equals_signs(text: str, values: dict[str, str]) -> None:
    assert parse_assignments("--splits", text, "a=train") == values


@pytest.mark.parametrize("text", ["train", "a=train,b", "=train", "a=", "a=train,a=test", ","])
def test_what_is_no_assignment_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"--splits .*: '.*' is (not NAME=VALUE, such as a=train|given twice)"):
        parse_assignments("--splits", text, "a=train")


def test_what_a_message_proposes_reads_back_as_it_was_meant() -> None:
    values = {"Test Set": "test", "it's, so=": "train", "*": "class"}
    option, text = shlex.split(write_option("--splits", values))
    assert parse_assignments(option, text, "a=train") == values


def test_a_word_that_is_no_choice_is_refused() -> None:
    with pytest.raises(
        SettingsError, match="--splits a=tests: unknown split 'tests'; choose from train, valid, test, class"
    ):
        ReadOptions(splits={"a": "tests"})
