"""Backbones: pretrained networks that compute features of a photo, ready to run on this processor."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from onnx import load_model_from_string

from photoclass.atomic import write_bytes
from photoclass.errors import OutputError, SettingsError
from photoclass.model.engine import Engine, cpu_gains_from
from photoclass.networks.pretrained.backbone_onnx import BACKBONE_VERSION, write_backbones, write_trunk
from photoclass.networks.pretrained.catalog import BACKBONES, PRETRAINED_CREDIT, image_size_of
from photoclass.networks.pretrained.efficientnet_lite import FoldedNetwork, fold, read_weights
from photoclass.networks.pretrained.onnx_file.read import UNSAID, FileNetwork, FileOptions, read_network
from photoclass.networks.scaling import Scaling
from photoclass.photos.cache.names import network_folder
from photoclass.photos.cache.store import cache_error

PRECISIONS = ("int8", "fp32")


@dataclass(frozen=True)
class Backbone:
    """A pretrained backbone.

    Attributes:
        name: A name in `BACKBONES`, or that of its file.
        image_size: Side of its square input, in pixels.
        onnx: The network: uint8 pixels (N, image_size, image_size, 3) in, features (N, width) out.
        precision: The precision that it computes in: `int8` or `fp32`.
        reason: Why this precision, for the output.
        gives_maps: Whether it consists of the first blocks only, and returns uint8 feature maps (N, side, side,
            channels).
        credit: Whose weights these are and under which licence, in a sentence; empty where unknown.
    """

    name: str
    image_size: int
    onnx: bytes
    precision: str
    reason: str
    gives_maps: bool = False
    credit: str = ""

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs, which compiles the network itself."""
        return {name: value for name, value in self.__dict__.items() if name != "engine"}

    @cached_property
    def engine(self) -> Engine:
        """The network, compiled for this processor."""
        return Engine(self.onnx, f"backbone {self.name}", self.image_size)

    @cached_property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of its output for one photo, read from the file: compiling would take a second."""
        dimensions = load_model_from_string(self.onnx).graph.output[0].type.tensor_type.shape.dim
        return tuple(dimension.dim_value for dimension in dimensions[1:])

    @property
    def digest(self) -> str:
        """SHA-256 of the network."""
        return hashlib.sha256(self.onnx).hexdigest()


def open_backbone(name: str, precision: str = "auto", cache: Path | None = None) -> Backbone:
    """Open a built-in backbone, in the fastest precision on this processor or the requested one.

    Args:
        name: A name in `BACKBONES`.
        precision: `auto`, or one of `PRECISIONS`.
        cache: The cache folder, where the ONNX network is kept, since folding and writing it takes time. None to keep
            nothing.

    Raises:
        SettingsError: The backbone or precision is unknown, or this processor does not support the precision.
        ModelError: The weights are missing, or their checksum differs.
    """
    if name not in BACKBONES:
        raise SettingsError(f"unknown backbone {name!r}; choose from {', '.join(BACKBONES)}")
    chosen, reason = choose_precision(precision)
    image_size = image_size_of(name)

    def make() -> bytes:
        networks = [fold(part) for part in BACKBONES[name]]
        return write_backbones(networks, image_size, "int8" if chosen == "int8" else "fp32")

    onnx = make() if cache is None else _cached(cache, name, chosen, make)
    return Backbone(name, image_size, onnx, chosen, reason, credit=PRETRAINED_CREDIT)


def _cached(cache: Path, name: str, precision: str, make: Callable[[], bytes]) -> bytes:
    """Return a network from the cache, or make it and store it there.

    The name of the folder has a digest of the weights and the version of the code that writes the network. The file
    name is the SHA-256 of the file, so that a damaged file is made again.

    Raises:
        ModelError: The weights are missing, or their checksum differs.
        OutputError: The cache cannot be written.
    """
    weights = hashlib.sha256(b"".join(read_weights(part) for part in BACKBONES[name])).hexdigest()
    folder = network_folder(cache, name, precision, BACKBONE_VERSION, weights)
    for path in folder.glob("*.onnx"):
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == path.stem:
            return content
    content = make()
    try:
        write_bytes(folder / f"{hashlib.sha256(content).hexdigest()}.onnx", content)
    except OutputError as error:
        raise cache_error(folder, error.__cause__) if isinstance(error.__cause__, OSError) else error from error
    return content


def open_backbone_file(
    path: Path, options: FileOptions, precision: str = "auto", name: str = "", usual: FileOptions = UNSAID
) -> tuple[Backbone, FileNetwork]:
    """Open a backbone from an ONNX file, and say what is known of the file. It runs in fp32.

    Args:
        path: The file.
        options: How the network is used.
        precision: `auto` or `fp32`.
        name: What it is called in messages and in the model folder, where it is not the user's own file.
        usual: As in `read_network`.

    Raises:
        ModelError: There is no such file, or it is not a network that can be a backbone.
        SettingsError: The options do not fit the network, or it is another precision.
    """
    where = name or str(path)
    if precision == "int8":
        raise SettingsError(f"{where}: a backbone from a file cannot run in int8; leave out --precision")
    chosen, _ = choose_precision(precision, frozenset())
    network = read_network(path, options, where, usual)
    return Backbone(name or path.name, network.image_size, network.onnx, chosen, "as every ONNX file is used"), network


def open_trunk(name: str, network: FoldedNetwork, upto: int) -> tuple[Backbone, Scaling]:
    """Make a backbone of the first blocks of a pretrained network, for training its last blocks; always in int8.

    Args:
        name: Name of the network.
        network: The whole network.
        upto: Number of blocks to keep frozen.

    Returns:
        A backbone that returns feature maps, and the scaling of their bytes.
    """
    onnx, scaling = write_trunk(network, upto)
    reason = "half the size and twice the speed"
    return Backbone(f"{name}-blocks{upto}", network.image_size, onnx, "int8", reason, gives_maps=True), scaling


def choose_precision(precision: str, gains_from: frozenset[str] | None = None) -> tuple[str, str]:
    """Choose the precision of a backbone, with a reason for the output.

    Measured on processors with AVX2 alone and with AVX-512, int8 is 1.3 to 1.5 times as fast as the next best. bf16 is
    no choice: a saved model is used in fp32 (see `Engine`), and its head must see the features that it was fitted to.

    Raises:
        SettingsError: The precision is unknown, or this processor does not support it.
    """
    has_int8 = "INT8" in (cpu_gains_from() if gains_from is None else gains_from)
    if precision == "auto":
        return ("int8", "what this processor computes fastest") if has_int8 else ("fp32", "no int8 on this processor")
    if precision not in PRECISIONS:
        choices = ", ".join(PRECISIONS)
        raise SettingsError(f"the recipe features computes in {choices} or auto, not in {precision!r}")
    if precision == "int8" and not has_int8:
        raise SettingsError("this processor does not run models in int8; choose fp32")
    return precision, "as requested"
