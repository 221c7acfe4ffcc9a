"""Depthwise convolution with a gradient by matrix products: the same output and gradients as torch's own."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal
from torch import Tensor
from torch.nn import functional as F

from photoclass.networks.pretrained import depthwise as module
from photoclass.networks.pretrained.depthwise import depthwise, pad_same


def _draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@given(
    count=st.integers(1, 3),
    channels=st.integers(1, 5),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    kernel=st.sampled_from([1, 3, 5, 7]),
)
@settings(max_examples=40, deadline=None)
def test_on_small_maps_output_and_gradients_are_those_of_torch(
    count: int, channels: int, height: int, width: int, kernel: int
) -> None:
    images = _draw(count, channels, height, width).requires_grad_()
    kernels = _draw(channels, 1, kernel, kernel, seed=1).requires_grad_()
    wanted = F.conv2d(images, kernels, padding=kernel // 2, groups=channels)
    found = depthwise(images, kernels, 1)
    torch.testing.assert_close(found, wanted)
    weights = _draw(*wanted.shape, seed=2)
    of_wanted = torch.autograd.grad((wanted * weights).sum(), (images, kernels))
    of_found = torch.autograd.grad((found * weights).sum(), (images, kernels))
    for one, other in zip(of_found, of_wanted, strict=True):
        torch.testing.assert_close(one, other)


def test_only_small_maps_on_a_cpu_use_matrix_products(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    apply = module._SmallDepthwise.apply
    monkeypatch.setattr(
        module._SmallDepthwise, "apply", lambda *inputs: shown.append(inputs[0].shape) or apply(*inputs)
    )
    kernels = _draw(2, 1, 3, 3)
    for side, stride in ((9, 1), (20, 1), (21, 1), (9, 2)):
        depthwise(_draw(1, 2, side, side), kernels, stride)
    assert [shape[2] for shape in shown] == [9, 20]


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "behind"), [(10, 3, 2, 1), (9, 3, 2, 1), (18, 5, 2, 2), (8, 3, 1, 1)]
)
def test_padding_is_that_of_tensorflow(side: int, kernel: int, stride: int, behind: int) -> None:
    padded = pad_same(torch.ones(1, 1, side, side), kernel, stride)[0, 0]
    assert (padded.shape[0] - kernel) // stride + 1 == -(-side // stride)
    assert [int((padded[side // 2] == 0).sum()), int(padded[side // 2].flip(0).argmax())] == [
        padded.shape[0] - side,
        behind,
    ]


def test_a_stride_takes_every_second_pixel_of_a_padded_map() -> None:
    image, kernel = _draw(1, 1, 10, 10), _draw(1, 1, 3, 3, seed=1)
    full = signal.correlate2d(np.pad(image[0, 0].numpy(), ((0, 1), (0, 1))), kernel[0, 0].numpy(), mode="valid")
    np.testing.assert_allclose(depthwise(image, kernel, 2)[0, 0].numpy(), full[::2, ::2], atol=1e-12)
