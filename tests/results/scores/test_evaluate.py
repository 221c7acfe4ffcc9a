"""Evaluation: which photos are scored, which are left out, and how the score reports it."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from photoclass.errors import DataError, ModelError, SettingsError
from photoclass.metrics.intervals import wilson_interval
from photoclass.model.folder import load_info, load_photo_splits
from photoclass.model.runtime import Runtime
from photoclass.results.predict import predict
from photoclass.results.scores.evaluate import evaluate
from photoclass.results.scores.thresholds import Costs
from same_novelty import assert_novelty_is_what_the_saved_model_computes


def _counts(model: Path) -> dict[str, int]:
    splits = list(load_photo_splits(model).values())
    return {name: splits.count(name) for name in ("train", "valid", "held_out")}


def test_on_the_data_of_the_training_only_held_out_photos_are_scored(model: Path, drawn_photos: Path) -> None:
    evaluation = evaluate(drawn_photos, model)
    counts = _counts(model)
    assert evaluation.score.n == counts["held_out"]
    assert (evaluation.left_out_trained, evaluation.left_out_selected_model) == (counts["train"], counts["valid"])
    assert (evaluation.score.split, evaluation.score.split_selected_model) == ("held_out", False)
    in_model = Runtime.load(model).info.metrics["held_out"]
    assert evaluation.score.as_json() == in_model.as_json()


def test_known_photos_are_scored_on_request(model: Path, drawn_photos: Path) -> None:
    evaluation = evaluate(drawn_photos, model, include_known=True)
    assert evaluation.score.n == 120 and evaluation.left_out_trained == 0
    assert (evaluation.score.split, evaluation.score.split_selected_model) == ("all", True)


def test_photos_are_recognised_by_content(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for number, photo in enumerate(sorted((drawn_photos / name).iterdir())):
            shutil.copy(photo, tmp_path / name / f"renamed{number}.jpg")
    assert evaluate(tmp_path, model).score.n == _counts(model)["held_out"]


def test_new_photos_are_all_scored(model: Path, tmp_path: Path) -> None:
    from photoclass.walkthrough.drawings.drawings import draw_photo_folders

    draw_photo_folders(tmp_path, 5, seed=99)
    evaluation = evaluate(tmp_path, model)
    assert (evaluation.score.n, evaluation.score.split, evaluation.left_out_trained) == (10, "all", 0)
    predictions = predict([tmp_path], model)
    assert evaluation.score.accuracy.value == (predictions.probabilities.argmax(axis=1) == predictions.truth).mean()


@pytest.mark.parametrize(("held_out", "split"), [("test", "held_out"), (None, "valid")])
def test_of_split_data_the_held_out_else_the_validation_part_is_scored(
    held_out: str | None, split: str, model: Path, drawn_photos: Path, tmp_path: Path
) -> None:
    known = load_photo_splits(model)
    for photo in drawn_photos.rglob("*.jpg"):
        part = known[hashlib.sha256(photo.read_bytes()).digest()]
        folder = {"train": "train", "valid": "valid", "held_out": held_out}[part]
        if folder:
            target = tmp_path / folder / photo.parent.name / photo.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(photo, target)
    evaluation = evaluate(tmp_path, model)
    assert evaluation.score.n == _counts(model)[split]
    assert (evaluation.score.split, evaluation.score.split_selected_model) == (split, split == "valid")
    # The optimism of photos that selected the model is the training's estimate.
    found = load_info(model).metrics[split].optimism
    assert evaluation.score.optimism == found
    assert (found is not None) == (split == "valid")
    assert ("these photos also selected the epoch" in evaluation.as_text()) == (split == "valid")


def test_classes_are_matched_by_name_not_by_order(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    """The order of classes in a CSV does not change the labels."""
    rows = [f"{photo},{photo.parent.name}" for photo in sorted(drawn_photos.rglob("*.jpg"), reverse=True)]
    (tmp_path / "data.csv").write_text("\n".join(["image,label", *rows]))
    assert evaluate(tmp_path / "data.csv", model).score.as_json() == evaluate(drawn_photos, model).score.as_json()


def test_without_photos_to_score_it_fails(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    known = load_photo_splits(model)
    for photo in drawn_photos.rglob("*.jpg"):
        if known[hashlib.sha256(photo.read_bytes()).digest()] == "train":
            target = tmp_path / photo.parent.name / photo.name
            target.parent.mkdir(exist_ok=True)
            shutil.copy(photo, target)
    with pytest.raises(DataError, match="no readable photo is left to score"):
        evaluate(tmp_path, model)


def test_the_text_has_split_interval_and_confusion_matrix(model: Path, drawn_photos: Path) -> None:
    text = evaluate(drawn_photos, model).as_text()
    assert (
        "held-out photos" in text
        and "95 % confidence interval" in text
        and "predicted:" in text
        and "left out:" in text
    )
    optimistic = evaluate(drawn_photos, model, include_known=True).as_text()
    assert "(optimistic: some of them trained or selected the model)" in optimistic


def test_out_of_distribution_photos_and_costs_are_reported(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    evaluation = evaluate(drawn_photos, model, costs=Costs(1, 4, "cat"))
    values, text = evaluation.as_json(), evaluation.as_text()
    assert values["out_of_distribution"] is not None and len(values["coverage"]) == 10
    assert values["threshold"]["positive"] == "cat" and values["threshold"]["theoretical"] == 0.2
    assert "abstaining below a confidence of" in text and "decision threshold for class 'cat'" in text
    assert "no novelty.npz" not in text
    shutil.copytree(model, tmp_path / "run")
    (tmp_path / "run" / "novelty.npz").unlink()
    older = evaluate(drawn_photos, tmp_path / "run")
    assert older.as_json()["out_of_distribution"] is None and "no novelty.npz" in older.as_text()
    assert older.score.as_json() == evaluation.score.as_json()
    with pytest.raises(SettingsError, match="unknown class"):
        evaluate(drawn_photos, model, costs=Costs(1, 4, "cow"))


def test_a_novelty_file_of_another_network_is_rejected(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "run")
    (tmp_path / "run" / "novelty.npz").write_bytes(b"short")
    with pytest.raises(ModelError, match=r"novelty\.npz: cannot be read"):
        evaluate(drawn_photos, tmp_path / "run")


def test_distances_of_the_reference_cnn_come_from_its_saved_file(model: Path, drawn_photos: Path) -> None:
    assert_novelty_is_what_the_saved_model_computes(model, drawn_photos, apart=0.02)


def test_intervals_contain_the_value(model: Path, drawn_photos: Path) -> None:
    score = evaluate(drawn_photos, model, include_known=True).score
    for interval in (score.log_loss, score.accuracy):
        assert interval.low < interval.value < interval.high
    assert np.trace(score.confusion) == round(score.accuracy.value * score.n)


def test_leaked_near_duplicates_are_counted_and_the_score_without_them_is_given(
    model: Path, drawn_photos: Path, tmp_path: Path
) -> None:
    from PIL import Image, ImageOps

    from photoclass.walkthrough.drawings.drawings import draw_photo_folders

    draw_photo_folders(tmp_path, 5, seed=99)
    trained = {content for content, split in load_photo_splits(model).items() if split == "train"}
    photos = [p for p in sorted(drawn_photos.rglob("*.jpg")) if hashlib.sha256(p.read_bytes()).digest() in trained]
    for number, photo in enumerate(photos[:6]):
        with Image.open(photo) as picture:
            changed = ImageOps.mirror(picture) if number % 2 else picture
            changed.save(tmp_path / photo.parent.name / f"again{number}.jpg", quality=60)
    evaluation = evaluate(tmp_path, model)
    assert (evaluation.score.n, evaluation.leaked_duplicates) == (16, 6)
    assert evaluation.without_leaked is not None and evaluation.without_leaked.n == 10
    for photo in tmp_path.rglob("again*.jpg"):
        photo.unlink()
    alone = evaluate(tmp_path, model)
    assert alone.score.as_json() == evaluation.without_leaked.as_json()
    assert (alone.leaked_duplicates, alone.without_leaked) == (0, None)
    assert (
        "data leakage: 6 photos are near-duplicates of photos that trained the model; without them, on 10 photos: "
        in evaluation.as_text()
    )
    assert "near-duplicates" not in alone.as_text()


def test_near_duplicates_among_the_scored_photos_count_once_in_intervals(model: Path, tmp_path: Path) -> None:
    from PIL import Image

    from photoclass.walkthrough.drawings.drawings import draw_photo_folders

    draw_photo_folders(tmp_path, 5, seed=99)
    alone = evaluate(tmp_path, model).score
    for photo in sorted(tmp_path.rglob("*.jpg")):
        with Image.open(photo) as picture:
            picture.save(photo.with_name(f"again-{photo.name}"), quality=70)
    twice = evaluate(tmp_path, model).score
    assert (alone.n, alone.distinct_photos, twice.n, twice.distinct_photos) == (10, 10, 20, 10)
    assert twice.accuracy == wilson_interval(twice.accuracy.value, 10)


def test_a_model_folder_without_fingerprints_still_gives_a_score(
    model: Path, drawn_photos: Path, tmp_path: Path
) -> None:
    shutil.copytree(model, tmp_path / "run")
    (tmp_path / "run" / "fingerprints.bin").unlink()
    evaluation = evaluate(drawn_photos, tmp_path / "run")
    assert evaluation.leaked_duplicates is None and evaluation.as_json()["leaked_duplicates"] is None


def test_damaged_fingerprints_are_rejected(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "run")
    (tmp_path / "run" / "fingerprints.bin").write_bytes(b"short")
    with pytest.raises(ModelError, match=r"fingerprints\.bin: cannot be read"):
        evaluate(drawn_photos, tmp_path / "run")


def test_fixes_change_labels_and_leave_photos_out(model: Path, drawn_photos: Path, tmp_path: Path) -> None:
    evaluation = evaluate(drawn_photos, model)
    file = tmp_path / "fixes.csv"
    file.write_text("image,label\ncat/cat-0001.jpg,-\n")
    photo = (drawn_photos / "cat" / "cat-0001.jpg").read_bytes()
    was_scored = load_photo_splits(model)[hashlib.sha256(photo).digest()] == "held_out"
    assert evaluate(drawn_photos, model, fixes=file, include_known=True).score.n == 119
    assert evaluate(drawn_photos, model, fixes=file).score.n == evaluation.score.n - was_scored
