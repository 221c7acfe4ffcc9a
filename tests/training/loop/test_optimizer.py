"""Learning-rate schedule, weight decay, exponential moving ema (EMA) and interpolation of weights."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from photoclass.errors import SettingsError
from photoclass.training.loop.optimizer import interpolate_with_initial, optimizer_for, set_learning_rate, update_ema
from photoclass.training.recipes.loop_settings import LoopSettings


def _rate(done: float, **settings: object) -> float:
    chosen = LoopSettings(learning_rate=0.4, **settings)  # type: ignore[arg-type]
    optimizer = optimizer_for(nn.Linear(2, 2), chosen)
    set_learning_rate(optimizer, chosen, done)
    (rate,) = {group["lr"] for group in optimizer.param_groups}
    return float(rate)


def test_one_cycle_rises_linearly_and_falls_as_a_cosine() -> None:
    rates = [_rate(done, schedule="one-cycle", warm_up=0.2) for done in (0, 0.1, 0.2, 0.6, 1)]
    assert rates == pytest.approx([0, 0.2, 0.4, 0.2, 0], abs=1e-12)


@given(done=st.floats(0, 1), warm_up=st.floats(0, 0.99))
def test_no_rate_is_negative_or_above_the_peak(done: float, warm_up: float) -> None:
    assert 0 <= _rate(done, schedule="one-cycle", warm_up=warm_up) <= 0.4
    assert _rate(done) == 0.4


def test_weights_decay_and_biases_do_not() -> None:
    network = nn.Linear(3, 2)
    with torch.no_grad():
        network.weight.fill_(1)
        network.bias.fill_(1)
    settings = LoopSettings(learning_rate=0.1, weight_decay=0.5)
    optimizer = optimizer_for(network, settings)
    for weights in network.parameters():
        weights.grad = torch.zeros_like(weights)
    optimizer.step()
    assert network.weight[0, 0].item() == pytest.approx(0.95)
    assert network.bias[0].item() == 1


def test_frozen_weights_are_not_optimized() -> None:
    network = nn.Linear(3, 2)
    network.weight.requires_grad_(False)
    optimized = [p for group in optimizer_for(network, LoopSettings()).param_groups for p in group["params"]]
    assert len(optimized) == 1 and optimized[0] is network.bias


def test_the_ema_soon_forgets_the_initial_weights_and_then_follows_slowly() -> None:
    network, ema = nn.Linear(1, 1), nn.Linear(1, 1)
    with torch.no_grad():
        network.weight.fill_(1)
        ema.weight.fill_(0)
    update_ema(ema, network, 0.9, steps=1)
    assert ema.weight.item() == pytest.approx(1 - 2 / 11)
    with torch.no_grad():
        ema.weight.fill_(0)
    update_ema(ema, network, 0.9, steps=10_000)
    assert ema.weight.item() == pytest.approx(0.1)


def test_the_ema_emas_running_statistics_like_weights() -> None:
    network = nn.BatchNorm1d(2)
    ema = copy.deepcopy(network)
    network(torch.randn(8, 2) + 5)
    update_ema(ema, network, 0.75, steps=10_000)
    torch.testing.assert_close(ema.running_mean, network.running_mean / 4)  # type: ignore[operator]
    assert ema.num_batches_tracked == network.num_batches_tracked == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schedule": "cosine"}, "constant or one-cycle"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"warm_up": -0.1}, "warm_up"),
        ({"weight_decay": -1.0}, "weight_decay"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        LoopSettings(**changes)  # type: ignore[arg-type]


def test_weights_are_interpolated_with_the_initial_ones() -> None:
    network = nn.Linear(1, 1)
    initial = {"weight": torch.zeros(1, 1), "bias": torch.ones(1)}
    with torch.no_grad():
        network.weight.fill_(1)
        network.bias.fill_(5)
    mixed = interpolate_with_initial(network, initial, 0.25)
    assert (mixed.weight.item(), mixed.bias.item()) == (0.75, 4.0)  # type: ignore[operator, union-attr]
    assert network.weight.item() == 1, "the network in training is not changed"
