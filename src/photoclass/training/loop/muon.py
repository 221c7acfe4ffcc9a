"""The Muon optimizer for convolution kernels, with AdamW for all other parameters.

The gradient of a kernel, taken as a matrix, is usually dominated by a few singular directions; along the others the
kernel hardly moves at any learning rate. Muon orthogonalises the momentum by a Newton-Schulz iteration before each
step, so that all directions move alike.

References:
    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
    https://kellerjordan.github.io/posts/muon/
    Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (AdamW), 2019, https://arxiv.org/abs/1711.05101
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

# Coefficients of the Newton-Schulz polynomial x * (a + b x² + c x⁴) of Jordan et al. (2024). In five steps it brings
# singular values from (0, 1] to within a third of 1. That is accurate enough for training, and takes fewer steps than
# a polynomial that converges to 1.
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_STEPS = 5
_EPSILON = 1e-12


class Muon(torch.optim.AdamW):
    """Muon for kernels, AdamW for the rest.

    An update rotates a kernel by a fixed angle and keeps its norm, which a normalisation layer would cancel anyway.

    Args:
        kernels: Parameters that Muon updates, each of shape (filters, channels, height, width).
        muon_rate: Angle of an update, in radians.
        momentum: Decay of the moving average of the kernels' gradients.
        groups: Parameter groups that AdamW updates, as torch takes them.
        adam: Further arguments of AdamW.
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
        """Update all parameters that have a gradient; the gradients of kernels are cleared."""
        for group in self.param_groups:
            if "momentum" in group:
                for kernel in group["params"]:
                    self._update_kernel(kernel, group["lr"], group["momentum"])
        super().step()  # skips kernels, which have no gradient any more

    def _update_kernel(self, kernel: Tensor, rate: float, momentum: float) -> None:
        if kernel.grad is None:
            return
        state = self.state[kernel]
        if not state:
            state["step"] = torch.tensor(0.0)  # AdamW expects it for every parameter when a checkpoint is loaded
            state["mean"] = torch.zeros_like(kernel)
        state["step"] += 1
        # Nesterov momentum: looks ahead by one decay of the moving average.
        update = kernel.grad.add(state["mean"].mul_(momentum).add_(kernel.grad), alpha=momentum)
        kernel.grad = None
        update = newton_schulz(update.flatten(1)).reshape(kernel.shape)
        norm = kernel.norm()
        kernel.sub_(update.mul_(rate * norm / update.norm().clamp_min(_EPSILON)))
        kernel.mul_(norm / kernel.norm().clamp_min(_EPSILON))


def newton_schulz(matrix: Tensor) -> Tensor:
    """Orthogonalise approximately: keep the singular vectors, and bring all singular values close to 1.

    The polynomials are evaluated on the product of the matrix with its transpose, which is small and square, and
    product to the matrix once, at the end. That needs a third of the multiplications.

    Args:
        matrix: Shape (rows, columns).
    """
    if matrix.shape[0] > matrix.shape[1]:
        return newton_schulz(matrix.T).T
    matrix = matrix / matrix.norm().clamp_min(_EPSILON)
    gram = matrix @ matrix.T
    product = factor = _factor(gram)
    for _ in range(_STEPS - 1):
        gram = factor @ gram @ factor
        factor = _factor(gram)
        product = factor @ product
    return product @ matrix


def _factor(gram: Tensor) -> Tensor:
    """Return the factor of one step: a + b * gram + c * gram²."""
    a, b, c = _COEFFICIENTS
    factor = torch.addmm(gram, gram, gram, beta=b, alpha=c)
    factor.diagonal().add_(a)
    return factor
