"""Settings by name: any hyperparameter of a recipe can be changed as in `--set dropout=0.5`."""

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, Protocol, TypeVar

from photoclass.errors import SettingsError
from photoclass.photos.decode_settings import ResizeRule
from photoclass.training.recipes.augment_settings import AugmentSettings
from photoclass.training.recipes.loop_settings import LoopSettings


class _Dataclass(Protocol):
    __dataclass_fields__: typing.ClassVar[dict[str, Any]]


class RecipeSettings(_Dataclass, Protocol):
    """What the settings of every recipe have."""

    @property
    def image_size(self) -> int:
        """Side of the square that the saved model takes, in pixels; 0 where the recipe has yet to choose it."""

    @property
    def resize(self) -> ResizeRule:
        """How a photo becomes a square."""


class LoopRecipeSettings(RecipeSettings, Protocol):
    """What the settings of a recipe with a training loop have."""

    @property
    def loop(self) -> LoopSettings:
        """How the network is trained."""


class PixelRecipeSettings(LoopRecipeSettings, Protocol):
    """What the settings of a recipe have that trains a network on augmented pixels."""

    @property
    def augment(self) -> AugmentSettings:
        """How photos are augmented."""


_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
Settings = TypeVar("Settings", bound=_Dataclass)


def with_settings(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """Return `settings` with the named values replaced, those of nested settings included.

    Raises:
        SettingsError: A setting is unknown, or a value has the wrong type or is out of range.
    """
    known = dict(named_settings(settings))
    for name in values:
        if name not in known:
            raise SettingsError(f"unknown setting {name!r}; choose from {', '.join(sorted(known))}")
    return _replace(settings, values)


def named_settings(settings: _Dataclass) -> Iterator[tuple[str, Any]]:
    """Yield name and value of every setting, nested ones included; the names of a recipe are unique."""
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            yield from named_settings(value)
        else:
            yield field.name, value


def setting_text(value: Any) -> str:
    """Return a value as `--set` takes it."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def changed_settings(settings: RecipeSettings) -> dict[str, str]:
    """Return the settings that differ from the recipe's defaults, as `--set` takes them."""
    defaults = dict(named_settings(type(settings)()))
    return {name: setting_text(value) for name, value in named_settings(settings) if value != defaults[name]}


def from_saved(settings: Settings, saved: Mapping[str, Any], *, by_older_version: bool = False) -> Settings:
    """Return `settings` with values that were saved by `dataclasses.asdict` as JSON.

    Args:
        settings: Settings of the same recipe.
        saved: The values.
        by_older_version: Whether they may lack settings that the recipe did not have yet: these stay as in `settings`.

    Raises:
        SettingsError: A saved setting is missing or out of range.
    """
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if field.name not in saved:
            if by_older_version:
                continue
            raise SettingsError(f"the saved settings lack {field.name!r}; train again")
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            changes[field.name] = from_saved(value, saved[field.name], by_older_version=by_older_version)
        else:
            changes[field.name] = tuple(saved[field.name]) if isinstance(value, tuple) else saved[field.name]
    return dataclasses.replace(settings, **changes)


def _replace(settings: Settings, values: Mapping[str, Any]) -> Settings:
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            changes[field.name] = _replace(value, values)
        elif field.name in values:
            changes[field.name] = _parse(field, values[field.name], value)
    return dataclasses.replace(settings, **changes)


def _parse(field: "dataclasses.Field[Any]", given: Any, example: Any) -> Any:
    """Return a value of the example's type: text is parsed, and an integer is accepted as a float."""
    whole = typing.get_args(field.type)[:1] == (int,)
    kind = field.type if field.type in (int, float, str) else type(example)  # the default of a float may be written 0
    text = ",".join(map(str, given)) if isinstance(given, tuple | list) else str(given)
    try:
        if isinstance(example, tuple):
            return tuple(int(part) if whole else float(Fraction(part)) for part in text.split(","))
        if isinstance(example, bool):
            return _BOOLEANS[text.casefold()]
        return kind(text)
    except (ValueError, KeyError, ZeroDivisionError):
        kinds = {
            bool: "true or false",
            int: "an integer",
            float: "a number",
            tuple: "integers separated by commas" if whole else "numbers or fractions separated by commas",
        }
        like = "" if example == () else f", for example {setting_text(example)}"
        raise SettingsError(
            f"{field.name}={text}: must be {kinds.get(tuple if isinstance(example, tuple) else kind, 'text')}{like}"
        ) from None
