"""The commands: each module parses the arguments of one, makes one library call, and prints the result."""

from photoclass.cli.app import main

__all__ = ["main"]
