"""What single operations of a network are: their operands, their constants, the shapes that they give."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Of constants that can be weights, as OpenVINO names types; indices and shapes are i64 or i32.
_WEIGHT_TYPES = frozenset({"f64", "f32", "f16", "bf16", "i8", "u8", "i4", "u4"})


@dataclass(frozen=True)
class Constant:
    """A constant as the file holds it, before it is turned into what is computed with.

    Attributes:
        name: Unique in the network.
        shape: Empty for a single number.
        kind: OpenVINO's name of its type, as `f32` or `i8`.
        node: OpenVINO's own.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    node: Any

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return int(np.prod(self.shape, dtype=np.int64))

    def values(self) -> NDArray[np.float64]:
        """Return its numbers."""
        return np.asarray(self.node.data, dtype=np.float64)


def sources(node: Any) -> list[Any]:
    """Return the nodes whose outputs a node takes, in order."""
    return [port.get_source_output().get_node() for port in node.inputs()]


def readers(node: Any) -> int:
    """Count the nodes that compute with what a node gives; asking for its shape is no computing."""
    targets = [target.get_node() for port in node.outputs() for target in port.get_target_inputs()]
    return len({target.get_name() for target in targets if target.get_type_name() != "ShapeOf"})


def weights_of(node: Any) -> Constant | None:
    """Find the numbers that a constant operand is made of.

    int8 weights are a product of steps and scales: the steps are the weights. A bias may have been given dimensions,
    whose sizes are constants too. So it is the largest constant that can be weights.
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
    """Return the shape that a node gives, photos first; -1 for what is not fixed, empty if all is open."""
    shape = node.output(0).partial_shape
    if shape.rank.is_dynamic:
        return ()
    return tuple(int(side.get_length()) if side.is_static else -1 for side in shape)


def integers(node: Any) -> list[int]:
    """Return the numbers of a constant of indices, or none if it is no constant."""
    return [int(value) for value in np.ravel(node.data)] if node.get_type_name() == "Constant" else []


def attribute(node: Any, name: str) -> tuple[int, ...]:
    """Return an attribute that is a list of sizes, or none."""
    value = node.get_attributes().get(name, ())
    return tuple(int(part) for part in value) if isinstance(value, list | tuple | np.ndarray) else ()
