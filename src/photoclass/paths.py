"""Paths as callers give them, as text or as `Path` objects, and the `Path` objects that the package works with."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

AnyPath: TypeAlias = str | Path


def paths_of(given: AnyPath | Sequence[AnyPath]) -> tuple[Path, ...]:
    """Return one path, or several, as `Path` objects; a single text is one path, not its letters."""
    several = (given,) if isinstance(given, str | Path) else given
    return tuple(map(Path, several))
