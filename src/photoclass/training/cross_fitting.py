"""By how much the validation score of the chosen epoch and temperature tends to flatter, estimated by cross-fitting.

The validation photos are divided into folds, near-duplicates together. Epoch and temperature are chosen again on all folds but
one and judged on that one; the mean over all photos is what such a choice gives on photos that had no part in it. The
figure of the choice by all photos, on these very photos, is better than that by the optimism. After Cawley and Talbot
(2010), "On Over-fitting in Model Selection and Subsequent Selection Bias in Performance Evaluation". A choice by four
fifths of the photos is a little worse than one by all, so the estimate errs, if at all, to the side of caution.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.metrics.calibration import LOG_SCALE_SPREAD, fit_temperature
from photoclass.metrics.classification import CLIP
from photoclass.metrics.logits import class_logits
from photoclass.metrics.optimism import EPOCH, TEMPERATURE, Estimate, Optimism

Numbers = NDArray[np.float64]

_FOLDS, _DRAWS = 5, 10
_MOST_PHOTOS = 20_000
# What the logits kept of all epochs may take: 256 MB in float32.
_MOST_LOGITS = 64_000_000
# Losses are tabulated at logarithms of the scale (1 / temperature) around each epoch's own, with parabolas between: a
# choice among folds then costs sums instead of exponentials. With steps of 0.1 that is exact to some 1e-5 nats.
_OFFSETS = np.linspace(-0.6, 0.6, 13)
_LAST = np.log(1 / CLIP)  # what a score counts one photo with at most


def kept_rows(photos: int, classes: int, epochs: int, seed: int, kept: int | None = None) -> NDArray[np.int64]:
    """Return the validation photos whose logits are kept after every epoch: all, or a random choice that stays.

    Args:
        photos: How many there are.
        classes: Numbers for each of them, at most.
        epochs: How many epochs there will be, at most.
        seed: Decides the choice.
        kept: How many it has to be, where a resumed run kept some before.
    """
    affordable = _MOST_LOGITS // (classes * epochs)
    count = min(photos, _MOST_PHOTOS, max(1, affordable)) if kept is None else kept
    if count == photos:
        return np.arange(photos)
    return np.sort(np.random.default_rng([seed, 1]).permutation(photos)[:count])


def what_was_chosen(epochs: int, calibrate: bool) -> tuple[str, ...]:
    """Name what the validation photos chose: among one epoch there is no choice."""
    return (EPOCH,) * (epochs > 1) + (TEMPERATURE,) * calibrate


def estimate_optimism(
    logits: Sequence[NDArray[np.floating]],
    labels: NDArray[np.int64],
    duplicates: NDArray[np.int64],
    calibrate: bool,
    seed: int,
    of_photos: int | None = None,
) -> Optimism | None:
    """Estimate by how much the score of the epoch with the lowest loss flatters, on the photos that chose it.

    Args:
        logits: Of every epoch, shape (N, K) each; K is 1 for two classes (the logit of class 1), else their number.
            Epochs with others than numbers are no candidates.
        labels: Shape (N,), class indices.
        near-duplicates: Shape (N,), the same number for photos that are near-duplicates.
        calibrate: Whether each epoch is judged, and used, with the temperature that suits it best.
        seed: Decides the folds.
        of_photos: How many photos chose, where N of them are known.

    Returns:
        None where nothing was chosen.
    """
    candidates = [epoch for epoch in logits if np.isfinite(epoch).all()]
    chose = what_was_chosen(len(candidates), calibrate)
    if not chose:
        return None
    group = np.unique(duplicates, return_inverse=True)[1]
    groups = int(group.max()) + 1
    if groups < 2:
        return Optimism(chose, "one picture cannot be divided into folds")
    table = _Table.of(candidates, labels, calibrate)
    folds = min(_FOLDS, groups)
    generator = np.random.default_rng([seed, 2])
    own = table.judged(np.ones((1, len(labels))))[:, 0]
    drawn = np.zeros((_DRAWS, 2, len(labels)))
    for draw in range(_DRAWS):
        fold = generator.permutation(groups)[group] % folds
        judged = table.judged((fold != np.arange(folds)[:, None]).astype(np.float64))
        drawn[draw] = judged[:, fold, np.arange(len(labels))]
    better = (drawn - own) * np.array([1, -1])[:, None]
    estimates = [_estimate(better[:, i], group) for i in (0, 1)]
    how = f"cross-fitting, {_DRAWS} x {folds} folds"
    if of_photos is not None and of_photos > len(labels):
        how += f", with {len(labels):,} of the {of_photos:,} photos, of which fewer flatter more"
    return Optimism(chose, how, *estimates)


def _estimate(better: Numbers, group: NDArray[np.int64]) -> Estimate:
    """Return the mean of shape (draws, N) with its standard error.

    Taken is the larger of what photos say (near-duplicates together) and what the draws of the folds say. In simulations the
    second is close to how much the mean varies from one set of photos to the next where epochs are many and alike,
    the first where one temperature is all that was chosen.
    """
    of_photos = better.mean(axis=0)
    value = of_photos.mean()
    sums = np.bincount(group, weights=of_photos - value)
    count = len(sums)
    by_photos = np.sqrt((sums**2).sum() * count / (count - 1)) / len(of_photos)
    by_draws = better.mean(axis=1).std(ddof=1)
    return Estimate(float(value), float(max(by_photos, by_draws)))


@dataclass(frozen=True)
class _Table:
    """What each candidate would cost each photo.

    Attributes:
        losses: Shape (E, G, N): in nats, by epoch and scale.
        right: Shape (E, N): whether the epoch tells the photo rightly, which no scale changes.
        log_scales: Shape (E, G).
    """

    losses: Numbers
    right: Numbers
    log_scales: Numbers

    @classmethod
    def of(cls, logits: Sequence[NDArray[np.floating]], labels: NDArray[np.int64], calibrate: bool) -> "_Table":
        """Tabulate the losses of logits, shape (N, K) each."""
        losses, right, log_scales = [], [], []
        for epoch in logits:
            values = epoch.astype(np.float64)
            own = -np.log(fit_temperature(values, labels)) if calibrate else 0.0
            scales = own + _OFFSETS if calibrate else np.zeros(1)
            columns = np.ascontiguousarray(class_logits(values).T)
            columns -= columns.max(axis=0)
            of_label = columns[labels, np.arange(len(labels))]
            right.append(columns.argmax(axis=0) == labels)
            losses.append([np.log(np.exp(s * columns).sum(axis=0)) - s * of_label for s in np.exp(scales).tolist()])
            log_scales.append(scales)
        return cls(np.array(losses), np.array(right, dtype=np.float64), np.array(log_scales))

    def judged(self, chosen_by: Numbers) -> Numbers:
        """Choose epoch and scale by some of the photos, and judge all of them so.

        Args:
            chosen_by: Shape (F, N): 1 for the photos that choose, 0 for the others.

        Returns:
            Shape (2, F, N): the loss of each photo in nats, and whether it is classified correctly.
        """
        epochs, scales, photos = self.losses.shape
        sums = (self.losses.reshape(-1, photos) @ chosen_by.T).reshape(epochs, scales, -1)
        weights = self._scale_weights(sums)
        epoch = (sums * weights).sum(axis=1).argmin(axis=0)
        each = range(len(chosen_by))
        losses = [weights[epoch[f], :, f] @ self.losses[epoch[f]] for f in each]
        return np.array([np.minimum(losses, _LAST), self.right[epoch]])

    def _scale_weights(self, sums: Numbers) -> Numbers:
        """Return how much of each tabulated scale makes the best one, by a parabola through three; shape (E, G, F).

        Args:
            sums: Shape (E, G, F): summed losses.
        """
        if sums.shape[1] == 1:
            return np.ones_like(sums)
        # The prior that `fit_temperature` has.
        costs = sums + (self.log_scales**2 / (2 * LOG_SCALE_SPREAD**2))[:, :, None]
        middle = costs.argmin(axis=1).clip(1, sums.shape[1] - 2)
        left, centre, right = (np.take_along_axis(costs, (middle + i)[:, None], axis=1)[:, 0] for i in (-1, 0, 1))
        bend = left - 2 * centre + right
        shift = (0.5 * (left - right) / np.where(bend > 0, bend, 1)).clip(-1, 1)
        weights = np.zeros_like(sums)
        for i, part in zip((-1, 0, 1), (shift * (shift - 1) / 2, 1 - shift**2, shift * (shift + 1) / 2), strict=True):
            np.put_along_axis(weights, (middle + i)[:, None], part[:, None], axis=1)
        return weights
