"""The command `cache`."""

from typing import Annotated

import typer

from photoclass.text import printable


def cache(
    empty: Annotated[
        bool, typer.Option("--empty", help="Delete everything in it; it is computed again when needed.")
    ] = False,
) -> None:
    """Show what is in the cache folder, or empty it."""
    from photoclass.photos.cache.cache import cache as look_at_cache

    print(printable(look_at_cache(empty=empty).as_text()))
