"""Which tensors of a network still lie over the photo, place by place: followed from its pixels on, op by op."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

# Each place of what these give depends on the same place of what they take, or on its surroundings.
_OF_ONE = (
    "Abs Clamp Convert Elu Exp FakeQuantize Gelu HSigmoid HSwish HardSigmoid Identity Mish Negative Relu Sigmoid Sign "
    "SoftPlus Sqrt Swish Tanh"
)
_OF_TWO = "Add Divide Maximum Minimum Multiply PRelu Power Subtract"
_NORMS = "BatchNormInference LRN MVN NormalizeL2 SquaredDifference"
_SAME_PLACE = frozenset(f"{_OF_ONE} {_OF_TWO} {_NORMS}".split())
_SURROUNDINGS = frozenset({"AvgPool", "Convolution", "GroupConvolution", "Interpolate", "MaxPool", "Pad"})
_REDUCTIONS = frozenset({"ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"})


@dataclass(frozen=True)
class SpatialMaps:
    """How a tensor lies over a photo.

    Attributes:
        rows: Its axis from top to bottom.
        columns: Its axis from left to right.
        mirrored: For each of its batch: whether it shows the photo's mirror image instead of the photo.
    """

    rows: int
    columns: int
    mirrored: tuple[bool, ...] = (False,)


def follow_spatial(ops: Sequence[Any]) -> dict[tuple[str, int], SpatialMaps]:
    """Tell of each output of a network's ops whether, and how, it lies over the photo.

    Args:
        ops: OpenVINO's, in order, shapes fixed to one photo, which enters as (1, height, width, 3).

    Returns:
        By `key_of`; what has a single place, or has lost them, is not there.
    """
    found: dict[tuple[str, int], SpatialMaps] = {}
    for op in ops:
        if op.get_type_name() == "Parameter":
            found[key_of(op.output(0))] = SpatialMaps(1, 2)
            continue
        given = [found.get(key_of(entry.get_source_output())) for entry in op.inputs()]
        if not any(given):
            continue
        for number, spatial in enumerate(_passed_on(op, given)):
            shape = shape_of(op.output(number))
            if spatial is not None and _is_possible(spatial, shape):
                found[key_of(op.output(number))] = spatial
    return found


def key_of(port: Any) -> tuple[str, int]:
    """Return what tells an op's output from all others."""
    return port.get_node().get_name(), port.get_index()


def shape_of(port: Any) -> tuple[int, ...]:
    """Return the fixed shape of a port; empty where it is open."""
    shape = port.get_partial_shape()
    return tuple(int(side) for side in shape.to_shape()) if shape.is_static else ()


def constant(op: Any, number: int) -> list[int]:
    """Return an input of an op that is a constant list of integers; empty where it is none."""
    node = op.input_value(number).get_node() if number < op.get_input_size() else None
    return [] if node is None or node.get_type_name() != "Constant" else [int(x) for x in np.ravel(node.data)]


def _is_possible(spatial: SpatialMaps, shape: tuple[int, ...]) -> bool:
    return (
        len(shape) > max(spatial.rows, spatial.columns)
        and min(spatial.rows, spatial.columns) > 0
        and shape[spatial.rows] * shape[spatial.columns] > 1
        and shape[0] == len(spatial.mirrored)
    )


def _passed_on(op: Any, given: Sequence[SpatialMaps | None]) -> Sequence[SpatialMaps | None]:
    """Return the places of each output of an op, of which one input at least has some."""
    kind = op.get_type_name()
    if kind in _SAME_PLACE:
        return [_of_whichever(op, given)]
    first = given[0]
    if kind == "Concat":
        return [_joined(op, given)]
    if first is None:
        return []
    if kind in _SURROUNDINGS:
        fits = (first.rows, first.columns) == (2, 3) and len(shape_of(op.output(0))) == 4
        return [first] if fits else []
    rule = _RULES.get("Reduce" if kind in _REDUCTIONS else kind)
    return rule(op, first) if rule else []


def _of_whichever(op: Any, given: Sequence[SpatialMaps | None]) -> SpatialMaps | None:
    """Return the places of an op that works on each element; axes are counted from the last, as broadcasting does."""
    rank = len(shape_of(op.output(0)))
    moved = {
        replace(spatial, rows=spatial.rows + shift, columns=spatial.columns + shift)
        for spatial, entry in zip(given, op.inputs(), strict=True)
        if spatial is not None
        for shift in [rank - len(shape_of(entry.get_source_output()))]
    }
    return moved.pop() if len(moved) == 1 else None


def _joined(op: Any, given: Sequence[SpatialMaps | None]) -> SpatialMaps | None:
    axis = _axis(int(op.get_attributes()["axis"]), op)
    parts = [spatial for spatial in given if spatial is not None]
    axes = {(spatial.rows, spatial.columns) for spatial in parts}
    if len(parts) < len(given) or len(axes) > 1 or axis in next(iter(axes)):
        return None
    if axis == 0:
        return replace(parts[0], mirrored=tuple(flag for spatial in parts for flag in spatial.mirrored))
    return parts[0] if len({spatial.mirrored for spatial in parts}) == 1 else None


def _transposed(op: Any, spatial: SpatialMaps) -> list[SpatialMaps | None]:
    order = constant(op, 1)
    if not order or order[0] != 0:
        return []
    return [replace(spatial, rows=order.index(spatial.rows), columns=order.index(spatial.columns))]


def _reshaped(op: Any, spatial: SpatialMaps) -> list[SpatialMaps | None]:
    """Find both axes again in another shape: as long as before, with as many elements before them."""
    before, after = shape_of(op.input_value(0)), shape_of(op.output(0))

    def again(axis: int) -> int:
        ahead = int(np.prod(before[:axis]))
        matches = [i for i, n in enumerate(after) if n == before[axis] and int(np.prod(after[:i])) == ahead]
        return matches[0] if matches else -1

    return [replace(spatial, rows=again(spatial.rows), columns=again(spatial.columns))]


def _multiplied(op: Any, spatial: SpatialMaps) -> list[SpatialMaps | None]:
    """A matrix product over the last axis leaves the others as they are."""
    last = len(shape_of(op.input_value(0))) - 1
    keeps = last not in (spatial.rows, spatial.columns) and not op.get_attributes()["transpose_a"]
    weights = op.input_value(1).get_node().get_type_name() == "Constant"
    return [spatial] if keeps and weights else []


def _reduced(op: Any, spatial: SpatialMaps) -> list[SpatialMaps | None]:
    axes = {_axis(axis, op) for axis in constant(op, 1)}
    if not axes or axes & {0, spatial.rows, spatial.columns}:
        return []
    if op.get_attributes()["keep_dims"]:
        return [spatial]
    rows, columns = (axis - sum(gone < axis for gone in axes) for axis in (spatial.rows, spatial.columns))
    return [replace(spatial, rows=rows, columns=columns)]


def _split(op: Any, spatial: SpatialMaps) -> list[SpatialMaps | None]:
    axis = [_axis(axis, op) for axis in constant(op, 1)]
    kept = len(axis) == 1 and axis[0] not in (0, spatial.rows, spatial.columns)
    return [spatial] * op.get_output_size() if kept else []


def _sliced(op: Any, spatial: SpatialMaps) -> list[SpatialMaps | None]:
    """Backwards along all columns is the mirror image; a part of the channels keeps its places."""
    axes = [_axis(axis, op) for axis in constant(op, 4)]
    if axes == [spatial.columns] and constant(op, 3) == [-1] and shape_of(op.input_value(0)) == shape_of(op.output(0)):
        return [replace(spatial, mirrored=tuple(not flag for flag in spatial.mirrored))]
    return [spatial] if axes and not set(axes) & {0, spatial.rows, spatial.columns} else []


def _axis(axis: int, op: Any) -> int:
    return axis % len(shape_of(op.input_value(0)))


_RULES: dict[str, Callable[[Any, SpatialMaps], list[SpatialMaps | None]]] = {
    "Transpose": _transposed,
    "Reshape": _reshaped,
    "Squeeze": _reshaped,
    "Unsqueeze": _reshaped,
    "MatMul": _multiplied,
    "Reduce": _reduced,
    "Split": _split,
    "VariadicSplit": _split,
    "Slice": _sliced,
}
