"""Write a folded network as ONNX, in fp32 or int8: uint8 photos in, features out.

Quantisation to int8 is data-free: the ranges of activations are derived from the batch norms, after Nagel et al.,
"Data-Free Quantization Through Weight Equalization and Bias Correction", 2019, https://arxiv.org/abs/1906.04721. The
int8 network is therefore the same whatever data it is used on, and cached features stay valid when photos are added.

Every runtime computes the same int8 network, to the last bit. One that rounds a single activation to another step
changes the roundings of all later layers, until the features differ by as much as quantisation itself has changed them
(0.2 of a standard deviation of 0.4). So no sum here depends on its order: all steps are powers of two and biases are
whole multiples of them, which makes single-precision arithmetic exact; and zero points are even, so that a half is
rounded to the same side whether the zero point is added before rounding, as OpenVINO does, or after, as ONNX says.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from photoclass.errors import SettingsError
from photoclass.networks.pretrained.efficientnet_lite import Block, Convolution, FoldedNetwork
from photoclass.networks.scaling import CENTRED_PIXELS, Scaling

# Part of the cache key of backbones. Increase it whenever other bytes are written for the same weights, here or by
# `efficientnet_lite.fold`: backbones kept under the old number are then never read again.
BACKBONE_VERSION = 2
_OPSET, _IR_VERSION = 17, 8
# Quantisation levels of a weight on each side of zero. CPUs without VNNI add pairs of 8-bit products in 16 bits, and
# 2 * 255 * 64 is the largest sum that cannot overflow. With 127 levels, saturation on an AVX2-only CPU doubled the
# error of lite0's features.
_WEIGHT_STEPS = 64
_ACTIVATION_STEPS = 255
# Biases and sums in steps of their convolution are exact in single precision below 2 ** 24.
_MOST_BIAS_STEPS = 1 << 22
_LEAST_STEP = 1e-8
# Assumed range of activations, in standard deviations around each channel's mean.
_DEVIATIONS = 6.0


@dataclass(frozen=True)
class _Signal:
    """A tensor: its name, mean and standard deviation per channel, its range, and its step if quantised."""

    name: str
    mean: NDArray[np.floating]
    deviation: NDArray[np.floating]
    low: float
    high: float
    step: float = 1.0


def write_backbone(network: FoldedNetwork, precision: Literal["int8", "fp32"]) -> bytes:
    """Write a network as ONNX.

    Returns:
        A model with the input `pixels`, uint8 RGB of shape (N, image_size, image_size, 3), scaled inside, and the
        output `features`, float of shape (N, D), non-negative.
    """
    return write_backbones((network,), network.image_size, precision)


def write_backbones(networks: Sequence[FoldedNetwork], image_size: int, precision: Literal["int8", "fp32"]) -> bytes:
    """Write several networks that share one input, whatever image size each was trained at.

    Returns:
        A model as from `write_backbone`; the features of the networks are concatenated.
    """
    writer = _Int8Writer() if precision == "int8" else _Writer()
    image = writer.image()
    signals = []
    for network in networks:
        signal = _write_blocks(writer, writer.convolution(image, network.stem), network.blocks)
        signals.append(writer.convolution(writer.prepared(signal), network.head))
    writer.pooled(signals, "features")
    width = sum(len(network.head.bias) for network in networks)
    return writer.finish(image_size, "features", TensorProto.FLOAT, [width])


def write_trunk(network: FoldedNetwork, upto: int) -> tuple[bytes, Scaling]:
    """Write the first blocks of a network in int8, so that the later ones can be trained on cached feature maps.

    Args:
        network: The whole network.
        upto: Number of blocks to write: 0 for the stem only; with all of them, only the head is left out.

    Returns:
        A model with the input of `write_backbone` and the output `maps`, uint8 of shape (N, side, side, channels): the
        input of block `upto`. And the scaling of its bytes.

    Raises:
        SettingsError: The network has fewer blocks.
    """
    if not 0 <= upto <= len(network.blocks):
        raise SettingsError(f"upto is {upto}; it must be from 0 to {len(network.blocks)}, the number of blocks")
    writer = _Int8Writer()
    kept = network.blocks[:upto]
    signal = _write_blocks(writer, writer.convolution(writer.image(), network.stem), kept)
    scale = writer.quantised(signal, "maps")
    passed = [network.stem, *(convolution for block in kept for convolution in block.convolutions)]
    side = network.image_size
    for convolution in passed:
        side = -(-side // convolution.stride)  # "same" padding rounds up
    return writer.finish(network.image_size, "maps", TensorProto.UINT8, [side, side, len(passed[-1].bias)]), scale


def write_with_trained_tail(network: FoldedNetwork, upto: int) -> bytes:
    """Write a network whose last blocks were trained on the maps of `write_trunk`: int8 first, then fp32.

    Returns:
        A model as from `write_backbone`.
    """
    trunk = _Int8Writer()
    signal = _write_blocks(trunk, trunk.convolution(trunk.image(), network.stem), network.blocks[:upto])
    tail = _Writer(trunk)
    signal = _write_blocks(tail, trunk.prepared(signal), network.blocks[upto:])
    tail.pooled([tail.convolution(signal, network.head)], "features")
    return tail.finish(network.image_size, "features", TensorProto.FLOAT, [len(network.head.bias)])


def _write_blocks(writer: "_Writer", signal: "_Signal", blocks: tuple[Block, ...]) -> "_Signal":
    """Write these blocks and return the output of the last."""
    for block in blocks:
        entry = inner = writer.prepared(signal)
        for number, convolution in enumerate(block.convolutions):
            inner = writer.convolution(inner if number == 0 else writer.prepared(inner), convolution)
        signal = writer.sum(inner, entry) if block.residual else inner
    return signal


class _Writer:
    """Writes the network in fp32.

    Args:
        before: The writer of the first part of the same model, if another one wrote it.
    """

    def __init__(self, before: "_Writer | None" = None) -> None:
        self.nodes: list[onnx.NodeProto] = [] if before is None else before.nodes
        self.constants: list[onnx.TensorProto] = [] if before is None else before.constants
        self._zero, self._six = "zero", "six"
        if before is None:
            self.constant(self._zero, np.array(0, dtype=np.float32))
            self.constant(self._six, np.array(6, dtype=np.float32))

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Add a constant. A scalar stays 0-dimensional, since ONNX reads a list of scales as one per channel."""
        self.constants.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def node(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        """Add an operation; return the name of its output."""
        output = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def image(self) -> _Signal:
        """Turn the pixels into an image, (pixel - 127) / 128, channels first."""
        planes = self.node("Transpose", ["pixels"], perm=[0, 3, 1, 2])
        name = self._scaled(planes)
        unknown = np.zeros(3, dtype=np.float32)
        low = -CENTRED_PIXELS.zero * CENTRED_PIXELS.scale
        return _Signal(name, unknown, unknown, low, 1.0, CENTRED_PIXELS.scale)

    def _scaled(self, planes: str) -> str:
        numbers = self.node("Cast", [planes], to=TensorProto.FLOAT)
        zero = self.constant("pixel_zero", np.array(CENTRED_PIXELS.zero, dtype=np.float32))
        scale = self.constant("pixel_scale", np.array(CENTRED_PIXELS.scale, dtype=np.float32))
        return self.node("Mul", [self.node("Sub", [numbers, zero]), scale])

    def prepared(self, signal: _Signal) -> _Signal:
        """Prepare a signal as the input of a convolution: quantised, if the writer is one for int8."""
        return signal

    def convolution(self, signal: _Signal, convolution: Convolution) -> _Signal:
        """Add a convolution, with its ReLU6 if it has one."""
        weight, bias = self._weights(signal, convolution)
        kernel = convolution.weight.shape[2]
        name = self.node(
            "Conv",
            [signal.name, weight, self.constant(f"bias_{len(self.nodes)}", bias.astype(np.float32))],
            kernel_shape=[kernel, kernel],
            strides=[convolution.stride, convolution.stride],
            group=convolution.groups,
            auto_pad="SAME_UPPER",
        )
        mean, deviation = convolution.mean, convolution.deviation
        low, high = _range(mean, deviation)
        if not convolution.relu6:
            return _Signal(name, mean, deviation, low, high)
        clipped = self.node("Clip", [name, self._zero, self._six])
        return _Signal(clipped, _mean_of_relu6(mean, deviation), deviation, 0.0, min(6.0, high))

    def _weights(self, signal: _Signal, convolution: Convolution) -> tuple[str, NDArray[np.floating]]:
        return self.constant(f"weight_{len(self.nodes)}", convolution.weight), convolution.bias

    def sum(self, signal: _Signal, entry: _Signal) -> _Signal:
        """Add a block's input to its output."""
        # The two are treated as independent; a range of six deviations covers the error of that.
        mean = signal.mean + entry.mean
        deviation = np.hypot(signal.deviation, entry.deviation)
        low, high = _range(mean, deviation)
        return _Signal(self.node("Add", [signal.name, entry.name]), mean, deviation, low, high)

    def pooled(self, signals: Sequence[_Signal], output: str) -> None:
        """Add global average pooling; the concatenated results are the model's output."""
        means = [self.node("GlobalAveragePool", [signal.name]) for signal in signals]
        pooled = means[0] if len(means) == 1 else self.node("Concat", means, axis=1)
        self.nodes.append(helper.make_node("Flatten", [pooled], [output]))

    def finish(self, image_size: int, output: str, kind: int, row: list[int]) -> bytes:
        """Assemble the model, whose output has the shape `row` per photo."""
        shape: list[str | int | None] = ["photos", image_size, image_size, 3]
        graph = helper.make_graph(
            self.nodes,
            "backbone",
            [helper.make_tensor_value_info("pixels", TensorProto.UINT8, shape)],
            [helper.make_tensor_value_info(output, kind, ["photos", *row])],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
        model.ir_version = _IR_VERSION
        onnx.checker.check_model(model)
        content: bytes = model.SerializeToString(deterministic=True)
        return content


class _Int8Writer(_Writer):
    """Writes weights as int8 with one scale per channel, and activations as uint8."""

    def _scaled(self, planes: str) -> str:
        # Pixels are a quantised image already: no rounding is needed.
        scale = self.constant("pixel_scale", np.array(CENTRED_PIXELS.scale, dtype=np.float32))
        zero = self.constant("pixel_zero", np.array(CENTRED_PIXELS.zero, dtype=np.uint8))
        return self.node("DequantizeLinear", [planes, scale, zero])

    def prepared(self, signal: _Signal) -> _Signal:
        steps, scale, zero, meaning = self._quantised(signal)
        name = self.node("DequantizeLinear", [steps, scale, zero])
        return _Signal(name, signal.mean, signal.deviation, signal.low, signal.high, meaning.scale)

    def quantised(self, signal: _Signal, output: str) -> Scaling:
        """Quantise a signal as the model's output, channels last."""
        steps, _, _, meaning = self._quantised(signal)
        self.nodes.append(helper.make_node("Transpose", [steps], [output], perm=[0, 2, 3, 1]))
        return meaning

    def _quantised(self, signal: _Signal) -> tuple[str, str, str, Scaling]:
        """Quantise a signal; return the names of its bytes, scale and zero point, and its scaling."""
        low, high = min(signal.low, 0.0), max(signal.high, 0.0)
        step = _power_of_two(np.array((high - low) / _ACTIVATION_STEPS))
        zero = np.array(2 * round(-low / float(step) / 2), dtype=np.uint8)
        number = len(self.nodes)
        scale, offset = self.constant(f"scale_{number}", step), self.constant(f"zero_{number}", zero)
        steps = self.node("QuantizeLinear", [signal.name, scale, offset])
        return steps, scale, offset, Scaling(int(zero), float(step))

    def _weights(self, signal: _Signal, convolution: Convolution) -> tuple[str, NDArray[np.floating]]:
        exact = convolution.weight
        least = np.maximum(np.abs(convolution.bias) / (signal.step * _MOST_BIAS_STEPS), _LEAST_STEP)
        scales = _power_of_two(np.maximum(np.abs(exact).max(axis=(1, 2, 3)) / _WEIGHT_STEPS, least))
        steps = np.clip(np.round(exact / scales[:, None, None, None]), -_WEIGHT_STEPS, _WEIGHT_STEPS).astype(np.int8)
        number = len(self.nodes)
        weight = self.node(
            "DequantizeLinear",
            [
                self.constant(f"weight_{number}", steps),
                self.constant(f"weight_scale_{number}", scales),
                self.constant(f"weight_zero_{number}", np.zeros(len(scales), dtype=np.int8)),
            ],
            axis=0,
        )
        # Bias correction: rounded weights shift the mean of the output; the shift at the mean input is subtracted.
        error = (steps * scales[:, None, None, None] - exact).sum(axis=(2, 3))
        shift = error @ signal.mean if convolution.groups == 1 else error[:, 0] * signal.mean
        bias_step = scales.astype(np.float64) * signal.step
        return weight, np.round((convolution.bias - shift) / bias_step) * bias_step


def _power_of_two(least: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the smallest powers of two that are not below these values."""
    return np.exp2(np.ceil(np.log2(least.astype(np.float64)))).astype(np.float32)


def _range(mean: NDArray[np.floating], deviation: NDArray[np.floating]) -> tuple[float, float]:
    return float((mean - _DEVIATIONS * deviation).min()), float((mean + _DEVIATIONS * deviation).max())


def _mean_of_relu6(mean: NDArray[np.floating], deviation: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the mean of a normally distributed value clipped to 0 to 6."""
    spread = np.maximum(deviation, 1e-6).astype(np.float64)
    low, high = -mean / spread, (6 - mean) / spread
    below, above = _normal_share(low), _normal_share(high)
    bump = (np.exp(-np.square(low) / 2) - np.exp(-np.square(high) / 2)) / math.sqrt(2 * math.pi)
    return np.asarray(6 * (1 - above) + mean * (above - below) + spread * bump, dtype=np.float64)


_erf = np.vectorize(math.erf, otypes=[np.float64])


def _normal_share(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the cumulative distribution function of the standard normal distribution."""
    return np.asarray((1 + _erf(values / math.sqrt(2))) / 2, dtype=np.float64)
