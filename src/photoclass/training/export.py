"""Export of a trained network to one ONNX file, from pixels to probabilities or to features."""

import copy
import logging
import warnings

import onnx
import torch
from torch import Tensor, nn

from photoclass.networks.logits import to_probabilities
from photoclass.networks.scaling import Scaling


class PixelsToProbabilities(nn.Module):
    """A network that takes uint8 pixels and returns probabilities.

    Args:
        network: Maps images in [0, 1] to logits.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        """Map uint8 pixels, shape (N, H, W, 3), to probabilities, shape (N, C)."""
        return to_probabilities(self.network(pixels.permute(0, 3, 1, 2).to(torch.float32) / 255))


class PixelsToFeatures(nn.Module):
    """A network that takes uint8 pixels and returns the inputs of its last layer.

    Args:
        network: Its method `features` maps images to features.
        scaling: How bytes are scaled for it.
    """

    def __init__(self, network: nn.Module, scaling: Scaling) -> None:
        super().__init__()
        self.network = network
        self.scaling = scaling

    def forward(self, pixels: Tensor) -> Tensor:
        """Map uint8 pixels, shape (N, H, W, 3), to features, shape (N, D)."""
        images = (pixels.permute(0, 3, 1, 2).to(torch.float32) - self.scaling.zero) * self.scaling.scale
        features: Tensor = self.network.features(images)  # type: ignore[operator]
        return features


def export_onnx(network: nn.Module, image_size: int) -> bytes:
    """Export a network, from pixels to probabilities; the batch size is free."""
    return _export(PixelsToProbabilities(_for_export(network)), image_size, "probabilities")


def export_features(network: nn.Module, scaling: Scaling, image_size: int) -> bytes:
    """Export a network, from pixels to the inputs of its last layer, for `export_head.add_head`."""
    return _export(PixelsToFeatures(_for_export(network), scaling), image_size, "features")


def _export(module: nn.Module, image_size: int, output: str) -> bytes:
    example = torch.zeros((2, image_size, image_size, 3), dtype=torch.uint8)
    # The exporter's warnings are about future versions of torch, not about this network.
    exporter_log = logging.getLogger("torch.onnx")
    level = exporter_log.level
    exporter_log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module.eval(),
                (example,),
                dynamo=True,
                verbose=False,
                input_names=["pixels"],
                output_names=[output],
                dynamic_shapes={"pixels": {0: torch.export.Dim("photos")}},
            )
    finally:
        exporter_log.setLevel(level)
    if program is None:
        raise RuntimeError("torch.onnx.export returned nothing")
    return _without_metadata(program.model_proto)


def _without_metadata(model: onnx.ModelProto) -> bytes:
    """Remove the metadata of every node: source lines, with their paths on this machine."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.ClearField("metadata_props")
    content: bytes = model.SerializeToString()
    return content


def _for_export(network: nn.Module) -> nn.Module:
    copied: nn.Module = copy.deepcopy(network).to("cpu", torch.float32).eval()
    copied.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return copied
