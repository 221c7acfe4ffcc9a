"""Muon: orthogonalised gradients, kernels rotated with their norm kept, and AdamW for everything else."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from photoclass.training.loop.muon import Muon, newton_schulz
from photoclass.training.loop.optimizer import optimizer_for
from photoclass.training.recipes.loop_settings import LoopSettings

_RATE = 0.03


def _matrix(rows: int, columns: int, singular_values: Tensor, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return U, V and the matrix U S V^T with these singular values."""
    generator = torch.Generator().manual_seed(seed)
    rank = len(singular_values)
    left, right = (
        torch.linalg.qr(torch.randn(side, rank, generator=generator, dtype=torch.float64))[0]
        for side in (rows, columns)
    )
    return left, right, (left * singular_values) @ right.T


def _network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 1))


def _train(network: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 1) -> None:
    images = torch.rand(5, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    for _ in range(steps):
        optimizer.zero_grad()
        network(images).square().sum().backward()
        optimizer.step()


@settings(deadline=None, max_examples=40)
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 60),
    spread=st.floats(1, 30),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
    seed=st.integers(0, 999),
)
def test_newton_schulz_keeps_singular_vectors_and_brings_singular_values_near_one(
    rows: int, columns: int, spread: float, scale: float, seed: int
) -> None:
    values = torch.logspace(0, -math.log10(spread), min(rows, columns), dtype=torch.float64)
    left, right, matrix = _matrix(rows, columns, values * scale, seed)
    rotated = left.T @ newton_schulz(matrix.float()).double() @ right
    diagonal = rotated.diagonal()
    assert rotated.shape == (len(values), len(values))
    assert float((rotated - diagonal.diag()).abs().max()) < 1e-3
    assert 0.6 < float(diagonal.min()) <= float(diagonal.max()) < 1.3


def test_an_update_rotates_kernels_by_at_most_the_rate_and_keeps_their_norm() -> None:
    network = _network()
    kernel = network[0].weight.detach()
    before = kernel.clone()
    _train(network, optimizer_for(network, LoopSettings(muon_rate=_RATE)))
    assert float(kernel.norm()) == pytest.approx(float(before.norm()), rel=1e-6)
    cosine = float((kernel * before).sum() / (kernel.norm() * before.norm()))
    # An update orthogonal to the kernel rotates it by its full length; one parallel to it, not at all.
    assert 0.3 * _RATE < math.acos(cosine) <= 1.01 * _RATE


def test_everything_but_kernels_is_updated_as_by_adamw() -> None:
    settings = LoopSettings(learning_rate=0.1, weight_decay=0.5, muon_rate=_RATE)
    ours, plain = _network(), _network()
    _train(ours, optimizer_for(ours, settings))
    _train(plain, optimizer_for(plain, LoopSettings(learning_rate=0.1, weight_decay=0.5)))
    for (name, value), expected in zip(ours.named_parameters(), plain.parameters(), strict=True):
        assert torch.equal(value, expected) is (name != "0.weight"), name


def test_without_a_muon_rate_or_without_kernels_it_is_adamw() -> None:
    assert type(optimizer_for(_network(), LoopSettings())) is torch.optim.AdamW
    assert type(optimizer_for(nn.Linear(2, 1), LoopSettings(muon_rate=_RATE))) is torch.optim.AdamW


def test_kernels_without_a_gradient_stay_unchanged() -> None:
    network = _network()
    kernel = network[0].weight.detach()
    optimizer = optimizer_for(network, LoopSettings(muon_rate=_RATE))
    assert isinstance(optimizer, Muon)
    before = kernel.clone()
    for gradient in (torch.zeros_like(kernel), None):
        network[0].weight.grad = gradient
        optimizer.step()
        assert torch.equal(kernel, before)


def test_momentum_moves_a_kernel_after_its_gradient_is_zero() -> None:
    network = _network()
    kernel = network[0].weight.detach()
    optimizer = optimizer_for(network, LoopSettings(muon_rate=_RATE))
    _train(network, optimizer)
    before = kernel.clone()
    network[0].weight.grad = torch.zeros_like(kernel)
    optimizer.step()
    assert not torch.equal(kernel, before)
