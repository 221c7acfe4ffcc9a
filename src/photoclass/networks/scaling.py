"""How bytes become the input of a network: value = (byte - zero) * scale, for pixels and quantised feature maps."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scaling:
    """A linear map from uint8 to floats.

    Attributes:
        zero: The byte that means 0.
        scale: The difference between two neighbouring bytes.
    """

    zero: int
    scale: float

    def values(self, steps: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the values of these bytes, as ONNX's DequantizeLinear computes them."""
        return (steps.astype(np.float32) - np.float32(self.zero)) * np.float32(self.scale)


UNIT_PIXELS = Scaling(0, 1 / 255)  # 0 to 1
CENTRED_PIXELS = Scaling(127, 1 / 128)  # about -1 to 1, as TensorFlow's EfficientNet-Lite expects
