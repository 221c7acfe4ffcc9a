"""How DATA is read where its names leave a choice."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from photoclass.errors import SettingsError

SPLIT_CHOICES = ("train", "valid", "test", "class", "ignore")
ALL_OTHERS = "*"


@dataclass(frozen=True)
class ReadOptions:
    """How DATA is read where its names leave a choice; the default reads what is unambiguous.

    Attributes:
        splits: Folder names, or words in a table's split column, and what each means: the split `train`, `valid` or
            `test` (held out); `class` for a folder that is a class whatever its name says, `ignore` for one that is
            passed over. The name `*` stands for all others.
        image_column: The column of a label table that names the photos; empty to find it by its usual names.
        label_column: The column that holds the classes; empty likewise.
        group_by: What keeps photos together in one split: a column of the label table, `folder`, or a regular
            expression on a photo's path with one group; empty for near-duplicates alone.
    """

    splits: dict[str, str] = field(default_factory=dict)
    image_column: str = ""
    label_column: str = ""
    group_by: str = ""

    def __post_init__(self) -> None:
        for name, split in self.splits.items():
            if split not in SPLIT_CHOICES:
                raise SettingsError(
                    f"--splits {name}={split}: unknown split {split!r}; choose from {', '.join(SPLIT_CHOICES)}"
                )

    def as_arguments(self) -> list[tuple[str, str]]:
        """Return the options of the commands that say the same, as (option, value)."""
        splits = ",".join(f"{name}={split}" for name, split in self.splits.items())
        pairs = [
            ("--splits", splits),
            ("--image-column", self.image_column),
            ("--label-column", self.label_column),
            ("--group-by", self.group_by),
        ]
        return [(option, value) for option, value in pairs if value]


AS_IT_IS = ReadOptions()


def write_option(option: str, values: Mapping[str, str]) -> str:
    """Return an option for a message, as `--splits a=train,b=test`, quoted so that it can be pasted."""
    return f"{option} {shlex.quote(','.join(f'{name}={value}' for name, value in values.items()))}"


def parse_assignments(option: str, text: str, example: str) -> dict[str, str]:
    """Parse `NAME=VALUE,NAME=VALUE`; a name may hold a comma or an equals sign.

    Args:
        option: The option's name, for messages.
        text: What the user gave; empty for none.
        example: A valid value, for messages.

    Raises:
        SettingsError: A part has no `=`, no name or no value, or a name is given twice.
    """
    found: dict[str, str] = {}
    waiting = ""
    for piece in text.split(",") if text else ():
        part = f"{waiting}{piece}"
        waiting = "" if "=" in piece else f"{part},"
        if waiting:
            continue
        name, equals, value = (half.strip() for half in part.rpartition("="))
        if not (name and equals and value):
            raise SettingsError(f"{option} {text}: {part!r} is not NAME=VALUE, such as {example}")
        if name in found:
            raise SettingsError(f"{option} {text}: {name!r} is given twice")
        found[name] = value
    if waiting:
        raise SettingsError(f"{option} {text}: {waiting[:-1]!r} is not NAME=VALUE, such as {example}")
    return found
