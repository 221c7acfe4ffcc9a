"""A residual network for training from scratch on a CPU.

images 3xSxS ─ at each scale: conv, pool, residual blocks ─ global mean and max pooling ─ dense ─► logits

The first convolution has a stride of `patch` pixels and a kernel of 3 x 3 patches, so that every later one sees a map
smaller by that factor.

A 3x3 convolution on a few dozen channels reaches four fifths of a CPU's peak arithmetic. Depthwise or strided
convolutions and bottlenecks need fewer multiplications, but lose more time to memory access than they save.

References:
    He et al., "Deep Residual Learning for Image Recognition", 2016, https://arxiv.org/abs/1512.03385
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from photoclass.errors import SettingsError
from photoclass.metrics.logits import logit_count
from photoclass.networks.resnet_architecture import ResnetArchitecture


class Resnet(nn.Module):
    """The residual network described at the top of this file.

    Args:
        settings: Its architecture.
        smallest_image: Side of the smallest images it will be given, in pixels.
        classes: Number of classes; two share one logit, that of class 1.
        generator: Source of the initial weights.

    Raises:
        SettingsError: The smallest images are too small for the last scale.
    """

    def __init__(
        self, settings: ResnetArchitecture, smallest_image: int, classes: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        if smallest_image < settings.reduction:
            raise SettingsError(
                f"images of {smallest_image} pixels are too small: {len(settings.widths)} scales with patches of "
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
        self.output = nn.Linear(2 * channels, logit_count(classes))
        _initialise(self, generator)

    def forward(self, images: Tensor) -> Tensor:
        """Map images, shape (N, 3, H, W), to logits, shape (N, 1) for two classes, else (N, classes)."""
        logits: Tensor = self.output(self.features(images))
        return logits

    def features(self, images: Tensor) -> Tensor:
        """Return the last maps after global mean and max pooling, shape (N, 2 * widths[-1]), non-negative."""
        maps = self.scales(images)
        return torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1)


class ConvNorm(nn.Module):
    """A 3x3 convolution without bias, followed by batch normalisation.

    After Ioffe and Szegedy, "Batch Normalization", 2015, https://arxiv.org/abs/1502.03167.

    Args:
        channels: Input channels.
        width: Output channels.
        step: Stride; the kernel covers 3 x 3 squares of this side.
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
        """Return one convolution that computes the same as both in evaluation mode."""
        return nn.utils.fusion.fuse_conv_bn_eval(self.convolution, self.norm)


class Downsampling(nn.Module):
    """The step from one scale to the next: new channels at half the resolution. Takes the arguments of `ConvNorm`."""

    def __init__(self, channels: int, width: int, step: int) -> None:
        super().__init__()
        self.layer = ConvNorm(channels, width, step)

    def forward(self, maps: Tensor) -> Tensor:
        """Map images or feature maps to half the resolution, non-negative."""
        # Pooling before ReLU gives the same result, with a quarter of the work for ReLU.
        return F.relu(F.max_pool2d(self.layer(maps), 2), inplace=True)


class ResidualBlock(nn.Module):
    """Two convolutions whose output is added to their input; initially that output is zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = ConvNorm(width, width), ConvNorm(width, width)

    def forward(self, maps: Tensor) -> Tensor:
        """Map (N, width, H, W) to the same shape, non-negative."""
        return F.relu(maps + self.second(F.relu(self.first(maps), inplace=True)), inplace=True)


def folded(network: Resnet) -> Resnet:
    """Return a copy for inference in which each batch normalisation is folded into its convolution."""
    copied = copy.deepcopy(network).eval()
    for module in list(copied.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, ConvNorm):
                setattr(module, name, child.folded())
    return copied


def _initialise(network: Resnet, generator: torch.Generator) -> None:
    """Set the initial weights.

    Convolutions as in He et al., "Delving Deep into Rectifiers", 2015, https://arxiv.org/abs/1502.01852; the second
    normalisation of a residual block begins at zero, as in Goyal et al., "Accurate, Large Minibatch SGD", 2017,
    https://arxiv.org/abs/1706.02677.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        elif isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight, generator=generator)
            nn.init.zeros_(module.bias)
        elif isinstance(module, ResidualBlock):
            nn.init.zeros_(module.second.norm.weight)
