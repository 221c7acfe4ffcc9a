"""The bootstrap: metrics on resamples of the photos, drawn with replacement, near-duplicates together.

Efron (1979), "Bootstrap Methods: Another Look at the Jackknife". A resample is stored as the number of times that each
photo was drawn. Metrics are then matrix products of these counts with each photo's contribution, so 2,000 resamples of
25,000 photos take about as long as scoring such a set a few hundred times.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.machine import processors
from photoclass.metrics.classification import CALIBRATION_BINS, brier_scores, confidence_bins, log_losses
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.metrics.ranking import mean_metrics, rank_photos

RESAMPLES = 2000
Values = NDArray[np.float64]
_NUMBERS_AT_ONCE = 400_000  # counts of one block: what fits into a processor's cache


@dataclass(frozen=True)
class BootstrapMetrics:
    """The metrics of each resample, shape (B,) each.

    Attributes:
        log_loss: In nats.
        brier: As `classification.brier_score`.
        ece: Expected calibration error.
        ece_if_calibrated: What it would be on these photos if the model were perfectly calibrated.
        roc_auc: NaN if the photos or the resample lack a class.
        average_precision: NaN if the photos or the resample lack a class.
    """

    log_loss: Values
    brier: Values
    ece: Values
    ece_if_calibrated: Values
    roc_auc: Values
    average_precision: Values


def bootstrap_metrics(photos: LabelledProbabilities, seed: int = 0, resamples: int = RESAMPLES) -> BootstrapMetrics:
    """Resample photos and compute their metrics.

    Args:
        photos: The predictions.
        seed: Decides the resamples.
        resamples: How many, B.
    """
    bin_of = confidence_bins(photos.confidence)
    gaps = np.zeros((len(photos), CALIBRATION_BINS))
    gaps[np.arange(len(photos)), bin_of] = photos.confidence - photos.correct
    losses = log_losses(photos.probabilities, photos.labels)
    columns = np.column_stack([losses, brier_scores(photos.probabilities, photos.labels), gaps])
    rankings = rank_photos(photos.probabilities, photos.labels) if photos.class_counts.all() else ()

    def metrics(counts: Values) -> Values:
        means = counts @ columns / counts.sum(axis=1, keepdims=True)
        auc, precision = mean_metrics(rankings, counts) if rankings else (np.full(len(counts), np.nan),) * 2
        return np.column_stack([means[:, :2], np.abs(means[:, 2:]).sum(axis=1), auc, precision])

    loss, brier, ece, auc, precision = _on_resamples(metrics, len(photos), photos.groups, seed, resamples).T
    if_calibrated = _calibration_errors_by_chance(photos, bin_of, seed, resamples)
    return BootstrapMetrics(loss, brier, ece, if_calibrated, auc, precision)


def bootstrap_means(
    values: Values, groups: NDArray[np.int64] | None = None, seed: int = 0, resamples: int = RESAMPLES
) -> Values:
    """Resample photos and compute the means of their values.

    Args:
        values: Shape (N, K).
        groups: Shape (N,), as in `LabelledProbabilities`.
        seed: Decides the resamples, whatever K is.
        resamples: How many, B.

    Returns:
        Shape (B, K).
    """

    def means(counts: Values) -> Values:
        return np.asarray(counts @ values / counts.sum(axis=1, keepdims=True))

    return _on_resamples(means, len(values), groups, seed, resamples)


def _on_resamples(
    metrics: Callable[[Values], Values], photos: int, groups: NDArray[np.int64] | None, seed: int, resamples: int
) -> Values:
    """Compute metrics, shape (B, K), of blocks of resamples in threads; their number does not change the resamples."""
    blocks = enumerate(_blocks_of_counts(photos, groups, seed, resamples))
    found: dict[int, Values] = {}
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number, counts = next(blocks, (-1, None))
            if counts is None:
                return
            found[number] = metrics(counts)

    workers = processors() if resamples * photos > _NUMBERS_AT_ONCE else 1
    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(work) for _ in range(workers)]:
            done.result()
    return np.concatenate([found[number] for number in sorted(found)])


def _blocks_of_counts(photos: int, groups: NDArray[np.int64] | None, seed: int, resamples: int) -> Iterator[Values]:
    """Yield how often each photo was drawn, shape (b, N): G draws of the G groups, each with all of its photos."""
    generator = np.random.default_rng(seed)
    group_count, group_of_photo = photos, None
    if groups is not None:
        distinct, group_of_photo = np.unique(groups, return_inverse=True)
        group_count = len(distinct)
        if group_count == photos:
            group_of_photo = None
    at_once = max(1, _NUMBERS_AT_ONCE // photos)
    for start in range(0, resamples, at_once):
        counts = np.empty((min(at_once, resamples - start), photos))
        for row in counts:
            drawn = np.bincount(generator.integers(0, group_count, group_count), minlength=group_count)
            row[:] = drawn if group_of_photo is None else drawn[group_of_photo]
        yield counts


def _calibration_errors_by_chance(
    photos: LabelledProbabilities, bin_of: NDArray[np.int64], seed: int, resamples: int
) -> Values:
    """Simulate calibration errors, shape (B,), that a perfectly calibrated model would show on these photos.

    Within a bin, where photos have about the same confidence, the number classified correctly is binomial.
    Near-duplicates are right or wrong together, which makes for a smaller sample (`effective_sample_size`).
    """
    generator = np.random.default_rng([seed, 1])
    total = np.zeros(resamples)
    for number in np.unique(bin_of):
        in_bin = bin_of == number
        count, confidence = int(in_bin.sum()), float(photos.confidence[in_bin].mean())
        sample = count
        if photos.groups is not None:
            _, sizes = np.unique(photos.groups[in_bin], return_counts=True)
            sample = max(1, round(count**2 / int((sizes**2).sum())))
        accuracy = generator.binomial(sample, min(confidence, 1.0), resamples) / sample
        total += np.abs(confidence - accuracy) * count
    return total / len(photos)
