"""How weights move: Adam or Muon, the rate at each moment of the training, and the exponential moving average (EMA) of the weights."""

import copy
import math
from itertools import compress
from typing import Any

import torch
from torch import Tensor, nn

from photoclass.training.loop.muon import Muon
from photoclass.training.recipes.loop_settings import LoopSettings


def optimizer_for(network: nn.Module, settings: LoopSettings) -> torch.optim.Optimizer:
    """Return the optimizer for those weights of a network that learn."""
    learning = [p for p in network.parameters() if p.requires_grad]
    kernels = [p for p in learning if p.ndim == 4 and settings.muon_rate]
    others = [p for p in learning if not (p.ndim == 4 and settings.muon_rate)]
    groups = [
        {"params": [p for p in others if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in others if p.ndim <= 1], "weight_decay": 0.0},
    ]
    betas = (settings.adam_beta1, settings.adam_beta2)
    adam: dict[str, Any] = {"lr": settings.learning_rate, "betas": betas, "eps": settings.adam_epsilon, "fused": True}
    if not kernels:
        return torch.optim.AdamW(groups, **adam)
    return Muon(kernels, settings.muon_rate, settings.muon_momentum, groups, **adam)


def set_learning_rate(optimizer: torch.optim.Optimizer, settings: LoopSettings, done: float) -> None:
    """Set the rates for a step.

    Args:
        optimizer: Of `optimizer_for`.
        settings: The schedule.
        done: Share of the whole training that lies behind, from 0 to 1.
    """
    share = _share_of_rate(settings, done)
    for group in optimizer.param_groups:
        group["lr"] = share * (settings.muon_rate if "momentum" in group else settings.learning_rate)


def _share_of_rate(settings: LoopSettings, done: float) -> float:
    if settings.schedule == "constant":
        return 1.0
    if done < settings.warm_up:
        return done / settings.warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (done - settings.warm_up) / (1 - settings.warm_up))


@torch.no_grad()
def interpolate_with_initial(network: nn.Module, start: dict[str, Tensor], share: float) -> nn.Module:
    """Return a copy of a network with weights between its own and those at the start."""
    mixed = copy.deepcopy(network)
    for name, weights in mixed.named_parameters():
        weights.lerp_(start[name].to(weights.device), share)
    return mixed


@torch.no_grad()
def update_ema(average: nn.Module, network: nn.Module, decay: float, steps: int) -> None:
    """Move the exponential moving average towards the network's weights; in the first steps faster, so that it forgets the start.

    Args:
        average: The mean; a copy of the network at the start.
        network: What learns.
        decay: How much of the mean stays.
        steps: Steps taken so far, this one included.
    """
    share = 1 - min(decay, (1 + steps) / (10 + steps))
    moved = [p.requires_grad for p in network.parameters()]
    # What a normalisation has seen belongs to the weights that made it, so it is averaged as they are.
    moved += [buffer.is_floating_point() for buffer in network.buffers()]
    means, values = ([*module.parameters(), *module.buffers()] for module in (average, network))
    torch._foreach_lerp_(list(compress(means, moved)), list(compress(values, moved)), share)  # all in one call
    for kept, buffer in zip(average.buffers(), network.buffers(), strict=True):
        if not buffer.is_floating_point():
            kept.copy_(buffer)
