"""Append a linear head to a backbone: one ONNX file from pixels to probabilities."""

from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from photoclass.metrics.logits import symmetric_logits

_WEIGHTS, _BIAS = "head.weights", "head.bias"


@dataclass(frozen=True)
class ExportedHead:
    """A linear head as `model.onnx` has it: calibrated, with one logit for each class.

    Attributes:
        weights: Shape (D, C), for the signed square roots of the features.
        bias: Shape (C,).
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    @classmethod
    def of(cls, weights: NDArray[np.float32], bias: NDArray[np.float32], temperature: float) -> "ExportedHead":
        """Return the head of these weights, shape (D, K), and biases, shape (K,), with logits divided by temperature.

        K is 1 for two classes (the logit of class 1), else the number of classes.
        """
        scaled = (symmetric_logits(values) / temperature for values in (weights, bias))
        return cls(*(values.astype(np.float32) for values in scaled))

    def logits(self, roots: NDArray[np.float32]) -> NDArray[np.float64]:
        """Compute logits, shape (N, C), from the signed square roots of features, shape (N, D)."""
        return np.asarray(roots @ self.weights + self.bias, dtype=np.float64)


def add_head(
    backbone: bytes,
    weights: NDArray[np.float32],
    bias: NDArray[np.float32],
    temperature: float,
    *,
    mirror: bool = False,
    roots: bool = True,
) -> bytes:
    """Append a linear head to a backbone, for a model from pixels to calibrated probabilities.

    Args:
        backbone: uint8 pixels in, one output of features, shape (N, D).
        weights: Shape (D, K); K is 1 for two classes (the logit of class 1), else the number of classes.
        bias: Shape (K,).
        temperature: Calibration temperature, by which logits are divided.
        mirror: Test-time augmentation: average the logits of the photo and its mirror image, for twice the time.
        roots: Whether the head takes the signed square roots of the features, as `head.fit_head` does.
    """
    model = onnx.load_model_from_string(backbone)
    graph = model.graph
    if mirror:
        _append_mirror_images(graph)
    features = graph.output[0].name
    head = ExportedHead.of(weights, bias, temperature)
    for name, values in ((_WEIGHTS, head.weights), (_BIAS, head.bias)):
        graph.initializer.append(numpy_helper.from_array(values, name))
    graph.node.extend(
        [
            *(_signed_roots(features, "head.roots") if roots else ()),
            helper.make_node("Gemm", ["head.roots" if roots else features, _WEIGHTS, _BIAS], ["head.logits"]),
            *(_MEAN_OF_VIEWS if mirror else ()),
            helper.make_node("Softmax", ["head.mean" if mirror else "head.logits"], ["probabilities"], axis=1),
        ]
    )
    del graph.output[:]
    shape = ["photos", head.weights.shape[1]]
    graph.output.append(helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, shape))
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def cut_head(content: bytes) -> tuple[bytes, ExportedHead]:
    """Take a network apart that `add_head` made, with signed roots and without mirror images.

    Returns:
        The backbone, the same file that the head was added to, and the head.

    Raises:
        ValueError: It does not end in such a head.
    """
    model = onnx.load_model_from_string(content)
    graph = model.graph
    count = len(_signed_roots("", "")) + 2  # and the linear layer and the softmax
    head, constants = graph.node[-count:], graph.initializer[-2:]
    kinds = [node.op_type for node in head]
    if kinds != ["Sign", "Abs", "Sqrt", "Mul", "Gemm", "Softmax"] or [c.name for c in constants] != [_WEIGHTS, _BIAS]:
        raise ValueError("the network does not end in a linear head on signed square roots of features")
    weights, bias = (numpy_helper.to_array(constant) for constant in constants)
    features = head[0].input[0]
    del graph.node[-count:], graph.initializer[-2:], graph.output[:]
    shape = ("photos", len(weights))
    graph.output.append(helper.make_tensor_value_info(features, TensorProto.FLOAT, shape))
    backbone: bytes = model.SerializeToString()
    return backbone, ExportedHead(weights, bias)


def _signed_roots(features: str, roots: str) -> list[onnx.NodeProto]:
    """Return nodes equivalent to `head.signed_roots`."""
    return [
        helper.make_node("Sign", [features], ["head.signs"]),
        helper.make_node("Abs", [features], ["head.sizes"]),
        helper.make_node("Sqrt", ["head.sizes"], ["head.size_roots"]),
        helper.make_node("Mul", ["head.signs", "head.size_roots"], [roots]),
    ]


_MEAN_OF_VIEWS = (
    helper.make_node("Split", ["head.logits"], ["head.of_photos", "head.of_mirror_images"], axis=0),
    helper.make_node("Mean", ["head.of_photos", "head.of_mirror_images"], ["head.mean"]),
)


def _append_mirror_images(graph: onnx.GraphProto) -> None:
    """Append the mirror images of all photos to the batch."""
    pixels = graph.input[0].name
    for node in graph.node:
        node.input[:] = ["views.pixels" if name == pixels else name for name in node.input]
    # A slice with step -1 along the width: from the last column to the first.
    limits = {"views.from": -1, "views.to": np.iinfo(np.int64).min, "views.along": 2, "views.by": -1}
    for name, value in limits.items():
        graph.initializer.append(numpy_helper.from_array(np.array([value], dtype=np.int64), name))
    front = [
        helper.make_node("Slice", [pixels, *limits], ["views.mirrored"]),
        helper.make_node("Concat", [pixels, "views.mirrored"], ["views.pixels"], axis=0),
    ]
    nodes = [*front, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
