"""The command `submit`."""

from pathlib import Path
from typing import Annotated

import typer

from photoclass.cli.options import (
    JsonOption,
    MaxMegapixelsOption,
    ModelOption,
    StrictOption,
    model_or_builtin,
    workspace_of,
)
from photoclass.cli.output import JsonOutput, refuse_shared_files, report_unused
from photoclass.text import printable


def submit(
    test: Annotated[Path, typer.Argument(metavar="TEST", help="The test photos: a folder, a zip or a tar.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The submission to write.")],
    model: ModelOption = None,
    sample: Annotated[
        Path | None,
        typer.Option("--sample", metavar="CSV", help="Kaggle's sampleSubmission.csv, with the ids to predict."),
    ] = None,
    clip: Annotated[
        float,
        typer.Option(help="No probability is higher than 1 - clip; the other classes have their share of the clip."),
    ] = 0.005,
    id_column: Annotated[
        str, typer.Option("--id-column", metavar="NAME", help="The sample's column of ids, where it is not clear.")
    ] = "",
    positive: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS",
            help="The class whose probability a column such as label has.  [default: the second of two]",
        ),
    ] = None,
    values: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="What such a column has: probability or class.  [default: what the sample's cells are]",
        ),
    ] = None,
    json_file: JsonOption = None,
    max_megapixels: MaxMegapixelsOption = None,
    strict: StrictOption = False,
) -> None:
    """Write a Kaggle submission: one row for every id of the sample, in its order."""
    from photoclass.results.submit.sample import SampleOptions
    from photoclass.results.submit.submit import submit as write_submission

    refuse_shared_files({"--out": out, "--json": json_file})
    json_output = JsonOutput.of(json_file)
    options = SampleOptions(id_column, positive, values)
    workspace = workspace_of(max_megapixels=max_megapixels)
    submission = write_submission(
        test, model_or_builtin(model, workspace), out, sample=sample, clip=clip, options=options, workspace=workspace
    )
    print(printable(f"{out}: {submission.as_text()}"))
    json_output.write(submission)
    report_unused((*submission.base_rate_rows, *submission.skipped), submission.passed_over, strict)
