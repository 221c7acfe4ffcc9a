"""`train --config`: options from a TOML file, or from the model folder of an earlier run. The command line wins."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperOption

from photoclass.errors import SettingsError

_SETTINGS = "settings"
# Their relative paths are looked for beside the file, so that it means the same from every folder.
_PATHS = ("data", "fixes", "json", "out")
# What says which recipe is trained, and with it what its settings are called.
_RECIPE = ("recipe", "quality")
_RUN_FILE = "model.json"  # may be named in place of its folder
_NOT_IN_A_FILE = ("config", "help", "resume", "force")


@dataclass(frozen=True)
class Config:
    """The content of a config.

    Attributes:
        options: Values by the name of the option's parameter, as the command line would give them.
        settings: Hyperparameters by name, as `--set` takes them.
    """

    options: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)


def load_config(context: typer.Context, parameter: Any, file: Path | None) -> Path | None:
    """Take the options of a config as defaults of the command. The callback of `--config`, which is read first.

    Raises:
        SettingsError: The file cannot be read, names an unknown option, or has a value of the wrong type.
        ModelError: The model folder of the earlier run cannot be read.
    """
    if file is None:
        return None
    is_toml = file.suffix.casefold() == ".toml"
    if not is_toml and not file.exists():
        raise SettingsError(f"{file}: no such file or folder; --config takes a TOML file (NAME.toml) or a model folder")
    if not is_toml and not file.is_dir() and file.name != _RUN_FILE:
        raise SettingsError(f"{file}: is neither a TOML file (NAME.toml) nor a model folder")
    config = _read_toml(file, context) if is_toml else _read_run(file)
    context.default_map = config.options
    context.meta[_SETTINGS] = config.settings
    return file


def settings_of_config(context: typer.Context) -> dict[str, str]:
    """Return the hyperparameters that the config gives; none if the command line chooses the recipe."""
    given_here = any(_source(context, name) == "COMMANDLINE" for name in _RECIPE)
    settings: dict[str, str] = context.meta.get(_SETTINGS, {})
    return {} if given_here else settings


def from_command_line(context: typer.Context, name: str) -> bool:
    """Return whether an option stands on the command line, and not in the config."""
    return _source(context, name) != "DEFAULT_MAP"


def without_other_recipe(context: typer.Context, recipe: str | None, quality: str | None) -> tuple[str | None, ...]:
    """Return recipe and quality, but for the one of the config if the command line gives the other."""
    if from_command_line(context, "recipe") and recipe is not None and not from_command_line(context, "quality"):
        return recipe, None
    if from_command_line(context, "quality") and quality is not None and not from_command_line(context, "recipe"):
        return None, quality
    return recipe, quality


def _source(context: typer.Context, name: str) -> str:
    """Return where the value of an option comes from, as Click names it."""
    source = context.get_parameter_source(name)
    return "" if source is None else source.name


def _read_toml(file: Path, context: typer.Context) -> Config:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: is not TOML ({error})") from error
    settings = content.pop(_SETTINGS, {})
    if not isinstance(settings, dict):
        raise SettingsError(
            f"{file}: settings must be a table of hyperparameters, such as [settings] and dropout = 0.5"
        )
    parameters = _parameters(context)
    options = {}
    for key, value in content.items():
        name = key.replace("-", "_")
        if name not in parameters:
            near = difflib.get_close_matches(name, parameters, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; choose from {', '.join(sorted(parameters))}, settings"
            raise SettingsError(f"{file}: unknown option {key!r}{hint}")
        parameter = parameters[name]
        options[str(parameter.name)] = _beside(file, name, _checked(file, key, value, parameter, context))
    return Config(options, {name: _text(value) for name, value in settings.items()})


def _parameters(context: typer.Context) -> dict[str, Any]:
    """Return the parameters of the command by the names that a file may give them: `backbone_size`."""
    named = {}
    for parameter in context.command.params:
        names = [name.removeprefix("--") for name in parameter.opts if name.startswith("--")] or [str(parameter.name)]
        named[names[0].replace("-", "_")] = parameter
    return {name: parameter for name, parameter in named.items() if name not in (*_NOT_IN_A_FILE, "set")}


def _beside(file: Path, name: str, value: Any) -> Any:
    """Return paths relative to the file's folder as paths that can be opened."""
    # Of backbones, only a file is a path.
    is_file = name == "backbone" and str(value).casefold().endswith(".onnx") and not str(value).startswith("hf:")
    if name not in _PATHS and not is_file:
        return value
    values = value if isinstance(value, list) else [value]
    paths = [str(file.parent / item) if isinstance(item, str) and item != "-" else item for item in values]
    return paths if isinstance(value, list) or name == "data" else paths[0]


def _checked(file: Path, key: str, value: Any, parameter: Any, context: typer.Context) -> Any:
    """Return a value if it is one that the option takes.

    Raises:
        SettingsError: It is not.
    """
    is_option = isinstance(parameter, TyperOption)
    is_flag = is_option and parameter.is_flag
    many = parameter.multiple if is_option else parameter.nargs != 1
    items = value if isinstance(value, list) else [value]
    wanted = "true or false" if is_flag else "text or a number"
    if any(isinstance(item, dict | list) or isinstance(item, bool) != is_flag for item in items):
        raise SettingsError(f"{file}: {key} = {value!r}: must be {wanted}{' or a list of these' if many else ''}")
    if "" in items:  # as on the command line
        raise SettingsError(f"{file}: {key} is empty; give a value, or leave it out")
    if isinstance(value, list) and not many:
        raise SettingsError(f"{file}: {key} = {value!r}: must be one value, {wanted}")
    # As text, as on the command line: 1.5 epochs are refused, and not rounded.
    given: Any = value if is_flag else [str(item) for item in items] if many else str(value)
    try:
        parameter.type_cast_value(context, given)
    except typer.BadParameter as error:
        raise SettingsError(f"{file}: {key}: {error.message.rstrip('.')}") from error
    return given


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _read_run(run: Path) -> Config:
    from photoclass.training.run_settings import run_settings

    again = run_settings(run)
    options, reading = again.options, again.options.reading
    given: Mapping[str, Any] = {
        "recipe": again.recipe,
        "seed": options.seed,
        "data": [str(part) for part in again.data.parts] if again.data else None,
        "fixes": options.fixes,
        "split": None if options.split is None else str(options.split),
        **{option.removeprefix("--").replace("-", "_"): value for option, value in reading.as_arguments()},
    }
    return Config({name: value for name, value in given.items() if value is not None}, again.settings)
