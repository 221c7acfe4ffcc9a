"""Whether prediction sets hold the true class as often as asked, on ten random splits of the held-out photos.

python benchmarks/conformal_coverage.py RUN [RUN...] [--splits 10] [--coverage 0.9 0.95 0.99 0.995]

Each split calibrates the sets on one half of the held-out photos of a model folder and measures them on the other.
How often a split may fall short is known exactly: with n photos to calibrate on and m to measure, the covered ones have
a beta-binomial distribution. So a split passes if it is not below the 2.5 % quantile of that (for sets by class, in
each class); `binomial` counts the splits whose 95 % binomial interval alone reaches what was asked. The last columns
compare the size of the sets with those of APS (adaptive prediction sets; Romano, Sesia and Candès, 2020,
"Classification with Valid and Adaptive Coverage"), made from the same photos.
"""

import argparse
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from common.measuring import machine
from numpy.typing import NDArray
from scipy import stats

from photoclass.metrics.conformal import conformal_thresholds, measure_sets
from photoclass.metrics.labelled import LabelledProbabilities
from photoclass.model.folder import load_info, load_predictions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--coverage", type=float, nargs="+", default=[0.9, 0.95, 0.99, 0.995])
    arguments = parser.parse_args()
    print(f"{machine()}\n")
    print("| run | asked | by | valid → held-out | mean of splits | lowest | pass | binomial | mean size | APS |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for run in arguments.runs:
        valid, held_out = photos_of(run, "valid"), photos_of(run, "held_out")
        for coverage in arguments.coverage:
            for by in ("all", "class"):
                print(row_of(run.name, valid, held_out, coverage, by == "class", arguments.splits))


def photos_of(run: Path, split: str) -> LabelledProbabilities:
    """Return the photos of a split with their predictions."""
    info = load_info(run)
    found = load_predictions(run, info, split)
    assert found is not None, f"{run} has no predictions of {split}"
    return LabelledProbabilities(found.probabilities, found.labels, info.class_names, found.groups)


def row_of(
    name: str,
    valid: LabelledProbabilities,
    held_out: LabelledProbabilities,
    coverage: float,
    by_class: bool,
    splits: int,
) -> str:
    """Return a row of the table."""
    direct = measure_sets(conformal_thresholds(valid, coverage, by_class), held_out)
    covered, sizes, aps_sizes, passed, binomial = [], [], [], 0, 0
    for seed in range(splits):
        order = np.random.default_rng(seed).permutation(len(held_out))
        half = len(order) // 2
        given, new = held_out.select(order[:half]), held_out.select(order[half:])
        measured = measure_sets(conformal_thresholds(given, coverage, by_class), new)
        covered.append(measured.coverage.value)
        sizes.append(measured.mean_size)
        aps_sizes.append(aps_size(given, new, coverage))
        passed += all(passes(*counts, coverage) for counts in counts_of(given, new, coverage, by_class))
        binomial += measured.coverage.high >= coverage
    figures = f"{direct.coverage.value:.2%} | {np.mean(covered):.2%} | {min(covered):.2%} | {passed}/{splits}"
    compared = "–" if by_class else f"{np.mean(aps_sizes):.3f}"
    by = "class" if by_class else "all"
    return f"| {name} | {coverage:.4g} | {by} | {figures} | {binomial}/{splits} | {np.mean(sizes):.3f} | {compared} |"


def counts_of(
    given: LabelledProbabilities, new: LabelledProbabilities, coverage: float, by_class: bool
) -> Iterator[tuple[int, int, int]]:
    """Yield photos to calibrate on, photos to measure on, and how many are covered: of all, or of each class."""
    sets = conformal_thresholds(given, coverage, by_class).sets(new.probabilities)
    covered = sets[np.arange(len(new)), new.labels]
    if not by_class:
        yield len(given), len(new), int(covered.sum())
        return
    for c, count in enumerate(given.class_counts):
        rows = new.labels == c
        yield int(count), int(rows.sum()), int(covered[rows].sum())


def passes(calibrated_on: int, photos: int, covered: int, coverage: float) -> bool:
    """Return whether so few covered photos would be seen in at least 2.5 % of splits that keep the guarantee."""
    rank = math.ceil((calibrated_on + 1) * coverage - 1e-9)
    return covered >= stats.betabinom(photos, rank, calibrated_on + 1 - rank).ppf(0.025)


def aps_size(given: LabelledProbabilities, new: LabelledProbabilities, coverage: float) -> float:
    """Return the mean size of the sets of APS without randomisation, which are never empty."""
    mass = cumulative(given.probabilities)[np.arange(len(given)), given.labels]
    rank = math.ceil((len(given) + 1) * coverage - 1e-9)
    limit = np.sort(mass)[rank - 1]
    return float((cumulative(new.probabilities) <= limit).sum(axis=1).clip(1).mean())


def cumulative(probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return for each class its probability and that of all more probable ones, shape (N, C)."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    mass = np.empty(probabilities.shape)
    np.put_along_axis(mass, order, np.cumsum(np.take_along_axis(probabilities, order, axis=1), axis=1), axis=1)
    return mass


if __name__ == "__main__":
    main()
