"""What a notebook shows of each result: whole, escaped, without code or anything from elsewhere, and small."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import photoclass
from pages import check_fragment
from photoclass import notebook
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.model.folder import load_info
from photoclass.results.predictions import Predictions
from photoclass.training.notebook import trained_html

HOSTILE = '<script>alert(1)</script> & "it\'s"'


def test_texts_are_escaped_and_stay_on_one_line() -> None:
    html = notebook.card(
        HOSTILE,
        notebook.paragraph(HOSTILE),
        notebook.table(HOSTILE, (HOSTILE, "number"), [(HOSTILE, 3), ("two\nlines\x1b[2J", 4)]),
        notebook.photo_strip([notebook.Photo("", HOSTILE, (HOSTILE,))]),
        notebook.skipped_table([(HOSTILE, HOSTILE)]),
    )
    page = check_fragment(html)
    assert page.text().count("<script>alert(1)</script>") == 9
    assert "two lines\N{REPLACEMENT CHARACTER}[2J" in page.text()


def test_long_tables_are_cut_and_the_rest_is_counted() -> None:
    rows = [(str(i), i) for i in range(1000)]
    page = check_fragment(notebook.card("title", notebook.table("rows", ("a", "b"), rows)))
    assert len(page.all("tr")) == notebook.MOST_ROWS + 1 and "and 988 more" in page.text()
    assert notebook.table("rows", ("a", "b"), []) == "" and notebook.photo_strip([]) == ""


def test_findings_show_what_check_prints(drawn_photos: Path, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for photo in sorted((drawn_photos / name).iterdir())[:6]:
            (tmp_path / name / photo.name).write_bytes(photo.read_bytes())
    copied = next((tmp_path / "cat").iterdir())
    (tmp_path / "dog" / "copy.jpg").write_bytes(copied.read_bytes())
    (tmp_path / "cat" / "empty.jpg").touch()
    findings = photoclass.check(tmp_path, labels=False)
    page = check_fragment(findings._repr_html_())
    lines = photoclass.describe_findings(findings).splitlines()
    assert lines[0].removeprefix(str(findings.data)) in page.text()
    assert "appears in two classes: one of the labels is probably wrong" in page.text()
    assert "The same picture in two classes (same bytes)" in page.text()
    assert len(page.all("img")) == 2 and "empty.jpg" in page.text()


def test_a_trained_model_shows_the_reports_headline_and_its_mistakes(model: Path, drawn_photos: Path) -> None:
    info = load_info(model)
    known = {name: str(path) for path in drawn_photos.rglob("*.jpg") for name in (str(path),)}
    evaluation = photoclass.evaluate(drawn_photos, model)
    page = check_fragment(trained_html(model, info, evaluation.score, known))
    report = (model / "report.html").read_text(encoding="utf-8")
    headline = page.text().partition("classified correctly")[0]
    assert headline and headline in report
    mistakes = evaluation.score.n - int(np.trace(evaluation.score.confusion))
    assert (f"of {mistakes} held-out photo" in page.text()) == (mistakes > 0)
    assert len(page.all("img")) <= 8
    assert "validation" in page.text() and "training" in page.text()
    of_info = check_fragment(info._repr_html_())
    assert "cat, dog: recipe small-cnn" in of_info.text() and "selected the model: optimistic" in of_info.text()


def test_scores_evaluations_and_comparisons_show_their_figures(model: Path, drawn_photos: Path) -> None:
    evaluation = photoclass.evaluate(drawn_photos, model)
    score = check_fragment(evaluation.score._repr_html_()).text()
    assert evaluation.score.title() in score and f"{evaluation.score.log_loss.value:.4f}" in score
    shown = check_fragment(evaluation._repr_html_()).text()
    assert "Abstaining below a confidence" in shown and "no prediction sets for" in shown
    assert "left out:" in shown
    measured = photoclass.evaluate(drawn_photos, model, coverage=0.5)
    assert f"Prediction sets of {measured.score.n} photos" in check_fragment(measured._repr_html_()).text()
    comparison = photoclass.compare(drawn_photos, [model, model])
    page = check_fragment(comparison._repr_html_())
    assert all(line in page.text() for line in comparison.verdict())


def test_many_classes_show_their_most_frequent_confusions() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(40), 300)
    names = tuple(f"{HOSTILE} {i}" for i in range(40))
    score = photoclass.score_predictions(LabelledProbabilities(probabilities, rng.integers(0, 40, 300), names))
    text = check_fragment(score._repr_html_()).text()
    assert "Most frequent confusions" in text and "more" in text


def test_predictions_show_photos_labels_and_what_was_skipped(drawn_photos: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for photo in sorted((drawn_photos / "cat").iterdir())[:14]:
        (photos / photo.name).write_bytes(photo.read_bytes())
    (photos / "a.jpg").touch()
    predictions = photoclass.predict(photos, photoclass.builtin_model(), coverage=0.99)
    page = check_fragment(predictions._repr_html_())
    assert len(page.all("img")) == 11 and "and 3 more" in page.text() and "a.jpg" in page.text()
    assert "Predictions for 15 photos" in page.text() and "}" in page.text()
    for photo in photos.iterdir():
        photo.unlink()
    assert "not available" in check_fragment(predictions._repr_html_()).text()


@pytest.mark.parametrize("count", [0, 1])
def test_few_predictions(count: int) -> None:
    predictions = Predictions(
        (HOSTILE,) * count,
        ("ok",) * count,
        np.full((count, 2), 0.5, dtype=np.float32),
        (HOSTILE, "dog"),
        np.full(count, -1),
        ("",) * count,
    )
    page = check_fragment(predictions._repr_html_())
    assert f"Predictions for {count} photo" in page.text()
    assert dataclasses.replace(predictions, abstain=0.9)._repr_html_()
