"""What commands print and write beside their results: JSON, the next command, what was skipped."""

import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from photoclass.cli.exit_codes import SKIPPED
from photoclass.text import printable

if TYPE_CHECKING:
    from photoclass.photos.sources.options import ReadOptions
    from photoclass.photos.table import PassedOver, SkippedPhoto

_MOST_NAMED = 10


def report_unused(
    skipped: "Sequence[SkippedPhoto]", passed_over: "Sequence[PassedOver]", strict: bool, where: str = ""
) -> None:
    """Name the photos that were skipped and count what was passed over; with --strict, exit with code 3 for the former.

    Args:
        skipped: Photos that could not be used.
        passed_over: Files that are plainly no photos.
        strict: Whether a skipped photo is a failure; a file that was passed over is none.
        where: Where all skipped photos are named, if the screen does not.
    """
    from photoclass.photos.table import describe_passed_over

    if skipped:
        print(f"{len(skipped):,} skipped:", file=sys.stderr)
        for item in skipped[:_MOST_NAMED]:
            print(printable(f"  {item.name}: {item.reason}"), file=sys.stderr)
        if len(skipped) > _MOST_NAMED:
            print(printable(f"  and {len(skipped) - _MOST_NAMED:,} more{where}"), file=sys.stderr)
    if passed_over:
        print(printable(describe_passed_over(passed_over)), file=sys.stderr)
    if strict and skipped:
        raise typer.Exit(SKIPPED)


def write_json(file: Path, values: dict[str, Any]) -> None:
    from photoclass.atomic import atomic_text

    with atomic_text(file) as stream:
        json.dump(values, stream, indent=2)
        stream.write("\n")


def unused_name(name: str) -> str:
    """Return a name for a new file or folder that does not exist yet: `my-model`, `my-model-2`."""
    path, number = Path(name), 1
    while os.path.lexists(path):
        number += 1
        path = Path(name).with_stem(f"{Path(name).stem}-{number}")
    return str(path)


def next_line(*parts: object) -> str:
    """Return the line that proposes the next command, quoted so that a shell takes it as it is."""
    # A path that begins with a dash would be taken for an option.
    words = [f"./{part}" if isinstance(part, Path) and str(part).startswith("-") else str(part) for part in parts]
    return f"next: {printable(shlex.join(['photoclass', *words]))}"


def options_of(reading: "ReadOptions") -> list[str]:
    return [part for pair in reading.as_arguments() for part in pair]
