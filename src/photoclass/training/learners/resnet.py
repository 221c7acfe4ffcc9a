"""The learner of the recipe `resnet`: a residual network, trained from scratch on augmented pixels."""

import math
import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from photoclass.networks.logits import cross_entropy
from photoclass.networks.resnet import Resnet, folded
from photoclass.networks.scaling import CENTRED_PIXELS, Scaling
from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.photos.table import TRAIN
from photoclass.training.compute import Compute, choose_compute, keep_freed_memory
from photoclass.training.export import export_features
from photoclass.training.finish import TrainResult
from photoclass.training.frozen.export_head import add_head
from photoclass.training.learners.network import PixelLearner, train_network
from photoclass.training.loop.examples import PhotoExamples
from photoclass.training.loop.loop import PART_SIZE, to_images
from photoclass.training.prepare import decode_photos, divide_photos, read_table
from photoclass.training.recipes.resnet import STANDARD_SIDE, ResnetSettings
from photoclass.training.run import Run, TrainRequest

_TRIALS = 3
# A guess at the time that all but training takes: start-up, decoding, scoring, the report.
_REST_SECONDS, _REST_SECONDS_A_PHOTO = 20.0, 0.0017
_TRAINED_SHARE = 0.8


@dataclass(frozen=True)
class ResnetLearner(PixelLearner):
    """What the recipe adds to the training loop; see `network.Learner`."""

    settings: ResnetSettings
    network: Resnet
    name: ClassVar[str] = "a residual network, from scratch"
    scaling: ClassVar[Scaling] = CENTRED_PIXELS

    @property
    def views(self) -> int:
        """Views of each photo that the saved model averages over."""
        return 2 if self.settings.mirror else 1

    def examples(self, photos: CachedPhotos, mirrored: bool = False) -> PhotoExamples:
        """Return photos, or their mirror images, which training augments at sizes that grow."""
        return PhotoExamples(photos, self.settings.augment, mirrored, self.settings.sides)

    def export(self, temperature: float) -> bytes:
        """Export the network, with batch normalisation folded into the convolutions and its last layer as the head."""
        onnx = export_features(folded(self.network), self.scaling, self.settings.image_size)
        weights, bias = (p.detach().cpu().float().numpy() for p in self.network.output.parameters())
        return add_head(onnx, weights.T, bias, temperature, mirror=self.settings.mirror, roots=False)


def train_resnet(request: TrainRequest, settings: ResnetSettings) -> TrainResult:
    """Train a residual network from scratch and write the model folder, which the caller has locked.

    Raises:
        DataError: DATA cannot be read or trained on.
        SettingsError: The pictures are too small for the network.
        TrainingError, Interrupted: As `train_network`.
    """
    compute = choose_compute(request.options.device, request.options.precision)
    table = read_table(request)
    keep_freed_memory()
    settings = settings.with_epochs_for(timed=request.stop.deadline is not None)
    epochs = _epochs_in_time(request, settings, len(table), len(table.class_names), compute)
    settings = settings.with_pictures_for(epochs)
    smallest = min(settings.image_size, *settings.sides)
    generator = torch.Generator().manual_seed(request.seed)
    network = Resnet(settings.network, smallest, len(table.class_names), generator)
    photos, duplicates = divide_photos(request, decode_photos(request, table, settings))
    settings = settings.with_steps_for(int((photos.table.splits == TRAIN).sum()), epochs, compute.device)
    request.say(
        f"trains on pictures of {', '.join(map(str, settings.sides))} pixels, random crops of at least "
        f"{settings.augment.crop:.0%} of a photo; the saved model takes {settings.image_size} pixels"
    )
    run = Run(request, settings, photos, duplicates, compute)
    return train_network(run, ResnetLearner(settings, network))


def _epochs_in_time(
    request: TrainRequest, settings: ResnetSettings, photos: int, classes: int, compute: Compute
) -> float:
    """Estimate how many epochs fit into the time budget, up to the limit of the settings."""
    left = request.stop.seconds_left()
    if math.isinf(left):
        return float(settings.loop.epochs)
    network = Resnet(settings.network, STANDARD_SIDE, classes, torch.Generator().manual_seed(0))
    learning = left - _REST_SECONDS - _REST_SECONDS_A_PHOTO * photos
    return min(settings.loop.epochs, max(0.0, learning) / (_TRAINED_SHARE * photos * _photo_seconds(network, compute)))


def _photo_seconds(network: Resnet, compute: Compute) -> float:
    """Time the network forward and backward on a blank batch."""
    network.to(compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    blank = np.zeros((PART_SIZE, STANDARD_SIDE, STANDARD_SIDE, 3), dtype=np.uint8)
    labels = torch.zeros(PART_SIZE, dtype=torch.int64, device=compute.device)
    seconds = []
    for _ in range(_TRIALS):
        started_at = time.perf_counter()
        with compute.autocast():
            logits = network(to_images(blank, CENTRED_PIXELS, compute))
        cross_entropy(logits, labels).backward()  # type: ignore[no-untyped-call]
        seconds.append(time.perf_counter() - started_at)
    return min(seconds) / PART_SIZE
