"""Fixtures: a small network with random weights, exported once, in a model folder."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from handmade import SIDE, make_info
from photoclass.model.folder import ModelInfo, save_model
from quick_export import keep_operators


@pytest.fixture(scope="session")
def exported() -> bytes:
    """A convolutional network as `train` exports it, with random weights large enough to distinguish pictures."""
    import torch

    from photoclass.networks.small_cnn import SmallCNN
    from photoclass.networks.small_cnn_architecture import SmallCnnArchitecture
    from photoclass.training.export import export_onnx

    keep_operators()
    network = SmallCNN(SmallCnnArchitecture((8, 8), 3, 16), SIDE, 2, torch.Generator().manual_seed(0))
    with torch.no_grad():
        network.output.weight.mul_(10)
        generator = torch.Generator().manual_seed(1)
        for name, values in network.named_parameters():
            if name.endswith("bias"):
                values.uniform_(-0.1, 0.1, generator=generator)
    return export_onnx(network, SIDE)


@pytest.fixture
def info() -> ModelInfo:
    return make_info()


@pytest.fixture
def folder(tmp_path: Path, info: ModelInfo, exported: bytes) -> Path:
    """A valid model folder."""
    path = tmp_path / "run"
    path.mkdir()
    save_model(path, info, exported)
    return path


@pytest.fixture(scope="session")
def pixels() -> NDArray[np.uint8]:
    generator = np.random.default_rng(3)
    smooth = generator.normal(128, 60, (40, 4, 4, 3)).clip(0, 255).repeat(SIDE // 4, axis=1).repeat(SIDE // 4, axis=2)
    return np.clip(smooth + generator.normal(0, 20, smooth.shape), 0, 255).astype(np.uint8)
