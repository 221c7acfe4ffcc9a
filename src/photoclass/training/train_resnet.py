"""The recipe `resnet`: pixels from the cache, augmented, into a residual network that learns from nothing."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from photoclass.model.runtime import Runtime
from photoclass.networks.resnet import Resnet, folded
from photoclass.networks.scaling import CENTRED_PIXELS, Scaling
from photoclass.photos.cache import CachedPhotos
from photoclass.photos.decode import Pixels
from photoclass.photos.table import TRAIN
from photoclass.progress import Progress
from photoclass.results.evaluate import predict_cached
from photoclass.training.compute import Compute, choose_compute
from photoclass.training.examples import PhotoExamples
from photoclass.training.export import export_features
from photoclass.training.export_head import add_head
from photoclass.training.finish import Trained
from photoclass.training.loop import compute_all, predict_logits
from photoclass.training.prepare import split_photos
from photoclass.training.recipes import ResnetRecipe
from photoclass.training.run import Asked, Run
from photoclass.training.train_network import train_network


@dataclass(frozen=True)
class ResnetLearner:
    """What the recipe brings to the loop; see `train_network.Learner`."""

    recipe: ResnetRecipe
    network: Resnet
    name: str = "a residual network from nothing"
    scaling: Scaling = CENTRED_PIXELS
    tolerance: float = 1e-3

    def examples(self, photos: CachedPhotos, mirrored: bool = False) -> PhotoExamples:
        """Return photos, or their mirror images, as the saved model sees them."""
        return PhotoExamples(photos, self.recipe.augment, mirrored)

    def training_examples(self, photos: CachedPhotos) -> PhotoExamples:
        """Return photos with their augmentation, small ones at first."""
        return PhotoExamples(photos, self.recipe.augment, sides=self.recipe.sides)

    def start(self, train: CachedPhotos, twins: NDArray[np.int64], compute: Compute) -> None:
        """Change nothing: the weights that the network was made with are where it begins."""

    def pixels(self, photos: CachedPhotos) -> dict[int, Pixels]:
        """Return all of the photos' pixels from the cache."""
        return {i: np.asarray(photos.pixels[i], dtype=np.uint8) for i in range(len(photos))}

    def logits(self, photos: CachedPhotos, compute: Compute) -> NDArray[np.float64]:
        """Compute the logits of photos, shape (N, K): the mean over the views that the saved model takes."""
        views = [
            predict_logits(self.network, self.examples(photos, mirrored), self.scaling, compute).double().numpy()
            for mirrored in self._views()
        ]
        return np.asarray(np.mean(views, axis=0), dtype=np.float64)

    def features(self, photos: CachedPhotos, compute: Compute) -> NDArray[np.float32]:
        """Compute what enters the last layer, the mean over the views."""
        views = [
            compute_all(self.network.features, self.examples(photos, mirrored), self.scaling, compute).numpy()
            for mirrored in self._views()
        ]
        return np.asarray(np.mean(views, axis=0), dtype=np.float32)

    def export(self, temperature: float) -> bytes:
        """Write the network, its normalisations folded in, and its last layer as the head."""
        onnx = export_features(folded(self.network), self.scaling, self.recipe.image_size)
        weights, bias = (p.detach().cpu().float().numpy() for p in self.network.output.parameters())
        return add_head(onnx, weights.T, bias, temperature, mirror=self.recipe.mirror, roots=False)

    def scored(
        self, runtime: Runtime, photos: CachedPhotos, trained: NDArray[np.float64], progress: Progress
    ) -> NDArray[np.float32]:
        """Predict with the saved model."""
        return predict_cached(runtime, photos, progress)

    def _views(self) -> tuple[bool, ...]:
        """Return of each view whether it is mirrored."""
        return (False, True) if self.recipe.mirror else (False,)


def train_resnet(asked: Asked[ResnetRecipe]) -> Trained:
    """Train a residual network from nothing and write the model folder. Called while the folder is held.

    Raises:
        DataError: DATA cannot be read or trained on.
        SettingsError: Pictures are too small for the network.
        TrainingError, Interrupted: As `train_network`.
    """
    options, seed = asked.options, asked.seed
    compute = choose_compute(options.device, options.precision)
    photos, twins = split_photos(asked.data, asked.recipe, seed, options, asked.progress)
    recipe = asked.recipe.with_batches_for(int((photos.table.splits == TRAIN).sum()), compute.device)
    run = Run(replace(asked, recipe=recipe), photos, twins, compute)
    smallest = min(recipe.image_size, *recipe.sides)
    generator = torch.Generator().manual_seed(seed)
    network = Resnet(recipe.network, smallest, len(run.class_names), generator)
    return train_network(run, ResnetLearner(recipe, network))
