"""From JSON to frozen dataclasses, every type checked against the annotations."""

import dataclasses
import math
import types
import typing
from typing import Any, TypeVar

Value = TypeVar("Value")


class JsonTypeError(ValueError):
    """A value in the JSON is missing, unknown or of the wrong type; the message starts with its path."""


def read_fields(cls: type[Value], values: object, path: str = "") -> Value:
    """Build a dataclass from a JSON object.

    Args:
        cls: The dataclass. Fields with a default may be absent.
        values: What `json.loads` gave.
        path: Where it stands in the file, for messages.

    Raises:
        JsonTypeError: A field is missing, unknown or of the wrong type.
    """
    if not isinstance(values, dict):
        raise JsonTypeError(f"{path or cls.__name__}")
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    prefix = f"{path}." if path else ""
    for name in values:
        if name not in fields:
            raise JsonTypeError(f"{prefix}{name}")
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise JsonTypeError(f"{prefix}{name}")
    kinds = typing.get_type_hints(cls)
    return cls(**{name: read_value(kinds[name], value, f"{prefix}{name}") for name, value in values.items()})


def read_value(kind: Any, value: object, path: str) -> Any:
    """Return a JSON value as `kind`: a dataclass, a dict, a tuple, an optional, or a plain type. Floats are finite.

    Raises:
        JsonTypeError: It is of another type.
    """
    if kind is Any:
        return value
    if typing.get_origin(kind) is types.UnionType:
        (inner,) = (part for part in typing.get_args(kind) if part is not types.NoneType)
        return None if value is None else read_value(inner, value, path)
    if typing.get_origin(kind) is dict and isinstance(value, dict):
        inner = typing.get_args(kind)[1]
        return {str(name): read_value(inner, item, f"{path}.{name}") for name, item in value.items()}
    if typing.get_origin(kind) is tuple and isinstance(value, list):
        inner = typing.get_args(kind)[0]
        if inner in (int, str, bool):  # at once: a confusion matrix of 1,000 classes has a million cells
            if all(type(item) is inner for item in value):
                return tuple(value)
            raise JsonTypeError(path)
        return tuple(read_value(inner, item, path) for item in value)
    if hasattr(kind, "from_json"):
        return kind.from_json(value, path)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return read_fields(kind, value, path)
    if kind is float and isinstance(value, float | int) and _is_finite(value):
        return float(value)
    if kind in (int, str, bool) and type(value) is kind:
        return value
    raise JsonTypeError(path)


def _is_finite(value: float) -> bool:
    try:
        return not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer beyond the largest float
        return False
