"""Predictions as Parquet, whose metadata has the version of its columns."""

from typing import BinaryIO

from photoclass.extras import load_extra
from photoclass.results.prediction_files.columns import blocks
from photoclass.results.prediction_files.frames import arrow_schema, arrow_table
from photoclass.results.predictions import SCHEMA, Predictions

_ROW_GROUP = 65_536  # rows: a few MB


def write_parquet(predictions: Predictions, stream: BinaryIO) -> None:
    """Write predictions as Parquet, in row groups of bounded size."""
    parquet = load_extra("pyarrow.parquet", "parquet", "Parquet")
    columns = predictions.columns()
    with parquet.ParquetWriter(stream, arrow_schema(columns, SCHEMA)) as writer:
        for part in blocks(len(predictions), _ROW_GROUP):
            writer.write_table(arrow_table(columns, SCHEMA, part))
