"""The command `cache`."""

from typing import Annotated

import typer

from photoclass.cli.options import JsonOption
from photoclass.cli.output import JsonOutput
from photoclass.text import printable


def cache(
    empty: Annotated[
        bool, typer.Option("--empty", help="Delete everything in it; it is computed again when needed.")
    ] = False,
    json_file: JsonOption = None,
) -> None:
    """Show what is in the cache folder, or empty it."""
    from photoclass.photos.cache.cache import cache as look_at_cache

    json_output = JsonOutput.of(json_file)
    found = look_at_cache(empty=empty)
    print(printable(found.as_text()))
    json_output.write(found)
