"""Optimizer, learning-rate schedule, exponential moving average (EMA) of the weights, and weight interpolation."""

import copy
import math
from itertools import compress
from typing import Any

import torch
from torch import Tensor, nn

from photoclass.training.loop.muon import Muon
from photoclass.training.recipes.loop_settings import LoopSettings


def optimizer_for(network: nn.Module, settings: LoopSettings) -> torch.optim.Optimizer:
    """Return an optimizer for the trainable weights of a network: Adam, or Muon and Adam."""
    trainable = [p for p in network.parameters() if p.requires_grad]
    kernels = [p for p in trainable if p.ndim == 4 and settings.muon_rate]
    others = [p for p in trainable if not (p.ndim == 4 and settings.muon_rate)]
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
    """Set the learning rates for a step by the schedule.

    Args:
        optimizer: From `optimizer_for`.
        settings: Has the schedule and the peak rates.
        done: Share of the whole training that is done, from 0 to 1.
    """
    factor = _schedule_factor(settings, done)
    for group in optimizer.param_groups:
        group["lr"] = factor * (settings.muon_rate if "momentum" in group else settings.learning_rate)


def _schedule_factor(settings: LoopSettings, done: float) -> float:
    if settings.schedule == "constant":
        return 1.0
    if done < settings.warm_up:
        return done / settings.warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (done - settings.warm_up) / (1 - settings.warm_up))


@torch.no_grad()
def interpolate_with_initial(network: nn.Module, initial: dict[str, Tensor], share: float) -> nn.Module:
    """Return a copy of a network with its weights interpolated linearly with the initial ones (WiSE-FT).

    After Wortsman et al., "Robust fine-tuning of zero-shot models", 2022, https://arxiv.org/abs/2109.01903.

    Args:
        network: After fine-tuning; stays as it is.
        initial: Its initial weights by name.
        share: Weight of the initial weights, from 0 to 1.
    """
    mixed = copy.deepcopy(network)
    for name, weights in mixed.named_parameters():
        weights.lerp_(initial[name].to(weights.device), share)
    return mixed


@torch.no_grad()
def update_ema(ema: nn.Module, network: nn.Module, decay: float, steps: int) -> None:
    """Update the exponential moving average of a network's weights; the first steps count more.

    Args:
        ema: The network that holds the averages; begins as a copy of `network`.
        network: The network in training.
        decay: Decay per step; lower in the first steps, so that the initial weights are soon forgotten.
        steps: Steps taken so far, this one included.
    """
    share = 1 - min(decay, (1 + steps) / (10 + steps))
    averaged = [p.requires_grad for p in network.parameters()]
    # The running statistics of batch normalisation were produced by the weights, so they are averaged along with them.
    averaged += [buffer.is_floating_point() for buffer in network.buffers()]
    means, values = ([*module.parameters(), *module.buffers()] for module in (ema, network))
    torch._foreach_lerp_(list(compress(means, averaged)), list(compress(values, averaged)), share)
    for kept, buffer in zip(ema.buffers(), network.buffers(), strict=True):
        if not buffer.is_floating_point():
            kept.copy_(buffer)
