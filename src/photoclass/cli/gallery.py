"""The command `gallery`."""

from pathlib import Path
from typing import Annotated

import typer

from photoclass.cli.options import (
    JsonOption,
    MaxMegapixelsOption,
    ModelOption,
    PhotosArgument,
    StrictOption,
    model_or_builtin,
    workspace_of,
)
from photoclass.cli.output import JsonOutput, refuse_shared_files, report_unused
from photoclass.text import printable


def gallery(
    photos: PhotosArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The picture to write, .png, .jpg or .webp.")],
    model: ModelOption = None,
    worst: Annotated[bool, typer.Option("--worst", help="Show the most confident mistakes; needs labels.")] = False,
    count: Annotated[int | None, typer.Option(help="Show at most this many.  [default: all; with --worst, 25]")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the choice, if there are more.")] = 0,
    json_file: JsonOption = None,
    max_megapixels: MaxMegapixelsOption = None,
    strict: StrictOption = False,
) -> None:
    """Draw pages of photos with their predicted classes."""
    from photoclass.results.pictures.gallery import gallery as draw

    refuse_shared_files({"--out": out, "--json": json_file})
    json_output = JsonOutput.of(json_file)
    workspace = workspace_of(max_megapixels=max_megapixels)
    drawn = draw(
        photos, model_or_builtin(model, workspace), out, worst=worst, count=count, seed=seed, workspace=workspace
    )
    print(printable(drawn.as_text()))
    json_output.write(drawn)
    report_unused(drawn.skipped, drawn.passed_over, strict)
