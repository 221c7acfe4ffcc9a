"""The command `explain`."""

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


def explain(
    photos: PhotosArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The picture to write, .png, .jpg or .webp.")],
    model: ModelOption = None,
    count: Annotated[int | None, typer.Option(help="Show a random sample of this many.  [default: all]")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the choice, if there are more.")] = 0,
    target: Annotated[
        str | None,
        typer.Option(
            "--class", metavar="NAME", help="Show the evidence for this class.  [default: the predicted class]"
        ),
    ] = None,
    json_file: JsonOption = None,
    max_megapixels: MaxMegapixelsOption = None,
    strict: StrictOption = False,
) -> None:
    """Draw heat maps beside photos: which parts of each the prediction is based on."""
    from photoclass.results.explain.explain import explain as draw

    refuse_shared_files({"--out": out, "--json": json_file})
    json_output = JsonOutput.of(json_file)
    workspace = workspace_of(max_megapixels=max_megapixels)
    drawn = draw(
        photos, model_or_builtin(model, workspace), out, count=count, seed=seed, target=target, workspace=workspace
    )
    print(printable(drawn.as_text()))
    json_output.write(drawn)
    report_unused(drawn.skipped, drawn.passed_over, strict)
