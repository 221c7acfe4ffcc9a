"""The commands by name, each loaded from its own module only when it is called or listed."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

COMMANDS = (
    "check",
    "convert",
    "train",
    "evaluate",
    "predict",
    "submit",
    "gallery",
    "explain",
    "report",
    "push",
    "cache",
    "demo",
)


class PlainCommand(TyperCommand):
    """A command whose usage line names its arguments as the documents do: `DATA`, not Typer's `{DATA}`."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the parts of the usage line."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]


class LazyCommands(TyperGroup):
    """The group of all commands. Calling one of them loads no other."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names, in the order of the help page."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        """Return the command of that name; None if it is unknown."""
        return load_command(cmd_name) if cmd_name in COMMANDS else None


def load_command(name: str) -> TyperCommand:
    """Load a command: the function of its name in its module, with the module's COMMAND_CLASS if it has one."""
    module = import_module(f"photoclass.cli.{name}")
    function: Callable[..., None] = getattr(module, name)
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name, cls=getattr(module, "COMMAND_CLASS", PlainCommand))(function)
    command = typer.main.get_command(app)
    if not isinstance(command, TyperCommand):
        raise TypeError(f"photoclass.cli.{name} is not one command")
    return command
