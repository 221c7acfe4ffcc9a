"""Predictions as data frames and Parquet: the values of the CSV, whatever the library."""

import functools
import io
import json
import math
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoclass.errors import MissingPackageError
from photoclass.results.prediction_files import csv_file, parquet_file
from photoclass.results.prediction_files.columns import TextsColumn, blocks
from photoclass.results.prediction_files.frames import SCHEMA_KEY, arrow_table, pandas_frame, polars_frame
from photoclass.results.prediction_files.write import write_predictions
from photoclass.results.predictions import SCHEMA, Predictions

CLASSES = ("cat", "dog", "=bird")


def drawn_predictions(count: int, abstain: float | None = None, seed: int = 0) -> Predictions:
    """Draw predictions at random; every third photo is skipped, and some names are not UTF-8."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet([0.3] * len(CLASSES), count).astype(np.float32)
    statuses = tuple("file is empty" if i % 3 == 2 else "ok" for i in range(count))
    probabilities[2::3] = np.nan
    distances = random.uniform(size=count)
    distances[2::3] = np.nan
    return Predictions(
        files=tuple("\udcff.jpg" if i % 5 == 4 else f"{i}.jpg" for i in range(count)),
        statuses=statuses,
        probabilities=probabilities,
        class_names=CLASSES,
        truth=np.full(count, -1),
        paths=("",) * count,
        distances=None if abstain is None else distances,
        abstain=abstain,
    )


@given(st.integers(1, 30), st.none() | st.floats(0.5, 1), st.integers(0, 9))
def test_all_frames_have_the_same_values(count: int, abstain: float | None, seed: int) -> None:
    predictions = drawn_predictions(count, abstain, seed)
    arrow, pandas, polars = predictions.to_arrow(), predictions.to_pandas(), predictions.to_polars()
    names = ["file", "status", "label", "probability", "prob_cat", "prob_dog", "prob_=bird"]
    names += ["distance"] if abstain is not None else []
    assert arrow.column_names == list(pandas.columns) == polars.columns == names
    rows = arrow.to_pylist()
    assert rows == polars.to_dicts()
    for row, values in zip(rows, pandas.to_dict("records"), strict=True):
        for name in names:
            is_missing = values[name] is None or values[name] != values[name]
            assert row[name] == (None if is_missing else values[name]), name
    for i, row in enumerate(rows):
        assert row["label"] == (predictions.label(i) or None)
        assert row["status"] == predictions.statuses[i]
        if row["status"] == "ok":
            assert row["probability"] == predictions.probability(i), "as the model gave it, not rounded"
            assert [row[f"prob_{name}"] for name in CLASSES] == predictions.probabilities[i].tolist()
        else:
            assert row["probability"] is row["prob_cat"] is None


@given(st.integers(0, 20), st.integers(1, 7), st.none() | st.floats(0.5, 1))
def test_a_parquet_file_is_the_arrow_table_with_the_version_of_its_columns(
    count: int, block: int, abstain: float | None
) -> None:
    predictions = drawn_predictions(count, abstain)
    stream = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_file, "_ROW_GROUP", block)
        parquet_file.write_parquet(predictions, stream)
    table = pyarrow.parquet.read_table(stream)
    assert table.schema.metadata[SCHEMA_KEY.encode()] == SCHEMA.encode()
    assert table.equals(predictions.to_arrow())
    assert [str(field.type) for field in table.schema][:4] == ["string", "string", "string", "float"]


def test_a_csv_of_several_blocks_is_that_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predictions = drawn_predictions(20, 0.7)
    whole, parts = io.BytesIO(), io.BytesIO()
    csv_file.write_csv(predictions, whole)
    monkeypatch.setattr(csv_file, "blocks", functools.partial(blocks, size=3))
    csv_file.write_csv(predictions, parts)
    assert parts.getvalue() == whole.getvalue() and whole.getvalue().count(b"\r\n") == 21


def test_the_json_document_has_the_rows_of_json_lines(tmp_path: Path) -> None:
    predictions = drawn_predictions(9, 0.7)
    for name in ("p.jsonl", "p.json"):
        write_predictions(predictions, tmp_path / name)
    rows = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    document = json.loads((tmp_path / "p.json").read_text())
    assert document["predictions"] == rows and document["schema"] == SCHEMA
    assert document["photos"] == 9 and len(document["skipped"]) == 3
    assert document["class_names"] == list(CLASSES) and document["abstain"] == 0.7


def test_lists_of_texts_are_lists_in_frames_and_json_arrays_in_csv() -> None:
    column = TextsColumn("set", [("cat", 'a "b"'), (), None])
    assert column.cells(slice(None)) == ['["cat", "a \\"b\\""]', "[]", ""]
    assert column.rounded(slice(None)) == [["cat", 'a "b"'], [], None]
    assert arrow_table([column], SCHEMA).to_pydict() == {"set": [["cat", 'a "b"'], [], None]}
    assert polars_frame([column]).to_dict(as_series=False) == {"set": [["cat", 'a "b"'], [], None]}
    assert pandas_frame([column])["set"].tolist() == [["cat", 'a "b"'], [], None]


@pytest.mark.parametrize(
    ("library", "method"), [("pandas", "to_pandas"), ("polars", "to_polars"), ("pyarrow", "to_arrow")]
)
def test_without_the_library_one_line_says_what_to_install(
    library: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingPackageError, match=rf"needs {library}; run: pip install 'photoclass\["):
        getattr(drawn_predictions(1), method)()


def test_without_pyarrow_parquet_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingPackageError, match=r"p\.parquet: Parquet needs pyarrow; .*photoclass\[parquet\]"):
        write_predictions(drawn_predictions(1), tmp_path / "p.parquet")
    assert not list(tmp_path.iterdir())


def test_numbers_of_skipped_photos_are_missing_in_pandas() -> None:
    frame = drawn_predictions(3).to_pandas()
    assert math.isnan(frame["probability"][2]) and frame["probability"].dtype == np.float32
    assert frame["label"].isna().tolist() == [False, False, True]
