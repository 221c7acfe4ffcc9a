"""Settings of the recipe `resnet`, and how it chooses some of them by the time budget, the photos and the device."""

import math
from dataclasses import dataclass, field, replace

from photoclass.errors import SettingsError
from photoclass.networks.resnet_architecture import ResnetArchitecture
from photoclass.photos.decode_settings import MAX_IMAGE_SIZE, ResizeRule, check_resize
from photoclass.training.recipes.augment_settings import AugmentSettings
from photoclass.training.recipes.loop_settings import LoopSettings

# For at least so many epochs: the sides of training pictures, and the side of the saved model's input. Objects look
# smaller in whole photos than in random crops, so a larger input suits the network (Touvron et al., 2019, "Fixing the
# train-test resolution discrepancy", https://arxiv.org/abs/1906.06423).
_PICTURES = (
    (30, (64, 80, 96, 112), 144),
    (12, (48, 64, 80, 96, 112), 128),
    (5, (48, 64, 80), 96),
    (0, (32, 48, 64), 80),
)
STANDARD_SIDE = 96  # a photo costs about as much on average, in a long training
_LEAST_STEPS = 32  # per epoch, if there are enough photos
_STANDARD_BATCH, _STANDARD_STEPS = 128, 2000
_FEWEST_STEPS = 250  # with fewer, the angle of a step no longer grows: 0.08 radians are the most that was tried
USUAL_EPOCHS, MOST_EPOCHS = 44, 300  # without a time budget, and with one

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
    """A residual network from scratch, for photos that pretrained backbones have not seen anything like.

    Attributes:
        image_size: Side of the saved model's square input, in pixels; 0 to choose it by the time budget.
        sides: Sides of the training pictures, from the first part of the training to the last (progressive resizing):
            small pictures teach most in a fraction of the time. Empty to choose them by the time budget.
        resize: How a photo becomes a square.
        mirror: Test-time augmentation: the saved model averages over each photo and its mirror image, in twice the
            time.
        network: The architecture.
        augment: How photos are augmented; `crop` is 0 to choose it by the number of epochs.
        loop: How the network is trained; `epochs` is 0 to choose them by the time budget. `batch_size` is 0 to choose
            it by photos and device: `learning_rate` is then for batches of 128, `muon_rate` for 2,000 steps.
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
        """Return the settings with the sizes of pictures and the crop chosen, unless they are set.

        Args:
            epochs: How many the time budget allows, at pictures of `STANDARD_SIDE`. With fewer epochs the pictures are
                smaller and the crops larger: a photo that is seen a few times needs less variety.
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
        """Return the settings with the number of epochs chosen, unless it is set; the maximum with a time budget."""
        epochs = self.loop.epochs or (MOST_EPOCHS if timed else USUAL_EPOCHS)
        return replace(self, loop=replace(self.loop, epochs=epochs))

    def with_steps_for(self, photos: int, epochs: float, device: str) -> "ResnetSettings":
        """Return the settings with batch size and rates chosen, unless the size is set: few photos, small batches.

        Args:
            photos: Number of training photos.
            epochs: How many the time budget allows, at pictures of `STANDARD_SIDE`.
            device: A GPU idles between small batches, a CPU does not.
        """
        if self.loop.batch_size:
            return self
        most = _STANDARD_BATCH if device == "cpu" else 2 * _STANDARD_BATCH
        batch_size = min(most, max(16, 2 ** int(math.log2(max(1, photos // _LEAST_STEPS)))))
        # Adam's step size scales with the square root of the batch size (Malladi et al., 2022, "On the SDEs and Scaling
        # Rules for Adaptive Gradient Algorithms", https://arxiv.org/abs/2205.10287).
        rate = math.sqrt(batch_size / _STANDARD_BATCH) * self.loop.learning_rate
        # The rotations of a kernel add up like a random walk, with the square root of their number: short and long
        # trainings then rotate it equally far.
        steps = max(_FEWEST_STEPS, epochs * photos / batch_size)
        muon_rate = math.sqrt(_STANDARD_STEPS / steps) * self.loop.muon_rate
        return replace(self, loop=replace(self.loop, batch_size=batch_size, learning_rate=rate, muon_rate=muon_rate))
