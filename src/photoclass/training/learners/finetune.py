"""The recipe `finetune`: the end of a pretrained network trained on, from the head that fits its frozen features.

On a processor the beginning of the network runs once over each photo and its mirror image, and over two variations of
each training photo; the maps that it gives are kept, and only what comes after them learns. On a GPU all of it learns,
from augmented pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from photoclass.errors import SettingsError
from photoclass.model.runtime import Runtime
from photoclass.networks.pretrained.backbone_onnx import write_backbone, write_with_trained_tail
from photoclass.networks.pretrained.efficientnet_lite import FoldedNetwork, fold
from photoclass.networks.pretrained.last_blocks import EfficientNetTail
from photoclass.networks.scaling import CENTRED_PIXELS, Scaling
from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.photos.decode import Pixels, Unreadable, decode_photo, read_file
from photoclass.progress import Progress
from photoclass.training.compute import Compute, choose_compute
from photoclass.training.finish import TrainResult
from photoclass.training.frozen.backbones import open_trunk
from photoclass.training.frozen.export_head import add_head
from photoclass.training.frozen.features import FeaturedPhotos
from photoclass.training.frozen.head import FeatureArray, check_pictures, fit_head
from photoclass.training.learners.network import train_network
from photoclass.training.loop.examples import Augmentations, Examples, MapExamples, PhotoExamples
from photoclass.training.loop.loop import compute_all, predict_logits
from photoclass.training.prepare import augmented_photos, divide_photos, featured_photos, split_photos
from photoclass.training.recipes.recipes import FinetuneRecipe
from photoclass.training.run import Run, TrainRequest

Photos = CachedPhotos | FeaturedPhotos
TAIL = 3


@dataclass(frozen=True)
class FinetuneLearner:
    """What the recipe brings to the loop; see `train_network.Learner`.

    Attributes:
        recipe: The recipe.
        network: What learns.
        scaling: What its inputs' bytes mean.
        first_block: The block that its inputs enter; None where they are pixels.
        seed: Decides the folds that the head's strength is chosen on.
        progress: Receives progress reports.
        vary: Returns the maps of variations of photos; None where photos are not varied, or are pixels.
    """

    recipe: FinetuneRecipe
    network: EfficientNetTail
    scaling: Scaling
    first_block: int | None
    seed: int
    progress: Progress
    augment_photos: Callable[[FeaturedPhotos], FeaturedPhotos] | None = None
    # The maps were computed in what the processor gains from, by bf16 between int8 steps, and full precision gives
    # others.
    tolerance: float = 0.1
    views: int = 2

    @property
    def name(self) -> str:
        """Say what learns."""
        what = "all" if self.first_block is None else f"the last {len(self.network.blocks)} blocks"
        return f"{what} of the pretrained network {self.recipe.backbone}"

    def examples(self, photos: Photos, mirrored: bool = False) -> Examples:
        """Return photos as pixels or maps."""
        if isinstance(photos, CachedPhotos):
            return PhotoExamples(photos, self.recipe.augment, mirrored)
        return MapExamples(photos, mirrored)

    def training_examples(self, photos: Photos) -> Examples:
        """Return photos as pixels or maps, with their variations."""
        if self.augment_photos is None or isinstance(photos, CachedPhotos):
            return self.examples(photos)
        augmented = self.augment_photos(photos)
        place = {content: row for row, content in enumerate(augmented.contents)}
        rows = np.array([place.get(content, -1) for content in photos.contents], dtype=np.int64)
        missing = np.flatnonzero(rows < 0)
        if len(missing):  # a file that vanished since its maps were computed; those are here
            name = photos.table.names[missing[0]]
            self.progress.say(f"{len(missing):,} photos can no longer be read and are not varied, the first {name}")
        return MapExamples(photos, augmentations=Augmentations(augmented.features, rows, self.recipe.augmented_share))

    def start(self, train: Photos, duplicates: NDArray[np.int64], compute: Compute) -> None:
        """Fit the head on the features of the network as it was published.

        Raises:
            DataError: A class has too few different photos.
        """
        self.progress.say("fitting the head that it starts from")
        network = self.network.to(compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        features = compute_all(network.features, self.examples(train), self.scaling, compute)
        labels, names = train.table.labels, train.table.class_names
        check_pictures(labels, duplicates, names, "the training photos")
        head = fit_head(
            FeatureArray(features.numpy()), labels, duplicates, len(names), balance=self.recipe.balance, seed=self.seed
        )
        self.progress.say(f"head: cross-validated log loss {head.candidates[head.strength]:.4f}")
        with torch.no_grad():
            network.output.weight.copy_(torch.from_numpy(head.weights.T / head.temperature))
            network.output.bias.copy_(torch.from_numpy(head.bias / head.temperature))

    def pixels(self, photos: Photos) -> dict[int, Pixels]:
        """Read and decode the photos' files."""
        contents = [read_file(path) for path in photos.table.paths]
        decoded = {
            i: decode_photo(content, photos.settings)
            for i, content in enumerate(contents)
            if not isinstance(content, Unreadable)
        }
        return {i: pixels for i, pixels in decoded.items() if not isinstance(pixels, Unreadable)}

    def logits(self, photos: Photos, compute: Compute) -> NDArray[np.float64]:
        """Compute the mean of the logits of each photo and of its mirror image, shape (N, K).

        In the precision of the training, which is what the saved file is used in as well: full precision would take
        five times as long where the processor has bf16.
        """
        views = [
            predict_logits(self.network, self.examples(photos, mirrored), self.scaling, compute).double().numpy()
            for mirrored in (False, True)
        ]
        return np.asarray(np.mean(views, axis=0), dtype=np.float64)

    def features(self, photos: Photos, compute: Compute) -> NDArray[np.float32]:
        """Compute the mean of the roots of both views' features, shape (N, D)."""
        views = [
            compute_all(self.network.roots, self.examples(photos, mirrored), self.scaling, compute).numpy()
            for mirrored in (False, True)
        ]
        return np.asarray(np.mean(views, axis=0), dtype=np.float32)

    def export(self, temperature: float) -> bytes:
        """Write the beginning in int8, what learnt in floats, and the head."""
        folded = self.network.folded()
        whole = self.first_block is None
        onnx = write_backbone(folded, "fp32") if whole else write_with_trained_tail(folded, self.first_block or 0)
        weights, bias = (p.detach().cpu().float().numpy() for p in self.network.output.parameters())
        return add_head(onnx, weights.T, bias, temperature, mirror=True)

    def scored(
        self, runtime: Runtime, photos: Photos, trained: Callable[[], NDArray[np.float64]], progress: Progress
    ) -> NDArray[np.float32]:
        """Return what the trained network says: the photos' pixels are not at hand."""
        return trained().astype(np.float32)


def train_finetune(request: TrainRequest[FinetuneRecipe]) -> TrainResult:
    """Train the end of a pretrained network on and write the model folder. Called while the folder is held.

    Raises:
        DataError: DATA cannot be read or trained on.
        ModelError: The pretrained weights cannot be used.
        SettingsError: The network has fewer blocks than are to learn.
        TrainingError, Interrupted: As `train_network`.
    """
    data, recipe, options, workspace = request.data, request.recipe, request.options, request.workspace
    compute = choose_compute(options.device, options.precision)
    network = fold(recipe.backbone)
    first_block = _first_block(network, recipe, compute)
    photos: Photos
    augment_photos = None
    if first_block is None:
        (photos, duplicates), scaling = (
            split_photos(data, recipe, request.seed, workspace, options.fixes),
            CENTRED_PIXELS,
        )
    else:
        trunk, scaling = open_trunk(recipe.backbone, network, first_block)
        featured = featured_photos(data, trunk, recipe.decode_settings(), workspace, options.fixes)
        photos, duplicates = divide_photos(featured, data, request.seed, workspace.progress)
        if recipe.augmented_share:
            augment_photos = partial(augmented_photos, backbone=trunk, augment=recipe.augment, workspace=workspace)
    run: Run[Any, FinetuneRecipe] = Run(request, photos, duplicates, compute)
    end = EfficientNetTail(network, first_block, len(run.class_names))
    learner = FinetuneLearner(recipe, end, scaling, first_block, request.seed, workspace.progress, augment_photos)
    return train_network(run, learner)


def _first_block(network: FoldedNetwork, recipe: FinetuneRecipe, compute: Compute) -> int | None:
    """Return the block where learning begins; None for the stem, so that all of the network learns.

    Raises:
        SettingsError: The network has fewer blocks than are to learn.
    """
    blocks = len(network.blocks)
    # On a GPU, a network that learns as a whole takes less time than writing its maps.
    tail = recipe.tail or (TAIL if compute.device == "cpu" else blocks)
    if tail > blocks:
        raise SettingsError(f"tail is {tail}; {recipe.backbone} has {blocks} blocks (0 lets the device decide)")
    return None if tail == blocks else blocks - tail
