"""What tests of the estimators share: a tiny backbone."""

from pathlib import Path

import onnx
import pytest

from tiny_networks import tiny_network


@pytest.fixture(scope="session")
def tiny_backbone(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The path of an ONNX file of a few weights."""
    path: Path = tmp_path_factory.mktemp("backbone") / "tiny.onnx"
    onnx.save(tiny_network(), path)
    return str(path)
