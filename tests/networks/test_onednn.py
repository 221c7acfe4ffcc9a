"""Layers in oneDNN's memory layout: the same values and gradients as torch's own layers, and when those are used."""

import math
from collections.abc import Iterator, Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from exact_sums import round_convolutions, rounded_images
from photoclass.networks import onednn
from photoclass.networks.small_cnn import SmallCNN
from photoclass.networks.small_cnn_architecture import SmallCnnArchitecture

needs_avx = pytest.mark.skipif(
    not torch.backends.mkldnn.is_available() or not torch.backends.cpu.get_cpu_capability().startswith("AVX"),
    reason="this torch or processor has no such layout",
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _layers(filters: Sequence[int], kernel: int, seed: int) -> list[nn.Conv2d]:
    generator = torch.Generator().manual_seed(seed)
    layers = [nn.Conv2d(a, b, kernel) for a, b in zip((3, *filters), filters, strict=False)]
    for layer in layers:
        for weights in (layer.weight, layer.bias):
            assert weights is not None
            nn.init.uniform_(weights, -0.3, 0.3, generator=generator)
    return layers


def _plain(images: Tensor, layers: Sequence[nn.Conv2d]) -> Tensor:
    for layer in layers:
        images = F.max_pool2d(torch.relu(layer(images)), 2)
    return images


def _gradients(maps: Tensor, layers: Sequence[nn.Conv2d], seed: int) -> list[Tensor]:
    weights = torch.rand(maps.shape, generator=torch.Generator().manual_seed(seed))
    return list(torch.autograd.grad((maps * weights).sum(), [p for layer in layers for p in layer.parameters()]))


def _assert_same(images: Tensor, layers: Sequence[nn.Conv2d], seed: int = 0) -> None:
    ours, plain = onednn.convolve(images, layers), _plain(images, layers)
    torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-5)
    for gradient, expected in zip(_gradients(ours, layers, seed), _gradients(plain, layers, seed), strict=True):
        assert gradient.shape == expected.shape
        assert float((gradient - expected).norm()) <= 1e-5 * float(expected.norm()) + 1e-6


@needs_avx
@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(1, 5),
    height=st.integers(10, 31),
    width=st.integers(10, 31),
    filters=st.sampled_from([(8, 16), (5, 3), (32, 32), (64,)]),
    kernel=st.integers(1, 3),
    channels_last=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_maps_and_gradients_are_those_of_torchs_layers(
    count: int, height: int, width: int, filters: tuple[int, ...], kernel: int, channels_last: bool, seed: int
) -> None:
    layers = _layers(filters, kernel, seed)
    # Values with few digits: all sums are exact, so that both sides have the same ties and break them alike.
    for weights in (p for layer in layers for p in layer.parameters()):
        weights.data = (weights.data * 8).round() / 8
    images = torch.randint(0, 16, (count, 3, height, width), generator=torch.Generator().manual_seed(seed)) / 16
    if channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
        for layer in layers:
            layer.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    _assert_same(images, layers, seed)


@needs_avx
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_ties_in_pooling_pass_the_gradient_to_the_first_as_in_torch(value: float) -> None:
    images = torch.full((3, 3, 22, 23), value)
    _assert_same(images, _layers((8, 8), 3, 1))


@needs_avx
def test_gradients_reach_the_images() -> None:
    layers = _layers((8,), 3, 2)
    images = torch.rand(2, 3, 12, 12, generator=torch.Generator().manual_seed(0)).requires_grad_()
    ours, plain = (
        torch.autograd.grad(way(images, layers).square().sum(), images)[0] for way in (onednn.convolve, _plain)
    )
    torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-5)


@needs_avx
@pytest.mark.parametrize("exact", [True, False], ids=["exact-sums", "weights-as-drawn"])
@pytest.mark.parametrize(("side", "classes", "count"), [(150, 2, 4), (47, 5, 3), (22, 3, 1)])
def test_the_network_trains_alike_in_both_layouts(
    side: int, classes: int, count: int, exact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = SmallCNN(SmallCnnArchitecture(dropout=0.0), side, classes, torch.Generator().manual_seed(3)).train()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(4))
    if exact:
        round_convolutions(network)
        images = rounded_images(images)
    images = images.contiguous(memory_format=torch.channels_last)

    def loss_and_gradients() -> tuple[Tensor, list[Tensor]]:
        loss = network(images).square().mean()
        return loss.detach(), list(torch.autograd.grad(loss, list(network.parameters())))

    taken: list[int] = []
    convolve = onednn.convolve

    def recording(images: Tensor, layers: Sequence[nn.Conv2d]) -> Tensor:
        taken.append(len(images))
        return convolve(images, layers)

    monkeypatch.setattr(onednn, "convolve", recording)
    loss, gradients = loss_and_gradients()
    assert taken == [count]
    monkeypatch.setattr(onednn, "is_faster", lambda images: False)
    plain_loss, plain_gradients = loss_and_gradients()
    assert taken == [count]
    torch.testing.assert_close(loss, plain_loss, rtol=1e-5, atol=1e-5)
    # With rounding, nearly equal pixels may swap as the maximum of a pool.
    close = 1e-5 if exact else 0.02
    for gradient, expected in zip(gradients, plain_gradients, strict=True):
        assert float((gradient - expected).norm()) < close * float(expected.norm())


def test_other_precisions_evaluation_and_no_gradients_use_torchs_layers() -> None:
    images = torch.rand(1, 3, 22, 22)
    assert not onednn.is_faster(images.double())
    assert not onednn.is_faster(images.bfloat16())
    with torch.no_grad():
        assert not onednn.is_faster(images)
    with torch.autocast("cpu", torch.bfloat16):
        assert not onednn.is_faster(images)
    network = SmallCNN(SmallCnnArchitecture(), 22, 2, torch.Generator()).double().train()
    assert network(images.double()).dtype == torch.float64


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e37])
@pytest.mark.parametrize("where", ["images", "first weights", "last weights", "bias"])
def test_values_that_may_overflow_use_torchs_layers(bad: float, where: str) -> None:
    layers = _layers((4, 4), 3, 5)
    images = torch.rand(2, 3, 12, 12) + 1
    assert onednn.cannot_overflow(images, layers)
    first, last = layers
    assert first.bias is not None
    spatial = {"images": images, "first weights": first.weight, "last weights": last.weight, "bias": first.bias}
    spatial[where].data.view(-1)[0] = bad
    assert not onednn.cannot_overflow(images, layers)


def test_a_diverged_network_is_noticed_in_training() -> None:
    network = SmallCNN(SmallCnnArchitecture(), 22, 2, torch.Generator().manual_seed(0)).train()
    with torch.no_grad():
        network.convolutions[1].weight[0, 0, 0, 0] = math.nan
    assert not torch.isfinite(network(torch.rand(2, 3, 22, 22))).any()
