"""The bootstrap: figures of photos drawn again, near-duplicates together, to see how far chance moves them (Efron, 1979).

A draw is how often each photo came: figures are then products of these counts with what each photo contributes, so that
2,000 draws of 25,000 photos take about as long as scoring one such set a few hundred times.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from photoclass.machine import processors
from photoclass.metrics.figures import (
    CALIBRATION_BINS,
    Labels,
    Probabilities,
    brier_scores,
    calibration_gaps,
    log_losses,
)
from photoclass.metrics.ranking import Ranking, ranked

DRAWS = 2000
Values = NDArray[np.float64]
_NUMBERS_AT_ONCE = 400_000  # counts of one block: what fits into a processor's cache


@dataclass(frozen=True)
class DrawnFigures:
    """The figures of each draw, shape (B,) each.

    Attributes:
        log_loss: In nats.
        brier: As `metrics.brier_score`.
        ece: Expected calibration error.
        ece_by_chance: What it would be, on the photos as they are, if the probabilities meant what they say.
        roc_auc: Not a number where the draw lacks a class.
        average_precision: Not a number where the draw lacks a class.
    """

    log_loss: Values
    brier: Values
    ece: Values
    ece_by_chance: Values
    roc_auc: Values
    average_precision: Values


def draw_figures(
    probabilities: Probabilities,
    labels: Labels,
    of_classes: tuple[Ranking, ...] = (),
    groups: NDArray[np.int64] | None = None,
    seed: int = 0,
    draws: int = DRAWS,
) -> DrawnFigures:
    """Draw photos again and compute their figures.

    Args:
        probabilities: Shape (N, C).
        labels: Shape (N,), class indices.
        of_classes: The photos ranked, as `ranking.rankings` does; none where they cannot be.
        groups: Shape (N,), the same number for photos that are near-duplicates; None where none are.
        seed: Decides the draws.
        draws: How many.
    """
    bin_of, sure, right = calibration_gaps(probabilities, labels)
    gaps = np.zeros((len(labels), CALIBRATION_BINS))
    gaps[np.arange(len(labels)), bin_of] = sure - right
    columns = np.column_stack([log_losses(probabilities, labels), brier_scores(probabilities, labels), gaps])

    def figures(counts: Values) -> Values:
        means = counts @ columns / counts.sum(axis=1, keepdims=True)
        auc, precision = ranked(of_classes, counts) if of_classes else (np.full(len(counts), np.nan),) * 2
        return np.column_stack([means[:, :2], np.abs(means[:, 2:]).sum(axis=1), auc, precision])

    loss, brier, ece, auc, precision = _of_each_draw(figures, len(labels), groups, seed, draws).T
    by_chance = _calibration_by_chance(bin_of, sure, groups, seed, draws)
    return DrawnFigures(loss, brier, ece, by_chance, auc, precision)


def draw_means(values: Values, groups: NDArray[np.int64] | None = None, seed: int = 0, draws: int = DRAWS) -> Values:
    """Draw photos again and compute the means of what each contributes.

    Args:
        values: Shape (N, K).
        groups: Shape (N,), the same number for photos that are near-duplicates; None where none are.
        seed: Decides the draws, whatever K is.
        draws: How many.

    Returns:
        Shape (draws, K).
    """

    def means(counts: Values) -> Values:
        return np.asarray(counts @ values / counts.sum(axis=1, keepdims=True))

    return _of_each_draw(means, len(values), groups, seed, draws)


def _of_each_draw(
    figures: Callable[[Values], Values], photos: int, groups: NDArray[np.int64] | None, seed: int, draws: int
) -> Values:
    """Compute figures, shape (B, K), of blocks of draws, in threads; the draws do not depend on how many there are."""
    blocks = enumerate(_blocks_of_counts(photos, groups, seed, draws))
    found: dict[int, Values] = {}
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number, counts = next(blocks, (-1, None))
            if counts is None:
                return
            found[number] = figures(counts)

    workers = processors() if draws * photos > _NUMBERS_AT_ONCE else 1
    with ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(work) for _ in range(workers)]:
            done.result()
    return np.concatenate([found[number] for number in sorted(found)])


def _blocks_of_counts(photos: int, groups: NDArray[np.int64] | None, seed: int, draws: int) -> Iterator[Values]:
    """Yield how often each photo was drawn, shape (B, N): as many pictures as there are, each with its near-duplicates."""
    generator = np.random.default_rng(seed)
    pictures, of_photo = photos, None
    if groups is not None:
        kinds, of_photo = np.unique(groups, return_inverse=True)
        pictures = len(kinds)
        if pictures == photos:
            of_photo = None
    at_once = max(1, _NUMBERS_AT_ONCE // photos)
    for start in range(0, draws, at_once):
        counts = np.empty((min(at_once, draws - start), photos))
        for row in counts:
            times = np.bincount(generator.integers(0, pictures, pictures), minlength=pictures)
            row[:] = times if of_photo is None else times[of_photo]
        yield counts


def _calibration_by_chance(
    bin_of: NDArray[np.int64], sure: Values, groups: NDArray[np.int64] | None, seed: int, draws: int
) -> Values:
    """Draw, for each bin, how many photos are right if each is so with the probability that was told.

    Within a bin, whose photos are about equally sure, that number is binomial. Near-duplicates are right or wrong together, which
    counts as fewer photos (`intervals.effective_count`).
    """
    generator = np.random.default_rng([seed, 1])
    total = np.zeros(draws)
    for number in np.unique(bin_of):
        of_bin = bin_of == number
        photos, told = int(of_bin.sum()), float(sure[of_bin].mean())
        pictures = photos
        if groups is not None:
            _, sizes = np.unique(groups[of_bin], return_counts=True)
            pictures = max(1, round(photos**2 / int((sizes**2).sum())))
        share_right = generator.binomial(pictures, min(told, 1.0), draws) / pictures
        total += np.abs(told - share_right) * photos
    return total / len(sure)
