"""The output of a user's network: chosen, and reduced to one row of features per photo.

Networks return rows (N, D), maps (N, D, height, width), or, as vision transformers do, tokens (N, T, D): perhaps a
class token and register tokens, then one token for each patch of the photo, row by row.
"""

import math
from dataclasses import dataclass

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from photoclass.errors import ModelError, SettingsError
from photoclass.networks.pretrained.onnx_file.parse import PREFIX, describe_ports

# What `--backbone-output` takes besides the name of an output. `both` is the class token followed by the mean, as in
# the linear evaluation of DINOv2 (Oquab et al., DINOv2: Learning Robust Visual Features without Supervision, 2023).
TOKEN_OUTPUTS = ("class", "mean", "both")
PENULTIMATE = "penultimate"
# Vision transformers have up to 1 class token, 1 distillation token and 16 registers before the patches.
_MOST_OTHER_TOKENS = 18
_EXPECTED = (
    "features, float32, of shape (N, D) or (N, D, 1, 1), square maps (N, D, height, width), or tokens (N, T, D) of "
    "square photos"
)
# The usual name of the tokens after the last block, in exports of the library transformers.
_TOKENS_NAME = "last_hidden_state"
# Operators that may stand between a classifier's last linear layer and its output.
_AFTER_LAST_LAYER = frozenset({"Identity", "Add", "Softmax", "LogSoftmax", "Sigmoid", "Flatten", "Reshape", "Squeeze"})
# With and without a class for anything else; ImageNet-1k, -12k and -21k.
_CLASSES_OF_IMAGENET = (1_000, 1_001, 11_821, 21_841, 21_843)
_NAMES_OF_SCORES = ("logits", "probabilities", "probs", "scores")
_LINEAR = frozenset({"Gemm", "MatMul"})


@dataclass(frozen=True)
class Reduction:
    """Nodes from a network's output to `features`, one row per photo.

    Attributes:
        nodes: In order.
        constants: What they take besides.
        width: Number of features.
    """

    nodes: list[NodeProto]
    constants: list[TensorProto]
    width: int


def find_output(graph: GraphProto, choice: str, where: str) -> str:
    """Return the name of the tensor that the features are made of.

    Args:
        graph: The network.
        choice: As in `FileOptions.output`.
        where: Its file, for messages.

    Raises:
        ModelError: There is no such output, or it is not float32.
        SettingsError: There are several, and the choice does not say which.
    """
    outputs = list(graph.output)
    if choice in ("", PENULTIMATE):
        chosen = outputs
    elif choice in TOKEN_OUTPUTS:
        chosen = _token_outputs(outputs)
    else:
        chosen = [output for output in outputs if output.name.removeprefix(PREFIX) == choice]
        if not chosen:
            raise ModelError(f"{where}: has no output {choice!r}; it returns {describe_ports(outputs)}")
    if len(chosen) > 1:
        names = ", ".join(output.name.removeprefix(PREFIX) for output in chosen)
        raise SettingsError(
            f"{where}: returns {describe_ports(outputs)}; choose one with --backbone-output: {names}, or class, mean "
            "or both for a transformer's tokens"
        )
    if not chosen or chosen[0].type.tensor_type.elem_type != TensorProto.FLOAT:
        raise ModelError(f"{where}: returns {describe_ports(outputs)}; a backbone returns {_EXPECTED}")
    name: str = chosen[0].name
    return _input_of_last_layer(graph, name, where) if choice == PENULTIMATE else name


def reduce_output(output: str, shape: tuple[int, ...], image_size: int, choice: str, where: str) -> Reduction:
    """Return the nodes that turn an output into one row of features per photo.

    Args:
        output: Its name.
        shape: Its shape for one photo.
        image_size: Side of the square photo, in pixels.
        choice: As in `FileOptions.output`.
        where: The file, for messages.

    Raises:
        ModelError: The shape is not that of features.
        SettingsError: The choice is for tokens and there are none, or it is missing.
    """
    if len(shape) == 3:
        return _reduce_tokens(output, shape, image_size, choice, where)
    if choice in TOKEN_OUTPUTS:
        raise SettingsError(
            f"{where}: returns {list(shape)} for one photo, which are no tokens; leave out --backbone-output {choice}"
        )
    # Feature maps of square photos are square. If these are not, they are channels-last, and a mean over the last two
    # axes would mix features.
    if len(shape) not in (2, 4) or shape[2:3] != shape[3:]:
        raise ModelError(f"{where}: returns {list(shape)} for one photo; a backbone returns {_EXPECTED}")
    if len(shape) == 4:
        return Reduction(_mean_of_maps(output, "features"), [], shape[1])
    return Reduction([helper.make_node("Identity", [output], ["features"])], [], shape[1])


def looks_like_classes(output: str, width: int) -> bool:
    """Return whether an output has scores of classes, by its name or as many as ImageNet has, and not features."""
    return output.removeprefix(PREFIX).casefold() in _NAMES_OF_SCORES or width in _CLASSES_OF_IMAGENET


def _token_outputs(outputs: list[ValueInfoProto]) -> list[ValueInfoProto]:
    """Return the outputs that may be tokens: of rank 3, the usual name before others; a single one in any case."""
    if len(outputs) == 1:
        return outputs
    tokens = [output for output in outputs if len(output.type.tensor_type.shape.dim) == 3]
    named = [output for output in tokens if output.name.removeprefix(PREFIX) == _TOKENS_NAME]
    return named or tokens


def _reduce_tokens(output: str, shape: tuple[int, ...], image_size: int, choice: str, where: str) -> Reduction:
    count, width = shape[1:]
    side, others = _patches(count, image_size, where)
    if choice not in TOKEN_OUTPUTS:
        usable = "class, mean or both" if others else "mean"
        raise SettingsError(
            f"{where}: returns {count} tokens for a photo, {side} x {side} of them for its patches; choose what the "
            f"features are with --backbone-output {usable}"
        )
    if choice != "mean" and not others:
        raise SettingsError(
            f"{where}: has no class token, for its {count} tokens are those of {side} x {side} patches; choose "
            "--backbone-output mean"
        )
    nodes, constants = [], []
    ends_in = {"class": "features", "mean": "features", "both": ""}[choice]
    if choice != "mean":
        nodes.append(helper.make_node("Gather", [output, "backbone.first"], [ends_in or "backbone.class"], axis=1))
        constants.append(numpy_helper.from_array(np.array(0, dtype=np.int64), "backbone.first"))
    if choice != "class":
        patches = np.arange(others, count, dtype=np.int64)
        constants.append(numpy_helper.from_array(patches, "backbone.patches"))
        nodes += [
            helper.make_node("Gather", [output, "backbone.patches"], ["backbone.of_patches"], axis=1),
            helper.make_node("Transpose", ["backbone.of_patches"], ["backbone.by_feature"], perm=[0, 2, 1]),
            *_mean_of_maps("backbone.by_feature", ends_in or "backbone.mean_of_patches"),
        ]
    if choice == "both":
        nodes.append(helper.make_node("Concat", ["backbone.class", "backbone.mean_of_patches"], ["features"], axis=1))
    return Reduction(nodes, constants, 2 * width if choice == "both" else width)


def _patches(count: int, image_size: int, where: str) -> tuple[int, int]:
    """Return how many patches a photo has along each side, and how many other tokens stand before them."""
    for side in range(math.isqrt(count), 1, -1):
        others = count - side * side
        if others > _MOST_OTHER_TOKENS:
            break
        patch = image_size // side
        if patch and image_size // patch == side:  # a rest at the border that is smaller than a patch is left out
            return side, others
    raise ModelError(
        f"{where}: returns {count} tokens for a photo of {image_size} px, which are not those of square patches and of "
        f"at most {_MOST_OTHER_TOKENS} more; choose another output with --backbone-output"
    )


def _mean_of_maps(maps: str, means: str) -> list[NodeProto]:
    # Unlike ReduceMean, whose axes became an input in opset 18, this operator is the same in every opset.
    return [
        helper.make_node("GlobalAveragePool", [maps], [f"{means}.map"]),
        helper.make_node("Flatten", [f"{means}.map"], [means]),
    ]


def _input_of_last_layer(graph: GraphProto, output: str, where: str) -> str:
    """Return what a classifier's last linear layer takes.

    Raises:
        ModelError: The output does not come from a linear layer with constant weights.
    """
    producers = {name: node for node in graph.node for name in node.output}
    constants = {constant.name for constant in graph.initializer}
    constants |= {name for name, node in producers.items() if node.op_type == "Constant"}
    name = output
    while (node := producers.get(name)) is not None:
        taken = [entry for entry in node.input if entry and entry not in constants]
        if len(taken) != 1:
            break
        if node.op_type in _LINEAR:
            return str(taken[0])
        if node.op_type not in _AFTER_LAST_LAYER:
            break
        name = taken[0]
    raise ModelError(
        f"{where}: {output.removeprefix(PREFIX)!r} does not come from a linear layer, so --backbone-output "
        f"{PENULTIMATE} does not apply; leave it out"
    )
