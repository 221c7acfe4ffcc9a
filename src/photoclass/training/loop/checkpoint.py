"""Checkpoints: everything that a run needs to resume as if it had never stopped, in one file that contains no code.

`resume/checkpoint.safetensors` holds the network, the optimizer, the EMA and the best weights, and the validation
logits of each epoch as tensors; the counters are JSON in its header. The file is replaced by a rename, so that after a
kill the last saved one is complete. Random generators need no state, since each epoch and step has its own seed.
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
from photoclass.model.folder import Epoch
from photoclass.training.run_folder import checkpoint_path

_FORMAT = "photoclass checkpoint 5"
_MAX_BYTES = 16 << 30


@dataclass
class TrainingState:
    """The state of a training between two steps.

    Attributes:
        network: The network in training.
        optimizer: Its optimizer, with the moving averages of the gradients.
        ema: The exponential moving average of its weights, if one is kept.
        initial: The initial weights by name, if they are needed for interpolation.
        epoch: The current epoch, from 0.
        done: Share of the whole training done before that epoch, from 0 to 1.
        share: Share of the whole training that this epoch makes up; 0 until it is planned.
        step: The next batch of the epoch.
        loss_sum: Sum of the losses of the photos seen in this epoch.
        correct: How many of them the network classified correctly.
        seen: Number of photos seen in this epoch.
        epoch_seconds: Training time spent in it.
        elapsed_seconds: Time spent in total.
        history: The finished epochs.
        valid_logits: For each of them, the logits of a fixed set of validation photos, shape (n, K), float32; fewer
            entries if photos were exchanged in between.
        best_weights: Weights of the scored network after the epoch with the lowest val_loss.
        stopped: Why training ended; empty while it has not.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    ema: nn.Module | None = None
    initial: dict[str, Tensor] = field(default_factory=dict)
    epoch: int = 0
    done: float = 0.0
    share: float = 0.0
    step: int = 0
    loss_sum: float = 0.0
    correct: int = 0
    seen: int = 0
    epoch_seconds: float = 0.0
    elapsed_seconds: float = 0.0
    history: list[Epoch] = field(default_factory=list)
    valid_logits: list[Tensor] = field(default_factory=list)
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    stopped: str = ""

    def share_done(self, photos: int) -> float:
        """Return the share of the whole training that is done, from 0 to 1, with `photos` in an epoch."""
        return min(1.0, self.done + self.share * self.seen / photos)

    def epochs_planned(self, most: int) -> int:
        """Return the number of epochs that the current plan comes to, up to `most`."""
        return min(most, self.epoch + math.ceil((1 - self.done) / self.share - 1e-6)) if self.share else most

    def start_epoch(self, epoch: int) -> None:
        """Reset the counters for a new epoch."""
        self.epoch, self.step, self.loss_sum, self.correct, self.seen, self.epoch_seconds = epoch, 0, 0.0, 0, 0, 0.0
        self.share = 0.0


_COUNTERS = (
    "epoch",
    "done",
    "share",
    "step",
    "loss_sum",
    "correct",
    "seen",
    "epoch_seconds",
    "elapsed_seconds",
    "stopped",
)


def save_checkpoint(folder: Path, state: TrainingState, identity: dict[str, Any]) -> None:
    """Write the checkpoint, whole or not at all.

    Args:
        folder: The run's folder.
        state: The state of the training.
        identity: What must be equal for the run to be resumed: data, settings, seed.
    """
    tensors = {f"network.{name}": value for name, value in state.network.state_dict().items()}
    if state.ema is not None:
        tensors |= {f"ema.{name}": value for name, value in state.ema.state_dict().items()}
    tensors |= {f"initial.{name}": value for name, value in state.initial.items()}
    tensors |= {f"best.{name}": value for name, value in state.best_weights.items()}
    if state.valid_logits:
        tensors["valid_logits"] = torch.stack(state.valid_logits)
    for number, values in state.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in values.items()}
    counters = {name: getattr(state, name) for name in _COUNTERS}
    counters["history"] = [dataclasses.asdict(row) for row in state.history]
    header = {"format": _FORMAT, "identity": json.dumps(identity), "state": json.dumps(counters)}
    # Written by way of bytes: safetensors' own writer raises no OSError when the disk is full.
    content = safetensors.torch.save({n: t.detach().cpu().contiguous() for n, t in tensors.items()}, header)
    write_bytes(checkpoint_path(folder), content)


def read_identity(folder: Path) -> dict[str, Any]:
    """Read the identity of the checkpoint's run: its data, settings and seed.

    Raises:
        TrainingError: There is no checkpoint, or it is damaged.
    """
    try:
        identity: dict[str, Any] = json.loads(_read(folder)[0]["identity"])
    except (KeyError, ValueError) as error:
        raise TrainingError(f"{checkpoint_path(folder)}: damaged ({error}); train again") from error
    return identity


def load_checkpoint(folder: Path, state: TrainingState) -> None:
    """Load the checkpoint into a new state.

    Raises:
        TrainingError: There is no checkpoint, it is damaged, or it does not fit the network.
    """
    header, tensors = _read(folder)
    try:
        counters = json.loads(header["state"])
        state.history = [Epoch(**row) for row in counters.pop("history")]
        for name in _COUNTERS:
            setattr(state, name, counters[name])
        state.network.load_state_dict(_with_prefix("network.", tensors))
        if state.ema is not None:
            state.ema.load_state_dict(_with_prefix("ema.", tensors))
        state.initial = _with_prefix("initial.", tensors)
        state.best_weights = _with_prefix("best.", tensors)
        state.valid_logits = list(tensors["valid_logits"]) if "valid_logits" in tensors else []
        optimizer = state.optimizer.state_dict()
        numbered: dict[int, dict[str, Tensor]] = {}
        for name, value in _with_prefix("optimizer.", tensors).items():
            number, _, part = name.partition(".")
            numbered.setdefault(int(number), {})[part] = value
        state.optimizer.load_state_dict({**optimizer, "state": numbered})
        _match_memory_layout(state.optimizer)
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise TrainingError(f"{checkpoint_path(folder)}: does not fit this training ({reason}); train again") from error


def _match_memory_layout(optimizer: torch.optim.Optimizer) -> None:
    """Give the optimizer's moving averages the memory layout of their parameters.

    The checkpoint stores them contiguously, while the network's convolutions are channels-last. The fused Adam walks
    through both by address: with different layouts, each average would update another weight.
    """
    for parameter, values in optimizer.state.items():
        for name in values.keys() - {"step"}:
            if values[name].shape != parameter.shape:
                raise ValueError(f"the optimizer's {name} and its weights differ in shape")
            values[name] = torch.empty_like(parameter, requires_grad=False).copy_(values[name])


def _read(folder: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    path = checkpoint_path(folder)
    if not path.is_file():
        raise TrainingError(f"{folder}: has no checkpoint to resume from; leave out --resume to start from scratch")
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


def _with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
