"""The learner of the recipe `small-cnn`: the reference CNN on augmented pixels."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from photoclass.networks.small_cnn import SmallCNN
from photoclass.training.compute import choose_compute
from photoclass.training.export import export_onnx
from photoclass.training.finish import TrainResult
from photoclass.training.learners.network import PixelLearner, train_network
from photoclass.training.prepare import split_photos
from photoclass.training.recipes.small_cnn import SmallCnnSettings
from photoclass.training.run import Run, TrainRequest


@dataclass(frozen=True)
class SmallCnnLearner(PixelLearner):
    """What the recipe adds to the training loop; see `network.Learner`."""

    settings: SmallCnnSettings
    network: SmallCNN
    name: ClassVar[str] = "the reference CNN, from scratch"

    def export(self, temperature: float) -> bytes:
        """Export the network as it is; its probabilities are not calibrated."""
        return export_onnx(self.network, self.settings.image_size)


def train_small_cnn(request: TrainRequest, settings: SmallCnnSettings) -> TrainResult:
    """Train the reference CNN and write the model folder, which the caller has locked.

    Raises:
        DataError: DATA cannot be read or trained on.
        TrainingError, Interrupted: As `train_network`.
    """
    compute = choose_compute(request.options.device, request.options.precision)
    photos, duplicates = split_photos(request, settings)
    run = Run(request, settings, photos, duplicates, compute)
    generator = torch.Generator().manual_seed(request.seed)
    network = SmallCNN(settings.network, settings.image_size, len(run.class_names), generator)
    return train_network(run, SmallCnnLearner(settings, network))
