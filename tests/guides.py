"""Running the Python of a guide as its reader would: block after block, in one folder."""

import re
from pathlib import Path
from typing import Any

GUIDES = Path(__file__).parents[1] / "docs" / "guide"
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run_guide(name: str) -> dict[str, Any]:
    """Run all Python blocks of docs/guide/NAME in the current folder; return the names that they define."""
    page = GUIDES / name
    text = page.read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": "guide"}
    for block in _BLOCK.finditer(text):
        # Tracebacks then name the page and its line.
        before = "\n" * (text[: block.start()].count("\n") + 1)
        exec(compile(before + block[1], str(page), "exec"), names)
    return names
