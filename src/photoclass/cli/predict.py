"""The command `predict`."""

from pathlib import Path
from typing import Annotated

import typer

from photoclass.cli.options import (
    CoverageByOption,
    MaxMegapixelsOption,
    ModelOption,
    PhotosArgument,
    StrictOption,
    model_or_builtin,
    workspace_of,
)
from photoclass.cli.output import report_unused
from photoclass.text import plural, printable


def predict(
    photos: PhotosArgument,
    model: ModelOption = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write .csv or .jsonl; by default, print.")
    ] = None,
    abstain: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            help="Answer unsure below this probability, 0.5 to 1, and for out-of-distribution photos.",
        ),
    ] = None,
    coverage: Annotated[
        float | None,
        typer.Option(
            metavar="C",
            help="Add the set of classes that holds the true one for at least this share of such photos, such as 0.99.",
        ),
    ] = None,
    coverage_by: CoverageByOption = None,
    max_megapixels: MaxMegapixelsOption = None,
    strict: StrictOption = False,
) -> None:
    """Predict the class of photos, one row for each."""
    from photoclass.atomic import check_writable
    from photoclass.results.predict import check_abstain
    from photoclass.results.predict import predict as predict_photos
    from photoclass.results.prediction_files.write import file_format, write_predictions

    if out:
        file_format(out)
        check_writable(out)
    if abstain is not None:
        check_abstain(abstain)
    workspace = workspace_of(max_megapixels=max_megapixels)
    predictions = predict_photos(
        photos,
        model_or_builtin(model, workspace),
        abstain=abstain,
        coverage=coverage,
        coverage_by=coverage_by,
        workspace=workspace,
    )
    if out:
        write_predictions(predictions, out)
        print(f"{out}: {plural(len(predictions), 'row')}, {predictions.photos_per_second:,.0f} photos/s")
    else:
        for i, file in enumerate(predictions.files):
            print(printable(f"{file}: {predictions.describe(i)}"))
    report_unused(predictions.skipped, predictions.passed_over, strict, f"; {out} has all" if out else "")
