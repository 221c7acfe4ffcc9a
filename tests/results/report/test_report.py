"""The report: one self-contained, accessible page that agrees with the model's metrics."""

import csv
import dataclasses
import functools
import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from pages import check_page
from photoclass.errors import DataError, ModelError, OutputError
from photoclass.metrics.bootstrap import bootstrap_metrics
from photoclass.metrics.conformal import conformal_thresholds, measure_sets
from photoclass.metrics.intervals import wilson_interval
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.metrics.optimism import Estimate, Optimism
from photoclass.model.folder import Epoch, ModelInfo, StoredScore, TrainingSummary, load_info
from photoclass.photos.data_paths import DataPaths
from photoclass.photos.table import SkippedPhoto
from photoclass.results.report.choice import choose_photos
from photoclass.results.report.page import render_report
from photoclass.results.report.report import report
from photoclass.results.report.report_data import PhotoSource, Pictures, ReportData, ScoredSplit
from photoclass.results.report.verdict import describe_confidence, shown
from photoclass.results.scores.prediction_sets import PredictionSets, SetScore
from photoclass.results.scores.score import score_predictions
from running import done, run_command


def _rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def _numbers(source: str) -> dict[str, dict[str, list[float]]]:
    found = re.search(r'<script type="application/json" id="numbers">(.*?)</script>', source, re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.fixture(scope="module")
def written(model: Path) -> str:
    """The page that the training wrote."""
    return (model / "report.html").read_text(encoding="utf-8")


class TestOfTraining:
    """The report that `train` writes."""

    def test_it_is_self_contained_and_accessible(self, written: str) -> None:
        page = check_page(written)
        assert len(written) < 5_000_000
        assert len(page.all("img")) > 30, "photos are embedded"
        assert "Incomplete report" not in page.text()

    def test_its_metrics_are_those_of_the_model(self, model: Path, written: str) -> None:
        figures = load_info(model).metrics["held_out"]
        text = check_page(written).text()
        n, right = figures.n, round(figures.n * figures.accuracy.value)
        assert f"{right} of {n} photos classified correctly" in text
        assert f"{figures.log_loss.value:.4f}" in text and f"{100 * figures.accuracy.value:.2f} %" in text
        numbers = _numbers(written)
        coverage, thresholds = numbers["coverage"], numbers["thresholds"]
        assert (coverage["accepted"][0], coverage["correct"][0]) == (n, right)
        at = thresholds["levels"].index(0.5)
        confusion = figures.confusion
        assert [thresholds["truePositives"][at], thresholds["falsePositives"][at]] == [confusion[1][1], confusion[0][1]]

    def test_its_header_has_three_key_numbers(self, model: Path, written: str) -> None:
        metrics = load_info(model).metrics["held_out"]
        stats = re.findall(r'<dd class="value">(.*?)</dd>', written.partition("</header>")[0])
        assert stats == [
            f"{metrics.accuracy.value:.1%}".replace("%", " %"),
            f"{metrics.log_loss.value:.4f}",
            f"{metrics.n}",
        ]

    def test_held_out_predictions_are_kept_and_mistakes_shown(self, model: Path, written: str) -> None:
        rows = _rows(model / "held_out_predictions.csv")
        known = {row["file"]: row for row in _rows(model / "photos.csv")}
        assert rows and all(known[row["file"]]["split"] == "held_out" for row in rows)
        wrong = [row for row in rows if max(("cat", "dog"), key=lambda c: float(row[f"prob_{c}"])) != row["truth"]]
        text = check_page(written).text()
        assert len(rows) == load_info(model).metrics["held_out"].n
        for row in wrong[:25]:
            assert "/".join(row["file"].split("/")[-2:]) in text


class TestCommand:
    """`photoclass report`, some time after the training."""

    @pytest.fixture
    def own(self, model: Path, tmp_path: Path) -> Path:
        """A copy of the model folder, to be changed."""
        shutil.copytree(model, tmp_path / "own")
        return tmp_path / "own"

    def test_it_writes_the_same_page_again(self, own: Path, model: Path, written: str) -> None:
        (own / "report.html").unlink()
        result = done("report", own)
        assert result.stdout.startswith(f"{own}/report.html: the report, ")
        again = (own / "report.html").read_text(encoding="utf-8")
        assert again.replace(f"<dd>{own.name}</dd>", f"<dd>{model.name}</dd>") == written

    def test_moved_and_renamed_photos_are_found_by_content(self, own: Path, drawn_photos: Path, tmp_path: Path) -> None:
        for number, photo in enumerate(sorted(drawn_photos.glob("*/*.jpg"))):
            target = tmp_path / "elsewhere" / photo.parent.name / "deep" / f"{number}.jpg"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(photo, target)
        done("report", own, "--data", tmp_path / "elsewhere", "--out", tmp_path / "moved.html")
        page = check_page((tmp_path / "moved.html").read_text(encoding="utf-8"))
        assert len(page.all("img")) == len(check_page((own / "report.html").read_text(encoding="utf-8")).all("img"))

    def test_missing_photos_are_reported_on_the_page_and_in_the_terminal(self, own: Path, tmp_path: Path) -> None:
        values = json.loads((own / "model.json").read_text())
        values["training"]["data"] = str(tmp_path / "gone")
        (own / "model.json").write_text(json.dumps(values))
        result = done("report", own)
        assert f"warning: no pictures: {tmp_path}/gone: there is no such file or folder" in result.stdout
        page = check_page((own / "report.html").read_text(encoding="utf-8"))
        assert not page.all("img")
        assert "Incomplete report" in page.text() and "give --data" in page.text()
        assert "classified correctly" in page.text(), "the metrics are there all the same"

    def test_photos_that_changed_since_are_not_shown(self, own: Path, drawn_photos: Path, tmp_path: Path) -> None:
        shutil.copytree(drawn_photos, tmp_path / "photos")
        rows = _rows(own / "held_out_predictions.csv")
        changed = Path(rows[0]["file"]).relative_to(drawn_photos)
        (tmp_path / "photos" / changed).write_bytes((tmp_path / "photos" / "cat" / "cat-0001.jpg").read_bytes() + b"!")
        made = report(own, data=tmp_path / "photos")
        assert "1 of " in made.note and "no longer has these photos" in made.note

    def test_a_folder_of_an_older_version_is_predicted_again(self, own: Path, drawn_photos: Path) -> None:
        (own / "held_out_predictions.csv").unlink()
        values = json.loads((own / "model.json").read_text())
        for name in ("data", "changed_settings", "fixes", "photos_with_duplicates", "duplicates_across_splits"):
            del values["training"][name]
        del values["metrics"]["held_out"]["ece"]
        (own / "model.json").write_text(json.dumps(values))
        assert not report(own, data=drawn_photos).note
        page = check_page((own / "report.html").read_text(encoding="utf-8"))
        assert f"{values['metrics']['held_out']['n']} photos held out" in page.text()
        assert "calibration error" in page.text() and "photoclass train DATA" in page.text()

        made = report(own)
        assert "so this is about the validation split" in made.note and "give --data" in made.note
        page = check_page((own / "report.html").read_text(encoding="utf-8"))
        assert "These photos also selected the epoch" in page.text()

    def test_invalid_input_gives_one_clear_line(self, own: Path, tmp_path: Path) -> None:
        result = run_command("report", tmp_path / "none")
        assert result.returncode == 1 and "no such model folder" in result.stderr
        with pytest.raises(DataError, match="no such file or folder"):
            report(own, data=tmp_path / "gone")
        with pytest.raises(OutputError, match="is a folder"):
            report(own, tmp_path)
        (own / "held_out_predictions.csv").write_text("file,truth,prob_cat,prob_dog\na.jpg,cat,much,0.5\n")
        before = (own / "report.html").read_bytes()
        with pytest.raises(ModelError, match=r"held_out_predictions\.csv: cannot be read"):
            report(own)
        assert (own / "report.html").read_bytes() == before
        (own / "held_out_predictions.csv").unlink()
        (own / "valid_predictions.csv").unlink()
        values = json.loads((own / "model.json").read_text())
        values["training"]["data"] = str(tmp_path / "gone")
        (own / "model.json").write_text(json.dumps(values))
        with pytest.raises(ModelError, match="give the photos of its training with --data"):
            report(own)
        (own / "history.csv").write_text("epoch\n1\n")
        shutil.copy(own / "photos.csv", own / "kept.csv")
        (own / "photos.csv").write_text("sha256,split,label,file\nnothex,train,cat,a\n")
        with pytest.raises(ModelError, match=r"photos\.csv: cannot be read"):
            report(own)


HOSTILE = ("</script><script>alert(1)</script>", "a\"b' onload=x", "line\nbreak‮", "\udcff<img src=x onerror=y>")


def test_hostile_names_are_only_text_and_the_shown_command_trains_the_same_model(
    drawn_photos: Path, tmp_path: Path
) -> None:
    """Class names and file names with tags and quotes, through the real command."""
    photos = sorted(drawn_photos.glob("*/*.jpg"))
    with open(tmp_path / "labels.csv", "w", newline="", errors="surrogateescape") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "label"])
        for number, photo in enumerate([*photos[:40], *photos[60:100]]):
            name = f"{number}{'<b onclick=x>' if number % 2 else '&quot;-'}.jpg"
            shutil.copy(photo, tmp_path / name)
            writer.writerow([name, "<img src=x onerror=alert(1)>" if photo.parent.name == "cat" else HOSTILE[1]])
    done(
        *("train", tmp_path / "labels.csv", "--out", tmp_path / "run", "--recipe", "small-cnn", "--epochs", 1),
        *("--set", "image_size=32"),
    )
    source = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    page = check_page(source)
    assert "<img src=x onerror=alert(1)>" in page.text() and "<b onclick=x>" in page.text()
    assert page.all("img") and not page.all("b")
    command = "".join(text for tag, text in page.texts if tag == "pre" and text.startswith("photoclass "))
    arguments = shlex.split(command.replace("\\\n", " "))
    assert arguments[0] == "photoclass" and arguments[3:5] == ["--out", "again"]
    result = done(*arguments[1:4], tmp_path / "again", *arguments[5:], "--no-report")
    assert "the report" not in result.stdout and not (tmp_path / "again" / "report.html").exists()
    assert (tmp_path / "again" / "model.onnx").read_bytes() == (tmp_path / "run" / "model.onnx").read_bytes()


def _report_data(
    probabilities: np.ndarray,
    labels: np.ndarray,
    class_names: tuple[str, ...],
    split: str = "held_out",
    **changes: object,
) -> ReportData:
    """Return the data of a report, without a model."""
    n = len(labels)
    by_class = {name: n for name in class_names}
    predictions = LabelledProbabilities(probabilities, labels, class_names)
    score = StoredScore.from_json(score_predictions(predictions, split, split == "valid").as_json(), split)
    info = ModelInfo(
        class_names=class_names,
        image_size=32,
        resize="squash",
        recipe="small-cnn",
        settings={"loop": {"epochs": 2}, "filters": [4, 8]},
        seed=0,
        base_rates=tuple(1 / len(class_names) for _ in class_names),
        photos={"train": by_class, "valid": by_class, "held_out": by_class},
        data_fingerprint="f" * 64,
        photoclass_version="0",
        metrics={split: score},
        training=TrainingSummary(),
    )
    report_data = ReportData(
        model=Path("run"),
        info=info,
        scored=ScoredSplit(split, tuple(f"photos/{i}.jpg" for i in range(n)), predictions, score),
        source=PhotoSource(DataPaths((Path("photos"),)), {}),
        pictures=Pictures(choose_photos(predictions, 0), {}, no_heat_maps="the photos are not available"),
        history=(),
        skipped=(),
        sets=PredictionSets((), ((0.99, "a coverage of 0.99 needs at least 99 validation photos; there are 3"),)),
        diagram="<svg></svg>",
    )
    return dataclasses.replace(report_data, **changes)


def _with_score(report_data: ReportData, score: StoredScore) -> ReportData:
    return dataclasses.replace(report_data, scored=dataclasses.replace(report_data.scored, score=score))


def _confident_in(labels: np.ndarray, classes: int, confidence: float = 0.9) -> np.ndarray:
    """Return probabilities with this confidence in these classes."""
    others = (1 - confidence) / (classes - 1)
    return np.where(labels[:, None] == np.arange(classes), confidence, others).astype(np.float32)


class TestPredictionSets:
    """The section on prediction sets."""

    def test_it_has_what_was_measured_and_what_was_not(self) -> None:
        labels = np.arange(200) % 3
        photos = LabelledProbabilities(_confident_in(labels, 3), labels, ("cat", "dog", "fox"))
        rules = [conformal_thresholds(photos, coverage) for coverage in (0.9, 0.95)]
        scores = tuple(SetScore(rule, measure_sets(rule, photos)) for rule in rules)
        report_data = _report_data(photos.probabilities, labels, photos.class_names)
        page = check_page(render_report(dataclasses.replace(report_data, sets=PredictionSets(scores, (), True))))
        text = " ".join(page.text().split())
        assert "90 %100.00 %98.12 % to 100.00 %1.00100.0 %" in text
        assert "also selected the model" in text
        none = check_page(render_report(report_data)).text()
        assert "No prediction sets for 99 %: a coverage of 0.99 needs at least 99 validation photos" in none


class TestEdges:
    """Unusual data and names still give a valid page."""

    @pytest.mark.parametrize("count", [1, 2, 30, 600])
    def test_no_mistakes_are_not_taken_for_perfection(self, count: int) -> None:
        labels = np.arange(count) % 2
        text = check_page(render_report(_report_data(_confident_in(labels, 2), labels, ("cat", "dog")))).text()
        low = wilson_interval(1.0, count).low
        assert "was misclassified" in text
        assert "That does not prove that the model never fails" in text
        expected = f"{100 * low:.0f} to 100" if count < 50 else f"at least about {int(1000 * low):,}"
        assert expected in text

    def test_all_wrong(self) -> None:
        labels = np.arange(60) % 2
        text = check_page(
            render_report(_report_data(_confident_in(1 - labels, 2, 0.95), labels, ("cat", "dog")))
        ).text()
        assert "About 0 of 100 photos classified correctly" in text and "the model does no better" in text
        assert "miscalibrated" in text and "most confident mistakes (60 with at least 90 %)" in text

    def test_a_class_without_photos_is_named(self) -> None:
        labels = np.zeros(40, dtype=np.int64)
        predicted = labels.copy()
        predicted[:4] = 1
        text = check_page(render_report(_report_data(_confident_in(predicted, 2), labels, ("cat", "dog")))).text()
        assert "There are no photos of dog here" in text

    def test_thirty_classes_with_long_hostile_names(self) -> None:
        names = tuple(sorted({*HOSTILE, *(f"{'long ' * 60}{i:02}" for i in range(26))}))
        labels = np.arange(300) % len(names)
        predicted = np.where(np.arange(300) % 7 == 0, (labels + 1) % len(names), labels)
        source = render_report(_report_data(_confident_in(predicted, len(names)), labels, names))
        page = check_page(source)
        assert "The most frequently confused classes" in page.text() and "</script><script>alert(1)" in page.text()
        assert _numbers(source)["thresholds"] is None
        assert not page.all("img") and len(source) < 300_000

    def test_a_thousand_classes_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Of 1,000 classes, 2,000 resamples take half a minute, and the size of the page does not depend on them.
        few = functools.partial(bootstrap_metrics, resamples=20)
        monkeypatch.setattr("photoclass.results.scores.score.bootstrap_metrics", few)
        names = tuple(f"class {i:04}" for i in range(1000))
        labels = np.arange(2000) % 1000
        predicted = np.where(np.arange(2000) % 2 == 0, (labels + 1) % 1000, labels)
        source = render_report(_report_data(_confident_in(predicted, 1000), labels, names))
        assert "And 900 more classes" in check_page(source).text() and len(source) < 300_000

    def test_a_validation_score_has_a_warning(self) -> None:
        labels = np.arange(80) % 2
        report_data = _report_data(_confident_in(labels, 2), labels, ("a", "b"), "valid")
        text = check_page(render_report(report_data)).text()
        assert "The model was also selected on them, so the score is optimistic." in text
        optimism = Optimism(("epoch",), "cross-fitting", Estimate(0.012, 0.004), Estimate(0.01, 0.002))
        score = dataclasses.replace(report_data.scored.score, optimism=optimism)
        text = check_page(render_report(_with_score(report_data, score))).text()
        assert "These photos also selected the epoch, so this score is optimistic by about 0.0120 ± 0.0040" in text

    def test_skipped_files_are_counted_and_named(self) -> None:
        labels = np.arange(80) % 2
        skipped_photos = tuple(SkippedPhoto(f"photos/{i}<i>.jpg", "file is empty (0 bytes)") for i in range(40))
        report_data = _report_data(_confident_in(labels, 2), labels, ("a", "b"), skipped=skipped_photos)
        page = check_page(render_report(report_data))
        assert "40 files could not be used" in page.text() and "The first 25" in page.text()
        assert "0<i>.jpg" in page.text() and not page.all("i")

    @pytest.mark.parametrize("epochs", [1, 3, 60])
    def test_curves_of_any_length(self, epochs: int) -> None:
        labels = np.arange(80) % 2
        history = tuple(Epoch(i + 1, 0.7, 0.5, float("nan") if i == 1 else 0.6, 0.6, 1.0, 9.0) for i in range(epochs))
        source = render_report(_report_data(_confident_in(labels, 2), labels, ("a", "b"), history=history))
        page = check_page(source)
        assert "curve-loss-title" in page.ids() and "nan" not in "".join(re.findall(r'points="([^"]*)"', source))


def test_names_and_probabilities_are_readable() -> None:
    assert shown("a\nb‮c") == "a b\N{REPLACEMENT CHARACTER}c"
    assert shown(" ") == "(a blank name)"
    assert len(shown("x" * 500)) <= 60 and shown("x" * 500).count("…") == 1
    assert [describe_confidence(p) for p in (1.0, 0.9996, 0.9994, 0.5, 0.0004)] == [
        *("over 99.9 %", "over 99.9 %", "99.9 %", "50.0 %"),
        "under 0.1 %",
    ]
