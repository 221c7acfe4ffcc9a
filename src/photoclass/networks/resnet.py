"""A residual network (He et al., 2016) that learns from scratch, on a processor.

images 3xSxS ─ at each scale: conv, pool, residual blocks ─ mean and maximum over places ─ dense ─► logits

The first convolution goes over squares of pixels as the others go over places.

A convolution of 3x3 on some dozens of channels reaches four fifths of what the processor can multiply; what saves
multiplications elsewhere (depthwise or strided convolutions, bottlenecks) costs more time in memory than it saves.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from photoclass.errors import SettingsError
from photoclass.networks.resnet_architecture import ResnetArchitecture


class Resnet(nn.Module):
    """The network; see the file's head.

    Args:
        settings: Its numbers.
        smallest_image: Side of the smallest images that it will see, in pixels.
        classes: Number of classes; two share one logit, that of class 1.
        generator: Decides the weights at the start.

    Raises:
        SettingsError: The smallest images do not reach the last scale.
    """

    def __init__(
        self, settings: ResnetArchitecture, smallest_image: int, classes: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        if smallest_image < settings.reduction:
            raise SettingsError(
                f"images of {smallest_image} pixels are too small: {len(settings.widths)} scales over squares of "
                f"{settings.patch} pixels need {settings.reduction}"
            )
        channels, step = 3, settings.patch
        scales: list[nn.Module] = []
        for width, blocks in zip(settings.widths, settings.blocks, strict=True):
            scales.append(
                nn.Sequential(Downsampling(channels, width, step), *(ResidualBlock(width) for _ in range(blocks)))
            )
            channels, step = width, 1
        self.scales = nn.Sequential(*scales)
        self.output = nn.Linear(2 * channels, 1 if classes == 2 else classes)
        _initialise(self, generator)

    def forward(self, images: Tensor) -> Tensor:
        """Map images, shape (N, 3, H, W), to logits, shape (N, 1) for two classes, else (N, classes)."""
        logits: Tensor = self.output(self.features(images))
        return logits

    def features(self, images: Tensor) -> Tensor:
        """Return mean and maximum over places of the last maps, shape (N, 2 * widths[-1]), none below zero."""
        maps = self.scales(images)
        return torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1)


class ConvNorm(nn.Module):
    """A convolution over 3x3 places without bias, and the normalisation of what it gives (Ioffe and Szegedy, 2015).

    Args:
        channels: Of what it takes.
        width: Channels of what it gives.
        step: A place is a square of this side.
    """

    def __init__(self, channels: int, width: int, step: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, width, 3 * step, stride=step, padding=step, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (N, channels, H, W) to (N, width, H // step, W // step)."""
        normed: Tensor = self.norm(self.convolution(maps))
        return normed

    def folded(self) -> nn.Conv2d:
        """Return one convolution that does what both do in use."""
        return nn.utils.fusion.fuse_conv_bn_eval(self.convolution, self.norm)


class Downsampling(nn.Module):
    """From one scale to the next: other channels, half as many places each way. Its arguments are `ConvNorm`'s."""

    def __init__(self, channels: int, width: int, step: int) -> None:
        super().__init__()
        self.layer = ConvNorm(channels, width, step)

    def forward(self, maps: Tensor) -> Tensor:
        """Map maps or images to half as many places each way, none below zero."""
        # Pooling before relu gives the same, with a quarter of the work for relu.
        return F.relu(F.max_pool2d(self.layer(maps), 2), inplace=True)


class ResidualBlock(nn.Module):
    """Two convolutions whose result is added to what enters; at the start they add nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = ConvNorm(width, width), ConvNorm(width, width)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (N, width, H, W) to the same shape, none below zero."""
        return F.relu(maps + self.second(F.relu(self.first(maps), inplace=True)), inplace=True)


def folded(network: Resnet) -> Resnet:
    """Return a copy in which each normalisation is part of its convolution, for use, not for learning."""
    copied = copy.deepcopy(network).eval()
    for module in list(copied.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, ConvNorm):
                setattr(module, name, child.folded())
    return copied


def _initialise(network: Resnet, generator: torch.Generator) -> None:
    """He et al. (2015); the second normalisation of a residual block begins at zero (Goyal et al., 2017)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight, generator=generator)
            nn.init.zeros_(module.bias)
        elif isinstance(module, ResidualBlock):
            nn.init.zeros_(module.second.norm.weight)
