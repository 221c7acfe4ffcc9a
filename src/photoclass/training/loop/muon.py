"""Muon (Jordan et al., 2024) for the kernels of convolutions, AdamW (Loshchilov and Hutter, 2019) for all else.

A gradient mostly points along the few directions in which a kernel learns most; the others hardly move, by any rate.
Muon takes all of them alike: it makes the mean of the gradients orthogonal before it follows it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

# Of x * (a + b x² + c x⁴), which takes singular values from (0, 1] to within a third of 1 in few rounds (Jordan et al.,
# 2024): near enough to learn by, and sooner there than a polynomial that arrives.
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5
_SMALLEST = 1e-12


class Muon(torch.optim.AdamW):
    """The optimizer; see the file's head.

    A step turns a kernel and leaves its size as it was: a normalisation behind it would undo what its size does.

    Args:
        kernels: What Muon moves, each of shape (filters, channels, height, width).
        muon_rate: How far a step turns a kernel, in radians.
        momentum: Decay of the mean of the kernels' gradients.
        groups: What AdamW moves, as torch has it.
        adam: AdamW's other arguments.
    """

    def __init__(
        self,
        kernels: Sequence[Tensor],
        muon_rate: float,
        momentum: float,
        groups: Iterable[dict[str, Any]],
        **adam: Any,
    ) -> None:
        super().__init__([*groups, {"params": list(kernels), "lr": muon_rate, "momentum": momentum}], **adam)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take a step along the gradients that are there; those of kernels are used up."""
        for group in self.param_groups:
            if "momentum" in group:
                for kernel in group["params"]:
                    self._turn(kernel, group["lr"], group["momentum"])
        super().step()  # passes over what has no gradient

    def _turn(self, kernel: Tensor, rate: float, momentum: float) -> None:
        if kernel.grad is None:
            return
        state = self.state[kernel]
        if not state:
            state["step"] = torch.tensor(0.0)  # AdamW asks it of all that it finds in a checkpoint
            state["mean"] = torch.zeros_like(kernel)
        state["step"] += 1
        # Nesterov's momentum: along the mean as the next gradient would find it.
        towards = kernel.grad.add(state["mean"].mul_(momentum).add_(kernel.grad), alpha=momentum)
        kernel.grad = None
        towards = newton_schulz(towards.flatten(1)).reshape(kernel.shape)
        size = kernel.norm()
        kernel.sub_(towards.mul_(rate * size / towards.norm().clamp_min(_SMALLEST)))
        kernel.mul_(size / kernel.norm().clamp_min(_SMALLEST))


def newton_schulz(matrix: Tensor) -> Tensor:
    """Return a matrix of the same singular vectors, whose singular values are about 1; shape (rows, columns).

    The polynomials in the singular values are worked out on the product of the matrix with its transpose, which is
    small and square, and applied to the matrix at the end: a third of the multiplications.
    """
    if matrix.shape[0] > matrix.shape[1]:
        return newton_schulz(matrix.T).T
    matrix = matrix / matrix.norm().clamp_min(_SMALLEST)
    squares = matrix @ matrix.T
    applied = factor = _factor(squares)
    for _ in range(_ROUNDS - 1):
        squares = factor @ squares @ factor
        factor = _factor(squares)
        applied = factor @ applied
    return applied @ matrix


def _factor(squares: Tensor) -> Tensor:
    """Return what a round multiplies by: a + b * squares + c * squares²."""
    a, b, c = _COEFFICIENTS
    factor = torch.addmm(squares, squares, squares, beta=b, alpha=c)
    factor.diagonal().add_(a)
    return factor
