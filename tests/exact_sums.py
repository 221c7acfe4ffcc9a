"""Weights and images of few digits, whose sums are exact in whatever order they are added."""

from torch import Tensor

from photoclass.networks.small_cnn import SmallCNN


def round_convolutions(network: SmallCNN) -> None:
    """Leave the convolutions' weights two binary digits, so that sums of images of 8 are exact in whatever order.

    Else two pixels that are equal but for rounding may change places as a pool's largest, and take the gradient along.
    """
    for layer in network.convolutions:
        largest = layer.weight.abs().max()
        layer.weight.data = (layer.weight / largest * 2).round() / 4


def rounded_images(images: Tensor) -> Tensor:
    """Leave images, from 0 to 1, eight binary digits."""
    return (images * 256).floor() / 256
