"""Logits in torch, by the convention of `metrics.logits`: two classes share one, more classes have one each."""

import torch
import torch.nn.functional as F
from torch import Tensor


def is_binary(logits: Tensor) -> bool:
    """Return whether logits, shape (N, K), are the single ones of two classes."""
    return logits.shape[1] == 1


def to_probabilities(logits: Tensor) -> Tensor:
    """Return probabilities, shape (N, C), of logits, shape (N, K)."""
    if not is_binary(logits):
        return torch.softmax(logits, dim=1)
    # Not 1 - sigmoid: near certainty, that would round the smaller probability to 0.
    return torch.cat([torch.sigmoid(-logits), torch.sigmoid(logits)], dim=1)


def predicted_classes(logits: Tensor) -> Tensor:
    """Return the predicted classes, shape (N,), of logits, shape (N, K)."""
    return (logits[:, 0] > 0).long() if is_binary(logits) else logits.argmax(dim=1)


def cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Return the mean cross-entropy in nats, a scalar.

    Args:
        logits: Shape (N, K), of any precision; the loss is computed in full precision.
        labels: Shape (N,), class indices.
        smoothing: Share of each label that is spread evenly over all classes.
    """
    logits = logits.float()  # bf16 has three digits
    if not is_binary(logits):
        return F.cross_entropy(logits, labels, label_smoothing=smoothing)
    targets = labels.float() * (1 - smoothing) + smoothing / 2
    return F.binary_cross_entropy_with_logits(logits[:, 0], targets)
