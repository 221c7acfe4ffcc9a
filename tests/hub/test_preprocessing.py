"""`preprocessor_config.json` as it is found on the hub: size, mean and standard deviation for pixels in [0, 1]."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photoclass.errors import ModelError
from photoclass.hub.preprocessing import Preprocessing, read_preprocessing

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
IMAGENET = {"image_mean": MEAN, "image_std": STD}


def _read(folder: Path, values: Any) -> Preprocessing:
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(values))
    return read_preprocessing(path, "hf:o/r: preprocessor_config.json")


@pytest.mark.parametrize(
    ("values", "size", "mean", "std"),
    [
        (
            {
                **IMAGENET,
                "do_center_crop": True,
                "crop_size": {"height": 224, "width": 224},
                "size": {"shortest_edge": 256},
            },
            224,
            MEAN,
            STD,
        ),
        ({**IMAGENET, "size": {"shortest_edge": 224}, "crop_pct": 0.875, "do_center_crop": False}, 224, MEAN, STD),
        (
            {"size": {"height": 224, "width": 224}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3},
            224,
            [0.5] * 3,
            [0.5] * 3,
        ),
        ({**IMAGENET, "size": 384, "feature_extractor_type": "ViTFeatureExtractor"}, 384, MEAN, STD),
        ({**IMAGENET, "size": 256, "crop_size": 224}, 224, MEAN, STD),
        ({**IMAGENET, "size": 256, "crop_size": 224, "do_center_crop": False}, 256, MEAN, STD),
        ({"do_normalize": False, "do_rescale": True, "size": 224}, 224, [0.0], [1.0]),
        ({"do_normalize": False, "do_rescale": False, "size": 224}, 224, [0.0], [1 / 255]),
        ({"image_mean": [127.5] * 3, "image_std": [127.5] * 3, "do_rescale": False}, 0, [0.5] * 3, [0.5] * 3),
        ({"do_normalize": False, "rescale_factor": 1 / 127.5, "rescale_offset": True}, 0, [0.5], [0.5]),
        ({"pretrained_cfg": {"input_size": [3, 256, 256], "mean": MEAN, "std": STD}}, 256, MEAN, STD),
        ({"size": {"longest_edge": 512}}, 0, [], []),
        ({}, 0, [], []),
    ],
    ids=[
        "crop",
        "shortest edge",
        "height and width",
        "one number",
        "crop of one number",
        "crop that is off",
        "from 0 to 1",
        "from 0 to 255",
        "mean of 255",
        "from -1 to 1",
        "timm",
        "longest edge",
        "nothing",
    ],
)
def test_what_processors_say_is_read(
    values: dict[str, Any], size: int, mean: list[float], std: list[float], tmp_path: Path
) -> None:
    found = _read(tmp_path, values)
    assert found.size == size
    assert found.mean == pytest.approx(mean, abs=1e-8) and found.std == pytest.approx(std, abs=1e-8)


@given(st.booleans(), st.booleans(), st.floats(0.1, 0.9), st.floats(0.1, 0.9), st.sampled_from([1 / 255, 1 / 256]))
def test_scaled_pixels_are_those_of_the_processor(
    tmp_path_factory: pytest.TempPathFactory, rescales: bool, normalises: bool, mean: float, std: float, factor: float
) -> None:
    """(pixel / 255 - mean) / std with what is read equals the steps of the processor, for every byte."""
    scale = 1.0 if rescales else 255.0
    values = {
        "do_rescale": rescales,
        "rescale_factor": factor,
        "do_normalize": normalises,
        "image_mean": [mean * scale] * 3,
        "image_std": [std * scale] * 3,
    }
    pixels = np.arange(256.0)
    wanted = pixels * factor if rescales else pixels
    if normalises:
        wanted = (wanted - mean * scale) / (std * scale)
    try:
        found = _read(tmp_path_factory.mktemp("config"), values)
    except ModelError:
        assert (mean if normalises else 0) / (factor * 255) > 1 or (std if normalises else 1) / (factor * 255) > 1
        return
    np.testing.assert_allclose((pixels / 255 - found.mean[0]) / found.std[0], wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1], "is not a JSON object"),
        ({**IMAGENET, "do_flip_channel_order": True}, "the network takes BGR photos"),
        ({"image_mean": [0.5], "image_std": [0]}, "cannot be right"),
        ({"image_mean": [0.5, 0.5], "image_std": [1, 1]}, "cannot be right"),
        ({"image_mean": ["x"], "image_std": [1]}, "cannot be right"),
        ({"size": {"height": 224, "width": 448}}, "cannot be right"),
        ({"size": "224"}, "cannot be right"),
        ({"pretrained_cfg": {"input_size": [224]}}, "cannot be right"),
        ({"image_mean": [1e400], "image_std": [1]}, "cannot be right"),
    ],
    ids=["list", "BGR", "zero", "two", "text", "not square", "text size", "timm", "infinite"],
)
def test_what_cannot_be_right_is_refused_with_the_options_that_help(values: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as refused:
        _read(tmp_path, values)
    assert message in str(refused.value) and str(refused.value).startswith("hf:o/r: preprocessor_config.json: ")
    assert "\n" not in str(refused.value)


def test_damaged_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_bytes(b'{"size": 2')
    with pytest.raises(ModelError, match=r"cannot be read .*give --backbone-size"):
        read_preprocessing(tmp_path / "preprocessor_config.json", "hf:o/r")
