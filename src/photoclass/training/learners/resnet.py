"""The recipe `resnet`: pixels from the cache, augmented, into a residual network that learns from scratch."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from photoclass.model.runtime import Runtime
from photoclass.networks.resnet import Resnet, folded
from photoclass.networks.scaling import CENTRED_PIXELS, Scaling
from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.photos.decode import Pixels
from photoclass.photos.table import TRAIN
from photoclass.progress import Progress
from photoclass.results.scores.evaluate import predict_cached
from photoclass.training.compute import Compute, choose_compute, keep_freed_memory
from photoclass.training.export import export_features
from photoclass.training.finish import TrainResult
from photoclass.training.frozen.export_head import add_head
from photoclass.training.learners.network import train_network
from photoclass.training.loop.examples import PhotoExamples
from photoclass.training.loop.loop import PART_SIZE, compute_all, cross_entropy, predict_logits, to_images
from photoclass.training.prepare import read_table, split_table
from photoclass.training.recipes.resnet import STANDARD_SIDE, ResnetRecipe
from photoclass.training.run import Run, TrainRequest

_TRIALS = 3
# A guess at what takes time besides learning: start-up, decoding, scoring, the report.
_REST_SECONDS, _REST_SECONDS_A_PHOTO = 20.0, 0.0017
_TRAINED_SHARE = 0.8


@dataclass(frozen=True)
class ResnetLearner:
    """What the recipe brings to the loop; see `train_network.Learner`."""

    recipe: ResnetRecipe
    network: Resnet
    name: str = "a residual network from scratch"
    scaling: Scaling = CENTRED_PIXELS
    tolerance: float = 1e-3

    @property
    def views(self) -> int:
        """How often the saved model looks at a photo."""
        return 2 if self.recipe.mirror else 1

    def examples(self, photos: CachedPhotos, mirrored: bool = False) -> PhotoExamples:
        """Return photos, or their mirror images, as the saved model sees them."""
        return PhotoExamples(photos, self.recipe.augment, mirrored, self.recipe.sides)

    def training_examples(self, photos: CachedPhotos) -> PhotoExamples:
        """Return photos with their augmentation, small ones at first."""
        return self.examples(photos)

    def start(self, train: CachedPhotos, duplicates: NDArray[np.int64], compute: Compute) -> None:
        """Change nothing: the weights that the network was made with are where it begins."""

    def pixels(self, photos: CachedPhotos) -> dict[int, Pixels]:
        """Return all of the photos' pixels from the cache."""
        return {i: np.asarray(photos.pixels[i], dtype=np.uint8) for i in range(len(photos))}

    def logits(self, photos: CachedPhotos, compute: Compute) -> NDArray[np.float64]:
        """Compute the logits of photos, shape (N, K): the mean over the views that the saved model takes."""
        views = [
            predict_logits(self.network, self.examples(photos, mirrored), self.scaling, compute).double().numpy()
            for mirrored in (False, True)[: self.views]
        ]
        return np.asarray(np.mean(views, axis=0), dtype=np.float64)

    def features(self, photos: CachedPhotos, compute: Compute) -> NDArray[np.float32]:
        """Compute what enters the last layer, the mean over the views."""
        views = [
            compute_all(self.network.features, self.examples(photos, mirrored), self.scaling, compute).numpy()
            for mirrored in (False, True)[: self.views]
        ]
        return np.asarray(np.mean(views, axis=0), dtype=np.float32)

    def export(self, temperature: float) -> bytes:
        """Write the network, its normalisations folded in, and its last layer as the head."""
        onnx = export_features(folded(self.network), self.scaling, self.recipe.image_size)
        weights, bias = (p.detach().cpu().float().numpy() for p in self.network.output.parameters())
        return add_head(onnx, weights.T, bias, temperature, mirror=self.recipe.mirror, roots=False)

    def scored(
        self, runtime: Runtime, photos: CachedPhotos, trained: Callable[[], NDArray[np.float64]], progress: Progress
    ) -> NDArray[np.float32]:
        """Predict with the saved model."""
        return predict_cached(runtime, photos, progress)


def train_resnet(request: TrainRequest[ResnetRecipe]) -> TrainResult:
    """Train a residual network from scratch and write the model folder. Called while the folder is held.

    Raises:
        DataError: DATA cannot be read or trained on.
        SettingsError: Pictures are too small for the network.
        TrainingError, Interrupted: As `train_network`.
    """
    options, seed, progress = request.options, request.seed, request.progress
    compute = choose_compute(options.device, options.precision)
    table = read_table(request.data, request.workspace, options.fixes)
    keep_freed_memory()
    recipe = request.recipe.with_epochs_for(timed=request.stop.deadline is not None)
    epochs = _epochs_in_time(request, recipe, len(table), len(table.class_names), compute)
    recipe = recipe.with_pictures_for(epochs)
    smallest = min(recipe.image_size, *recipe.sides)
    network = Resnet(recipe.network, smallest, len(table.class_names), torch.Generator().manual_seed(seed))
    photos, duplicates = split_table(table, request.data, recipe.decode_settings(), seed, request.workspace)
    recipe = recipe.with_steps_for(int((photos.table.splits == TRAIN).sum()), epochs, compute.device)
    progress.say(
        f"learns from pictures of {', '.join(map(str, recipe.sides))} pixels, each at least {recipe.augment.crop:.0%} "
        f"of a photo; the model will see {recipe.image_size} pixels"
    )
    run = Run(replace(request, recipe=recipe), photos, duplicates, compute)
    return train_network(run, ResnetLearner(recipe, network))


def _epochs_in_time(
    request: TrainRequest[ResnetRecipe], recipe: ResnetRecipe, photos: int, classes: int, compute: Compute
) -> float:
    """Return how many epochs there is time for, up to the most that there may be; roughly, long before they begin."""
    left = request.stop.seconds_left()
    if math.isinf(left):
        return float(recipe.loop.epochs)
    network = Resnet(recipe.network, STANDARD_SIDE, classes, torch.Generator().manual_seed(0))
    learning = left - _REST_SECONDS - _REST_SECONDS_A_PHOTO * photos
    return min(recipe.loop.epochs, max(0.0, learning) / (_TRAINED_SHARE * photos * _photo_seconds(network, compute)))


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
