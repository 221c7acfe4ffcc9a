"""The command `predict`."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from photoclass.cli.options import (
    CoverageByOption,
    JsonOption,
    MaxMegapixelsOption,
    ModelOption,
    PhotosArgument,
    StrictOption,
    model_or_builtin,
    workspace_of,
)
from photoclass.cli.output import STANDARD_OUTPUT, JsonOutput, refuse_shared_files, report_unused, take_standard_output
from photoclass.errors import OutputError, SettingsError
from photoclass.text import plural, printable

if TYPE_CHECKING:
    from photoclass.results.predictions import Predictions


def predict(
    photos: PhotosArgument,
    model: ModelOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE|-",
            help="Write .csv, .jsonl, .json or .parquet; - for CSV on standard output. By default, print text.",
        ),
    ] = None,
    out_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="csv, jsonl, json or parquet, where the ending of --out does not say it, as with -.",
        ),
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
    json_file: JsonOption = None,
    max_megapixels: MaxMegapixelsOption = None,
    strict: StrictOption = False,
) -> None:
    """Predict the class of photos, one row for each."""
    from photoclass.results.predict import check_abstain
    from photoclass.results.predict import predict as predict_photos

    if out == json_file == STANDARD_OUTPUT:
        raise SettingsError("--out - and --json - both ask for standard output; give one of them a file")
    refuse_shared_files({"--out": out, "--json": json_file})
    output = _Output.of(out, out_format)
    json_output = JsonOutput.of(json_file)
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
        output.write(predictions)
        print(f"{output.name}: {plural(len(predictions), 'row')}, {predictions.photos_per_second:,.0f} photos/s")
    else:
        for i, file in enumerate(predictions.files):
            print(printable(f"{file}: {predictions.describe(i)}"))
    json_output.write(predictions)
    report_unused(predictions.skipped, predictions.passed_over, strict, f"; {output.name} has all" if out else "")


@dataclass(frozen=True)
class _Output:
    """Where `--out` writes the predictions.

    Attributes:
        file: The file; None without `--out`.
        format: Its format.
        stream: Standard output, if they go there.
    """

    file: Path | None
    format: str
    stream: BinaryIO | None = None

    @classmethod
    def of(cls, out: Path | None, asked: str | None) -> "_Output":
        """Check before any work that the predictions can be written."""
        from photoclass.atomic import check_writable
        from photoclass.results.prediction_files.write import file_format

        if out is None:
            if asked:
                raise SettingsError(f"--format {asked} is the format of --out; give --out FILE, or --out -")
            return cls(None, "")
        if out != STANDARD_OUTPUT:
            found = file_format(out, asked)
            check_writable(out)
            return cls(out, found)
        found = file_format(out, asked or "csv")
        if found == "parquet" and sys.stdout.isatty():
            raise OutputError("--out -: Parquet is no text for a terminal; give a file, or pipe it into a program")
        return cls(out, found, take_standard_output())

    @property
    def name(self) -> str:
        return "standard output" if self.stream else str(self.file)

    def write(self, predictions: "Predictions") -> None:
        from photoclass.results.prediction_files.write import FORMATS, write_predictions

        if self.stream:
            FORMATS[self.format](predictions, self.stream)
            self.stream.flush()
        elif self.file:
            write_predictions(predictions, self.file, self.format)
