"""The formats of published backbones, with random weights: each becomes rows of the width that the guide states."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from photoclass.model.engine import Engine
from photoclass.networks.pretrained.onnx_file.read import FileOptions, read_network
from published_networks import (
    convnext_tiny,
    dinov2_small,
    efficientnet_v2_small,
    mobilenet_v4_small,
    siglip2_vision,
)


@pytest.mark.parametrize(
    ("make", "size", "output", "width"),
    [
        (dinov2_small, 224, "class", 384),
        (dinov2_small, 140, "both", 768),
        (siglip2_vision, 0, "pooler_output", 768),
        (siglip2_vision, 0, "mean", 768),
        (convnext_tiny, 224, "penultimate", 768),
        (efficientnet_v2_small, 0, "penultimate", 1280),
        (mobilenet_v4_small, 224, "penultimate", 1280),
        (mobilenet_v4_small, 256, "penultimate", 1280),
    ],
    ids=[
        "DINOv2 class",
        "DINOv2 both at 140 px",
        "SigLIP 2 pooled",
        "SigLIP 2 mean",
        "ConvNeXt",
        "EfficientNetV2",
        "MobileNetV4",
        "MobileNetV4 at 256 px",
    ],
)
def test_published_formats_become_rows(
    make: Callable[[], onnx.ModelProto], size: int, output: str, width: int, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(make().SerializeToString())
    network = read_network(path, FileOptions(size, (0.5,), (0.5,), output))
    assert not network.note
    if output == "penultimate" and make is not convnext_tiny:
        assert "scores of 1,000 classes" in read_network(path, FileOptions(size, (0.5,), (0.5,))).note
    assert network.image_size == (size or (300 if make is efficientnet_v2_small else 224))
    photos = np.random.default_rng(0).integers(0, 256, (2, *[network.image_size] * 2, 3), dtype=np.uint8)
    rows = np.stack(list(Engine(network.onnx, "net", network.image_size).rows(photos)))
    assert rows.shape == (2, width)
    assert np.isfinite(rows).all() and np.abs(rows[0] - rows[1]).max() > 0
