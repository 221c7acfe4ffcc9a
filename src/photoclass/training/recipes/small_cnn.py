"""Settings of the recipe `small-cnn`: the reference CNN, with the hyperparameters of its post unchanged."""

from dataclasses import dataclass, field

from photoclass.errors import SettingsError
from photoclass.networks.small_cnn_architecture import SmallCnnArchitecture
from photoclass.photos.decode_settings import MAX_IMAGE_SIZE, ResizeRule, check_resize
from photoclass.training.recipes.augment_settings import AugmentSettings
from photoclass.training.recipes.loop_settings import LoopSettings, refuse_zeros


@dataclass(frozen=True)
class SmallCnnSettings:
    """The hyperparameters of *Cat or Dog? Image Classification using Convolutional Neural Networks*.

    Attributes:
        image_size: Side of the square that a photo becomes, in pixels.
        resize: How a photo becomes a square.
        network: The layers.
        augment: How photos are augmented.
        loop: How the network is trained.
    """

    image_size: int = 150
    resize: ResizeRule = "squash"
    network: SmallCnnArchitecture = field(default_factory=SmallCnnArchitecture)
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def __post_init__(self) -> None:
        if not 8 <= self.image_size <= MAX_IMAGE_SIZE:
            raise SettingsError(f"image_size is {self.image_size}; it must be from 8 to {MAX_IMAGE_SIZE}")
        check_resize(self.resize)
        refuse_zeros(epochs=self.loop.epochs, batch_size=self.loop.batch_size, crop=self.augment.crop)
