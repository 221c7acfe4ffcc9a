"""The last blocks of a pretrained network: as published before training, and exported with their trained weights."""

from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from photoclass.model.engine import Engine
from photoclass.networks.pretrained.backbone_onnx import write_backbone, write_trunk, write_with_trained_tail
from photoclass.networks.pretrained.efficientnet_lite import FoldedNetwork, fold
from photoclass.networks.pretrained.last_blocks import EfficientNetTail
from photoclass.networks.scaling import CENTRED_PIXELS
from photoclass.walkthrough.drawings.drawings import draw_animal

UPTO = 13  # of lite0's 16 blocks


@cache
def _network() -> FoldedNetwork:
    return fold("lite0")


@cache
def _drawings() -> NDArray[np.uint8]:
    generator = np.random.default_rng(0)
    return np.stack([draw_animal(("cat", "dog")[i % 2], generator, 224) for i in range(6)])


def _rows(onnx: bytes) -> NDArray[np.float32]:
    return np.stack(list(Engine(onnx, "the test's network", 224, "f32").rows(_drawings())))


def _images(pixels: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(CENTRED_PIXELS.values(pixels)).permute(0, 3, 1, 2)


def _moved(tail: EfficientNetTail) -> EfficientNetTail:
    """Change every weight slightly, as training does."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weights in tail.parameters():
            weights.mul_(1 + 0.05 * torch.randn(weights.shape, generator=generator))
    return tail


def test_the_whole_network_has_the_features_of_the_published_one() -> None:
    tail = EfficientNetTail(_network(), None, classes=2)
    with torch.no_grad():
        found = tail.features(_images(_drawings())).numpy()
    np.testing.assert_allclose(found, _rows(write_backbone(_network(), "fp32")), atol=1e-4)


def test_trained_weights_are_written_to_onnx() -> None:
    tail = _moved(EfficientNetTail(_network(), None, classes=2))
    with torch.no_grad():
        trained = tail.features(_images(_drawings())).numpy()
    np.testing.assert_allclose(_rows(write_backbone(tail.folded(), "fp32")), trained, atol=1e-4)
    assert np.abs(trained - _rows(write_backbone(_network(), "fp32"))).max() > 0.1, "the weights have changed"


@pytest.mark.parametrize("moved", [False, True])
def test_training_on_maps_and_the_exported_network_agree(moved: bool) -> None:
    trunk, scaling = write_trunk(_network(), UPTO)
    maps = np.stack(list(Engine(trunk, "the test's trunk", 224, "f32").rows(_drawings())))
    tail = EfficientNetTail(_network(), UPTO, classes=2)
    if moved:
        _moved(tail)
    with torch.no_grad():
        trained = tail.features(torch.from_numpy(scaling.values(maps)).permute(0, 3, 1, 2)).numpy()
    whole = _rows(write_with_trained_tail(tail.folded(), UPTO))
    # A value on the border of two quantisation levels may be rounded either way.
    assert np.abs(whole - trained).mean() < 0.002
    assert np.abs(whole - trained).max() < 0.05 * trained.max()


@pytest.mark.parametrize(("classes", "logits"), [(2, 1), (3, 3), (7, 7)])
def test_two_classes_share_a_logit(classes: int, logits: int) -> None:
    tail = EfficientNetTail(_network(), 15, classes)
    assert tail(torch.rand(2, 192, 7, 7)).shape == (2, logits)


def test_a_zero_feature_has_a_finite_gradient() -> None:
    tail = EfficientNetTail(_network(), 15, classes=2)
    with torch.no_grad():
        tail.last.bias.fill_(-100)
        tail.output.weight.fill_(1)
    tail(torch.rand(2, 192, 7, 7)).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in tail.parameters() if p.grad is not None)
