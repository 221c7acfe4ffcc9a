"""Submissions: ids, clipping, base rates, and the effect of clipping on the log loss."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from photoclass.errors import DataError, SettingsError
from photoclass.metrics.classification import log_loss
from photoclass.model.folder import load_info, load_valid_predictions
from photoclass.photos.table import SkippedPhoto
from photoclass.results.predict import predict
from photoclass.results.submit.columns import Column
from photoclass.results.submit.submission import Clipping, Submission
from photoclass.results.submit.submit import submit


@pytest.fixture
def test_set(drawn_photos: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "test"
    folder.mkdir()
    for number, photo in enumerate(sorted(drawn_photos.rglob("*.jpg"))[::10], start=1):
        shutil.copy(photo, folder / f"{number}.jpg")
    return folder


def _rows(file: Path) -> dict[str, float]:
    with open(file, newline="") as stream:
        return {row["id"]: float(row["label"]) for row in csv.DictReader(stream)}


def test_without_a_sample_every_photo_has_a_row_in_natural_order(model: Path, test_set: Path, tmp_path: Path) -> None:
    submission = submit(test_set, model, tmp_path / "s.csv")
    assert list(_rows(tmp_path / "s.csv")) == [str(i) for i in range(1, 13)]
    assert submission.rows == 12


@pytest.mark.parametrize("clip", [0.0, 0.005, 0.3])
def test_labels_are_the_clipped_probability_of_the_second_class(
    clip: float, model: Path, test_set: Path, tmp_path: Path
) -> None:
    submit(test_set, model, tmp_path / "s.csv", clip=clip)
    predictions = predict([test_set], model)
    wanted = np.clip(predictions.probabilities[:, 1], clip, 1 - clip)
    np.testing.assert_allclose(list(_rows(tmp_path / "s.csv").values()), wanted, atol=1e-6)


def test_the_effect_of_clipping_is_measured_on_validation_photos(model: Path, test_set: Path, tmp_path: Path) -> None:
    submission = submit(test_set, model, tmp_path / "s.csv", clip=0.4)
    probabilities, labels = load_valid_predictions(model, load_info(model))
    assert submission.clipping is not None
    assert submission.clipping.valid_photos == len(labels) > 0
    assert submission.clipping.log_loss_unclipped == pytest.approx(log_loss(probabilities, labels))
    assert submission.clipping.log_loss_clipped == pytest.approx(log_loss(np.clip(probabilities, 0.4, 0.6), labels))
    in_model = json.loads((model / "model.json").read_text())["metrics"]["valid"]["log_loss"]
    assert submission.clipping.log_loss_unclipped == pytest.approx(in_model, abs=1e-5)


@pytest.mark.parametrize(
    ("clipped", "text"),
    [
        (0.19, "which lowers the log loss by 0.0100 on 2 validation photos (0.2000 to 0.1900)"),
        (0.21, "which raises the log loss by 0.0100"),
        (0.2 - 1e-6, "which does not change the log loss on"),
        (0.2, "which does not change the log loss on"),
    ],
)
def test_the_effect_of_clipping_is_never_minus_zero(clipped: float, text: str) -> None:
    assert text in Clipping(0.005, 2, 2, 0.2, clipped).as_text()


def test_a_row_without_a_photo_is_counted_in_the_singular() -> None:
    columns = Column("id", "id"), Column("label", "probability", 1)
    clipping = Clipping(0.005, 2, 2, 0.2, 0.2)
    submission = Submission(Path("s.csv"), 3, columns, ("cat", "dog"), (SkippedPhoto("a.jpg", "truncated"),), clipping)
    assert "warning: 1 row has the class frequencies" in submission.as_text()


def test_two_photos_with_the_same_id_are_rejected(model: Path, test_set: Path, tmp_path: Path) -> None:
    shutil.copy(test_set / "1.jpg", test_set / "1.jpeg")
    with pytest.raises(DataError, match="the id '1' belongs to 2 photos"):
        submit(test_set, model, tmp_path / "s.csv")


@pytest.mark.parametrize("clip", [-0.1, 0.5, float("nan")])
def test_a_clip_out_of_range_is_rejected(clip: float, model: Path, test_set: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="clip is"):
        submit(test_set, model, tmp_path / "s.csv", clip=clip)


def test_a_sample_with_many_unknown_ids_is_rejected_in_one_line(model: Path, test_set: Path, tmp_path: Path) -> None:
    (tmp_path / "sample.csv").write_text("id,label\n" + "".join(f"{i},0.5\n" for i in range(1, 1001)))
    with pytest.raises(DataError) as raised:
        submit(test_set, model, tmp_path / "s.csv", sample=tmp_path / "sample.csv")
    assert "988 ids of" in str(raised.value) and "13, 14" in str(raised.value)
    assert len(str(raised.value)) < 500 and "\n" not in str(raised.value)
