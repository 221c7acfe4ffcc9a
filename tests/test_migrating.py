"""The page for those who come from other libraries names commands, options, settings and functions that are there."""

import re
from pathlib import Path

import pytest

import photoclass
from photoclass.cli.commands import COMMANDS, load_command
from photoclass.training.recipes.registry import RECIPES
from photoclass.training.recipes.settings import named_settings

PAGE = Path(__file__).parents[1] / "docs" / "guide" / "migrating.md"
ROWS = [row.split(" | ", 1) for row in PAGE.read_text(encoding="utf-8").splitlines() if row.startswith("| ")]
OURS = [code for row in ROWS for code in re.findall(r"`([^`]+)`", row[-1])]
COMMAND_LINES = sorted({code for code in OURS if code.startswith("photoclass ")})
SETTINGS = {name for recipe in RECIPES.values() for name, _ in named_settings(recipe.settings())}


def _options(command: str) -> set[str]:
    return {option for parameter in load_command(command).params for option in parameter.opts}


@pytest.mark.parametrize("line", COMMAND_LINES)
def test_commands_take_the_options_that_the_page_gives_them(line: str) -> None:
    _, command, *words = line.split()
    assert command in COMMANDS
    assert {word for word in words if word.startswith("--")} <= _options(command)


def test_other_options_are_those_of_train_or_predict() -> None:
    alone = {word for code in OURS if code.startswith("--") for word in code.split() if word.startswith("--")}
    assert alone and alone <= _options("train") | _options("predict")


def test_settings_are_hyperparameters() -> None:
    named = {name for code in OURS for name in re.findall(r"--set (\w+)=", code)}
    assert named and named <= SETTINGS


def test_functions_are_public() -> None:
    named = {name for code in OURS for name in re.findall(r"photoclass\.(\w+)", code)}
    assert named <= set(photoclass.__all__)
