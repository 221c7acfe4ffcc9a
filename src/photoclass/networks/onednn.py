"""Convolution, max-pooling and relu in oneDNN's own memory layout, for training in fp32 on x86 processors.

There the channels lie in blocks of 8 or 16, as wide as the processor's registers. Three things are faster in it than
in torch's channels-last layout: the gradient of a convolution's weights, nearly twice on AVX2; max-pooling, which keeps
one byte for each pooled value and not eight; and its backward pass, which need not fill the gradient with zeros first.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Far enough below the largest fp32 number, 3.4e38, that rounding in the bound itself does not matter.
_LIMIT = 1e37


def is_faster(images: Tensor) -> bool:
    """Say whether `convolve` is to be preferred for these images: where gradients in fp32 will be asked for."""
    return (
        torch.is_grad_enabled()
        and images.device.type == "cpu"
        and images.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and torch.backends.cpu.get_cpu_capability().startswith("AVX")
    )


def cannot_overflow(images: Tensor, convolutions: Sequence[nn.Conv2d]) -> bool:
    """Say whether every number in `convolve` is sure to be finite.

    oneDNN's pooling passes over what is no number, and would hide that a training has gone astray. So where the sums of
    the weights' sizes do not rule such numbers out, torch's own layers must be taken.
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
    """Apply each convolution, 2x2 max-pooling and relu.

    Args:
        images: Shape (N, C, H, W), fp32.
        convolutions: With a bias, one step at a time, without padding.

    Returns:
        Shape (N, filters of the last, H', W'), in torch's default layout.
    """
    maps = images.to_mkldnn()
    for convolution in convolutions:
        bias = cast(Tensor, convolution.bias)
        pooled = F.max_pool2d(F.conv2d(maps, convolution.weight, bias.detach()), 2, 2)
        maps = cast(Tensor, _ReluOfBiased.apply(pooled, bias))  # type: ignore[no-untyped-call]
    return maps.to_dense()


class _ReluOfBiased(torch.autograd.Function):
    """Relu of pooled sums that a bias is already in.

    The bias of a channel moves all its pooled values alike, so that its gradient is the sum of theirs: a quarter of
    what the convolution would have to add up, which takes oneDNN more than half as long as the first layer's weights.
    """

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, pooled: Tensor, bias: Tensor) -> Tensor:
        """Return what is above zero; `bias` only takes part in the backward pass."""
        above = torch.relu(pooled)
        ctx.save_for_backward(above)
        return above

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradients of the pooled sums and of the bias."""
        (above,) = ctx.saved_tensors  # type: ignore[attr-defined]
        passed = torch.ops.aten.threshold_backward(gradient, above, 0)
        return passed, passed.to_dense().sum(dim=(0, 2, 3))
