"""Running the Python of a guide as its reader would: block after block, in one folder."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

GUIDES = Path(__file__).parents[1] / "docs" / "guide"
_COMMAND = re.compile(r"^    photoclass (.*)$", re.MULTILINE)
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run_guide(name: str) -> dict[str, Any]:
    """Run all Python blocks of docs/guide/NAME in the current folder; return the names that they define."""
    names: dict[str, Any] = {"__name__": "guide"}
    for _ in run_cells(name, names):
        pass
    return names


def run_cells(name: str, names: dict[str, Any]) -> Iterator[Any]:
    """Run the blocks as the cells of a notebook, and yield what the last line of each shows; None if it shows nothing.

    Args:
        name: The guide.
        names: What the blocks define is added here.
    """
    page = GUIDES / name
    text = page.read_text(encoding="utf-8")
    for block in _BLOCK.finditer(text):
        # Tracebacks then name the page and its line.
        tree = ast.parse("\n" * (text[: block.start()].count("\n") + 1) + block[1])
        last = tree.body[-1]
        names["_"] = None
        if isinstance(last, ast.Expr):  # its value goes to `_`, as in an interactive session
            tree.body[-1] = ast.copy_location(ast.Assign([ast.Name("_", ast.Store())], last.value), last)
        exec(compile(ast.fix_missing_locations(tree), str(page), "exec"), names)
        yield names["_"]


def commands_of(name: str, places: dict[str, Path]) -> list[list[str]]:
    """Return the photoclass commands of docs/guide/NAME as lists of words.

    Args:
        name: The guide.
        places: Where what its words in capitals stand for is, such as PHOTOS and RUN.
    """
    text = (GUIDES / name).read_text(encoding="utf-8")
    return [[str(places.get(word, word)) for word in shlex.split(line)] for line in _COMMAND.findall(text)]
