"""`write_predictions`: predictions as a file, in the format that its name asks for."""

from pathlib import Path

from photoclass.errors import OutputError
from photoclass.paths import AnyPath
from photoclass.results.prediction_files.csv_file import write_csv
from photoclass.results.prediction_files.json_lines import write_json_lines
from photoclass.results.predictions import Predictions

_JSON_LINES = (".jsonl", ".ndjson")


def check_ending(out: Path) -> None:
    """Check that the format of an output file is known.

    Raises:
        OutputError: The file extension is not .csv, .jsonl or .ndjson.
    """
    if out.suffix.casefold() not in (".csv", *_JSON_LINES):
        raise OutputError(f"{out}: unknown format; predictions are written as .csv or .jsonl")


def write_predictions(predictions: Predictions, out: AnyPath) -> None:
    """Write predictions atomically, as JSON Lines if `out` ends in .jsonl or .ndjson, otherwise as CSV.

    Raises:
        OutputError: The file cannot be written, or its format is unknown.
    """
    out = Path(out)
    check_ending(out)
    if out.suffix.casefold() in _JSON_LINES:
        write_json_lines(predictions, out)
    else:
        write_csv(predictions, out)
