"""`PhotoClassifier`: what scikit-learn does with it, and its model folder."""

import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
)

import photoclass
from numbers_estimators import tiny_settings
from photoclass import PhotoClassifier, Workspace
from photoclass.progress import Silent
from running import done

# The features that are stored have three digits: so far may a prediction be from that of the saved network.
_TOLERANCE = 0.001


def draw(count: int, labels: NDArray[Any], seed: int = 0) -> NDArray[np.uint8]:
    """Draw pictures of noise, redder the later the class is; shape (N, 40, 48, 3)."""
    pixels = np.random.default_rng(seed).integers(0, 120, (count, 40, 48, 3))
    pixels[..., 0] += 45 * np.unique(labels, return_inverse=True)[1][:, None, None]
    return pixels.astype(np.uint8)


LABELS = np.array(["cat", "dog"] * 24)
PICTURES = draw(48, LABELS)


@pytest.fixture
def classifier(tiny_backbone: str) -> PhotoClassifier:
    return PhotoClassifier(settings=tiny_settings(tiny_backbone))


@pytest.fixture(scope="module")
def fitted(tiny_backbone: str) -> PhotoClassifier:
    return PhotoClassifier(settings=tiny_settings(tiny_backbone)).fit(PICTURES, LABELS)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("photos")
    for row, pixels in enumerate(PICTURES):
        Image.fromarray(pixels).save(folder / f"{row:02}.png")
    return [str(path) for path in sorted(folder.iterdir())]


def test_a_photo_is_the_same_in_every_form(fitted: PhotoClassifier, files: list[str]) -> None:
    wanted = fitted.predict_proba(PICTURES)
    assert wanted.shape == (48, 2)
    assert np.allclose(wanted.sum(axis=1), 1)
    opened = [Image.open(file) for file in files]
    for photos in (
        files,
        [Path(file) for file in files],
        [Path(file).read_bytes() for file in files],
        [Image.fromarray(pixels) for pixels in PICTURES],
        opened,
        list(PICTURES),
    ):
        assert np.array_equal(fitted.predict_proba(photos), wanted)
    for picture in opened:
        picture.close()


def test_predictions_agree_with_one_another(fitted: PhotoClassifier) -> None:
    probabilities, margins = fitted.predict_proba(PICTURES), fitted.decision_function(PICTURES)
    assert fitted.classes_.tolist() == ["cat", "dog"]
    assert (fitted.predict(PICTURES) == fitted.classes_[probabilities.argmax(axis=1)]).all()
    assert np.allclose(margins, np.log(probabilities[:, 1] / probabilities[:, 0]))
    assert np.allclose(fitted.predict_log_proba(PICTURES), np.log(probabilities))
    assert fitted.score(PICTURES, LABELS) == 1
    assert fitted.score(PICTURES, LABELS, sample_weight=np.arange(48)) == 1


def test_more_classes_have_one_column_each_in_sorted_order(classifier: PhotoClassifier) -> None:
    labels = np.array([9, 10, 100] * 16)
    classifier.fit(draw(48, labels), labels)
    logs = classifier.decision_function(draw(48, labels))
    assert classifier.classes_.tolist() == [9, 10, 100]
    assert logs.shape == (48, 3)
    assert (classifier.classes_[logs.argmax(axis=1)] == labels).mean() > 0.9


def test_a_fit_trains_as_the_command_does(
    fitted: PhotoClassifier, tiny_backbone: str, files: list[str], tmp_path: Path
) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("image,label\n" + "".join(f"{f},{y}\n" for f, y in zip(files, LABELS, strict=True)))
    settings = tiny_settings(tiny_backbone)
    options = photoclass.TrainOptions(split=photoclass.SplitFractions(0.1, 0), report=False)
    photoclass.train(table, tmp_path / "run", settings=settings, options=options)
    # The splits are decided by the photos' content: these are files, those pixels.
    of_files = PhotoClassifier(settings=settings).fit(files, LABELS)
    trained = PhotoClassifier.load(tmp_path / "run")
    assert np.array_equal(trained.predict_proba(files), of_files.predict_proba(files))
    assert (fitted.predict(files) == of_files.predict(files)).all()


def test_what_is_saved_predicts_the_same(fitted: PhotoClassifier, files: list[str], tmp_path: Path) -> None:
    wanted = fitted.predict_proba(PICTURES)
    fitted.save(tmp_path / "run")
    loaded = PhotoClassifier.load(tmp_path / "run")
    assert np.array_equal(loaded.predict_proba(PICTURES), wanted)
    assert loaded.classes_.tolist() == fitted.classes_.tolist()
    out = tmp_path / "predictions.csv"
    done("predict", *files, "--model", tmp_path / "run", "--out", out)
    rows = photoclass.read_predictions(out)
    assert [row["label"] for row in rows] == fitted.predict(PICTURES).tolist()
    found = [[float(row[f"prob_{name}"]) for name in fitted.classes_] for row in rows]
    assert np.abs(np.array(found) - wanted).max() <= _TOLERANCE
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again" / "model.json").read_bytes() == (tmp_path / "run" / "model.json").read_bytes()


def test_commands_take_what_is_saved(fitted: PhotoClassifier, files: list[str], tmp_path: Path) -> None:
    fitted.save(tmp_path / "run")
    folder = tmp_path / "photos"
    for file, label in zip(files, LABELS, strict=True):
        (folder / label).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder / label)
    assert "48 photos" in done("evaluate", folder, "--model", tmp_path / "run").stdout
    assert "{cat}" in done("predict", files[0], "--model", tmp_path / "run", "--coverage", "0.5").stdout
    done("report", tmp_path / "run")
    done("gallery", *files, "--model", tmp_path / "run", "--out", tmp_path / "gallery.png")
    assert photoclass.load_info(tmp_path / "run").training.data is None


def test_labels_come_back_with_their_type(classifier: PhotoClassifier, tmp_path: Path) -> None:
    labels = np.array([False, True] * 24)
    classifier.fit(PICTURES, labels).save(tmp_path / "run")
    loaded = PhotoClassifier.load(tmp_path / "run")
    assert loaded.predict(PICTURES).tolist() == labels.tolist()
    assert clone(loaded).settings == loaded.settings


def test_it_is_saved_in_a_new_folder_only(fitted: PhotoClassifier, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(photoclass.OutputError, match="is not empty"):
        fitted.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_it_can_be_pickled_by_those_who_want_to(fitted: PhotoClassifier, tmp_path: Path) -> None:
    again = pickle.loads(pickle.dumps(fitted))  # noqa: S301 - made here
    assert np.array_equal(again.predict_proba(PICTURES), fitted.predict_proba(PICTURES))
    again.save(tmp_path / "run")


def test_the_built_in_model_can_be_loaded(drawn_photos: Path) -> None:
    photos = sorted(map(str, drawn_photos.rglob("*.jpg")))[:8]
    loaded = PhotoClassifier.load(photoclass.builtin_model())
    wanted = photoclass.predict(photos, photoclass.builtin_model())
    assert wanted.files == tuple(photos)
    assert np.allclose(loaded.predict_proba(photos), wanted.probabilities, atol=1e-6)
    backwards = loaded.predict_proba([Path(file).read_bytes() for file in photos[::-1]])
    assert np.allclose(backwards[::-1], wanted.probabilities, atol=1e-6)


def test_any_recipe_can_be_fitted(drawn_photos: Path, tmp_path: Path) -> None:
    photos = sorted(map(str, drawn_photos.rglob("*.jpg")))
    labels = [Path(photo).parent.name for photo in photos]
    settings = {"epochs": 1, "image_size": 32, "filters": (4, 4), "dense_units": 8}
    network = PhotoClassifier("small-cnn", settings=settings, device="cpu", precision="fp32").fit(photos, labels)
    network.save(tmp_path / "run")
    wanted = photoclass.predict(photos, tmp_path / "run").probabilities
    assert np.allclose(network.predict_proba(photos), wanted, atol=1e-6)
    again = PhotoClassifier.load(tmp_path / "run")
    assert np.array_equal(again.predict_proba(photos), network.predict_proba(photos))
    assert again.recipe == "small-cnn"


def test_cross_validation_keeps_groups_together(classifier: PhotoClassifier) -> None:
    groups = np.arange(48) // 4
    scores = cross_val_score(classifier, PICTURES, LABELS, groups=groups, cv=GroupKFold(3))
    assert scores.tolist() == [1, 1, 1]
    scores = cross_val_score(classifier, PICTURES, LABELS, cv=3, params={"groups": groups}, scoring="neg_log_loss")
    assert (scores > -0.5).all()


def test_predictions_out_of_fold_and_in_other_processes(classifier: PhotoClassifier, files: list[str]) -> None:
    one = cross_val_predict(classifier, files, LABELS, cv=3, method="predict_proba")
    two = cross_val_predict(classifier, files, LABELS, cv=3, method="predict_proba", n_jobs=2)
    assert np.allclose(one, two, atol=1e-6)
    assert log_loss(LABELS, one) < 0.5


def test_grid_search_over_settings(tiny_backbone: str) -> None:
    settings = tiny_settings(tiny_backbone)
    grid = {"settings": [{**settings, "balance": balance} for balance in (False, True)], "random_state": [0, 1]}
    search = GridSearchCV(PhotoClassifier(), grid, cv=2).fit(list(PICTURES), LABELS)
    assert search.best_score_ == 1
    assert len(search.cv_results_["params"]) == 4


def test_groups_are_on_one_side_of_the_validation_part(classifier: PhotoClassifier, tmp_path: Path) -> None:
    groups = np.arange(48) // 4
    classifier.fit(PICTURES, LABELS, groups=groups).save(tmp_path / "run")
    with open(tmp_path / "run" / "photos.csv", encoding="utf-8") as stream:
        rows = [line.strip().split(",") for line in stream][1:]
    splits = {(int(row[3].removeprefix("X[").removesuffix("]")) // 4, row[1]) for row in rows}
    assert len(splits) == 12
    assert {split for _, split in splits} == {"train", "valid"}


@pytest.mark.parametrize(
    "column",
    [pd.Series, lambda files: pl.Series(files), pa.array, lambda files: pa.chunked_array([files]), np.array, tuple],
    ids=["pandas", "polars", "arrow", "chunked", "array", "tuple"],
)
def test_columns_of_any_data_frame_are_cross_validated(
    classifier: PhotoClassifier, files: list[str], column: Any
) -> None:
    scores = cross_val_score(classifier, column(files), column(LABELS.tolist()), cv=2)
    assert scores.tolist() == [1, 1]


def test_it_is_a_part_of_other_estimators(classifier: PhotoClassifier, files: list[str]) -> None:
    ensembles = (
        VotingClassifier([("one", classifier), ("two", clone(classifier).set_params(random_state=1))], voting="soft"),
        StackingClassifier([("photos", classifier)], cv=2),
        CalibratedClassifierCV(classifier, cv=2),
        TunedThresholdClassifierCV(classifier, cv=2),
    )
    for ensemble in ensembles:
        assert ensemble.fit(files, LABELS == "dog").score(files, LABELS == "dog") > 0.9


def test_its_copies_report_to_the_same_display(classifier: PhotoClassifier) -> None:
    workspace = Workspace(progress=Silent())
    classifier.set_params(workspace=workspace)
    assert clone(classifier).workspace is workspace


def test_the_share_that_validates_is_a_parameter(classifier: PhotoClassifier) -> None:
    counts = []
    for fraction in (0.1, 0.5):
        classifier.set_params(validation_fraction=fraction).fit(PICTURES, LABELS)
        counts.append(int((classifier.model_.origin.photos.table.splits == 1).sum()))
    assert counts[0] < 12 < counts[1]


def test_quality_is_a_name_for_recipe_and_settings(drawn_photos: Path, tmp_path: Path) -> None:
    photos = sorted(map(str, drawn_photos.rglob("*.jpg")))[::4]
    labels = [Path(photo).parent.name for photo in photos]
    fast = PhotoClassifier(quality="fast").fit(photos, labels)
    fast.save(tmp_path / "run")
    assert photoclass.load_info(tmp_path / "run").settings["backbone"] == "lite0"
    assert fast.score(photos, labels) > 0.9
    assert photoclass.load_info(tmp_path / "run").training.onnx_difference


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"recipe": "forest"}, "unknown recipe 'forest'"),
        ({"quality": "perfect"}, "unknown quality 'perfect'"),
        ({"quality": "best", "recipe": "resnet"}, "means the recipe finetune"),
        ({"settings": {"dropout": 0.5}}, "has no setting 'dropout'"),
        ({"settings": {"backbone": "lite9"}}, "unknown backbone 'lite9'"),
        ({"validation_fraction": 0.0}, "validation_fraction is 0.0"),
        ({"validation_fraction": "a tenth"}, "validation_fraction is 'a tenth'"),
        ({"settings": "lite0"}, "settings is 'lite0'; give a mapping"),
        ({"minutes": 1}, "takes no --minutes"),
        ({"device": "cuda"}, "runs on the cpu only"),
        ({"precision": "int4"}, "not in 'int4'"),
        ({"random_state": -1}, "seed is -1"),
    ],
    ids=[
        "recipe",
        "quality",
        "both",
        "setting",
        "backbone",
        "fraction",
        "text",
        "no mapping",
        "minutes",
        "device",
        "precision",
        "seed",
    ],
)
def test_parameters_are_checked_by_fit(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PhotoClassifier(**parameters).fit(PICTURES, LABELS)


def test_what_cannot_be_trained_on_is_refused(classifier: PhotoClassifier, tmp_path: Path) -> None:
    damaged = [*PICTURES[:46], b"no photo", b""]
    with pytest.raises(ValueError, match=r"^X\[46\]: .*; X\[47\]: file is empty \(0 bytes\)\. Every photo"):
        classifier.fit(damaged, LABELS)
    with pytest.raises(ValueError, match=r"a folder, not a photo file\. Every photo"):
        classifier.fit([tmp_path] * 48, LABELS)
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[48, 47\]"):
        classifier.fit(PICTURES, LABELS[:47])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier.fit(PICTURES, LABELS, groups=[1, 2])
    with pytest.raises(ValueError, match="class 'bird' has 1 photo"):
        classifier.fit(PICTURES, [*LABELS[:47], "bird"])
    with pytest.raises(ValueError, match="all of one picture"):
        classifier.fit(np.stack([PICTURES[0]] * 48), LABELS)
    assert not hasattr(classifier, "classes_")


def test_what_cannot_be_predicted_or_scored_is_refused(fitted: PhotoClassifier, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^X\[1\]: file is empty"):
        fitted.predict([PICTURES[0], b""])
    with pytest.raises(ValueError, match=r"X\[1025\]: file is empty"):
        fitted.predict([*[PICTURES[0]] * 1025, b""])
    with pytest.raises(ValueError, match="unseen labels: 'bird'"):
        fitted.score(PICTURES[:1], ["bird"])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        fitted.score(PICTURES, LABELS[:3])
    with pytest.raises(ValueError, match="no such model folder"):
        PhotoClassifier.load(tmp_path / "none")
    with pytest.raises(NotFittedError):
        PhotoClassifier().predict(PICTURES)
    with pytest.raises(NotFittedError):
        PhotoClassifier().score(PICTURES, LABELS)
    with pytest.raises(NotFittedError):
        PhotoClassifier().save(tmp_path / "run")


def test_features_are_in_the_cache_that_the_workspace_names(classifier: PhotoClassifier, tmp_path: Path) -> None:
    classifier.set_params(workspace=Workspace(tmp_path / "cache", 1)).fit(PICTURES, LABELS)
    assert (tmp_path / "cache" / "features").is_dir()
    (tmp_path / "cache").rename(tmp_path / "gone")
    with pytest.raises(photoclass.OutputError, match="the cache was emptied"):
        classifier.save(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_of_the_command_train_is_loaded(model: Path, drawn_photos: Path) -> None:
    loaded = PhotoClassifier.load(model)
    photos = sorted(map(str, drawn_photos.rglob("*.jpg")))[:4]
    assert loaded.classes_.tolist() == ["cat", "dog"]
    assert loaded.predict(photos).tolist() == [photoclass.predict(photos, model).label(row) for row in range(4)]


def test_a_damaged_folder_is_refused(tmp_path: Path, fitted: PhotoClassifier) -> None:
    fitted.save(tmp_path / "run")
    (tmp_path / "run" / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="damaged or replaced"):
        PhotoClassifier.load(tmp_path / "run")
