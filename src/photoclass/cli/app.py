"""The app: starts a command, and turns every failure into one clear line and an exit code."""

import contextlib
import gc
import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from photoclass.cli.commands import LazyCommands
from photoclass.cli.exit_codes import FAILED, USAGE
from photoclass.cli.signals import end_on_signal
from photoclass.errors import Interrupted, PhotoclassError
from photoclass.model import builtin
from photoclass.terminal import quiet_libraries
from photoclass.text import printable

# Objects that libraries create at import live until the end. Scanning them for garbage after every 700 new objects,
# Python's default, and once more at exit, takes a sixth of a short command's time.
_OBJECTS_BETWEEN_COLLECTIONS = 50_000

app = typer.Typer(
    cls=LazyCommands,
    help="Turn folders of labelled photos into an image classifier that you can trust.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        from importlib.metadata import version as version_of

        print(f"photoclass {version_of('photoclass')}")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 failed with one clear line, 2 wrong usage, 3 photos skipped, 130 Ctrl-C."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    if arguments is None:
        _restart_in_utf8()
        arguments = sys.argv[1:]
    quiet_libraries()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # file names that are not UTF-8 are escaped, not fatal
    end_on_signal()
    try:
        _refuse_empty(arguments)
        with contextlib.redirect_stdout(sys.stdout):  # a command may keep standard output for a document
            app(args=list(arguments), prog_name="photoclass")
    except Interrupted as error:
        _fail(str(error), error.exit_code)
    except PhotoclassError as error:
        _fail(builtin.describe_error(error), FAILED)
    except OSError as error:
        _fail(f"{error.filename or 'the system'}: {error.strerror or error}", FAILED)
    finally:
        gc.freeze()


def _restart_in_utf8() -> None:
    """Start again in UTF-8 mode where the locale names files in another encoding, such as ASCII under `LC_ALL=C`.

    Class names come from folder names. In ASCII they would be no text, and no table in UTF-8 could name a photo.
    """
    if os.name == "posix" and sys.getfilesystemencoding().lower().replace("-", "") != "utf8":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, "-m", "photoclass", *sys.argv[1:]])


def _refuse_empty(arguments: Sequence[str]) -> None:
    """Refuse an empty argument, which would stand for the current folder and most often is an unset shell variable."""
    for before, argument in zip(("", *arguments), arguments, strict=False):
        option, equals, value = argument.partition("=")
        if not argument or (option.startswith("--") and equals and not value):
            after = f" after {before}" if before and not argument else f" of {option}" if argument else ""
            _fail(f"the argument{after} is empty; give a value (is a shell variable unset?)", USAGE)


def _fail(message: str, exit_code: int) -> None:
    print(f"photoclass: {printable(message)}", file=sys.stderr)
    sys.exit(exit_code)
