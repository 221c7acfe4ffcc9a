"""`write_predictions`: predictions as a file, in the format that its name asks for."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from photoclass.atomic import atomic_path
from photoclass.errors import OutputError
from photoclass.extras import load_extra
from photoclass.paths import AnyPath
from photoclass.results.prediction_files.csv_file import write_csv
from photoclass.results.prediction_files.json_lines import write_json_lines
from photoclass.results.prediction_files.parquet_file import write_parquet
from photoclass.results.predictions import Predictions
from photoclass.schemas.documents import write_json

FORMATS: dict[str, Callable[[Predictions, BinaryIO], None]] = {
    "csv": write_csv,
    "jsonl": write_json_lines,
    "json": lambda predictions, stream: write_json(predictions.as_json(), stream),
    "parquet": write_parquet,
}
_ENDINGS = {**{f".{name}": name for name in FORMATS}, ".ndjson": "jsonl"}


def file_format(out: AnyPath, asked: str | None = None) -> str:
    """Return the format of a file of predictions: the one that was asked for, or that of its ending.

    Raises:
        OutputError: The format is unknown, or is not that of the ending.
        MissingPackageError: Parquet needs pyarrow, which is not installed.
    """
    of_ending = _ENDINGS.get(Path(out).suffix.casefold())
    if asked is not None and asked not in FORMATS:
        raise OutputError(f"--format {asked}: unknown format; choose from {', '.join(FORMATS)}")
    if asked and of_ending and asked != of_ending:
        raise OutputError(f"{out}: ends as {of_ending}, but --format is {asked}; leave one of them out")
    found = asked or of_ending
    if found is None:
        raise OutputError(
            f"{out}: unknown format; predictions are written as .csv, .jsonl, .json or .parquet, or give --format"
        )
    if found == "parquet":
        load_extra("pyarrow.parquet", "parquet", f"{out}: Parquet")
    return found


def write_predictions(predictions: Predictions, out: AnyPath, asked: str | None = None) -> None:
    """Write predictions atomically as CSV, JSON Lines, JSON or Parquet.

    Args:
        predictions: The predictions.
        out: The file; its ending, .csv, .jsonl, .ndjson, .json or .parquet, says the format.
        asked: The format where the ending does not: `csv`, `jsonl`, `json` or `parquet`.

    Raises:
        OutputError: The file cannot be written, or its format is unknown.
        MissingPackageError: Parquet needs pyarrow, which is not installed.
    """
    out = Path(out)
    write = FORMATS[file_format(out, asked)]
    with atomic_path(out) as part, open(part, "wb") as stream:
        write(predictions, stream)
