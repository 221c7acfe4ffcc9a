"""Trial runs of a user's network: the shape of its output, and whether batches give the same as single photos."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from photoclass.errors import ModelError
from photoclass.model.engine import import_openvino

# Relative to the largest feature: how far a different order of summation may change results in fp32.
_TOLERANCE = 1e-3


def output_shape(onnx: bytes, image_size: int, where: str) -> tuple[int, ...]:
    """Return the shape of a network's output for one photo; empty if it is not fixed.

    Args:
        onnx: The network; takes uint8 pixels of shape (N, image_size, image_size, 3), and has one output.
        image_size: In pixels.
        where: Its file, for messages.

    Raises:
        ModelError: It cannot take one photo.
    """
    try:
        model = import_openvino().Core().read_model(model=onnx, weights=b"")
        model.reshape({0: [1, image_size, image_size, 3]})
        shape = model.outputs[0].partial_shape
    except RuntimeError as error:
        raise ModelError(
            f"{where}: does not work on single photos of {image_size} px ({_last_line(error)}); export it for that "
            "size and with a dynamic batch"
        ) from error
    return tuple(int(part.get_length()) for part in shape) if shape.is_static else ()


def check_batch(onnx: bytes, image_size: int, where: str) -> None:
    """Check that a batch of two photos gives the same rows as each photo alone.

    Args:
        onnx: As in `output_shape`.
        image_size: In pixels.
        where: Its file, for messages.

    Raises:
        ModelError: The rows differ, or the network cannot run a batch of two.
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
            f"{where}: cannot take two photos at once ({_last_line(error)}); export it with a dynamic batch"
        ) from error
    if not np.isfinite(alone).all():
        raise ModelError(f"{where}: returns NaN or infinity as features; export it again")
    if alone.shape != together.shape or np.abs(alone - together).max() > _TOLERANCE * np.abs(alone).max():
        raise ModelError(
            f"{where}: returns other features for a batch of two photos than for each alone; export it for inference "
            "and with a dynamic batch"
        )


def _run(compiled: Any, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    features: NDArray[np.float32] = compiled([pixels])[0].copy()
    return features


def _last_line(error: Exception) -> str:
    return str(error).strip().rpartition("\n")[2]
