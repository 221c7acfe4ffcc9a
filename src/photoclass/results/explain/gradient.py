"""The gradient of a number with respect to tensors before it: a walk backwards over the ops between, in NumPy."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError
from photoclass.results.explain.spatial import constant, key_of, shape_of

Array: TypeAlias = NDArray[np.floating]
Key: TypeAlias = tuple[str, int]
# Gives from an op, what it took, what it gave, and the gradient of the latter, the gradient of each thing taken; None
# for what is none of numbers to learn from, such as axes.
Rule: TypeAlias = Callable[[Any, Sequence[Array], Array, Array], Sequence["Array | None"]]


def check_known(ops: Sequence[Any], where: str) -> None:
    """Refuse ops that the walk cannot go back over.

    Raises:
        ModelError: There is one.
    """
    for op in ops:
        kind = op.get_type_name()
        known = kind in _RULES or kind in _SPLITS
        if kind in _SECOND_IS_FIXED or kind in _SPLITS:
            known = known and op.input_value(1).get_node().get_type_name() == "Constant"
        if kind == "Convolution":
            known = all(n == 1 for n in shape_of(op.input_value(1))[2:]) and all(
                n == 1 for n in shape_of(op.input_value(0))[2:] + shape_of(op.output(0))[2:]
            )
        if not known:
            raise ModelError(
                f"{where}: has the operation {kind} ({op.get_friendly_name()}) after its last maps of the photo, over "
                "which heat maps cannot be traced back; train with one of the built-in networks to get them"
            )


def go_back(ops: Sequence[Any], values: Mapping[Key, Array], seeds: Mapping[Key, Array]) -> dict[Key, Array]:
    """Compute the gradients of all that is before some tensors.

    Args:
        ops: Those between, in order; `check_known` has seen them.
        values: What each of them gave, and what they took, by `key_of`.
        seeds: The gradients to begin with.

    Returns:
        Gradients by `key_of`, each in its tensor's shape. What nothing depends on is not there.
    """
    found: dict[Key, Array] = {key: np.asarray(seed, dtype=np.float64) for key, seed in seeds.items()}
    for op in reversed(ops):
        keys = [key_of(output) for output in op.outputs()]
        if not any(key in found for key in keys):
            continue
        sources = op.input_values()
        taken = [_value(source, values) for source in sources]
        if op.get_type_name() in _SPLITS:
            parts = [found.get(key, np.zeros_like(values[key])) for key in keys]
            axis = constant(op, 1)[0]
            gradients: Sequence[Array | None] = [np.concatenate(parts, axis=axis)]
        else:
            gradients = _RULES[op.get_type_name()](op, taken, values[keys[0]], found[keys[0]])
        for source, gradient in zip(sources, gradients, strict=False):
            if gradient is not None and source.get_node().get_type_name() != "Constant":
                key = key_of(source)
                found[key] = found[key] + gradient if key in found else gradient
    return found


def _value(source: Any, values: Mapping[Key, Array]) -> Array:
    node = source.get_node()
    return np.asarray(node.data if node.get_type_name() == "Constant" else values[key_of(source)])


def _summed(gradient: Array, like: Array) -> Array:
    """Sum over what broadcasting had repeated."""
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - like.ndim)))
    repeated = tuple(i for i, n in enumerate(like.shape) if n == 1 and gradient.shape[i] != 1)
    return np.asarray(gradient.sum(axis=repeated, keepdims=True))


def _of_two(first: Callable[..., Array], second: Callable[..., Array]) -> Rule:
    """Make the rule of an op on two tensors from the factors that each of them has the gradient multiplied by."""

    def rule(op: Any, taken: Sequence[Array], given: Array, gradient: Array) -> Sequence[Array | None]:
        a, b = taken
        return [_summed(gradient * first(a, b), a), _summed(gradient * second(a, b), b)]

    return rule


def _of_one(slope: Callable[[Array, Array], Array]) -> Rule:
    """Make the rule of an op on each element from its slope, given what it took and what it gave."""

    def rule(op: Any, taken: Sequence[Array], given: Array, gradient: Array) -> Sequence[Array | None]:
        return [gradient * slope(taken[0], given)]

    return rule


def _sigmoid(x: Array) -> Array:
    return 0.5 * (1 + np.tanh(x / 2))


def _slope_of_root(taken: Array, given: Array) -> Array:
    # At zero it is infinite; a feature of zero comes of maps that are zero everywhere, which add nothing to any sum.
    return np.divide(0.5, given, out=np.zeros_like(given, dtype=np.float64), where=given > 0)


def _slope_of_power(base: Array, exponent: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.nan_to_num(exponent * np.power(base.astype(np.float64), exponent - 1), posinf=0, neginf=0)


def _back_through_swish(op: Any, taken: Sequence[Array], given: Array, gradient: Array) -> Sequence[Array | None]:
    x, beta = taken[0], float(taken[1]) if len(taken) > 1 else 1.0
    share = _sigmoid(beta * x)
    return [gradient * (share + beta * x * share * (1 - share))]


def _back_through_gelu(op: Any, taken: Sequence[Array], given: Array, gradient: Array) -> Sequence[Array | None]:
    # The form with tanh differs from this one by less than a thousandth.
    x = taken[0].astype(np.float64)
    share = 0.5 * (1 + np.vectorize(math.erf, otypes=[np.float64])(x / math.sqrt(2)))
    return [gradient * (share + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi))]


def _back_through_clamp(op: Any, taken: Sequence[Array], given: Array, gradient: Array) -> Sequence[Array | None]:
    limits = op.get_attributes()
    return [gradient * ((taken[0] > float(limits["min"])) & (taken[0] < float(limits["max"])))]


def _back_through_product(op: Any, taken: Sequence[Array], given: Array, gradient: Array) -> Sequence[Array | None]:
    """Of a matrix product, with either side transposed or not."""
    turned = [bool(op.get_attributes()[f"transpose_{side}"]) for side in "ab"]
    a, b = (np.swapaxes(x, -1, -2) if turn and x.ndim > 1 else x for x, turn in zip(taken, turned, strict=True))
    grown_a, grown_b = (a[None] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)
    whole = np.reshape(gradient, np.matmul(grown_a, grown_b).shape)
    results = []
    for x, turn, back in (
        (taken[0], turned[0], np.matmul(whole, np.swapaxes(grown_b, -1, -2))),
        (taken[1], turned[1], np.matmul(np.swapaxes(grown_a, -1, -2), whole)),
    ):
        straight = np.swapaxes(back, -1, -2) if turn and x.ndim > 1 else back
        results.append(straight.reshape(x.shape) if x.ndim == 1 else _summed(straight, x))
    return results


def _back_through_mean(op: Any, taken: Sequence[Array], given: Array, gradient: Array) -> Sequence[Array | None]:
    """Of a mean, sum, maximum, minimum or length over axes."""
    x, kind = taken[0], op.get_type_name()
    axes = tuple(axis % x.ndim for axis in constant(op, 1))
    whole = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    gradient, given = gradient.reshape(whole), given.reshape(whole)
    if kind == "ReduceMean":
        factor = np.full(x.shape, 1 / max(math.prod(x.shape[i] for i in axes), 1))
    elif kind == "ReduceSum":
        factor = np.ones(x.shape)
    elif kind == "ReduceL2":
        factor = x / np.maximum(given, 1e-12)
    else:
        # Not what was given: that may be rounded.
        best = x.max(axis=axes, keepdims=True) if kind == "ReduceMax" else x.min(axis=axes, keepdims=True)
        factor = (x == best) / (x == best).sum(axis=axes, keepdims=True)
    return [gradient * factor]


def _back_through_softmax(op: Any, taken: Sequence[Array], given: Array, gradient: Array) -> Sequence[Array | None]:
    axis = int(op.get_attributes()["axis"])
    return [given * (gradient - (gradient * given).sum(axis=axis, keepdims=True))]


def _back_through_shape(op: Any, taken: Sequence[Array], given: Array, gradient: Array) -> Sequence[Array | None]:
    return [gradient.reshape(taken[0].shape)]


def _back_through_transpose(op: Any, taken: Sequence[Array], given: Array, gradient: Array) -> Sequence[Array | None]:
    return [np.transpose(gradient, np.argsort(taken[1]))]


def _back_through_concat(op: Any, taken: Sequence[Array], given: Array, gradient: Array) -> Sequence[Array | None]:
    axis = int(op.get_attributes()["axis"])
    return np.split(gradient, np.cumsum([x.shape[axis] for x in taken])[:-1], axis=axis)


def _back_through_steps(op: Any, taken: Sequence[Array], given: Array, gradient: Array) -> Sequence[Array | None]:
    """Steps have no slope; the gradient passes them as if they were none (Bengio et al., 2013: straight through)."""
    x, low, high = taken[:3]
    return [gradient * ((x >= low) & (x <= high))]


def _back_through_norm(op: Any, taken: Sequence[Array], given: Array, gradient: Array) -> Sequence[Array | None]:
    """Of batch norm with fixed statistics: data, gamma, beta, mean, variance."""
    x, gamma, _, _, variance = taken
    factor = gamma / np.sqrt(variance + float(op.get_attributes()["epsilon"]))
    return [gradient * factor.reshape([1, -1] + [1] * (x.ndim - 2))]


def _back_through_point(op: Any, taken: Sequence[Array], given: Array, gradient: Array) -> Sequence[Array | None]:
    """Of a 1x1 convolution of a single place, which is a matrix product."""
    x, weights = taken
    rows = gradient.reshape(len(x), -1)
    columns = weights.reshape(weights.shape[:2])
    return [(rows @ columns).reshape(x.shape), (rows.T @ x.reshape(len(x), -1)).reshape(weights.shape)]


def _equal_share(a: Array, b: Array, wins: NDArray[np.bool_]) -> Array:
    return np.asarray(wins + 0.5 * (a == b))


_SPLITS = frozenset({"Split", "VariadicSplit"})
_REDUCTIONS = frozenset({"ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"})
_SECOND_IS_FIXED = _REDUCTIONS | {"Power", "Transpose"}
_RULES: dict[str, Rule] = {
    "Abs": _of_one(lambda x, y: np.sign(x)),
    "Add": _of_two(lambda a, b: np.ones(()), lambda a, b: np.ones(())),
    "BatchNormInference": _back_through_norm,
    "Clamp": _back_through_clamp,
    "Concat": _back_through_concat,
    "Convert": _of_one(lambda x, y: np.ones(())),
    "Identity": _of_one(lambda x, y: np.ones(())),
    "Convolution": _back_through_point,
    "Divide": _of_two(lambda a, b: 1 / b, lambda a, b: -a / (b * b)),
    "Exp": _of_one(lambda x, y: y),
    "FakeQuantize": _back_through_steps,
    "Gelu": _back_through_gelu,
    "HSwish": _of_one(lambda x, y: np.where(x <= -3, 0, np.where(x >= 3, 1, (2 * x + 3) / 6))),
    "Maximum": _of_two(lambda a, b: _equal_share(a, b, a > b), lambda a, b: _equal_share(a, b, b > a)),
    "MatMul": _back_through_product,
    "Minimum": _of_two(lambda a, b: _equal_share(a, b, a < b), lambda a, b: _equal_share(a, b, b < a)),
    "Multiply": _of_two(lambda a, b: b, lambda a, b: a),
    "Negative": _of_one(lambda x, y: -np.ones(())),
    "Power": _of_two(_slope_of_power, lambda a, b: np.zeros(())),
    "ReduceL2": _back_through_mean,
    "ReduceMax": _back_through_mean,
    "ReduceMean": _back_through_mean,
    "ReduceMin": _back_through_mean,
    "ReduceSum": _back_through_mean,
    "Relu": _of_one(lambda x, y: np.where(x > 0, 1.0, 0.0)),
    "Reshape": _back_through_shape,
    "Sigmoid": _of_one(lambda x, y: y * (1 - y)),
    "Sign": _of_one(lambda x, y: np.zeros(())),
    "Softmax": _back_through_softmax,
    "Sqrt": _of_one(_slope_of_root),
    "SquaredDifference": _of_two(lambda a, b: 2 * (a - b), lambda a, b: 2 * (b - a)),
    "Squeeze": _back_through_shape,
    "Subtract": _of_two(lambda a, b: np.ones(()), lambda a, b: -np.ones(())),
    "Swish": _back_through_swish,
    "Tanh": _of_one(lambda x, y: 1 - y * y),
    "Transpose": _back_through_transpose,
    "Unsqueeze": _back_through_shape,
}
