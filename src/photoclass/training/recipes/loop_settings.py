"""How the loop goes: the numbers of every recipe whose network learns step by step."""

from dataclasses import dataclass
from typing import Literal

from photoclass.errors import SettingsError

Schedule = Literal["constant", "one-cycle"]


@dataclass(frozen=True)
class LoopSettings:
    """How the loop goes.

    Attributes:
        batch_size: Photos in a step; 0 where a recipe chooses it, and the learning rate with it.
        even_batches: Divide an epoch into batches of nearly one size, so that none is small: a network that normalises
            by batches learns wrongly from a few photos. Otherwise the last batch has what is left.
        epochs: Passes over the training photos, at most; 0 where a recipe chooses.
        patience: Epochs without a lower val_loss after which training stops.
        learning_rate: Adam's (Kingma and Ba, 2015) step size; the highest, if it changes.
        muon_rate: How far Muon (`muon.py`) turns the kernels of convolutions in a step, in radians; the highest,
            if it changes. 0 for Adam there, too.
        muon_momentum: Decay of Muon's mean of gradients.
        schedule: `constant`; or `one-cycle` (Smith and Topin, 2018): up in a line, then down as a cosine, to zero at
            the end of the last epoch.
        warm_up: Share of the training in which `one-cycle` goes up.
        weight_decay: Share of the learning rate by which weights, but no biases, shrink in each step (Loshchilov and
            Hutter, 2019).
        ema_decay: Decay, in each step, of the exponential moving average (EMA) of the weights, which then is what is scored and kept; 0 for
            the weights themselves.
        initial_weights_share: Share of the weights at the start in those that are scored and kept (Wortsman et al., 2022): what a
            pretrained network knew and a few thousand photos do not teach is kept.
        adam_beta1: Decay of the mean of gradients.
        adam_beta2: Decay of the mean of their squares.
        adam_epsilon: Keras's value; torch's own is 1e-8.
        label_smoothing: Share of each label that is spread evenly over all classes in training (Szegedy et al., 2016);
            calibration undoes what it does to probabilities.
        calibrate: Judge epochs by the loss that is left after calibration: what the saved model will have.
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
