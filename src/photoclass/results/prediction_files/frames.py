"""Predictions as data frames of pyarrow, pandas and polars. None of them is needed for anything else."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from photoclass.extras import load_extra
from photoclass.results.prediction_files.columns import Column, Kind, in_utf8

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

# The key of the version of the columns, in the metadata of an Arrow table and of a Parquet file.
SCHEMA_KEY = "photoclass.schema"
_ALL = slice(None)


def arrow_schema(columns: Sequence[Column], version: str) -> "pyarrow.Schema":
    """Return the names and types of columns: strings, floats as wide as they are, and lists of strings.

    Args:
        columns: The columns.
        version: Goes into the metadata, under SCHEMA_KEY.
    """
    pa = load_extra("pyarrow", "parquet", "an Arrow table")
    types: dict[Kind, Callable[[Column], Any]] = {
        Kind.TEXT: lambda _: pa.string(),
        Kind.NUMBER: lambda column: pa.from_numpy_dtype(np.asarray(column.exact(slice(0))).dtype),
        Kind.TEXTS: lambda _: pa.list_(pa.string()),
    }
    fields = [(in_utf8(column.name), types[column.kind](column)) for column in columns]
    schema: pyarrow.Schema = pa.schema(fields, metadata={SCHEMA_KEY: version})
    return schema


def arrow_table(columns: Sequence[Column], version: str, part: slice = _ALL) -> "pyarrow.Table":
    """Return some rows as an Arrow table; what a skipped photo has no value of is null."""
    schema = arrow_schema(columns, version)
    pa = load_extra("pyarrow", "parquet", "an Arrow table")
    arrays = [
        pa.array(column.exact(part), field.type, from_pandas=True)  # NaN is null
        for column, field in zip(columns, schema, strict=True)
    ]
    table: pyarrow.Table = pa.Table.from_arrays(arrays, schema=schema)
    return table


def pandas_frame(columns: Sequence[Column]) -> "pandas.DataFrame":
    """Return a pandas data frame; what a skipped photo has no value of is missing."""
    pd = load_extra("pandas", "pandas", "to_pandas()")
    frame: pandas.DataFrame = pd.DataFrame({in_utf8(column.name): column.exact(_ALL) for column in columns})
    return frame


def polars_frame(columns: Sequence[Column]) -> "polars.DataFrame":
    """Return a polars data frame; what a skipped photo has no value of is null."""
    pl = load_extra("polars", "polars", "to_polars()")
    types = {Kind.TEXT: pl.String, Kind.NUMBER: None, Kind.TEXTS: pl.List(pl.String)}
    frame: polars.DataFrame = pl.DataFrame(
        [
            pl.Series(in_utf8(column.name), column.exact(_ALL), types[column.kind], nan_to_null=True)
            for column in columns
        ]
    )
    return frame
