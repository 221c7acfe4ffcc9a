"""Trying a network out before it is trusted: what it makes of one photo, and whether a second one changes that."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError
from photoclass.model.engine import import_openvino

# Of the largest feature: what the order of sums may change in single precision.
_TOLERANCE = 1e-3


def output_shape(onnx: bytes, image_size: int, path: Path) -> tuple[int, ...]:
    """Find the shape of what a network makes of one photo; empty where that is not fixed.

    Args:
        onnx: Takes uint8 pixels of shape (N, image_size, image_size, 3), has one output.
        image_size: In pixels.
        path: Where it comes from, for messages.

    Raises:
        ModelError: It cannot take one photo.
    """
    try:
        model = import_openvino().Core().read_model(model=onnx, weights=b"")
        model.reshape({0: [1, image_size, image_size, 3]})
        shape = model.outputs[0].partial_shape
    except RuntimeError as error:
        raise ModelError(
            f"{path}: does not work on single photos of {image_size} px ({_last_line(error)}); export it for that size "
            "and with a dynamic batch"
        ) from error
    return tuple(int(part.get_length()) for part in shape) if shape.is_static else ()


def check_batch(onnx: bytes, image_size: int, path: Path) -> None:
    """See that two photos at once give the rows that each gives alone.

    Args:
        onnx: As in `output_shape`.
        image_size: In pixels.
        path: Where it comes from, for messages.

    Raises:
        ModelError: They do not, or cannot be run so.
    """
    pixels = np.random.default_rng(0).integers(0, 256, (2, image_size, image_size, 3), dtype=np.uint8)
    try:
        core = import_openvino().Core()
        compiled = core.compile_model(
            core.read_model(model=onnx, weights=b""), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
        )
        alone = np.concatenate([_run(compiled, pixels[:1]), _run(compiled, pixels[1:])])
        together = _run(compiled, pixels)
    except RuntimeError as error:
        raise ModelError(
            f"{path}: cannot take two photos at once ({_last_line(error)}); export it with a dynamic batch"
        ) from error
    if not np.isfinite(alone).all():
        raise ModelError(f"{path}: gives features that are not numbers; export it again")
    if alone.shape != together.shape or np.abs(alone - together).max() > _TOLERANCE * np.abs(alone).max():
        raise ModelError(
            f"{path}: gives other features for two photos at once than for each alone; export it for inference and "
            "with a dynamic batch"
        )


def _run(compiled: Any, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    features: NDArray[np.float32] = compiled([pixels])[0].copy()
    return features


def _last_line(error: Exception) -> str:
    return str(error).strip().rpartition("\n")[2]
