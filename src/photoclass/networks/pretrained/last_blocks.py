"""The last blocks of an EfficientNet-Lite, or all of it, as a trainable network: for the recipe `finetune`.

    maps ─ last blocks ─ head convolution ─ global average pooling ─ square root ─ linear ─► logits

Batch norms stay folded into the convolutions: their statistics come from a million photos, and would only get worse
with those of a few thousand.
"""

import dataclasses

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from photoclass.metrics.logits import logit_count
from photoclass.networks.pretrained.depthwise import depthwise, pad_same
from photoclass.networks.pretrained.efficientnet_lite import Block, Convolution, FoldedNetwork

# The derivative of the square root is unbounded near 0.
_LEAST_FEATURE = 1e-6


class EfficientNetTail(nn.Module):
    """The trainable last blocks with a linear head.

    Args:
        network: The whole pretrained network.
        first_block: The block that takes the inputs; None if the inputs are images, which the stem takes.
        classes: Number of classes; two share one logit, that of class 1.
    """

    def __init__(self, network: FoldedNetwork, first_block: int | None, classes: int) -> None:
        super().__init__()
        self._network, self._first_block = network, first_block
        self.stem: nn.Module = nn.Identity() if first_block is not None else _Convolution(network.stem)
        self.blocks = nn.ModuleList(_Block(block) for block in network.blocks[first_block or 0 :])
        self.last = _Convolution(network.head)
        self.output = nn.Linear(len(network.head.bias), logit_count(classes))
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map inputs, shape (N, C, H, W), to logits, shape (N, 1) for two classes, else (N, classes)."""
        roots = self.roots(inputs)
        with torch.autocast(inputs.device.type, enabled=False):
            logits: Tensor = self.output(roots)
        return logits

    def roots(self, inputs: Tensor) -> Tensor:
        """Return the input of the linear layer, shape (N, D): the square roots of the features."""
        return self.features(inputs).float().clamp_min(_LEAST_FEATURE).sqrt()

    def features(self, inputs: Tensor) -> Tensor:
        """Return the global average of the head convolution's output, shape (N, D), non-negative."""
        maps: Tensor = self.stem(inputs)
        for block in self.blocks:
            maps = block(maps)
        features: Tensor = self.last(maps).float().mean(dim=(2, 3))
        return features

    def folded(self) -> FoldedNetwork:
        """Return the whole network with the trained weights."""
        kept = self._network.blocks[: self._first_block or 0]
        return dataclasses.replace(
            self._network,
            stem=self.stem.trained() if isinstance(self.stem, _Convolution) else self._network.stem,
            blocks=(*kept, *(block.trained() for block in self.blocks if isinstance(block, _Block))),
            head=self.last.trained(),
        )


class _Convolution(nn.Module):
    def __init__(self, pretrained: Convolution) -> None:
        super().__init__()
        self._pretrained = pretrained
        self.weight = nn.Parameter(torch.from_numpy(pretrained.weight.copy()))
        self.bias = nn.Parameter(torch.from_numpy(pretrained.bias.copy()))

    def forward(self, maps: Tensor) -> Tensor:
        kind = self._pretrained
        weight, bias = self.weight.to(maps.dtype), self.bias.to(maps.dtype)
        if kind.groups > 1:
            maps = depthwise(maps, weight, kind.stride) + bias[:, None, None]
        else:
            maps = F.conv2d(pad_same(maps, weight.shape[2], kind.stride), weight, bias, kind.stride)
        return F.relu6(maps) if kind.relu6 else maps

    def trained(self) -> Convolution:
        weight, bias = (p.detach().cpu().float().numpy().copy() for p in (self.weight, self.bias))
        return dataclasses.replace(self._pretrained, weight=np.ascontiguousarray(weight), bias=bias)


class _Block(nn.Module):
    def __init__(self, pretrained: Block) -> None:
        super().__init__()
        self._residual = pretrained.residual
        self.convolutions = nn.ModuleList(_Convolution(convolution) for convolution in pretrained.convolutions)

    def forward(self, maps: Tensor) -> Tensor:
        inner = maps
        for convolution in self.convolutions:
            inner = convolution(inner)
        return maps + inner if self._residual else inner

    def trained(self) -> Block:
        return Block(tuple(convolution.trained() for convolution in self.convolutions), self._residual)  # type: ignore[operator]
