"""Predictions: one row for each photo given, whatever its name and whatever else is in the folder."""

import csv
import json
import math
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from photoclass.errors import DataError, OutputError
from photoclass.results.predict import predict
from photoclass.results.prediction_files.csv_file import read_predictions
from photoclass.results.prediction_files.write import write_predictions
from photoclass.results.predictions import Predictions

NAMES = ("cat", "dog")


def _predictions(files: list[str], class_names: tuple[str, ...] = NAMES) -> Predictions:
    probabilities = np.tile(np.array([[0.25, 0.75]], dtype=np.float32), (len(files), 1))
    return Predictions(
        tuple(files), ("ok",) * len(files), probabilities, class_names, np.full(len(files), -1), tuple(files)
    )


def test_rows_are_in_natural_order_without_repeats(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    for number in (10, 2, 1):
        shutil.copy(drawn_photos / "cat" / f"cat-{number:04d}.jpg", tmp_path / f"{number}.jpg")
    predictions = predict([tmp_path / "10.jpg", tmp_path, tmp_path / "2.jpg"], model)
    assert [Path(file).name for file in predictions.files] == ["1.jpg", "2.jpg", "10.jpg"]
    assert predictions.is_ok.all()
    np.testing.assert_allclose(predictions.probabilities.sum(axis=1), 1, atol=1e-5)


def test_a_prediction_does_not_depend_on_the_other_photos(model: Path, drawn_photos: Path) -> None:
    together = predict([drawn_photos / "dog"], model)
    for row in (0, 7, 33):
        alone = predict([Path(together.files[row])], model)
        np.testing.assert_array_equal(alone.probabilities[0], together.probabilities[row])


def test_a_skipped_photo_keeps_its_row_with_the_reason(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(drawn_photos / "cat", photos)
    (photos / "cat-0003.jpg").write_bytes(b"")
    (photos / "page.jpg").write_text("<html>not a photo</html>")
    os.mkfifo(photos / "pipe.jpg")
    predictions = predict([photos], model)
    assert len(predictions) == 62
    reasons = {Path(item.name).name: item.reason for item in predictions.skipped}
    assert sorted(reasons) == ["cat-0003.jpg", "page.jpg", "pipe.jpg"]
    out = tmp_path / "predictions.csv"
    write_predictions(predictions, out)
    rows = {Path(row["file"]).name: row for row in read_predictions(out)}
    assert rows["cat-0003.jpg"]["status"] == reasons["cat-0003.jpg"] != "ok"
    assert (
        rows["cat-0003.jpg"]["label"] == rows["cat-0003.jpg"]["probability"] == rows["cat-0003.jpg"]["prob_cat"] == ""
    )
    assert rows["cat-0004.jpg"]["status"] == "ok"


def test_the_csv_has_the_documented_columns_and_json_lines_the_same_values(
    model: Path, drawn_photos: Path, tmp_path: Path
) -> None:
    predictions = predict([drawn_photos / "cat"], model)
    write_predictions(predictions, tmp_path / "p.csv")
    write_predictions(predictions, tmp_path / "p.jsonl")
    with open(tmp_path / "p.csv", newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["file", "status", "label", "probability", "prob_cat", "prob_dog"]
    lines = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert len(rows) == len(lines) == 60
    for row, line in zip(rows, lines, strict=True):
        assert row[:3] == [line["file"], line["status"], line["label"]]
        assert float(row[3]) == line["probability"] == max(line["prob_cat"], line["prob_dog"])


@pytest.mark.parametrize("start", ["=cmd()", "+1", "-rf", "@sum", "\ttab", "\rreturn"])
def test_fault_29_names_are_escaped_for_spreadsheets_and_read_back_unchanged(start: str, tmp_path: Path) -> None:
    file = f"{start}.jpg"
    write_predictions(_predictions([file], ("'x", f"{start}")), tmp_path / "p.csv")
    with open(tmp_path / "p.csv", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["file"][0] == "." and Path(row["file"]) == Path(file), "the same path, but not a formula"
    assert row["label"][0] == "'"
    (back,) = read_predictions(tmp_path / "p.csv")
    assert (back["file"], back["label"]) == (file, start)


@given(
    st.lists(
        st.text(st.characters(exclude_characters="/\0", exclude_categories=()), min_size=1, max_size=30),
        min_size=1,
        max_size=8,
        unique=True,
    )
)
def test_fault_30_any_name_survives_the_round_trip(names: list[str]) -> None:
    import tempfile

    names = [os.fsdecode(os.fsencode(n)) for n in names if _can_be_a_file_name(n)] or ['a,"b"\n.jpg']
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "p.csv"
        write_predictions(_predictions(names), out)
        assert [row["file"] for row in read_predictions(out)] == names
        lines = (write_predictions(_predictions(names), out.with_suffix(".jsonl")), out.with_suffix(".jsonl"))[1]
        assert [json.loads(line)["file"] for line in lines.read_text().splitlines()] == names


def _can_be_a_file_name(name: str) -> bool:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True


def test_fault_24_photos_with_unusual_names_are_predicted(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    source = drawn_photos / "dog" / "dog-0001.jpg"
    for name in (b"new\nline.jpg", b"bytes\xff\xfe.jpg", b"-rf.jpg", b"x" * 251 + b".jpg", b'comma,"quote".jpg'):
        shutil.copy(source, os.fsencode(tmp_path) + b"/" + name)
    predictions = predict([tmp_path], model)
    assert len(predictions) == 5
    assert predictions.is_ok.all()
    write_predictions(predictions, tmp_path.parent / "strange.csv")
    assert [row["file"] for row in read_predictions(tmp_path.parent / "strange.csv")] == list(predictions.files)


def test_every_image_mode_is_predicted(model: Path, tmp_path: Path) -> None:
    for mode, ending in (("L", "png"), ("RGBA", "webp"), ("P", "gif"), ("CMYK", "jpg"), ("I;16", "png"), ("1", "bmp")):
        Image.new(mode, (31, 57)).save(tmp_path / f"{mode.replace(';', '-')}.{ending}")
    assert predict([tmp_path], model).is_ok.all()


def test_the_true_class_is_taken_from_folders_and_file_names(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    shutil.copy(drawn_photos / "cat" / "cat-0001.jpg", tmp_path / "cat.7.jpg")
    shutil.copy(drawn_photos / "cat" / "cat-0001.jpg", tmp_path / "unknown.jpg")
    predictions = predict([drawn_photos / "dog", tmp_path], model)
    truth = {Path(f).name: int(t) for f, t in zip(predictions.files, predictions.truth, strict=True)}
    assert (truth["dog-0001.jpg"], truth["cat.7.jpg"], truth["unknown.jpg"]) == (1, 0, -1)


def test_missing_photos_and_unknown_formats_are_rejected(model: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.jpg: there is no such"):
        predict([tmp_path / "nowhere.jpg"], model)
    with pytest.raises(DataError, match="no photos found"):
        predict([tmp_path], model)
    with pytest.raises(OutputError, match=r"written as \.csv, \.jsonl, \.json or \.parquet"):
        write_predictions(_predictions(["a.jpg"]), tmp_path / "p.xlsx")
    with pytest.raises(OutputError, match=r"p\.csv: ends as csv, but --format is json"):
        write_predictions(_predictions(["a.jpg"]), tmp_path / "p.csv", "json")
    with pytest.raises(OutputError, match="--format xlsx: unknown format; choose from csv, jsonl, json, parquet"):
        write_predictions(_predictions(["a.jpg"]), tmp_path / "p", "xlsx")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_csv_of_predictions_is_named(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("image,class\na.jpg,cat\n")
    with pytest.raises(DataError, match=r"labels\.csv: is no CSV of predictions \(it has no column 'file'\)"):
        read_predictions(tmp_path / "labels.csv")


def test_skipped_rows_have_no_probability(tmp_path: Path) -> None:
    predictions = Predictions(
        ("a.jpg",), ("file is empty",), np.full((1, 2), np.nan, np.float32), NAMES, np.array([-1]), ("a.jpg",)
    )
    assert predictions.label(0) == ""
    assert math.isnan(predictions.probability(0))
