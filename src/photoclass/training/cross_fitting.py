"""Cross-fitted estimate of the optimism of a validation score whose photos also selected epoch and temperature.

The validation photos are divided into folds, near-duplicates together. Epoch and temperature are selected again on all
folds but one and evaluated on that one. The mean over all photos is what such a selection achieves on photos that had
no part in it; the score of the selection on all photos, measured on those same photos, is better by the optimism.
After Cawley and Talbot (2010), "On Over-fitting in Model Selection and Subsequent Selection Bias in Performance
Evaluation", https://www.jmlr.org/papers/v11/cawley10a.html. A selection on four fifths of the photos is slightly worse
than one on all, so the estimate errs, if at all, on the side of caution.
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
# Limit on the logits that are kept of all epochs: 256 MB in float32.
_MOST_LOGITS = 64_000_000
# Losses are tabulated on a grid of the logarithm of the scale (1 / temperature) around each epoch's optimum and
# interpolated by parabolas: a selection on some folds then costs sums, not exponentials. With steps of 0.1 that is
# exact to some 1e-5 nats.
_OFFSETS = np.linspace(-0.6, 0.6, 13)
_MAX_LOSS = np.log(1 / CLIP)  # the most that one photo adds to a score


def kept_rows(photos: int, classes: int, epochs: int, seed: int, kept: int | None = None) -> NDArray[np.int64]:
    """Return the validation photos whose logits are kept after every epoch: all, or a fixed random sample.

    Args:
        photos: Number of validation photos.
        classes: Number of classes.
        epochs: Maximum number of epochs.
        seed: Decides the sample.
        kept: Size of the sample that a resumed run began with.
    """
    affordable = _MOST_LOGITS // (classes * epochs)
    count = min(photos, _MOST_PHOTOS, max(1, affordable)) if kept is None else kept
    if count == photos:
        return np.arange(photos)
    return np.sort(np.random.default_rng([seed, 1]).permutation(photos)[:count])


def selected_by_validation(epochs: int, calibrate: bool) -> tuple[str, ...]:
    """Name what the validation photos selected; with a single epoch there is no selection among epochs."""
    return (EPOCH,) * (epochs > 1) + (TEMPERATURE,) * calibrate


def estimate_optimism(
    logits: Sequence[NDArray[np.floating]],
    labels: NDArray[np.int64],
    duplicates: NDArray[np.int64],
    calibrate: bool,
    seed: int,
    all_photos: int | None = None,
) -> Optimism | None:
    """Estimate the optimism of the score of the epoch with the lowest loss, on the photos that selected it.

    Args:
        logits: One array of shape (N, K) per epoch; K is 1 for two classes (the logit of class 1), else their number.
            Epochs with NaN or infinity are not candidates.
        labels: Shape (N,), class indices.
        duplicates: Shape (N,), the same number for photos that are near-duplicates of each other.
        calibrate: Whether each epoch is compared, and used, with its best temperature.
        seed: Decides the folds.
        all_photos: How many photos selected, where only N of them are given.

    Returns:
        None where nothing was selected.
    """
    candidates = [epoch for epoch in logits if np.isfinite(epoch).all()]
    selected = selected_by_validation(len(candidates), calibrate)
    if not selected:
        return None
    group = np.unique(duplicates, return_inverse=True)[1]
    groups = int(group.max()) + 1
    if groups < 2:
        return Optimism(selected, "a single picture cannot be divided into folds")
    table = _Table.of(candidates, labels, calibrate)
    folds = min(_FOLDS, groups)
    generator = np.random.default_rng([seed, 2])
    own = table.evaluated(np.ones((1, len(labels))))[:, 0]
    drawn = np.zeros((_DRAWS, 2, len(labels)))
    for draw in range(_DRAWS):
        fold = generator.permutation(groups)[group] % folds
        evaluated = table.evaluated((fold != np.arange(folds)[:, None]).astype(np.float64))
        drawn[draw] = evaluated[:, fold, np.arange(len(labels))]
    better = (drawn - own) * np.array([1, -1])[:, None]
    estimates = [_estimate(better[:, i], group) for i in (0, 1)]
    how = f"cross-fitting, {_DRAWS} x {folds} folds"
    if all_photos is not None and all_photos > len(labels):
        how += f", on {len(labels):,} of the {all_photos:,} photos; the optimism of fewer photos is larger"
    return Optimism(selected, how, *estimates)


def _estimate(better: Numbers, group: NDArray[np.int64]) -> Estimate:
    """Return the mean of an array of shape (draws, N) with its standard error.

    The standard error is the larger of two: over photos, near-duplicates together, and over the random folds. In
    simulations the second is close to the spread of the mean from one set of photos to the next where there are many
    similar epochs, the first where a temperature is all that was selected.
    """
    by_photo = better.mean(axis=0)
    value = by_photo.mean()
    sums = np.bincount(group, weights=by_photo - value)
    count = len(sums)
    over_photos = np.sqrt((sums**2).sum() * count / (count - 1)) / len(by_photo)
    over_draws = better.mean(axis=1).std(ddof=1)
    return Estimate(float(value), float(max(over_photos, over_draws)))


@dataclass(frozen=True)
class _Table:
    """The loss of each photo for each candidate epoch and scale.

    Attributes:
        losses: Shape (E, G, N), in nats, by epoch and scale.
        correct: Shape (E, N): whether the epoch classifies the photo correctly, whatever the scale.
        log_scales: Shape (E, G).
    """

    losses: Numbers
    correct: Numbers
    log_scales: Numbers

    @classmethod
    def of(cls, logits: Sequence[NDArray[np.floating]], labels: NDArray[np.int64], calibrate: bool) -> "_Table":
        """Tabulate the losses of the logits of every epoch, shape (N, K) each."""
        losses, correct, log_scales = [], [], []
        for epoch in logits:
            values = epoch.astype(np.float64)
            own = -np.log(fit_temperature(values, labels)) if calibrate else 0.0
            scales = own + _OFFSETS if calibrate else np.zeros(1)
            columns = np.ascontiguousarray(class_logits(values).T)
            columns -= columns.max(axis=0)
            true_logits = columns[labels, np.arange(len(labels))]
            correct.append(columns.argmax(axis=0) == labels)
            losses.append([np.log(np.exp(s * columns).sum(axis=0)) - s * true_logits for s in np.exp(scales).tolist()])
            log_scales.append(scales)
        return cls(np.array(losses), np.array(correct, dtype=np.float64), np.array(log_scales))

    def evaluated(self, selecting: Numbers) -> Numbers:
        """Select epoch and scale on some of the photos, and evaluate them on all.

        Args:
            selecting: Shape (F, N): 1 for the photos that select, 0 for the others.

        Returns:
            Shape (2, F, N): the loss of each photo in nats, and whether it is classified correctly.
        """
        epochs, scales, photos = self.losses.shape
        sums = (self.losses.reshape(-1, photos) @ selecting.T).reshape(epochs, scales, -1)
        weights = self._scale_weights(sums)
        epoch = (sums * weights).sum(axis=1).argmin(axis=0)
        each = range(len(selecting))
        losses = [weights[epoch[f], :, f] @ self.losses[epoch[f]] for f in each]
        return np.array([np.minimum(losses, _MAX_LOSS), self.correct[epoch]])

    def _scale_weights(self, sums: Numbers) -> Numbers:
        """Return weights of the tabulated scales that interpolate the best scale by a parabola; shape (E, G, F).

        Args:
            sums: Shape (E, G, F), summed losses.
        """
        if sums.shape[1] == 1:
            return np.ones_like(sums)
        # With the prior of `fit_temperature`.
        costs = sums + (self.log_scales**2 / (2 * LOG_SCALE_SPREAD**2))[:, :, None]
        middle = costs.argmin(axis=1).clip(1, sums.shape[1] - 2)
        left, centre, right = (np.take_along_axis(costs, (middle + i)[:, None], axis=1)[:, 0] for i in (-1, 0, 1))
        bend = left - 2 * centre + right
        shift = (0.5 * (left - right) / np.where(bend > 0, bend, 1)).clip(-1, 1)
        weights = np.zeros_like(sums)
        for i, part in zip((-1, 0, 1), (shift * (shift - 1) / 2, 1 - shift**2, shift * (shift + 1) / 2), strict=True):
            np.put_along_axis(weights, (middle + i)[:, None], part[:, None], axis=1)
        return weights
