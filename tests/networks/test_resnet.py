"""The residual network: shapes, arithmetic against a plain version, initial weights, folding."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from photoclass.errors import SettingsError
from photoclass.networks.resnet import Resnet, folded
from photoclass.networks.resnet_architecture import ResnetArchitecture

SMALL = ResnetArchitecture(patch=2, widths=(4, 6), blocks=(1, 2))


def _network(settings: ResnetArchitecture = SMALL, classes: int = 2, seed: int = 0, smallest: int = 8) -> Resnet:
    return Resnet(settings, smallest, classes, torch.Generator().manual_seed(seed))


def _images(count: int, side: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def _with_statistics(network: Resnet) -> Resnet:
    """Give every batch normalisation its own statistics, as training does."""
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for name, values in [*network.named_parameters(), *network.named_buffers()]:
            if "norm" in name and values.is_floating_point():
                values.uniform_(0.5, 1.5, generator=generator)
    return network


def _normed(weights: dict[str, Tensor], name: str, maps: Tensor, step: int = 1) -> Tensor:
    """A convolution and its batch normalisation with stored statistics, written out."""
    maps = F.conv2d(maps, weights[f"{name}.convolution.weight"], stride=step, padding=step)
    mean, variance, gain, shift = (
        weights[f"{name}.norm.{part}"][:, None, None] for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (maps - mean) / torch.sqrt(variance + 1e-5) * gain + shift


def _plain_forward(settings: ResnetArchitecture, weights: dict[str, Tensor], images: Tensor) -> Tensor:
    maps = images
    for scale, blocks in enumerate(settings.blocks):
        name = f"scales.{scale}"
        maps = F.max_pool2d(torch.relu(_normed(weights, f"{name}.0.layer", maps, 1 if scale else settings.patch)), 2)
        for block in range(1, blocks + 1):
            inner = torch.relu(_normed(weights, f"{name}.{block}.first", maps))
            maps = torch.relu(maps + _normed(weights, f"{name}.{block}.second", inner))
    flat = maps.flatten(2)
    features = torch.cat([flat.mean(dim=2), flat.max(dim=2).values], dim=1)
    return features @ weights["output.weight"].T + weights["output.bias"]


@given(
    widths=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    patch=st.integers(1, 4),
    further=st.integers(0, 9),
    classes=st.integers(2, 4),
    blocks=st.integers(0, 2),
)
@settings(max_examples=25, deadline=None)
def test_the_network_equals_its_layers_written_out(
    widths: list[int], patch: int, further: int, classes: int, blocks: int
) -> None:
    numbers = ResnetArchitecture(patch=patch, widths=tuple(widths), blocks=(blocks,) * len(widths))
    side = numbers.reduction + further
    network = _with_statistics(_network(numbers, classes, smallest=side)).double().eval()
    images = _images(3, side).double()
    wanted = _plain_forward(numbers, network.state_dict(), images)
    assert wanted.shape == (3, 1 if classes == 2 else classes)
    torch.testing.assert_close(network(images), wanted, rtol=1e-9, atol=1e-9)


def test_channels_last_memory_gives_the_same() -> None:
    network = _with_statistics(_network())
    plain = _images(5, 16)
    last = plain.contiguous(memory_format=torch.channels_last)
    wanted = network(plain)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    torch.testing.assert_close(network(last), wanted, rtol=1e-5, atol=1e-5)


def test_residual_blocks_initially_add_nothing() -> None:
    with_blocks = _network(ResnetArchitecture(2, (4, 4), (3, 3))).eval()
    without = _network(ResnetArchitecture(2, (4, 4), (0, 0))).eval()
    weights = with_blocks.state_dict()
    without.load_state_dict({name: weights[name] for name in without.state_dict()})
    images = _images(4, 16)
    torch.testing.assert_close(with_blocks(images), without(images))


def test_folded_batch_normalisation_gives_the_same() -> None:
    network = _with_statistics(_network())
    before = {name: values.clone() for name, values in network.state_dict().items()}
    simple = folded(network)
    images = _images(4, 16)
    torch.testing.assert_close(simple(images), network.eval()(images), rtol=1e-5, atol=1e-5)
    assert not [module for module in simple.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for name, values in network.state_dict().items():
        assert torch.equal(values, before[name]), name


def test_the_generator_alone_decides_the_weights() -> None:
    first, again, other = _network(seed=1), _network(seed=1), _network(seed=2)
    assert torch.equal(first.output.weight, again.output.weight)
    assert not torch.equal(first.output.weight, other.output.weight)


def test_images_too_small_for_the_last_scale_are_refused() -> None:
    _network(smallest=8)
    with pytest.raises(
        SettingsError, match="images of 7 pixels are too small: 2 scales with patches of 2 pixels need 8"
    ):
        _network(smallest=7)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"widths": ()}, "widths"),
        ({"widths": (4, 0), "blocks": (1, 1)}, "widths"),
        ({"patch": 0}, "patch"),
        ({"widths": (4, 8), "blocks": (1,)}, "give one of each per scale"),
        ({"widths": (4,), "blocks": (-1,)}, "blocks"),
    ],
)
def test_impossible_architectures_are_refused(values: dict[str, tuple[int, ...]], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ResnetArchitecture(**values)  # type: ignore[arg-type]
