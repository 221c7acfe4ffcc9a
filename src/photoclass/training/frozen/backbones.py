"""Backbones: pretrained networks that turn a photo into features, ready to run on this processor."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from onnx import load_model_from_string

from photoclass.atomic import write_bytes
from photoclass.errors import SettingsError
from photoclass.model.engine import Engine, cpu_gains_from
from photoclass.networks.pretrained.backbone_onnx import BACKBONE_VERSION, write_backbones, write_trunk
from photoclass.networks.pretrained.efficientnet_lite import EFFICIENTNET_LITE, FoldedNetwork, fold, read_weights
from photoclass.networks.pretrained.onnx_file import read_network
from photoclass.networks.scaling import Scaling
from photoclass.photos.cache.names import network_folder

PRECISIONS = ("int8", "bf16", "fp32")
PRETRAINED_CREDIT = "Its pretrained weights are EfficientNet-Lite's, trained on ImageNet, under Apache-2.0."
# The networks that each name stands for; several look at the same square, whose side is the largest of theirs.
BACKBONES = {name: (name,) for name in EFFICIENTNET_LITE} | {"lite0+lite2": ("lite0", "lite2")}


@dataclass(frozen=True)
class Backbone:
    """A network that sees.

    Attributes:
        name: As in `BACKBONES`, or that of its file.
        image_size: Side of the square that it takes, in pixels.
        onnx: uint8 pixels (N, image_size, image_size, 3) in, features (N, width) out.
        precision: `int8`, `bf16` or `fp32`: what it computes in.
        reason: Why this precision, for the output.
        file_sha256: Of its file, where it came from one.
        gives_maps: Whether it stops before its end and gives uint8 maps (N, side, side, channels) instead.
    """

    name: str
    image_size: int
    onnx: bytes
    precision: str
    reason: str
    file_sha256: str = ""
    gives_maps: bool = False

    @cached_property
    def engine(self) -> Engine:
        """Compile it for this processor."""
        return Engine(self.onnx, f"backbone {self.name}", self.image_size)

    @cached_property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of what it gives for a photo; known without compiling it, which takes a second."""
        dimensions = load_model_from_string(self.onnx).graph.output[0].type.tensor_type.shape.dim
        return tuple(dimension.dim_value for dimension in dimensions[1:])

    @property
    def digest(self) -> str:
        """SHA-256 of the network."""
        return hashlib.sha256(self.onnx).hexdigest()


def image_size_of(name: str) -> int:
    """Return the side of the square that a backbone takes, in pixels."""
    return max(EFFICIENTNET_LITE[part].image_size for part in BACKBONES[name])


def open_backbone(name: str, precision: str = "auto", cache: Path | None = None) -> Backbone:
    """Make a backbone from its pretrained weights, in the precision that serves best here or the one asked for.

    Args:
        name: Of `BACKBONES`.
        precision: `auto`, or one of `PRECISIONS`.
        cache: The cache folder, where the network is kept once it is made: reading the weights takes torch, which
            takes two seconds to load. Not kept when None.

    Raises:
        SettingsError: There is no such backbone or precision, or this processor does not compute in it.
        ModelError: The weights are missing or are not those that are known.
    """
    if name not in BACKBONES:
        raise SettingsError(f"unknown backbone {name!r}; choose from {', '.join(BACKBONES)}")
    chosen, reason = choose_precision(precision)
    image_size = image_size_of(name)

    def make() -> bytes:
        networks = [fold(part) for part in BACKBONES[name]]
        return write_backbones(networks, image_size, "int8" if chosen == "int8" else "fp32")

    onnx = make() if cache is None else _kept(cache, name, chosen, make)
    return Backbone(name, image_size, onnx, chosen, reason)


def _kept(cache: Path, name: str, precision: str, make: Callable[[], bytes]) -> bytes:
    """Return a network from the cache, or make it and keep it there.

    The folder's name holds what it is made from: the weights, and the version of the code that writes it. The file's
    name is its own SHA-256, so a damaged file is made again.

    Raises:
        ModelError: The weights are missing or are not those that are known.
        OutputError: The cache cannot be written.
    """
    weights = hashlib.sha256(b"".join(read_weights(part) for part in BACKBONES[name])).hexdigest()
    folder = network_folder(cache, name, precision, BACKBONE_VERSION, weights)
    for path in folder.glob("*.onnx"):
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == path.stem:
            return content
    content = make()
    write_bytes(folder / f"{hashlib.sha256(content).hexdigest()}.onnx", content)
    return content


def open_backbone_file(
    path: Path, size: int, mean: tuple[float, ...], std: tuple[float, ...], precision: str = "auto"
) -> Backbone:
    """Make a backbone from an ONNX file; it runs in what the file is in, or in bf16 where that is faster.

    Args:
        path: The file.
        size: As in `read_network`, like `mean` and `std`.
        mean: See there.
        std: See there.
        precision: `auto`, `bf16` or `fp32`.

    Raises:
        ModelError: The file is none, or no network that can be a backbone.
        SettingsError: Size or scaling do not go with it, or this processor does not compute in the precision.
    """
    if precision == "int8":
        raise SettingsError(f"{path}: a backbone from a file is not made int8; leave out --precision")
    chosen, reason = choose_precision(precision, cpu_gains_from() - {"INT8"})
    network = read_network(path, size, mean, std)
    return Backbone(path.name, network.image_size, network.onnx, chosen, reason, network.sha256)


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
