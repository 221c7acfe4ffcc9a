"""The recipe `resnet`: its numbers, those that it chooses itself, and how photos, time and machine decide them."""

import math
from dataclasses import dataclass, field, replace

from photoclass.errors import SettingsError
from photoclass.model.folder import MAX_IMAGE_SIZE
from photoclass.networks.resnet_architecture import ResnetArchitecture
from photoclass.photos.decode import ResizeRule, check_resize
from photoclass.training.augment import AugmentSettings
from photoclass.training.recipes.loop_settings import LoopSettings

# For so many epochs, and more: sides to learn from, and the side that the saved model sees. Whole photos show objects
# smaller than the crops that it learns from do, so a larger side suits the network (Touvron et al., 2019).
_PICTURES = (
    (30, (64, 80, 96, 112), 144),
    (12, (48, 64, 80, 96, 112), 128),
    (5, (48, 64, 80), 96),
    (0, (32, 48, 64), 80),
)
STANDARD_SIDE = 96  # about what a photo costs on average, in the long run
_LEAST_STEPS = 32  # in an epoch, where there are photos enough
_STANDARD_BATCH, _STANDARD_STEPS = 128, 2000
_FEWEST_STEPS = 250  # fewer do not turn kernels further in each: 0.08 radians are the most that was tried
USUAL_EPOCHS, MOST_EPOCHS = 44, 300  # without a limit of time, and with one

_LOOP = LoopSettings(
    batch_size=0,
    even_batches=True,
    epochs=0,
    patience=MOST_EPOCHS,
    learning_rate=4e-3,
    muon_rate=0.027,
    schedule="one-cycle",
    weight_decay=0.05,
    ema_decay=0.998,
    adam_beta2=0.99,
    adam_epsilon=1e-8,
    calibrate=True,
)
_AUGMENT = AugmentSettings(
    rotation_degrees=15,
    width_shift=0,
    height_shift=0,
    shear_degrees=0,
    zoom=0,
    crop=0,
    colour=0.3,
    fill_mode="reflect",
)


@dataclass(frozen=True)
class ResnetSettings:
    """A residual network from scratch, for photos unlike any that others have trained on.

    Attributes:
        image_size: Side of the square that the saved model sees, in pixels; 0 to let the time decide.
        sides: Sides of the pictures that it learns from, one after the other over the training: small ones teach most
            of it in a fraction of the time. Empty to let the time decide.
        resize: How a photo becomes a square.
        mirror: Whether the saved model takes the mean of each photo and its mirror image, for twice the time.
        network: The network.
        augment: How photos are varied; `crop` is 0 to let the number of epochs decide.
        loop: How the loop goes; `epochs` is 0 to let the time decide, `batch_size` is 0 to let photos and machine
            decide, and `learning_rate` is then that of batches of 128, `muon_rate` that of 2,000 steps.
    """

    image_size: int = 0
    sides: tuple[int, ...] = ()
    resize: ResizeRule = "squash"
    mirror: bool = True
    network: ResnetArchitecture = field(default_factory=ResnetArchitecture)
    augment: AugmentSettings = _AUGMENT
    loop: LoopSettings = _LOOP

    def __post_init__(self) -> None:
        for side in (self.image_size or STANDARD_SIDE, *self.sides):
            if not 8 <= side <= MAX_IMAGE_SIZE:
                raise SettingsError(f"image_size and sides must be from 8 to {MAX_IMAGE_SIZE}, not {side}")
        check_resize(self.resize)

    def with_pictures_for(self, epochs: float) -> "ResnetSettings":
        """Return the recipe with sizes and crops, where none are set.

        Args:
            epochs: As many as there is time for, in pictures of `STANDARD_SIDE`. The fewer, the smaller the pictures,
                and the larger the part of a photo that each shows: seen a few times, it need not look new each time.
        """
        _, sides, image_size = next(row for row in _PICTURES if epochs >= row[0])
        crop = round(min(0.65, max(0.2, 0.65 - 0.274 * math.log2(max(epochs, 1) / 16))), 2)
        return replace(
            self,
            image_size=self.image_size or image_size,
            sides=self.sides or sides,
            augment=replace(self.augment, crop=self.augment.crop or crop),
        )

    def with_epochs_for(self, timed: bool) -> "ResnetSettings":
        """Return the recipe with a number of epochs, where none is set; where time is limited, it is the most."""
        epochs = self.loop.epochs or (MOST_EPOCHS if timed else USUAL_EPOCHS)
        return replace(self, loop=replace(self.loop, epochs=epochs))

    def with_steps_for(self, photos: int, epochs: float, device: str) -> "ResnetSettings":
        """Return the recipe with batch size and rates, where no size is set: of few photos small ones, for more steps.

        Args:
            photos: That train.
            epochs: As many as there is time for, in pictures of `STANDARD_SIDE`.
            device: What computes: a GPU is idle while it waits for small batches, a processor is not.
        """
        if self.loop.batch_size:
            return self
        most = _STANDARD_BATCH if device == "cpu" else 2 * _STANDARD_BATCH
        batch_size = min(most, max(16, 2 ** int(math.log2(max(1, photos // _LEAST_STEPS)))))
        # Larger batches make Adam's steps surer, not longer (Malladi et al., 2022).
        rate = math.sqrt(batch_size / _STANDARD_BATCH) * self.loop.learning_rate
        # A kernel's turns add up as a random walk does, with the root of their number: a training gets equally far.
        steps = max(_FEWEST_STEPS, epochs * photos / batch_size)
        muon_rate = math.sqrt(_STANDARD_STEPS / steps) * self.loop.muon_rate
        return replace(self, loop=replace(self.loop, batch_size=batch_size, learning_rate=rate, muon_rate=muon_rate))
