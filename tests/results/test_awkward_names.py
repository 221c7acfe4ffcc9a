"""Class names with signs that mean something to HTML, CSV, spreadsheets or templates read back as they are."""

import csv
import html
import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from handmade import SIDE, make_info, make_model
from photoclass.checks.check import check
from photoclass.checks.page import write_page
from photoclass.model.card import card
from photoclass.model.folder import load_info, load_valid_predictions
from photoclass.photos.class_names import clean_class_name
from photoclass.photos.fixes import Fix, read_fixes, write_fixes
from photoclass.photos.tables.cells import plain_label, safe_label
from photoclass.results.pictures.gallery import gallery
from photoclass.results.predict import predict
from photoclass.results.prediction_files.csv_file import read_predictions
from photoclass.results.prediction_files.write import write_predictions
from photoclass.results.submit.submit import submit

NAMES = sorted(
    [
        *(
            "<img src=x onerror=alert(1)>",
            'cat, "tabby"',
            "100 %",
            "=1+1",
            "{{ 7*7 }}",
            "{0} %s $x$",
            "a" * 120,
            "unsure",
        ),
        *("NA", "-dash", "'quoted'", "@sum", "+1", "cat;dog", "#2", "#2 & co", "&lt;", "id", "None", "犬", "खरगोश"),
    ]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of each class in `data`, and a model of these classes."""
    folder = tmp_path_factory.mktemp("awkward")
    make_model(folder / "model", NAMES)
    for number, name in enumerate(NAMES):
        (folder / "data" / name).mkdir(parents=True)
        Image.new("RGB", (SIDE, SIDE), (9 * number, 250 - 7 * number, 99)).save(
            folder / "data" / name / f"{number}.png"
        )
    return folder


def test_model_folder(folder: Path) -> None:
    info = load_info(folder / "model")
    assert list(info.class_names) == NAMES
    probabilities, labels = load_valid_predictions(folder / "model", info)
    assert probabilities.argmax(axis=1).tolist() == labels.tolist() == list(range(len(NAMES)))
    text = card(make_info(NAMES)).partition("---\n\n")[2]
    assert "\\<img src=x" in text and "\\&lt;" in text and text.replace("\\<", "").count("<img") == 0


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_predictions(ending: str, folder: Path, tmp_path: Path) -> None:
    predictions = predict([folder / "data"], folder / "model")
    assert [NAMES[label] for label in predictions.truth] == [Path(file).parent.name for file in predictions.files]
    out = tmp_path / f"p.{ending}"
    write_predictions(predictions, out)
    labels = [predictions.label(row) for row in range(len(predictions))]
    rows = read_predictions(out) if ending == "csv" else [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["label"] for row in rows] == labels and [row["file"] for row in rows] == list(predictions.files)
    assert [name for name in rows[0] if name.startswith("prob_")] == [f"prob_{name}" for name in NAMES]


def test_submissions(folder: Path, tmp_path: Path) -> None:
    """Of a sample with a column for each class in another order, and of one with class names."""
    first, last = NAMES[::-1], NAMES[:1]
    for header, row in ((["key", *first], ["{}", *["0.5"] * len(first)]), (["key", "answer"], ["{}", *last])):
        with open(tmp_path / "sample.csv", "w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(header)
            writer.writerows([cell.format(number) for cell in row] for number in range(len(NAMES)))
        submit(folder / "data", folder / "model", tmp_path / "s.csv", sample=tmp_path / "sample.csv")
        with open(tmp_path / "s.csv", encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        assert rows[0] == header and len(rows) == 1 + len(NAMES)
        predictions = predict([folder / "data"], folder / "model")
        labels = {Path(file).stem: predictions.label(row) for row, file in enumerate(predictions.files)}
        for key, *cells in rows[1:]:
            if len(cells) == 1:
                assert cells == [labels[key]]
            else:
                assert first[cells.index(max(cells))] == labels[key]


def test_fixes(tmp_path: Path) -> None:
    fixes = [Fix(f"{name}/1.png", name, f"was {name}") for name in NAMES]
    write_fixes(tmp_path / "fixes.csv", fixes)
    assert [fix for _, fix in read_fixes(tmp_path / "fixes.csv")] == fixes


@pytest.mark.parametrize("names", [NAMES[:8], NAMES[8:16], NAMES[16:]])
def test_pages(names: list[str], folder: Path, tmp_path: Path) -> None:
    for name in names:
        shutil.copytree(folder / "data" / name, tmp_path / "data" / name)
    write_page(check(tmp_path / "data", labels=False), tmp_path / "check.html")
    page = (tmp_path / "check.html").read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert [name for name in names if name not in html.unescape(page)] == []


def test_pictures(folder: Path, tmp_path: Path) -> None:
    made = gallery([folder / "data"], folder / "model", tmp_path / "g.png")
    number = NAMES.index("犬") + 1
    assert f"no. {number} is 犬" in made.as_text() or not made.notes


@given(st.text(min_size=1).filter(lambda name: name.strip()))
def test_any_label_is_read_back(name: str) -> None:
    assert plain_label(safe_label(clean_class_name(name) or "x")) == (clean_class_name(name) or "x")
