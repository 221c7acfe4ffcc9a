"""What a score would be if photos of one animal, patient or site could be on both sides of a split.

The head is fitted once more by cross-validation on the same training photos, with the same regularisation, but with
folds that keep only near-duplicates together. Both estimates are of the same photos by models of the same size, so that
their difference is due to the groups alone.
"""

import numpy as np
from numpy.typing import NDArray

from photoclass.metrics.bootstrap import bootstrap_means
from photoclass.metrics.classification import log_losses
from photoclass.metrics.intervals import percentile_interval
from photoclass.model.folder import MixedGroups
from photoclass.training.frozen.head import FeatureRows, Head, fit_head


def score_with_mixed_groups(
    head: Head,
    features: FeatureRows,
    labels: NDArray[np.int64],
    duplicates: NDArray[np.int64],
    groups: NDArray[np.int64],
    *,
    balance: bool,
    seed: int,
) -> MixedGroups:
    """Compare the cross-validated score of a head with what it would be if groups were mixed.

    Args:
        head: Fitted on these photos, with groups kept apart.
        features: Features of the training photos.
        labels: Shape (N,), class indices.
        duplicates: Shape (N,), the same number for near-duplicates.
        groups: Shape (N,), the same number for photos that were kept together.
        balance: As `fit_head`.
        seed: As `fit_head`.
    """
    apart = head.out_of_fold_probabilities
    classes = apart.shape[1]
    strengths = (head.strength,)
    again = fit_head(features, labels, duplicates, classes, balance=balance, seed=seed, strengths=strengths)
    mixed = again.out_of_fold_probabilities
    losses = [log_losses(probabilities, labels) for probabilities in (apart, mixed)]
    correct = [(probabilities.argmax(axis=1) == labels).astype(np.float64) for probabilities in (apart, mixed)]
    gain = correct[1] - correct[0]
    drawn = bootstrap_means(gain[:, None], groups)[:, 0]
    return MixedGroups(
        photos=len(labels),
        log_loss=float(losses[0].mean()),
        log_loss_mixed=float(losses[1].mean()),
        accuracy=float(correct[0].mean()),
        accuracy_mixed=float(correct[1].mean()),
        accuracy_gain_ci95=tuple(percentile_interval(float(gain.mean()), drawn).bounds() or ()),
    )
