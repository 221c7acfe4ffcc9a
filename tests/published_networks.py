"""Networks with the layers of published backbones, small in depth, with random weights, in the form of their exports.

What is tried is the format: operators, names and shapes of inputs and outputs, which of them are dynamic. Widths and
numbers of tokens are those of the published networks; there are one or two blocks instead of a dozen.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_SIDE = 224
_CLASSES = 1000


class _Graph:
    """Nodes and weights, added one after the other; each method takes a name and returns one."""

    def __init__(self, seed: int = 0) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._generator = np.random.default_rng(seed)

    def random(self, *shape: int) -> str:
        fan_in = int(np.prod(shape[1:])) or 1
        return self.constant(self._generator.normal(0, fan_in**-0.5, shape).astype(np.float32))

    def constant(self, values: Any) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, dtype=np.int64))

    def op(self, kind: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        out = out or f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def conv(self, x: str, fan_in: int, out: int, kernel: int, stride: int = 1, group: int = 1) -> str:
        pad = 0 if kernel == stride else kernel // 2
        weights, bias = self.random(out, fan_in // group, kernel, kernel), self.random(out)
        shape = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4, "group": group}
        return self.op("Conv", x, weights, bias, **shape)

    def linear(self, x: str, fan_in: int, out: int) -> str:
        """A linear layer over the last axis, as transformers export it: a product, then a sum."""
        return self.op("Add", self.random(out), self.op("MatMul", x, self.random(fan_in, out)))

    def layer_norm(self, x: str, width: int) -> str:
        ones, zeros = (self.constant(np.full(width, value, np.float32)) for value in (1, 0))
        return self.op("LayerNormalization", x, ones, zeros, axis=-1)

    def gelu(self, x: str) -> str:
        half, one, root = (self.constant(np.float32(value)) for value in (0.5, 1, 2**0.5))
        erf = self.op("Erf", self.op("Div", x, root))
        return self.op("Mul", self.op("Mul", x, self.op("Add", erf, one)), half)

    def silu(self, x: str) -> str:
        return self.op("Mul", x, self.op("Sigmoid", x))

    def attention_block(self, x: str, width: int, heads: int) -> str:
        """A transformer block before normalisation: attention, then a network of two layers."""
        before = self.layer_norm(x, width)
        split = self.integers(0, 0, heads, width // heads)
        query, key, value = (self.op("Reshape", self.linear(before, width, width), split) for _ in range(3))
        query, value = (self.op("Transpose", part, perm=[0, 2, 1, 3]) for part in (query, value))
        key = self.op("Transpose", key, perm=[0, 2, 3, 1])
        scale = self.constant(np.float32((width // heads) ** -0.5))
        weights = self.op("Softmax", self.op("Mul", self.op("MatMul", query, key), scale), axis=-1)
        mixed = self.op("Transpose", self.op("MatMul", weights, value), perm=[0, 2, 1, 3])
        merged = self.op("Reshape", mixed, self.integers(0, 0, width))
        x = self.op("Add", self.linear(merged, width, width), x)
        inner = self.gelu(self.linear(self.layer_norm(x, width), width, 4 * width))
        return self.op("Add", self.linear(inner, 4 * width, width), x)

    def patches(self, x: str, width: int, patch: int) -> str:
        """Tokens of patches, (N, T, width), with sizes that follow the input's."""
        maps = self.conv(x, 3, width, patch, patch)
        sizes = self.op("Shape", maps)
        start = self.op("Slice", sizes, self.integers(0), self.integers(2))
        rows = self.op("Reshape", maps, self.op("Concat", start, self.integers(-1), axis=0))
        return self.op("Transpose", rows, perm=[0, 2, 1])

    def model(self, outputs: dict[str, Sequence[Any]], sides: Sequence[Any] = ("height", "width")) -> onnx.ModelProto:
        pixels = helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch_size", 3, *sides])
        values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]
        graph = helper.make_graph(self.nodes, "main_graph", [pixels], values, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 8
        return model


def dinov2_small() -> onnx.ModelProto:
    """A vision transformer with a class token, of any size: its position embeddings are resized to the photo."""
    width, patch, trained_side = 384, 14, 37  # positions of photos of 518 px
    graph = _Graph()
    tokens = graph.patches("pixel_values", width, patch)
    batch = graph.op("Gather", graph.op("Shape", "pixel_values"), graph.integers(0))
    shape = graph.op("Concat", batch, graph.integers(1, width), axis=0)
    tokens = graph.op("Concat", graph.op("Expand", graph.random(1, 1, width), shape), tokens, axis=1)
    positions = graph.random(1, width, trained_side, trained_side)
    sizes = graph.op("Slice", graph.op("Shape", "pixel_values"), graph.integers(2), graph.integers(4))
    sizes = graph.op("Div", sizes, graph.integers(patch))
    sizes = graph.op("Concat", graph.integers(1, width), sizes, axis=0)
    resized = graph.op("Resize", positions, "", "", sizes, mode="cubic", coordinate_transformation_mode="half_pixel")
    rows = graph.op("Transpose", graph.op("Reshape", resized, graph.integers(1, width, -1)), perm=[0, 2, 1])
    tokens = graph.op("Add", tokens, graph.op("Concat", graph.random(1, 1, width), rows, axis=1))
    tokens = graph.attention_block(tokens, width, 6)
    last = graph.layer_norm(tokens, width)
    graph.op("Identity", last, out="last_hidden_state")
    return graph.model({"last_hidden_state": ["batch_size", "sequence_length", width]})


def siglip2_vision() -> onnx.ModelProto:
    """A vision transformer without a class token; its pooled output is an attention over all tokens."""
    width, patch = 768, 16
    graph = _Graph(1)
    tokens = graph.op("Add", graph.patches("pixel_values", width, patch), graph.random(1, (_SIDE // patch) ** 2, width))
    tokens = graph.layer_norm(graph.attention_block(tokens, width, 12), width)
    graph.op("Identity", tokens, out="last_hidden_state")
    key = graph.op("Transpose", graph.linear("last_hidden_state", width, width), perm=[0, 2, 1])
    weights = graph.op("Softmax", graph.op("MatMul", graph.random(1, 1, width), key), axis=-1)
    pooled = graph.op("MatMul", weights, graph.linear("last_hidden_state", width, width))
    pooled = graph.op("Squeeze", pooled, graph.integers(1))
    inner = graph.gelu(graph.linear(graph.layer_norm(pooled, width), width, 2 * width))
    graph.op("Add", graph.linear(inner, 2 * width, width), pooled, out="pooler_output")
    outputs = {"last_hidden_state": ["batch_size", 196, width], "pooler_output": ["batch_size", width]}
    return graph.model(outputs, (_SIDE, _SIDE))


def convnext_tiny() -> onnx.ModelProto:
    """A convolutional classifier whose blocks normalise and mix channels last."""
    graph = _Graph(2)
    x, fan_in = graph.conv("pixel_values", 3, 96, 4, 4), 96
    for width in (192, 384, 768):
        inner = graph.op("Transpose", graph.conv(x, fan_in, fan_in, 7, group=fan_in), perm=[0, 2, 3, 1])
        inner = graph.gelu(graph.linear(graph.layer_norm(inner, fan_in), fan_in, 4 * fan_in))
        inner = graph.op("Mul", graph.random(fan_in), graph.linear(inner, 4 * fan_in, fan_in))
        x = graph.op("Add", x, graph.op("Transpose", inner, perm=[0, 3, 1, 2]))
        x, fan_in = graph.conv(x, fan_in, width, 2, 2), width
    means = graph.op("ReduceMean", x, axes=[-2, -1], keepdims=0)
    means = graph.layer_norm(means, fan_in)
    graph.op("Gemm", means, graph.random(_CLASSES, fan_in), graph.random(_CLASSES), transB=1, out="logits")
    return graph.model({"logits": ["batch_size", _CLASSES]})


def efficientnet_v2_small() -> onnx.ModelProto:
    """A convolutional classifier with inverted residuals, squeeze-and-excitation and SiLU."""
    graph = _Graph(3)
    x = graph.silu(graph.conv("pixel_values", 3, 24, 3, 2))
    x = graph.silu(graph.conv(x, 24, 64, 3, 4))
    wide = graph.silu(graph.conv(x, 64, 256, 1))
    wide = graph.silu(graph.conv(wide, 256, 256, 3, group=256))
    gate = graph.op("GlobalAveragePool", wide)
    gate = graph.op("Sigmoid", graph.conv(graph.silu(graph.conv(gate, 256, 16, 1)), 16, 256, 1))
    x = graph.op("Add", graph.conv(graph.op("Mul", wide, gate), 256, 64, 1), x)
    x = graph.silu(graph.conv(x, 64, 1280, 1))
    means = graph.op("Flatten", graph.op("GlobalAveragePool", x))
    graph.op("Gemm", means, graph.random(_CLASSES, 1280), graph.random(_CLASSES), transB=1, out="output")
    return graph.model({"output": ["batch_size", _CLASSES]}, (300, 300))


def mobilenet_v4_small() -> onnx.ModelProto:
    """A convolutional classifier that widens once more after its mean over all positions."""
    graph = _Graph(4)
    x = graph.op("Relu", graph.conv("pixel_values", 3, 32, 3, 2))
    x = graph.conv(x, 32, 32, 5, 2, group=32)
    x = graph.op("Relu", graph.conv(x, 32, 96, 1))
    x = graph.op("Relu", graph.conv(x, 96, 96, 5, 4, group=96))
    x = graph.op("Relu", graph.conv(graph.conv(x, 96, 64, 1), 64, 960, 1))
    x = graph.op("Relu", graph.conv(graph.op("GlobalAveragePool", x), 960, 1280, 1))
    means = graph.op("Flatten", x)
    graph.op("Gemm", means, graph.random(_CLASSES, 1280), graph.random(_CLASSES), transB=1, out="logits")
    return graph.model({"logits": ["batch_size", _CLASSES]})
