"""The post's network: three convolutions, two dense layers, 1,212,513 parameters for two classes at 150 pixels.

images 3x150x150 ─ conv 32, pool ─ conv 32, pool ─ conv 64, pool ─ dense 64, dropout ─ dense 1 ─► logit
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from photoclass.errors import SettingsError
from photoclass.networks import onednn as blocked
from photoclass.networks.small_cnn_architecture import SmallCnnArchitecture


class SmallCNN(nn.Module):
    """The network; see the file's head.

    Args:
        settings: Its numbers.
        image_size: Side of the images, in pixels.
        classes: Number of classes; two share one logit, that of class 1.
        generator: Decides the weights at the start.
    """

    def __init__(
        self, settings: SmallCnnArchitecture, image_size: int, classes: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        side, channels = image_size, 3
        self.convolutions = nn.ModuleList()
        for filters in settings.filters:
            self.convolutions.append(nn.Conv2d(channels, filters, settings.kernel_size))
            side, channels = (side - settings.kernel_size + 1) // 2, filters
        if side < 1:
            raise SettingsError(f"images of {image_size} pixels are too small for {len(settings.filters)} poolings")
        self.hidden = nn.Linear(side * side * channels, settings.dense_units)
        self.dropout = Dropout(settings.dropout)
        self.output = nn.Linear(settings.dense_units, 1 if classes == 2 else classes)
        _initialise_as_keras(self, generator)

    def forward(self, images: Tensor) -> Tensor:
        """Map images, shape (N, 3, H, W) in [0, 1], to logits, shape (N, 1) for two classes, else (N, classes)."""
        logits: Tensor = self.output(self.dropout(self.features(images)))
        return logits

    def features(self, images: Tensor) -> Tensor:
        """Return what the hidden layer makes of images, shape (N, dense_units), none below zero."""
        # Channels last, as in Keras: with that memory layout, flattening moves nothing.
        return torch.relu(self.hidden(self._maps(images).permute(0, 2, 3, 1).flatten(1)))

    def _maps(self, images: Tensor) -> Tensor:
        layers = cast(list[nn.Conv2d], list(self.convolutions))
        if self.training and blocked.is_faster(images) and blocked.cannot_overflow(images, layers):
            return blocked.convolve(images, layers)
        maps = images
        for convolution in layers:
            # The post has relu before pooling. Both only ever keep the larger, so the order does not matter to the
            # result, and after pooling there is a quarter of the work.
            maps = torch.relu(F.max_pool2d(convolution(maps), 2))
        return maps


class Dropout(nn.Module):
    """Dropout (Srivastava et al., 2014) whose masks come from a generator of its own.

    The loop seeds `generator` before each step; a resumed run then drops what the run that never stopped drops.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.generator = torch.Generator()

    def forward(self, features: Tensor) -> Tensor:
        """Set a share of the features to zero and scale up the rest; in evaluation, change nothing."""
        if not self.training or self.share == 0:
            return features
        kept = torch.rand(features.shape, generator=self.generator) >= self.share
        return features * kept.to(features.device, features.dtype) / (1 - self.share)


def _initialise_as_keras(network: nn.Module, generator: torch.Generator) -> None:
    """Glorot uniform weights (Glorot and Bengio, 2010) and zero biases."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
