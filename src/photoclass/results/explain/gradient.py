"""Backpropagation through the last operations of an OpenVINO model, in NumPy."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError
from photoclass.results.explain.spatial import constant, key_of, shape_of

Array: TypeAlias = NDArray[np.floating]
Key: TypeAlias = tuple[str, int]
# From an operation, its inputs, its output and the gradient of the output: the gradient of each input; None for inputs
# that have no gradient, such as axes.
Rule: TypeAlias = Callable[[Any, Sequence[Array], Array, Array], Sequence["Array | None"]]


def check_supported(ops: Sequence[Any], where: str) -> None:
    """Check that all operations can be backpropagated through.

    Raises:
        ModelError: One of them cannot.
    """
    for op in ops:
        kind = op.get_type_name()
        known = kind in _RULES or kind in _SPLITS
        if kind in _SECOND_IS_CONSTANT or kind in _SPLITS:
            known = known and op.input_value(1).get_node().get_type_name() == "Constant"
        if kind == "Convolution":
            known = all(n == 1 for n in shape_of(op.input_value(1))[2:]) and all(
                n == 1 for n in shape_of(op.input_value(0))[2:] + shape_of(op.output(0))[2:]
            )
        if not known:
            raise ModelError(
                f"{where}: has the operation {kind} ({op.get_friendly_name()}) after its last feature maps, which "
                "heat maps cannot be computed through; train with one of the built-in networks to get them"
            )


def backpropagate(ops: Sequence[Any], values: Mapping[Key, Array], seeds: Mapping[Key, Array]) -> dict[Key, Array]:
    """Compute gradients by reverse-mode differentiation.

    Args:
        ops: The operations, in order; all pass `check_supported`.
        values: Their inputs and outputs, by `key_of`.
        seeds: The gradients of the last outputs.

    Returns:
        Gradients by `key_of`, each in the shape of its tensor, without tensors that do not affect the outputs.
    """
    found: dict[Key, Array] = {key: np.asarray(seed, dtype=np.float64) for key, seed in seeds.items()}
    for op in reversed(ops):
        keys = [key_of(output) for output in op.outputs()]
        if not any(key in found for key in keys):
            continue
        sources = op.input_values()
        inputs = [_value(source, values) for source in sources]
        if op.get_type_name() in _SPLITS:
            parts = [found.get(key, np.zeros_like(values[key])) for key in keys]
            axis = constant(op, 1)[0]
            gradients: Sequence[Array | None] = [np.concatenate(parts, axis=axis)]
        else:
            gradients = _RULES[op.get_type_name()](op, inputs, values[keys[0]], found[keys[0]])
        for source, gradient in zip(sources, gradients, strict=False):
            if gradient is not None and source.get_node().get_type_name() != "Constant":
                key = key_of(source)
                found[key] = found[key] + gradient if key in found else gradient
    return found


def _value(source: Any, values: Mapping[Key, Array]) -> Array:
    node = source.get_node()
    return np.asarray(node.data if node.get_type_name() == "Constant" else values[key_of(source)])


def _summed(gradient: Array, like: Array) -> Array:
    """Sum a gradient over the axes that broadcasting repeated."""
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - like.ndim)))
    repeated = tuple(i for i, n in enumerate(like.shape) if n == 1 and gradient.shape[i] != 1)
    return np.asarray(gradient.sum(axis=repeated, keepdims=True))


def _binary(first: Callable[..., Array], second: Callable[..., Array]) -> Rule:
    """Make the rule of a binary elementwise operation from its partial derivatives."""

    def rule(op: Any, inputs: Sequence[Array], output: Array, gradient: Array) -> Sequence[Array | None]:
        a, b = inputs
        return [_summed(gradient * first(a, b), a), _summed(gradient * second(a, b), b)]

    return rule


def _unary(derivative: Callable[[Array, Array], Array]) -> Rule:
    """Make the rule of a unary elementwise operation from its derivative, a function of input and output."""

    def rule(op: Any, inputs: Sequence[Array], output: Array, gradient: Array) -> Sequence[Array | None]:
        return [gradient * derivative(inputs[0], output)]

    return rule


def _sigmoid(x: Array) -> Array:
    return 0.5 * (1 + np.tanh(x / 2))


def _derivative_of_root(inputs: Array, output: Array) -> Array:
    # Infinite at zero; but a feature is zero only if its map is zero everywhere, which contributes nothing.
    return np.divide(0.5, output, out=np.zeros_like(output, dtype=np.float64), where=output > 0)


def _derivative_of_power(base: Array, exponent: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.nan_to_num(exponent * np.power(base.astype(np.float64), exponent - 1), posinf=0, neginf=0)


def _back_through_swish(op: Any, inputs: Sequence[Array], output: Array, gradient: Array) -> Sequence[Array | None]:
    x, beta = inputs[0], float(inputs[1]) if len(inputs) > 1 else 1.0
    share = _sigmoid(beta * x)
    return [gradient * (share + beta * x * share * (1 - share))]


def _back_through_gelu(op: Any, inputs: Sequence[Array], output: Array, gradient: Array) -> Sequence[Array | None]:
    # The tanh approximation differs from this by less than 0.001.
    x = inputs[0].astype(np.float64)
    share = 0.5 * (1 + np.vectorize(math.erf, otypes=[np.float64])(x / math.sqrt(2)))
    return [gradient * (share + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi))]


def _back_through_clamp(op: Any, inputs: Sequence[Array], output: Array, gradient: Array) -> Sequence[Array | None]:
    limits = op.get_attributes()
    return [gradient * ((inputs[0] > float(limits["min"])) & (inputs[0] < float(limits["max"])))]


def _back_through_product(op: Any, inputs: Sequence[Array], output: Array, gradient: Array) -> Sequence[Array | None]:
    """Matrix product, with either operand transposed or not."""
    turned = [bool(op.get_attributes()[f"transpose_{side}"]) for side in "ab"]
    a, b = (np.swapaxes(x, -1, -2) if turn and x.ndim > 1 else x for x, turn in zip(inputs, turned, strict=True))
    grown_a, grown_b = (a[None] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)
    whole = np.reshape(gradient, np.matmul(grown_a, grown_b).shape)
    results = []
    for x, turn, back in (
        (inputs[0], turned[0], np.matmul(whole, np.swapaxes(grown_b, -1, -2))),
        (inputs[1], turned[1], np.matmul(np.swapaxes(grown_a, -1, -2), whole)),
    ):
        straight = np.swapaxes(back, -1, -2) if turn and x.ndim > 1 else back
        results.append(straight.reshape(x.shape) if x.ndim == 1 else _summed(straight, x))
    return results


def _back_through_reduction(op: Any, inputs: Sequence[Array], output: Array, gradient: Array) -> Sequence[Array | None]:
    """Mean, sum, maximum, minimum or L2 norm over axes."""
    x, kind = inputs[0], op.get_type_name()
    axes = tuple(axis % x.ndim for axis in constant(op, 1))
    whole = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    gradient, output = gradient.reshape(whole), output.reshape(whole)
    if kind == "ReduceMean":
        factor = np.full(x.shape, 1 / max(math.prod(x.shape[i] for i in axes), 1))
    elif kind == "ReduceSum":
        factor = np.ones(x.shape)
    elif kind == "ReduceL2":
        factor = x / np.maximum(output, 1e-12)
    else:
        # Recomputed from the input, since the output may be rounded.
        best = x.max(axis=axes, keepdims=True) if kind == "ReduceMax" else x.min(axis=axes, keepdims=True)
        factor = (x == best) / (x == best).sum(axis=axes, keepdims=True)
    return [gradient * factor]


def _back_through_softmax(op: Any, inputs: Sequence[Array], output: Array, gradient: Array) -> Sequence[Array | None]:
    axis = int(op.get_attributes()["axis"])
    return [output * (gradient - (gradient * output).sum(axis=axis, keepdims=True))]


def _back_through_shape(op: Any, inputs: Sequence[Array], output: Array, gradient: Array) -> Sequence[Array | None]:
    return [gradient.reshape(inputs[0].shape)]


def _back_through_transpose(op: Any, inputs: Sequence[Array], output: Array, gradient: Array) -> Sequence[Array | None]:
    return [np.transpose(gradient, np.argsort(inputs[1]))]


def _back_through_concat(op: Any, inputs: Sequence[Array], output: Array, gradient: Array) -> Sequence[Array | None]:
    axis = int(op.get_attributes()["axis"])
    return np.split(gradient, np.cumsum([x.shape[axis] for x in inputs])[:-1], axis=axis)


def _back_through_rounding(op: Any, inputs: Sequence[Array], output: Array, gradient: Array) -> Sequence[Array | None]:
    """Straight-through estimator of quantisation: within its range, the gradient passes unchanged.

    Source: Bengio et al., Estimating or Propagating Gradients Through Stochastic Neurons for Conditional Computation,
    2013, https://arxiv.org/abs/1308.3432
    """
    x, low, high = inputs[:3]
    return [gradient * ((x >= low) & (x <= high))]


def _back_through_norm(op: Any, inputs: Sequence[Array], output: Array, gradient: Array) -> Sequence[Array | None]:
    """Batch normalisation with fixed statistics: data, gamma, beta, mean, variance."""
    x, gamma, _, _, variance = inputs
    factor = gamma / np.sqrt(variance + float(op.get_attributes()["epsilon"]))
    return [gradient * factor.reshape([1, -1] + [1] * (x.ndim - 2))]


def _back_through_pointwise(op: Any, inputs: Sequence[Array], output: Array, gradient: Array) -> Sequence[Array | None]:
    """1x1 convolution of a single position, which is a matrix product."""
    x, weights = inputs
    rows = gradient.reshape(len(x), -1)
    columns = weights.reshape(weights.shape[:2])
    return [(rows @ columns).reshape(x.shape), (rows.T @ x.reshape(len(x), -1)).reshape(weights.shape)]


def _equal_share(a: Array, b: Array, wins: NDArray[np.bool_]) -> Array:
    return np.asarray(wins + 0.5 * (a == b))


_SPLITS = frozenset({"Split", "VariadicSplit"})
_REDUCTIONS = frozenset({"ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"})
_SECOND_IS_CONSTANT = _REDUCTIONS | {"Power", "Transpose"}
_RULES: dict[str, Rule] = {
    "Abs": _unary(lambda x, y: np.sign(x)),
    "Add": _binary(lambda a, b: np.ones(()), lambda a, b: np.ones(())),
    "BatchNormInference": _back_through_norm,
    "Clamp": _back_through_clamp,
    "Concat": _back_through_concat,
    "Convert": _unary(lambda x, y: np.ones(())),
    "Identity": _unary(lambda x, y: np.ones(())),
    "Convolution": _back_through_pointwise,
    "Divide": _binary(lambda a, b: 1 / b, lambda a, b: -a / (b * b)),
    "Exp": _unary(lambda x, y: y),
    "FakeQuantize": _back_through_rounding,
    "Gelu": _back_through_gelu,
    "HSwish": _unary(lambda x, y: np.where(x <= -3, 0, np.where(x >= 3, 1, (2 * x + 3) / 6))),
    "Maximum": _binary(lambda a, b: _equal_share(a, b, a > b), lambda a, b: _equal_share(a, b, b > a)),
    "MatMul": _back_through_product,
    "Minimum": _binary(lambda a, b: _equal_share(a, b, a < b), lambda a, b: _equal_share(a, b, b < a)),
    "Multiply": _binary(lambda a, b: b, lambda a, b: a),
    "Negative": _unary(lambda x, y: -np.ones(())),
    "Power": _binary(_derivative_of_power, lambda a, b: np.zeros(())),
    "ReduceL2": _back_through_reduction,
    "ReduceMax": _back_through_reduction,
    "ReduceMean": _back_through_reduction,
    "ReduceMin": _back_through_reduction,
    "ReduceSum": _back_through_reduction,
    "Relu": _unary(lambda x, y: np.where(x > 0, 1.0, 0.0)),
    "Reshape": _back_through_shape,
    "Sigmoid": _unary(lambda x, y: y * (1 - y)),
    "Sign": _unary(lambda x, y: np.zeros(())),
    "Softmax": _back_through_softmax,
    "Sqrt": _unary(_derivative_of_root),
    "SquaredDifference": _binary(lambda a, b: 2 * (a - b), lambda a, b: 2 * (b - a)),
    "Squeeze": _back_through_shape,
    "Subtract": _binary(lambda a, b: np.ones(()), lambda a, b: -np.ones(())),
    "Swish": _back_through_swish,
    "Tanh": _unary(lambda x, y: 1 - y * y),
    "Transpose": _back_through_transpose,
    "Unsqueeze": _back_through_shape,
}
