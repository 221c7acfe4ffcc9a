"""The published networks, to compare ours with."""

import warnings
from typing import Any

import pytest
import torch

from photoclass.networks.pretrained.efficientnet_lite import load_weights


def published_network(name: str) -> Any:
    """Build the published network with the weights that `load_weights` reads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package is of 2020
        package = pytest.importorskip(
            "efficientnet_lite_pytorch", reason="the published network, to compare with, comes with the extra `dev`"
        )
        network = package.EfficientNet.from_name(f"efficientnet-{name}")
    network.load_state_dict({key: torch.from_numpy(value.copy()) for key, value in load_weights(name).items()})
    return network.eval()
