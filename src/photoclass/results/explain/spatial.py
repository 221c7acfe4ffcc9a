"""Which tensors of a network are spatial: the axes of height and width, followed from the pixels op by op."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

# Each position of the output depends on the same position of the input (elementwise operations), or on its
# neighbourhood.
_UNARY = (
    "Abs Clamp Convert Elu Exp FakeQuantize Gelu HSigmoid HSwish HardSigmoid Identity Mish Negative Relu Sigmoid Sign "
    "SoftPlus Sqrt Swish Tanh"
)
_BINARY = "Add Divide Maximum Minimum Multiply PRelu Power Subtract"
_NORMS = "BatchNormInference LRN MVN NormalizeL2 SquaredDifference"
_SAME_POSITION = frozenset(f"{_UNARY} {_BINARY} {_NORMS}".split())
_NEIGHBOURHOOD = frozenset({"AvgPool", "Convolution", "GroupConvolution", "Interpolate", "MaxPool", "Pad"})
_REDUCTIONS = frozenset({"ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"})


@dataclass(frozen=True)
class SpatialAxes:
    """The axes of a tensor that correspond to the height and width of the photo.

    Attributes:
        rows: The axis from top to bottom.
        columns: The axis from left to right.
        mirrored: For each item of the batch, whether it is the mirror image of the photo.
    """

    rows: int
    columns: int
    mirrored: tuple[bool, ...] = (False,)


def find_spatial_axes(ops: Sequence[Any]) -> dict[tuple[str, int], SpatialAxes]:
    """Find the spatial outputs of a network's operations, and their axes.

    Args:
        ops: OpenVINO's, in order, with shapes fixed to one photo, which enters as (1, height, width, 3).

    Returns:
        Spatial axes by `key_of`, without outputs that have a single position or are no longer spatial.
    """
    found: dict[tuple[str, int], SpatialAxes] = {}
    for op in ops:
        if op.get_type_name() == "Parameter":
            found[key_of(op.output(0))] = SpatialAxes(1, 2)
            continue
        given = [found.get(key_of(entry.get_source_output())) for entry in op.inputs()]
        if not any(given):
            continue
        for number, spatial in enumerate(_outputs_of(op, given)):
            shape = shape_of(op.output(number))
            if spatial is not None and _is_possible(spatial, shape):
                found[key_of(op.output(number))] = spatial
    return found


def key_of(port: Any) -> tuple[str, int]:
    """Return a key that identifies an output of an operation."""
    return port.get_node().get_name(), port.get_index()


def shape_of(port: Any) -> tuple[int, ...]:
    """Return the shape of a port; empty if it is dynamic."""
    shape = port.get_partial_shape()
    return tuple(int(side) for side in shape.to_shape()) if shape.is_static else ()


def constant(op: Any, number: int) -> list[int]:
    """Return an input of an operation that is a constant list of integers; empty if it is not a constant."""
    node = op.input_value(number).get_node() if number < op.get_input_size() else None
    return [] if node is None or node.get_type_name() != "Constant" else [int(x) for x in np.ravel(node.data)]


def _is_possible(spatial: SpatialAxes, shape: tuple[int, ...]) -> bool:
    return (
        len(shape) > max(spatial.rows, spatial.columns)
        and min(spatial.rows, spatial.columns) > 0
        and shape[spatial.rows] * shape[spatial.columns] > 1
        and shape[0] == len(spatial.mirrored)
    )


def _outputs_of(op: Any, given: Sequence[SpatialAxes | None]) -> Sequence[SpatialAxes | None]:
    """Return the spatial axes of each output of an operation with at least one spatial input."""
    kind = op.get_type_name()
    if kind in _SAME_POSITION:
        return [_elementwise(op, given)]
    first = given[0]
    if kind == "Concat":
        return [_concatenated(op, given)]
    if first is None:
        return []
    if kind in _NEIGHBOURHOOD:
        fits = (first.rows, first.columns) == (2, 3) and len(shape_of(op.output(0))) == 4
        return [first] if fits else []
    rule = _RULES.get("Reduce" if kind in _REDUCTIONS else kind)
    return rule(op, first) if rule else []


def _elementwise(op: Any, given: Sequence[SpatialAxes | None]) -> SpatialAxes | None:
    """Return the spatial axes of an elementwise operation; axes are aligned from the last one, as in broadcasting."""
    rank = len(shape_of(op.output(0)))
    moved = {
        replace(spatial, rows=spatial.rows + shift, columns=spatial.columns + shift)
        for spatial, entry in zip(given, op.inputs(), strict=True)
        if spatial is not None
        for shift in [rank - len(shape_of(entry.get_source_output()))]
    }
    return moved.pop() if len(moved) == 1 else None


def _concatenated(op: Any, given: Sequence[SpatialAxes | None]) -> SpatialAxes | None:
    axis = _axis(int(op.get_attributes()["axis"]), op)
    parts = [spatial for spatial in given if spatial is not None]
    axes = {(spatial.rows, spatial.columns) for spatial in parts}
    if len(parts) < len(given) or len(axes) > 1 or axis in next(iter(axes)):
        return None
    if axis == 0:
        return replace(parts[0], mirrored=tuple(flag for spatial in parts for flag in spatial.mirrored))
    return parts[0] if len({spatial.mirrored for spatial in parts}) == 1 else None


def _transposed(op: Any, spatial: SpatialAxes) -> list[SpatialAxes | None]:
    order = constant(op, 1)
    if not order or order[0] != 0:
        return []
    return [replace(spatial, rows=order.index(spatial.rows), columns=order.index(spatial.columns))]


def _reshaped(op: Any, spatial: SpatialAxes) -> list[SpatialAxes | None]:
    """Find both axes in the new shape: of the same length, with as many elements before them."""
    before, after = shape_of(op.input_value(0)), shape_of(op.output(0))

    def find(axis: int) -> int:
        elements = int(np.prod(before[:axis]))
        matches = [i for i, n in enumerate(after) if n == before[axis] and int(np.prod(after[:i])) == elements]
        return matches[0] if matches else -1

    return [replace(spatial, rows=find(spatial.rows), columns=find(spatial.columns))]


def _multiplied(op: Any, spatial: SpatialAxes) -> list[SpatialAxes | None]:
    """A matrix product over the last axis keeps the other axes."""
    last = len(shape_of(op.input_value(0))) - 1
    keeps = last not in (spatial.rows, spatial.columns) and not op.get_attributes()["transpose_a"]
    weights = op.input_value(1).get_node().get_type_name() == "Constant"
    return [spatial] if keeps and weights else []


def _reduced(op: Any, spatial: SpatialAxes) -> list[SpatialAxes | None]:
    axes = {_axis(axis, op) for axis in constant(op, 1)}
    if not axes or axes & {0, spatial.rows, spatial.columns}:
        return []
    if op.get_attributes()["keep_dims"]:
        return [spatial]
    rows, columns = (axis - sum(gone < axis for gone in axes) for axis in (spatial.rows, spatial.columns))
    return [replace(spatial, rows=rows, columns=columns)]


def _split(op: Any, spatial: SpatialAxes) -> list[SpatialAxes | None]:
    axis = [_axis(axis, op) for axis in constant(op, 1)]
    kept = len(axis) == 1 and axis[0] not in (0, spatial.rows, spatial.columns)
    return [spatial] * op.get_output_size() if kept else []


def _sliced(op: Any, spatial: SpatialAxes) -> list[SpatialAxes | None]:
    """A step of -1 along all columns mirrors the photo; a slice of the channels keeps the spatial axes."""
    axes = [_axis(axis, op) for axis in constant(op, 4)]
    if axes == [spatial.columns] and constant(op, 3) == [-1] and shape_of(op.input_value(0)) == shape_of(op.output(0)):
        return [replace(spatial, mirrored=tuple(not flag for flag in spatial.mirrored))]
    return [spatial] if axes and not set(axes) & {0, spatial.rows, spatial.columns} else []


def _axis(axis: int, op: Any) -> int:
    return axis % len(shape_of(op.input_value(0)))


_RULES: dict[str, Callable[[Any, SpatialAxes], list[SpatialAxes | None]]] = {
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
