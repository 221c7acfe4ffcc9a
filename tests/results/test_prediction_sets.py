"""`predict --coverage`: the set of each photo in every format, refusals, and what is said of the held-out photos."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from handmade import SIDE, brightness_onnx, make_info
from photoclass.errors import ModelError, SettingsError
from photoclass.metrics.conformal import conformal_thresholds, photos_needed
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.model.folder import (
    TrainingSummary,
    load_info,
    load_predictions,
    save_model,
    save_predictions,
)
from photoclass.photos.table import PhotoTable
from photoclass.results.predict import predict
from photoclass.results.prediction_files.csv_file import read_predictions
from photoclass.results.prediction_files.write import write_predictions
from photoclass.results.scores.evaluate import evaluate
from photoclass.results.scores.prediction_sets import ONLY_CALIBRATION, SetRequest
from running import done, run_command

ODD_NAMES = ("=cat|dog", "back\\slash")


def _folder(
    folder: Path, valid: int, held_out: int = 0, names: tuple[str, str] = ("cat", "dog"), selected: bool = False
) -> Path:
    """Write a model whose validation photos are right with probabilities from 0.995 down to 0.2, evenly."""
    info = make_info(names, training=TrainingSummary(valid_selected_model=selected))
    save_model(folder, info, brightness_onnx(SIDE))
    for split, count in (("valid", valid), ("held_out", held_out)):
        if count:
            of_truth = np.linspace(0.995, 0.2, count)
            labels = np.arange(count) % 2
            probabilities = np.stack([of_truth, 1 - of_truth], axis=1)
            probabilities[labels == 1] = probabilities[labels == 1, ::-1]
            photos = tuple(f"{split}{i}.jpg" for i in range(count))
            table = PhotoTable(photos, photos, labels, np.ones(count, dtype=np.int8), names)
            save_predictions(folder, split, table, probabilities.astype(np.float32), np.arange(count))
    return folder


def _photos(folder: Path) -> Path:
    """Write grey photos from dark to bright, of which `brightness_onnx` becomes surer of the second class, and none."""
    from PIL import Image

    folder.mkdir()
    for level in range(0, 256, 17):
        Image.new("RGB", (SIDE, SIDE), (level,) * 3).save(folder / f"{level:03}.png")
    (folder / "empty.png").touch()
    return folder


def test_the_sets_are_the_same_in_every_format(tmp_path: Path) -> None:
    model, photos = _folder(tmp_path / "run", 99, names=ODD_NAMES), _photos(tmp_path / "photos")
    predictions = predict([photos], model, coverage=0.7)
    sets = [predictions.class_set(i) for i in range(len(predictions))]
    assert predictions.sets is not None and predictions.conformal is not None
    expected = predictions.probabilities >= predictions.conformal.thresholds
    assert (predictions.sets[predictions.is_ok] == expected[predictions.is_ok]).all()
    assert {len(found) for found in sets} == {0, 1, 2} and sets[-1] == ()
    expected_lists = [list(found) or None for found in sets]
    for ending in ("csv", "jsonl", "json"):
        write_predictions(predictions, tmp_path / f"p.{ending}")
    from_csv = [row["set"] for row in read_predictions(tmp_path / "p.csv")]
    assert [json.loads(cell) if cell else None for cell in from_csv] == expected_lists
    from_lines = [json.loads(line)["set"] for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert from_lines == expected_lists
    document = json.loads((tmp_path / "p.json").read_text())
    assert [row["set"] for row in document["predictions"]] == expected_lists
    assert (document["coverage"], document["coverage_by"]) == (0.7, "all")
    with open(tmp_path / "p.csv", newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header[-1] == "set" and not any(row[-1].startswith("=") for row in rows)


def test_sets_are_lists_in_data_frames(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    model, photos = _folder(tmp_path / "run", 99, names=ODD_NAMES), _photos(tmp_path / "photos")
    predictions = predict([photos], model, coverage=0.7)
    column = predictions.to_arrow().column("set").to_pylist()
    assert column == [list(predictions.class_set(i)) or None for i in range(len(predictions))]


def test_the_command_prints_the_sets_and_says_how_they_were_measured(tmp_path: Path) -> None:
    model, photos = _folder(tmp_path / "run", 99, 50), _photos(tmp_path / "photos")
    result = done("predict", photos, "--model", model, "--coverage", "0.7")
    assert "cat 50.0 %  {cat, dog}" in result.stdout
    assert "%  {dog}" in result.stdout and "empty.png: skipped\n" in result.stdout
    assert "prediction sets for a coverage of 70 %, calibrated on 99 validation photos; of 50 held-out" in result.stderr
    out = tmp_path / "p.csv"
    done("predict", photos, "--model", model, "--coverage", "0.7", "--abstain", "0.9", "--out", out)
    with open(out, newline="") as stream:
        assert next(csv.reader(stream))[-2:] == ["distance", "set"]


def test_without_a_coverage_nothing_changes(tmp_path: Path) -> None:
    predictions = predict([_photos(tmp_path / "photos")], _folder(tmp_path / "run", 99))
    assert predictions.sets is None
    with pytest.raises(SettingsError, match="predict with a coverage"):
        predictions.class_set(0)
    write_predictions(predictions, tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text().splitlines()[0] == "file,status,label,probability,prob_cat,prob_dog"


def test_a_model_that_the_validation_photos_selected_says_so(tmp_path: Path) -> None:
    model, photos = _folder(tmp_path / "run", 99, 50, selected=True), _photos(tmp_path / "photos")
    assert "also selected the model" in done("predict", photos, "--model", model, "--coverage", "0.7").stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--coverage", "0.999"], "a coverage of 0.999 needs at least 999 validation photos; there are 99: ask for at"),
        (
            ["--coverage", "0.99", "--coverage-by", "class"],
            "at least 99 validation photos of class 'dog'; there are 49",
        ),
        (["--coverage", "99"], "photoclass: coverage is 99; it must be above 0 and below 1, such as 0.99"),
        (["--coverage", "0.9", "--coverage-by", "photo"], "--coverage-by is photo; choose from all, class"),
        (["--coverage-by", "class"], "--coverage-by needs --coverage"),
    ],
    ids=["few", "few of a class", "percent", "by", "alone"],
)
def test_what_is_not_possible_is_refused_in_one_line(options: list[str], message: str, tmp_path: Path) -> None:
    model, photos = _folder(tmp_path / "run", 99), _photos(tmp_path / "photos")
    for command in ("predict", "evaluate"):
        result = run_command(command, photos, "--model", model, *options)
        assert result.returncode == 1 and result.stdout == ""
        assert message in result.stderr and result.stderr.count("\n") == 1
    assert not list(tmp_path.glob("*.csv"))


def test_a_folder_without_validation_predictions_is_refused(tmp_path: Path) -> None:
    model = _folder(tmp_path / "run", 0)
    with pytest.raises(ModelError, match="has no predictions of validation photos"):
        predict([_photos(tmp_path / "photos")], model, coverage=0.9)


def test_sets_of_two_models_are_not_compared(tmp_path: Path) -> None:
    model, photos = _folder(tmp_path / "run", 99), _photos(tmp_path / "photos")
    result = run_command("evaluate", photos, "--model", model, "--model", model, "--coverage", "0.9")
    assert result.returncode == 1 and "for one model at a time" in result.stderr


def test_sets_by_class_have_a_threshold_for_each(tmp_path: Path) -> None:
    model, photos = _folder(tmp_path / "run", 99), _photos(tmp_path / "photos")
    predictions = predict([photos], model, coverage=0.8, coverage_by="class")
    kept = load_predictions(model, load_info(model), "valid")
    assert kept is not None and predictions.conformal is not None
    labelled = LabelledProbabilities(kept.probabilities, kept.labels, ("cat", "dog"), kept.groups)
    assert (predictions.conformal.thresholds == conformal_thresholds(labelled, 0.8, by_class=True).thresholds).all()
    assert len(set(predictions.conformal.thresholds)) == 2


def test_a_trained_model_is_measured_on_its_held_out_photos(model: Path, drawn_photos: Path) -> None:
    found = evaluate(drawn_photos, model, coverage=0.6)
    info = load_info(model)
    held_out = load_predictions(model, info, "held_out")
    valid = load_predictions(model, info, "valid")
    assert held_out is not None and valid is not None and valid.groups is not None
    (score,) = found.sets.scores
    assert (score.rule.coverage, score.measured.photos) == (0.6, len(held_out))
    covered = score.rule.sets(held_out.probabilities)[np.arange(len(held_out)), held_out.labels]
    assert score.measured.coverage.value == pytest.approx(covered.mean())
    usual = evaluate(drawn_photos, model)
    distinct = len(np.unique(valid.groups))
    refused = [coverage for coverage in (0.9, 0.95, 0.99) if photos_needed(coverage) > distinct]
    assert [coverage for coverage, _ in usual.sets.not_measured] == refused and 0.99 in refused
    assert "no prediction sets for 99 %: a coverage of 0.99 needs at least 99 validation photos" in usual.as_text()
    assert found.sets.valid_selected_model and "also selected the model" in found.as_text()
    json.dumps(found.as_json())


def test_photos_that_the_model_knows_measure_nothing(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    every = evaluate(drawn_photos, model, include_known=True, coverage=0.8)
    only_held_out = evaluate(drawn_photos, model, coverage=0.8)
    assert every.sets.as_json() == only_held_out.sets.as_json()
    split = tmp_path / "split"
    info = load_info(model)
    kept = load_predictions(model, info, "valid")
    assert kept is not None
    for part in ("train", "valid"):
        for name in info.class_names:
            (split / part / name).mkdir(parents=True)
    for photo in drawn_photos.rglob("*.jpg"):
        part = "valid" if any(name.endswith(photo.name) for name in kept.names) else "train"
        shutil.copy(photo, split / part / photo.parent.name)
    found = evaluate(split, model)
    assert not found.sets.scores and {reason for _, reason in found.sets.not_measured} == {ONLY_CALIBRATION}
    assert f"no prediction sets for 90 %, 95 %, 99 %: {ONLY_CALIBRATION}" in found.as_text()


def test_the_command_measures_the_requested_coverage(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "e.json"
    result = done(
        "evaluate", drawn_photos, "--model", model, "--coverage", "0.6", "--coverage-by", "class", "--json", out
    )
    (row,) = json.loads(out.read_text())["prediction_sets"]["measured"]
    assert (row["asked"], row["by"]) == (0.6, "class") and set(row["per_class"]) == {"cat", "dog"}
    assert sum(row["sizes"].values()) == row["photos"]
    assert f"  prediction sets by class of {row['photos']} photos: coverage asked " in result.stdout
    assert "\n    60 %  " in result.stdout


def test_requests_are_checked() -> None:
    assert SetRequest.of(None, None) is None
    assert SetRequest.of(0.9, None) == SetRequest(0.9, "all")
