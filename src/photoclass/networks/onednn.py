"""Convolution, max-pooling and ReLU in oneDNN's blocked memory layout, for training in fp32 on x86 CPUs.

In that layout, channels lie in blocks of 8 or 16, the width of the CPU's vector registers. Three operations are faster
than in torch's channels-last layout: the gradient of a convolution's weights (nearly twice as fast on AVX2);
max-pooling, which stores one byte per pooled value in place of eight; and its backward pass, which does not need to
fill the gradient with zeros first.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Far below the largest fp32 value, 3.4e38, so that rounding errors in the bound do not matter.
_LIMIT = 1e37


def is_faster(images: Tensor) -> bool:
    """Return whether `convolve` is the faster way for these images: in training in fp32 on an x86 CPU."""
    return (
        torch.is_grad_enabled()
        and images.device.type == "cpu"
        and images.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and torch.backends.cpu.get_cpu_capability().startswith("AVX")
    )


def cannot_overflow(images: Tensor, convolutions: Sequence[nn.Conv2d]) -> bool:
    """Return whether all values in `convolve` are certain to be finite.

    oneDNN's pooling skips NaN, and would hide that a training has diverged. If a bound from the absolute weights cannot
    rule out overflow, torch's own layers must be used.
    """
    with torch.no_grad():
        smallest, bound = torch.aminmax(images)
        bound = torch.maximum(bound, -smallest)
        for convolution in convolutions:
            bound = bound * convolution.weight.abs().sum(dim=(1, 2, 3))
            if convolution.bias is not None:
                bound = bound + convolution.bias.abs()
            bound = bound.amax()
        return bool(bound < _LIMIT)


def convolve(images: Tensor, convolutions: Sequence[nn.Conv2d]) -> Tensor:
    """Apply each convolution, followed by 2x2 max-pooling and ReLU.

    Args:
        images: Shape (N, C, H, W), fp32.
        convolutions: With bias, stride 1 and no padding.

    Returns:
        Shape (N, filters of the last convolution, H', W'), in torch's default layout.
    """
    maps = images.to_mkldnn()
    for convolution in convolutions:
        bias = cast(Tensor, convolution.bias)
        pooled = F.max_pool2d(F.conv2d(maps, convolution.weight, bias.detach()), 2, 2)
        maps = cast(Tensor, _BiasedRelu.apply(pooled, bias))  # type: ignore[no-untyped-call]
    return maps.to_dense()


class _BiasedRelu(torch.autograd.Function):
    """ReLU of pooled values that already contain the bias, with a cheaper gradient of the bias.

    The bias of a channel shifts all its pooled values equally, so its gradient is the sum of theirs: a quarter of what
    the convolution would have to sum. In oneDNN that sum takes more than half as long as the gradient of the first
    layer's weights.
    """

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, pooled: Tensor, bias: Tensor) -> Tensor:
        """Return the ReLU of `pooled`; `bias` only takes part in the backward pass."""
        activations = torch.relu(pooled)
        ctx.save_for_backward(activations)
        return activations

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients of the pooled values and of the bias."""
        (activations,) = ctx.saved_tensors  # type: ignore[attr-defined]
        passed = torch.ops.aten.threshold_backward(gradient, activations, 0)
        return passed, passed.to_dense().sum(dim=(0, 2, 3))
