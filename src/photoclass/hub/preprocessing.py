"""`preprocessor_config.json`: the size and scaling that a network on the hub expects of its photos.

Its keys are those of the image processors of the library transformers, see
https://huggingface.co/docs/transformers/main_classes/image_processor, and of timm's `pretrained_cfg`.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from photoclass.errors import ModelError

PREPROCESSOR_FILE = "preprocessor_config.json"
_BYTE = 1 / 255
_COLOURS = 3


@dataclass(frozen=True)
class Preprocessing:
    """What a network expects of its photos.

    Attributes:
        size: Side of its square input, in pixels; 0 where the file does not say.
        mean: Mean subtracted from pixels in [0, 1], per colour channel; empty where the file does not say.
        std: Standard deviation that they are then divided by.
    """

    size: int = 0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


def read_preprocessing(path: Path, where: str) -> Preprocessing:
    """Read a `preprocessor_config.json`.

    Args:
        path: The file.
        where: What messages call it.

    Raises:
        ModelError: It cannot be read, or asks for what cannot be done: a BGR network would get RGB photos.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{where}: cannot be read ({error}); {_BY_HAND}") from error
    if not isinstance(values, dict):
        raise ModelError(f"{where}: is not a JSON object; {_BY_HAND}")
    if values.get("do_flip_channel_order"):
        raise ModelError(
            f"{where}: the network takes BGR photos (do_flip_channel_order), and photos here are RGB; choose "
            "another one"
        )
    try:
        values = _of_timm(values)
        mean, std = _scaling(values)
        return Preprocessing(_side(values), mean, std)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ModelError(f"{where}: its size, mean or std cannot be right; {_BY_HAND}") from error


_BY_HAND = "give --backbone-size, --backbone-mean and --backbone-std, and it is not read"


def _of_timm(values: dict[str, Any]) -> dict[str, Any]:
    """Return timm's `pretrained_cfg`, where there is one, under the names of transformers."""
    timm = values.get("pretrained_cfg")
    if not isinstance(timm, dict):
        return values
    size = timm.get("input_size") or (_COLOURS, 0, 0)
    return {
        "size": {"height": size[1], "width": size[2]},
        "image_mean": timm.get("mean"),
        "image_std": timm.get("std"),
    }


def _side(values: dict[str, Any]) -> int:
    """Return the side of the square that the network sees: of the crop, where one is cut out."""
    crops = values.get("do_center_crop", "crop_size" in values)
    for entry in (values.get("crop_size") if crops else None, values.get("size")):
        sides = entry if isinstance(entry, dict) else {"shortest_edge": entry}
        found = {sides[name] for name in ("height", "width", "shortest_edge") if sides.get(name)}
        if found:
            (side,) = found  # more than one: not square
            if type(side) is not int or side < 0:
                raise ValueError("not a number of pixels")
            return side
    return 0


def _scaling(values: dict[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation for pixels in [0, 1].

    Processors compute (pixel * factor - offset - mean) / std of pixels from 0 to 255, with steps that may be off.
    """
    mean, std = values.get("image_mean"), values.get("image_std")
    normalises = values.get("do_normalize", mean is not None)
    if normalises and (mean is None or std is None):
        return (), ()
    if not normalises and "do_rescale" not in values and "rescale_factor" not in values:
        return (), ()  # nothing is said
    factor = float(values.get("rescale_factor", _BYTE)) if values.get("do_rescale", True) else 1.0
    offset = 1.0 if values.get("rescale_offset") else 0.0
    means, deviations = (_channels(mean), _channels(std)) if normalises else ((0.0,), (1.0,))
    scale = factor / _BYTE
    results = (
        tuple(_rounded((value + offset) / scale) for value in means),
        tuple(_rounded(value / scale) for value in deviations),
    )
    if not all(0 <= value <= 1 for value in results[0]) or not all(0 < value <= 1 for value in results[1]):
        raise ValueError("outside [0, 1]")
    return results


def _channels(values: Any) -> tuple[float, ...]:
    """Return a number for all channels or one for each."""
    numbers = tuple(float(value) for value in values) if isinstance(values, list | tuple) else (float(values),)
    if len(numbers) not in (1, _COLOURS) or not all(map(math.isfinite, numbers)):
        raise ValueError("neither one number nor three")
    return numbers


def _rounded(value: float) -> float:
    """Return 0.485 for 0.48499999999999993, which dividing by a rounded 1/255 leaves."""
    return float(f"{value:.9g}")
