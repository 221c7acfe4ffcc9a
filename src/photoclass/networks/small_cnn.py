"""The reference CNN: three convolutions, two dense layers, 1,212,513 parameters for two classes at 150 pixels.

It is the network of the blog post *Cat or Dog? Image Classification using Convolutional Neural Networks*.

images 3x150x150 ─ conv 32, pool ─ conv 32, pool ─ conv 64, pool ─ dense 64, dropout ─ dense 1 ─► logit
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from photoclass.errors import SettingsError
from photoclass.metrics.logits import logit_count
from photoclass.networks import onednn
from photoclass.networks.small_cnn_architecture import SmallCnnArchitecture


class SmallCNN(nn.Module):
    """The reference CNN described at the top of this file.

    Args:
        settings: Its architecture.
        image_size: Side of the images, in pixels.
        classes: Number of classes; two share one logit, that of class 1.
        generator: Source of the initial weights.

    Raises:
        SettingsError: The images are too small for that many poolings.
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
        self.output = nn.Linear(settings.dense_units, logit_count(classes))
        _initialise_as_keras(self, generator)

    def forward(self, images: Tensor) -> Tensor:
        """Map images, shape (N, 3, H, W) in [0, 1], to logits, shape (N, 1) for two classes, else (N, classes)."""
        logits: Tensor = self.output(self.dropout(self.features(images)))
        return logits

    def features(self, images: Tensor) -> Tensor:
        """Return the activations of the hidden layer, shape (N, dense_units), non-negative."""
        # Channels-last, as in Keras: with that memory layout, flattening copies nothing.
        return torch.relu(self.hidden(self._maps(images).permute(0, 2, 3, 1).flatten(1)))

    def _maps(self, images: Tensor) -> Tensor:
        layers = cast(list[nn.Conv2d], list(self.convolutions))
        if self.training and onednn.is_faster(images) and onednn.cannot_overflow(images, layers):
            return onednn.convolve(images, layers)
        maps = images
        for convolution in layers:
            # The post applies ReLU before pooling. Both are monotonic, so their order does not change the result, and
            # after pooling ReLU has a quarter of the work.
            maps = torch.relu(F.max_pool2d(convolution(maps), 2))
        return maps


class Dropout(nn.Module):
    """Dropout whose masks come from its own random generator.

    The training loop seeds `generator` before each step, so that a resumed run draws the same masks as an uninterrupted
    one. After Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.generator = torch.Generator()

    def forward(self, features: Tensor) -> Tensor:
        """Set a share of the features to zero and scale up the others; in evaluation mode, change nothing."""
        if not self.training or self.share == 0:
            return features
        kept = torch.rand(features.shape, generator=self.generator) >= self.share
        return features * kept.to(features.device, features.dtype) / (1 - self.share)


def _initialise_as_keras(network: nn.Module, generator: torch.Generator) -> None:
    """Set Glorot uniform weights and zero biases, the defaults of Keras.

    After Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
