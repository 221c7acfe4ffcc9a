"""The learner of the recipe `finetune`: the last blocks of a pretrained backbone, from the head on its frozen features.

On a CPU the frozen blocks run once on each photo and its mirror image, and on two augmentations of each training
photo; their feature maps are stored, and only the blocks after them are trained. On a GPU the whole network is
trained, on augmented pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from photoclass.errors import SettingsError
from photoclass.model.runtime import Runtime
from photoclass.networks.pretrained.backbone_onnx import write_backbone, write_with_trained_tail
from photoclass.networks.pretrained.catalog import PRETRAINED_CREDIT
from photoclass.networks.pretrained.efficientnet_lite import FoldedNetwork, fold
from photoclass.networks.pretrained.last_blocks import EfficientNetTail
from photoclass.networks.scaling import CENTRED_PIXELS, Scaling
from photoclass.photos.cache.pixels import CachedPhotos
from photoclass.photos.decode import Pixels, Unreadable, decode_photo, read_file
from photoclass.progress import Progress
from photoclass.text import plural
from photoclass.training.compute import Compute, choose_compute
from photoclass.training.finish import TrainResult
from photoclass.training.frozen.augmented_views import augmented_views
from photoclass.training.frozen.backbones import open_trunk
from photoclass.training.frozen.export_head import add_head
from photoclass.training.frozen.features import FeaturedPhotos
from photoclass.training.frozen.head import FeatureArray, check_pictures, fit_head
from photoclass.training.learners.network import train_network
from photoclass.training.loop.examples import Augmentations, Examples, MapExamples, PhotoExamples
from photoclass.training.loop.loop import compute_all, predict_logits
from photoclass.training.prepare import (
    divide_photos,
    extract_augmented,
    extract_features,
    read_table,
    split_photos,
)
from photoclass.training.recipes.finetune import FinetuneSettings
from photoclass.training.run import Run, TrainRequest

Photos = CachedPhotos | FeaturedPhotos
TAIL = 3


@dataclass(frozen=True)
class FinetuneLearner:
    """What the recipe adds to the training loop; see `network.Learner`.

    Attributes:
        settings: The settings of the recipe.
        network: What is trained.
        scaling: How the bytes of its inputs are scaled.
        first_block: The block that takes its inputs; None where they are pixels.
        seed: Decides the folds that choose the head's regularisation.
        progress: Receives progress reports.
        augment_photos: Returns the feature maps of augmented photos; None where photos are pixels, or not augmented.
    """

    settings: FinetuneSettings
    network: EfficientNetTail
    scaling: Scaling
    first_block: int | None
    seed: int
    progress: Progress
    augment_photos: Callable[[FeaturedPhotos], FeaturedPhotos] | None = None
    from_scratch: ClassVar[bool] = False
    credit: ClassVar[str] = PRETRAINED_CREDIT
    tolerance: ClassVar[float] = 5e-3
    views: ClassVar[int] = 2

    @property
    def name(self) -> str:
        """What is trained."""
        what = "all blocks" if self.first_block is None else f"the last {len(self.network.blocks)} blocks"
        return f"{what} of the pretrained backbone {self.settings.backbone}"

    def examples(self, photos: Photos, mirrored: bool = False) -> Examples:
        """Return photos, or their mirror images, as pixels or feature maps."""
        if isinstance(photos, CachedPhotos):
            return PhotoExamples(photos, self.settings.augment, mirrored)
        return MapExamples(photos, mirrored)

    def training_examples(self, photos: Photos) -> Examples:
        """Return photos as pixels or feature maps, with their augmentations."""
        if self.augment_photos is None or isinstance(photos, CachedPhotos):
            return self.examples(photos)
        augmented = self.augment_photos(photos)
        place = {content: row for row, content in enumerate(augmented.contents)}
        rows = np.array([place.get(content, -1) for content in photos.contents], dtype=np.int64)
        missing = np.flatnonzero(rows < 0)
        if len(missing):  # files that vanished since their own feature maps were computed
            name = photos.table.names[missing[0]]
            count = plural(len(missing), "photo")
            self.progress.say(f"{count} can no longer be read and will not be augmented, the first {name}")
        return MapExamples(photos, augmentations=Augmentations(augmented.features, rows, self.settings.augmented_share))

    def start(self, train: Photos, duplicates: NDArray[np.int64], compute: Compute) -> None:
        """Fit the head on the features of the pretrained network.

        Raises:
            DataError: A class has too few different photos.
        """
        self.progress.say("fitting the head that training starts from")
        network = self.network.to(compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        features = compute_all(network.features, self.examples(train), self.scaling, compute)
        labels, names = train.table.labels, train.table.class_names
        check_pictures(labels, duplicates, names, "the training photos")
        balance = self.settings.balance
        rows = FeatureArray(features.numpy())
        head = fit_head(rows, labels, duplicates, len(names), balance=balance, seed=self.seed)
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
        """Compute the mean of the logits of each photo and its mirror image, shape (N, K).

        The precision is that of the training: full precision would take five times as long on a processor with bf16.
        """
        views = [
            predict_logits(self.network, self.examples(photos, mirrored), self.scaling, compute).double().numpy()
            for mirrored in (False, True)
        ]
        return np.asarray(np.mean(views, axis=0), dtype=np.float64)

    def features(self, photos: Photos, compute: Compute) -> NDArray[np.float32]:
        """Compute the mean of the signed roots of both views' features, shape (N, D)."""
        views = [
            compute_all(self.network.roots, self.examples(photos, mirrored), self.scaling, compute).numpy()
            for mirrored in (False, True)
        ]
        return np.asarray(np.mean(views, axis=0), dtype=np.float32)

    def export(self, temperature: float) -> bytes:
        """Export the frozen blocks in int8, the trained ones in floating point, and the head."""
        folded = self.network.folded()
        whole = self.first_block is None
        onnx = write_backbone(folded, "fp32") if whole else write_with_trained_tail(folded, self.first_block or 0)
        weights, bias = (p.detach().cpu().float().numpy() for p in self.network.output.parameters())
        return add_head(onnx, weights.T, bias, temperature, mirror=True)

    def scored(
        self, runtime: Runtime, photos: Photos, trained: Callable[[], NDArray[np.float64]], progress: Progress
    ) -> NDArray[np.float32]:
        """Return the probabilities of the trained network: the photos' pixels were not kept."""
        return trained().astype(np.float32)


def train_finetune(request: TrainRequest, settings: FinetuneSettings) -> TrainResult:
    """Train the last blocks of a pretrained backbone and write the model folder, which the caller has locked.

    Raises:
        DataError: DATA cannot be read or trained on.
        ModelError: The pretrained weights cannot be used.
        SettingsError: The backbone has fewer blocks than are to be trained.
        TrainingError, Interrupted: As `train_network`.
    """
    compute = choose_compute(request.options.device, request.options.precision)
    network = fold(settings.backbone)
    first_block = _first_block(network, settings, compute)
    photos: Photos
    augment_photos = None
    if first_block is None:
        photos, duplicates = split_photos(request, settings)
        scaling = CENTRED_PIXELS
    else:
        trunk, scaling = open_trunk(settings.backbone, network, first_block)
        photos, duplicates = divide_photos(request, extract_features(request, read_table(request), settings, trunk))
        if settings.augmented_share:
            views = augmented_views(settings.augment)
            augment_photos = partial(extract_augmented, request, views=views, backbone=trunk)
    run = Run(request, settings, photos, duplicates, compute)
    end = EfficientNetTail(network, first_block, len(run.class_names))
    learner = FinetuneLearner(
        settings, end, scaling, first_block, request.seed, request.workspace.progress, augment_photos
    )
    return train_network(run, learner)


def _first_block(network: FoldedNetwork, settings: FinetuneSettings, compute: Compute) -> int | None:
    """Return the first block that is trained; None where the whole network is, its stem included.

    Raises:
        SettingsError: The backbone has fewer blocks than are to be trained.
    """
    blocks = len(network.blocks)
    # On a GPU, training the whole network takes less time than storing its feature maps.
    tail = settings.tail or (TAIL if compute.device == "cpu" else blocks)
    if tail > blocks:
        raise SettingsError(f"tail is {tail}; {settings.backbone} has {blocks} blocks (0 lets the device decide)")
    return None if tail == blocks else blocks - tail
