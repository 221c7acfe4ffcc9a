"""What commands print and write beside their results: JSON documents, the next command, what was skipped."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import typer

from photoclass.cli.exit_codes import SKIPPED
from photoclass.errors import OutputError, SettingsError
from photoclass.text import printable

if TYPE_CHECKING:
    from photoclass.photos.sources.options import ReadOptions
    from photoclass.photos.table import PassedOver, SkippedPhoto

_MOST_NAMED = 10
STANDARD_OUTPUT = Path("-")


class JsonResult(Protocol):
    """A result that has a JSON document."""

    def as_json(self) -> dict[str, Any]:
        """Return the document."""


@dataclass(frozen=True)
class JsonOutput:
    """Where `--json` writes the result of a command.

    Attributes:
        file: The file; None without `--json`.
        stream: Standard output, if the document goes there.
    """

    file: Path | None
    stream: BinaryIO | None = None

    @classmethod
    def of(cls, file: Path | None) -> "JsonOutput":
        """Check before any work that FILE can be written; with `-`, keep standard output free for the document.

        Raises:
            OutputError: FILE cannot be written.
        """
        from photoclass.atomic import check_writable

        if file == STANDARD_OUTPUT:
            return cls(file, take_standard_output())
        if file:
            check_writable(file)
        return cls(file)

    def write(self, result: JsonResult) -> None:
        """Write the document of a result, if the user asked for it."""
        from photoclass.schemas.documents import write_document, write_json

        if self.stream:
            write_json(result.as_json(), self.stream)
            self.stream.flush()
        elif self.file:
            write_document(result.as_json(), self.file)


def refuse_shared_files(files: Mapping[str, Path | None]) -> None:
    """Refuse two outputs in one file, of which only the last would be left.

    Args:
        files: What is written, by the option that names it.

    Raises:
        SettingsError: Two are the same file.
    """
    seen: dict[str, str] = {}
    for option, file in files.items():
        if file is None or file == STANDARD_OUTPUT:
            continue
        other = seen.setdefault(os.path.realpath(file), option)
        if other != option:
            raise SettingsError(f"{file}: both {other} and {option} would write it; give each a file of its own")


def take_standard_output() -> BinaryIO:
    """Return standard output for a document; whatever is printed from now on goes to standard error.

    Raises:
        OutputError: Standard output is closed.
    """
    if sys.stdout is None:
        raise OutputError("standard output is closed; give a file instead of -")
    stream = sys.stdout.buffer
    sys.stdout.flush()
    sys.stdout = sys.stderr
    return stream


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
