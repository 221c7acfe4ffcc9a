"""`PhotoFeatures`: features for a head of one's own."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_classifier import LABELS, PICTURES

from numbers_estimators import tiny_settings
from photoclass import PhotoFeatures, Workspace
from photoclass.photos.decode import decode_photo
from photoclass.photos.decode_settings import DecodeSettings
from photoclass.training.frozen.backbones import open_backbone


@pytest.fixture
def features(tiny_backbone: str) -> PhotoFeatures:
    settings = tiny_settings(tiny_backbone)
    return PhotoFeatures(settings.pop("backbone"), settings=settings)


def test_they_are_those_of_the_backbone(drawn_photos: Path) -> None:
    photos = sorted(map(str, drawn_photos.rglob("*.jpg")))[:3]
    backbone = open_backbone("lite0", cache=Workspace().cache)
    pixels = [decode_photo(Path(photo).read_bytes(), DecodeSettings(224)) for photo in photos]
    wanted = np.stack(list(backbone.engine.rows(pixels)))
    found = PhotoFeatures("lite0").fit_transform(photos)
    assert found.dtype == np.float32
    assert found.shape == (3, 1280)
    assert np.allclose(found, wanted, rtol=1e-3, atol=1e-4)


def test_a_photo_has_the_same_features_from_the_cache(features: PhotoFeatures, tmp_path: Path) -> None:
    features.set_params(workspace=Workspace(tmp_path / "cache", 1))
    cold = features.fit(PICTURES).transform(PICTURES)
    assert np.array_equal(features.transform(PICTURES), cold)
    assert np.array_equal(clone(features).fit(PICTURES[:3]).transform(PICTURES[::-1])[::-1], cold)


def test_a_head_of_ones_own_is_cross_validated(features: PhotoFeatures) -> None:
    pipeline = make_pipeline(features, StandardScaler(), LogisticRegression())
    assert cross_val_score(pipeline, list(PICTURES), LABELS, cv=3).min() > 0.9
    search = GridSearchCV(pipeline, {"logisticregression__C": [0.1, 1.0]}, cv=2).fit(list(PICTURES), LABELS)
    assert search.score(list(PICTURES), LABELS) > 0.9


def test_features_stand_beside_other_columns(features: PhotoFeatures, tmp_path: Path) -> None:
    files = [tmp_path / f"{row}.png" for row in range(6)]
    for file, pixels in zip(files, PICTURES, strict=False):
        Image.fromarray(pixels).save(file)
    table = pd.DataFrame({"image": [str(file) for file in files], "weight": range(6)})
    columns = make_column_transformer((features, "image"), (StandardScaler(), ["weight"]))
    columns.set_output(transform="pandas")
    found = columns.fit_transform(table)
    assert list(found) == [*(f"photofeatures__photofeatures{i}" for i in range(5)), "standardscaler__weight"]


def test_wide_greys_are_read_by_the_range_that_fit_saw(features: PhotoFeatures) -> None:
    bright = np.random.default_rng(1).integers(0, 65_536, (40, 40)).astype(np.uint16)
    photos = [Image.fromarray(bright), Image.fromarray(bright // 6)]
    fitted = clone(features).fit(photos)
    assert fitted.settings_.rules.grey_bits == 16
    assert np.array_equal(fitted.transform(photos[1:]), fitted.transform(photos)[1:])
    assert not np.allclose(clone(features).fit(photos[1:]).transform(photos[1:]), fitted.transform(photos[1:]))


def test_what_cannot_be_used_is_refused(features: PhotoFeatures) -> None:
    with pytest.raises(NotFittedError):
        features.transform(PICTURES)
    with pytest.raises(ValueError, match=r"X\[1\]: file is empty"):
        features.fit_transform([PICTURES[0], b""])
    with pytest.raises(ValueError, match="unknown backbone 'lite9'"):
        PhotoFeatures("lite9").fit(PICTURES)
    with pytest.raises(ValueError, match="settings has 'balance', which is no setting of a backbone"):
        PhotoFeatures(settings={"balance": True}).fit(PICTURES)
    with pytest.raises(ValueError, match="unknown resize rule"):
        PhotoFeatures("lite0", settings={"resize": "stretch"}).fit(PICTURES)
    with pytest.raises(ValueError, match="there is no such"):
        PhotoFeatures("none.onnx").fit(PICTURES)
