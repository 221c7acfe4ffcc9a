"""Single operations of an OpenVINO network: operands, constants, output shapes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Element types of constants that can be weights, by OpenVINO's names; indices and shapes are i64 or i32.
_WEIGHT_TYPES = frozenset({"f64", "f32", "f16", "bf16", "i8", "u8", "i4", "u4"})


@dataclass(frozen=True)
class Constant:
    """A constant as stored in the file, before conversion.

    Attributes:
        name: Unique in the network.
        shape: Empty for a scalar.
        kind: OpenVINO's name of the element type, such as `f32` or `i8`.
        node: OpenVINO's node.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    node: Any

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    def values(self) -> NDArray[np.float64]:
        """Return its elements."""
        return np.asarray(self.node.data, dtype=np.float64)


def sources(node: Any) -> list[Any]:
    """Return the input nodes of a node, in order."""
    return [port.get_source_output().get_node() for port in node.inputs()]


def count_users(node: Any) -> int:
    """Count the nodes that use the output of a node, apart from its shape."""
    targets = [target.get_node() for port in node.outputs() for target in port.get_target_inputs()]
    return len({target.get_name() for target in targets if target.get_type_name() != "ShapeOf"})


def weights_of(node: Any) -> Constant | None:
    """Find the weights behind a constant operand.

    int8 weights are a product of integers and scales, of which the integers count. A bias may be reshaped, and the new
    shape is a constant too. So the weights are the largest constant of a suitable type.
    """
    found = [constant for constant in _constants(node) if constant.kind in _WEIGHT_TYPES]
    return max(found, key=lambda constant: constant.size, default=None)


def _constants(node: Any) -> Iterator[Constant]:
    waiting, seen = [node], set()
    while waiting:
        now = waiting.pop()
        kind = now.get_type_name()
        if kind == "Constant":
            shape = tuple(int(side) for side in now.get_output_shape(0))
            yield Constant(now.get_name(), shape, now.get_output_element_type(0).to_string(), now)
        elif kind != "ShapeOf" and now.get_name() not in seen:
            seen.add(now.get_name())
            waiting += sources(now)


def shape_of(node: Any) -> tuple[int, ...]:
    """Return the output shape of a node, batch first; -1 for a dynamic dimension, empty if the rank is dynamic."""
    shape = node.output(0).partial_shape
    if shape.rank.is_dynamic:
        return ()
    return tuple(int(side.get_length()) if side.is_static else -1 for side in shape)


def integers(node: Any) -> list[int]:
    """Return the elements of a constant of integers; empty if the node is not a constant."""
    return [int(value) for value in np.ravel(node.data)] if node.get_type_name() == "Constant" else []


def attribute(node: Any, name: str) -> tuple[int, ...]:
    """Return an attribute that is a list of sizes; empty if there is none."""
    value = node.get_attributes().get(name, ())
    return tuple(int(part) for part in value) if isinstance(value, list | tuple | np.ndarray) else ()
