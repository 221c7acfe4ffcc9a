"""The checkpoint: all that a run needs to go on as if it had never stopped, in one file that holds no code.

`resume/checkpoint.safetensors` carries the network, the optimizer, the mean and the best weights, and what each epoch
said of the validation photos, as tensors, and the counters as JSON in its header. One file, replaced by a rename:
after a kill the last one saved is whole. Randomness needs no state, since every epoch and step draws from seeds of its
own.
"""

import dataclasses
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from photoclass.atomic import write_bytes
from photoclass.errors import TrainingError
from photoclass.training.run import checkpoint_path
from photoclass.training.stopping import EpochRow

_FORMAT = "photoclass checkpoint 4"
_MAX_BYTES = 16 << 30


@dataclass
class TrainingState:
    """Where a training stands.

    Attributes:
        network: Learns.
        optimizer: Moves its weights, with the running means of their gradients.
        average: The exponential moving average of its weights, where one is kept.
        start: The weights at the start, where they are wanted.
        epoch: The epoch under way, from 0.
        done: Share of the whole training that lies behind that epoch, from 0 to 1.
        share: What that epoch is of the whole training; 0 until it is planned.
        step: The next batch in it.
        loss_sum: Sum of the losses of the photos seen in it.
        right: How many of them the network classified correctly.
        seen: How many they are.
        epoch_seconds: Training time spent in it.
        elapsed_seconds: Time spent in all.
        history: The epochs done.
        valid_logits: Of each of them, the logits of the validation photos that are kept, shape (n, K), float32; fewer
            where photos were exchanged in between.
        best_weights: The scored network's weights after the epoch with the lowest val_loss.
        stopped: Why training ended; empty while it has not.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    average: nn.Module | None = None
    start: dict[str, Tensor] = field(default_factory=dict)
    epoch: int = 0
    done: float = 0.0
    share: float = 0.0
    step: int = 0
    loss_sum: float = 0.0
    right: int = 0
    seen: int = 0
    epoch_seconds: float = 0.0
    elapsed_seconds: float = 0.0
    history: list[EpochRow] = field(default_factory=list)
    valid_logits: list[Tensor] = field(default_factory=list)
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    stopped: str = ""

    def behind(self, photos: int) -> float:
        """Return the share of the whole training that lies behind, from 0 to 1; `photos` are in an epoch."""
        return min(1.0, self.done + self.share * self.seen / photos)

    def epochs_planned(self, most: int) -> int:
        """Return how many epochs there will be as things stand, up to `most`."""
        return min(most, self.epoch + math.ceil((1 - self.done) / self.share - 1e-6)) if self.share else most

    def start_epoch(self, epoch: int) -> None:
        """Set the counters to the start of an epoch."""
        self.epoch, self.step, self.loss_sum, self.right, self.seen, self.epoch_seconds = epoch, 0, 0.0, 0, 0, 0.0
        self.share = 0.0


_COUNTERS = (
    "epoch",
    "done",
    "share",
    "step",
    "loss_sum",
    "right",
    "seen",
    "epoch_seconds",
    "elapsed_seconds",
    "stopped",
)


def save_checkpoint(folder: Path, state: TrainingState, identity: dict[str, Any]) -> None:
    """Write the checkpoint, whole or not at all.

    Args:
        folder: The run's folder.
        state: Where the training stands.
        identity: What must be the same for the run to go on: data, settings, seed.
    """
    tensors = {f"network.{name}": value for name, value in state.network.state_dict().items()}
    if state.average is not None:
        tensors |= {f"average.{name}": value for name, value in state.average.state_dict().items()}
    tensors |= {f"start.{name}": value for name, value in state.start.items()}
    tensors |= {f"best.{name}": value for name, value in state.best_weights.items()}
    if state.valid_logits:
        tensors["valid_logits"] = torch.stack(state.valid_logits)
    for number, values in state.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in values.items()}
    counters = {name: getattr(state, name) for name in _COUNTERS}
    counters["history"] = [dataclasses.asdict(row) for row in state.history]
    header = {"format": _FORMAT, "identity": json.dumps(identity), "state": json.dumps(counters)}
    # By way of bytes: safetensors' own writer has an error of its own for a full disk.
    content = safetensors.torch.save({n: t.detach().cpu().contiguous() for n, t in tensors.items()}, header)
    write_bytes(checkpoint_path(folder), content)


def read_identity(folder: Path) -> dict[str, Any]:
    """Read what the checkpoint's run was about.

    Raises:
        TrainingError: There is no checkpoint, or it is damaged.
    """
    try:
        identity: dict[str, Any] = json.loads(_read(folder)[0]["identity"])
    except (KeyError, ValueError) as error:
        raise TrainingError(f"{checkpoint_path(folder)}: damaged ({error}); train again") from error
    return identity


def load_checkpoint(folder: Path, state: TrainingState) -> None:
    """Put the checkpoint's content into a fresh state.

    Raises:
        TrainingError: There is no checkpoint, it is damaged, or it does not fit the network.
    """
    header, tensors = _read(folder)
    try:
        counters = json.loads(header["state"])
        state.history = [EpochRow(**row) for row in counters.pop("history")]
        for name in _COUNTERS:
            setattr(state, name, counters[name])
        state.network.load_state_dict(_below("network.", tensors))
        if state.average is not None:
            state.average.load_state_dict(_below("average.", tensors))
        state.start = _below("start.", tensors)
        state.best_weights = _below("best.", tensors)
        state.valid_logits = list(tensors["valid_logits"]) if "valid_logits" in tensors else []
        optimizer = state.optimizer.state_dict()
        numbered: dict[int, dict[str, Tensor]] = {}
        for name, value in _below("optimizer.", tensors).items():
            number, _, part = name.partition(".")
            numbered.setdefault(int(number), {})[part] = value
        state.optimizer.load_state_dict({**optimizer, "state": numbered})
        _lay_like_parameters(state.optimizer)
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise TrainingError(f"{checkpoint_path(folder)}: does not fit this training ({reason}); train again") from error


def _lay_like_parameters(optimizer: torch.optim.Optimizer) -> None:
    """Lay the optimizer's means in memory as their parameters lie there.

    The checkpoint has them row by row, the network its convolutions channels last, and the fused Adam goes through
    both by address: laid otherwise, each mean would move another weight.
    """
    for parameter, values in optimizer.state.items():
        for name in values.keys() - {"step"}:
            if values[name].shape != parameter.shape:
                raise ValueError(f"the optimizer's {name} has another shape than its weights")
            values[name] = torch.empty_like(parameter, requires_grad=False).copy_(values[name])


def _read(folder: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    path = checkpoint_path(folder)
    if not path.is_file():
        raise TrainingError(f"{folder}: there is no checkpoint to resume from; leave out --resume to start")
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise TrainingError(f"{path}: larger than any checkpoint of photoclass; train again")
        with safetensors.safe_open(path, framework="pt") as opened:
            header = opened.metadata() or {}
            if header.get("format") != _FORMAT:
                raise TrainingError(f"{path}: not written by this version of photoclass; train again")
            return header, {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise TrainingError(f"{path}: damaged ({error}); train again") from error


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
