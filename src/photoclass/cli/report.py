"""The command `report`."""

from pathlib import Path
from typing import Annotated

import typer

from photoclass.cli.options import JsonOption, workspace_of
from photoclass.cli.output import JsonOutput
from photoclass.text import printable


def report(
    model: Annotated[Path, typer.Argument(metavar="RUN", help="The model folder that train made.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The page to write.  [default: RUN/report.html]")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            metavar="DATA",
            help="Where the photos are now; once for each part.  [default: where they were at training]",
        ),
    ] = None,
    json_file: JsonOption = None,
) -> None:
    """Write a report on a model as one self-contained HTML file."""
    from photoclass.results.report.report import report as write_report

    json_output = JsonOutput.of(json_file)
    written = write_report(model, out, data=data or None, workspace=workspace_of())
    print(printable(written.as_text()))
    json_output.write(written)
