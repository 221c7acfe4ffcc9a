"""Backbones: pretrained networks that turn a photo into features, ready to run on this processor."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from photoclass.errors import SettingsError
from photoclass.model.engine import Engine, cpu_gains_from
from photoclass.networks.backbone_onnx import write_backbone, write_trunk
from photoclass.networks.efficientnet_lite import EFFICIENTNET_LITE, FoldedNetwork, fold
from photoclass.networks.scaling import Scaling

PRECISIONS = ("int8", "bf16", "fp32")


@dataclass(frozen=True)
class Backbone:
    """A network that sees.

    Attributes:
        name: As in `EFFICIENTNET_LITE`.
        image_size: Side of the square that it takes, in pixels.
        onnx: uint8 pixels (N, image_size, image_size, 3) in, features (N, width) out.
        precision: `int8`, `bf16` or `fp32`: what it computes in.
        reason: Why this precision, for the output.
        gives_maps: Whether it stops before its end and gives uint8 maps (N, side, side, channels) instead. Of maps,
            those of the mirror image are wanted too.
    """

    name: str
    image_size: int
    onnx: bytes
    precision: str
    reason: str
    gives_maps: bool = False

    @cached_property
    def engine(self) -> Engine:
        """Compile it for this processor."""
        return Engine(self.onnx, f"backbone {self.name}", self.image_size)

    @property
    def digest(self) -> str:
        """SHA-256 of the network."""
        return hashlib.sha256(self.onnx).hexdigest()


def open_backbone(name: str, precision: str = "auto") -> Backbone:
    """Make a backbone from its pretrained weights, in the precision that serves best here or the one asked for.

    Raises:
        SettingsError: There is no such backbone or precision, or this processor does not compute in it.
        ModelError: The weights are missing or are not those that are known.
    """
    if name not in EFFICIENTNET_LITE:
        raise SettingsError(f"there is no backbone {name!r}; there is: {', '.join(EFFICIENTNET_LITE)}")
    chosen, reason = choose_precision(precision)
    network = fold(name)
    onnx = write_backbone(network, "int8" if chosen == "int8" else "fp32")
    return Backbone(name, network.image_size, onnx, chosen, reason)


def open_trunk(name: str, network: FoldedNetwork, upto: int) -> tuple[Backbone, Scaling]:
    """Make the beginning of a pretrained network, for training what comes after it; always in int8.

    Args:
        name: Of the network.
        network: All of it.
        upto: How many blocks the beginning has.

    Returns:
        What gives the maps, and what their bytes mean.
    """
    onnx, scaling = write_trunk(network, upto)
    reason = "half the size and twice the speed"
    return Backbone(f"{name}-blocks{upto}", network.image_size, onnx, "int8", reason, gives_maps=True), scaling


def choose_precision(precision: str, gains_from: frozenset[str] | None = None) -> tuple[str, str]:
    """Choose what a backbone computes in, with the reason in words.

    Measured on processors with AVX2 alone and with AVX-512, int8 is 1.3 to 1.5 times as fast as the next best.

    Raises:
        SettingsError: There is no such precision, or this processor does not compute in it.
    """
    gains = cpu_gains_from() if gains_from is None else gains_from
    there = {"int8": "INT8" in gains, "bf16": "BF16" in gains, "fp32": "BF16" not in gains}
    if precision == "auto":
        chosen = next(name for name in PRECISIONS if there[name])
        return chosen, "what this processor computes fastest"
    if precision not in PRECISIONS:
        raise SettingsError(f"precision {precision!r} is none of auto, {', '.join(PRECISIONS)}")
    if not there[precision]:
        # A saved model runs in what the processor gains from, and has to say what its training said.
        words = ", ".join(name for name in PRECISIONS if there[name])
        raise SettingsError(f"precision {precision!r} is not what this processor runs models in; there is: {words}")
    return precision, "as asked for"
