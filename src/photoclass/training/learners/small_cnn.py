"""The recipe `small-cnn`: pixels from the cache, augmented, into the post's network."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from photoclass.model.runtime import Runtime
from photoclass.networks.scaling import UNIT_PIXELS, Scaling
from photoclass.networks.small_cnn import SmallCNN
from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.photos.decode import Pixels
from photoclass.progress import Progress
from photoclass.results.scores.evaluate import predict_cached
from photoclass.training.compute import Compute, choose_compute
from photoclass.training.export import export_onnx
from photoclass.training.finish import TrainResult
from photoclass.training.learners.network import train_network
from photoclass.training.loop.examples import PhotoExamples
from photoclass.training.loop.loop import compute_all, predict_logits
from photoclass.training.prepare import split_photos
from photoclass.training.recipes.recipes import SmallCnnRecipe
from photoclass.training.run import Run, TrainRequest


@dataclass(frozen=True)
class SmallCnnLearner:
    """What the recipe brings to the loop; see `train_network.Learner`."""

    recipe: SmallCnnRecipe
    network: SmallCNN
    name: str = "the post's network"
    scaling: Scaling = UNIT_PIXELS
    tolerance: float = 1e-3
    views: int = 1

    def examples(self, photos: CachedPhotos) -> PhotoExamples:
        """Return photos with their augmentation."""
        return PhotoExamples(photos, self.recipe.augment)

    def training_examples(self, photos: CachedPhotos) -> PhotoExamples:
        """Return the same: only training asks for variations."""
        return self.examples(photos)

    def start(self, train: CachedPhotos, duplicates: NDArray[np.int64], compute: Compute) -> None:
        """Change nothing: the weights that the network was made with are where it begins."""

    def pixels(self, photos: CachedPhotos) -> dict[int, Pixels]:
        """Return all of the photos' pixels from the cache."""
        return {i: np.asarray(photos.pixels[i], dtype=np.uint8) for i in range(len(photos))}

    def export(self, temperature: float) -> bytes:
        """Write the network as it is; its probabilities are not calibrated."""
        return export_onnx(self.network, self.recipe.image_size)

    def logits(self, photos: CachedPhotos, compute: Compute) -> NDArray[np.float64]:
        """Compute the logits of photos as they are."""
        return predict_logits(self.network, self.examples(photos), self.scaling, compute).double().numpy()

    def features(self, photos: CachedPhotos, compute: Compute) -> NDArray[np.float32]:
        """Compute what the hidden layer gives."""
        return compute_all(self.network.features, self.examples(photos), self.scaling, compute).numpy()

    def scored(
        self, runtime: Runtime, photos: CachedPhotos, trained: Callable[[], NDArray[np.float64]], progress: Progress
    ) -> NDArray[np.float32]:
        """Predict with the saved model."""
        return predict_cached(runtime, photos, progress)


def train_small_cnn(request: TrainRequest[SmallCnnRecipe]) -> TrainResult:
    """Train the post's network and write the model folder. Called while the folder is held.

    Raises:
        DataError: DATA cannot be read or trained on.
        TrainingError, Interrupted: As `train_network`.
    """
    recipe, options, seed = request.recipe, request.options, request.seed
    compute = choose_compute(options.device, options.precision)
    photos, duplicates = split_photos(request.data, recipe, seed, request.workspace, options.fixes)
    run = Run(request, photos, duplicates, compute)
    network = SmallCNN(recipe.network, recipe.image_size, len(run.class_names), torch.Generator().manual_seed(seed))
    return train_network(run, SmallCnnLearner(recipe, network))
