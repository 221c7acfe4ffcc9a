"""What bytes mean to a network: pixels and quantised maps alike are (byte - zero) * scale."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scaling:
    """How uint8 inputs become numbers.

    Attributes:
        zero: The byte that stands for 0.
        scale: The value of one step.
    """

    zero: int
    scale: float

    def values(self, steps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the numbers that the bytes stand for, as ONNX's DequantizeLinear gives them."""
        return (steps.astype(np.float32) - np.float32(self.zero)) * np.float32(self.scale)


UNIT_PIXELS = Scaling(0, 1 / 255)  # 0 to 1
CENTRED_PIXELS = Scaling(127, 1 / 128)  # about -1 to 1, as TensorFlow's EfficientNet-Lite takes them
