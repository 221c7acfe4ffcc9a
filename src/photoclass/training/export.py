"""From a trained network to one ONNX file that holds all from pixels to probabilities."""

import copy
import logging
import warnings

import onnx
import torch
from torch import Tensor, nn


class PixelsToProbabilities(nn.Module):
    """A network with its scaling before it and its probabilities after it.

    Args:
        network: Maps images in [0, 1] to logits.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        """Map uint8 pixels, shape (N, H, W, 3), to probabilities, shape (N, C)."""
        logits = self.network(pixels.permute(0, 3, 1, 2).to(torch.float32) / 255)
        if logits.shape[1] > 1:
            return torch.softmax(logits, dim=1)
        # Not 1 - sigmoid: near certainty, that would round the small probability away.
        return torch.cat([torch.sigmoid(-logits), torch.sigmoid(logits)], dim=1)


def export_onnx(network: nn.Module, image_size: int) -> bytes:
    """Export a network; the file takes any number of photos at once."""
    module = PixelsToProbabilities(_for_export(network)).eval()
    example = torch.zeros((2, image_size, image_size, 3), dtype=torch.uint8)
    # The exporter warns of things that concern torch's own future, not this network.
    exporter_log = logging.getLogger("torch.onnx")
    level = exporter_log.level
    exporter_log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module,
                (example,),
                dynamo=True,
                verbose=False,
                input_names=["pixels"],
                output_names=["probabilities"],
                dynamic_shapes={"pixels": {0: torch.export.Dim("photos")}},
            )
    finally:
        exporter_log.setLevel(level)
    if program is None:
        raise RuntimeError("torch.onnx.export returned nothing")
    return _without_notes(program.model_proto)


def _without_notes(model: onnx.ModelProto) -> bytes:
    """Leave out what the exporter notes beside every node: source lines, with their paths on this machine."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.ClearField("metadata_props")
    content: bytes = model.SerializeToString()
    return content


def _for_export(network: nn.Module) -> nn.Module:
    copied: nn.Module = copy.deepcopy(network).to("cpu", torch.float32).eval()
    copied.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return copied
