"""`predict --abstain`: `unsure` if the confidence is too low or the photo out-of-distribution, all else as before."""

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photoclass.errors import ModelError, SettingsError
from photoclass.model.folder import load_novelty, save_novelty
from photoclass.model.runtime import Runtime
from photoclass.results.predict import predict
from photoclass.results.prediction_files.csv_file import read_predictions
from photoclass.results.prediction_files.write import write_predictions
from photoclass.results.predictions import UNSURE, Predictions
from photoclass.results.scores.coverage import selective_confidence
from running import QUICK, done, run_command


def _predictions(probabilities: list[float], distances: list[float] | None, abstain: float | None) -> Predictions:
    dogs = np.array(probabilities, dtype=np.float32)
    count = len(dogs)
    return Predictions(
        tuple(f"{i}.jpg" for i in range(count)),
        ("ok",) * count,
        np.stack([1 - dogs, dogs], axis=1),
        ("cat", "dog"),
        np.full(count, -1),
        ("",) * count,
        distances=None if distances is None else np.array(distances),
        abstain=abstain,
    )


def test_a_photo_is_unsure_for_either_reason_and_the_text_has_the_reason() -> None:
    predictions = _predictions([0.97, 0.6, 0.05, 0.999], [0.2, 0.2, 0.99, 0.995], 0.9)
    assert [predictions.label(i) for i in range(4)] == ["dog", UNSURE, "cat", UNSURE]
    assert [predictions.describe(i) for i in range(4)] == [
        "dog 97.0 %",
        "unsure (dog 60.0 %)",
        "cat 95.0 %",
        "unsure (unlike the training photos)",
    ]
    almost = _predictions([0.98999], None, 0.99)
    assert almost.describe(0) == "unsure (dog 98.9 %)", "not 99.0 %"


def test_without_abstain_nothing_changes(tmp_path: Path) -> None:
    predictions = _predictions([0.6], None, None)
    assert (predictions.label(0), predictions.describe(0)) == ("dog", "dog 60.0 %")
    write_predictions(predictions, tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text().splitlines() == [
        "file,status,label,probability,prob_cat,prob_dog",
        "0.jpg,ok,dog,0.600000,0.400000,0.600000",
    ]


def test_the_distance_is_the_last_column(tmp_path: Path) -> None:
    predictions = _predictions([0.6, 0.97], [0.25, 0.5], 0.9)
    predictions = dataclasses.replace(predictions, statuses=("ok", "file is empty"))
    predictions.probabilities[1] = np.nan
    assert predictions.distances is not None
    predictions.distances[1] = np.nan
    write_predictions(predictions, tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text().splitlines() == [
        "file,status,label,probability,prob_cat,prob_dog,distance",
        "0.jpg,ok,unsure,0.600000,0.400000,0.600000,0.250000",
        "1.jpg,file is empty,,,,,",
    ]
    write_predictions(predictions, tmp_path / "p.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert [(line["label"], line["distance"]) for line in lines] == [(UNSURE, 0.25), (None, None)]
    assert list(lines[0])[-1] == "distance"
    assert read_predictions(tmp_path / "p.csv")[0]["label"] == UNSURE


def test_the_command_writes_what_the_library_returns(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(drawn_photos / "cat", photos)
    (photos / "empty.jpg").touch()
    out = tmp_path / "p.csv"
    done("predict", photos, "--model", model, "--abstain", "0.6", "--out", out)
    plain = predict([photos], model)
    with open(out, newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["file", "status", "label", "probability", "prob_cat", "prob_dog", "distance"]
    assert len(rows) == len(plain)
    distances = np.array([float(row[6] or "nan") for row in rows])
    confidence = selective_confidence(plain.probabilities, distances)
    for i, row in enumerate(rows):
        if plain.statuses[i] != "ok":
            assert row[2:] == [""] * 5
            continue
        assert row[3:6] == [f"{p:.6f}" for p in (plain.probability(i), *plain.probabilities[i])]
        assert row[2] == (plain.label(i) if confidence[i] >= 0.6 else UNSURE)
    assert len({row[2] for row in rows}) > 1, "some are predicted, some are not"


def test_plain_colours_are_farther_than_drawings(drawn_photos: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    # A distance is a rank among the validation photos: it takes more of them than the usual tenth of 120.
    done("train", drawn_photos, "--recipe", "small-cnn", "--out", model, *QUICK, "--split", "50/40/10", "--no-report")
    novelty = load_novelty(model, Runtime.load(model).info.onnx_sha256)
    assert novelty is not None
    drawn = predict([drawn_photos / "dog"], model, abstain=0.5)
    assert drawn.distances is not None and (drawn.distances <= 0.99).mean() > 0.8
    (tmp_path / "flat").mkdir()
    for name, colour in (("blue", (0, 0, 255)), ("green", (0, 255, 0))):
        Image.new("RGB", (60, 60), colour).save(tmp_path / "flat" / f"{name}.png")
    flat = predict([tmp_path / "flat"], model, abstain=0.5)
    assert flat.distances is not None and np.median(flat.distances) > np.median(drawn.distances)


def test_without_a_novelty_file_it_abstains_by_probability_and_says_so(
    model: Path, drawn_photos: Path, tmp_path: Path
) -> None:
    shutil.copytree(model, tmp_path / "run")
    (tmp_path / "run" / "novelty.npz").unlink()
    photo = drawn_photos / "cat" / "cat-0001.jpg"
    output = done("predict", photo, "--model", tmp_path / "run", "--abstain", "1")
    assert "unsure (" in output.stdout and "has no novelty.npz" in output.stderr
    predictions = predict([photo], tmp_path / "run", abstain=1.0)
    write_predictions(predictions, tmp_path / "p.csv")
    assert (tmp_path / "p.csv").read_text().splitlines()[1].endswith(",")


@pytest.mark.parametrize("value", ["0.4", "1.1", "nan", "-1"])
def test_invalid_values_are_rejected_in_one_line(value: str, model: Path, drawn_photos: Path) -> None:
    with pytest.raises(SettingsError, match=r"--abstain is .*; it must be a probability from"):
        predict([drawn_photos], model, abstain=float(value))


def test_commands_reject_invalid_options_at_once(model: Path, drawn_photos: Path) -> None:
    result = run_command("predict", drawn_photos, "--model", model, "--abstain", "99")
    assert result.returncode == 1 and result.stderr.startswith("photoclass: --abstain is 99;")
    result = run_command("evaluate", drawn_photos, "--model", model, "--cost-fp", "1")
    assert result.returncode == 1 and "--cost-fp and --cost-fn go together" in result.stderr


def test_a_class_named_unsure_is_rejected(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "run")
    path = tmp_path / "run" / "model.json"
    path.write_text(path.read_text().replace('"dog"\n  ]', '"unsure"\n  ]', 1))
    with pytest.raises(ModelError, match="has a class named 'unsure', which is the label that --abstain writes"):
        predict([drawn_photos], tmp_path / "run", abstain=0.9)


def test_a_novelty_file_of_another_network_is_rejected(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "run")
    novelty = load_novelty(model, Runtime.load(model).info.onnx_sha256)
    assert novelty is not None
    save_novelty(tmp_path / "run", novelty, b"another network")
    with pytest.raises(ModelError, match="belongs to another network"):
        predict([drawn_photos], tmp_path / "run", abstain=0.9)
