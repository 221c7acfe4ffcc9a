"""Settings of the recipe `finetune`: the last blocks of a pretrained backbone and the head of `features`."""

from dataclasses import dataclass

from photoclass.errors import SettingsError
from photoclass.networks.pretrained.catalog import EFFICIENTNET_LITE
from photoclass.photos.decode_settings import ResizeRule, check_resize
from photoclass.training.recipes.augment_settings import AugmentSettings
from photoclass.training.recipes.loop_settings import LoopSettings, refuse_zeros

_LOOP = LoopSettings(
    batch_size=64,
    epochs=3,
    patience=2,
    learning_rate=1e-4,
    schedule="one-cycle",
    weight_decay=0.01,
    ema_decay=0.998,
    initial_weights_share=0.25,
    adam_beta2=0.99,
    adam_epsilon=1e-8,  # the gradients of a network that is nearly right already are small
    calibrate=True,
)
# A pretrained network knows such photos already: milder than for a network from scratch.
_AUGMENT = AugmentSettings(
    rotation_degrees=10, width_shift=0.1, height_shift=0.1, shear_degrees=0, zoom=0.25, colour=0.3
)


@dataclass(frozen=True)
class FinetuneSettings:
    """The last blocks of a pretrained backbone and its head, trained together, from the head of `features`.

    Attributes:
        backbone: The pretrained network.
        tail: How many of its last blocks are trained; 0 for three on a CPU and all of them on a GPU.
        resize: How a photo becomes the backbone's square.
        balance: Weight the classes equally in the head that training starts from.
        augment: How photos are augmented.
        augmented_share: Share of an epoch's photos that are augmented where training starts from stored feature maps:
            the maps of two augmentations of each training photo are computed for that. The other photos are
            unchanged or mirrored. 0 for none; where the whole network is trained, all photos are augmented.
        loop: How the network is trained.
    """

    backbone: str = "lite2"
    tail: int = 0
    resize: ResizeRule = "squash"
    balance: bool = False
    augment: AugmentSettings = _AUGMENT
    augmented_share: float = 0.7
    loop: LoopSettings = _LOOP

    def __post_init__(self) -> None:
        if self.backbone not in EFFICIENTNET_LITE:
            raise SettingsError(f"unknown backbone {self.backbone!r}; choose from {', '.join(EFFICIENTNET_LITE)}")
        check_resize(self.resize)
        refuse_zeros(epochs=self.loop.epochs, batch_size=self.loop.batch_size, crop=self.augment.crop)
        if not 0 <= self.augmented_share <= 1:
            raise SettingsError(f"augmented_share is {self.augmented_share}; it is a share, from 0 to 1")
        if self.tail < 0:
            raise SettingsError(f"tail is {self.tail}; it is a number of blocks, or 0 to let the device decide")

    @property
    def image_size(self) -> int:
        """Side of the backbone's square input, in pixels."""
        return EFFICIENTNET_LITE[self.backbone].image_size
