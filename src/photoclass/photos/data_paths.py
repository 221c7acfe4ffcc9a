"""Where DATA is: one folder, zip or table, or several folders and zips that are its parts."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from photoclass.paths import AnyPath, paths_of


@dataclass(frozen=True)
class DataPaths:
    """The paths of DATA, as the user wrote them; `str` gives what messages call it.

    Attributes:
        parts: One path, or those of the parts that are read together; none where DATA is not known.
    """

    parts: tuple[Path, ...] = ()

    @classmethod
    def of(cls, data: "Data") -> "DataPaths":
        """Return the paths of DATA, however it is given; a path that is given twice counts once."""
        if isinstance(data, DataPaths):
            return data
        return cls(tuple(dict.fromkeys(paths_of(data))))

    @classmethod
    def from_json(cls, value: object, path: str) -> "DataPaths":
        """Read what `as_json` gave.

        Args:
            value: A string, or a list of strings.
            path: Where it stands in the file, for messages.

        Raises:
            ValueError: It is neither.
        """
        values: list[object] = value if isinstance(value, list) else [value]
        paths = tuple(Path(item) for item in values if isinstance(item, str))
        if len(paths) < len(values):
            raise ValueError(path)
        return cls(paths)

    def __str__(self) -> str:
        return ", ".join(map(str, self.parts))

    def absolute(self) -> "DataPaths":
        """Return the absolute paths."""
        return DataPaths(tuple(part.absolute() for part in self.parts))

    def as_json(self) -> str | list[str]:
        """Return one path as a string, several as a list."""
        paths = [str(part) for part in self.parts]
        return paths[0] if len(paths) == 1 else paths

    def as_arguments(self) -> str:
        """Return the paths as a shell takes them."""
        return " ".join(shlex.quote(str(part)) for part in self.parts)


# How functions take DATA: one path, or those of its parts.
Data: TypeAlias = AnyPath | Sequence[AnyPath] | DataPaths
