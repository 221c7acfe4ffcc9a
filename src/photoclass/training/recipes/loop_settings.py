"""How a network is trained step by step: the settings that all recipes with a training loop share."""

from dataclasses import dataclass
from typing import Literal

from photoclass.errors import SettingsError

Schedule = Literal["constant", "one-cycle"]


@dataclass(frozen=True)
class LoopSettings:
    """How a network is trained step by step.

    Attributes:
        batch_size: Photos in a step; 0 where a recipe chooses it, and the learning rate with it.
        even_batches: Divide an epoch into batches of nearly equal size, so that none is small: batch normalisation
            goes wrong on a few photos. Otherwise the last batch has the remainder.
        epochs: Passes over the training photos, at most; 0 where a recipe chooses.
        patience: Epochs without a lower val_loss after which training stops early.
        learning_rate: Adam's step size (Kingma and Ba, 2015, "Adam: A Method for Stochastic Optimization",
            https://arxiv.org/abs/1412.6980); the peak, if there is a schedule.
        muon_rate: Muon's step size for the kernels of convolutions (see `muon.py`): the angle of an update, in
            radians; the peak, if there is a schedule. 0 to train them by Adam too.
        muon_momentum: Decay of Muon's running mean of gradients.
        schedule: `constant`; or `one-cycle` (Smith and Topin, 2018, "Super-Convergence",
            https://arxiv.org/abs/1708.07120): a linear warm-up, then a cosine decay to zero at the end of the last
            epoch.
        warm_up: Share of the training that is warm-up in `one-cycle`.
        weight_decay: Decoupled weight decay, as a share of the learning rate; not for biases (Loshchilov and Hutter,
            2019, "Decoupled Weight Decay Regularization", https://arxiv.org/abs/1711.05101).
        ema_decay: Decay per step of the exponential moving average (EMA) of the weights, which is then what is scored
            and kept; 0 for the weights themselves.
        initial_weights_share: Share of the initial weights in those that are scored and kept (WiSE-FT: Wortsman et
            al., 2022, "Robust fine-tuning of zero-shot models", https://arxiv.org/abs/2109.01903). It keeps what a
            pretrained network knew and a few thousand photos do not teach.
        adam_beta1: Decay of the running mean of gradients.
        adam_beta2: Decay of the running mean of squared gradients.
        adam_epsilon: Keras's default; torch's is 1e-8.
        label_smoothing: Share of each label that is spread evenly over all classes in training (Szegedy et al., 2016,
            "Rethinking the Inception Architecture", https://arxiv.org/abs/1512.00567); calibration undoes its effect
            on probabilities.
        calibrate: Fit a temperature to the validation photos, and compare epochs by the loss after it.
    """

    batch_size: int = 16
    even_batches: bool = False
    epochs: int = 50
    patience: int = 5
    learning_rate: float = 1e-3
    muon_rate: float = 0.0
    muon_momentum: float = 0.9
    schedule: Schedule = "constant"
    warm_up: float = 0.2
    weight_decay: float = 0.0
    ema_decay: float = 0.0
    initial_weights_share: float = 0.0
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-7
    label_smoothing: float = 0.0
    calibrate: bool = False

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch_size) < 0 or self.patience < 1:
            raise SettingsError("batch_size, epochs and patience must be at least 1")
        if not (self.learning_rate > 0 and self.adam_epsilon > 0 and min(self.weight_decay, self.muon_rate) >= 0):
            raise SettingsError("learning_rate and adam_epsilon must be above 0, weight_decay and muon_rate 0 or above")
        shares = (
            "adam_beta1",
            "adam_beta2",
            "muon_momentum",
            "ema_decay",
            "initial_weights_share",
            "warm_up",
            "label_smoothing",
        )
        if not all(0 <= getattr(self, name) < 1 for name in shares):
            raise SettingsError(f"{', '.join(shares[:-1])} and {shares[-1]} must be at least 0 and less than 1")
        if self.schedule not in ("constant", "one-cycle"):
            raise SettingsError(f"schedule is {self.schedule!r}; it must be constant or one-cycle")


def refuse_zeros(**values: float) -> None:
    """Refuse 0 where it would let a recipe choose, for a recipe that does not.

    Raises:
        SettingsError: One of the values is 0.
    """
    for name, value in values.items():
        if not value:
            raise SettingsError(f"{name} is 0; it must be above 0")
